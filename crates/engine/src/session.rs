//! Which session and task a request belongs to, by the first rung of a ladder that says something.
//!
//! The rungs that need only the wire: Langley's own header, the agents' session headers, Codex's turn
//! metadata, and what the body states. Every id is validated ([`SessionId::parse`]); an invalid one
//! counts as absent. Ids are for correlation only.

use langley_model::{Attributed, Control, HeaderBlock, SessionId};
use langley_protocol::dialect::SessionHints;
use serde::Deserialize;

/// Where an id was read, and the word that is stored for it. Lower is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rung {
    LangleyHeader,
    ClaudeCodeHeader,
    SessionIdHeader,
    SessionUnderscoreIdHeader,
    ConversationIdHeader,
    PlainSessionIdHeader,
    CodexTurnMetadata,
    ClientMetadata,
    UserIdJson,
    MetadataSessionId,
    RequestSessionId,
    PromptCacheKey,
    UserIdSuffix,
}

impl Rung {
    /// The `session_source` of an id read here.
    pub(crate) const fn source(self) -> &'static str {
        match self {
            Self::LangleyHeader => "header:x-langley-session",
            Self::ClaudeCodeHeader => "header:x-claude-code-session-id",
            Self::SessionIdHeader => "header:session-id",
            Self::SessionUnderscoreIdHeader => "header:session_id",
            Self::ConversationIdHeader => "header:conversation_id",
            Self::PlainSessionIdHeader => "header:x-session-id",
            Self::CodexTurnMetadata => "header:x-codex-turn-metadata",
            Self::ClientMetadata => "body:client_metadata",
            Self::UserIdJson => "body:metadata.user_id.session_id",
            Self::MetadataSessionId => "body:metadata.sessionId",
            Self::RequestSessionId => "body:request.session_id",
            Self::PromptCacheKey => "body:prompt_cache_key",
            Self::UserIdSuffix => "body:metadata.user_id._session_",
        }
    }
}

/// The session and task of one flow, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Attribution {
    session: Option<(Rung, SessionId)>,
    task: Option<SessionId>,
    user: Option<SessionId>,
}

impl Attribution {
    /// What the head of a request says.
    pub(crate) fn of_head(control: &Control, headers: &HeaderBlock) -> Self {
        let langley = control.session.as_deref().or_else(|| headers.value("x-langley-session"));
        let task = control.task.as_deref().or_else(|| headers.value("x-langley-task"));
        let mut found = Self { session: None, task: task.and_then(SessionId::parse), user: None };
        found.offer(Rung::LangleyHeader, langley.and_then(SessionId::parse));
        for (name, value) in headers.iter() {
            let Some(rung) = header_rung(name) else { continue };
            let Ok(text) = std::str::from_utf8(value) else { continue };
            let id = if rung == Rung::CodexTurnMetadata {
                serde_json::from_str::<TurnMetadata>(text).ok().and_then(|turn| turn.session_id)
            } else {
                Some(text.to_owned())
            };
            found.offer(rung, id.as_deref().and_then(SessionId::parse));
        }
        found
    }

    /// What the body says, as its dialect reads it.
    pub(crate) fn add_hints(&mut self, hints: SessionHints) {
        self.offer(Rung::UserIdJson, hints.user_id_json);
        self.offer(Rung::MetadataSessionId, hints.metadata);
        self.offer(Rung::UserIdSuffix, hints.user_id_suffix);
        self.offer(Rung::ClientMetadata, hints.client_metadata);
        self.offer(Rung::RequestSessionId, hints.request_session);
        self.offer(Rung::PromptCacheKey, hints.prompt_cache_key);
        self.user = self.user.take().or(hints.user_id);
    }

    /// What a JSON body without a known dialect says at the places that agents share.
    pub(crate) fn add_stated(&mut self, stated: StatedIds) {
        let parse = |text: Option<String>| text.as_deref().and_then(SessionId::parse);
        self.offer(Rung::ClientMetadata, parse(stated.client_metadata.and_then(|m| m.session_id)));
        self.offer(Rung::MetadataSessionId, parse(stated.metadata.and_then(|m| m.session_id)));
        self.offer(Rung::PromptCacheKey, parse(stated.prompt_cache_key));
    }

    /// The session and where it was read.
    pub(crate) fn session(&self) -> Option<Attributed> {
        let (rung, id) = self.session.as_ref()?;
        Some(Attributed { id: id.to_string(), source: rung.source() })
    }

    /// The task and where it was read: the header, else the session, else the user.
    pub(crate) fn task(&self) -> Option<Attributed> {
        let attributed = |id: &SessionId, source| Attributed { id: id.to_string(), source };
        let of_header = self.task.as_ref().map(|id| attributed(id, "header:x-langley-task"));
        of_header
            .or_else(|| self.session.as_ref().map(|(_, id)| attributed(id, "session")))
            .or_else(|| self.user.as_ref().map(|id| attributed(id, "body:metadata.user_id")))
    }

    fn offer(&mut self, rung: Rung, id: Option<SessionId>) {
        let Some(id) = id else { return };
        if self.session.as_ref().is_none_or(|(held, _)| rung < *held) {
            self.session = Some((rung, id));
        }
    }
}

/// The subagent that a request's headers name.
pub(crate) fn agent_id(headers: &HeaderBlock) -> Option<String> {
    let named = headers.value("x-claude-code-agent-id").or_else(|| headers.value("thread-id"))?;
    SessionId::parse(named).map(|id| id.to_string())
}

fn header_rung(name: &str) -> Option<Rung> {
    // Most headers are none of these: the length is a cheap sieve.
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        10 if is("session-id") => Some(Rung::SessionIdHeader),
        10 if is("session_id") => Some(Rung::SessionUnderscoreIdHeader),
        12 if is("x-session-id") => Some(Rung::PlainSessionIdHeader),
        15 if is("conversation_id") => Some(Rung::ConversationIdHeader),
        21 if is("x-codex-turn-metadata") => Some(Rung::CodexTurnMetadata),
        24 if is("x-claude-code-session-id") => Some(Rung::ClaudeCodeHeader),
        _ => None,
    }
}

#[derive(Deserialize)]
struct TurnMetadata {
    session_id: Option<String>,
}

/// Ids that bodies of several agents state at the same places.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct StatedIds {
    client_metadata: Option<ClientMetadata>,
    metadata: Option<Metadata>,
    prompt_cache_key: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ClientMetadata {
    session_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(rename = "sessionId")]
    session_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b3f6a52-8f2e-4c7c-9f1e-0a4b7c3d2e1f";

    fn headers(lines: &[(&str, &str)]) -> HeaderBlock {
        let mut block = HeaderBlock::new();
        for (name, value) in lines {
            block.push(name, value.as_bytes());
        }
        block
    }

    fn of(lines: &[(&str, &str)]) -> Option<(String, &'static str)> {
        let found = Attribution::of_head(&Control::default(), &headers(lines));
        found.session().map(|session| (session.id, session.source))
    }

    #[test]
    fn each_header_form_names_the_session() {
        for (name, source) in [
            ("X-Langley-Session", "header:x-langley-session"),
            ("X-Claude-Code-Session-Id", "header:x-claude-code-session-id"),
            ("session-id", "header:session-id"),
            ("session_id", "header:session_id"),
            ("conversation_id", "header:conversation_id"),
            ("x-session-id", "header:x-session-id"),
        ] {
            assert_eq!(of(&[("host", "a"), (name, ID)]), Some((ID.into(), source)));
        }
        let turn = format!(r#"{{"turn_id":"t","session_id":"{ID}"}}"#);
        let expected = Some((ID.to_owned(), "header:x-codex-turn-metadata"));
        assert_eq!(of(&[("x-codex-turn-metadata", &turn)]), expected);
    }

    #[test]
    fn the_first_rung_wins_whatever_the_order_on_the_wire() {
        let lines = [("session-id", "codex"), ("x-claude-code-session-id", "claude")];
        assert_eq!(of(&lines).unwrap().0, "claude");
        let control = Control { session: Some("mine".into()), task: None };
        let mut found = Attribution::of_head(&control, &headers(&lines));
        found.add_hints(SessionHints {
            user_id_json: SessionId::parse("body"),
            ..SessionHints::default()
        });
        assert_eq!(found.session().unwrap().id, "mine");
    }

    #[test]
    fn an_invalid_id_counts_as_absent() {
        let long = "x".repeat(257);
        assert_eq!(of(&[("x-claude-code-session-id", &long), ("session-id", ID)]).unwrap().0, ID);
        assert_eq!(of(&[("session-id", "a\u{7}b")]), None);
        assert_eq!(of(&[("x-codex-turn-metadata", "{\"session_id\":7}")]), None);
    }

    #[test]
    fn a_body_names_the_session_when_no_header_does() {
        let id = SessionId::parse(ID);
        let json = SessionHints { user_id_json: id.clone(), ..SessionHints::default() };
        let camel = SessionHints { metadata: id.clone(), ..SessionHints::default() };
        let suffix = SessionHints { user_id_suffix: id, ..SessionHints::default() };
        for (hints, source) in [
            (json, "body:metadata.user_id.session_id"),
            (camel, "body:metadata.sessionId"),
            (suffix, "body:metadata.user_id._session_"),
        ] {
            let mut found = Attribution::default();
            found.add_hints(hints);
            assert_eq!(found.session(), Some(Attributed { id: ID.into(), source }));
        }
    }

    #[test]
    fn a_body_without_a_dialect_is_read_at_the_shared_places() {
        for (body, source) in [
            (r#"{"prompt_cache_key":"p"}"#, "body:prompt_cache_key"),
            (
                r#"{"prompt_cache_key":"q","client_metadata":{"session_id":"p"}}"#,
                "body:client_metadata",
            ),
            (r#"{"metadata":{"sessionId":"p"},"x":[1]}"#, "body:metadata.sessionId"),
        ] {
            let mut found = Attribution::default();
            found.add_stated(serde_json::from_str(body).unwrap());
            assert_eq!(found.session(), Some(Attributed { id: "p".into(), source }));
        }
    }

    #[test]
    fn a_task_is_the_header_then_the_session_then_the_user() {
        let control = Control { session: Some("s".into()), task: Some("t".into()) };
        let found = Attribution::of_head(&control, &HeaderBlock::new());
        assert_eq!(found.task().unwrap().source, "header:x-langley-task");
        let control = Control { session: Some("s".into()), task: None };
        let found = Attribution::of_head(&control, &HeaderBlock::new());
        assert_eq!(found.task(), Some(Attributed { id: "s".into(), source: "session" }));
        let mut found = Attribution::default();
        assert_eq!(found.task(), None);
        found.add_hints(SessionHints { user_id: SessionId::parse("u"), ..SessionHints::default() });
        assert_eq!(found.task().unwrap().source, "body:metadata.user_id");
        assert_eq!(found.session(), None);
    }

    #[test]
    fn a_subagent_is_named_by_its_header() {
        let claude = headers(&[("X-Claude-Code-Agent-Id", "a1b2")]);
        assert_eq!(agent_id(&claude).as_deref(), Some("a1b2"));
        assert_eq!(agent_id(&headers(&[("thread-id", "th")])).as_deref(), Some("th"));
        assert_eq!(agent_id(&HeaderBlock::new()), None);
    }
}
