//! Claude Code's lines: `type` says the kind, `uuid` and `parentUuid` make a tree, and a compaction begins a new root
//! whose `logicalParentUuid` says where it goes on from.

use langley_model::{LineFacts, LineRole};

use super::{Said, Telling, is_the_agents, text_of};
use crate::json::Object;
use crate::transcript::parsed::Parsed;
use crate::transcript::stamp::micros;

/// How texts begin that stand where a person's does, and are the agent's.
const TAGS: [&str; 12] = [
    "<bash-input>",
    "<bash-stderr>",
    "<bash-stdout>",
    "<command-message>",
    "<command-name>",
    "<local-command-caveat>",
    "<local-command-stderr>",
    "<local-command-stdout>",
    "<system-reminder>",
    "<task-notification>",
    "Caveat: The messages below",
    "[Request interrupted by user",
];

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
    LineFacts {
        role: role(line, (&kind, subkind.as_deref()), &said),
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
        is_mended: false,
    }
}

fn role(line: &Object<'_>, kind: (&str, Option<&str>), said: &Said) -> LineRole {
    let is = |name| line.flag(name) == Some(true);
    match kind {
        ("assistant", _) => LineRole::Answer,
        ("system", Some("compact_boundary" | "microcompact_boundary")) => LineRole::Compaction,
        ("user", _) if is("isCompactSummary") => LineRole::Compaction,
        ("user", _) if said.has_result => LineRole::ToolResult,
        ("user", _) if is("isMeta") => LineRole::Context,
        ("user", _) if said.text.as_deref().is_some_and(|text| is_the_agents(text, &TAGS)) => {
            LineRole::Context
        }
        ("user", _) => LineRole::Prompt,
        ("attachment", _) => LineRole::Context,
        _ => LineRole::Note,
    }
}
