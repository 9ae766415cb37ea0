//! `langley cost`: what was spent, on what, and in which block of five hours.

use std::fmt::Write;

use jiff::{Timestamp, Zoned};
use langley_engine::{Block, BlockReport, PriceBook, Window, Windows, blocks, windows};
use langley_model::{CostClass, Micros, NanoUsd, Provider};
use langley_store::{
    CostBy, CostGroup, CostKey, CostQuery, CostReport, GroupBy, Measure, Store, Sums, Tally,
    ToolCostSums, ToolCostTally, UnpricedModel, UsageQuery,
};

use super::commits::{COMMIT, commits};
use super::flows::{local_time, parse_since, parse_span};
use super::reprice;
use super::transcripts;
use crate::cli::{CostArgs, CostSource, CostVerb, GlobalArgs};
use crate::dollars::dollars;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::table::{Table, counted, shown};

/// The grouping by class of usage.
pub(super) const CLASS: &str = "class";

/// Tells costs, or does what the verb says.
///
/// # Errors
/// No database yet, or it cannot be read; a word that is not understood.
pub(crate) fn cost(global: &GlobalArgs, args: &CostArgs) -> Result<()> {
    match &args.verb {
        None if of_transcripts(global, args.from)? => transcripts::spent(global, args),
        None => spent(global, args),
        Some(CostVerb::Blocks { since, provider, from, json }) => {
            let (since, provider) = (parse_since(since, Timestamp::now())?, named(provider)?);
            let found = if of_transcripts(global, *from)? {
                transcripts::blocks(global, since, provider)?
            } else {
                let query = UsageQuery {
                    since: Some(since),
                    provider: Some(provider),
                    ..UsageQuery::default()
                };
                let home = Home::named(global)?;
                reading::read(&home, "costs", |store| blocks(store, &query, Micros::now()))?
            };
            tell_blocks(&found, (provider, since), *json)
        }
        Some(CostVerb::Limits { json }) => limits(global, *json),
        Some(CostVerb::Reprice(args)) => reprice::reprice(global, args),
    }
}

fn spent(global: &GlobalArgs, args: &CostArgs) -> Result<()> {
    let home = Home::named(global)?;
    let by_class = args.by == CLASS;
    let is_by_commit = args.by == COMMIT;
    let by = if by_class || is_by_commit { Vec::new() } else { groups(&args.by)? };
    let (since, until) = parse_span(args.since.as_deref(), args.until.as_deref())?;
    let (offset_minutes, tz) = zone();
    let usage = UsageQuery { since, until, offset_minutes, ..UsageQuery::default() };
    if is_by_commit {
        return commits(global, args, &usage);
    }
    let query = CostQuery {
        by,
        usage,
        session: args.session.clone(),
        project: args.project.clone(),
        groups_max: args.limit as usize,
    };
    let report = reading::read(&home, "costs", |store| store.costs(&query))?;
    if args.json {
        let json = langley_server::cost_json(&query, &report, by_class, &tz);
        return reading::tell("costs", json);
    }
    tell(&args.by, &report, "no flows");
    if !report.from_flows {
        print!("{}", by_hours(&query));
    }
    Ok(())
}

/// What follows for times from being told by whole hours of UTC.
fn by_hours(query: &CostQuery) -> String {
    const MINUTE_US: i64 = 60_000_000;
    const HOUR_US: i64 = 60 * MINUTE_US;
    let UsageQuery { since, until, offset_minutes, .. } = query.usage;
    let from = since.map(|Micros(at)| Micros(at.div_euclid(HOUR_US) * HOUR_US));
    let to = until.map(|Micros(at)| Micros(-(-at).div_euclid(HOUR_US) * HOUR_US));
    let mut text = String::new();
    if (from, to) != (since, until) {
        let bound = |word: &str, at: Option<Micros>| Some(format!(" {word} {}", local_time(at?)));
        let span: String =
            [bound("from", from), bound("until", to)].into_iter().flatten().collect();
        // Writing to a text never fails.
        let _ = writeln!(text, "Told by whole hours:{span}.");
    }
    let beyond = offset_minutes.rem_euclid(60);
    if beyond != 0 && query.by.contains(&CostBy::Usage(GroupBy::Day)) {
        let _ = writeln!(
            text,
            "Days are of whole hours of UTC: what began before 00:{beyond:02} counts to the day before."
        );
    }
    text
}

/// Prints a report by these words, and `none` where there is nothing.
pub(super) fn tell(by: &str, report: &CostReport, none: &str) {
    if by == CLASS {
        print!("{}", by_classes(&report.totals));
    } else if report.groups.is_empty() {
        println!("{}", if report.tools.is_some() { "no calls of tools" } else { none });
    } else if let Some(tools) = &report.tools {
        print!("{}", tool_table(by, report, tools));
    } else {
        print!("{}", table(by, report));
    }
    print!("{}", remarks(report));
}

/// Whether transcripts are to be read: where that was asked for, or where nothing was ever recorded.
fn of_transcripts(global: &GlobalArgs, asked: Option<CostSource>) -> Result<bool> {
    Ok(match asked {
        Some(source) => source == CostSource::Transcripts,
        None => {
            let home = Home::named(global)?;
            let database = home.database();
            reading::catch_up(&home);
            let is_empty = |store: Store| store.counters().flows_total == 0;
            !database.exists() || Store::open_read_only(database).is_ok_and(is_empty)
        }
    })
}

fn named(provider: &str) -> Result<Provider> {
    Provider::parse(provider).ok_or_else(|| {
        let known = Provider::ALL.map(Provider::as_str).join(", ");
        AppError::wrong_use(format!("`{provider}` is no provider"))
            .why(format!("known are {known}"))
            .next("for example `langley cost blocks --provider anthropic`")
    })
}

fn tell_blocks(
    found: &BlockReport,
    (provider, since): (Provider, Micros),
    json: bool,
) -> Result<()> {
    if json {
        return reading::tell("blocks", langley_server::blocks_json(found));
    }
    if found.blocks.is_empty() {
        println!(
            "no blocks of {} since {} (--provider, --since)",
            provider.as_str(),
            local_time(since)
        );
    } else {
        print!("{}", block_table(&found.blocks));
    }
    Ok(())
}

fn limits(global: &GlobalArgs, json: bool) -> Result<()> {
    let home = Home::named(global)?;
    let found = reading::read(&home, "limits", |store| windows(store, Micros::now()))?;
    if json {
        return reading::tell("limits", langley_server::limits_json(&found));
    }
    print!("{}", limits_told(&found));
    Ok(())
}

/// What was found of limits, and how far was looked where that is not all there is.
fn limits_told(found: &Windows) -> String {
    let looked_at = found.looked_at;
    match (found.windows.is_empty(), found.is_cut) {
        (true, false) => {
            "no provider said anything of its limits in the last seven days\n".to_owned()
        }
        (true, true) => format!(
            "no provider said anything of its limits beside the newest {looked_at} flows; older ones were not looked at\n"
        ),
        (false, false) => limit_table(&found.windows),
        (false, true) => {
            limit_table(&found.windows)
                + &format!(
                    "… the newest {looked_at} flows were looked at: older ones may tell of other limits\n"
                )
        }
    }
}

/// Groups with commas between.
fn groups(text: &str) -> Result<Vec<CostBy>> {
    langley_server::each_once(text, CostBy::parse).ok_or_else(|| {
        AppError::wrong_use(format!("`{text}` cannot be grouped by")).why(
            "--by takes any of hour, day, host, provider, model, agent, session, task, subagent, project and tool, \
             each once; or class alone, or commit alone",
        )
        .next("for example `langley cost --by day,model`")
    })
}

/// Minutes by which this place is ahead of UTC, and the same in words.
pub(super) fn zone() -> (i32, String) {
    let minutes = Zoned::now().offset().seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    (minutes, format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60))
}

fn money(sums: &Sums) -> String {
    let known = sums.figure(Measure::Cost).known();
    known.map_or_else(|| "-".to_owned(), |sum| dollars(sum.cast_signed()))
}

pub(super) fn figure(sums: &Sums, measure: Measure) -> String {
    sums.figure(measure).known().map_or_else(|| "-".to_owned(), |sum| sum.to_string())
}

/// What of a group stands in each column behind its cost.
fn figures(sums: &Sums) -> [String; 6] {
    [
        sums.figure(Measure::Cost).flows.to_string(),
        sums.tally(Tally::Unpriced).to_string(),
        figure(sums, Measure::InputUncached),
        figure(sums, Measure::CacheRead),
        sums.written().map_or_else(|| "-".to_owned(), |sum| sum.to_string()),
        figure(sums, Measure::Output),
    ]
}

/// What sums cost in a table, and what was estimated beside that; a dash where neither is known.
pub(super) fn cost_cell(sums: &Sums) -> String {
    let cost = |measure| sums.figure(measure).known().map(u64::cast_signed).map(dollars);
    cost_told(cost(Measure::Cost), cost(Measure::EstimatedCost))
}

/// A cost, and what was estimated beside it, as one cell.
pub(super) fn cost_told(known: Option<String>, estimated: Option<String>) -> String {
    match (known, estimated) {
        (Some(known), Some(estimated)) => format!("{known} + ~{estimated}"),
        (Some(known), None) => known,
        (None, Some(estimated)) => format!("~{estimated}"),
        (None, None) => "-".to_owned(),
    }
}

fn table(by: &str, report: &CostReport) -> String {
    let head = by.to_uppercase();
    let mut table =
        Table::new(["COST", "PRICED", "UNPRICED", "IN", "CACHED", "WRITTEN", "OUT", &head]);
    let mut row = |sums: &Sums, name: String| {
        let [priced, unpriced, input, read, written, output] = figures(sums);
        table.row([cost_cell(sums), priced, unpriced, input, read, written, output, name]);
    };
    for group in &report.groups {
        row(&group.sums, name(group));
    }
    row(&report.totals, "(all)".to_owned());
    table.to_string()
}

/// What tools cost, and below it what that is of all.
fn tool_table(by: &str, report: &CostReport, all: &ToolCostSums) -> String {
    let head = by.to_uppercase();
    let mut table = Table::new([
        "COST",
        "CALLED",
        "SEARCHES",
        "RESULTS",
        "SENT AGAIN",
        "CALLS",
        "UNPRICED",
        &head,
    ]);
    let mut row = |sums: &ToolCostSums, name: String| {
        let of = |tally| sums.tally(tally);
        let told = |nano: NanoUsd| dollars(nano.rounded().0);
        let parts = [
            ToolCostTally::Output,
            ToolCostTally::Search,
            ToolCostTally::Result,
            ToolCostTally::Reread,
        ];
        let [output, search, result, reread] = parts.map(|tally| told(NanoUsd(of(tally))));
        let unpriced = of(ToolCostTally::Calls).saturating_sub(of(ToolCostTally::PricedCalls));
        table.row([
            sums.cost().map_or_else(|| "-".to_owned(), told),
            output,
            search,
            result,
            reread,
            of(ToolCostTally::Calls).to_string(),
            unpriced.to_string(),
            name,
        ]);
    };
    for group in &report.groups {
        if let Some(sums) = &group.tool {
            row(sums, name(group));
        }
    }
    row(all, "(all tools)".to_owned());
    let mut text = table.to_string();
    // Writing to a text never fails.
    let _ = writeln!(text, "All flows cost {}.", money(&report.totals));
    text
}

fn name(group: &CostGroup) -> String {
    let key = |key: &CostKey| match key {
        CostKey::Hour(at) => local_time(*at),
        CostKey::Day(at) => day(*at),
        CostKey::Name(name) => name.clone().unwrap_or_else(|| "-".to_owned()),
    };
    let mut names: Vec<String> = group.keys.iter().map(key).collect();
    names.extend(group.session.as_ref().map(|session| format!("of {session}")));
    names.join("  ")
}

/// A day counted from 1970-01-01, as 2026-01-31.
pub(super) fn day(days: i64) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    let span = jiff::Span::new().try_days(days).unwrap_or_default();
    epoch.checked_add(span).unwrap_or(epoch).to_string()
}

fn by_classes(totals: &Sums) -> String {
    let mut table = Table::new(["COST", "UNITS", "CLASS"]);
    for class in CostClass::ALL {
        let cost = totals.figure(Measure::of_class(class)).known();
        table.row([
            cost.map_or_else(|| "-".to_owned(), |cost| dollars(cost.cast_signed())),
            figure(totals, Measure::units_of(class)),
            class.as_str().to_owned(),
        ]);
    }
    let undivided = totals.undivided();
    if let Some(sum) = undivided.known() {
        let flows = counted(undivided.flows, "flow");
        table.row([dollars(sum.cast_signed()), flows, langley_server::UNDIVIDED.to_owned()]);
    }
    table.row([money(totals), String::new(), "(all)".to_owned()]);
    table.to_string()
}

/// What is said of a model without a price that the price book has.
const IN_BOOK: &str = ", served in a way, or with a class of usage, that the price book has no price for \
     (`langley findings --kind unpriced_model --all` names it)";

/// Whether the price book has a model of which flows are not priced.
fn is_in_book(UnpricedModel { provider, model, .. }: &UnpricedModel) -> bool {
    Provider::parse(provider)
        .is_some_and(|provider| PriceBook::vendored().model(provider, model).is_some())
}

/// What is to be said of a report beside its figures.
fn remarks(report: &CostReport) -> String {
    let mut lines = Vec::new();
    if report.more {
        lines.push("… there are more groups: --limit, --since".to_owned());
    }
    if !report.unpriced.is_empty() {
        lines.push("Not priced (a price of your own: `pricing.overrides`):".to_owned());
    }
    for model in &report.unpriced {
        let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let flows = counted(model.flows, "flow");
        let of = format!("    {} {}: {flows}", or(&model.provider), or(&model.model));
        lines.push(if is_in_book(model) { of + IN_BOOK } else { of });
    }
    let estimated = report.totals.tally(Tally::Estimated);
    if estimated > 0 {
        let measures = [(Measure::EstimatedInput, "in"), (Measure::EstimatedOutput, "out")];
        let tokens: Vec<String> = measures
            .into_iter()
            .filter_map(|(measure, word)| {
                report.totals.figure(measure).known().map(|sum| format!("{sum} {word}"))
            })
            .collect();
        lines.push(format!(
            "Behind a ~: what {} {} estimated to cost of which the provider did not tell all usage ({}). No other \
             figure has it.",
            counted(estimated, "flow"),
            if estimated == 1 { "is" } else { "are" },
            tokens.join(", ")
        ));
    }
    if report.filling {
        lines.push(reading::FILLING.to_owned());
    }
    lines.into_iter().map(|line| shown(line) + "\n").collect()
}

fn limit_table(windows: &[Window]) -> String {
    let mut table = Table::new(["USED", "LEFT", "OF", "FULL AGAIN", "SAID", "LIMIT", "HOST"]);
    for Window { host, limit, seen_at, is_over, .. } in windows {
        let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let used = limit.used.map(|used| format!("{:.1} %", used.percent()));
        // What was said of a window that is over does not hold any more.
        let again =
            limit.reset_at.map(|at| if *is_over { "since then".into() } else { local_time(at) });
        table.row([
            used.unwrap_or_else(|| "-".to_owned()),
            count(limit.remaining),
            count(limit.limit),
            again.unwrap_or_else(|| "-".to_owned()),
            local_time(*seen_at),
            limit.name.clone(),
            host.clone(),
        ]);
    }
    table.to_string()
}

fn block_table(blocks: &[Block]) -> String {
    let mut table = Table::new(["START", "END", "COST", "IN", "CACHED", "OUT", "STATE"]);
    for block in blocks {
        table.row([
            local_time(block.start),
            local_time(block.end),
            money(&block.sums),
            figure(&block.sums, Measure::InputUncached),
            figure(&block.sums, Measure::CacheRead),
            figure(&block.sums, Measure::Output),
            if block.pace.is_some() { "goes on" } else { "over" }.to_owned(),
        ]);
        if let Some(pace) = block.pace {
            table.below(format!(
                "{} an hour, {} tokens a minute; {} at its end if it goes on so",
                dollars(pace.cost_per_hour),
                pace.tokens_per_minute,
                dollars(pace.projected_cost),
            ));
        }
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use langley_store::Figure;

    use super::*;

    #[test]
    fn of_a_model_without_a_price_only_the_flows_are_told_that_have_no_cost() {
        let of = |provider: &str, model: &str, flows| {
            let (provider, model) = (provider.to_owned(), model.to_owned());
            UnpricedModel { provider, model, flows }
        };
        let unpriced = vec![of("p", "m", 2), of("anthropic", "claude-opus-5-5", 1)];
        let said = remarks(&CostReport { unpriced, ..CostReport::default() });
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[1], "    p m: 2 flows", "tokens may be of priced ones");
        assert!(lines[2].starts_with("    anthropic claude-opus-5-5: 1 flow, served"), "{said}");
    }

    fn sums(figures: &[(Measure, u64)]) -> Sums {
        let mut sums = Sums::default();
        for (measure, sum) in figures {
            sums.add_figure(*measure, Figure { sum: *sum, flows: 1 });
        }
        sums
    }

    #[test]
    fn what_was_written_to_the_cache_is_told_for_however_long_it_was() {
        let both = sums(&[(Measure::CacheWrite5m, 20), (Measure::CacheWrite1h, 300)]);
        assert_eq!(figures(&both)[4], "320");
        assert_eq!(figures(&sums(&[(Measure::CacheWrite1h, 300)]))[4], "300");
        assert_eq!(figures(&Sums::default())[4], "-");
    }

    #[test]
    fn classes_and_what_is_in_none_add_up_to_all() {
        let told = by_classes(&sums(&[(Measure::Cost, 70)]));
        let line = told.lines().find(|line| line.ends_with("undivided")).unwrap();
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["$0.00007", "1", "flow", "undivided"]
        );
        assert!(!by_classes(&Sums::default()).contains("undivided"));
    }

    #[test]
    fn it_is_told_what_whole_hours_and_their_days_leave_or_add() {
        let (hour, by_day) = (3_600_000_000, vec![CostBy::Usage(GroupBy::Day)]);
        let told = |since: i64, until: i64, offset_minutes| {
            let (since, until) = (Some(Micros(since)), Some(Micros(until)));
            let usage = UsageQuery { since, until, offset_minutes, ..UsageQuery::default() };
            by_hours(&CostQuery { by: by_day.clone(), usage, ..CostQuery::default() })
        };
        assert_eq!(told(hour, 3 * hour, -120), "", "nothing but what was asked for");
        let (from, until) = (local_time(Micros(hour)), local_time(Micros(3 * hour)));
        let whole = format!("Told by whole hours: from {from} until {until}.\n");
        assert_eq!(told(hour + 1, 2 * hour + 1, 0), whole);
        assert!(told(0, hour, 330).contains("before 00:30 counts to the day before"));
        assert!(told(0, hour, -570).contains("before 00:30"));
        assert!(told(0, hour, 345).contains("before 00:45"));
    }

    #[test]
    fn what_was_not_looked_at_is_not_told_as_if_nobody_had_said_anything() {
        let mut found = Windows { looked_at: 1_000, ..Windows::default() };
        assert!(limits_told(&found).contains("in the last seven days"));
        found.is_cut = true;
        let told = limits_told(&found);
        assert!(told.contains("newest 1000 flows") && !told.contains("seven days"), "{told}");
    }
}
