//! The dialects of Amazon Bedrock: Converse, and what models say themselves through InvokeModel.
//!
//! Formats: the public reference of the Bedrock Runtime API, version 2023-09-30, operations Converse,
//! ConverseStream, InvokeModel and InvokeModelWithResponseStream. Streams are messages of
//! [`crate::event_stream`], which [`event`] makes the events of a dialect.

mod converse;
mod converse_request;
mod fault;
mod frame;
mod invoke;
mod invoke_plain;
mod usage;

use langley_model::ModelMethod;

use crate::dialect::{Dialect, RequestFacts, ResponseDecoder};
use crate::piece::Seam;

pub use converse::ConverseAnswer;
pub use frame::event;
pub use invoke::{Invoke, InvokeAnswer};

const CONVERSE_SEAMS: &[Seam] =
    &[Seam::system(&["system"]), Seam::tools(&["toolConfig", "tools"]), Seam::turns(&["messages"])];

/// A model's own form: most are those of Anthropic's, of Chat Completions or of Converse.
const INVOKE_SEAMS: &[Seam] = &[
    Seam::system(&["system"]),
    Seam::tools(&["tools"]),
    Seam::tools(&["toolConfig", "tools"]),
    Seam::turns(&["messages"]),
];

/// Converse and ConverseStream; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Converse;

impl Dialect for Converse {
    fn request(&self, body: &[u8]) -> RequestFacts {
        converse_request::read(body)
    }

    fn seams(&self) -> &'static [Seam] {
        CONVERSE_SEAMS
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(ConverseAnswer::new())
    }
}

/// The dialect of a method at a model; none when it is not Bedrock's.
pub(crate) fn of_method(method: ModelMethod, model: &str) -> Option<&'static dyn Dialect> {
    match method {
        ModelMethod::Converse | ModelMethod::ConverseStream => Some(&Converse),
        ModelMethod::Invoke | ModelMethod::InvokeStream => {
            Some(if model.contains("anthropic.") { &Invoke::ANTHROPIC } else { &Invoke::ANY })
        }
        _ => None,
    }
}
