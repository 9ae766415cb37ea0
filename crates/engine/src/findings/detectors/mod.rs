//! The detectors: each looks at one flow, and at what is remembered of its session.

mod cache;
mod calls;
mod idle_tools;
mod record;
mod request;
mod speed;
mod words;

use langley_model::Finding;
use langley_store::StoreError;

use super::facts::Facts;
use super::limits::Limits;
use super::session_memory::SessionMemory;
use super::sources::Sources;

pub(crate) use record::{unrecorded, violation};
pub(super) use request::{daily_budget, day_of};

/// What a flow shows by itself.
pub(super) fn of_flow(
    facts: &Facts,
    limits: &Limits,
    sources: &dyn Sources,
) -> Result<Vec<Finding>, StoreError> {
    let mut found = record::all(facts, sources.prices());
    found.extend(request::large_context(facts, limits, sources.prices()));
    found.extend(request::expensive(facts, limits.request_cost));
    found.extend(speed::slow_response(facts, limits.slow_response, sources)?);
    found.extend(speed::stall(facts, limits.stall));
    Ok(found)
}

/// What a flow shows beside the earlier ones of its session.
pub(super) fn of_session(
    facts: &Facts,
    memory: &mut SessionMemory,
    limits: &Limits,
    sources: &dyn Sources,
) -> Result<Vec<Finding>, StoreError> {
    let noted = memory.note(facts, limits);
    let mut found = calls::all(facts, &noted, limits);
    if let Some(looped) = &noted.looped {
        found.extend(request::request_loop(facts, looped, limits.request_loop));
    }
    found.extend(
        noted.storm.as_ref().and_then(|storm| request::storm(facts, storm, limits.retries)),
    );
    found.extend(cache::broken(facts, &noted.earlier, limits, sources)?);
    found.extend(request::spike(facts, &noted.earlier, limits, sources)?);
    found.extend(idle_tools::idle_tools(facts, memory, noted.answered, limits, sources)?);
    Ok(found)
}
