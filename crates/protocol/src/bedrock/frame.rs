//! A message of the binary event stream as the event that a dialect reads and that is stored.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::event_stream::{EventStreamMessage, MessageType};
use crate::json::{Object, inner, unescape};
use crate::sse::SseEvent;

/// How an error is called that no exception describes.
pub(super) const ERROR: &str = "error";

/// The event: its name is the message's type, its data the payload. Of a `chunk` the data is what the
/// model said, which its payload wraps in base64; of an error it is JSON of what the headers say.
/// `scratch` is where data is put that is not in the message.
#[must_use]
pub fn event<'s>(message: &EventStreamMessage<'s>, scratch: &'s mut Vec<u8>) -> SseEvent<'s> {
    scratch.clear();
    let mut name = message.name();
    let mut is_made = false;
    if message.message_type() == Some(MessageType::Error) {
        let sentence = message.text(":error-message").unwrap_or_default();
        let json = serde_json::json!({ "code": name, "message": sentence });
        is_made = message.payload.is_empty() && serde_json::to_writer(&mut *scratch, &json).is_ok();
        name = ERROR;
    } else if name == "chunk" {
        is_made = unwrap(message.payload, scratch).is_some();
    }
    let data = if is_made { scratch } else { message.payload };
    SseEvent { name, data, id: None, retry: None }
}

/// What `{"bytes": "<base64>"}` wraps.
fn unwrap(payload: &[u8], into: &mut Vec<u8>) -> Option<()> {
    let bytes = Object::read(payload)?.raw("bytes").and_then(inner).and_then(unescape)?;
    let bytes: Cow<'_, str> = bytes;
    STANDARD.decode_vec(bytes.as_bytes(), into).ok()
}
