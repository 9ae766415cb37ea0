//! `langley tools`: the tools that agents were asked to run, with what their calls add up to; and the calls of
//! one.

use jiff::Timestamp;
use langley_store::{
    InvocationQuery, KeptCall, ToolOrder, ToolQuery, ToolReport, ToolSums, ToolTally,
};

use super::flows::{local_time, parse_since};
use crate::cli::{GlobalArgs, ToolsArgs};
use crate::dollars::dollars;
use crate::error::Result;
use crate::home::Home;
use crate::reading;
use crate::table::Table;

/// Lists tools, or the calls of one.
///
/// # Errors
/// No database yet, or it cannot be read; a time that is not understood.
pub(crate) fn tools(global: &GlobalArgs, args: &ToolsArgs) -> Result<()> {
    let home = Home::named(global)?;
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let session = args.session.clone();
    if let Some(tool) = &args.name {
        let query = InvocationQuery { tool: tool.clone(), session, since, until: None };
        let page = reading::read(&home, "tools", |store| {
            store.invocations(&query, None, args.limit as usize)
        })?;
        if args.json {
            return reading::tell("tools", langley_server::invocations_json(&page));
        }
        if page.items.is_empty() {
            println!("no calls of {tool}");
        } else {
            print!("{}", calls(&page.items));
        }
        reading::tell_missing(page.next_cursor.is_some(), false);
        return Ok(());
    }
    let query = ToolQuery { since, until: None, session, order: args.sort, without_costs: false };
    let report = reading::read(&home, "tools", |store| store.tools(&query))?;
    if args.json {
        return reading::tell("tools", langley_server::tools_json(&report));
    }
    if report.tools.is_empty() {
        println!("no tool calls");
    } else {
        print!("{}", table(&report, args.sort));
    }
    if report.is_behind {
        println!(
            "… some flows still wait to be analysed; what is removed before that is in no sums"
        );
    }
    Ok(())
}

pub(super) fn milliseconds(nanos: u64) -> String {
    let ms = nanos / 1_000_000;
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", nanos as f64 / 1e9) }
}

const HEAD: [&str; 10] = [
    "TOOL",
    "CALLS",
    "FAILED",
    "DENIED",
    "STOPPED",
    "NO RESULT",
    "REPEATED",
    "P50",
    "P95",
    "VIOLATIONS",
];

fn table(report: &ToolReport, sort: ToolOrder) -> String {
    let of_all = (report.tools.len() > 1).then_some(("all", &report.totals));
    let tools = report.tools.iter().map(|tool| (&*tool.name, &tool.sums)).chain(of_all);
    if sort != ToolOrder::Cost {
        let mut table = Table::new(HEAD);
        tools.for_each(|(name, sums)| table.row(cells(name, sums)));
        return table.to_string();
    }
    let costs = report.tools.iter().map(|tool| tool.cost);
    let mut table = Table::new(with(HEAD, "COST"));
    for ((name, sums), cost) in tools.zip(costs.chain([report.cost])) {
        let cost = cost.map_or_else(|| "unknown".to_owned(), |cost| dollars(cost.0));
        table.row(with(cells(name, sums), cost));
    }
    table.to_string()
}

fn cells(name: &str, sums: &ToolSums) -> [String; 10] {
    let of = |tally| sums.tally(tally);
    let spread =
        |percent| sums.durations().percentile(percent).map_or_else(|| "-".to_owned(), milliseconds);
    [
        name.to_owned(),
        of(ToolTally::Calls).to_string(),
        of(ToolTally::Failed).to_string(),
        of(ToolTally::Denied).to_string(),
        (of(ToolTally::Cancelled) + of(ToolTally::TimedOut)).to_string(),
        (of(ToolTally::Orphaned) + of(ToolTally::Lost)).to_string(),
        of(ToolTally::Repeated).to_string(),
        spread(50),
        spread(95),
        of(ToolTally::Violated).to_string(),
    ]
}

/// One more cell.
fn with<T>([a, b, c, d, e, f, g, h, i, j]: [T; 10], last: T) -> [T; 11] {
    [a, b, c, d, e, f, g, h, i, j, last]
}

fn calls(calls: &[KeptCall]) -> String {
    let mut table =
        Table::new(["FLOW STARTED", "STATE", "OUTCOME", "TIME", "IN", "BACK", "CALL", "SESSION"]);
    let unknown = || "-".to_owned();
    for kept in calls {
        let call = kept.call.as_ref();
        let bytes = |bytes: Option<u64>| bytes.map_or_else(unknown, |bytes| bytes.to_string());
        let time = call.and_then(langley_model::ToolCall::duration_us);
        table.row([
            local_time(kept.started_at),
            call.map_or("waits", |call| call.state.as_str()).to_owned(),
            call.and_then(|call| call.outcome).map_or("-", |it| it.as_str()).to_owned(),
            time.map_or_else(unknown, |us| milliseconds(us.saturating_mul(1_000))),
            bytes(call.map(|call| call.input_bytes)),
            bytes(call.and_then(|call| call.result).map(|result| result.bytes)),
            format!("{}.{}", kept.flow, kept.position),
            kept.session.clone().unwrap_or_else(unknown),
        ]);
        for violation in call.into_iter().flat_map(|call| call.violations.iter()) {
            table.below(format!("{} {}", violation.code(), violation.sentence()));
        }
    }
    table.to_string()
}
