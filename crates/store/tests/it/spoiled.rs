//! A page that cannot be read costs what lies on it: whatever is done with flows is done with all others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use langley_model::{
    Flow, MicroUsd, Micros, Outcome, Rates, Record, Side, Terms, Tokens, ToolCall, ToolPart,
    ToolShares, ToolState,
};
use langley_store::{
    Analysis, CallEntry, CostBy, CostQuery, CountingState, FlowFilter, GroupBy, Measure,
    RepriceQuery, Retention, ShareEntry, Store, StoreError, Tally, TaskFilter, ToolCostTally,
    ToolQuery, ToolTally, Unseen, UsageQuery,
};
use rusqlite::Connection;

use crate::given::{Fixture, body, ended, flow, leaf, noise, of, redactor, run, session, spoil};
use crate::rollups::HOUR;

/// Flows of a store, and the time of the first.
const FLOWS: i64 = 400;
const START: i64 = 1_000;

/// Flows of one session, each with a body and events of its own, on many pages.
fn flows() -> Vec<Flow> {
    let flow = |at| {
        let mut flow = ended(START + at);
        (flow.session, flow.task) = (session("s"), session("t"));
        flow.agent_id = Some(String::from("sub"));
        flow.cost = Some(MicroUsd(1));
        flow.event_count = 2;
        flow.preview = Some(format!("flow {at}"));
        flow
    };
    (0..FLOWS).map(flow).collect()
}

fn records(flow: &Flow) -> Vec<Record> {
    let seed = flow.started_at.0.cast_unsigned();
    vec![of(flow), body(flow.id, Side::Client, noise(seed)), run(flow.id, 0, 2, 40)]
}

/// The same store with a page of a table that cannot be read.
pub(crate) fn with_spoiled(fixture: Fixture, table: &str, after: u32) -> Fixture {
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    spoil(&path, leaf(&path, table, after));
    fixture.after_close()
}

/// A store of [`flows`] with a page of them that cannot be read, and how many lie on it.
fn spoiled() -> (Fixture, u64) {
    let fixture = Fixture::new();
    fixture.write(flows().iter().flat_map(records).collect());
    let fixture = with_spoiled(fixture, "flows", 2);
    let there = fixture.store.flows(&FlowFilter::default(), None, 500).unwrap();
    assert!((10..200).contains(&there.damaged), "{}", there.damaged);
    (fixture, there.damaged)
}

fn set(store: &Store, sql: &str) {
    Connection::open(store.path()).unwrap().execute_batch(sql).unwrap();
}

fn count(store: &Store, sql: &str) -> i64 {
    Connection::open(store.path()).unwrap().query_row(sql, (), |row| row.get(0)).unwrap()
}

#[test]
fn flows_left_open_are_lost_though_some_lie_on_a_page_that_cannot_be_read() {
    let fixture = Fixture::new();
    fixture.write((1..=FLOWS).map(|at| of(&flow(at))).collect());
    let fixture = with_spoiled(fixture, "flows", 2);
    let all = fixture.store.flows(&FlowFilter::default(), None, 500).unwrap();
    assert!((10..200).contains(&all.damaged), "{}", all.damaged);
    let lost = all.items.iter().filter(|flow| flow.outcome == Some(Outcome::Lost)).count() as u64;
    assert_eq!(fixture.store.counters().lost_flows_at_open, lost);
    // Those beside the page may need room that only a look at it could make.
    assert!(lost + 4 * all.damaged >= FLOWS.cast_unsigned(), "{lost} {}", all.damaged);
    // Recording goes on behind them, with revisions of its own.
    let next = ended(FLOWS + 50);
    fixture.write(vec![of(&next)]);
    let next = fixture.store.flow(next.id).unwrap().unwrap();
    assert!(all.items.iter().all(|flow| flow.revision() < next.revision()));
}

#[test]
fn a_flow_left_open_is_lost_though_a_page_of_its_events_cannot_be_read() {
    let fixture = Fixture::new();
    let open: Vec<Flow> = (1..=40).map(|at| Flow { event_count: 40, ..flow(at) }).collect();
    for flow in &open {
        fixture.write(vec![of(flow), run(flow.id, 0, 40, 300)]);
    }
    let fixture = with_spoiled(fixture, "event_blocks", 2);
    assert_eq!(fixture.store.counters().lost_flows_at_open, 40);
    let flows = fixture.store.flows(&FlowFilter::default(), None, 500).unwrap().items;
    assert!(flows.iter().all(|flow| flow.outcome == Some(Outcome::Lost)));
    // What is stored is known without that page, and so is when the others ended.
    assert!(flows.iter().all(|flow| flow.dropped_events == 0));
    let at_once = flows.iter().filter(|flow| flow.ended_at == Some(flow.started_at)).count();
    assert!((1..20).contains(&at_once), "{at_once}");
}

#[test]
fn retention_and_the_sweep_go_on_around_a_page_that_cannot_be_read() {
    let (fixture, damaged) = spoiled();
    let store = &fixture.store;
    assert_eq!(count(store, "SELECT count(*) FROM blobs"), FLOWS);
    let later = Micros(400 * 24 * 3_600_000_000);
    let told = store.maintain(&Retention::default(), later);
    let Err(StoreError::Stay { removed, stay }) = told else { panic!("{told:?}") };
    let left = store.flows(&FlowFilter::default(), None, 500).unwrap();
    // Neighbours of the page may have to stay with it.
    assert!(left.items.len() < 100, "{}", left.items.len());
    assert_eq!(removed + damaged + left.items.len() as u64, FLOWS.cast_unsigned());
    assert!(stay >= left.items.len() as u64, "{stay}");
    // Also the bodies of those are gone: retention took them before.
    assert_eq!(count(store, "SELECT count(*) FROM blobs"), 0, "what nothing refers to is gone");
    assert_eq!(store.counters().damaged_flows, damaged);
    let state = store.upkeep();
    assert_eq!((state.failed, state.last.map(|last| last.flows)), (true, Some(removed)));
}

#[test]
fn a_deletion_takes_all_flows_that_can_be_read() {
    let (fixture, damaged) = spoiled();
    let store = &fixture.store;
    let of_model = FlowFilter { until: Some(Micros(START + 300)), ..FlowFilter::default() };
    let removed = |filter| match store.delete_flows(filter) {
        Ok(removed) => (removed, 0),
        Err(StoreError::Stay { removed, stay }) => (removed, stay),
        Err(error) => panic!("{error}"),
    };
    let ((first, _), (rest, stay)) = (removed(&of_model), removed(&FlowFilter::default()));
    let left = store.flows(&FlowFilter::default(), None, 500).unwrap();
    assert!(left.items.len() < 100, "{}", left.items.len());
    assert_eq!(first + rest + damaged + left.items.len() as u64, FLOWS.cast_unsigned());
    assert_eq!(stay, left.items.len() as u64);
    assert!(first > 100 && rest > 50, "{first} {rest}");
}

#[test]
fn a_sweep_goes_on_around_a_page_of_contents_that_cannot_be_read() {
    let fixture = Fixture::new();
    fixture.write(flows().iter().flat_map(records).collect());
    let fixture = with_spoiled(fixture, "blobs", 20);
    let store = &fixture.store;
    assert_eq!(store.delete_flows(&FlowFilter::default()).unwrap(), FLOWS.cast_unsigned());
    let left = count(store, "SELECT count(*) FROM blobs INDEXED BY blobs_by_hash");
    assert!((1..20).contains(&left), "{left}");
}

#[test]
fn sums_are_made_of_all_flows_that_can_be_read() {
    let (fixture, damaged) = spoiled();
    let store = &fixture.store;
    set(
        store,
        "DELETE FROM rollups_hourly; DELETE FROM rollups_daily; DELETE FROM sessions; DELETE FROM tasks;
         DELETE FROM session_agents;
         INSERT INTO rollups_filled VALUES (9000000, -9223372036854775808);
         INSERT INTO tasks_filled VALUES (9000000, -9223372036854775808);",
    );
    let there = FLOWS.cast_unsigned() - damaged;
    // Before they are made, from the flows.
    let one = store.session("s").unwrap().unwrap();
    assert_eq!(one.sums.tally(Tally::Flows), there);
    assert_eq!(store.session_agents("s").unwrap()[0].sums.tally(Tally::Flows), there);
    assert_eq!(store.sum_older_flows().unwrap(), there);
    let sums = store.usage(&UsageQuery::default()).unwrap();
    assert_eq!((sums.totals.tally(Tally::Flows), sums.filling), (there, false));
}

#[test]
fn the_index_and_the_analysis_take_all_flows_that_can_be_read() {
    let (fixture, damaged) = spoiled();
    let store = &fixture.store;
    let there = (FLOWS.cast_unsigned() - damaged) as usize;
    assert_eq!(store.unindexed(500).unwrap().len(), there);
    assert_eq!(store.unread(500).unwrap().len(), there);
    let (index, analysis) = (store.index_state().unwrap(), store.analysis_state().unwrap());
    assert_eq!((index.waiting, index.given_up), (there as u64, damaged));
    assert_eq!((analysis.waiting, analysis.given_up), (there as u64, damaged));
    // The same of flows that an earlier version recorded.
    set(
        store,
        "DELETE FROM search_waiting; DELETE FROM analysis_waiting;
         INSERT INTO totals (name, value) VALUES ('search_backlog', 9000000), ('analysis_from', 0),
             ('analysis_to', 9000000)",
    );
    let state = store.index_state().unwrap().waiting + store.analysis_state().unwrap().waiting;
    assert_eq!(state, 2 * FLOWS.cast_unsigned());
    while store.note_backlog().unwrap() {}
    while store.note_unread().unwrap() {}
    assert_eq!(store.unindexed(500).unwrap().len(), there);
    assert_eq!(store.unread(500).unwrap().len(), there);
}

#[test]
fn a_flow_whose_tokens_cannot_be_counted_is_given_up_and_told() {
    let fixture = Fixture::new();
    let flows = flows();
    fixture.write(flows.iter().flat_map(records).collect());
    let uncounted = flows.iter().map(|flow| flow.started_at.0).collect();
    fixture.store.keep_analysis(Analysis { uncounted, ..Analysis::default() }).unwrap();
    let fixture = with_spoiled(fixture, "flows", 2);
    let store = &fixture.store;
    let state = CountingState { waiting: FLOWS.cast_unsigned(), given_up: 0 };
    assert_eq!(store.counting_state().unwrap(), state);
    let mut counted = 0;
    while let Some(key) = store.next_uncounted().unwrap() {
        store.is_counted(key).unwrap();
        counted += 1;
    }
    let given_up = FLOWS.cast_unsigned() - counted;
    assert!((10..200).contains(&given_up), "{given_up}");
    assert_eq!(store.counting_state().unwrap(), CountingState { waiting: 0, given_up });
}

#[test]
fn flows_are_priced_anew_around_a_page_that_cannot_be_read() {
    let (fixture, damaged) = spoiled();
    let price = Box::new(|flow: &mut Flow| flow.cost = Some(MicroUsd(3)));
    let query = redactor().seal(RepriceQuery::default());
    let done = fixture.store.reprice(&query, "book", false, price).unwrap();
    let there = FLOWS.cast_unsigned() - damaged;
    assert_eq!((done.flows, done.changed), (there, there));
}

#[test]
fn what_flows_belong_to_is_told_though_some_of_them_cannot_be_read() {
    let (fixture, damaged) = spoiled();
    told_around(&fixture.store, damaged);
    // The newest flows of all do not decode.
    set(&fixture.store, &format!("UPDATE flows SET port = 'x' WHERE n >= {}", START + FLOWS - 3));
    told_around(&fixture.store, damaged + 3);
    assert_eq!(fixture.store.session("s").unwrap().unwrap().agent, None);
    set(&fixture.store, &format!("UPDATE flows SET port = 'x' WHERE n >= {}", START + FLOWS - 30));
    let session = fixture.store.session("s").unwrap().unwrap();
    assert_eq!(session.last_at, Micros(START + FLOWS - 1), "which its key says");
}

fn told_around(store: &Store, damaged: u64) {
    let there = FLOWS.cast_unsigned() - damaged;
    assert_eq!(store.sessions((None, None), None, 10).unwrap().items.len(), 1);
    let tasks = store.tasks(&TaskFilter::default(), None, 10).unwrap();
    assert_eq!((tasks.items.len(), &*tasks.items[0].host), (1, "api.example"));
    assert_eq!(store.session_cost("s").unwrap().unwrap().cost, MicroUsd(FLOWS));
    assert_eq!(store.dearest_session(|_| true).unwrap().unwrap().id, "s");
    assert_eq!(store.sessions_beyond(MicroUsd(1), 9, |_| true).unwrap().len(), 1);
    let of = |by| {
        let usage = UsageQuery { until: Some(Micros(START + FLOWS)), ..UsageQuery::default() };
        let costs = store.costs(&CostQuery { by, usage, groups_max: 9, ..CostQuery::default() });
        let costs = costs.unwrap();
        assert!(costs.from_flows);
        costs.totals.figure(Measure::Cost).sum
    };
    assert_eq!(of(vec![CostBy::Session, CostBy::Usage(GroupBy::Model)]), there);
    let summed = of(vec![CostBy::Session]);
    assert_eq!(summed, FLOWS.cast_unsigned(), "sums know of those that cannot be read");
    let flows = store.flows(&FlowFilter::default(), None, 500).unwrap().items;
    let newest = &flows[0];
    let earlier = store.earlier_requests(newest.id, 500).unwrap();
    assert_eq!(earlier.len() as u64, there - 1);
    let before = store.ended_before(newest, 500).unwrap();
    // Of the last five nobody knows that they had ended by then.
    assert!(before.flows.len() as u64 > there - 10, "{}", before.flows.len());
}

#[test]
fn what_sessions_cost_is_told_though_a_page_of_their_sums_cannot_be_read() {
    let fixture = Fixture::new();
    let flow = |at: i64| {
        let cost = Some(MicroUsd(at + 1));
        Flow { session: session(&format!("s-{at:03}")), cost, ..ended(START + at) }
    };
    fixture.write((0..FLOWS).map(|at| of(&flow(at))).collect());
    let fixture = with_spoiled(fixture, "sessions", 2);
    let store = &fixture.store;
    let unread = "SELECT 1 FROM sessions WHERE cost_flows > 0 AND session_id = ?1";
    let conn = Connection::open(store.path()).unwrap();
    let is_sound = |at: &i64| {
        let row = conn.query_row(unread, [format!("s-{at:03}")], |row| row.get::<_, i64>(0));
        row.is_ok()
    };
    let damaged = (0..FLOWS).filter(|at| !is_sound(at)).count();
    assert!((3..200).contains(&damaged), "{damaged}");
    for at in 0..FLOWS {
        let cost = store.session_cost(&format!("s-{at:03}")).unwrap().unwrap().cost;
        assert_eq!(cost, MicroUsd(at + 1));
    }
    assert_eq!(store.dearest_session(|_| true).unwrap().unwrap().cost, MicroUsd(FLOWS));
    let beyond = store.sessions_beyond(MicroUsd(11), 1_000, |_| true).unwrap();
    let costs: Vec<i64> = beyond.iter().map(|session| session.cost.0).collect();
    let newest_first: Vec<i64> = (11..=FLOWS).rev().collect();
    assert_eq!(costs, newest_first);
}

#[test]
fn what_tools_cost_in_sessions_is_told_though_some_flows_cannot_be_read() {
    let fixture = Fixture::new();
    let flows = flows();
    fixture.write(flows.iter().flat_map(records).collect());
    let shares = |flow: &Flow| {
        let parts = vec![ToolPart { calls: 1, ..ToolPart::of(String::from("Bash")) }];
        let shares = redactor().seal(ToolShares { parts, ..ToolShares::default() });
        ShareEntry { key: flow.started_at.0, shares: Some(shares) }
    };
    let shares = flows.iter().map(shares).collect();
    fixture.store.keep_analysis(Analysis { shares, ..Analysis::default() }).unwrap();
    let fixture = with_spoiled(fixture, "flows", 2);
    let told = |fixture: &Fixture| {
        let by = vec![CostBy::Session, CostBy::Tool];
        let query = CostQuery { by, groups_max: 9, ..CostQuery::default() };
        let report = fixture.store.costs(&query).unwrap();
        let calls = report.tools.unwrap().tally(ToolCostTally::Calls);
        (report.totals.tally(Tally::Flows), calls, fixture.store.counters().damaged_flows)
    };
    let (there, calls, damaged) = told(&fixture);
    assert!((10..200).contains(&damaged), "{damaged}");
    assert_eq!((there, calls), (FLOWS.cast_unsigned() - damaged, there));
    // What tools have of flows lies on a page of its own.
    let fixture = with_spoiled(fixture, "tool_shares", 0);
    let (still_there, fewer, _) = told(&fixture);
    assert_eq!(still_there, there);
    assert!(fewer < calls, "{fewer}");
}

#[test]
fn a_flow_that_does_not_decode_leaves_no_sums_behind() {
    let fixture = Fixture::new();
    let (one, other) = (flows().remove(0), flows().remove(1));
    fixture.write([&one, &other].into_iter().flat_map(records).collect());
    set(&fixture.store, &format!("UPDATE flows SET port = 'x' WHERE n = {START}"));
    assert_eq!(fixture.store.delete_flows(&FlowFilter::default()).unwrap(), 2);
    for table in ["sessions", "tasks", "session_agents"] {
        assert_eq!(count(&fixture.store, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let sums = fixture.store.usage(&UsageQuery::default()).unwrap().totals;
    assert_eq!(sums.tally(Tally::Flows), 2, "these outlive them, as those of any flow");
}

#[test]
fn a_star_goes_with_its_sessions_last_flow() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows = flows();
    fixture.write(flows[..2].iter().map(of).collect());
    store.star("s", Micros(9)).unwrap().unwrap();
    let first = FlowFilter { until: Some(flows[1].started_at), ..FlowFilter::default() };
    assert_eq!(store.delete_flows(&first).unwrap(), 1);
    assert_eq!(store.stars().unwrap().len(), 1);
    assert_eq!(store.delete_flows(&FlowFilter::default()).unwrap(), 1);
    assert!(store.stars().unwrap().is_empty());
}

#[test]
fn calls_of_a_flow_that_cannot_be_read_end_as_others_do() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows = flows();
    fixture.write(flows.iter().map(of).collect());
    let entry = |key: i64, state| CallEntry {
        key,
        position: 0,
        call: Some(redactor().seal(ToolCall {
            name: String::from("Bash"),
            state,
            ..ToolCall::default()
        })),
        executions: None,
        findings: Vec::new(),
    };
    let keep = |calls| {
        store.keep_analysis(Analysis { calls, ..Analysis::default() }).unwrap();
        store.overdue_calls(Micros(i64::MAX), 500).unwrap().len()
    };
    let open = flows.iter().map(|flow| entry(flow.started_at.0, ToolState::ArgsComplete)).collect();
    assert_eq!(keep(open), FLOWS as usize);
    set(store, &format!("UPDATE flows SET port = 'x' WHERE n = {START}"));
    assert_eq!(keep(vec![entry(START, ToolState::Orphaned)]), FLOWS as usize - 1);
    let tools = store.tools(&ToolQuery::default()).unwrap().tools;
    let tally = |tally| tools[0].sums.tally(tally);
    assert_eq!([tally(ToolTally::Calls), tally(ToolTally::Orphaned)], [FLOWS.cast_unsigned(), 1]);
    assert!(
        store.flow_of_key(START).unwrap().is_none(),
        "nothing is found in it, and nothing fails"
    );
    let fixture = with_spoiled(fixture, "flows", 2);
    let there = fixture.store.flows(&FlowFilter::default(), None, 500).unwrap();
    let overdue = fixture.store.overdue_calls(Micros(i64::MAX), 500).unwrap().len() as u64;
    assert_eq!(overdue + there.damaged, FLOWS.cast_unsigned());
}

/// The same flows, each of a session of its own.
fn written() -> Fixture {
    let fixture = Fixture::new();
    let flow = |mut flow: Flow| {
        flow.session = session(&format!("session {}", flow.started_at.0));
        flow
    };
    fixture.write(flows().into_iter().map(flow).flat_map(|flow| records(&flow)).collect());
    fixture
}

/// How many texts a look through the whole record sees, by table, and what it cannot see.
fn texts(store: &Store) -> (BTreeMap<String, u64>, Unseen) {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let unseen = store.texts(|spot, _| *seen.entry(spot.table.to_owned()).or_default() += 1);
    (seen, unseen.unwrap())
}

#[test]
fn who_looks_through_all_texts_sees_what_lies_around_a_page_that_cannot_be_read() {
    let (whole, unseen) = texts(&written().store);
    assert_eq!(unseen, Unseen::default());
    // Keys that are numbers, and keys of text; the first leaf, and one in the middle.
    for (table, after) in [
        ("flows", 0),
        ("flows", 2),
        ("blobs", 0),
        ("blobs", 2),
        ("event_blocks", 2),
        ("sessions", 1),
    ] {
        let fixture = with_spoiled(written(), table, after);
        let (mut seen, unseen) = texts(&fixture.store);
        assert_eq!(unseen.tables, BTreeSet::from([table.to_owned()]), "{after}");
        let (around, all) = (seen.remove(table).unwrap_or_default(), whole[table]);
        assert!(around < all && around > all / 2, "{table} {after}: {around} of {all}");
        for (other, count) in seen {
            assert!(count >= whole[&other], "{table} {after}: {other} {count}");
        }
    }
}

#[test]
fn who_removes_flows_is_told_which_stay_because_what_belongs_to_them_cannot_be_read() {
    let written = || with_spoiled(written(), "sessions", 1);
    let left = |fixture: &Fixture| {
        count(&fixture.store, "SELECT count(*) FROM flows INDEXED BY flows_by_id")
    };
    let fixture = written();
    let told = fixture.store.delete_flows(&FlowFilter::default());
    let Err(StoreError::Stay { removed, stay }) = told else { panic!("{told:?}") };
    assert_eq!((removed + stay, left(&fixture)), (FLOWS as u64, stay as i64));
    assert!(removed > 0 && stay > 0, "{removed} {stay}");

    let fixture = written();
    let all = Retention { flows_days: 1, events_days: 0, bodies_days: 0, ..Retention::default() };
    let told = fixture.store.maintain(&all, Micros(START + 2 * 86_400_000_000));
    assert!(matches!(told, Err(StoreError::Stay { .. })), "{told:?}");
    assert!(fixture.store.upkeep().failed);
    assert_eq!(left(&fixture), stay as i64);
}

#[test]
fn tools_are_told_without_their_costs_where_those_cannot_be_read() {
    let fixture = Fixture::new();
    let flow = |hour: i64| {
        let mut flow = ended(START + hour * HOUR);
        (flow.usage.input, flow.usage.output) = (Some(Tokens(0)), Some(Tokens(1_000_000)));
        let rates = Rates::parse("1 - - - 2 - -").unwrap();
        flow.cost = rates.cost(&flow.billed()).map(|exact| exact.rounded());
        flow.terms = Some(Arc::new(Terms { book: String::from("book"), rates }));
        flow
    };
    // An hour each, so that what they cost fills pages.
    let flows: Vec<Flow> = (0..FLOWS).map(flow).collect();
    fixture.write(flows.iter().map(of).collect());
    let shares = |flow: &Flow| {
        let parts =
            vec![ToolPart { calls: 1, call_bytes: 9, ..ToolPart::of(String::from("Bash")) }];
        let shares =
            redactor().seal(ToolShares { output_bytes: 9, parts, ..ToolShares::default() });
        ShareEntry { key: flow.started_at.0, shares: Some(shares) }
    };
    let call = |flow: &Flow| CallEntry {
        key: flow.started_at.0,
        position: 0,
        call: Some(redactor().seal(ToolCall { name: String::from("Bash"), ..ToolCall::default() })),
        executions: None,
        findings: Vec::new(),
    };
    let (shares, calls) = (flows.iter().map(shares).collect(), flows.iter().map(call).collect());
    fixture.store.keep_analysis(Analysis { shares, calls, ..Analysis::default() }).unwrap();
    // Less than a day: the sums of days lie on another page.
    let (since, until) = (Some(Micros(START)), Some(Micros(10 * HOUR)));
    let query = ToolQuery { since, until, ..ToolQuery::default() };
    let whole = fixture.store.tools(&query).unwrap();
    assert!(whole.cost.is_some() && whole.tools[0].cost == whole.cost, "{whole:?}");
    let fixture = with_spoiled(fixture, "tool_costs", 0);
    let told = fixture.store.tools(&query).unwrap();
    assert_eq!((told.cost, told.tools[0].cost), (None, None), "what is not known is no zero");
    assert_eq!((&told.tools[0].sums, &told.totals), (&whole.tools[0].sums, &whole.totals));
    assert_eq!(told.totals.tally(ToolTally::Calls), 10);
}
