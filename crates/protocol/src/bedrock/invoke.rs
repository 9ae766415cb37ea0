//! InvokeModel: bodies are the model's own, and those of Anthropic's models are Messages without
//! `model` and `stream`.
//!
//! An id need not tell whose model it is (an application's inference profile does not), so an answer
//! may also tell by its own form. Other models' answers are kept as they came.

use std::borrow::Cow;

use super::fault;
use crate::anthropic::{Anthropic, AnthropicResponse};
use crate::dialect::{Delta, Dialect, EventFacts, RequestFacts, ResponseDecoder};
use crate::json::Object;
use crate::sse::SseEvent;

/// InvokeModel and InvokeModelWithResponseStream.
#[derive(Clone, Copy, Debug)]
pub struct Invoke {
    is_anthropic: bool,
}

impl Invoke {
    /// A model whose id says that it is Anthropic's.
    pub const ANTHROPIC: Self = Self { is_anthropic: true };
    /// A model of which the id does not say so.
    pub const ANY: Self = Self { is_anthropic: false };
}

impl Dialect for Invoke {
    fn request(&self, body: &[u8]) -> RequestFacts {
        let (object, json_ok) = Object::read_lossy(body);
        if self.is_anthropic || object.raw("anthropic_version").is_some() {
            Anthropic.request(body)
        } else {
            RequestFacts { json_ok, ..RequestFacts::default() }
        }
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(InvokeAnswer::new(self.is_anthropic))
    }
}

/// Decodes one answer.
#[derive(Debug)]
pub struct InvokeAnswer {
    anthropic: AnthropicResponse,
    is_anthropic: bool,
}

impl InvokeAnswer {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new(is_anthropic: bool) -> Self {
        Self { anthropic: AnthropicResponse::new(), is_anthropic }
    }
}

impl ResponseDecoder for InvokeAnswer {
    fn event<'a>(
        &mut self,
        event: &SseEvent<'a>,
        out: &mut dyn FnMut(Delta<'_>),
    ) -> EventFacts<'a> {
        if let Some(facts) = fault::of_event(event, out) {
            return facts;
        }
        self.is_anthropic = self.is_anthropic || says(event.data, "message_start");
        if self.is_anthropic {
            return self.anthropic.event(event, out);
        }
        out(Delta::Unknown { kind: Cow::Borrowed(event.name) });
        EventFacts::unknown(event.name)
    }

    fn json(&mut self, body: &[u8], out: &mut dyn FnMut(Delta<'_>)) -> bool {
        let object = Object::read(body);
        let stated = object.as_ref().and_then(|object| object.text("type"));
        if stated.is_none()
            && let Some(error) = object.as_ref().and_then(fault::of_body)
        {
            out(error);
            return true;
        }
        if self.is_anthropic || stated.as_deref() == Some("message") {
            return self.anthropic.json(body, out);
        }
        out(Delta::Unknown { kind: stated.unwrap_or_default() });
        false
    }
}

/// Whether the data is an object that states this type.
fn says(data: &[u8], kind: &str) -> bool {
    Object::read(data).and_then(|object| object.text("type")).as_deref() == Some(kind)
}
