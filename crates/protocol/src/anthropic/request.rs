//! What a Messages request says of itself, read without building a tree of what may be megabytes.

use std::borrow::Cow;

use langley_model::SessionId;

use crate::dialect::{RequestFacts, SessionHints};
use crate::folder;
use crate::json::{Object, count, elements};
use crate::preview::user_text;

/// Reads a request of `/v1/messages` or `/v1/messages/count_tokens`.
pub(super) fn read(body: &[u8]) -> RequestFacts {
    let (request, json_ok) = Object::read_lossy(body);
    let messages = request.raw("messages").and_then(elements);
    let last_user_text = messages.as_ref().and_then(|messages| {
        messages.iter().rev().find_map(|message| user_text(message.get(), "text"))
    });
    RequestFacts {
        folder: folder::stated(&request),
        model: request.text("model").map(Cow::into_owned),
        stream: request.flag("stream"),
        session: request.object("metadata").map(|data| session(&data)).unwrap_or_default(),
        max_tokens: request.number("max_tokens"),
        message_count: messages.map(|messages| messages.len() as u64),
        tool_count: request.raw("tools").and_then(count),
        system_present: request.raw("system").is_some_and(|raw| raw != "\"\"" && raw != "[]"),
        last_user_text,
        json_ok,
        ..RequestFacts::default()
    }
}

fn session(metadata: &Object<'_>) -> SessionHints {
    let user_id = metadata.text("user_id");
    let in_json = user_id.as_ref().and_then(|text| {
        let object = Object::read(text.as_bytes())?;
        SessionId::parse(&object.text("session_id")?)
    });
    SessionHints {
        user_id_json: in_json,
        metadata: metadata.text("sessionId").and_then(|text| SessionId::parse(&text)),
        user_id_suffix: user_id.as_deref().and_then(suffix),
        user_id: user_id.as_deref().and_then(SessionId::parse),
        ..SessionHints::default()
    }
}

/// The UUID in `user_<hex>_account_<uuid or nothing>_session_<uuid>`.
fn suffix(user_id: &str) -> Option<SessionId> {
    let (_, id) = user_id.rsplit_once("_session_")?;
    let uuid = id.len() == 36 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    if uuid { SessionId::parse(id) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0a1b2c3d-0000-4000-8000-00000000000f";

    #[test]
    fn a_request_tells_model_session_and_what_the_user_wrote() {
        let body = format!(
            r#"{{"model": "claude-x", "max_tokens": 32000, "stream": true,
                "system": [{{"type": "text", "text": "s"}}],
                "metadata": {{"user_id": "{{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"{UUID}\"}}"}},
                "tools": [{{"name": "Bash", "input_schema": {{}}}}, {{"name": "Read"}}],
                "messages": [
                  {{"role": "user", "content": [
                     {{"type": "text", "text": "<system-reminder>x</system-reminder>"}},
                     {{"type": "text", "text": " fix\n the  \"bug\" "}},
                     {{"type": "text", "text": "<system-reminder>y</system-reminder>"}}]}},
                  {{"role": "assistant", "content": "ok"}},
                  {{"role": "user", "content": [{{"type": "tool_result", "tool_use_id": "t"}}]}}]}}"#
        );
        let facts = read(body.as_bytes());
        assert_eq!(facts.model.as_deref(), Some("claude-x"));
        assert_eq!(facts.stream, Some(true));
        assert_eq!(facts.max_tokens, Some(32_000));
        assert_eq!((facts.message_count, facts.tool_count), (Some(3), Some(2)));
        assert!(facts.system_present && facts.json_ok);
        assert_eq!(facts.last_user_text.as_deref(), Some("fix the \"bug\""));
        assert_eq!(facts.session.user_id_json, SessionId::parse(UUID));
        assert_eq!(facts.session.user_id_suffix, None);
    }

    #[test]
    fn older_and_other_forms_of_the_session_are_found() {
        let user_id = format!("user_{}_account__session_{UUID}", "ab".repeat(32));
        let body = format!(r#"{{"metadata": {{"user_id": "{user_id}", "sessionId": "s-1"}}}}"#);
        let session = read(body.as_bytes()).session;
        assert_eq!(session.user_id_suffix, SessionId::parse(UUID));
        assert_eq!(session.user_id_json, None);
        assert_eq!(session.metadata, SessionId::parse("s-1"));
        assert_eq!(session.user_id, SessionId::parse(&user_id));
        let not_a_uuid = read(br#"{"metadata": {"user_id": "x_session_1"}}"#).session;
        assert_eq!(not_a_uuid.user_id_suffix, None);
    }

    #[test]
    fn a_broken_body_is_said_to_be_broken_and_gives_what_came_before() {
        let facts = read(br#"{"model": "m", "stream": true, "messages": [{"role": "us"#);
        assert!(!facts.json_ok);
        assert_eq!(facts.model.as_deref(), Some("m"));
        assert_eq!(facts.message_count, None);
        assert_eq!(read(b""), RequestFacts::default());
        assert_eq!(read(b"\xff\x00"), RequestFacts::default());
    }

    #[test]
    fn members_of_an_unexpected_type_are_absent_and_harm_no_other() {
        let facts = read(
            br#"{"model": 7, "stream": "yes", "messages": {}, "metadata": [], "tools": 1,
                "system": null, "max_tokens": -1}"#,
        );
        assert_eq!(facts, RequestFacts { json_ok: true, ..RequestFacts::default() });
    }
}
