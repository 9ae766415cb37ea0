//! Gemini CLI's chats: the first line names the session, an answer is written again with the same id whenever
//! something is added to it, and `$set` lines change what the first one said.

use langley_model::{LineFacts, LineRole};

use super::{Said, Telling, text_of};
use crate::json::{Object, elements};
use crate::transcript::parsed::Parsed;
use crate::transcript::stamp::micros;

pub(super) fn read(
    Parsed { line, content, .. }: &Parsed<'_>,
    session: Option<&str>,
    telling: Telling,
) -> LineFacts {
    let text = |name| text_of(line, name);
    let mut said = content.as_ref().map(|it| Said::of_parts(it, telling)).unwrap_or_default();
    let calls = line.raw("toolCalls").filter(|_| telling == Telling::Whole);
    for call in calls.and_then(elements).unwrap_or_default() {
        said.call(Object::of(call.get()).and_then(|call| text_of(&call, "name")));
    }
    // A line without a type is known by its first member.
    let kind = text("type").or_else(|| line.names().next().map(str::to_owned)).unwrap_or_default();
    let role = match kind.as_str() {
        "user" => LineRole::Prompt,
        "gemini" => LineRole::Answer,
        _ => LineRole::Note,
    };
    let uuid = text("id");
    let is_answer = role == LineRole::Answer;
    LineFacts {
        role,
        parent: None,
        logical_parent: None,
        session: session.map(str::to_owned),
        at: text("timestamp").or_else(|| text("startTime")).as_deref().and_then(micros),
        message_id: uuid.clone().filter(|_| is_answer),
        request_id: session.filter(|_| is_answer && uuid.is_some()).map(str::to_owned),
        uuid,
        model: text("model"),
        tools: said.tools(),
        text: said.text,
        kind,
        ..LineFacts::default()
    }
}
