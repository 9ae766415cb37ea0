//! What a request is made of: how much of the context is whose.
//!
//! Providers count tokens of the whole input alone, so each part's tokens are its share of the bytes; what
//! the redactor replaced (images, secrets) is as long here as what stands in its place.

use std::collections::BTreeMap;

use langley_model::{Flow, FlowId, PieceKind, Side, Tokens};
use langley_protocol::dialect::dialect_for;
use langley_protocol::piece::pieces;
use langley_store::{FlowFilter, Store, StoreError};
use serde_json::Value;

use crate::price::PriceBook;

/// Files in which agents keep what is true of a project.
const MEMORY: [&str; 5] =
    ["CLAUDE.md", "AGENTS.md", "GEMINI.md", ".cursorrules", "copilot-instructions.md"];

/// Flows of a session among which its longest request is looked for, the newest ones.
const LOOKED_AT: usize = 50;

/// What a part of the context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContextKind {
    /// The system prompt.
    System,
    /// Definitions of tools, by server.
    Tools,
    /// What is true of a project, such as `CLAUDE.md`.
    Memory,
    /// What people wrote, and what agents put beside it.
    Prompts,
    /// What the model said.
    Answers,
    /// What the model thought.
    Thinking,
    /// Arguments of tool calls.
    ToolCalls,
    /// What tools gave back.
    ToolResults,
    /// Images.
    Images,
    /// Parameters, names and punctuation.
    Rest,
}

impl ContextKind {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::System,
        Self::Tools,
        Self::Memory,
        Self::Prompts,
        Self::Answers,
        Self::Thinking,
        Self::ToolCalls,
        Self::ToolResults,
        Self::Images,
        Self::Rest,
    ];

    /// The word used in JSON and in the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Tools => "tools",
            Self::Memory => "memory",
            Self::Prompts => "prompts",
            Self::Answers => "answers",
            Self::Thinking => "thinking",
            Self::ToolCalls => "tool_calls",
            Self::ToolResults => "tool_results",
            Self::Images => "images",
            Self::Rest => "rest",
        }
    }
}

/// A part of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextPart {
    /// What it is.
    pub kind: ContextKind,
    /// The server whose tools these are; none for the agent's own, and for all that is no tool.
    pub server: Option<String>,
    /// Pieces, blocks and definitions.
    pub count: u64,
    /// Their bytes, as they are kept.
    pub bytes: u64,
    /// Their share of the input's tokens; none where those are not known.
    pub tokens: Option<u64>,
}

/// What a request is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composition {
    /// The flow.
    pub flow: FlowId,
    /// Tokens of the whole input, whatever the cache had of it.
    pub tokens: Option<u64>,
    /// Tokens that its model can have of a prompt and its answer together, where that is known.
    pub window: Option<u64>,
    /// Bytes of the request, as they are kept.
    pub bytes: u64,
    /// Whether something of it was not kept.
    pub truncated: bool,
    /// The parts, in the order of [`ContextKind::ALL`]; those that are not there are left out.
    pub parts: Vec<ContextPart>,
}

/// What comes of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Composed {
    /// The composition.
    Is(Box<Composition>),
    /// There is no such flow, or no flow of such a session.
    Unknown,
    /// No request was kept.
    NoRequest,
}

/// What the request of a flow is made of.
///
/// # Errors
/// A failure of the store.
pub fn composition(store: &Store, book: &PriceBook, id: FlowId) -> Result<Composed, StoreError> {
    let Some(flow) = store.flow(id)? else { return Ok(Composed::Unknown) };
    let Some(body) = store.body(id, Side::Client)? else { return Ok(Composed::NoRequest) };
    Ok(Composed::Is(Box::new(Composition::of(&flow, book, &body.bytes, body.truncated))))
}

/// What the longest of a session's newest requests is made of.
///
/// # Errors
/// A failure of the store.
pub fn composition_of_session(
    store: &Store,
    book: &PriceBook,
    session: &str,
) -> Result<Composed, StoreError> {
    let filter = FlowFilter { session: Some(session.to_owned()), ..FlowFilter::default() };
    let page = store.flows(&filter, None, LOOKED_AT)?;
    let is_none = page.items.is_empty();
    // Of equals the newest.
    let longest = page
        .items
        .iter()
        .rev()
        .filter(|flow| context_tokens(flow).is_some())
        .max_by_key(|flow| context_tokens(flow));
    match longest {
        Some(flow) => composition(store, book, flow.id),
        None if is_none => Ok(Composed::Unknown),
        None => Ok(Composed::NoRequest),
    }
}

/// Tokens of a flow's whole input, whatever the cache had of it; none where they are not known.
#[must_use]
pub fn context_tokens(flow: &Flow) -> Option<u64> {
    flow.usage.input_whole(flow.dialect()).map(|Tokens(count)| count)
}

/// Count and bytes of what is put together.
type Amounts = BTreeMap<(ContextKind, Option<String>), (u64, u64)>;

impl Composition {
    fn of(flow: &Flow, book: &PriceBook, body: &[u8], truncated: bool) -> Self {
        let mut amounts = Amounts::new();
        let dialect = dialect_for(&flow.method, &flow.host, &flow.path).map(|(_, dialect)| dialect);
        let found = dialect.and_then(|dialect| pieces(dialect.seams(), body)).unwrap_or_default();
        for piece in found {
            let text = &body[piece.range];
            match serde_json::from_slice::<Value>(text) {
                Ok(value) => of_piece(piece.kind, &value, text.len() as u64, &mut amounts),
                Err(_) => add(&mut amounts, ContextKind::Rest, None, text.len() as u64),
            }
        }
        let bytes = body.len() as u64;
        let known: u64 = amounts.values().map(|(_, bytes)| bytes).sum();
        if bytes > known {
            add(&mut amounts, ContextKind::Rest, None, bytes - known);
        }
        let tokens = context_tokens(flow);
        let whole = bytes.max(known);
        let share = |bytes: u64| {
            let share = u128::from(tokens?) * u128::from(bytes);
            share.checked_div(u128::from(whole)).and_then(|share| u64::try_from(share).ok())
        };
        let part =
            |((kind, server), (count, bytes)): ((ContextKind, Option<String>), (u64, u64))| {
                ContextPart { kind, server, count, bytes, tokens: share(bytes) }
            };
        let parts = amounts.into_iter().map(part).collect();
        Self { flow: flow.id, tokens, window: book.window_of(flow), bytes, truncated, parts }
    }
}

fn add(amounts: &mut Amounts, kind: ContextKind, server: Option<String>, bytes: u64) {
    let (count, sum) = amounts.entry((kind, server)).or_default();
    *count += 1;
    *sum += bytes;
}

/// Puts a piece, or the blocks that it is made of, to what they are.
fn of_piece(kind: PieceKind, value: &Value, bytes: u64, amounts: &mut Amounts) {
    let said = match kind {
        PieceKind::Tools => {
            let name = ["/name", "/function/name", "/toolSpec/name"]
                .into_iter()
                .find_map(|path| value.pointer(path)?.as_str());
            let of_server = name.and_then(|name| name.strip_prefix("mcp__")?.split_once("__"));
            let server = of_server.map(|(server, _)| server.to_owned());
            return add(amounts, ContextKind::Tools, server, bytes);
        }
        PieceKind::System => {
            let kind = if is_memory(value) { ContextKind::Memory } else { ContextKind::System };
            return add(amounts, kind, None, bytes);
        }
        PieceKind::ToolResults => ContextKind::ToolResults,
        PieceKind::Assistant => ContextKind::Answers,
        PieceKind::User | PieceKind::Other => ContextKind::Prompts,
        PieceKind::Rest => ContextKind::Rest,
    };
    let mut left = bytes;
    let mut take = |part: &Value| {
        let bytes = (part.to_string().len() as u64).min(left);
        left -= bytes;
        bytes
    };
    let calls = value.get("tool_calls").and_then(Value::as_array);
    for call in calls.into_iter().flatten() {
        add(amounts, ContextKind::ToolCalls, None, take(call));
    }
    let content = value.get("content").or_else(|| value.get("parts"));
    match content {
        Some(Value::Array(blocks)) => {
            for block in blocks {
                add(amounts, of_block(block, said), None, take(block));
            }
        }
        // Nothing was said beside the calls.
        Some(Value::Null) if calls.is_some() => {}
        _ => add(amounts, of_block(value, said), None, left),
    }
}

/// What a block is, in whatever dialect; `said` when it is plain text.
fn of_block(block: &Value, said: ContextKind) -> ContextKind {
    let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
    let has = |name: &str| block.get(name).is_some();
    let is_image =
        matches!(kind, "image" | "image_url" | "input_image" | "document" | "input_file");
    if is_image || has("inlineData") || has("inline_data") || has("image") {
        ContextKind::Images
    } else if kind == "tool_result"
        || kind.ends_with("_output")
        || ["toolResult", "functionResponse", "function_response"].into_iter().any(has)
    {
        ContextKind::ToolResults
    } else if kind == "tool_use"
        || kind.ends_with("_call")
        || ["toolUse", "functionCall", "function_call"].into_iter().any(has)
    {
        ContextKind::ToolCalls
    } else if matches!(kind, "thinking" | "redacted_thinking" | "reasoning")
        || has("reasoningContent")
        || block.get("thought").and_then(Value::as_bool) == Some(true)
    {
        ContextKind::Thinking
    } else if said == ContextKind::Prompts && is_memory(block) {
        ContextKind::Memory
    } else {
        said
    }
}

/// Whether a block quotes a file of what is true of a project, as agents put it in.
fn is_memory(block: &Value) -> bool {
    let text = block.get("text").or_else(|| block.get("content")).unwrap_or(block);
    let Some(text) = text.as_str() else { return false };
    let is_quoted = |name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let before = &text[..at];
            let line = before.rfind('\n').map_or(before, |start| &before[start..]);
            ["Contents of ", "instructions for ", "# ", "--- "]
                .into_iter()
                .any(|word| line.contains(word))
        })
    };
    MEMORY.into_iter().any(is_quoted)
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, Micros, Provider, Usage};
    use serde_json::json;

    use super::*;

    fn composed(
        path: &str,
        provider: Provider,
        body: &Value,
    ) -> Vec<(ContextKind, Option<String>, u64)> {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        (flow.method, flow.path) = (String::from("POST"), path.to_owned());
        flow.provider = Some(provider);
        flow.usage =
            Usage { input: Some(Tokens(100)), cache_read: Some(Tokens(900)), ..Usage::default() };
        let body = body.to_string();
        let found = Composition::of(&flow, &PriceBook::vendored(), body.as_bytes(), false);
        let bytes: u64 = found.parts.iter().map(|part| part.bytes).sum();
        assert_eq!(bytes, found.bytes, "each byte once");
        let tokens: u64 = found.parts.iter().filter_map(|part| part.tokens).sum();
        let whole = found.tokens.unwrap();
        assert!(
            tokens <= whole && tokens + found.parts.len() as u64 > whole,
            "{tokens} of {whole}"
        );
        found.parts.into_iter().map(|part| (part.kind, part.server, part.count)).collect()
    }

    #[test]
    fn an_anthropic_request_comes_apart_into_what_takes_the_room() {
        let reminder = "<system-reminder>\nContents of CLAUDE.md (project instructions):\nbe brief";
        let body = json!({
            "model": "m",
            "tools": [{"name": "Read"}, {"name": "mcp__git__log"}, {"name": "mcp__git__diff"}],
            "system": [{"type": "text", "text": "You are careful. See CLAUDE.md."}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": reminder},
                    {"type": "text", "text": "look"},
                    {"type": "image", "source": {"data": "[redacted:base64_image image/png 9 bytes 00]"}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "text", "text": "well"},
                    {"type": "tool_use", "id": "t", "name": "Read", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": "text"},
                ]},
                {"role": "user", "content": "and now?"},
            ],
        });
        let git = || Some(String::from("git"));
        let wanted = [
            (ContextKind::System, None, 1),
            (ContextKind::Tools, None, 1),
            (ContextKind::Tools, git(), 2),
            (ContextKind::Memory, None, 1),
            (ContextKind::Prompts, None, 2),
            (ContextKind::Answers, None, 1),
            (ContextKind::Thinking, None, 1),
            (ContextKind::ToolCalls, None, 1),
            (ContextKind::ToolResults, None, 1),
            (ContextKind::Images, None, 1),
            (ContextKind::Rest, None, 1),
        ];
        assert_eq!(composed("/v1/messages", Provider::Anthropic, &body), wanted);
    }

    #[test]
    fn the_forms_of_openai_come_apart_as_well() {
        let chat = json!({"messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "r"},
        ]});
        let kinds = |found: Vec<(ContextKind, Option<String>, u64)>| -> Vec<ContextKind> {
            found.into_iter().map(|(kind, ..)| kind).collect()
        };
        let found = kinds(composed("/v1/chat/completions", Provider::OpenAi, &chat));
        assert_eq!(
            found,
            [
                ContextKind::System,
                ContextKind::Prompts,
                ContextKind::ToolCalls,
                ContextKind::ToolResults,
                ContextKind::Rest,
            ]
        );
        let responses = json!({"instructions": "s", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "q"}]},
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "r"},
        ]});
        let found = kinds(composed("/v1/responses", Provider::OpenAi, &responses));
        assert_eq!(
            found,
            [
                ContextKind::System,
                ContextKind::Prompts,
                ContextKind::Thinking,
                ContextKind::ToolCalls,
                ContextKind::ToolResults,
                ContextKind::Rest,
            ]
        );
    }

    #[test]
    fn what_was_cached_counts_once_whatever_the_providers_sense() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        flow.usage =
            Usage { input: Some(Tokens(100)), cache_read: Some(Tokens(60)), ..Usage::default() };
        flow.provider = Some(Provider::Anthropic);
        assert_eq!(context_tokens(&flow), Some(160));
        flow.provider = Some(Provider::OpenAi);
        assert_eq!(context_tokens(&flow), Some(100));
        flow.usage.input = None;
        assert_eq!(context_tokens(&flow), None);
    }
}
