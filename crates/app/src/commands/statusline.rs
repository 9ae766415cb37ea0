//! `langley statusline`: one line for the status line of Claude Code, which runs the command and shows what
//! it prints.
//!
//! What it is given on its input is the JSON of Claude Code's documentation of status lines; the session is read of it,
//! and how full its context is. A status line that fails is a nuisance, so it says in a few words what it cannot tell, and
//! ends well.

use std::io::Read;

use jiff::Zoned;
use langley_engine::{PriceBook, Window, context_tokens, windows};
use langley_model::{Flow, Micros};
use langley_store::{CostQuery, FlowFilter, Measure, Store, StoreError, Sums, Tally, UsageQuery};
use serde::{Deserialize, Deserializer};

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
    #[serde(default, deserialize_with = "told_window")]
    context_window: ToldWindow,
}

/// How full the context is.
#[derive(Debug, Default, Deserialize)]
struct ToldWindow {
    used_percentage: Option<f64>,
}

/// What stands in another form than it had tells nothing, and takes nothing else away.
fn told_window<'de, D: Deserializer<'de>>(from: D) -> Result<ToldWindow, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(ToldWindow::deserialize(value).unwrap_or_default())
}

impl Told {
    /// The agent's own word of its context is newer than what passed: it knows what it will send.
    fn context(&self) -> Option<String> {
        let percent = self.context_window.used_percentage?;
        (0.0..=1_000.0).contains(&percent).then(|| format!("context {percent:.0} %"))
    }
}

/// Prints the line.
pub(crate) fn statusline(global: &GlobalArgs) {
    let mut input = Vec::new();
    // What cannot be read tells of no session.
    let _ = std::io::stdin().take(INPUT_MAX).read_to_end(&mut input);
    let told: Told = serde_json::from_slice(&input).unwrap_or_default();
    println!("{}", line(global, &told));
}

fn line(global: &GlobalArgs, told: &Told) -> String {
    let Ok(home) = Home::named(global) else { return "langley: no home".to_owned() };
    let database = home.database();
    if !database.is_file() {
        return "langley: nothing recorded yet".to_owned();
    }
    let parts = Store::open_read_only(database).and_then(|store| parts(&store, told));
    match parts {
        Ok(parts) if parts.is_empty() => "langley: nothing recorded today".to_owned(),
        Ok(parts) => parts.join(" · "),
        Err(_) => "langley: the record cannot be read (`langley doctor`)".to_owned(),
    }
}

fn parts(store: &Store, told: &Told) -> Result<Vec<String>, StoreError> {
    let mut parts = Vec::new();
    if let Some(id) = told.session_id.as_deref()
        && let Some(session) = store.session(id)?
    {
        parts.extend(cost(&session.sums).map(|cost| format!("{cost} session")));
        parts.extend(of_day(store)?);
        parts.extend(match told.context() {
            Some(told) => Some(told),
            None => context(store, id)?,
        });
        parts.extend(from_cache(&session.sums).map(|percent| format!("cache {percent} %")));
    } else {
        parts.extend(of_day(store)?);
    }
    if !parts.is_empty() {
        parts.extend(plan(store)?);
    }
    Ok(parts)
}

/// What the flows that have a cost add up to, and a question mark for those whose price is not known.
fn cost(sums: &Sums) -> Option<String> {
    let known = sums.figure(Measure::Cost).known().map(|sum| cents(sum.cast_signed()));
    match (known, sums.tally(Tally::Unpriced)) {
        (known, 0) => known,
        (Some(known), _) => Some(format!("{known}+?")),
        (None, _) => Some("$?".to_owned()),
    }
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
    let written = sums.written().unwrap_or(0);
    let all = of(Measure::InputUncached).saturating_add(written).saturating_add(read);
    read.checked_mul(100)?.checked_div(all)
}
