//! The dialects of Google's Gemini: requests, JSON answers, streams in all their forms and errors.
//!
//! Formats: the public reference of `models.generateContent`, `models.streamGenerateContent`,
//! `models.countTokens` and `models.embedContent`, `v1` and `v1beta`, of the same methods in Vertex AI
//! and of the Interactions API; the published sources of Gemini CLI for the code assist service, which
//! wraps requests and answers of the same form; and what clients were seen to send.

mod embed;
mod interaction;
mod interaction_item;
mod interaction_request;
mod part;
mod partial;
mod request;
mod response;
mod usage;

use langley_model::ModelMethod;

use crate::dialect::{Dialect, RequestFacts, ResponseDecoder};
use crate::piece::Seam;

pub use embed::{Embed, EmbedAnswer};
pub use interaction::InteractionAnswer;
pub use response::GeminiResponse;

/// Where a request comes apart: its own members, or those of the request that it wraps.
const SEAMS: &[Seam] = &[
    Seam::system(&["systemInstruction"]),
    Seam::system(&["system_instruction"]),
    Seam::tools(&["tools"]),
    Seam::turns(&["contents"]),
    Seam::system(&["request", "systemInstruction"]),
    Seam::tools(&["request", "tools"]),
    Seam::turns(&["request", "contents"]),
    Seam::system(&["generateContentRequest", "systemInstruction"]),
    Seam::tools(&["generateContentRequest", "tools"]),
    Seam::turns(&["generateContentRequest", "contents"]),
];

const INTERACTION_SEAMS: &[Seam] =
    &[Seam::system(&["system_instruction"]), Seam::tools(&["tools"]), Seam::turns(&["input"])];

/// The dialect of a method at a model; none when it is not Gemini's.
pub(crate) fn of_method(method: ModelMethod) -> Option<&'static dyn Dialect> {
    match method {
        ModelMethod::Generate | ModelMethod::StreamGenerate | ModelMethod::CountTokens => {
            Some(&Gemini)
        }
        ModelMethod::Embed => Some(&Embed),
        _ => None,
    }
}

/// The dialect; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

impl Dialect for Gemini {
    fn request(&self, body: &[u8]) -> RequestFacts {
        request::read(body)
    }

    fn seams(&self) -> &'static [Seam] {
        SEAMS
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(GeminiResponse::new())
    }

    fn has_array_streams(&self) -> bool {
        true
    }
}

/// Interactions; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interactions;

impl Dialect for Interactions {
    fn request(&self, body: &[u8]) -> RequestFacts {
        interaction_request::read(body)
    }

    fn seams(&self) -> &'static [Seam] {
        INTERACTION_SEAMS
    }

    fn names_earlier_answers(&self) -> bool {
        true
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(InteractionAnswer::new())
    }
}
