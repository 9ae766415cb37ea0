//! What the user's rules refuse at the moment: a snapshot that the engine publishes and the proxy asks, once
//! for each request, before it is forwarded. By default everything passes.
//!
//! The proxy reads no bodies, so a rule goes by headers alone: the session that one of them names, and the
//! program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::dialect_name::DialectName;

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Headers that may name a session, the strongest first.
    pub session_headers: &'static [&'static str],
    /// The kind of agent that a `User-Agent` names.
    pub agent_of: fn(&str) -> Option<&'static str>,
    /// What is refused; the first that fits counts.
    pub barriers: Vec<Barrier>,
}

/// Something that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// Only of this session; none: of all.
    pub session: Option<String>,
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
    pub fn bars<'h>(&self, header: impl Fn(&str) -> Option<&'h str>) -> Option<&Barred> {
        let session = || self.session_headers.iter().find_map(|name| header(name));
        let agent = || header("user-agent").and_then(self.agent_of);
        let fits = |barrier: &&Barrier| {
            barrier.session.as_deref().is_none_or(|of| session().map(str::trim) == Some(of))
                && barrier.agent.as_deref().is_none_or(|of| agent() == Some(of))
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

    /// The answer to a request for `path` with these headers, if it is refused. Only calls of models are.
    pub fn bars<'h>(&self, path: &str, header: impl Fn(&str) -> Option<&'h str>) -> Option<Barred> {
        if !self.has_barriers.load(Ordering::Acquire) {
            return None;
        }
        DialectName::of_call(path)?;
        let gate = self.gate.read().clone()?;
        gate.bars(header).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn barrier(session: Option<&str>, agent: Option<&str>, message: &str) -> Barrier {
        let answer = Barred { status: 402, code: "no", message: message.to_owned() };
        Barrier { session: session.map(str::to_owned), agent: agent.map(str::to_owned), answer }
    }

    fn published(barriers: Vec<Barrier>) -> PublishedGate {
        let gate = PublishedGate::default();
        let agent_of = |text: &str| text.starts_with("codex").then_some("codex");
        gate.publish(Gate { session_headers: &["x-mine", "session-id"], agent_of, barriers });
        gate
    }

    fn asked(gate: &PublishedGate, path: &str, lines: &[(&str, &str)]) -> Option<String> {
        let header = |name: &str| lines.iter().find(|(it, _)| *it == name).map(|(_, value)| *value);
        gate.bars(path, header).map(|barred| barred.message)
    }

    #[test]
    fn everything_passes_where_nobody_says_otherwise() {
        assert_eq!(asked(&PublishedGate::default(), "/v1/messages", &[]), None);
        assert_eq!(asked(&published(Vec::new()), "/v1/messages", &[]), None);
    }

    #[test]
    fn a_barrier_is_for_its_session_and_its_agent_and_for_calls_alone() {
        let gate = published(vec![
            barrier(Some("s-1"), None, "session"),
            barrier(None, Some("codex"), "agent"),
        ]);
        let messages = |lines| asked(&gate, "/v1/messages", lines);
        assert_eq!(messages(&[]), None);
        assert_eq!(messages(&[("session-id", "s-1")]).as_deref(), Some("session"));
        assert_eq!(messages(&[("session-id", "s-1"), ("x-mine", "s-2")]), None);
        assert_eq!(messages(&[("user-agent", "codex_exec/1")]).as_deref(), Some("agent"));
        assert_eq!(messages(&[("user-agent", "curl/8")]), None);
        assert_eq!(
            asked(&gate, "/v1/responses/", &[("session-id", "s-1")]).as_deref(),
            Some("session")
        );
        assert_eq!(asked(&gate, "/api/hello", &[("session-id", "s-1")]), None);
        gate.publish(Gate { session_headers: &[], agent_of: |_| None, barriers: Vec::new() });
        assert_eq!(messages(&[("session-id", "s-1")]), None);
    }
}
