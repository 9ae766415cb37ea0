//! What a Responses request says of itself.

use std::borrow::Cow;

use super::chat_request::session;
use crate::dialect::RequestFacts;
use crate::folder;
use crate::json::{Object, count, elements, inner, unescape};
use crate::preview::{preview, user_text};

/// Reads a request of `/v1/responses`, or a `response.create` frame of its WebSocket form.
pub(super) fn read(body: &[u8]) -> RequestFacts {
    let (request, json_ok) = Object::read_lossy(body);
    let input = request.raw("input");
    let items = input.and_then(elements);
    let last_user_text = match (input.and_then(inner), &items) {
        (Some(escaped), _) => unescape(escaped).and_then(|text| preview(&text)),
        (None, Some(items)) => {
            items.iter().rev().find_map(|item| user_text(item.get(), "input_text"))
        }
        (None, None) => None,
    };
    RequestFacts {
        folder: folder::stated(&request),
        model: request.text("model").map(Cow::into_owned),
        stream: request.flag("stream"),
        session: session(&request),
        previous: request.text("previous_response_id").map(Cow::into_owned),
        max_tokens: request.number("max_output_tokens"),
        message_count: items.map(|items| items.len() as u64).or_else(|| input.map(|_| 1)),
        tool_count: request.raw("tools").and_then(count),
        system_present: request.text("instructions").is_some_and(|text| !text.is_empty()),
        last_user_text,
        json_ok,
    }
}
