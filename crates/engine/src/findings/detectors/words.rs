//! How findings are worded: the parts that all of them share.

use std::time::Duration;

use langley_model::{Finding, FindingKind, FindingNumber, FindingUnit, Flow, Severity};

use crate::findings::facts::Facts;

/// A finding of a flow that says nothing yet.
pub(super) fn finding(facts: &Facts, kind: FindingKind, subject: impl Into<String>) -> Finding {
    finding_of(&facts.flow, kind, subject)
}

/// The same, where no more than the flow's row is known.
pub(super) fn finding_of(flow: &Flow, kind: FindingKind, subject: impl Into<String>) -> Finding {
    Finding {
        kind,
        subject: subject.into(),
        severity: Severity::Warning,
        session: flow.session.as_ref().map(|session| session.id.clone()),
        agent_id: flow.agent_id.clone(),
        title: String::new(),
        what: String::new(),
        why: None,
        next: String::new(),
        numbers: Vec::new(),
        baseline: None,
        flow: flow.id,
        beside: Vec::new(),
        cost: None,
    }
}

/// A number of a finding.
pub(super) fn number(name: &str, value: impl TryInto<i64>, unit: FindingUnit) -> FindingNumber {
    FindingNumber { name: name.to_owned(), value: value.try_into().unwrap_or(i64::MAX), unit }
}

/// A duration as a number.
pub(super) fn span(name: &str, span: Duration) -> FindingNumber {
    number(name, span.as_millis(), FindingUnit::Milliseconds)
}

/// The flow's model, for people.
pub(super) fn model(facts: &Facts) -> &str {
    facts.flow.known_model().unwrap_or("an unknown model")
}

/// A subject that keeps subagents apart.
pub(super) fn by_agent(facts: &Facts, subject: &str) -> String {
    match &facts.flow.agent_id {
        Some(agent) => format!("{subject} of {agent}"),
        None => subject.to_owned(),
    }
}

/// A number with commas between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A duration for people.
pub(super) fn lasting(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{}.{} s", seconds, span.subsec_millis() / 100),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_are_for_people() {
        let numbers = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345", "1,234,567"]);
        let spans = [1_250, 31_000, 150_000, 7_200_000].map(Duration::from_millis).map(lasting);
        assert_eq!(spans, ["1.2 s", "31 s", "2 min", "2 h"]);
    }
}
