//! Answers of the Messages API: stream events and whole bodies, both as the same deltas.

use std::borrow::Cow;

use langley_model::{Few, LiveKind, Tokens};

use super::fast::Found;
use super::usage::UsageReader;
use super::{block, fast};
use crate::dialect::{Delta, EventFacts, Read, ResponseDecoder, Said, place};
use crate::json::{Object, count, elements, inner, stated_or_error, unescape};
use crate::sse::SseEvent;

/// Decodes one answer.
#[derive(Debug, Default)]
pub struct AnthropicResponse {
    usage: UsageReader,
    /// Whether the byte-shape path is off.
    slow_only: bool,
    ended: bool,
}

type Out<'o> = &'o mut dyn FnMut(Delta<'_>);

impl AnthropicResponse {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder that reads every event as JSON: what the faster one is tested against.
    #[must_use]
    pub fn without_fast_path() -> Self {
        Self { slow_only: true, ..Self::default() }
    }
}

impl ResponseDecoder for AnthropicResponse {
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: Out<'_>) -> EventFacts<'a> {
        if !self.slow_only
            && let Some(Found { place, escaped, is_plain }) = fast::delta(event.data)
            && let Some(text) =
                if is_plain { Some(Cow::Borrowed(escaped)) } else { unescape(escaped) }
        {
            out(Delta::fragment(place.block, place.kind, text));
            let kind = "content_block_delta";
            return EventFacts { texts: Few::One(place), ..EventFacts::plain(kind) };
        }
        let object = Object::read(event.data);
        let kind = stated_or_error(object.as_ref(), "type", event.name);
        let read = object.and_then(|object| self.read(kind, event.data, &object, out));
        EventFacts::of(kind, read, out)
    }

    fn json(&mut self, body: &[u8], out: Out<'_>) -> bool {
        let object = Object::read(body);
        let understood = object.as_ref().and_then(|object| self.body(object, out));
        understood.unwrap_or_else(|| {
            let kind = object.and_then(|object| object.text("type")).unwrap_or_default();
            out(Delta::Unknown { kind });
            false
        })
    }

    fn owes(&self) -> Option<&'static str> {
        (!self.ended).then_some("message_stop")
    }
}

impl AnthropicResponse {
    /// Reads one event. None when it is of no known type or lacks what its type must have.
    fn read(
        &mut self,
        kind: &str,
        data: &[u8],
        event: &Object<'_>,
        out: Out<'_>,
    ) -> Option<Result<Read, Said>> {
        let mut read = Read::default();
        match kind {
            "content_block_delta" => {
                let index = event.index("index")?;
                let delta = event.object("delta")?;
                return Some(read_delta(index, data, &delta, out));
            }
            "content_block_start" => {
                let index = event.index("index")?;
                let start = block::start(index, event.raw("content_block")?, out)?;
                if !start.known {
                    return Some(Err(Said));
                }
                read.texts.extend(start.text.map(|(kind, text)| place(index, kind, data, text)));
            }
            "content_block_stop" => {
                let index = event.index("index")?;
                out(Delta::BlockStop { index });
                read.ends_blocks.push(index);
            }
            "message_start" => {
                let message = event.object("message")?;
                self.message_start(&message, out);
                // Blocks come in events of their own; nobody was seen to send them here.
                if message.raw("content").and_then(count).is_some_and(|blocks| blocks > 0) {
                    return None;
                }
            }
            "message_delta" => {
                let delta = event.object("delta");
                if let Some(usage) = event.object("usage") {
                    self.usage.tell(&usage, out);
                } else {
                    delta.as_ref()?;
                }
                if let Some(delta) = delta {
                    stop(&delta, out);
                }
            }
            "message_stop" => {
                self.ended = true;
                out(Delta::MessageStop);
            }
            "ping" => out(Delta::Ping),
            "error" => error(event, out)?,
            _ => return None,
        }
        Some(Ok(read))
    }

    fn message_start(&mut self, message: &Object<'_>, out: Out<'_>) {
        out(Delta::MessageStart {
            id: message.text("id"),
            model: message.text("model"),
            role: message.text("role"),
        });
        if let Some(usage) = message.object("usage") {
            self.usage.tell(&usage, out);
        }
    }

    /// Reads a whole body; whether all of it was understood. None when it is of no known kind.
    fn body(&mut self, body: &Object<'_>, out: Out<'_>) -> Option<bool> {
        match body.text("type").as_deref() {
            Some("message") => {
                let content = elements(body.raw("content")?)?;
                self.message_start(body, out);
                let mut known = true;
                for (index, json) in (0..).zip(content) {
                    if let Some(start) = block::start(index, json.get(), out) {
                        known &= start.known;
                        out(Delta::BlockStop { index });
                    } else {
                        known = false;
                        out(Delta::Unknown { kind: Cow::Borrowed("") });
                    }
                }
                stop(body, out);
                out(Delta::MessageStop);
                Some(known)
            }
            None if body.raw("error").is_none() => {
                out(Delta::TokenCount(Tokens(body.number("input_tokens")?)));
                Some(true)
            }
            None | Some("error") => error(body, out).map(|()| true),
            Some(_) => None,
        }
    }
}

/// A delta's type and parts.
fn read_delta(index: u32, data: &[u8], delta: &Object<'_>, out: Out<'_>) -> Result<Read, Said> {
    let kind = delta.text("type").unwrap_or_default();
    let text = |name| delta.raw(name).and_then(inner);
    let mut read = Read::default();
    let (live, escaped) = match &*kind {
        "text_delta" => (LiveKind::Text, text("text")),
        "thinking_delta" => (LiveKind::Thinking, text("thinking")),
        "input_json_delta" => (LiveKind::ToolInput, text("partial_json")),
        "signature_delta" => {
            out(Delta::Signature { index, bytes: block::length(delta.text("signature")) });
            return Ok(read);
        }
        "citations_delta" if delta.raw("citation").is_some() => {
            let json = Cow::Borrowed(delta.raw("citation").unwrap_or_default());
            out(Delta::Citation { index, json });
            return Ok(read);
        }
        _ => {
            out(Delta::Unknown { kind });
            return Err(Said);
        }
    };
    match escaped.and_then(|escaped| Some((escaped, unescape(escaped)?))) {
        Some((escaped, text)) => {
            read.texts.push(place(index, live, data, escaped));
            out(Delta::fragment(index, live, text));
            Ok(read)
        }
        None => {
            out(Delta::Unknown { kind });
            Err(Said)
        }
    }
}

fn stop(object: &Object<'_>, out: Out<'_>) {
    let (reason, sequence) = (object.text("stop_reason"), object.text("stop_sequence"));
    if reason.is_some() || sequence.is_some() {
        out(Delta::Stop { reason, sequence });
    }
    if let Some(json) = object.raw("stop_details") {
        out(Delta::StopDetails { json: Cow::Borrowed(json) });
    }
}

/// `{"error": {"type": …, "message": …}}`; gateways in between also say `{"error": "…"}`.
fn error(object: &Object<'_>, out: Out<'_>) -> Option<()> {
    match object.object("error") {
        Some(error) => {
            out(Delta::Error { kind: error.text("type"), message: error.text("message") });
        }
        None => out(Delta::Error { kind: None, message: Some(object.text("error")?) }),
    }
    Some(())
}
