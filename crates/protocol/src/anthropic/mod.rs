//! The dialect of Anthropic's Messages API: requests, JSON answers, streams and errors.
//!
//! Format: the public reference of `POST /v1/messages` (with streaming) and
//! `POST /v1/messages/count_tokens`, API version 2023-06-01, and what clients were seen to send.

mod block;
mod fast;
mod request;
mod response;
mod usage;

use crate::dialect::{Dialect, RequestFacts, ResponseDecoder};
use crate::piece::Seam;

pub use response::AnthropicResponse;

/// Where a Messages request comes apart.
const SEAMS: &[Seam] =
    &[Seam::system(&["system"]), Seam::tools(&["tools"]), Seam::turns(&["messages"])];

/// The same API at Vertex AI, where the path names the model and says whether a stream is asked for
/// (`…/publishers/anthropic/models/{model}:rawPredict` and `:streamRawPredict`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Vertex;

impl Vertex {
    /// Whether a path without its query is such a call.
    pub(crate) fn is_call(path: &str) -> bool {
        Self::call(path).is_some()
    }

    /// The model, and whether it is to stream.
    fn call(path: &str) -> Option<(&str, bool)> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let (_, call) = path.rsplit_once("/publishers/anthropic/models/")?;
        match call.rsplit_once(':')? {
            ("", _) => None,
            (model, "rawPredict") => Some((model, false)),
            (model, "streamRawPredict") => Some((model, true)),
            _ => None,
        }
    }
}

impl Dialect for Vertex {
    fn request(&self, body: &[u8]) -> RequestFacts {
        request::read(body)
    }

    fn seams(&self) -> &'static [Seam] {
        SEAMS
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(AnthropicResponse::new())
    }

    fn model_in_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        Self::call(path).map(|(model, _)| model)
    }

    fn streams(&self, path: &str) -> Option<bool> {
        Self::call(path).map(|(_, streams)| streams)
    }
}

/// The dialect; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anthropic;

impl Dialect for Anthropic {
    fn request(&self, body: &[u8]) -> RequestFacts {
        request::read(body)
    }

    fn seams(&self) -> &'static [Seam] {
        SEAMS
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(AnthropicResponse::new())
    }
}
