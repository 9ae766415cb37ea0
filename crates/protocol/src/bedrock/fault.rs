//! Errors as Bedrock reports them: instead of an answer, or as the last message of a stream.

use std::borrow::Cow;

use super::frame::ERROR;
use crate::dialect::{Delta, EventFacts};
use crate::json::Object;
use crate::sse::SseEvent;

/// Hands out the error that the event is; none when it is no exception.
pub(super) fn of_event<'a>(
    event: &SseEvent<'a>,
    out: &mut dyn FnMut(Delta<'_>),
) -> Option<EventFacts<'a>> {
    if event.name != ERROR && !event.name.ends_with("Exception") {
        return None;
    }
    let object = Object::read(event.data).unwrap_or_default();
    let kind = if event.name == ERROR { object.text("code") } else { Some(event.name.into()) };
    out(Delta::Error { kind, message: sentence(&object) });
    Some(EventFacts::plain(event.name))
}

/// The error of a whole body: `{"message": …}`, with a class only on some paths.
pub(super) fn of_body<'a>(body: &Object<'a>) -> Option<Delta<'a>> {
    let message = sentence(body)?;
    let kind = body.text("__type").map(|kind| match kind.rsplit_once('#') {
        Some((_, name)) => Cow::Owned(name.to_owned()),
        None => kind,
    });
    Some(Delta::Error { kind, message: Some(message) })
}

fn sentence<'a>(object: &Object<'a>) -> Option<Cow<'a, str>> {
    object.text("message").or_else(|| object.text("Message"))
}
