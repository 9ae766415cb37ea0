//! What flows add up to: exactly that, whatever happened to them, and after they are gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use langley_model::{
    CostClass, EstimateSource, Flow, FlowId, MicroUsd, Micros, Outcome, Provider, Rate, Rates,
    Record, Terms, Tokens, UsageEstimate,
};
use langley_store::{FlowFilter, Measure, Retention, Spread, Store, Tally, TaskFilter, UsageQuery};
use rusqlite::Connection;

use crate::costs::assert_classes;
use crate::given::{Fixture, ended, flow, of, options, run, session};
use crate::opening::{FIRST_SCHEMA, SCHEMA_13, SCHEMA_15, without_estimates};

pub(crate) const HOUR: i64 = 3_600_000_000;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A day, at its beginning in UTC.
pub(crate) const START: i64 = 20_000 * DAY;

/// The sums by group, computed from the flows by SQLite alone.
const FROM_FLOWS: &str = "
    SELECT started_at / {unit}, host, ifnull(provider, ''), coalesce(model, model_requested, ''),
        coalesce((SELECT name ->> 6 FROM traits WHERE id = flows.traits), agent, ''), count(*), {outcomes}, sum(event_count), sum(dropped_events),
        sum(request_bytes), sum(response_bytes),
        sum(outcome IS NOT NULL AND cost_micro_usd IS NULL AND ifnull({uncached}, 0) +
            ifnull(cache_read_tokens, 0) + ifnull(cache_write_5m_tokens, 0) +
            ifnull(cache_write_1h_tokens, 0) + ifnull(output_tokens, 0) +
            iif({apart}, ifnull(reasoning_tokens, 0), 0) + ifnull(web_search_requests, 0) > 0),
        ifnull(sum(input_tokens), 0), count(input_tokens),
        ifnull(sum({uncached}), 0), count({uncached}),
        {measures}, ifnull(sum(iif({apart}, reasoning_tokens, NULL)), 0),
        count(iif({apart}, reasoning_tokens, NULL)),
        ifnull(sum({token_time}), 0), count({token_time}), sum(EXISTS (SELECT 1 FROM retries WHERE flow = n)), count(*),
        sum(estimate_source IS NOT NULL), {estimates}
    FROM flows GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5";

/// Input that the cache had no part in: of providers that count it in, where the cache's part is known.
const UNCACHED: &str = "iif(path = '/v1/chat/completions' AND provider IS NOT NULL
    AND cache_read_tokens IS NOT NULL, input_tokens - cache_read_tokens
    - ifnull(cache_write_5m_tokens, 0) - ifnull(cache_write_1h_tokens, 0), input_tokens)";

/// Whether reasoning stands beside the output.
const APART: &str = "(path = '/v1/chat/completions' AND provider IS 'xai')";

/// Nanoseconds for each token after the first; reasoning that is a part of OpenAI's output is not streamed.
const TOKEN_TIME: &str =
    "iif(ttlt_ns > ttft_ns AND {later} > 0, (ttlt_ns - ttft_ns) / {later}, NULL)";
const LATER: &str =
    "(output_tokens - 1 - iif(path = '/v1/chat/completions' AND provider IS NOT NULL
    AND provider <> 'xai', ifnull(reasoning_tokens, 0), 0))";

/// The same as the writer has kept them.
const KEPT: &str = "
    SELECT {at}, host, provider, model, agent, flows, completed, provider_error, client_gone,
        upstream_gone, timed_out, refused, lost, events, dropped_events, request_bytes,
        response_bytes, unpriced, input, input_flows, input_uncached, input_uncached_flows,
        cache_read, cache_read_flows, cache_write_5m, cache_write_5m_flows, cache_write_1h,
        cache_write_1h_flows, output, output_flows, reasoning, reasoning_flows, web_searches,
        web_searches_flows, cost, cost_flows, duration, duration_flows, ttfb, ttfb_flows, ttft,
        ttft_flows, connect, connect_flows, tls, tls_flows, ttlt, ttlt_flows, stall, stall_flows,
        reasoning_apart, reasoning_apart_flows, token_time, token_time_flows, retries, retries_flows,
        estimated, estimated_input, estimated_input_flows, estimated_output, estimated_output_flows,
        estimated_cost, estimated_cost_flows
    FROM {table} ORDER BY 1, 2, 3, 4, 5";

pub(crate) fn rows(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map((), |row| {
        let values: Vec<String> = (0..columns)
            .map(|column| match row.get_ref(column).unwrap() {
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => row.get::<_, i64>(column).unwrap().to_string(),
            })
            .collect();
        Ok(values.join("|"))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The sums by hour and by day: as kept, and as the flows give them.
fn both(store: &Store) -> [(Vec<String>, Vec<String>); 2] {
    let conn = Connection::open(store.path()).unwrap();
    let outcomes = Outcome::ALL.map(|outcome| format!("sum(outcome IS '{outcome}')")).join(", ");
    let measures = [
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "output_tokens",
        "reasoning_tokens",
        "web_search_requests",
        "cost_micro_usd",
        "duration_ns",
        "ttfb_ns",
        "ttft_ns",
        "connect_ns",
        "tls_ns",
        "ttlt_ns",
        "stall_ns",
    ]
    .map(|column| format!("ifnull(sum({column}), 0), count({column})"))
    .join(", ");
    let estimates =
        ["estimated_input_tokens", "estimated_output_tokens", "estimated_cost_micro_usd"]
            .map(|column| format!("ifnull(sum({column}), 0), count({column})"))
            .join(", ");
    let from_flows = FROM_FLOWS
        .replace("{estimates}", &estimates)
        .replace("{outcomes}", &outcomes)
        .replace("{measures}", &measures)
        .replace("{uncached}", UNCACHED)
        .replace("{apart}", APART)
        .replace("{token_time}", TOKEN_TIME)
        .replace("{later}", LATER);
    [("rollups_hourly", "hour", HOUR), ("rollups_daily", "day", DAY)].map(|(table, at, unit)| {
        let kept = rows(&conn, &KEPT.replace("{table}", table).replace("{at}", at));
        (kept, rows(&conn, &from_flows.replace("{unit}", &unit.to_string())))
    })
}

#[track_caller]
fn assert_exact(store: &Store, seed: u64) {
    for (kept, flows) in both(store) {
        assert_eq!(kept, flows, "seed {seed}");
    }
    assert_sessions(store, seed);
    // Every span of time is in the spread as well.
    let report = store.usage(&UsageQuery::default()).unwrap();
    let conn = Connection::open(store.path()).unwrap();
    let mut statement =
        conn.prepare("SELECT duration_ns FROM flows WHERE duration_ns > 0 ORDER BY 1").unwrap();
    let spans: Vec<i64> =
        statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let spread = report.totals.spread(Measure::Duration).unwrap();
    for percent in [50, 95] {
        let rank = (spans.len() * percent).div_ceil(100).max(1);
        let told = spread.percentile(u32::try_from(percent).unwrap());
        assert_eq!(told.is_some(), !spans.is_empty(), "seed {seed}");
        if let (Some(span), Some(told)) = (spans.get(rank - 1), told) {
            let error = (told as f64 - *span as f64).abs() * 100.0 / *span as f64;
            assert!(error <= Spread::ERROR_PERCENT, "seed {seed}: {span} was told as {told}");
        }
    }
}

/// Sessions, tasks and subagents add up to the flows that are there.
#[track_caller]
fn assert_sessions(store: &Store, seed: u64) {
    let conn = Connection::open(store.path()).unwrap();
    for (table, names, of) in [
        ("sessions", "session_id", "session_id IS NOT NULL"),
        ("tasks", "task_id", "task_id IS NOT NULL"),
        ("session_agents", "session_id, agent_id", "agent_id <> session_id"),
    ] {
        let kept = format!(
            "SELECT {names}, flows, completed, events, dropped_events, input, input_flows, output,
                output_flows, cost, cost_flows, estimated, estimated_cost, estimated_cost_flows FROM {table} ORDER BY {names}"
        );
        let flows = format!(
            "SELECT {names}, count(*), sum(outcome IS 'completed'), sum(event_count),
                sum(dropped_events), ifnull(sum(input_tokens), 0), count(input_tokens),
                ifnull(sum(output_tokens), 0), count(output_tokens),
                ifnull(sum(cost_micro_usd), 0), count(cost_micro_usd),
                sum(estimate_source IS NOT NULL), ifnull(sum(estimated_cost_micro_usd), 0),
                count(estimated_cost_micro_usd)
             FROM flows WHERE {of} GROUP BY {names} ORDER BY {names}"
        );
        assert_eq!(rows(&conn, &kept), rows(&conn, &flows), "seed {seed}, {table}");
    }
}

/// Chances, the same for the same seed (SplitMix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let place = usize::try_from(self.below(all.len() as u64)).unwrap();
        all[place].clone()
    }

    pub(crate) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| make(self))
    }

    /// A new flow, of which little is known.
    fn flow(&mut self) -> Flow {
        let mut flow = flow(START + self.below(3 * 24).cast_signed() * HOUR);
        flow.host = self.of(&["a.example", "b.example"]).to_owned();
        flow
    }

    /// It is priced, or its provider says what it cost, or nobody knows.
    pub(crate) fn price(&mut self, flow: &mut Flow) {
        flow.terms = self.maybe(|it| {
            let mut rates = Rates::default();
            for class in CostClass::ALL {
                rates.set(
                    class,
                    Rate::per_million(&format!("{}.{}", it.below(30), it.below(1_000))),
                );
            }
            Arc::new(Terms { book: "2026-11-21".to_owned(), rates })
        });
        let exact = flow.terms.as_ref().and_then(|it| it.rates.cost(&flow.billed()));
        let said = self.maybe(|it| MicroUsd(it.below(1_000_000).cast_signed()));
        flow.cost = exact.map_or(said, |exact| Some(exact.rounded()));
        flow.service_tier = self.maybe(|it| it.of(&["flex", "batch"]).to_owned());
        flow.estimate = self.maybe(|it| UsageEstimate {
            source: it.of(&EstimateSource::ALL),
            input: it.maybe(|it| Tokens(it.below(1_000))),
            output: it.maybe(|it| Tokens(it.below(1_000))),
            cost: it.maybe(|it| MicroUsd(it.below(1_000).cast_signed())),
        });
    }

    /// What is known of a flow changes: anything may.
    fn change(&mut self, flow: &mut Flow) {
        let tokens = |it: &mut Self| it.maybe(|it| Tokens(it.below(1_000)));
        let span = |it: &mut Self| {
            it.maybe(|it| Duration::from_nanos(1_000_000 + it.below(60_000_000_000)))
        };
        match self.below(7) {
            0 => flow.model = self.maybe(|it| it.of(&["m-1", "m-2"]).to_owned()),
            1 => flow.model_requested = self.maybe(|it| it.of(&["m-1", "m-3"]).to_owned()),
            2 => flow.agent = self.maybe(|it| it.of(&["one", "two"]).to_owned()),
            3 => {
                flow.provider = self.maybe(|it| it.of(&Provider::ALL));
                flow.path = self.of(&["/v1/messages", "/v1/chat/completions"]).to_owned();
            }
            5 => {
                flow.session = self.maybe(|it| it.of(&["s-1", "s-2"])).and_then(session);
                flow.task = self.maybe(|it| it.of(&["s-1", "t-2"])).and_then(session);
                flow.agent_id = self.maybe(|it| it.of(&["a", "b", "s-1"]).to_owned());
            }
            4 => flow.host = self.of(&["a.example", "b.example"]).to_owned(),
            _ => {
                flow.usage.input = self.maybe(|it| Tokens(3_000 + it.below(1_000)));
                flow.usage.cache_read = tokens(self);
                flow.usage.cache_write_5m = tokens(self);
                flow.usage.cache_write_1h = tokens(self);
                flow.usage.output = tokens(self);
                flow.usage.reasoning = tokens(self);
                flow.usage.web_search_requests = self.maybe(|it| it.below(3));
            }
        }
        self.price(flow);
        flow.dropped_events = self.below(3);
        flow.request_bytes = self.below(1 << 20);
        flow.response_bytes = self.below(1 << 20);
        (flow.duration, flow.ttfb, flow.ttft) = (span(self), span(self), span(self));
        (flow.ttlt, flow.stall) = (span(self), span(self));
        (flow.connect, flow.tls) = (span(self), span(self));
        flow.retry_of = flow.retry_of.or_else(|| self.maybe(|_| FlowId::new()));
    }
}

/// Some flows begin, change, stream, end, and change once more; what happens together is committed together.
fn step(
    chance: &mut Chance,
    flows: &mut Vec<Flow>,
    seen: &mut BTreeMap<usize, u64>,
) -> Vec<Record> {
    let mut records = Vec::new();
    for _ in 0..1 + chance.below(6) {
        if flows.is_empty() || chance.below(3) == 0 {
            let flow = chance.flow();
            records.push(of(&flow));
            flows.push(flow);
            continue;
        }
        let place = usize::try_from(chance.below(flows.len() as u64)).unwrap();
        let flow = &mut flows[place];
        match chance.below(5) {
            0 if flow.is_open() => {
                // Events alone: the flow's own row says nothing of them yet.
                let count = 1 + chance.below(20);
                let first = seen.entry(place).or_default();
                records.push(run(flow.id, *first, count, 20));
                *first += count;
                flow.event_count = *first;
            }
            1 => {
                flow.outcome = Some(chance.of(&Outcome::ALL));
                records.push(of(flow));
            }
            _ => {
                chance.change(flow);
                records.push(of(flow));
            }
        }
    }
    records
}

#[test]
fn whatever_happens_to_flows_the_rollups_are_their_sums_at_every_commit() {
    for ten in 0..20 {
        // With few flows in memory, and with all.
        let fixture = Fixture::with(|options| {
            if ten % 2 == 0 {
                options.open_flows = 2;
            }
        });
        let (mut flows, mut seen) = (Vec::new(), BTreeMap::new());
        for seed in ten * 10..ten * 10 + 10 {
            let chance = &mut Chance(seed);
            flows.clear();
            seen.clear();
            for _ in 0..6 {
                fixture.write(step(chance, &mut flows, &mut seen));
                assert_exact(&fixture.store, seed);
            }
            assert_classes(&fixture.store, seed);
        }
        // Those that were open are lost then; what comes of them later still counts.
        let fixture = fixture.after_a_kill();
        assert_exact(&fixture.store, ten);
        fixture.write(step(&mut Chance(ten), &mut flows, &mut seen));
        assert_exact(&fixture.store, ten);
    }
}

#[test]
fn events_that_a_kill_took_are_in_the_sums_and_go_with_their_session() {
    let fixture = Fixture::new();
    let mut ahead = flow(START);
    ahead.session = session("one");
    ahead.event_count = 10;
    fixture.write(vec![of(&ahead), run(ahead.id, 0, 4, 30)]);
    let after = fixture.after_a_kill();
    assert_eq!(after.store.flow(ahead.id).unwrap().unwrap().dropped_events, 6);
    assert_exact(&after.store, 0);
    assert_eq!(after.store.delete_flows(&FlowFilter::default()).unwrap(), 1);
    assert!(after.store.sessions((None, None), None, 10).unwrap().items.is_empty());
}

#[test]
fn a_write_that_fails_adds_nothing_and_its_repetition_adds_once() {
    let fixture = Fixture::new();
    let mut one = flow(START);
    fixture.write(vec![of(&one)]);
    let other = Connection::open(fixture.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    one.outcome = Some(Outcome::Completed);
    one.usage.input = Some(Tokens(7));
    fixture.store.submit(crate::given::seal(vec![of(&one)])).unwrap();
    crate::given::until("a write fails", || fixture.store.is_failing());
    other.execute_batch("ROLLBACK").unwrap();
    fixture.store.flush().unwrap();
    // Whether the writer had patience enough or not: sums and flows agree.
    assert_exact(&fixture.store, 0);
}

#[test]
fn sums_outlive_the_flows_whoever_removes_them() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let old = ended(START);
    let new = ended(START + 50 * DAY);
    fixture.write(vec![of(&old), of(&new)]);
    let before = both(store).map(|(kept, _)| kept);
    let now = Micros(START + 51 * DAY);
    assert_eq!(store.maintain(&Retention::default(), now).unwrap().flows, 1);
    assert_eq!(store.delete_flows(&FlowFilter::default()).unwrap(), 1);
    assert_eq!(both(store).map(|(kept, _)| kept), before);
    assert_eq!(store.usage(&UsageQuery::default()).unwrap().totals.tally(Tally::Flows), 2);
}

/// The file as a version without sums would have left it.
fn as_before_sums(fixture: Fixture) -> Fixture {
    let Fixture { folder, store, heard } = fixture;
    let path = store.path().to_owned();
    store.close();
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_15).unwrap();
    conn.execute_batch(SCHEMA_13).unwrap();
    conn.execute_batch(FIRST_SCHEMA).unwrap();
    drop(conn);
    let store = Store::open(options(folder.path()), Box::new(|_| ())).unwrap();
    Fixture { folder, store, heard }
}

/// Flows of many hours; every third one is open.
pub(crate) fn many(count: i64) -> Vec<Flow> {
    (0..count)
        .map(|number| {
            let at = START + number * HOUR / 4;
            let mut flow = if number % 3 == 0 { flow(at) } else { ended(at) };
            (flow.session, flow.task) =
                (session("s-1"), session(["t-1", "t-2"][number as usize % 2]));
            flow.agent_id = (number % 4 == 0).then(|| "a-1".into());
            flow.usage.output = Some(Tokens(number.unsigned_abs()));
            flow
        })
        .collect()
}

#[test]
fn flows_of_an_earlier_version_are_added_once_while_recording_goes_on() {
    let fixture = Fixture::new();
    let mut flows = many(1_200);
    fixture.write(flows.iter().map(of).collect());
    let fixture = as_before_sums(fixture);
    let store = &fixture.store;
    assert!(store.usage(&UsageQuery::default()).unwrap().filling);
    // What menus and counts read is whole from the first moment on.
    let alike = |wanted: u64| {
        assert_eq!(store.count_flows(&FlowFilter::default()).unwrap(), wanted);
        let hosts = store.facets(None).unwrap().hosts;
        assert_eq!(hosts.iter().map(|host| host.count).sum::<u64>(), wanted);
    };
    alike(1_200);
    // Before they are added: changes of old flows, and new ones between them.
    let mut touch = |range: std::ops::Range<usize>| {
        for flow in &mut flows[range] {
            flow.outcome = Some(Outcome::Completed);
            flow.usage.output = Some(Tokens(1_000_000));
            fixture.write(vec![of(flow), of(&ended(flow.started_at.0 + 1))]);
        }
    };
    touch(0..20);
    let filling = {
        let store = store.clone();
        std::thread::spawn(move || store.sum_older_flows().unwrap())
    };
    touch(590..610);
    touch(1_180..1_200);
    filling.join().unwrap();
    assert_exact(store, 0);
    assert!(!store.usage(&UsageQuery::default()).unwrap().filling);
    assert!(!store.tasks(&TaskFilter::default(), None, 1).unwrap().filling);
    assert_eq!(store.sum_older_flows().unwrap(), 0);
    // And after: a flow that was added as an old one changes.
    fixture.write(vec![of(&ended(START + DAY))]);
    assert_exact(store, 0);
    assert_eq!(store.usage(&UsageQuery::default()).unwrap().totals.tally(Tally::Flows), 1_261);
    alike(1_261);
}

#[test]
fn a_flow_that_goes_before_it_was_added_is_added_then() {
    let fixture = Fixture::new();
    fixture.write(many(300).iter().map(of).collect());
    let fixture = as_before_sums(fixture);
    let expected = both(&fixture.store).map(|(_, flows)| flows);
    let until = FlowFilter { until: Some(Micros(START + DAY)), ..FlowFilter::default() };
    assert_eq!(fixture.store.delete_flows(&until).unwrap(), 96);
    // A third of the other 204 was open, and added when it was marked lost at the opening.
    assert_eq!(fixture.store.sum_older_flows().unwrap(), 136);
    assert_eq!(both(&fixture.store).map(|(kept, _)| kept), expected);
}

#[test]
fn a_flow_that_does_not_decode_keeps_no_other_from_being_added() {
    let fixture = Fixture::new();
    fixture.write(many(300).iter().map(of).collect());
    let fixture = as_before_sums(fixture);
    let sql = "UPDATE flows SET port = 'x' WHERE n IN
        (SELECT n FROM flows WHERE outcome = 'completed' ORDER BY n LIMIT 1)";
    let conn = Connection::open(fixture.store.path()).unwrap();
    assert_eq!(conn.execute(sql, ()).unwrap(), 1);
    assert_eq!(fixture.store.sum_older_flows().unwrap(), 199);
    let report = fixture.store.usage(&UsageQuery::default()).unwrap();
    assert_eq!((report.totals.tally(Tally::Flows), report.filling), (299, false));
}

#[test]
fn maintenance_adds_what_is_left_before_it_removes_anything() {
    let fixture = Fixture::new();
    fixture.write(many(300).iter().map(of).collect());
    let fixture = as_before_sums(fixture);
    let now = Micros(START + 100 * DAY);
    assert_eq!(fixture.store.maintain(&Retention::default(), now).unwrap().flows, 300);
    let report = fixture.store.usage(&UsageQuery::default()).unwrap();
    assert_eq!((report.totals.tally(Tally::Flows), report.filling), (300, false));
}

#[test]
fn sessions_are_listed_by_their_newest_flow_and_go_with_their_last() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let mut flows = many(12);
    for (number, flow) in flows.iter_mut().enumerate() {
        flow.session = session(["a", "b", "c"][number % 3]);
        flow.preview = (number < 6).then(|| format!("words {number}"));
        flow.agent = Some(String::from("codex"));
    }
    // The first one's session speaks again, last of all, in a request that says nothing of its agent.
    flows[11].session = session("a");
    flows[11].agent = None;
    fixture.write(flows.iter().map(of).collect());
    let ids = |since, cursor: Option<&str>, limit| {
        let page = store.sessions((since, None), cursor, limit).unwrap();
        let ids: Vec<String> = page.items.into_iter().map(|session| session.id).collect();
        (ids.join(" "), page.next_cursor)
    };
    assert_eq!(ids(None, None, 10), (String::from("a b c"), None));
    let (first, cursor) = ids(None, None, 2);
    assert_eq!((first.as_str(), ids(None, cursor.as_deref(), 2).0.as_str()), ("a b", "c"));
    let since = Some(flows[9].started_at);
    assert_eq!(ids(since, None, 10).0, "a b");

    let a = store.session("a").unwrap().unwrap();
    assert_eq!((a.first_at, a.last_at), (flows[0].started_at, flows[11].started_at));
    assert_eq!((a.agent.as_deref(), a.source), (Some("codex"), Some("header:x-test")));
    assert_eq!(a.preview.as_deref(), Some("words 3"));
    assert_eq!((a.sums.tally(Tally::Flows), a.sums.open()), (5, 4));
    assert_eq!(a.sums.figure(Measure::Output).sum, 3 + 6 + 9 + 11);
    assert_eq!(store.session("nobody").unwrap(), None);

    let of_b = FlowFilter { session: Some(String::from("b")), ..FlowFilter::default() };
    store.delete_flows(&of_b).unwrap();
    assert_sessions(store, 0);
    assert_eq!(ids(None, None, 10).0, "a c");
}

#[test]
fn a_session_of_an_earlier_version_is_told_whole_before_it_was_added() {
    let fixture = Fixture::new();
    let mut flows = many(9);
    flows.iter_mut().for_each(|flow| flow.session = session("old"));
    fixture.write(flows.iter().map(of).collect());
    let fixture = as_before_sums(fixture);
    let told = || {
        let store = &fixture.store;
        let session = store.session("old").unwrap().unwrap().sums;
        let task = store.task("t-1").unwrap().unwrap().sums;
        let agent = store.session_agents("old").unwrap().remove(0);
        (session, task, agent)
    };
    let before = told();
    assert_eq!(before.0.figure(Measure::Output).sum, 36);
    assert_eq!(before.1.figure(Measure::Output).sum, 2 + 4 + 6 + 8);
    assert_eq!(before.2.sums.figure(Measure::Output).sum, 4 + 8);
    assert!(fixture.store.sessions((None, None), None, 10).unwrap().filling);
    fixture.store.sum_older_flows().unwrap();
    assert_eq!(told(), before);
    assert!(!fixture.store.sessions((None, None), None, 10).unwrap().filling);
}

#[test]
fn a_store_without_flows_has_nothing_to_add() {
    let fixture = as_before_sums(Fixture::new());
    assert!(!fixture.store.usage(&UsageQuery::default()).unwrap().filling);
}

#[test]
fn what_is_not_known_is_not_zero() {
    let fixture = Fixture::new();
    let mut told = ended(START);
    told.usage.input = Some(Tokens(0));
    told.cost = Some(MicroUsd(0));
    fixture.write(vec![of(&told), of(&ended(START + 1))]);
    let totals = fixture.store.usage(&UsageQuery::default()).unwrap().totals;
    let known = |measure| totals.figure(measure).known();
    assert_eq!((known(Measure::Input), known(Measure::Cost)), (Some(0), Some(0)));
    assert_eq!(totals.figure(Measure::Input).flows, 1);
    assert_eq!((known(Measure::Output), known(Measure::Ttft)), (None, None));
    assert_eq!((totals.tally(Tally::Unpriced), totals.open()), (0, 0));
}

#[test]
fn langleys_own_checks_are_no_part_of_any_sum_not_even_once_they_are_removed() {
    let fixture = Fixture::new();
    let agents = ended(START);
    let mut round = ended(START + 1);
    round.user_agent = Some(String::from(langley_model::CHECK_AGENT));
    let mut open = flow(START + 2);
    open.host = String::from(langley_model::PROBE_HOST);
    let mut probe = open.clone();
    (probe.outcome, probe.ended_at) = (Some(Outcome::ProviderError), Some(Micros(START + 3)));
    let records = [&agents, &round, &open, &probe].map(|flow| Record::Flow(Arc::new(flow.clone())));
    records.into_iter().for_each(|record| fixture.write(vec![record]));
    let flows = || {
        let usage = fixture.store.usage(&UsageQuery::default()).unwrap();
        usage.totals.tally(Tally::Flows)
    };
    assert_eq!(flows(), 1);
    let all = fixture.store.flows(&FlowFilter::default(), None, 10).unwrap();
    assert_eq!(all.items.len(), 3, "they are on record all the same");
    fixture.store.delete_flows(&FlowFilter::default()).unwrap();
    assert_eq!(flows(), 1, "the agent's outlives its flow, and theirs do not appear");
}
