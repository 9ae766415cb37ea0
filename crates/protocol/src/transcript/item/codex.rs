//! Codex's lines as items: what was said is in `response_item` lines, what befell it in `event_msg` lines.

use std::borrow::Cow;

use langley_model::LineFacts;

use super::{Aside, Content, Item, Words, asked, string};
use crate::json::Object;
use crate::transcript::parsed::{Parsed, Parts};
use crate::transcript::spoken::CODEX;

/// Kinds of lines that are known, whether they tell anything here or not.
const KINDS: [&str; 8] = [
    "compacted",
    "event_msg",
    "response_item",
    "session_meta",
    "state",
    "token_usage_record",
    "turn_context",
    "world_state",
];

/// How the lines begin that say with which status a process ended.
const EXITS: [&str; 3] = ["Exit code: ", "Process exited with code ", "exit code: "];

pub(super) fn read<'a>(
    Parsed { line, within, content, .. }: &Parsed<'a>,
    (facts, whole): (&LineFacts, &'a str),
    items: &mut Vec<Item<'a>>,
) {
    let (raw, payload) = match (line.raw("payload"), within) {
        (Some(raw), Some(payload)) => (raw, payload),
        (Some(_), None) => return,
        (None, _) => (whole, line),
    };
    let subkind = facts.subkind.as_deref().unwrap_or_default();
    match facts.kind.as_str() {
        "session_meta" => {
            let aside = |aside, kind: &'static str, json| Item::Beside {
                aside,
                kind: Cow::Borrowed(kind),
                json,
            };
            items.push(aside(Aside::Session, "session_meta", raw));
            for (name, of) in [
                ("base_instructions", Aside::SystemPrompt),
                ("instructions", Aside::SystemPrompt),
                ("dynamic_tools", Aside::Tools),
                ("git", Aside::Git),
            ] {
                items.extend(payload.raw(name).map(|json| aside(of, name, json)));
            }
        }
        "turn_context" => {
            items.push(Item::Beside {
                aside: Aside::Turn,
                kind: Cow::Borrowed("turn_context"),
                json: raw,
            });
            if let Some(json) = payload.raw("approval_policy") {
                let kind = Cow::Borrowed("approval_policy");
                items.push(Item::Beside { aside: Aside::Permission, kind, json });
            }
        }
        "compacted" => items.push(Item::Compaction {
            trigger: None,
            tokens_before: None,
            summary: payload.text("message").filter(|text| !text.is_empty()),
        }),
        "event_msg" => event(payload, subkind, raw, items),
        "response_item" => said((payload, content.as_ref()), (facts, subkind, raw), items),
        kind if KINDS.contains(&kind) => {}
        _ => items.push(Item::Unknown { json: whole }),
    }
}

fn said<'a>(
    (payload, parts): (&Object<'a>, Option<&Parts<'a>>),
    (facts, subkind, raw): (&LineFacts, &str, &'a str),
    items: &mut Vec<Item<'a>>,
) {
    let text = |name| payload.text(name).unwrap_or_default();
    match subkind {
        "message" => {
            let Some(parts) = parts else { return };
            if payload.text("role").is_some_and(|role| role == "user") {
                return asked(facts, (parts, &CODEX), items);
            }
            let content = Content::of_parts(parts);
            let Some(text) =
                content.text.or_else(|| (content.images > 0).then_some(Cow::Borrowed("")))
            else {
                return;
            };
            items.push(match payload.text("role").as_deref() {
                Some("assistant") => Item::Text { text: Words::Plain(text) },
                _ => Item::Beside {
                    aside: Aside::SystemPrompt,
                    kind: Cow::Borrowed("message"),
                    json: payload.raw("content").unwrap_or("null"),
                },
            });
        }
        "reasoning" => {
            let texts = ["summary", "content"].iter().find_map(|name| {
                Content::of(payload.raw(name)?).text.filter(|text| !text.is_empty())
            });
            items.push(Item::Thinking { text: texts.map(Words::Plain) });
        }
        "additional_tools" => items.push(Item::Beside {
            aside: Aside::Tools,
            kind: Cow::Borrowed("additional_tools"),
            json: payload.raw("tools").unwrap_or("null"),
        }),
        kind if kind.ends_with("_output") => {
            let content = payload.raw("output").unwrap_or("null");
            let has_failed = failed(payload, content);
            items.push(Item::Result {
                id: text("call_id"),
                content,
                has_failed,
                detail: None,
                at: None,
            });
        }
        kind if kind.ends_with("_call") => {
            let input = match (payload.raw("arguments"), payload.raw("input")) {
                (Some(arguments), _) => json_within(arguments),
                (None, Some(input)) => Cow::Borrowed(input),
                (None, None) => Cow::Borrowed(payload.raw("action").unwrap_or("{}")),
            };
            let id = payload.text("call_id").or_else(|| payload.text("id"));
            // Calls that have a kind of their own have no name.
            let named = payload.text("name");
            items.push(Item::Call {
                id: id.unwrap_or_default(),
                is_hosted: named.is_none() && kind != "local_shell_call",
                namespace: named.is_some().then(|| payload.text("namespace")).flatten(),
                name: named
                    .unwrap_or_else(|| Cow::Owned(kind.trim_end_matches("_call").to_owned())),
                input,
            });
        }
        "ghost_snapshot" | "compaction" | "compaction_summary" | "other" => {}
        _ => items.push(Item::Unknown { json: raw }),
    }
}

fn event<'a>(payload: &Object<'a>, subkind: &str, raw: &'a str, items: &mut Vec<Item<'a>>) {
    match subkind {
        "turn_aborted" => {
            let reason = payload.text("reason").unwrap_or(Cow::Borrowed("interrupted"));
            items.push(Item::Interruption { reason });
        }
        "error" | "stream_error" | "guardian_error" => items.push(Item::Failure {
            kind: Cow::Owned(subkind.to_owned()),
            message: payload.text("message").unwrap_or_default(),
            status: None,
        }),
        "token_count" => {
            if let Some(json) = payload.raw("rate_limits") {
                let kind = Cow::Borrowed("rate_limits");
                items.push(Item::Beside { aside: Aside::Limits, kind, json });
            }
        }
        "mcp_tool_call_end" | "exec_command_end" | "patch_apply_end" => {
            items.extend(ended(payload));
        }
        kind if kind.contains("approval") || kind.contains("permission") => {
            let kind = Cow::Owned(kind.to_owned());
            items.push(Item::Beside { aside: Aside::Permission, kind, json: raw });
        }
        kind if kind.contains("hook") => {
            let kind = Cow::Owned(kind.to_owned());
            items.push(Item::Beside { aside: Aside::Hook, kind, json: raw });
        }
        // The rest tells again what items of the conversation say.
        kind if is_known_event(kind) => {}
        _ => items.push(Item::Unknown { json: raw }),
    }
}

/// Whether a call failed, by what ends it: `result` is that of a tool of an MCP server, as Rust's results are written.
fn ended<'a>(payload: &Object<'a>) -> Option<Item<'a>> {
    let result = payload.object("result");
    let of_server = result.and_then(|result| match result.raw("Err") {
        Some(_) => Some(true),
        None => result.object("Ok")?.flag("isError"),
    });
    let of_process = || payload.raw("exit_code")?.parse::<i64>().ok().map(|code| code != 0);
    let of_patch = || payload.flag("success").map(|is_well| !is_well);
    let has_failed = of_server.or_else(of_process).or_else(of_patch)?;
    Some(Item::Ended { id: payload.text("call_id")?, has_failed })
}

fn is_known_event(kind: &str) -> bool {
    const BEGINNINGS: [&str; 16] = [
        "agent_",
        "background_event",
        "context_compacted",
        "entered_review_mode",
        "exec_command",
        "exited_review_mode",
        "item_",
        "mcp_",
        "patch_apply",
        "plan_",
        "task_",
        "thread_",
        "turn_",
        "user_message",
        "view_image",
        "web_search",
    ];
    BEGINNINGS.iter().any(|beginning| kind.starts_with(beginning))
}

/// Arguments stand in a string; where that is no JSON they are told as the string.
fn json_within(raw: &str) -> Cow<'_, str> {
    match string(raw) {
        Some(text) if Object::of(&text).is_some() && !text.contains('\n') => text,
        _ => Cow::Borrowed(raw),
    }
}

/// Whether a call failed, where its output says so.
fn failed(payload: &Object<'_>, content: &str) -> Option<bool> {
    let stated = payload
        .flag("success")
        .or_else(|| payload.object("output").and_then(|output| output.flag("success")));
    if let Some(success) = stated {
        return Some(!success);
    }
    let text = Content::of(content).text?;
    if let Some(object) = Object::of(&text) {
        let code = object.object("metadata")?.raw("exit_code")?;
        return Some(code != "0");
    }
    let code = text.lines().take(8).find_map(|line| {
        EXITS.iter().find_map(|exit| line.strip_prefix(exit))?.trim().parse::<i64>().ok()
    });
    code.map(|code| code != 0)
}
