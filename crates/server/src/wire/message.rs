//! An assembled answer as JSON: content blocks tagged by their type.

use langley_model as model;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::flow::{Error, Usage};

/// One answer of a model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    /// The answer's id.
    pub id: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The role, as the provider said it.
    pub role: Option<String>,
    /// Why it stopped, verbatim.
    pub stop_reason: Option<String>,
    /// The stop sequence that was hit.
    pub stop_sequence: Option<String>,
    /// What the provider says beside the reason, such as why it refused.
    #[schema(value_type = Option<serde_json::Value>)]
    pub stop_details: Option<Box<RawValue>>,
    /// Usage per class.
    pub usage: Usage,
    /// An error, answered instead or sent mid-stream.
    pub error: Option<Error>,
    /// Whether parts were left out because a bound was reached.
    pub truncated: bool,
    /// Content blocks in order.
    pub blocks: Vec<Block>,
}

/// A content block.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Block {
    /// The provider's index of the block.
    pub index: u32,
    /// Whether its end was seen.
    pub complete: bool,
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
}

/// What a content block holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Content {
    /// Text for the person.
    Text {
        /// The text.
        text: String,
        /// Citations as the provider sent them.
        #[schema(value_type = Vec<serde_json::Value>)]
        citations: Vec<Box<RawValue>>,
    },
    /// Reasoning shown in clear.
    Thinking {
        /// The reasoning.
        text: String,
        /// Length of the provider's signature, which is not kept.
        signature_bytes: u32,
    },
    /// Reasoning the provider withheld.
    RedactedThinking {
        /// Length of the opaque data.
        bytes: u32,
    },
    /// A call to one of the agent's tools.
    ToolUse {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments; null when they are not (yet) valid JSON.
        #[schema(value_type = serde_json::Value)]
        input: Option<Box<RawValue>>,
        /// The arguments as text, exactly as sent.
        input_raw: String,
    },
    /// A call to a tool that the provider runs itself.
    ServerToolUse {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments; null when they are not (yet) valid JSON.
        #[schema(value_type = serde_json::Value)]
        input: Option<Box<RawValue>>,
        /// The arguments as text, exactly as sent.
        input_raw: String,
    },
    /// The result of a provider-run tool.
    ServerToolResult {
        /// The block's own type.
        kind: String,
        /// The call it answers.
        tool_use_id: String,
        /// The result.
        #[schema(value_type = serde_json::Value)]
        json: Box<RawValue>,
    },
    /// A block type this version does not know.
    Other {
        /// The block's own type.
        kind: String,
        /// The block as it came.
        #[schema(value_type = serde_json::Value)]
        json: Box<RawValue>,
    },
}

impl From<model::Message> for Message {
    fn from(message: model::Message) -> Self {
        let error = message
            .error
            .and_then(|error| Error::stated(error.kind.as_deref(), error.message.as_deref()));
        Self {
            id: message.id,
            model: message.model,
            role: message.role,
            stop_reason: message.stop_reason,
            stop_sequence: message.stop_sequence,
            stop_details: message.stop_details.as_deref().map(verbatim),
            usage: (&message.usage).into(),
            error,
            truncated: message.truncated,
            blocks: message.blocks.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<model::Block> for Block {
    fn from(block: model::Block) -> Self {
        Self { index: block.index, complete: block.complete, content: block.content.into() }
    }
}

impl From<model::Content> for Content {
    fn from(content: model::Content) -> Self {
        match content {
            model::Content::Text { text, citations } => Self::Text {
                text,
                citations: citations.iter().map(|text| verbatim(text)).collect(),
            },
            model::Content::Thinking { text, signature_bytes } => {
                Self::Thinking { text, signature_bytes }
            }
            model::Content::RedactedThinking { bytes } => Self::RedactedThinking { bytes },
            model::Content::ToolUse { id, name, input } => {
                Self::ToolUse { id, name, input: parsed(&input), input_raw: input }
            }
            model::Content::ServerToolUse { id, name, input } => {
                Self::ServerToolUse { id, name, input: parsed(&input), input_raw: input }
            }
            model::Content::ServerToolResult { kind, tool_use_id, json } => {
                Self::ServerToolResult { kind, tool_use_id, json: verbatim(&json) }
            }
            model::Content::Other { kind, json } => Self::Other { kind, json: verbatim(&json) },
        }
    }
}

/// The text as JSON with its numbers untouched; none when it is not JSON.
fn parsed(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).ok()
}

/// The text as JSON, or as a JSON string when it is not.
fn verbatim(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| {
        serde_json::value::to_raw_value(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(content: model::Content) -> String {
        let block = model::Block { index: 1, content, complete: false };
        serde_json::to_string(&Block::from(block)).unwrap()
    }

    #[test]
    fn tool_input_keeps_its_digits_and_its_text() {
        let input = r#"{"n":12345678901234567890.10}"#;
        let shown = json(model::Content::ToolUse {
            id: "t".into(),
            name: "Read".into(),
            input: input.into(),
        });
        let expected = r#"{"index":1,"complete":false,"type":"tool_use","id":"t","name":"Read","input":{"n":12345678901234567890.10},"input_raw":"{\"n\":12345678901234567890.10}"}"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn cut_off_tool_input_is_null_beside_its_text() {
        let shown = json(model::Content::ServerToolUse {
            id: "t".into(),
            name: "web_search".into(),
            input: "{\"q".into(),
        });
        assert!(shown.contains(r#""input":null,"input_raw":"{\"q""#), "{shown}");
    }

    #[test]
    fn a_result_that_is_not_json_is_shown_as_a_string() {
        let shown = json(model::Content::Other { kind: "x".into(), json: "not json".into() });
        assert!(shown.contains(r#""json":"not json""#), "{shown}");
    }
}
