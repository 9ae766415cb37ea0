//! The stored form of an assembled answer: JSON of our own, so that the nouns stay free of it.

use langley_model::{Block, Content, Message, ProviderError, Tokens, Usage};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// A message as JSON text.
pub(crate) fn encode(message: &Message) -> Vec<u8> {
    // Serialising plain strings and numbers into memory cannot fail.
    serde_json::to_vec(&MessageRow::from(message)).unwrap_or_default()
}

/// The message of a JSON text made by [`encode`].
pub(crate) fn decode(json: &[u8]) -> Result<Message, StoreError> {
    let row: MessageRow =
        serde_json::from_slice(json).map_err(|_| StoreError::Decode { what: "message" })?;
    Ok(row.into())
}

#[derive(Serialize, Deserialize)]
struct MessageRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    blocks: Vec<BlockRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_sequence: Option<String>,
    /// Input, cache read, cache write 5m, cache write 1h, output, reasoning, web searches.
    usage: [Option<u64>; 7],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<(Option<String>, Option<String>)>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Serialize, Deserialize)]
struct BlockRow {
    index: u32,
    complete: bool,
    #[serde(flatten)]
    content: ContentRow,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentRow {
    Text { text: String, citations: Vec<String> },
    Thinking { text: String, signature_bytes: u32 },
    RedactedThinking { bytes: u32 },
    ToolUse { id: String, name: String, input: String },
    ServerToolUse { id: String, name: String, input: String },
    ServerToolResult { kind: String, tool_use_id: String, json: String },
    Other { kind: String, json: String },
}

impl From<&Message> for MessageRow {
    fn from(message: &Message) -> Self {
        let Message {
            id,
            model,
            role,
            blocks,
            stop_reason,
            stop_sequence,
            usage,
            error,
            truncated,
        } = message.clone();
        let tokens = |tokens: Option<Tokens>| tokens.map(|tokens| tokens.0);
        Self {
            id,
            model,
            role,
            blocks: blocks.into_iter().map(BlockRow::from).collect(),
            stop_reason,
            stop_sequence,
            usage: [
                tokens(usage.input),
                tokens(usage.cache_read),
                tokens(usage.cache_write_5m),
                tokens(usage.cache_write_1h),
                tokens(usage.output),
                tokens(usage.reasoning),
                usage.web_search_requests,
            ],
            error: error.map(|error| (error.kind, error.message)),
            truncated,
        }
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        let [input, cache_read, write_5m, write_1h, output, reasoning, web_search_requests] =
            row.usage;
        let tokens = |count: Option<u64>| count.map(Tokens);
        Self {
            id: row.id,
            model: row.model,
            role: row.role,
            blocks: row.blocks.into_iter().map(Block::from).collect(),
            stop_reason: row.stop_reason,
            stop_sequence: row.stop_sequence,
            usage: Usage {
                input: tokens(input),
                cache_read: tokens(cache_read),
                cache_write_5m: tokens(write_5m),
                cache_write_1h: tokens(write_1h),
                output: tokens(output),
                reasoning: tokens(reasoning),
                web_search_requests,
            },
            error: row.error.map(|(kind, message)| ProviderError { kind, message }),
            truncated: row.truncated,
        }
    }
}

impl From<Block> for BlockRow {
    fn from(block: Block) -> Self {
        let content = match block.content {
            Content::Text { text, citations } => ContentRow::Text { text, citations },
            Content::Thinking { text, signature_bytes } => {
                ContentRow::Thinking { text, signature_bytes }
            }
            Content::RedactedThinking { bytes } => ContentRow::RedactedThinking { bytes },
            Content::ToolUse { id, name, input } => ContentRow::ToolUse { id, name, input },
            Content::ServerToolUse { id, name, input } => {
                ContentRow::ServerToolUse { id, name, input }
            }
            Content::ServerToolResult { kind, tool_use_id, json } => {
                ContentRow::ServerToolResult { kind, tool_use_id, json }
            }
            Content::Other { kind, json } => ContentRow::Other { kind, json },
        };
        Self { index: block.index, complete: block.complete, content }
    }
}

impl From<BlockRow> for Block {
    fn from(row: BlockRow) -> Self {
        let content = match row.content {
            ContentRow::Text { text, citations } => Content::Text { text, citations },
            ContentRow::Thinking { text, signature_bytes } => {
                Content::Thinking { text, signature_bytes }
            }
            ContentRow::RedactedThinking { bytes } => Content::RedactedThinking { bytes },
            ContentRow::ToolUse { id, name, input } => Content::ToolUse { id, name, input },
            ContentRow::ServerToolUse { id, name, input } => {
                Content::ServerToolUse { id, name, input }
            }
            ContentRow::ServerToolResult { kind, tool_use_id, json } => {
                Content::ServerToolResult { kind, tool_use_id, json }
            }
            ContentRow::Other { kind, json } => Content::Other { kind, json },
        };
        Self { index: row.index, complete: row.complete, content }
    }
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
            blocks,
            usage: Usage { output: Some(Tokens(3)), ..Usage::default() },
            error: Some(ProviderError { kind: None, message: Some(text()) }),
            truncated: true,
            ..Message::default()
        };
        assert_eq!(decode(&encode(&message)).unwrap(), message);
        assert_eq!(decode(&encode(&Message::default())).unwrap(), Message::default());
    }
}
