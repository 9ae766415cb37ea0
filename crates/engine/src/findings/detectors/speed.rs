//! What took long: an answer to begin, an answer in its middle, a tool.

use std::time::Duration;

use langley_model::{Finding, FindingKind, FindingUnit, Severity};
use langley_store::StoreError;

use super::words::{by_agent, finding, lasting, model, number, span};
use crate::findings::call_memory::Returned;
use crate::findings::facts::Facts;
use crate::findings::sources::Sources;

/// So many times as long as usual is slow.
const SLOWER: u32 = 4;

/// Answers that must be known before there is something usual.
const ANSWERS: u64 = 20;

/// Tools that wait for a person, or for another agent: how long they take says nothing of them.
const WAITING: [&str; 8] = [
    "Agent",
    "AskUserQuestion",
    "ExitPlanMode",
    "Task",
    "TaskOutput",
    "request_user_input",
    "wait",
    "wait_agent",
];

/// An answer that began late, measured by what its model usually takes.
pub(super) fn slow_response(
    facts: &Facts,
    bound: Duration,
    sources: &dyn Sources,
) -> Result<Option<Finding>, StoreError> {
    let Some(first) = facts.flow.ttft.or(facts.flow.ttfb) else { return Ok(None) };
    if first <= bound || !facts.is_answered() {
        return Ok(None);
    }
    let usual = sources.usual(&facts.flow)?;
    let Some(usual) = usual.filter(|usual| usual.answers >= ANSWERS) else { return Ok(None) };
    if first < usual.median * SLOWER {
        return Ok(None);
    }
    let mut found = finding(facts, FindingKind::SlowResponse, by_agent(facts, model(facts)));
    found.severity = Severity::Info;
    found.title = format!("{} was slow to begin", model(facts));
    found.what = format!(
        "The first token came after {}; half of this model's answers begin within {}.",
        lasting(first),
        lasting(usual.median)
    );
    found.next =
        String::from("If it goes on, look at the provider's status page, or use another model.");
    found.numbers = vec![span("ttft", first)];
    found.baseline = Some(span("median", usual.median));
    Ok(Some(found))
}

/// An answer that stood still.
pub(super) fn stall(facts: &Facts, bound: Duration) -> Option<Finding> {
    let pause = facts.pause.filter(|pause| pause.lasted > bound)?;
    let mut found = finding(facts, FindingKind::Stall, by_agent(facts, model(facts)));
    found.severity = Severity::Info;
    found.title = format!("An answer of {} paused for {}", model(facts), lasting(pause.lasted));
    found.what = format!(
        "For {} nothing came, from {} after the request on.",
        lasting(pause.lasted),
        lasting(pause.after)
    );
    found.next = String::from(
        "If it goes on, look at the provider's status page and at the network in between.",
    );
    found.numbers = vec![span("pause", pause.lasted), span("after", pause.after)];
    found.baseline = Some(span("bound", bound));
    Some(found)
}

/// A tool whose result came late.
pub(super) fn slow_tool(facts: &Facts, returned: &Returned, bound: Duration) -> Option<Finding> {
    let took = returned.took.filter(|took| *took > bound)?;
    if WAITING.contains(&returned.tool.as_str()) {
        return None;
    }
    let tool = &returned.tool;
    let mut found = finding(facts, FindingKind::SlowTool, by_agent(facts, tool));
    found.severity = Severity::Info;
    found.title = format!("{tool} took {}", lasting(took));
    found.what = format!(
        "From the call of {tool} to the request with its result {} passed; waiting for a permission counts.",
        lasting(took)
    );
    found.next =
        format!("Look at what {tool} was asked to do; let long work run in the background.");
    found.numbers = vec![span("took", took), number("calls", 1, FindingUnit::Count)];
    found.baseline = Some(span("bound", bound));
    found.beside = vec![returned.flow];
    Some(found)
}
