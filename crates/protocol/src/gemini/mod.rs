//! The dialect of Google's Gemini: requests, JSON answers, streams in both their forms and errors.
//!
//! Format: the public reference of `models.generateContent`, `models.streamGenerateContent` and
//! `models.countTokens`, `v1` and `v1beta`, and of the same methods in Vertex AI, and what clients
//! were seen to send.

mod part;
mod path;
mod request;
mod response;
mod usage;

use crate::dialect::{Dialect, RequestFacts, ResponseDecoder};

pub(crate) use path::is_call;
pub use response::GeminiResponse;

/// The dialect; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

impl Dialect for Gemini {
    fn request(&self, body: &[u8]) -> RequestFacts {
        request::read(body)
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(GeminiResponse::new())
    }

    fn model_in_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        path::call(path).map(|call| call.model)
    }

    fn streams(&self, path: &str) -> Option<bool> {
        path::call(path).map(|call| call.streams)
    }

    fn has_array_streams(&self) -> bool {
        true
    }
}
