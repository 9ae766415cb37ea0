//! How the recorder works, resolved from the configuration by the caller.

use std::sync::Arc;
use std::time::Duration;

use crate::inference_key::InferenceKey;
use crate::price::PriceBook;
use langley_model::Flow;

/// How much is kept of what, and when it is handed on.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// Bytes of a body that are stored.
    pub body_max_bytes: usize,
    /// Bytes of text that are kept of an assembled message: more than the longest answers that models
    /// give (some 64,000 tokens). Of a longer one a quarter of this is kept; its events are whole.
    pub message_max_bytes: usize,
    /// Bytes that the bodies of all open flows may hold together, beyond a small share for each.
    pub bodies_max_bytes: usize,
    /// Hosts (`name` or `*.domain`) whose bodies, events and messages are not kept.
    pub never_log_body_for_hosts: Vec<String>,
    /// Stream events of an open flow that may wait to be handed on.
    pub events_per_flow: usize,
    /// Bytes of records that may wait while the store takes nothing.
    pub backlog_max_bytes: usize,
    /// Records that may wait while the store takes nothing.
    pub backlog_max_records: usize,
    /// The oldest that an unwritten event of an open flow gets.
    pub flush_after: Duration,
    /// The shortest time between two written states of an open flow.
    pub state_every: Duration,
    /// How long the recorder waits for the store when it ends.
    pub patience: Duration,
    /// The longest rest within a session, or a task, that is inferred.
    pub idle_gap: Duration,
    /// Whether tasks are inferred where nothing names one.
    pub infers_tasks: bool,
    /// What the ids of inferred sessions and tasks are made with.
    pub inference_key: InferenceKey,
    /// The newest flows of an earlier run, so that conversations go on.
    pub recalled: Vec<Flow>,
    /// What flows are priced by.
    pub prices: Arc<PriceBook>,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self {
            body_max_bytes: 1 << 20,
            message_max_bytes: 256 * 1024,
            bodies_max_bytes: 64 << 20,
            never_log_body_for_hosts: vec!["*.stripe.com".into(), "*.auth0.com".into()],
            events_per_flow: 500,
            backlog_max_bytes: 32 << 20,
            backlog_max_records: 50_000,
            flush_after: Duration::from_millis(250),
            state_every: Duration::from_millis(500),
            patience: Duration::from_secs(5),
            idle_gap: Duration::from_mins(5),
            infers_tasks: true,
            inference_key: InferenceKey::default(),
            recalled: Vec::new(),
            prices: PriceBook::vendored(),
        }
    }
}

impl RecorderOptions {
    /// Whether bodies of this host are kept.
    #[must_use]
    pub fn keeps_bodies_of(&self, host: &str) -> bool {
        !self.never_log_body_for_hosts.iter().any(|pattern| matches_host(pattern, host))
    }
}

fn matches_host(pattern: &str, host: &str) -> bool {
    let Some(domain) = pattern.strip_prefix("*.") else {
        return pattern.eq_ignore_ascii_case(host);
    };
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let ends = host.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
    ends && (start == 0 || host.as_bytes()[start - 1] == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_the_domain_and_what_is_below_it() {
        assert!(matches_host("*.stripe.com", "api.stripe.com"));
        assert!(matches_host("*.stripe.com", "a.b.Stripe.com"));
        assert!(matches_host("*.stripe.com", "stripe.com"));
        assert!(!matches_host("*.stripe.com", "notstripe.com"));
        assert!(!matches_host("*.stripe.com", "stripe.com.example"));
        assert!(matches_host("api.example", "API.example"));
        assert!(!matches_host("api.example", "x.api.example"));
    }
}
