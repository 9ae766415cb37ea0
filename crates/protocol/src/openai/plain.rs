//! Vectors, images and sound: calls whose answer is no message. Usage, model and error are read, and
//! nothing else; the answer itself stays in the body.

use std::borrow::Cow;

use super::{error, usage};
use crate::blocks::Out;
use crate::dialect::{Delta, EventFacts, RequestFacts, ResponseDecoder};
use crate::json::{Object, stated};
use crate::sse::SseEvent;

/// Events of images and sound.
const KNOWN: [&str; 4] = ["image_generation.", "image_edit.", "transcript.", "speech."];

/// Reads a request; a form's body is no JSON and says nothing here.
pub(super) fn request(body: &[u8]) -> RequestFacts {
    let (request, json_ok) = Object::read_lossy(body);
    RequestFacts {
        model: request.text("model").map(Cow::into_owned),
        stream: request.flag("stream"),
        json_ok,
        ..RequestFacts::default()
    }
}

/// Decodes one answer.
#[derive(Debug, Default)]
pub struct PlainAnswer {
    served: Served,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Served {
    /// Nothing that is known.
    #[default]
    Nothing,
    /// The part of this kind of event, which is not the last.
    Part(&'static str),
    /// All of it.
    All,
}

/// The last event of a stream that has events of this kind.
fn last_of(kind: &str) -> &'static str {
    if kind.starts_with("image_edit.") {
        "image_edit.completed"
    } else if kind.starts_with("image_generation.") {
        "image_generation.completed"
    } else if kind.starts_with("speech.") {
        "speech.audio.done"
    } else {
        "transcript.text.done"
    }
}

fn read(object: &Object<'_>, out: Out<'_>) {
    if object.raw("error").is_some() {
        if let Some(error) = error(object) {
            out(error);
        }
        return;
    }
    out(Delta::Served { model: object.text("model") });
    if let Some(stated) = object.object("usage") {
        out(Delta::Usage(usage::read(&stated)));
        usage::tier(object, out);
    }
}

impl ResponseDecoder for PlainAnswer {
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: Out<'_>) -> EventFacts<'a> {
        let object = Object::read(event.data);
        let kind = stated(object.as_ref(), "type", event.name);
        let is_known = kind == "error" || KNOWN.iter().any(|known| kind.starts_with(known));
        match object.filter(|_| is_known) {
            Some(object) => {
                if kind == "error" || kind.ends_with(".completed") || kind.ends_with(".done") {
                    self.served = Served::All;
                    read(&object, out);
                } else if self.served == Served::Nothing {
                    self.served = Served::Part(last_of(kind));
                }
                EventFacts::plain(kind)
            }
            None if event.data.trim_ascii() == b"[DONE]" => {
                self.served = Served::All;
                EventFacts::plain("[DONE]")
            }
            None => EventFacts::of(kind, None, out),
        }
    }

    fn json(&mut self, body: &[u8], out: Out<'_>) -> bool {
        let object = Object::read(body);
        if let Some(object) = &object {
            read(object, out);
        }
        object.is_some()
    }

    fn owes(&self) -> Option<&'static str> {
        match self.served {
            Served::Part(last) => Some(last),
            Served::Nothing | Served::All => None,
        }
    }
}
