//! Codex's rollouts: a line is `{timestamp, type, payload}`, and the payload has a type of its own. What was said is
//! in `response_item` lines; `event_msg` lines tell it again for whoever looks on.

use langley_model::{LineFacts, LineRole};

use super::{Said, Telling, text_of};
use crate::json::Object;
use crate::transcript::codex::{CodexSession, is_oldest_head};
use crate::transcript::parsed::Parsed;
use crate::transcript::spoken::{CODEX, Spoken};
use crate::transcript::stamp::micros;

pub(super) fn read(
    Parsed { line, within, content, .. }: &Parsed<'_>,
    file: &CodexSession,
    telling: Telling,
) -> LineFacts {
    // Lines of early versions are the payload alone.
    let (kind, payload) = match within {
        Some(payload) => (text_of(line, "type").unwrap_or_default(), payload),
        None => (kind_alone(line), line),
    };
    let text = |name| text_of(payload, name);
    let subkind = text("type");
    let mut said = content.as_ref().map(|it| Said::of_parts(it, telling)).unwrap_or_default();
    if said.text.is_none() && telling == Telling::Whole {
        let others = ["summary", "output", "message"].iter().find_map(|name| payload.raw(name));
        said.text = others.map(Said::of).and_then(|said| said.text);
    }
    let is_users = subkind.as_deref() == Some("message")
        && payload.text("role").is_some_and(|role| role == "user");
    let spoken = content.as_ref().filter(|_| is_users).map(|parts| Spoken::of(parts, &CODEX));
    if let Some(spoken) = &spoken {
        said.hear(spoken, telling);
    }
    let role = role(&kind, subkind.as_deref(), payload, spoken.as_ref());
    let is_answer = role == LineRole::Answer;
    if is_answer {
        // Calls that have a kind of their own have no name.
        let kind_of_call =
            || subkind.as_deref().and_then(|kind| kind.strip_suffix("_call")).map(str::to_owned);
        said.call(text("name").or_else(kind_of_call));
    }
    let at = text_of(line, "timestamp").as_deref().and_then(micros);
    let thread = text("id").filter(|_| kind == "session_meta");
    LineFacts {
        role,
        is_copy: file.is_copy(at, thread.as_deref()),
        uuid: text("id").filter(|_| kind == "response_item"),
        parent: None,
        logical_parent: None,
        session: file.session.clone(),
        agent_id: file.thread.clone(),
        is_sidechain: file.thread.is_some(),
        at,
        message_id: text("response_id"),
        request_id: None,
        model: file.model.clone().filter(|_| is_answer),
        tools: said.tools(),
        text: said.text,
        folder: file.folder.clone(),
        branch: payload.object("git").and_then(|git| text_of(&git, "branch")),
        kind,
        subkind,
        is_mended: false,
    }
}

/// What a line is that is a payload alone.
fn kind_alone(line: &Object<'_>) -> String {
    if is_oldest_head(line) {
        return String::from("session_meta");
    }
    // `{"record_type": "state"}`
    text_of(line, "record_type").unwrap_or_else(|| String::from("response_item"))
}

fn role(
    kind: &str,
    subkind: Option<&str>,
    payload: &Object<'_>,
    spoken: Option<&Spoken<'_>>,
) -> LineRole {
    match (kind, subkind.unwrap_or_default()) {
        ("compacted", _) => LineRole::Compaction,
        ("response_item", "message") => match payload.text("role").as_deref() {
            Some("assistant") => LineRole::Answer,
            Some("user") => {
                let is_prompt = spoken.is_none_or(Spoken::is_a_persons);
                if is_prompt { LineRole::Prompt } else { LineRole::Context }
            }
            _ => LineRole::Context,
        },
        ("response_item", "reasoning") => LineRole::Answer,
        ("response_item", "additional_tools") => LineRole::Context,
        ("response_item", kind) if kind.ends_with("_output") => LineRole::ToolResult,
        ("response_item", kind) if kind.ends_with("_call") => LineRole::Answer,
        _ => LineRole::Note,
    }
}
