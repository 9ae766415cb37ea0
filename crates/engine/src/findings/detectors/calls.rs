//! What is odd about a session's tool calls: slow ones, ones that fail on and on, ones that are repeated.

use langley_model::{Finding, FindingKind, FindingUnit, Severity};

use super::speed::slow_tool;
use super::words::{by_agent, finding, number, span};
use crate::findings::call_memory::{Repeated, Returned, Run};
use crate::findings::facts::Facts;
use crate::findings::limits::Limits;
use crate::findings::session_memory::Noted;

/// All of these that a flow shows.
pub(super) fn all(facts: &Facts, noted: &Noted, limits: &Limits) -> Vec<Finding> {
    let mut found = Vec::new();
    for (returned, run) in &noted.returned {
        found.extend(slow_tool(facts, returned, limits.slow_tool));
        found.extend(failing(facts, returned, run, limits.tool_failures));
    }
    found.extend(noted.repeated.iter().filter_map(|repeated| rapid(facts, repeated, limits)));
    found
}

fn failing(facts: &Facts, returned: &Returned, run: &Run, bound: usize) -> Option<Finding> {
    if run.failures < bound.max(1) {
        return None;
    }
    let (tool, times) = (&returned.tool, run.failures);
    let mut found = finding(facts, FindingKind::FailingTool, by_agent(facts, tool));
    found.title = format!("{tool} failed {times} times in a row");
    found.what = format!(
        "The last {times} results of {tool} were errors; each was sent to the model and paid for."
    );
    found.next = format!(
        "Read the last error of {tool}: a wrong path, a missing program or a missing permission repeats itself."
    );
    found.numbers = vec![number("failures", times, FindingUnit::Count)];
    found.baseline = Some(number("bound", bound, FindingUnit::Count));
    found.beside.clone_from(&run.flows);
    Some(found)
}

fn rapid(facts: &Facts, repeated: &Repeated, limits: &Limits) -> Option<Finding> {
    if repeated.times <= limits.rapid_calls {
        return None;
    }
    let (tool, times) = (&repeated.tool, repeated.times);
    let window = limits.rapid_window;
    let mut found = finding(facts, FindingKind::RapidRepeats, by_agent(facts, tool));
    found.severity = Severity::Warning;
    found.title = format!("{tool} was called {times} times alike within {} s", window.as_secs());
    found.what = format!(
        "{times} calls of {tool} with the same arguments came within {} s.",
        window.as_secs()
    );
    found.next = String::from("Stop the agent and say what it should look for: it repeats itself.");
    found.numbers = vec![number("calls", times, FindingUnit::Count), span("window", window)];
    found.baseline = Some(number("bound", limits.rapid_calls, FindingUnit::Count));
    found.beside.clone_from(&repeated.flows);
    Some(found)
}
