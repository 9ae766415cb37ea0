//! Vectors of Gemini: no message; what they cost is read where it is told.

use crate::dialect::{Delta, Dialect, EventFacts, RequestFacts, ResponseDecoder};
use crate::gemini::usage::UsageReader;
use crate::json::Object;
use crate::sse::SseEvent;

/// `embedContent` and `batchEmbedContents`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Embed;

impl Dialect for Embed {
    fn request(&self, body: &[u8]) -> RequestFacts {
        RequestFacts { json_ok: Object::read(body).is_some(), ..RequestFacts::default() }
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(EmbedAnswer)
    }
}

/// Decodes one answer; has no state.
#[derive(Debug, Default)]
pub struct EmbedAnswer;

impl ResponseDecoder for EmbedAnswer {
    fn event<'a>(
        &mut self,
        event: &SseEvent<'a>,
        out: &mut dyn FnMut(Delta<'_>),
    ) -> EventFacts<'a> {
        EventFacts::of(event.name, None, out)
    }

    fn json(&mut self, body: &[u8], out: &mut dyn FnMut(Delta<'_>)) -> bool {
        let Some(answer) = Object::read(body) else { return false };
        if answer.raw("error").is_some() {
            super::response::error(&answer, out);
            return true;
        }
        out(Delta::Served { model: None });
        if let Some(usage) = answer.object("usageMetadata") {
            UsageReader::default().tell(&usage, out);
        }
        answer.raw("embedding").or_else(|| answer.raw("embeddings")).is_some()
    }

    fn owes(&self) -> Option<&'static str> {
        None
    }
}
