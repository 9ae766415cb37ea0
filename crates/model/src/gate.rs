//! What the user's rules refuse at the moment: a snapshot that the engine publishes and the proxy asks, once
//! for each request, before it is forwarded. By default everything passes.
//!
//! The proxy reads no bodies, so a rule goes by headers alone: the session that one of them names, and the
//! program.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::dialect_name::DialectName;
use crate::redact::Redactor;
use crate::session_header::SessionHeader;

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Gate {
    /// What recorded ids have passed: sessions are known by the ids that came of it.
    pub redactor: Arc<Redactor>,
    /// The kind of agent that a `User-Agent` names.
    pub agent_of: fn(&str) -> Option<&'static str>,
    /// What is refused; the first that fits counts.
    pub barriers: Vec<Barrier>,
}

/// Something that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// Only of these sessions; none: of all.
    pub sessions: Option<BTreeSet<String>>,
    /// Only of this kind of agent.
    pub agent: Option<String>,
    /// What is answered.
    pub answer: Barred,
}

/// What a request that is refused is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barred {
    /// The status.
    pub status: u16,
    /// A word for programs.
    pub code: &'static str,
    /// What, why, next.
    pub message: String,
}

impl Gate {
    /// The answer to a request with these headers, if it is refused.
    pub fn bars<'h, H>(&self, headers: impl Fn() -> H) -> Option<&Barred>
    where
        H: Iterator<Item = (&'h str, &'h [u8])>,
    {
        let session = OnceCell::new();
        let session = || {
            let read = || {
                let (_, id) = SessionHeader::find(headers())?;
                Some(self.redactor.seal(id.to_string()).into_inner())
            };
            session.get_or_init(read).as_ref()
        };
        let agent = || {
            let (_, value) = headers().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"))?;
            std::str::from_utf8(value).ok().and_then(self.agent_of)
        };
        let fits = |barrier: &&Barrier| {
            barrier.agent.as_deref().is_none_or(|of| agent() == Some(of))
                && barrier
                    .sessions
                    .as_ref()
                    .is_none_or(|of| session().is_some_and(|session| of.contains(session)))
        };
        self.barriers.iter().find(fits).map(|barrier| &barrier.answer)
    }
}

/// Where the present [`Gate`] stands.
#[derive(Debug, Default)]
pub struct PublishedGate {
    /// Whether anything is refused: all that a request asks while nothing is.
    has_barriers: AtomicBool,
    gate: RwLock<Option<Arc<Gate>>>,
}

impl PublishedGate {
    /// Puts a gate in the place of the one before.
    pub fn publish(&self, gate: Gate) {
        let has_barriers = !gate.barriers.is_empty();
        *self.gate.write() = Some(Arc::new(gate));
        self.has_barriers.store(has_barriers, Ordering::Release);
    }

    /// The answer to a request for `path` with these headers, if it is refused. Only calls of models that are
    /// billed are.
    pub fn bars<'h, H>(&self, path: &str, headers: impl Fn() -> H) -> Option<Barred>
    where
        H: Iterator<Item = (&'h str, &'h [u8])>,
    {
        if !self.has_barriers.load(Ordering::Acquire) {
            return None;
        }
        DialectName::of_call(path).filter(|_| !DialectName::only_counts(path))?;
        let gate = self.gate.read().clone()?;
        gate.bars(headers).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::RedactorOptions;

    fn barrier(sessions: &[&str], agent: Option<&str>, message: &str) -> Barrier {
        let answer = Barred { status: 402, code: "no", message: message.to_owned() };
        let sessions = sessions.iter().map(|&it| it.to_owned()).collect();
        let sessions = Some(sessions).filter(|_| agent.is_none());
        Barrier { sessions, agent: agent.map(str::to_owned), answer }
    }

    fn gate(barriers: Vec<Barrier>) -> Gate {
        let agent_of = |text: &str| text.starts_with("codex").then_some("codex");
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        Gate { redactor, agent_of, barriers }
    }

    fn published(barriers: Vec<Barrier>) -> PublishedGate {
        let published = PublishedGate::default();
        published.publish(gate(barriers));
        published
    }

    fn asked(gate: &PublishedGate, path: &str, lines: &[(&str, &str)]) -> Option<String> {
        let headers = || lines.iter().map(|(name, value)| (*name, value.as_bytes()));
        gate.bars(path, headers).map(|barred| barred.message)
    }

    #[test]
    fn everything_passes_where_nobody_says_otherwise() {
        assert_eq!(asked(&PublishedGate::default(), "/v1/messages", &[]), None);
        assert_eq!(asked(&published(Vec::new()), "/v1/messages", &[]), None);
    }

    #[test]
    fn a_barrier_is_for_its_session_and_its_agent_and_for_calls_alone() {
        let published = published(vec![
            barrier(&["s-1"], None, "session"),
            barrier(&[], Some("codex"), "agent"),
        ]);
        let messages = |lines| asked(&published, "/v1/messages", lines);
        assert_eq!(messages(&[]), None);
        assert_eq!(messages(&[("session-id", "s-1")]).as_deref(), Some("session"));
        assert_eq!(messages(&[("session-id", "s-1"), ("x-langley-session", "s-2")]), None);
        assert_eq!(messages(&[("user-agent", "codex_exec/1")]).as_deref(), Some("agent"));
        assert_eq!(messages(&[("user-agent", "curl/8")]), None);
        assert_eq!(
            asked(&published, "/v1/responses/", &[("session-id", "s-1")]).as_deref(),
            Some("session")
        );
        assert_eq!(asked(&published, "/api/hello", &[("session-id", "s-1")]), None);
        published.publish(gate(Vec::new()));
        assert_eq!(messages(&[("session-id", "s-1")]), None);
    }

    #[test]
    fn an_invalid_id_in_a_stronger_header_hides_no_session() {
        let published = published(vec![barrier(&["s-1"], None, "session")]);
        let lines = [("x-langley-session", "a\u{7}"), ("session-id", "s-1")];
        assert!(asked(&published, "/v1/messages", &lines).is_some());
    }

    #[test]
    fn a_session_whose_id_is_recorded_redacted_is_barred_by_what_is_sent() {
        let sent = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ";
        let recorded = gate(Vec::new()).redactor.seal(sent.to_owned()).into_inner();
        assert_ne!(recorded, sent);
        let published = published(vec![barrier(&[&recorded], None, "session")]);
        assert!(asked(&published, "/v1/messages", &[("session-id", sent)]).is_some());
        assert_eq!(asked(&published, "/v1/messages", &[("session-id", "other")]), None);
    }

    #[test]
    fn counting_tokens_costs_nothing_and_always_passes() {
        let published = published(vec![Barrier { sessions: None, ..barrier(&[], None, "all") }]);
        for (path, bars) in [
            ("/v1/messages", true),
            ("/v1/messages/count_tokens?beta=true", false),
            ("/v1/messages/count_tokens/", false),
            ("/v1beta/models/gemini-3-pro:generateContent", true),
            ("/v1beta/models/gemini-3-pro:countTokens", false),
        ] {
            assert_eq!(asked(&published, path, &[]).is_some(), bars, "{path}");
        }
    }
}
