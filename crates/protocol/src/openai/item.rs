//! An item of a Responses answer: what it is, and what of it is worth telling.

use langley_model::Content;

use crate::base64::decoded_len;
use crate::blocks::thinking;
use crate::json::Object;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// What the model says; its parts are blocks of their own.
    Message,
    /// Reasoning: a summary, or the text itself.
    Reasoning,
    /// A call of one of the agent's tools; its arguments lie in the member named here.
    Call(&'static str),
    /// A call of a tool that the provider runs; what it was asked lies in the member named here.
    Server(&'static str),
    /// What a call gave that was run for the model; it lies in `output`.
    Output,
    /// Known, and nothing of it is text.
    Silent,
    /// Of a type that this version does not know.
    Unknown,
}

impl Item {
    /// What `item`'s type says.
    pub(super) fn of(item: &Object<'_>) -> Self {
        match item.text("type").as_deref().unwrap_or_default() {
            "message" => Self::Message,
            "reasoning" => Self::Reasoning,
            "function_call" => Self::Call("arguments"),
            "custom_tool_call" => Self::Call("input"),
            "local_shell_call" | "shell_call" | "computer_call" => Self::Call("action"),
            "apply_patch_call" => Self::Call("operation"),
            "web_search_call" | "tool_search_call" => Self::Server("action"),
            "file_search_call" => Self::Server("queries"),
            "code_interpreter_call" => Self::Server("code"),
            "mcp_call" | "mcp_approval_request" => Self::Server("arguments"),
            "image_generation_call" => Self::Server("revised_prompt"),
            "mcp_list_tools" | "compaction" | "context_compaction" => Self::Silent,
            output if output.ends_with("_call_output") => Self::Output,
            _ => Self::Unknown,
        }
    }

    /// The block that an item begins; none for a message.
    pub(super) fn content(self, item: &Object<'_>, json: &str) -> Option<Content> {
        let kind = item.owned("type");
        // `web_search_call` is a call of `web_search`.
        let named = || match item.text("name") {
            Some(name) => name.into_owned(),
            None => kind.strip_suffix("_call").unwrap_or(&kind).to_owned(),
        };
        let id = || match item.text("call_id") {
            Some(id) => id.into_owned(),
            None => item.owned("id"),
        };
        match self {
            Self::Message => None,
            Self::Reasoning => Some(thinking()),
            Self::Call(_) => {
                Some(Content::ToolUse { id: id(), name: named(), input: String::new() })
            }
            Self::Server(_) => Some(Content::ServerToolUse {
                id: item.owned("id"),
                name: named(),
                input: String::new(),
            }),
            Self::Output => None,
            Self::Silent | Self::Unknown => Some(Content::Other { kind, json: json.to_owned() }),
        }
    }
}

/// What an item says that a call gave: an image only by its size, all else as it was sent.
pub(super) fn result(item: &Object<'_>) -> Option<Content> {
    let kind = item.owned("type");
    let image = item.text("result").filter(|_| kind == "image_generation_call");
    let json = match image {
        Some(base64) => {
            let format = serde_json::Value::from(item.owned("output_format"));
            format!(r#"{{"format":{format},"bytes":{}}}"#, decoded_len(&base64))
        }
        None => ["output", "outputs", "results", "error"]
            .iter()
            .find_map(|name| item.raw(name))?
            .to_owned(),
    };
    let of = item.text("call_id").or_else(|| item.text("id")).unwrap_or_default();
    Some(Content::ServerToolResult { kind, tool_use_id: of.into_owned(), json })
}
