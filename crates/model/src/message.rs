//! An assembled answer: what the model said, whatever way it was sent.

use crate::unit::Usage;

/// One answer of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The response's id (`msg_…`).
    pub id: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// `assistant`, as the provider said it.
    pub role: Option<String>,
    /// Content blocks in order of their index.
    pub blocks: Vec<Block>,
    /// Why it stopped, verbatim.
    pub stop_reason: Option<String>,
    /// The stop sequence that was hit.
    pub stop_sequence: Option<String>,
    /// What the provider says beside the reason, as a JSON text: why it refused.
    pub stop_details: Option<String>,
    /// Usage per class, the provider's own numbers.
    pub usage: Usage,
    /// An error, answered instead or sent mid-stream.
    pub error: Option<ProviderError>,
    /// Whether blocks or parts of them were left out because a bound was reached.
    pub truncated: bool,
}

impl Message {
    /// About how many bytes it holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of_block = |content: &Content| match content {
            Content::Text { text, citations } => {
                text.len() + citations.iter().map(String::len).sum::<usize>()
            }
            Content::Thinking { text, .. } => text.len(),
            Content::RedactedThinking { .. } => 0,
            Content::ToolUse { input, .. } | Content::ServerToolUse { input, .. } => input.len(),
            Content::ServerToolResult { json, .. } | Content::Other { json, .. } => json.len(),
        };
        256 + self.blocks.iter().map(|block| 128 + of_block(&block.content)).sum::<usize>()
    }

    /// Names of the tools called, one entry per call, in order.
    pub fn tool_names(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| match &block.content {
            Content::ToolUse { name, .. } | Content::ServerToolUse { name, .. } => {
                Some(name.as_str())
            }
            _ => None,
        })
    }
}

/// A content block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The provider's index of the block.
    pub index: u32,
    /// What it holds.
    pub content: Content,
    /// Whether its end was seen; `false` for a block that was cut off.
    pub complete: bool,
}

/// What a content block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text for the person, with its citations as JSON texts.
    Text {
        /// The text.
        text: String,
        /// One JSON object per citation.
        citations: Vec<String>,
    },
    /// Reasoning shown in clear.
    Thinking {
        /// The reasoning.
        text: String,
        /// Length of the provider's signature in bytes; the signature itself is not kept.
        signature_bytes: u32,
    },
    /// Reasoning the provider withheld.
    RedactedThinking {
        /// Length of the opaque data in bytes.
        bytes: u32,
    },
    /// A call to one of the agent's tools.
    ToolUse {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments as JSON text, exactly as sent; not valid JSON when cut off.
        input: String,
    },
    /// A call to a tool the provider runs itself.
    ServerToolUse {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments as JSON text.
        input: String,
    },
    /// The result of a provider-run tool.
    ServerToolResult {
        /// The block's type, such as `web_search_tool_result`.
        kind: String,
        /// The call it answers.
        tool_use_id: String,
        /// The result as JSON text.
        json: String,
    },
    /// A block type this version does not know, kept as it came.
    Other {
        /// The block's type.
        kind: String,
        /// The block as JSON text.
        json: String,
    },
}

impl Content {
    /// What the model says with it, as far as it is shown; what the provider says to the model is none of that.
    #[must_use]
    pub fn said(&self) -> [&str; 2] {
        match self {
            Self::Text { text, .. } | Self::Thinking { text, .. } => [text, ""],
            Self::ToolUse { name, input, .. } | Self::ServerToolUse { name, input, .. } => {
                [name, input]
            }
            Self::Other { json, .. } => [json, ""],
            Self::RedactedThinking { .. } | Self::ServerToolResult { .. } => ["", ""],
        }
    }

    /// Bytes of what the model says with it, shown or not.
    #[must_use]
    pub fn said_bytes(&self) -> u64 {
        match self {
            Self::RedactedThinking { bytes } => *bytes as u64,
            shown => shown.said().iter().map(|text| text.len() as u64).sum(),
        }
    }
}

/// An error object of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderError {
    /// The provider's class, such as `overloaded_error`.
    pub kind: Option<String>,
    /// The provider's sentence.
    pub message: Option<String>,
}
