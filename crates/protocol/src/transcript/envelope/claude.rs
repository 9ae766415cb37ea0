//! Claude Code's lines: `type` says the kind, `uuid` and `parentUuid` make a tree, and a compaction begins a new root
//! whose `logicalParentUuid` says where it goes on from.

use langley_model::{LineFacts, LineRole};

use super::{Said, Telling, queued_prompt, text_of};
use crate::json::Object;
use crate::transcript::parsed::Parsed;
use crate::transcript::spoken::{CLAUDE, Spoken};
use crate::transcript::stamp::micros;

pub(super) fn read(
    Parsed { line, within: message, content, .. }: &Parsed<'_>,
    telling: Telling,
) -> LineFacts {
    let is_whole = telling == Telling::Whole;
    let text = |name| text_of(line, name);
    let of_whole = |name| is_whole.then(|| text(name)).flatten();
    let of_message = |name| text_of(message.as_ref()?, name);
    let kind = text("type").unwrap_or_default();
    // What a person's line is shows in its words.
    let content = content.as_ref().filter(|_| is_whole || kind == "user");
    let mut said = content.map(|it| Said::of_parts(it, telling)).unwrap_or_default();
    let subkind = text("subtype").or_else(|| text_of(&line.object("attachment")?, "type"));
    if kind == "summary" {
        said.text = line.raw("summary").and_then(crate::json::inner).and_then(super::opening);
    }
    let attachment = line.object("attachment").filter(|_| kind == "attachment");
    let queued = attachment.as_ref().and_then(queued_prompt);
    let is_spoken = kind == "user" && !said.has_result && !is_of_the_agent(line);
    let spoken = match queued {
        Some(parts) => Some(Spoken::of(&parts, &CLAUDE)),
        None => content.filter(|_| is_spoken).map(|parts| Spoken::of(parts, &CLAUDE)),
    };
    if let Some(spoken) = &spoken {
        said.hear(spoken, telling);
    }
    LineFacts {
        role: role(line, (&kind, subkind.as_deref()), &said, spoken.as_ref()),
        uuid: of_whole("uuid"),
        parent: of_whole("parentUuid"),
        logical_parent: of_whole("logicalParentUuid"),
        session: text("sessionId"),
        agent_id: text("agentId"),
        is_sidechain: line.flag("isSidechain") == Some(true),
        at: text("timestamp").as_deref().and_then(micros),
        message_id: of_message("id"),
        request_id: of_whole("requestId"),
        model: of_message("model"),
        tools: said.tools(),
        text: said.text,
        folder: text("cwd"),
        branch: text("gitBranch"),
        kind,
        subkind,
        is_copy: false,
        is_mended: false,
    }
}

/// Whether the agent says that a line that stands in a person's place is its own.
fn is_of_the_agent(line: &Object<'_>) -> bool {
    ["isMeta", "isCompactSummary"].iter().any(|name| line.flag(name) == Some(true))
}

fn role(
    line: &Object<'_>,
    kind: (&str, Option<&str>),
    said: &Said,
    spoken: Option<&Spoken<'_>>,
) -> LineRole {
    let is = |name| line.flag(name) == Some(true);
    match kind {
        ("assistant", _) => LineRole::Answer,
        ("system", Some("compact_boundary" | "microcompact_boundary")) => LineRole::Compaction,
        ("user", _) if is("isCompactSummary") => LineRole::Compaction,
        ("user", _) if said.has_result => LineRole::ToolResult,
        ("user", _) if is("isMeta") => LineRole::Context,
        ("user" | "attachment", _) if spoken.is_some_and(Spoken::is_a_persons) => LineRole::Prompt,
        // Without any content it is an empty prompt.
        ("user", _) if spoken.is_none() => LineRole::Prompt,
        ("user", _) => LineRole::Context,
        ("attachment", _) => LineRole::Context,
        _ => LineRole::Note,
    }
}
