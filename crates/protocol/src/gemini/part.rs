//! A part of an answer that is a block of its own: a call, its result, an image.

use std::borrow::Cow;

use langley_model::Content;

use crate::base64::decoded_len;
use crate::json::Object;

/// Members that say something of a part and are no content.
const ASIDE: [&str; 5] =
    ["thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution"];

/// A whole block.
pub(super) struct Whole<'a> {
    /// What it holds, its streamed part empty.
    pub(super) content: Content,
    /// The arguments of a call.
    pub(super) input: Option<&'a str>,
    /// The name of what of it this version does not know.
    pub(super) unknown: Option<Cow<'a, str>>,
}

impl From<Content> for Whole<'_> {
    fn from(content: Content) -> Self {
        Self { content, input: None, unknown: None }
    }
}

/// Reads a part that is no text; none when it has no content at all.
pub(super) fn whole<'a>(json: &'a str, part: &Object<'a>) -> Option<Whole<'a>> {
    let kind = part.names().find(|name| !ASIDE.contains(name))?.to_owned();
    let member = part.object(&kind).unwrap_or_default();
    let whole = match kind.as_str() {
        "functionCall" if member.raw("name").is_some() => {
            Whole { content: call(&member), input: member.raw("args"), unknown: None }
        }
        "executableCode" => Whole {
            content: Content::ServerToolUse {
                id: member.owned("id"),
                name: String::from("codeExecution"),
                input: String::new(),
            },
            input: part.raw(&kind),
            unknown: None,
        },
        "codeExecutionResult" => {
            let tool_use_id = member.owned("id");
            let json = part.raw(&kind).unwrap_or_default().to_owned();
            Content::ServerToolResult { kind, tool_use_id, json }.into()
        }
        "inlineData" => {
            let data = member.text("data").unwrap_or_default();
            let mime_type = serde_json::Value::from(member.owned("mimeType"));
            let json = format!(r#"{{"mimeType":{mime_type},"bytes":{}}}"#, decoded_len(&data));
            Content::Other { kind, json }.into()
        }
        "fileData" => Content::Other { kind, json: json.to_owned() }.into(),
        _ => Whole {
            content: Content::Other { kind: kind.clone(), json: json.to_owned() },
            input: None,
            unknown: Some(Cow::Owned(kind)),
        },
    };
    Some(whole)
}

/// A call, its arguments left out.
pub(super) fn call(call: &Object<'_>) -> Content {
    Content::ToolUse { id: call.owned("id"), name: call.owned("name"), input: String::new() }
}
