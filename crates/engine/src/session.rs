//! Which session and task a request belongs to, by the first rung of a ladder that says something.
//!
//! First what is stated on the wire: Langley's own header, the agents' session headers, Codex's turn
//! metadata, and the body. Every id is validated ([`SessionId::parse`]); an invalid one counts as absent.
//! Where nothing is stated, what [`Chains`] works out of earlier requests. Ids are for correlation only.

use std::sync::Arc;

use langley_model::{Attributed, Control, HeaderBlock, INFERRED, Micros, SessionHeader, SessionId};
use langley_protocol::dialect::SessionHints;
use serde::Deserialize;

use crate::chains::{Asked, Chains};

/// Where an id was read, and the word that is stored for it. Lower is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rung {
    Header(SessionHeader),
    ClientMetadata,
    UserIdJson,
    MetadataSessionId,
    RequestSessionId,
    PromptCacheKey,
    UserIdSuffix,
    PreviousResponse,
    MessageChain,
    Inferred,
}

impl Rung {
    /// The `session_source` of an id read here.
    pub(crate) const fn source(self) -> &'static str {
        match self {
            Self::Header(SessionHeader::Langley) => "header:x-langley-session",
            Self::Header(SessionHeader::ClaudeCode) => "header:x-claude-code-session-id",
            Self::Header(SessionHeader::SessionId) => "header:session-id",
            Self::Header(SessionHeader::SessionUnderscoreId) => "header:session_id",
            Self::Header(SessionHeader::ConversationId) => "header:conversation_id",
            Self::Header(SessionHeader::PlainSessionId) => "header:x-session-id",
            Self::Header(SessionHeader::CodexTurnMetadata) => "header:x-codex-turn-metadata",
            Self::ClientMetadata => "body:client_metadata",
            Self::UserIdJson => "body:metadata.user_id.session_id",
            Self::MetadataSessionId => "body:metadata.sessionId",
            Self::RequestSessionId => "body:request.session_id",
            Self::PromptCacheKey => "body:prompt_cache_key",
            Self::UserIdSuffix => "body:metadata.user_id._session_",
            Self::PreviousResponse => "chain:previous_response_id",
            Self::MessageChain => "chain:messages",
            Self::Inferred => INFERRED,
        }
    }
}

/// The session and task of one flow, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Attribution {
    session: Option<(Rung, SessionId)>,
    task: Option<SessionId>,
    user: Option<SessionId>,
    worked_out: WorkedOut,
}

/// What was worked out for a request that states no session.
#[derive(Debug, Default)]
pub(crate) struct WorkedOut {
    /// The session, and whether the request that it began with stated it.
    pub(crate) session: Option<(Rung, Arc<str>, bool)>,
    /// The task.
    pub(crate) task: Option<Arc<str>>,
    /// The stretches that it is a part of until it ends.
    pub(crate) open: Vec<(u64, Arc<str>)>,
}

impl Attribution {
    /// What the head of a request says.
    pub(crate) fn of_head(control: &Control, headers: &HeaderBlock) -> Self {
        let task = control.task.as_deref().or_else(|| headers.value("x-langley-task"));
        let mut found = Self { task: task.and_then(SessionId::parse), ..Self::default() };
        let control = control.session.as_deref().and_then(SessionId::parse);
        found.offer(Rung::Header(SessionHeader::Langley), control);
        if let Some((header, id)) = SessionHeader::find(headers.iter()) {
            found.offer(Rung::Header(header), Some(id));
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

    /// Whether no id was read of a session.
    pub(crate) const fn is_unstated(&self) -> bool {
        self.session.is_none()
    }

    /// Whether a task is known that is not the session's.
    pub(crate) const fn has_task(&self) -> bool {
        self.task.is_some() || self.user.is_some()
    }

    /// Takes what is worked out where nothing is stated.
    pub(crate) fn work_out(&mut self, chains: &mut Chains, asked: Asked<'_>) {
        self.worked_out = chains.work_out(asked);
    }

    /// Tells the conversations that go on of an answer that a request may name.
    pub(crate) fn answered(&self, chains: &mut Chains, message_id: &str) {
        if let Some((_, id, is_stated)) = self.known() {
            chains.answered(message_id, id, is_stated);
        }
    }

    /// The flow has ended.
    pub(crate) fn leave(&mut self, chains: &parking_lot::Mutex<Chains>, at: Micros) {
        let open = std::mem::take(&mut self.worked_out.open);
        if !open.is_empty() {
            chains.lock().leave(&open, at);
        }
    }

    /// The session and where it was read.
    pub(crate) fn session(&self) -> Option<Attributed> {
        let (rung, id, _) = self.known()?;
        Some(Attributed { id: id.to_owned(), source: rung.source() })
    }

    /// The task and where it was read: the header, else the session that was stated, else the user, else
    /// what was inferred.
    pub(crate) fn task(&self) -> Option<Attributed> {
        let attributed = |id: &str, source| Attributed { id: id.to_owned(), source };
        let of_session = self.known().filter(|(.., is_stated)| *is_stated);
        let found = [
            self.task.as_ref().map(|id| (id.as_str(), "header:x-langley-task")),
            of_session.map(|(_, id, _)| (id, "session")),
            self.user.as_ref().map(|id| (id.as_str(), "body:metadata.user_id")),
            self.worked_out.task.as_deref().map(|id| (id, INFERRED)),
        ];
        found.into_iter().flatten().next().map(|(id, source)| attributed(id, source))
    }

    /// The session, and whether it was stated.
    fn known(&self) -> Option<(Rung, &str, bool)> {
        let stated = self.session.as_ref().map(|(rung, id)| (*rung, id.as_str(), true));
        let found = self.worked_out.session.as_ref();
        stated.or_else(|| found.map(|(rung, id, is_stated)| (*rung, &**id, *is_stated)))
    }

    fn offer(&mut self, rung: Rung, id: Option<SessionId>) {
        let Some(id) = id else { return };
        if self.session.as_ref().is_none_or(|(held, _)| rung < *held) {
            self.session = Some((rung, id));
        }
    }
}

/// The subagent that a request's headers name: Claude Code's, or a thread of Codex.
pub(crate) fn agent_id(headers: &HeaderBlock) -> Option<String> {
    let named = headers.value("x-claude-code-agent-id").or_else(|| headers.value("thread-id"));
    let id = named.and_then(SessionId::parse).or_else(|| {
        let turn = headers.value("x-codex-turn-metadata")?;
        SessionId::parse(&serde_json::from_str::<TurnMetadata>(turn).ok()?.thread_id?)
    });
    id.map(|id| id.to_string())
}

#[derive(Deserialize)]
struct TurnMetadata {
    thread_id: Option<String>,
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
        let control = Control { session: Some("mine".into()), ..Control::default() };
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
        let control =
            Control { session: Some("s".into()), task: Some("t".into()), ..Control::default() };
        let found = Attribution::of_head(&control, &HeaderBlock::new());
        assert_eq!(found.task().unwrap().source, "header:x-langley-task");
        let control = Control { session: Some("s".into()), ..Control::default() };
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
        let turn = headers(&[("x-codex-turn-metadata", r#"{"session_id":"s","thread_id":"t2"}"#)]);
        assert_eq!(agent_id(&turn).as_deref(), Some("t2"));
        assert_eq!(agent_id(&HeaderBlock::new()), None);
    }
}
