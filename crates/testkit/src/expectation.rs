//! What a recorded flow should say, compared field by field with every difference named at once.

use std::fmt::Write;

use langley_model::{Flow, Outcome, Provider, Usage};

/// Expected facts of a [`Flow`]; facts left out are not looked at.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    outcome: Option<Option<Outcome>>,
    status: Option<u16>,
    provider: Option<Provider>,
    model: Option<String>,
    usage: Option<Usage>,
    stop_reason: Option<Option<String>>,
    tool_names: Option<Vec<String>>,
    event_count: Option<u64>,
    unknown_events: Option<u64>,
    session: Option<Option<String>>,
    message_id: Option<String>,
    error_kind: Option<String>,
}

impl Expectation {
    /// Expects nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The flow ended so.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(Some(outcome));
        self
    }

    /// The flow is still open.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.outcome = Some(None);
        self
    }

    /// The answer had this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The provider was recognised as this one.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// This model answered.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Usage is exactly this; a class not stated must be absent.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// The model stopped for this reason.
    #[must_use]
    pub fn stop_reason(mut self, reason: Option<&str>) -> Self {
        self.stop_reason = Some(reason.map(str::to_owned));
        self
    }

    /// These tools were called, in order.
    #[must_use]
    pub fn tools(mut self, names: &[&str]) -> Self {
        self.tool_names = Some(names.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// So many stream events were seen.
    #[must_use]
    pub fn events(mut self, count: u64) -> Self {
        self.event_count = Some(count);
        self
    }

    /// So many of them were of an unknown type.
    #[must_use]
    pub fn unknown_events(mut self, count: u64) -> Self {
        self.unknown_events = Some(count);
        self
    }

    /// The flow belongs to this session, or to none.
    #[must_use]
    pub fn session(mut self, id: Option<&str>) -> Self {
        self.session = Some(id.map(str::to_owned));
        self
    }

    /// The answer's id.
    #[must_use]
    pub fn message_id(mut self, id: &str) -> Self {
        self.message_id = Some(id.to_owned());
        self
    }

    /// The provider's class of error.
    #[must_use]
    pub fn error_kind(mut self, kind: &str) -> Self {
        self.error_kind = Some(kind.to_owned());
        self
    }

    /// Every difference between `flow` and what is expected; empty when there is none.
    #[must_use]
    pub fn differences(&self, flow: &Flow) -> String {
        let mut out = String::new();
        differ(&mut out, "outcome", self.outcome.as_ref(), &flow.outcome);
        differ(&mut out, "status", self.status.map(Some).as_ref(), &flow.status);
        differ(&mut out, "provider", self.provider.map(Some).as_ref(), &flow.provider);
        differ(&mut out, "model", self.model.clone().map(Some).as_ref(), &flow.model);
        differ(&mut out, "usage", self.usage.as_ref(), &flow.usage);
        differ(&mut out, "stop_reason", self.stop_reason.as_ref(), &flow.stop_reason);
        differ(&mut out, "tool_names", self.tool_names.as_ref(), &flow.tool_names);
        differ(&mut out, "event_count", self.event_count.as_ref(), &flow.event_count);
        differ(&mut out, "unknown_events", self.unknown_events.as_ref(), &flow.unknown_events);
        let session = flow.session.as_ref().map(|session| session.id.clone());
        differ(&mut out, "session", self.session.as_ref(), &session);
        let message_id = self.message_id.clone().map(Some);
        differ(&mut out, "message_id", message_id.as_ref(), &flow.message_id);
        let error_kind = self.error_kind.clone().map(Some);
        differ(&mut out, "error_kind", error_kind.as_ref(), &flow.error_kind);
        out
    }

    /// Checks `flow`.
    ///
    /// # Panics
    /// When anything differs, naming all of it.
    pub fn check(&self, flow: &Flow) {
        let differences = self.differences(flow);
        assert!(
            differences.is_empty(),
            "{} {} is not as expected:\n{differences}",
            flow.method,
            flow.path
        );
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(
    out: &mut String,
    what: &str,
    expected: Option<&T>,
    found: &T,
) {
    if let Some(expected) = expected
        && expected != found
    {
        let _ = writeln!(out, "  {what}: expected {expected:?}, found {found:?}");
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, FlowId, Micros};

    use super::*;

    #[test]
    fn all_differences_are_named_and_unstated_facts_ignored() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        flow.status = Some(500);
        let expected = Expectation::new().status(200).outcome(Outcome::Completed);
        let told = expected.differences(&flow);
        assert!(told.contains("status: expected Some(200), found Some(500)"), "{told}");
        assert!(told.contains("outcome"), "{told}");
        assert_eq!(Expectation::new().status(500).open().differences(&flow), "");
    }
}
