//! What a Chat Completions request says of itself.

use std::borrow::Cow;

use langley_model::SessionId;

use crate::dialect::{RequestFacts, SessionHints};
use crate::folder;
use crate::json::{Object, count, elements};
use crate::preview::user_text;

/// Reads a request of `/v1/chat/completions`.
pub(super) fn read(body: &[u8]) -> RequestFacts {
    let (request, json_ok) = Object::read_lossy(body);
    let messages = request.raw("messages").and_then(elements);
    let role = |message: &str| Some(Object::read(message.as_bytes())?.owned("role"));
    let first = messages.as_ref().and_then(|messages| role(messages.first()?.get()));
    let last_user_text = messages.as_ref().and_then(|messages| {
        messages.iter().rev().find_map(|message| user_text(message.get(), "text"))
    });
    RequestFacts {
        folder: folder::stated(&request),
        model: request.text("model").map(Cow::into_owned),
        stream: request.flag("stream"),
        session: session(&request),
        max_tokens: request
            .number("max_completion_tokens")
            .or_else(|| request.number("max_tokens")),
        message_count: messages.map(|messages| messages.len() as u64),
        tool_count: request.raw("tools").or_else(|| request.raw("functions")).and_then(count),
        system_present: first.is_some_and(|role| role == "system" || role == "developer"),
        last_user_text,
        json_ok,
        ..RequestFacts::default()
    }
}

/// Session ids at the places that both APIs have.
pub(super) fn session(request: &Object<'_>) -> SessionHints {
    let parse = |text: Cow<'_, str>| SessionId::parse(&text);
    let in_object = |object: &str, name: &str| parse(request.object(object)?.text(name)?);
    SessionHints {
        client_metadata: in_object("client_metadata", "session_id"),
        client_thread: in_object("client_metadata", "thread_id"),
        metadata: in_object("metadata", "sessionId"),
        prompt_cache_key: request.text("prompt_cache_key").and_then(parse),
        ..SessionHints::default()
    }
}
