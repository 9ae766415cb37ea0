//! What is wrong with the record itself, and what stands in it that should not.

use langley_model::{Finding, FindingKind, FindingUnit, Flow, Severity, Violation};
use langley_store::Unrecorded;

use super::words::{finding, finding_of, grouped, model, number};
use crate::findings::facts::{Facts, SecretPlace};
use crate::findings::price::{Prices, Pricing};
use crate::price::Lack;

/// All of these that a flow shows.
pub(super) fn all(facts: &Facts, prices: &dyn Prices) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(gap(facts));
    found.extend(unpriced(facts, prices));
    found.extend(secrets(facts));
    found
}

fn gap(facts: &Facts) -> Option<Finding> {
    let flow = &facts.flow;
    let chunks = flow.request_gap.chunks + flow.response_gap.chunks;
    let bytes = flow.request_gap.bytes + flow.response_gap.bytes;
    if chunks == 0 && flow.dropped_events == 0 {
        return None;
    }
    let mut found = finding(facts, FindingKind::CaptureGap, flow.host.clone());
    found.title = format!("Traffic with {} is not whole in the record", flow.host);
    let lost = |count: u64, what: &str| (count > 0).then(|| format!("{} {what}", grouped(count)));
    let parts =
        [lost(bytes, "bytes passed unrecorded"), lost(flow.dropped_events, "events were dropped")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    found.what = format!("Of this exchange {}; the agent lost nothing.", parts.join(" and "));
    found.why = Some(String::from("The recorder or the disk could not keep up with the traffic."));
    found.next = String::from(
        "Look at the queues on the Health page; `persistence.queue_max_bytes` gives them more room.",
    );
    found.numbers = vec![
        number("gap_chunks", chunks, FindingUnit::Count),
        number("gap_bytes", bytes, FindingUnit::Bytes),
        number("dropped_events", flow.dropped_events, FindingUnit::Count),
    ];
    Some(found)
}

/// Flows of which nothing is stored, as `next` tells it: the first one that was recorded after them, since they
/// have no row that could be the evidence.
pub(crate) fn unrecorded(next: &Flow, lost: Unrecorded) -> Finding {
    let mut found = finding_of(next, FindingKind::CaptureGap, "flows without a record");
    // About whatever passed, not about the flow that came next.
    (found.session, found.agent_id) = (None, None);
    found.severity = Severity::Critical;
    let flows = grouped(lost.flows);
    let (are, flows) = match (lost.flows, lost.more) {
        (0, _) => ("may be", String::from("none, or some; losses were summed without their flows")),
        (_, true) => ("are", format!("{flows} or more")),
        (_, false) => ("are", flows),
    };
    found.title = format!("Whole flows {are} missing in the record");
    found.what = format!(
        "Flows that passed and of which nothing is recorded: {flows}; the agents lost nothing."
    );
    found.why = Some(String::from(
        "The database took no writes (a full disk, a lock), or more flows were open, or waited for it, than \
         can be recorded.",
    ));
    found.next = String::from(
        "See that the disk has room (`langley doctor`); `GET /api/drops` says when and why each was lost.",
    );
    found.numbers = vec![number("flows", lost.flows, FindingUnit::Count)];
    found
}

fn unpriced(facts: &Facts, prices: &dyn Prices) -> Option<Finding> {
    let flow = &facts.flow;
    let name = flow.known_model()?;
    if flow.cost.is_some() || flow.usage.is_empty() {
        return None;
    }
    let Pricing::Unknown(lack) = prices.pricing(flow) else { return None };
    let mut found = finding(facts, FindingKind::UnpricedModel, name);
    // About all sessions: the price is missing wherever the model is used.
    (found.session, found.agent_id) = (None, None);
    let of = |what: &str| {
        format!(
            "{} was used {what}, and no price is known for that: the cost is left open.",
            model(facts)
        )
    };
    (found.title, found.what, found.next) = match lack {
        Lack::Model => (
            format!("The price of {} is not known", model(facts)),
            format!(
                "{} was used, and no price is known for it: its cost is left open.",
                model(facts)
            ),
            String::from("Add a price below `pricing.overrides`, then run `langley cost reprice`."),
        ),
        Lack::Tier(tier) => (
            format!("The price of {} in the tier `{tier}` is not known", model(facts)),
            of(&format!("in the tier `{tier}`")),
            String::from(
                "The price book knows the model, and not this tier of it. A price below `pricing.overrides` counts \
                 in any tier that the book does not know, and in the usual one as well; then run `langley cost reprice`.",
            ),
        ),
        Lack::Class(class) => (
            format!("The price of {}'s {} is not known", model(facts), class.as_str()),
            of(&format!("with {}", class.as_str())),
            format!(
                "Add `{}` for it below `pricing.overrides`, then run `langley cost reprice`.",
                class.as_str()
            ),
        ),
    };
    let tokens = facts.context().unwrap_or_default();
    found.numbers = vec![number("input", tokens, FindingUnit::Tokens)];
    Some(found)
}

/// What was wrong about a tool call of a flow.
pub(crate) fn violation(flow: &Flow, tool: &str, violation: Violation) -> Finding {
    let mut found = finding_of(flow, FindingKind::LifecycleViolation, violation.code());
    let rule = violation.as_str().replace('_', " ");
    found.title = format!("A tool call broke rule {}, {rule}", violation.code());
    // Of a result without a call nobody says which tool gave it.
    let whose = if tool.is_empty() { String::new() } else { format!("{tool}: ") };
    found.what = whose + violation.sentence();
    found.next =
        String::from("Look at the call in this exchange: agent or provider lost track of it.");
    found
}

fn secrets(facts: &Facts) -> Vec<Finding> {
    let of = |secret: &crate::findings::facts::Secret| {
        let (place, next) = match secret.place {
            SecretPlace::Answer => {
                ("in what the model wrote", "Find out how the model came to know it, and renew it.")
            }
            SecretPlace::ToolInput => (
                "in the arguments of a tool call",
                "Have the agent read it from its environment in place of writing it out, and renew it.",
            ),
            SecretPlace::ToolResult => (
                "in what a tool gave back, which the agent sent to the provider",
                "Keep the file or command away from the agent, and renew the secret.",
            ),
        };
        let subject = format!("{} {}", secret.rule, secret.place.as_str());
        let mut found = finding(facts, FindingKind::RedactionHit, subject);
        found.severity = Severity::Critical;
        found.title = format!("A secret stood {place}");
        found.what = format!(
            "Something that the rule {} knows stood {place}; the record has a placeholder.",
            secret.rule
        );
        found.next = next.to_owned();
        found
    };
    facts.secrets.iter().map(of).collect()
}
