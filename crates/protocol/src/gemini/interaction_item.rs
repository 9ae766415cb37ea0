//! What a step, a content or a delta of an interaction is: all three state it by the same types.

use langley_model::Content;

use crate::base64::decoded_len;
use crate::json::Object;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// What the model says, or a piece of it.
    Text,
    /// A list of contents that the model says.
    Output,
    /// What was asked, repeated.
    Input,
    /// Reasoning.
    Thought,
    /// A call of one of the agent's functions.
    Call,
    /// A call of a tool that the provider runs.
    Server,
    /// What such a tool answered.
    Result,
    /// An image, a sound, a film or a document.
    Media,
    /// Of a type that this version does not know.
    Unknown,
}

impl Item {
    /// What a type says.
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "text" => Self::Text,
            "model_output" => Self::Output,
            "user_input" => Self::Input,
            "thought" => Self::Thought,
            "function_call" => Self::Call,
            "image" | "audio" | "video" | "document" => Self::Media,
            call if call.ends_with("_call") => Self::Server,
            result if result.ends_with("_result") => Self::Result,
            _ => Self::Unknown,
        }
    }
}

/// A call, its arguments left out.
pub(super) fn call(kind: &str, item: &Object<'_>) -> Content {
    let (id, input) = (item.owned("id"), String::new());
    // `google_search_call` is a call of `google_search`.
    let name = match item.text("name") {
        Some(name) => name.into_owned(),
        None => kind.strip_suffix("_call").unwrap_or(kind).to_owned(),
    };
    if kind == "function_call" {
        Content::ToolUse { id, name, input }
    } else {
        Content::ServerToolUse { id, name, input }
    }
}

/// A tool's answer to the call `of`.
pub(super) fn result(kind: &str, of: &str, json: &str) -> Content {
    Content::ServerToolResult {
        kind: kind.to_owned(),
        tool_use_id: of.to_owned(),
        json: json.to_owned(),
    }
}

/// An image or the like: its type, and its size or where it lies, never its bytes.
pub(super) fn media(kind: &str, item: &Object<'_>) -> Content {
    let text = |name: &str| serde_json::Value::from(item.owned(name));
    let mime_type = text("mime_type");
    let json = match item.text("data") {
        Some(data) => {
            format!(r#"{{"mime_type":{mime_type},"bytes":{}}}"#, decoded_len(&data))
        }
        None => format!(r#"{{"mime_type":{mime_type},"uri":{}}}"#, text("uri")),
    };
    Content::Other { kind: kind.to_owned(), json }
}
