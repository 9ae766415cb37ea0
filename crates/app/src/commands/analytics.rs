//! `langley analytics`: where the time went, how agents worked, and what came of the tokens.

use std::time::Duration;

use langley_engine::{Work, WorkBy, WorkQuery, WorkReport, work};
use langley_model::Micros;
use langley_store::{GroupBy, Measure, Sums, Tally, UsageGroup, UsageQuery, UsageReport};

use super::cost::{day, figure, zone};
use super::flows::{local_time, parse_span};
use super::tools::milliseconds;
use crate::cli::{AnalyticsVerb, GlobalArgs, SpanArgs, WorkArgs};
use crate::dollars::dollars;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::table::Table;

/// Most groups of times.
const GROUPS_MAX: usize = 1_000;

/// Tells what is asked.
///
/// # Errors
/// No database yet, or it cannot be read; a word that is not understood.
pub(crate) fn analytics(global: &GlobalArgs, verb: &AnalyticsVerb) -> Result<()> {
    match verb {
        AnalyticsVerb::Latency { by, span } => latency(global, by, span),
        AnalyticsVerb::Turns(args) => {
            let (query, report) = worked(global, args)?;
            if args.span.json {
                return reading::tell("turns", langley_server::turns_json(&query, &report));
            }
            show(&report, turns);
            Ok(())
        }
        AnalyticsVerb::Efficiency(args) => {
            let (query, report) = worked(global, args)?;
            if args.span.json {
                return reading::tell("tokens", langley_server::efficiency_json(&query, &report));
            }
            show(&report, efficiency);
            Ok(())
        }
    }
}

/// A span of time in words, as it is meant.
fn times(span: &SpanArgs) -> Result<(Micros, Option<Micros>)> {
    let (since, until) = parse_span(Some(&span.since), span.until.as_deref())?;
    // It has a default.
    Ok((since.unwrap_or_default(), until))
}

fn latency(global: &GlobalArgs, by: &str, span: &SpanArgs) -> Result<()> {
    let home = Home::named(global)?;
    let groups = langley_server::each_once(by, GroupBy::parse).ok_or_else(|| {
        let words = GroupBy::ALL.map(GroupBy::as_str).join(", ");
        AppError::wrong_use(format!("`{by}` cannot be grouped by"))
            .why(format!("--by takes any of {words}, each once"))
    })?;
    let (since, until) = times(span)?;
    let (offset_minutes, tz) = zone();
    let names = groups.iter().map(|by| by.as_str().to_owned()).collect();
    let query = UsageQuery {
        since: Some(since),
        until,
        offset_minutes,
        by: groups,
        groups_max: Some(GROUPS_MAX),
        ..UsageQuery::default()
    };
    let report = reading::read(&home, "times", |store| store.usage(&query))?;
    if report.too_many {
        return Err(AppError::wrong_use(format!("these are more than {GROUPS_MAX} groups"))
            .why("name fewer with --by, or narrow the time with --since and --until"));
    }
    if span.json {
        return reading::tell("times", langley_server::latency_json(&report, names, &tz));
    }
    if report.groups.is_empty() {
        println!("no flows");
    } else {
        print!("{}", latencies(by, &report));
    }
    reading::tell_missing(false, report.filling);
    Ok(())
}

/// Medians, and of what matters most what 95 of 100 do not exceed.
fn latencies(by: &str, report: &UsageReport) -> String {
    let mut table = Table::new([
        "FLOWS",
        "RETRIES",
        "CONNECT",
        "TLS",
        "TTFB",
        "TTFT",
        "TTFT P95",
        "LAST TOKEN",
        "TOKENS/S",
        "STALL P95",
        "TIME",
        "TIME P95",
        &by.to_uppercase(),
    ]);
    let mut row = |sums: &Sums, name: String| {
        let span = |measure, percent| sums.spread(measure)?.percentile(percent);
        let time =
            |measure, percent| span(measure, percent).map_or_else(|| "-".to_owned(), milliseconds);
        let speed = span(Measure::TokenTime, 50)
            .and_then(|nanos| langley_server::per_second(Duration::from_nanos(nanos)));
        table.row([
            sums.tally(Tally::Flows).to_string(),
            figure(sums, Measure::Retries),
            time(Measure::Connect, 50),
            time(Measure::Tls, 50),
            time(Measure::Ttfb, 50),
            time(Measure::Ttft, 50),
            time(Measure::Ttft, 95),
            time(Measure::Ttlt, 50),
            speed.map_or_else(|| "-".to_owned(), |speed| format!("{speed:.1}")),
            time(Measure::Stall, 95),
            time(Measure::Duration, 50),
            time(Measure::Duration, 95),
            name,
        ]);
    };
    for group in &report.groups {
        row(&group.sums, name(group));
    }
    if report.groups.len() > 1 {
        row(&report.totals, "(all)".to_owned());
    }
    table.to_string()
}

fn name(group: &UsageGroup) -> String {
    let times = [group.hour.map(local_time), group.day.map(day)].into_iter().flatten();
    let names = [&group.host, &group.provider, &group.model, &group.agent];
    let known = |name: &String| if name.is_empty() { "-".to_owned() } else { name.clone() };
    let names = names.into_iter().flatten().map(known);
    times.chain(names).collect::<Vec<_>>().join("  ")
}

fn worked(global: &GlobalArgs, args: &WorkArgs) -> Result<(WorkQuery, WorkReport)> {
    let home = Home::named(global)?;
    let by = WorkBy::parse(&args.by).ok_or_else(|| {
        AppError::wrong_use(format!("`{}` cannot be grouped by", args.by))
            .why("--by takes session or model")
    })?;
    let (since, until) = times(&args.span)?;
    let query = WorkQuery { by, since: Some(since), until, groups_max: args.limit as usize };
    let report = reading::read(&home, "sessions", |store| work(store, &query))?;
    Ok((query, report))
}

fn show(report: &WorkReport, table: fn(&WorkReport) -> String) {
    if report.groups.is_empty() {
        println!("no sessions");
    } else {
        print!("{}", table(report));
    }
    if report.more {
        println!("… there are more groups: --limit, --since");
    }
    if report.is_cut {
        println!("… the newest 6,000 flows of this time were gone through: --since, --until");
    }
    if report.without_session > 0 {
        println!("… {} flows of nobody's session are in none of this", report.without_session);
    }
}

/// Each group, and what all of them add up to.
fn rows(report: &WorkReport) -> impl Iterator<Item = (&Work, String)> {
    let unknown = || "-".to_owned();
    let groups = report
        .groups
        .iter()
        .map(move |group| (&group.work, group.name.clone().unwrap_or_else(unknown)));
    let totals = (report.groups.len() > 1).then(|| (&report.totals, "(all)".to_owned()));
    groups.chain(totals)
}

fn turns(report: &WorkReport) -> String {
    let mut table = Table::new([
        "TURNS",
        "REQUESTS",
        "FAILED",
        "RETRIES",
        "SUBAGENT",
        "SIDE",
        "TOOLS",
        "TOOLS/REQUEST",
        "AGENT",
        "YOU",
        "COST",
        "OF",
    ]);
    for (work, name) in rows(report) {
        let time =
            |time: Duration| milliseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        table.row([
            work.turns.to_string(),
            work.requests.to_string(),
            work.failed.to_string(),
            work.retries.to_string(),
            work.of_subagents.to_string(),
            work.beside.to_string(),
            work.tool_calls.to_string(),
            work.tool_ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}")),
            time(work.worked),
            time(work.waited),
            cost(work),
            name,
        ]);
    }
    table.to_string()
}

fn efficiency(report: &WorkReport) -> String {
    let mut table = Table::new([
        "TURNS", "IN", "UNCACHED", "CACHED", "WRITTEN", "OUT", "CACHE", "OUT/IN", "GROWTH", "COST",
        "OF",
    ]);
    for (work, name) in rows(report) {
        let tokens = &work.tokens;
        let percent = |ratio: Option<f64>| {
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0))
        };
        table.row([
            work.turns.to_string(),
            tokens.input().to_string(),
            tokens.uncached.to_string(),
            tokens.read.to_string(),
            tokens.written.to_string(),
            tokens.output.to_string(),
            percent(tokens.hit_ratio()),
            percent(tokens.output_ratio()),
            work.growth.each().map_or_else(|| "-".to_owned(), |tokens| format!("{tokens:.0}")),
            cost(work),
            name,
        ]);
    }
    table.to_string()
}

fn cost(work: &Work) -> String {
    work.cost.map_or_else(|| "-".to_owned(), |cost| dollars(cost.0))
}
