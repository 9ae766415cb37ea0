//! Tools that are described to the model with every request and that it never calls.

use std::collections::BTreeMap;

use langley_model::{Finding, FindingKind, FindingUnit, MicroUsd, Severity};
use langley_store::StoreError;

use super::words::{by_agent, finding, grouped, number};
use crate::findings::facts::Facts;
use crate::findings::limits::Limits;
use crate::findings::session_memory::SessionMemory;
use crate::findings::sources::Sources;

/// Answered requests after which a tool that was not called is idle; looked at again each time these double.
const REQUESTS: usize = 10;

/// The servers whose tools nobody called: their definitions are paid for with every request.
pub(super) fn idle_tools(
    facts: &Facts,
    memory: &SessionMemory,
    answered: usize,
    limits: &Limits,
    sources: &dyn Sources,
) -> Result<Option<Finding>, StoreError> {
    let is_due = answered.is_multiple_of(REQUESTS) && (answered / REQUESTS).is_power_of_two();
    let Some(context) = facts.context().filter(|_| is_due && facts.is_answered()) else {
        return Ok(None);
    };
    // Where flows or names were forgotten, nobody knows what was called.
    let calls = &memory.calls;
    if !memory.is_whole || calls.is_full() {
        return Ok(None);
    }
    let Some(prompt) = sources.prompt(facts.flow.id)? else { return Ok(None) };
    let mut servers: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    for (name, bytes) in prompt.tools() {
        let Some(server) = server(name) else { continue };
        let entry = servers.entry(server).or_default();
        entry.0 += bytes;
        entry.1 |= calls.was_called(name);
    }
    let idle: Vec<&str> =
        servers.iter().filter(|(_, (_, called))| !called).map(|(name, _)| *name).collect();
    let bytes: u64 = servers.values().filter(|(_, called)| !called).map(|(bytes, _)| bytes).sum();
    let tokens = context.saturating_mul(bytes).checked_div(prompt.bytes()).unwrap_or_default();
    if idle.is_empty() || tokens < limits.idle_tools_tokens {
        return Ok(None);
    }
    let mut found = finding(facts, FindingKind::IdleTools, by_agent(facts, "tools"));
    found.severity = Severity::Info;
    found.title = format!("About {} tokens of tools that nobody calls", grouped(tokens));
    found.what = format!(
        "In {answered} requests no tool of {} was called; their definitions take about {} tokens of this one.",
        idle.join(", "),
        grouped(tokens)
    );
    found.next = String::from("Switch off the servers that this work does not need.");
    found.numbers = vec![
        number("idle_tools", tokens, FindingUnit::Tokens),
        number("requests", answered, FindingUnit::Count),
    ];
    found.baseline = Some(number("bound", limits.idle_tools_tokens, FindingUnit::Tokens));
    // Since it was looked at last, or from the beginning on.
    let requests = if answered == REQUESTS { answered } else { answered / 2 };
    let once = sources.prices().pricing(&facts.flow).carried(&facts.flow, tokens);
    let times = i64::try_from(requests).unwrap_or(i64::MAX);
    found.cost = once.map(|MicroUsd(once)| MicroUsd(once.saturating_mul(times)));
    Ok(Some(found))
}

/// The server of a tool; none of one that the agent brings: those cannot be switched off one by one.
fn server(tool: &str) -> Option<&str> {
    tool.strip_prefix("mcp__")?.split_once("__").map(|(server, _)| server)
}
