//! `langley flows`: what was recorded, newest first, read from the database without the server.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use langley_engine::Found;
use langley_model::{Flow, Micros, Outcome, Redactor, Stored};
use langley_proxy::Authority;
use langley_store::{FlowFilter, Page, SearchQuery, Store, StoreError, Told};
use serde_json::{Value, json};

use super::cost::cost_told;
use super::flow_json::flow_json;
use crate::cli::{FlowsArgs, GlobalArgs};
use crate::config::{self, Environment};
use crate::dollars::dollars;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::place;
use crate::reading;
use crate::table::{Table, shown};
use crate::wire::redactor;

/// Lists flows.
///
/// # Errors
/// No database yet, or it cannot be read; a time that is not understood.
pub(crate) fn flows(global: &GlobalArgs, args: &FlowsArgs) -> Result<()> {
    let config = config::load_leniently(global, &Environment::of_process())?.told().config;
    let home = Home::at(&config.home);
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let (session, project) = (args.session.clone(), args.project.clone());
    let filter = FlowFilter { since, session, project, ..FlowFilter::default() };
    let unreadable =
        |error: &dyn std::error::Error| AppError::failed("the flows cannot be read").said_by(error);
    reading::catch_up(&home);
    let told = reading::told(&home);
    let store = Store::open_read_only(home.database()).map_err(|error| unreadable(&error))?;
    if let Some(text) = &args.search {
        return search(&store, &Arc::new(redactor(&config)?), text, told, &filter, args);
    }
    let page = full(args.limit as usize, |cursor, limit| store.flows(&filter, cursor, limit));
    let mut page = page.map_err(|error| unreadable(&error))?;
    let items = page.items.into_iter().map(|flow| told.flow(&store, flow));
    page.items = items.collect::<Result<_, _>>().map_err(|error| unreadable(&error))?;
    tell_damaged(page.damaged);
    if args.json {
        print_json(&page, flow_json);
        return Ok(());
    }
    if page.items.is_empty() {
        println!("no flows");
        return Ok(());
    }
    print!("{}", table(&page.items));
    if page.next_cursor.is_some() {
        println!("… older ones exist: --limit, --since");
    }
    Ok(())
}

/// Lists the flows in which `text` was said, each with the place where it stands.
fn search(
    store: &Store,
    redactor: &Arc<Redactor>,
    text: &str,
    told: Told,
    filter: &FlowFilter,
    args: &FlowsArgs,
) -> Result<()> {
    let limit = args.limit as usize;
    let query = SearchQuery::parse(text).map_err(|error| {
        let why = match &error {
            StoreError::Query { why } => why.to_string(),
            other => other.to_string(),
        };
        AppError::wrong_use("this cannot be searched for")
            .why(why)
            .next("ask for words, \"words in quotes\" that follow one another, or a beginn*")
    })?;
    let page = full(limit, |cursor, limit| {
        langley_engine::search(store, redactor, &query, None, filter, cursor, limit)
    });
    let failed = |error: &dyn std::error::Error| {
        AppError::failed("the flows cannot be searched").said_by(error)
    };
    let mut page = page.map_err(|error| failed(&error))?;
    let items = page
        .items
        .into_iter()
        .map(|found| Ok(Found { flow: told.flow(store, found.flow)?, ..found }));
    page.items = items.collect::<Result<_, StoreError>>().map_err(|error| failed(&error))?;
    tell_damaged(page.damaged);
    if args.json {
        print_json(&page, found_json);
        return Ok(());
    }
    if page.items.is_empty() {
        println!("no flows");
        if SearchQuery::has_idle_star(text) {
            eprintln!(
                "note: a star works at the end of a word only (`marm*`), and outside of quotes"
            );
        }
        return Ok(());
    }
    for found in &page.items {
        let session = found.flow.session.as_ref().map_or("-", |session| session.id.as_str());
        let session = shown(session.to_owned());
        println!("{}  {}  session {session}", local_time(found.flow.started_at), found.flow.id);
        for snippet in &found.snippets {
            println!("    {}: {}", snippet.place.as_str(), shown(snippet.text.clone()));
        }
    }
    if page.next_cursor.is_some() {
        println!("… there may be more: --limit, --since");
    }
    Ok(())
}

/// Prints a page as the API's doors give it.
fn print_json<T>(page: &Page<T>, of: fn(&T) -> Value) {
    let items: Vec<_> = page.items.iter().map(of).collect();
    println!(
        "{:#}",
        json!({ "items": items, "next_cursor": page.next_cursor, "damaged": page.damaged })
    );
}

/// Says that flows are left out.
fn tell_damaged(flows: u64) {
    if flows > 0 {
        eprintln!(
            "warning: {flows} flows are damaged in the database and left out; `langley doctor` says what is damaged"
        );
    }
}

/// Pages put together until there are `limit` items or no more: one may be short and still go on.
fn full<T>(
    limit: usize,
    page: impl Fn(Option<&str>, usize) -> std::result::Result<Page<T>, StoreError>,
) -> std::result::Result<Page<T>, StoreError> {
    let mut all = page(None, limit)?;
    while all.items.len() < limit && all.next_cursor.is_some() {
        let next = page(all.next_cursor.as_deref(), limit - all.items.len())?;
        all.items.extend(next.items);
        all.next_cursor = next.next_cursor;
        all.damaged += next.damaged;
    }
    Ok(all)
}

fn found_json(found: &Found) -> Value {
    let snippets = found.snippets.iter().map(|snippet| {
        let highlights = snippet
            .highlights
            .iter()
            .map(|range| json!({ "start": range.start, "end": range.end }));
        json!({
            "place": snippet.place.as_str(),
            "text": snippet.text,
            "highlights": highlights.collect::<Vec<_>>(),
            "cut_before": snippet.cut[0],
            "cut_after": snippet.cut[1],
        })
    });
    json!({ "flow": flow_json(&found.flow), "snippets": snippets.collect::<Vec<_>>() })
}

fn table(flows: &[Stored<Flow>]) -> String {
    let mut table = Table::new([
        "STARTED", "OUTCOME", "STATUS", "TIME", "IN", "OUT", "COST", "MODEL", "REQUEST",
    ]);
    let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |n| n.to_string());
    for flow in flows {
        let usage = &flow.usage;
        table.row([
            local_time(flow.started_at),
            flow.outcome.map_or("open", |outcome| outcome.as_str()).to_owned(),
            number(flow.status.map(u64::from)),
            flow.duration.map_or_else(|| "-".to_owned(), span),
            number(usage.input_uncached(flow.dialect()).map(|tokens| tokens.0)),
            number(usage.output.map(|tokens| tokens.0)),
            cost_told(
                flow.cost.map(|cost| dollars(cost.0)),
                flow.estimate.and_then(|it| it.cost).map(|cost| dollars(cost.0)),
            ),
            flow.known_model().unwrap_or("-").to_owned(),
            request(flow),
        ]);
        said_of(flow).into_iter().for_each(|line| table.below(line));
    }
    table.to_string()
}

fn request(flow: &Flow) -> String {
    if flow.host.is_empty() {
        // It found no way to a provider.
        return format!("{} {}", flow.method, flow.path);
    }
    let place = Authority::new(&flow.host, flow.port);
    format!("{} {}{}", flow.method, place::short(&flow.scheme, &place), flow.path)
}

/// Why it ended as it did and what it lacks, whole.
fn said_of(flow: &Flow) -> Vec<String> {
    let stated = [&flow.error_kind, &flow.error_message].map(|part| part.as_deref());
    let stated = stated.into_iter().flatten().collect::<Vec<_>>().join(": ");
    // A provider's own words are told beside our reason; else the reason has what the error says.
    let is_theirs = flow.reason.is_none() || flow.outcome == Some(Outcome::ProviderError);
    let stated = Some(stated).filter(|stated| is_theirs && !stated.is_empty());
    let note = flow.decode_note.as_ref().map(|note| format!("note: {note}"));
    // Of one that broke off nothing more came.
    let is_cut = flow.body_truncated && flow.outcome == Some(Outcome::Completed);
    let cut = (is_cut && flow.lack().is_none()).then(|| {
        String::from("a body is kept in part: it is longer than `persistence.body_max_bytes`, or of a kind of which only the beginning is kept")
    });
    stated
        .into_iter()
        .chain(flow.reason.clone())
        .chain(note)
        .chain(flow.lack())
        .chain(cut)
        .collect()
}

pub(super) fn local_time(time: Micros) -> String {
    Timestamp::from_microsecond(time.0).map_or_else(
        |_| "?".to_owned(),
        |time| time.to_zoned(TimeZone::system()).strftime("%m-%d %H:%M:%S").to_string(),
    )
}

fn span(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", duration.as_secs_f64()) }
}

/// An RFC 3339 time, a date (midnight here), or a span before `now`.
pub(super) fn parse_since(text: &str, now: Timestamp) -> Result<Micros> {
    let text = text.trim();
    let found = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| {
            let date: jiff::civil::Date = text.parse().ok()?;
            Some(date.to_zoned(TimeZone::system()).ok()?.timestamp())
        })
        .or_else(|| {
            let (number, unit) = text.split_at(text.len().checked_sub(1)?);
            let seconds = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 86_400,
                "w" => 604_800,
                _ => return None,
            };
            let back = number.parse::<i64>().ok().filter(|n| *n >= 0)?.checked_mul(seconds)?;
            now.checked_sub(SignedDuration::from_secs(back)).ok()
        });
    found.map(|time| Micros(time.as_microsecond())).ok_or_else(|| {
        AppError::wrong_use(format!("`{text}` is no time"))
            .why("--since takes an RFC 3339 time, a date, or a span such as 30m, 12h, 7d")
            .next("for example `--since 2h`, or `--since 2026-01-31`")
    })
}

/// Reads both ends of a span, where they are given; one that ends before it begins is a mistake.
pub(super) fn parse_span(
    since: Option<&str>,
    until: Option<&str>,
) -> Result<(Option<Micros>, Option<Micros>)> {
    let now = Timestamp::now();
    let time = |text: Option<&str>| text.map(|it| parse_since(it, now)).transpose();
    let (from, to) = (time(since)?, time(until)?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        let [since, until] = [since, until].map(Option::unwrap_or_default);
        return Err(AppError::wrong_use(format!(
            "`--since {since}` is later than `--until {until}`"
        ))
        .why("nothing can lie between them")
        .next("name the earlier time with --since; a span such as 7d is counted back from now"));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, FlowId, Provider, Revision, Tokens};

    use super::*;

    #[test]
    fn a_row_counts_input_as_the_dashboard_does_and_tells_port_reason_and_note_whole() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        (flow.scheme, flow.host, flow.port) = ("https".into(), "gw.example".into(), 8443);
        (flow.method, flow.path) = ("POST".into(), "/v1/responses".into());
        flow.provider = Some(Provider::OpenAi);
        (flow.usage.input, flow.usage.cache_read) = (Some(Tokens(5000)), Some(Tokens(4096)));
        let reason =
            format!("Langley: could not reach gw.example:8443: {}end", "because ".repeat(40));
        flow.reason = Some(reason.clone());
        flow.decode_note = Some("the answer ended without response.completed".into());
        let told = table(&[Stored::read_back(flow.clone(), Revision(1))]);
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[1].ends_with("POST gw.example:8443/v1/responses"), "{told}");
        assert!(lines[1].contains(" 904 "), "{told}");
        assert_eq!(lines[2], format!("    {reason}"));
        assert_eq!(lines[3], "    note: the answer ended without response.completed");
        flow.dropped_events = 6325;
        (flow.response_gap.chunks, flow.response_gap.bytes) = (1, 70);
        let told = table(&[Stored::read_back(flow.clone(), Revision(1))]);
        assert_eq!(
            told.lines().nth(4),
            Some(
                "    not all of it is recorded: 6325 stream events could not be kept, 1 piece (70 bytes) of the answer passed uncaptured"
            )
        );
        flow.host.clear();
        assert_eq!(request(&flow), "POST /v1/responses");
        flow.reason = None;
        (flow.error_kind, flow.error_message) = (Some("overloaded".into()), Some("Later".into()));
        assert_eq!(said_of(&flow)[0], "overloaded: Later");
        flow.reason = Some("because".into());
        assert_eq!(said_of(&flow)[0], "because");
        flow.outcome = Some(Outcome::ProviderError);
        assert_eq!(said_of(&flow)[..2], ["overloaded: Later", "because"]);
        let mut cut = Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        cut.body_truncated = true;
        assert!(said_of(&cut).is_empty(), "it may just have broken off");
        cut.outcome = Some(Outcome::Completed);
        assert!(said_of(&cut)[0].starts_with("a body is kept in part"));
    }

    #[test]
    fn short_pages_are_put_together_until_there_are_enough_or_no_more() {
        // What is there, as pages that end sooner than asked for; the cursor is the next page's place.
        let pages = [vec![9, 8], vec![], vec![7], vec![6, 5, 4]];
        let page = |cursor: Option<&str>, limit: usize| {
            let at: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            let items = pages[at].iter().copied().take(limit).collect();
            let next_cursor = (at + 1 < pages.len()).then(|| (at + 1).to_string());
            Ok(Page { items, next_cursor, damaged: 0 })
        };
        let whole = full(50, page).unwrap();
        assert_eq!((whole.items, whole.next_cursor), (vec![9, 8, 7, 6, 5, 4], None));
        let some = full(3, page).unwrap();
        assert_eq!((some.items, some.next_cursor), (vec![9, 8, 7], Some(String::from("3"))));
    }

    #[test]
    fn since_takes_times_dates_and_spans() {
        let now: Timestamp = "2026-05-02T12:00:00Z".parse().unwrap();
        let at = |text: &str| parse_since(text, now).map(|time| time.0).ok();
        let hour = 3_600_000_000;
        assert_eq!(at("2h"), Some(now.as_microsecond() - 2 * hour));
        assert_eq!(at("1d"), Some(now.as_microsecond() - 24 * hour));
        assert_eq!(at("2026-05-02T11:00:00Z"), Some(now.as_microsecond() - hour));
        assert!(at("2026-05-01").is_some());
        for bad in ["", "h", "yesterday", "-1h", "5x", "9999999999999999999w"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
