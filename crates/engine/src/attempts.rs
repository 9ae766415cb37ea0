//! Which failed attempt a request repeats.
//!
//! Agents try again what was refused for the moment or broke off, as a request of its own and often without
//! a word that says so. What is asked is told by the parts of its body, so that an attempt without
//! streaming, or with another limit, is one of the same.

use std::sync::Arc;

use langley_model::{Flow, FlowId, Micros, Outcome};
use parking_lot::Mutex;

use crate::recent::Recent;
use crate::turns::Digester;

/// Requests that are remembered.
const REMEMBERED: usize = 4_096;

/// The longest time between a failure and the next attempt: longer than providers ask agents to wait.
const SOON_US: i64 = 10 * 60 * 1_000_000;

/// The next attempt may be seen a moment before the end of the one that failed.
const SLACK_US: i64 = 1_000_000;

/// What was asked of late.
#[derive(Debug)]
pub(crate) struct Attempts(Recent<Arc<Attempt>>);

/// A request, and how it ended.
#[derive(Debug)]
struct Attempt {
    flow: FlowId,
    /// When it ended, and whether it may be tried again.
    ended: Mutex<Option<(Micros, bool)>>,
}

/// A request among those that asked the same.
#[derive(Debug)]
pub(crate) struct Try {
    own: Arc<Attempt>,
    before: Option<Arc<Attempt>>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self(Recent::new(REMEMBERED))
    }
}

impl Attempts {
    /// A request that asks what `key` stands for.
    pub(crate) fn begin(&mut self, key: u64, flow: FlowId) -> Try {
        let own = Arc::new(Attempt { flow, ended: Mutex::new(None) });
        let before = self.0.get(key).cloned();
        self.0.put(key, Arc::clone(&own));
        Try { own, before }
    }
}

impl Try {
    /// The failed attempt that a flow which began so repeats, as far as that is known.
    pub(crate) fn retry_of(&self, started_at: Micros) -> Option<FlowId> {
        let before = self.before.as_ref()?;
        let (ended_at, has_failed) = (*before.ended.lock())?;
        let since = started_at.0.saturating_sub(ended_at.0);
        (has_failed && (-SLACK_US..=SOON_US).contains(&since)).then_some(before.flow)
    }

    /// The flow has ended.
    pub(crate) fn end(&self, flow: &Flow) {
        let ended_at = flow.ended_at.unwrap_or(flow.started_at);
        *self.own.ended.lock() = Some((ended_at, has_failed(flow)));
    }
}

/// What a request asks, and of whom.
pub(crate) fn key(digester: &Digester, flow: &Flow, parts: u64) -> u64 {
    let session = flow.session.as_ref().map_or("", |session| session.id.as_str());
    let path = flow.path.split('?').next().unwrap_or_default();
    // The same call without streaming has another name.
    let path = path
        .replace("streamGenerateContent", "generateContent")
        .replace("-with-response-stream", "")
        .replace("converse-stream", "converse");
    let agent = flow.agent_id.as_deref().unwrap_or_default();
    digester.digest(b"asked", &[&flow.host, &path, session, agent, &format!("{parts:x}")])
}

/// Whether an attempt ended in a way after which it may be made again: refused for the moment, or broken off.
fn has_failed(flow: &Flow) -> bool {
    match flow.outcome {
        Some(Outcome::ProviderError) => match flow.status {
            Some(status @ 400..500) => matches!(status, 408 | 409 | 425 | 429),
            // A fault of the provider, or an error in the midst of an answer.
            _ => true,
        },
        Some(Outcome::ClientGone | Outcome::UpstreamGone | Outcome::TimedOut | Outcome::Lost) => {
            true
        }
        Some(Outcome::Completed | Outcome::Refused) | None => false,
    }
}
