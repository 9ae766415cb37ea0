//! Parts of a chat answer that are no text: images, and calls that the host ran itself.

use langley_model::Content;
use serde_json::Value;

use crate::base64::decoded_len;
use crate::json::Object;

/// An image: its type and size, or its address; never its bytes.
pub(super) fn image(part: &Object<'_>) -> Content {
    let url = part
        .object("image_url")
        .and_then(|image| image.text("url"))
        .or_else(|| part.text("image_url"))
        .unwrap_or_default();
    let json = match url.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
        Some((mime_type, data)) => {
            let mime_type = Value::from(mime_type);
            format!(r#"{{"mime_type":{mime_type},"bytes":{}}}"#, decoded_len(data))
        }
        None => format!(r#"{{"url":{}}}"#, Value::from(&*url)),
    };
    Content::Other { kind: String::from("image_url"), json }
}

/// A call that the host ran, its arguments left out (Groq).
pub(super) fn server_call(tool: &Object<'_>) -> Content {
    Content::ServerToolUse { id: tool.owned("id"), name: name(tool), input: String::new() }
}

/// What the call gave, once it is told.
pub(super) fn server_result(tool: &Object<'_>) -> Option<Content> {
    let json = ["search_results", "code_results", "output"].iter().find_map(|at| tool.raw(at))?;
    Some(Content::ServerToolResult {
        kind: name(tool),
        tool_use_id: tool.owned("id"),
        json: json.to_owned(),
    })
}

fn name(tool: &Object<'_>) -> String {
    tool.text("name").or_else(|| tool.text("type")).unwrap_or_default().into_owned()
}
