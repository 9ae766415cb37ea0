//! The stored form of an assembled answer: JSON of our own, so that the nouns stay free of it.

use std::borrow::Cow;

use langley_model::{Block, Content, Message, ProviderError, Tokens, Usage};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// Writes a message as JSON text into `out`, replacing what it held.
pub(crate) fn encode(message: &Message, out: &mut Vec<u8>) {
    out.clear();
    // Serialising plain strings and numbers into memory cannot fail.
    if serde_json::to_writer(&mut *out, &MessageRow::from(message)).is_err() {
        out.clear();
    }
}

/// The message of a JSON text made by [`encode`].
pub(crate) fn decode(json: &[u8]) -> Result<Message, StoreError> {
    let row: MessageRow =
        serde_json::from_slice(json).map_err(|_| StoreError::Decode { what: "message" })?;
    Ok(row.into())
}

#[derive(Serialize, Deserialize)]
struct MessageRow<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    blocks: Vec<BlockRow<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_sequence: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_details: Option<Cow<'a, str>>,
    /// Input, cache read, cache write 5m, cache write 1h, output, reasoning, web searches.
    usage: [Option<u64>; 7],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorRow<'a>>,
    #[serde(default)]
    truncated: bool,
}

/// Kind and sentence of a provider's error.
type ErrorRow<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>);

#[derive(Serialize, Deserialize)]
struct BlockRow<'a> {
    index: u32,
    complete: bool,
    #[serde(flatten)]
    content: ContentRow<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentRow<'a> {
    Text { text: Cow<'a, str>, citations: Cow<'a, [String]> },
    Thinking { text: Cow<'a, str>, signature_bytes: u32 },
    RedactedThinking { bytes: u32 },
    ToolUse { id: Cow<'a, str>, name: Cow<'a, str>, input: Cow<'a, str> },
    ServerToolUse { id: Cow<'a, str>, name: Cow<'a, str>, input: Cow<'a, str> },
    ServerToolResult { kind: Cow<'a, str>, tool_use_id: Cow<'a, str>, json: Cow<'a, str> },
    Other { kind: Cow<'a, str>, json: Cow<'a, str> },
}

impl<'a> From<&'a Message> for MessageRow<'a> {
    fn from(message: &'a Message) -> Self {
        let Message {
            id,
            model,
            role,
            blocks,
            stop_reason,
            stop_sequence,
            stop_details,
            usage,
            error,
            truncated,
        } = message;
        let tokens = |tokens: Option<Tokens>| tokens.map(|tokens| tokens.0);
        Self {
            id: text(id),
            model: text(model),
            role: text(role),
            blocks: blocks.iter().map(BlockRow::from).collect(),
            stop_reason: text(stop_reason),
            stop_sequence: text(stop_sequence),
            stop_details: text(stop_details),
            usage: [
                tokens(usage.input),
                tokens(usage.cache_read),
                tokens(usage.cache_write_5m),
                tokens(usage.cache_write_1h),
                tokens(usage.output),
                tokens(usage.reasoning),
                usage.web_search_requests,
            ],
            error: error.as_ref().map(|error| (text(&error.kind), text(&error.message))),
            truncated: *truncated,
        }
    }
}

impl From<MessageRow<'_>> for Message {
    fn from(row: MessageRow<'_>) -> Self {
        let [input, cache_read, write_5m, write_1h, output, reasoning, web_search_requests] =
            row.usage;
        let tokens = |count: Option<u64>| count.map(Tokens);
        Self {
            id: row.id.map(Cow::into_owned),
            model: row.model.map(Cow::into_owned),
            role: row.role.map(Cow::into_owned),
            blocks: row.blocks.into_iter().map(Block::from).collect(),
            stop_reason: row.stop_reason.map(Cow::into_owned),
            stop_sequence: row.stop_sequence.map(Cow::into_owned),
            stop_details: row.stop_details.map(Cow::into_owned),
            usage: Usage {
                input: tokens(input),
                cache_read: tokens(cache_read),
                cache_write_5m: tokens(write_5m),
                cache_write_1h: tokens(write_1h),
                output: tokens(output),
                reasoning: tokens(reasoning),
                web_search_requests,
            },
            error: row.error.map(|(kind, message)| ProviderError {
                kind: kind.map(Cow::into_owned),
                message: message.map(Cow::into_owned),
            }),
            truncated: row.truncated,
        }
    }
}

impl<'a> From<&'a Block> for BlockRow<'a> {
    fn from(block: &'a Block) -> Self {
        let text = |text: &'a String| Cow::Borrowed(text.as_str());
        let content = match &block.content {
            Content::Text { text: words, citations } => {
                ContentRow::Text { text: text(words), citations: Cow::Borrowed(citations) }
            }
            Content::Thinking { text: words, signature_bytes } => {
                ContentRow::Thinking { text: text(words), signature_bytes: *signature_bytes }
            }
            Content::RedactedThinking { bytes } => ContentRow::RedactedThinking { bytes: *bytes },
            Content::ToolUse { id, name, input } => {
                ContentRow::ToolUse { id: text(id), name: text(name), input: text(input) }
            }
            Content::ServerToolUse { id, name, input } => {
                ContentRow::ServerToolUse { id: text(id), name: text(name), input: text(input) }
            }
            Content::ServerToolResult { kind, tool_use_id, json } => ContentRow::ServerToolResult {
                kind: text(kind),
                tool_use_id: text(tool_use_id),
                json: text(json),
            },
            Content::Other { kind, json } => {
                ContentRow::Other { kind: text(kind), json: text(json) }
            }
        };
        Self { index: block.index, complete: block.complete, content }
    }
}

impl From<BlockRow<'_>> for Block {
    fn from(row: BlockRow<'_>) -> Self {
        let own = |text: Cow<'_, str>| text.into_owned();
        let content = match row.content {
            ContentRow::Text { text, citations } => {
                Content::Text { text: own(text), citations: citations.into_owned() }
            }
            ContentRow::Thinking { text, signature_bytes } => {
                Content::Thinking { text: own(text), signature_bytes }
            }
            ContentRow::RedactedThinking { bytes } => Content::RedactedThinking { bytes },
            ContentRow::ToolUse { id, name, input } => {
                Content::ToolUse { id: own(id), name: own(name), input: own(input) }
            }
            ContentRow::ServerToolUse { id, name, input } => {
                Content::ServerToolUse { id: own(id), name: own(name), input: own(input) }
            }
            ContentRow::ServerToolResult { kind, tool_use_id, json } => Content::ServerToolResult {
                kind: own(kind),
                tool_use_id: own(tool_use_id),
                json: own(json),
            },
            ContentRow::Other { kind, json } => Content::Other { kind: own(kind), json: own(json) },
        };
        Self { index: row.index, complete: row.complete, content }
    }
}

/// A text of a message, lent to its row.
fn text(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_block_survives() {
        let text = || String::from("a\u{0} \"quoted\" ünicode");
        let contents = [
            Content::Text { text: text(), citations: vec![String::from("{\"a\":1}")] },
            Content::Thinking { text: text(), signature_bytes: 7 },
            Content::RedactedThinking { bytes: 9 },
            Content::ToolUse { id: text(), name: text(), input: String::from("{\"cut") },
            Content::ServerToolUse { id: text(), name: text(), input: String::from("{}") },
            Content::ServerToolResult { kind: text(), tool_use_id: text(), json: text() },
            Content::Other { kind: text(), json: String::from("{\"type\":\"new\"}") },
        ];
        let blocks = (0..)
            .zip(contents)
            .map(|(index, content)| Block { index, content, complete: index % 2 == 0 })
            .collect();
        let message = Message {
            id: Some(text()),
            stop_details: Some(text()),
            blocks,
            usage: Usage { output: Some(Tokens(3)), ..Usage::default() },
            error: Some(ProviderError { kind: None, message: Some(text()) }),
            truncated: true,
            ..Message::default()
        };
        let mut json = Vec::new();
        for message in [message, Message::default()] {
            encode(&message, &mut json);
            assert_eq!(decode(&json).unwrap(), message);
        }
    }
}
