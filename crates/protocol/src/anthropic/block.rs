//! A content block as it begins in a stream or stands in a whole answer: the same JSON in both.

use std::borrow::Cow;

use langley_model::{Content, LiveKind};

use crate::base64::decoded_len;
use crate::dialect::Delta;
use crate::json::{Object, elements, inner};

/// What a block's JSON was.
pub(super) struct Start<'a> {
    /// Whether its type is known.
    pub(super) known: bool,
    /// Text that it brought along, still escaped, as it stands in the JSON.
    pub(super) text: Option<(LiveKind, &'a str)>,
}

/// Hands out a block's start, and its parts as deltas. None when the JSON is no object.
pub(super) fn start<'a>(
    index: u32,
    json: &'a str,
    out: &mut dyn FnMut(Delta<'_>),
) -> Option<Start<'a>> {
    let block = Object::read(json.as_bytes())?;
    let kind = block.owned("type");
    let mut text = None;
    match kind.as_str() {
        "text" => {
            let content = Content::Text { text: String::new(), citations: Vec::new() };
            out(Delta::BlockStart { index, content });
            text = brought(&block, "text", LiveKind::Text);
            if text.is_some() {
                out(Delta::Text { index, text: block.text("text").unwrap_or_default() });
            }
            for citation in block.raw("citations").and_then(elements).unwrap_or_default() {
                out(Delta::Citation { index, json: Cow::Borrowed(citation.get()) });
            }
        }
        "thinking" => {
            let content = Content::Thinking { text: String::new(), signature_bytes: 0 };
            out(Delta::BlockStart { index, content });
            text = brought(&block, "thinking", LiveKind::Thinking);
            if text.is_some() {
                out(Delta::Thinking { index, text: block.text("thinking").unwrap_or_default() });
            }
            match length(block.text("signature")) {
                0 => {}
                bytes => out(Delta::Signature { index, bytes }),
            }
        }
        "redacted_thinking" => {
            let content = Content::RedactedThinking { bytes: length(block.text("data")) };
            out(Delta::BlockStart { index, content });
        }
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            let (id, name, input) = (block.owned("id"), block.owned("name"), String::new());
            let content = if kind == "tool_use" {
                Content::ToolUse { id, name, input }
            } else {
                Content::ServerToolUse { id, name, input }
            };
            out(Delta::BlockStart { index, content });
            // A stream writes `{}` here and sends the arguments in pieces.
            if let Some(input) = block.raw("input").filter(|raw| !is_empty_object(raw)) {
                out(Delta::InputJson { index, json: Cow::Borrowed(input) });
            }
        }
        // Web search, web fetch, code execution, MCP …: all alike but for the result itself.
        result if result.ends_with("_tool_result") && block.raw("tool_use_id").is_some() => {
            let json = block.raw("content").unwrap_or(json).to_owned();
            let tool_use_id = block.owned("tool_use_id");
            out(Delta::BlockStart {
                index,
                content: Content::ServerToolResult { kind, tool_use_id, json },
            });
        }
        // Told by its type and size, never by its bytes.
        "image" | "document" => {
            let json = media(&block).unwrap_or_else(|| json.to_owned());
            out(Delta::BlockStart { index, content: Content::Other { kind, json } });
        }
        // A file for the code execution container: known, and nothing of it is text.
        "container_upload" => {
            out(Delta::BlockStart {
                index,
                content: Content::Other { kind, json: json.to_owned() },
            });
        }
        _ => {
            out(Delta::Unknown { kind: Cow::Borrowed(&kind) });
            let content = Content::Other { kind, json: json.to_owned() };
            out(Delta::BlockStart { index, content });
            return Some(Start { known: false, text: None });
        }
    }
    Some(Start { known: true, text })
}

/// A string member's text between its quotes, when it is not empty.
fn brought<'a>(block: &Object<'a>, name: &str, kind: LiveKind) -> Option<(LiveKind, &'a str)> {
    let text = inner(block.raw(name)?)?;
    (!text.is_empty()).then_some((kind, text))
}

/// An image or a document that lies in the block itself.
fn media(block: &Object<'_>) -> Option<String> {
    let source = block.object("source")?;
    let data = source.text("data").filter(|_| source.text("type").as_deref() == Some("base64"))?;
    let media_type = serde_json::Value::from(source.owned("media_type"));
    Some(format!(r#"{{"media_type":{media_type},"bytes":{}}}"#, decoded_len(&data)))
}

fn is_empty_object(json: &str) -> bool {
    json.bytes().filter(|byte| !byte.is_ascii_whitespace()).eq(*b"{}")
}

/// Length of a text in bytes; 0 when there is none.
pub(super) fn length(text: Option<Cow<'_, str>>) -> u32 {
    text.map_or(0, |text| u32::try_from(text.len()).unwrap_or(u32::MAX))
}
