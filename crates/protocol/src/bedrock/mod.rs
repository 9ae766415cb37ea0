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
mod usage;

use crate::dialect::{Dialect, RequestFacts, ResponseDecoder};

pub use converse::ConverseAnswer;
pub use frame::event;
pub use invoke::{Invoke, InvokeAnswer};

/// Converse and ConverseStream; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Converse;

impl Dialect for Converse {
    fn request(&self, body: &[u8]) -> RequestFacts {
        converse_request::read(body)
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(ConverseAnswer::new())
    }

    fn model_in_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        parts(path).map(|(model, _)| model)
    }

    fn streams(&self, path: &str) -> Option<bool> {
        parts(path).map(|(_, verb)| verb == "converse-stream")
    }
}

/// The dialect of a path, whatever stands before its `/model/`; the model's id may itself have slashes.
pub(crate) fn of_path(path: &str) -> Option<&'static dyn Dialect> {
    match parts(path)? {
        (_, "converse" | "converse-stream") => Some(&Converse),
        (model, "invoke" | "invoke-with-response-stream") => {
            Some(if model.contains("anthropic.") { &Invoke::ANTHROPIC } else { &Invoke::ANY })
        }
        _ => None,
    }
}

/// Model and verb of `…/model/{model}/{verb}`.
fn parts(path: &str) -> Option<(&str, &str)> {
    let path = path.split(['?', '#']).next()?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let (_, named) = path.split_once("/model/")?;
    named.rsplit_once('/').filter(|(model, _)| !model.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::model_name;

    #[test]
    fn the_path_names_the_model_and_says_whether_it_streams() {
        for (path, model, streams) in [
            ("/model/amazon.nova-pro-v1:0/converse", "amazon.nova-pro-v1:0", false),
            ("/model/a.b/converse-stream?x=/model/y/converse", "a.b", true),
            ("/model/us.anthropic.claude-x-v1%3A0/invoke", "us.anthropic.claude-x-v1:0", false),
            (
                "/gw/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.anthropic.x/invoke-with-response-stream/",
                "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.x",
                true,
            ),
            (
                "/model/arn:aws:bedrock:us-east-1:1:provisioned-model/abc/converse",
                "arn:aws:bedrock:us-east-1:1:provisioned-model/abc",
                false,
            ),
        ] {
            let dialect = of_path(path).expect(path);
            assert_eq!(dialect.model_in_path(path).map(model_name).as_deref(), Some(model));
            assert_eq!(dialect.streams(path), Some(streams), "{path}");
        }
        assert!(of_path("/model/converse").is_none());
    }
}
