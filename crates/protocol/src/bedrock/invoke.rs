//! InvokeModel: bodies are the model's own, and those of Anthropic's models are Messages without
//! `model` and `stream`.
//!
//! An id need not tell whose model it is (an application's inference profile does not), so an answer
//! may also tell by its own form: other models speak as Converse or as Chat Completions do, or plain text.
//! Answers in no known form are kept as they came.

use super::Converse;
use super::converse::ConverseAnswer;
use super::fault;
use super::invoke_plain::{self, PlainText};
use crate::anthropic::{Anthropic, AnthropicResponse};
use crate::dialect::{Delta, Dialect, EventFacts, RequestFacts, ResponseDecoder};
use crate::json::Object;
use crate::openai::{Chat, ChatAnswer};
use crate::piece::Seam;
use crate::preview::preview;
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
        } else if object.raw("inferenceConfig").or_else(|| object.raw("schemaVersion")).is_some() {
            Converse.request(body)
        } else if object.raw("messages").is_some() {
            Chat.request(body)
        } else {
            let prompt = object.text("prompt").or_else(|| object.text("inputText"));
            let config = object.object("textGenerationConfig");
            let limit = object.number("max_gen_len").or_else(|| object.number("max_tokens"));
            RequestFacts {
                max_tokens: limit.or_else(|| config?.number("maxTokenCount")),
                last_user_text: prompt.and_then(|prompt| preview(&prompt)),
                json_ok,
                ..RequestFacts::default()
            }
        }
    }

    fn seams(&self) -> &'static [Seam] {
        super::INVOKE_SEAMS
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(InvokeAnswer::new(self.is_anthropic))
    }
}

/// Whose form an answer has, once it has shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Open,
    Anthropic,
    /// Amazon's own models say what Converse says, each event wrapped in its name.
    Nova,
    /// Models that speak as Chat Completions do.
    Chat,
}

/// Decodes one answer.
#[derive(Debug)]
pub struct InvokeAnswer {
    form: Form,
    anthropic: AnthropicResponse,
    nova: ConverseAnswer,
    chat: ChatAnswer,
    plain: PlainText,
}

impl InvokeAnswer {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new(is_anthropic: bool) -> Self {
        Self {
            form: if is_anthropic { Form::Anthropic } else { Form::Open },
            anthropic: AnthropicResponse::new(),
            nova: ConverseAnswer::new(),
            chat: ChatAnswer::new(),
            plain: PlainText::default(),
        }
    }

    /// The form that a chunk shows.
    fn form_of(object: &Object<'_>) -> Form {
        if object.text("type").as_deref() == Some("message_start") {
            Form::Anthropic
        } else if object.raw("choices").is_some() {
            Form::Chat
        } else if nova(object).is_some() {
            Form::Nova
        } else {
            Form::Open
        }
    }
}

/// The event of one of Amazon's own models that an object wraps.
fn nova(object: &Object<'_>) -> Option<&'static str> {
    const EVENTS: [&str; 6] = [
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ];
    EVENTS.into_iter().find(|event| object.raw(event).is_some())
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
        if self.form == Form::Anthropic {
            return self.anthropic.event(event, out);
        }
        let Some(object) = Object::read(event.data) else {
            return EventFacts::of(event.name, None, out);
        };
        if self.form == Form::Open {
            self.form = Self::form_of(&object);
        }
        let facts = match self.form {
            Form::Anthropic => return self.anthropic.event(event, out),
            Form::Chat => self.chat.event(event, out),
            Form::Nova => match nova(&object) {
                Some(name) => {
                    let inner = object.object(name).unwrap_or_default();
                    let read = self.nova.told(name, event.data, &inner, out);
                    EventFacts::of(name, Some(read), out)
                }
                None => EventFacts::of(event.name, None, out),
            },
            Form::Open => {
                let read = self.plain.read(event.data, &object, out).map(Ok);
                EventFacts::of(event.name, read, out)
            }
        };
        if let Some(usage) = invoke_plain::metrics(&object) {
            out(Delta::Usage(usage));
        }
        invoke_plain::guardrail(&object, out);
        facts
    }

    fn json(&mut self, body: &[u8], out: &mut dyn FnMut(Delta<'_>)) -> bool {
        let object = Object::read(body).unwrap_or_default();
        let stated = object.text("type");
        if stated.is_none()
            && let Some(error) = fault::of_body(&object)
        {
            out(error);
            return true;
        }
        let known = if self.form == Form::Anthropic || stated.as_deref() == Some("message") {
            self.anthropic.json(body, out)
        } else if object.raw("choices").is_some() {
            self.chat.json(body, out)
        } else if object.raw("output").is_some() {
            self.nova.json(body, out)
        } else if self.plain.read(body, &object, out).is_some() {
            true
        } else {
            out(Delta::Unknown { kind: stated.unwrap_or_default() });
            return false;
        };
        invoke_plain::guardrail(&object, out);
        known
    }

    fn owes(&self) -> Option<&'static str> {
        match self.form {
            Form::Anthropic => self.anthropic.owes(),
            Form::Chat => self.chat.owes(),
            Form::Nova => self.nova.owes(),
            Form::Open => self.plain.owes(),
        }
    }
}
