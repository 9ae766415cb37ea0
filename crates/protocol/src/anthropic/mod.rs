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

pub use response::AnthropicResponse;

/// The dialect; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anthropic;

impl Dialect for Anthropic {
    fn request(&self, body: &[u8]) -> RequestFacts {
        request::read(body)
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(AnthropicResponse::new())
    }
}
