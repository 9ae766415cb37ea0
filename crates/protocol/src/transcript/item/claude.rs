//! Claude Code's lines as items: an answer has one block a line, results stand in lines of the user.

use std::borrow::Cow;

use langley_model::{LineFacts, LineRole};

use super::{Aside, Content, Item, Words, asked, shown};
use crate::json::{Object, inner};
use crate::transcript::envelope::queued_prompt;
use crate::transcript::parsed::{Parsed, Part, Parts};
use crate::transcript::spoken::CLAUDE;

/// Kinds that say nothing that is told by items: notes of the agent for itself.
const NOTES: [&str; 22] = [
    "agent-name",
    "ai-title",
    "api-request",
    "api-request-blob",
    "api-request-shape",
    "atis-latch",
    "attachment",
    "cost-state",
    "custom-title",
    "file-history-snapshot",
    "last-prompt",
    "mode",
    "permission-mode",
    "pr-link",
    "progress",
    "queue-operation",
    "summary",
    "system",
    "tag",
    "tools-used",
    "user",
    "assistant",
];

/// How the text begins that stands where a person stopped the model.
const INTERRUPTED: &str = "[Request interrupted by user";

pub(super) fn read<'a>(
    Parsed { line, content, raw_content, .. }: &Parsed<'a>,
    (facts, whole): (&LineFacts, &'a str),
    items: &mut Vec<Item<'a>>,
) {
    let kind = facts.kind.as_str();
    let content = content.as_ref();
    for name in ["version", "entrypoint"] {
        let beside = |json| Item::Beside { aside: Aside::Session, kind: Cow::Borrowed(name), json };
        items.extend(line.raw(name).map(beside));
    }
    match kind {
        "user" => user(line, facts, content, items),
        "assistant" => answer(line, content, items),
        "system" => system(line, (facts, whole), *raw_content, items),
        "attachment" => attachment(line, facts, items),
        "progress" => {
            let data = line.object("data").unwrap_or_default();
            if data.text("type").is_some_and(|kind| kind.starts_with("hook")) {
                let kind = data.text("hookEvent").unwrap_or_default();
                items.push(Item::Beside {
                    aside: Aside::Hook,
                    kind,
                    json: line.raw("data").unwrap_or("null"),
                });
            }
        }
        "permission-mode" | "mode" => items.push(Item::Beside {
            aside: Aside::Permission,
            kind: Cow::Borrowed("mode"),
            json: line.raw("permissionMode").or_else(|| line.raw("mode")).unwrap_or("null"),
        }),
        _ if NOTES.contains(&kind) => {}
        _ => items.push(Item::Unknown { json: whole }),
    }
}

fn user<'a>(
    line: &Object<'a>,
    facts: &LineFacts,
    parts: Option<&Parts<'a>>,
    items: &mut Vec<Item<'a>>,
) {
    let Some(parts) = parts else { return };
    for block in parts.blocks() {
        if block.text("type").is_some_and(|kind| kind.ends_with("tool_result")) {
            items.push(result(block, line.raw("toolUseResult")));
        }
    }
    if let Some(json) = line.raw("permissionDecision") {
        items.push(Item::Beside {
            aside: Aside::Permission,
            kind: Cow::Borrowed("decision"),
            json,
        });
    }
    match Content::of_parts(parts).text {
        Some(reason) if reason.starts_with(INTERRUPTED) => {
            items.push(Item::Interruption { reason });
        }
        _ => asked(facts, (parts, &CLAUDE), items),
    }
    // It is of the turn that the question begins.
    items.extend(line.raw("permissionMode").map(|json| Item::Beside {
        aside: Aside::Permission,
        kind: Cow::Borrowed("mode"),
        json,
    }));
}

fn result<'a>(block: &Object<'a>, detail: Option<&'a str>) -> Item<'a> {
    Item::Result {
        id: block.text("tool_use_id").unwrap_or_default(),
        content: block.raw("content").unwrap_or("null"),
        // Without the member it went well: that is how the API has it.
        has_failed: Some(block.flag("is_error").unwrap_or(false)),
        detail,
        at: None,
    }
}

fn answer<'a>(line: &Object<'a>, parts: Option<&Parts<'a>>, items: &mut Vec<Item<'a>>) {
    let Some(parts) = parts else { return };
    let is_failure = line.flag("isApiErrorMessage") == Some(true);
    if let Some(text) = words(parts) {
        items.push(if is_failure {
            let kind = line.text("error").unwrap_or(Cow::Borrowed("api_error"));
            Item::Failure { kind, message: text.plain(), status: None }
        } else {
            Item::Text { text }
        });
    }
    for block in parts.blocks() {
        let kind = block.text("type");
        match kind.as_deref().unwrap_or_default() {
            "thinking" => {
                let text = block.raw("thinking").and_then(inner).map(Words::of);
                items.push(Item::Thinking { text: text.filter(|text| !text.is_empty()) });
            }
            "redacted_thinking" => items.push(Item::Thinking { text: None }),
            kind if kind.ends_with("tool_use") => items.push(Item::Call {
                id: block.text("id").unwrap_or_default(),
                name: block.text("name").unwrap_or_default(),
                namespace: None,
                input: Cow::Borrowed(block.raw("input").unwrap_or("{}")),
                is_hosted: kind == "server_tool_use",
            }),
            kind if kind.ends_with("tool_result") => items.push(result(block, None)),
            _ => {}
        }
    }
}

/// What an answer says: mostly it is one text.
fn words<'a>(parts: &Parts<'a>) -> Option<Words<'a>> {
    if let [Part::Block(block)] = parts.list()
        && block.text("type").as_deref() == Some("text")
    {
        let words = block.raw("text").and_then(inner).map(Words::of);
        return words.filter(|words| !words.is_empty());
    }
    Content::of_parts(parts).text.map(Words::Plain)
}

fn system<'a>(
    line: &Object<'a>,
    (facts, whole): (&LineFacts, &'a str),
    content: Option<&'a str>,
    items: &mut Vec<Item<'a>>,
) {
    let subkind = facts.subkind.as_deref().unwrap_or_default();
    if facts.role == LineRole::Compaction {
        let of = ["compactMetadata", "microcompactMetadata"];
        let facts = of.iter().find_map(|name| line.object(name)).unwrap_or_default();
        items.push(Item::Compaction {
            trigger: facts.text("trigger"),
            tokens_before: facts.number("preTokens"),
            summary: None,
        });
    } else if subkind == "api_error" {
        let error = line.object("error").unwrap_or_default();
        let message = error.text("message").or_else(|| line.raw("error").map(shown));
        items.push(Item::Failure {
            kind: Cow::Borrowed("api_error"),
            message: message.unwrap_or_default(),
            status: error.number("status"),
        });
    } else if subkind.contains("hook") {
        items.push(Item::Beside { aside: Aside::Hook, kind: owned(subkind), json: whole });
    } else if let Some(content) = content {
        items.push(Item::Meta { kind: owned(subkind), text: shown(content) });
    }
}

fn attachment<'a>(line: &Object<'a>, facts: &LineFacts, items: &mut Vec<Item<'a>>) {
    let Some(json) = line.raw("attachment") else { return };
    let kind = facts.subkind.as_deref().unwrap_or_default();
    if facts.role == LineRole::Prompt
        && let Some(parts) = line.object("attachment").as_ref().and_then(queued_prompt)
    {
        asked(facts, (&parts, &CLAUDE), items);
    } else if kind.contains("hook") {
        items.push(Item::Beside { aside: Aside::Hook, kind: owned(kind), json });
    } else {
        items.push(Item::Meta { kind: owned(kind), text: Cow::Borrowed(json) });
    }
}

fn owned<'a>(text: &str) -> Cow<'a, str> {
    Cow::Owned(text.to_owned())
}
