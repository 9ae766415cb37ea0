//! `langley statusline`: one line for the status line of Claude Code, which runs the command and shows what
//! it prints.
//!
//! What it is given on its input is the JSON of Claude Code's documentation of status lines; only the session
//! is read of it. A status line that fails is a nuisance, so it says in a few words what it cannot tell, and
//! ends well.

use std::io::Read;

use jiff::Zoned;
use langley_engine::{PriceBook, Window, context_tokens, windows};
use langley_model::{Flow, Micros};
use langley_store::{CostQuery, FlowFilter, Measure, Store, StoreError, Sums, UsageQuery};
use serde::Deserialize;

use crate::cli::GlobalArgs;
use crate::dollars::cents;
use crate::home::Home;

/// Most that is read of the input.
const INPUT_MAX: u64 = 1 << 20;

/// Flows that are looked at for one that tells how full the context is.
const LOOKED_AT: usize = 20;

/// What Claude Code tells, as far as it is asked for.
#[derive(Debug, Default, Deserialize)]
struct Told {
    session_id: Option<String>,
}

/// Prints the line.
pub(crate) fn statusline(global: &GlobalArgs) {
    let mut input = Vec::new();
    // What cannot be read tells of no session.
    let _ = std::io::stdin().take(INPUT_MAX).read_to_end(&mut input);
    let told: Told = serde_json::from_slice(&input).unwrap_or_default();
    println!("{}", line(global, told.session_id.as_deref()));
}

fn line(global: &GlobalArgs, session: Option<&str>) -> String {
    let Ok(home) = Home::named(global) else { return "langley: no home".to_owned() };
    let database = home.database();
    if !database.is_file() {
        return "langley: nothing recorded yet".to_owned();
    }
    let parts = Store::open_read_only(database).and_then(|store| parts(&store, session));
    match parts {
        Ok(parts) if parts.is_empty() => "langley: nothing recorded today".to_owned(),
        Ok(parts) => parts.join(" · "),
        Err(_) => "langley: the record cannot be read (`langley doctor`)".to_owned(),
    }
}

fn parts(store: &Store, session: Option<&str>) -> Result<Vec<String>, StoreError> {
    let mut parts = Vec::new();
    if let Some(id) = session
        && let Some(session) = store.session(id)?
    {
        parts.extend(cost(&session.sums).map(|cost| format!("{cost} session")));
        parts.extend(of_day(store)?);
        parts.extend(context(store, id)?);
        parts.extend(from_cache(&session.sums).map(|percent| format!("cache {percent} %")));
    } else {
        parts.extend(of_day(store)?);
    }
    if !parts.is_empty() {
        parts.extend(plan(store)?);
    }
    Ok(parts)
}

/// What the flows that have a cost add up to.
fn cost(sums: &Sums) -> Option<String> {
    sums.figure(Measure::Cost).known().map(|sum| cents(sum.cast_signed()))
}

/// What was spent since midnight.
fn of_day(store: &Store) -> Result<Option<String>, StoreError> {
    let midnight = Zoned::now().start_of_day().map(|it| it.timestamp().as_microsecond());
    let usage = UsageQuery { since: midnight.ok().map(Micros), ..UsageQuery::default() };
    let query = CostQuery { usage, groups_max: 1, ..CostQuery::default() };
    Ok(cost(&store.costs(&query)?.totals).map(|cost| format!("{cost} today")))
}

/// How far the windows of Claude's plan are used that are not over: of five hours, and of seven days.
fn plan(store: &Store) -> Result<Vec<String>, StoreError> {
    let windows = windows(store, Micros::now())?.windows;
    let part = |window: &Window| {
        let name = window.limit.name.strip_prefix("unified-").filter(|_| !window.is_over)?;
        Some(format!("{name} {:.0} %", window.limit.used?.percent()))
    };
    Ok(windows.iter().filter_map(part).collect())
}

/// How full the context was at the session's own last request: a subagent's is another.
fn context(store: &Store, session: &str) -> Result<Option<String>, StoreError> {
    let filter = FlowFilter { session: Some(session.to_owned()), ..FlowFilter::default() };
    let page = store.flows(&filter, None, LOOKED_AT)?;
    let own = page.items.iter().filter(|flow| flow.subagent().is_none());
    Ok(own.into_iter().find_map(|flow| filled(flow)).map(|percent| format!("context {percent} %")))
}

/// Percent of its model's window that a flow's context took.
fn filled(flow: &Flow) -> Option<u64> {
    let name = flow.model.as_deref().or(flow.model_requested.as_deref())?;
    let window = PriceBook::vendored().window(flow.provider?, name)?;
    context_tokens(flow)?.checked_mul(100)?.checked_div(window)
}

/// Percent of the input that came from the cache.
fn from_cache(sums: &Sums) -> Option<u64> {
    let of = |measure| sums.figure(measure).known().unwrap_or(0);
    let read = of(Measure::CacheRead);
    let written = of(Measure::CacheWrite5m).saturating_add(of(Measure::CacheWrite1h));
    let all = of(Measure::InputUncached).saturating_add(written).saturating_add(read);
    read.checked_mul(100)?.checked_div(all)
}
