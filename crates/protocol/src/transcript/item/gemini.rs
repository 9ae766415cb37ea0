//! Gemini CLI's lines as items. A line of an answer is written again when something is added to it; its items are
//! then the same once more, and whoever tells them passes over those that were told.

use std::borrow::Cow;

use langley_model::LineFacts;

use super::{Content, Item, Words, said};
use crate::json::{Object, elements};
use crate::transcript::parsed::Parsed;
use crate::transcript::stamp::micros;

pub(super) fn read<'a>(
    Parsed { line, content, .. }: &Parsed<'a>,
    (facts, whole): (&LineFacts, &'a str),
    items: &mut Vec<Item<'a>>,
) {
    let content = content.as_ref().map(Content::of_parts);
    let text = content.and_then(|content| content.text).filter(|text| !text.is_empty());
    match facts.kind.as_str() {
        "user" => items.extend(text.map(|text| said(facts, text, 0))),
        "gemini" => {
            for thought in line.raw("thoughts").and_then(elements).unwrap_or_default() {
                let Some(thought) = Object::of(thought.get()) else { continue };
                let parts = [thought.text("subject"), thought.text("description")];
                let parts: Vec<_> = parts.into_iter().flatten().collect();
                let text = Words::Plain(Cow::Owned(parts.join("\n")));
                items.push(Item::Thinking { text: Some(text) });
            }
            items.extend(text.map(|text| Item::Text { text: Words::Plain(text) }));
            for call in line.raw("toolCalls").and_then(elements).unwrap_or_default() {
                let Some(call) = Object::of(call.get()) else { continue };
                items.push(Item::Call {
                    id: call.text("id").unwrap_or_default(),
                    name: call.text("name").unwrap_or_default(),
                    namespace: None,
                    input: Cow::Borrowed(call.raw("args").unwrap_or("{}")),
                    is_hosted: false,
                });
                if let Some(content) = call.raw("result") {
                    let status = call.text("status");
                    let is_cancelled = status.as_deref() == Some("cancelled");
                    items.push(Item::Result {
                        id: call.text("id").unwrap_or_default(),
                        content,
                        // What somebody called off has neither failed nor gone well.
                        has_failed: status
                            .filter(|_| !is_cancelled)
                            .map(|status| status != "success"),
                        detail: call.raw("status").filter(|_| is_cancelled),
                        at: call.text("timestamp").as_deref().and_then(micros),
                    });
                }
            }
        }
        "error" => items.push(Item::Failure {
            kind: Cow::Borrowed("error"),
            message: text.unwrap_or_default(),
            status: None,
        }),
        "info" | "warning" => {
            items
                .extend(text.map(|text| Item::Meta { kind: Cow::Owned(facts.kind.clone()), text }));
        }
        "sessionId" | "$set" | "$rewindTo" => {}
        _ => items.push(Item::Unknown { json: whole }),
    }
}
