//! The two halves of an exchange as JSON: heads, bodies, and the stream's events.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use langley_model::HeaderBlock;
use serde::Serialize;
use utoipa::ToSchema;

use super::message::Message;
use super::page::milliseconds;

/// What the agent sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Request {
    /// Method.
    pub method: String,
    /// Path and query, redacted.
    pub path: String,
    /// The provider's host.
    pub host: String,
    /// Headers as [name, value], in the order they were sent.
    pub headers: Vec<(String, String)>,
    /// Trailers as [name, value].
    pub trailers: Vec<(String, String)>,
    /// The body; null when none was kept.
    pub body: Option<Body>,
    /// Whether there was one that retention has removed.
    pub body_retired: bool,
}

/// What the provider answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Response {
    /// Status code; null when no head came.
    pub status: Option<u16>,
    /// Headers as [name, value], in the order they were sent.
    pub headers: Vec<(String, String)>,
    /// Trailers as [name, value].
    pub trailers: Vec<(String, String)>,
    /// The body; null when none was kept (a stream is kept as events and message instead).
    pub body: Option<Body>,
    /// Whether there was one that retention has removed.
    pub body_retired: bool,
    /// The assembled answer; null when the exchange is not a model's.
    pub message: Option<Message>,
}

/// A body with its content encoding undone, redacted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Body {
    /// The body, when it is UTF-8.
    pub text: Option<String>,
    /// The body in base64, when it is not UTF-8.
    pub base64: Option<String>,
    /// Media type as stated.
    pub media_type: Option<String>,
    /// Bytes kept.
    pub stored_bytes: u64,
    /// Bytes before any cut.
    pub original_bytes: u64,
    /// Whether bytes are missing: at the end, or in parts of a request that were too long; those say how
    /// many.
    pub truncated: bool,
}

/// A page of stream events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// Events in order.
    pub items: Vec<Event>,
    /// Pass as `after` for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Stored events of this flow (of this type, when `type` is given).
    pub total: u64,
    /// Events (of this type, when `type` is given) between those of this page, or behind them, that the store
    /// has and cannot read because they are damaged.
    pub damaged: u64,
    /// The flow's stored events by type; empty on later pages.
    pub types: Vec<EventType>,
    /// Whether there were events that retention has removed.
    pub retired: bool,
}

/// How many stored events of a type there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventType {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stored events of it.
    pub count: u64,
}

/// One stream event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Position in the flow, from 0.
    pub seq: u64,
    /// Milliseconds since the flow started.
    pub offset_ms: f64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its data, redacted.
    pub data: String,
    /// Bytes of its data before redaction.
    pub original_bytes: u64,
}

impl From<langley_store::StoredBody> for Body {
    fn from(body: langley_store::StoredBody) -> Self {
        Self::new(body.bytes, body.media_type, body.original_len, body.truncated)
    }
}

impl From<langley_store::EventPage> for EventPage {
    fn from(page: langley_store::EventPage) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next_after.map(|seq| seq.to_string()),
            total: page.total,
            damaged: page.damaged,
            types: page.kinds.into_iter().map(|(kind, count)| EventType { kind, count }).collect(),
            retired: false,
        }
    }
}

impl From<langley_store::StoredEvent> for Event {
    fn from(event: langley_store::StoredEvent) -> Self {
        Self {
            seq: event.seq,
            offset_ms: milliseconds(Duration::from_micros(event.offset_us)),
            kind: event.kind,
            data: String::from_utf8_lossy(&event.data).into_owned(),
            original_bytes: u64::from(event.original_len),
        }
    }
}

impl Body {
    pub(crate) fn new(
        bytes: Vec<u8>,
        media_type: Option<String>,
        original_bytes: u64,
        truncated: bool,
    ) -> Self {
        let stored_bytes = bytes.len() as u64;
        let (text, base64) = match String::from_utf8(bytes) {
            Ok(text) => (Some(text), None),
            Err(error) => {
                let end = error.utf8_error().valid_up_to();
                let only_cut = truncated && error.utf8_error().error_len().is_none();
                let mut bytes = error.into_bytes();
                if only_cut {
                    // The limit fell inside a character; what comes before it is text.
                    bytes.truncate(end);
                    (String::from_utf8(bytes).ok(), None)
                } else {
                    (None, Some(STANDARD.encode(bytes)))
                }
            }
        };
        Self { text, base64, media_type, stored_bytes, original_bytes, truncated }
    }
}

/// Header lines as pairs; bytes that are not UTF-8 are shown as replacement characters.
pub(crate) fn lines(block: &HeaderBlock) -> Vec<(String, String)> {
    block
        .iter()
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_or_base64_never_both() {
        let text = Body::new("héllo".into(), None, 6, false);
        assert_eq!((text.text.as_deref(), text.base64), (Some("héllo"), None));
        let binary = Body::new(vec![0xff, 0x00], None, 2, false);
        assert_eq!((binary.text, binary.base64.as_deref()), (None, Some("/wA=")));
    }

    #[test]
    fn a_cut_inside_a_character_leaves_text() {
        let cut = Body::new("hé".as_bytes()[..2].to_vec(), None, 900, true);
        assert_eq!(cut.text.as_deref(), Some("h"));
        assert_eq!(cut.stored_bytes, 2);
    }
}
