//! The dialects of OpenAI: Chat Completions, which many other hosts speak as well, and Responses.
//!
//! Formats: the public references of `POST /v1/chat/completions` and `POST /v1/responses` with their
//! streaming events, the members that compatible hosts add (`reasoning_content`, `reasoning`,
//! `images`, `citations`, `executed_tools`, `x_groq`, `usage.cost`, content as a list of parts), and what clients were seen to send.

mod chat_answer;
mod chat_part;
mod chat_request;
mod item;
mod plain;
mod responses_answer;
mod responses_request;
mod usage;

use std::borrow::Cow;

use crate::dialect::{Delta, Dialect, RequestFacts, ResponseDecoder};
use crate::json::Object;
use crate::piece::Seam;

pub use chat_answer::ChatAnswer;
pub use plain::PlainAnswer;
pub use responses_answer::ResponsesAnswer;

/// The dialect of a call's path (query and trailing slash excluded), whatever stands before its last part.
pub(crate) fn of_call(path: &str) -> &'static dyn Dialect {
    if path.ends_with("/chat/completions") {
        &Chat
    } else if path.ends_with("/responses") {
        &Responses
    } else {
        &Plain
    }
}

const CHAT_SEAMS: &[Seam] =
    &[Seam::turns(&["messages"]), Seam::tools(&["tools"]), Seam::tools(&["functions"])];

const RESPONSES_SEAMS: &[Seam] =
    &[Seam::system(&["instructions"]), Seam::tools(&["tools"]), Seam::turns(&["input"])];

/// The deployment that a path of Azure names: `…/openai/deployments/{name}/…`.
fn deployment(path: &str) -> Option<&str> {
    let (_, named) = path.split_once("/openai/deployments/")?;
    named.split_once('/').map(|(name, _)| name).filter(|name| !name.is_empty())
}

/// Chat Completions; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chat;

impl Dialect for Chat {
    fn request(&self, body: &[u8]) -> RequestFacts {
        chat_request::read(body)
    }

    fn seams(&self) -> &'static [Seam] {
        CHAT_SEAMS
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(ChatAnswer::new())
    }

    fn model_in_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        deployment(path)
    }
}

/// A call whose answer is no message: what it cost is read, and who served it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Dialect for Plain {
    fn request(&self, body: &[u8]) -> RequestFacts {
        plain::request(body)
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(PlainAnswer::default())
    }

    fn model_in_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        deployment(path)
    }
}

/// Responses; has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Responses;

impl Dialect for Responses {
    fn request(&self, body: &[u8]) -> RequestFacts {
        responses_request::read(body)
    }

    fn seams(&self) -> &'static [Seam] {
        RESPONSES_SEAMS
    }

    fn names_earlier_answers(&self) -> bool {
        true
    }

    fn response(&self) -> Box<dyn ResponseDecoder> {
        Box::new(ResponsesAnswer::new())
    }
}

/// The error that `holder` reports: `{"error": {"code", "type", "message"}}`, `{"error": "…"}`, or the
/// same members beside an event's type. None when there is none.
fn error(holder: &Object<'_>) -> Option<Delta<'static>> {
    let inner = holder.object("error");
    if inner.is_none()
        && let Some(message) = holder.text("error")
    {
        return Some(Delta::Error { kind: None, message: Some(owned(message)) });
    }
    let error = inner.as_ref().unwrap_or(holder);
    // The code says more than the type, which is often just "invalid_request_error".
    let code = error.text("code").or_else(|| error.text("type").filter(|_| inner.is_some()));
    let kind = code.map(owned).or_else(|| error.number("code").map(|code| code.to_string().into()));
    let message = error.text("message").map(owned);
    (kind.is_some() || message.is_some()).then_some(Delta::Error { kind, message })
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
