//! Calls and what they add up to: written, changed, kept when their flows go, and brought over.

use langley_model::{
    Block, Content, Flow, Message, Micros, Record, Redacted, ToolCall, ToolExecution, ToolOutcome,
    ToolResult, ToolSource, ToolState, Violation,
};
use langley_store::{
    Analysis, CallEntry, FlowFilter, InvocationQuery, Store, ToolQuery, ToolReport, ToolTally,
};

use crate::given::{Fixture, ended, flow, of, options, redactor, session};
use crate::opening::{SCHEMA_15, without_estimates};

const HOUR_US: i64 = 3_600_000_000;

fn call(name: &str, key: u64) -> ToolCall {
    ToolCall {
        name: name.to_owned(),
        key,
        complete: true,
        began_us: Some(10),
        complete_us: Some(1_000),
        state: ToolState::ArgsComplete,
        ..ToolCall::default()
    }
}

fn returned(name: &str, key: u64, after_us: i64, outcome: ToolOutcome) -> ToolCall {
    ToolCall {
        state: ToolState::Returned,
        outcome: Some(outcome),
        result: Some(ToolResult { after_us, hash: 5, bytes: 6, billed_us: Some(after_us + 1) }),
        ..call(name, key)
    }
}

fn sealed(call: ToolCall) -> Redacted<ToolCall> {
    redactor().seal(call)
}

fn keep(store: &Store, calls: Vec<(i64, u32, Option<ToolCall>)>) {
    let calls = calls.into_iter().map(|(key, position, call)| CallEntry {
        key,
        position,
        call: call.map(sealed),
        executions: None,
        findings: Vec::new(),
    });
    store
        .keep_analysis(Analysis { read: Vec::new(), calls: calls.collect(), ..Analysis::default() })
        .unwrap();
}

fn report(store: &Store) -> ToolReport {
    store.tools(&ToolQuery::default()).unwrap()
}

#[test]
fn ended_flows_of_a_provider_wait_oldest_first_until_they_are_read() {
    let fixture = Fixture::new();
    let (mut one, other) = (ended(20), ended(10));
    let mut unknown = ended(30);
    unknown.provider = None;
    fixture.write(vec![of(&one), of(&other), of(&unknown)]);
    let unread = fixture.store.unread(9).unwrap();
    assert_eq!(unread.iter().map(|next| next.flow).collect::<Vec<_>>(), [other.id, one.id]);
    // One changes while it is read.
    one.stop_reason = Some(String::from("later"));
    fixture.write(vec![of(&one)]);
    let read = unread.iter().map(|next| (next.key, next.revision)).collect();
    fixture
        .store
        .keep_analysis(Analysis { read, calls: Vec::new(), ..Analysis::default() })
        .unwrap();
    let left = fixture.store.unread(9).unwrap();
    assert_eq!(left.iter().map(|next| next.flow).collect::<Vec<_>>(), [one.id]);
    fixture.store.leave_unread(one.id).unwrap();
    let state = fixture.store.analysis_state().unwrap();
    assert_eq!((state.waiting, state.given_up), (0, 1));
}

#[test]
fn a_flow_that_its_process_left_open_waits_as_well() {
    let fixture = Fixture::new();
    let open = flow(20);
    fixture.write(vec![of(&open)]);
    assert!(fixture.store.unread(9).unwrap().is_empty());
    let fixture = fixture.after_close();
    let unread = fixture.store.unread(9).unwrap();
    assert_eq!(unread.iter().map(|next| next.flow).collect::<Vec<_>>(), [open.id]);
}

#[test]
fn sums_follow_the_calls_and_outlive_them() {
    let fixture = Fixture::new();
    let mut flow = ended(5 * HOUR_US);
    (flow.session, flow.agent) = (session("s"), Some(String::from("claude-code")));
    fixture.write(vec![of(&flow)]);
    let (store, key) = (&fixture.store, flow.started_at.0);
    keep(store, vec![(key, 0, Some(call("Bash", 1))), (key, 1, Some(call("Read", 2)))]);
    let mut failed = returned("Bash", 1, 3_001_000, ToolOutcome::Failed);
    failed.violations.insert(Violation::ResultAltered);
    let mut again = returned("Read", 2, 5_000, ToolOutcome::Succeeded);
    // A result without a call, and a call once more, count for nothing.
    let stray = returned("", 3, 0, ToolOutcome::Succeeded);
    let replayed = ToolCall { replayed: true, ..call("Bash", 4) };
    keep(
        store,
        vec![
            (key, 0, Some(failed.clone())),
            (key, 1, Some(again.clone())),
            (key, 2, Some(replayed)),
            (key, langley_store::STRAY, Some(stray)),
        ],
    );
    let told = report(store);
    let of = |name: &str, tally| {
        let tool = told.tools.iter().find(|tool| tool.name == name).unwrap();
        tool.sums.tally(tally)
    };
    assert_eq!(told.tools.len(), 2);
    assert_eq!([of("Bash", ToolTally::Calls), of("Bash", ToolTally::Failed)], [1, 1]);
    assert_eq!([of("Bash", ToolTally::Violated), of("Bash", ToolTally::Timed)], [1, 1]);
    assert_eq!(of("Bash", ToolTally::Duration), 3_000_000);
    assert_eq!(of("Read", ToolTally::Succeeded), 1);
    let query = ToolQuery { session: Some(String::from("s")), ..ToolQuery::default() };
    assert_eq!(store.tools(&query).unwrap().tools, told.tools, "the calls say the same");
    // Written again: nothing is counted twice. Changed: what was is taken out.
    keep(store, vec![(key, 0, Some(failed))]);
    assert_eq!(report(store).tools, told.tools);
    again.outcome = Some(ToolOutcome::Denied);
    keep(store, vec![(key, 1, Some(again))]);
    let changed = report(store);
    assert_eq!(changed.totals.tally(ToolTally::Denied), 1);
    assert_eq!(changed.totals.tally(ToolTally::Succeeded), 0);
    // Away: by its entry, and with its flow.
    keep(store, vec![(key, 1, None)]);
    let less = report(store);
    assert_eq!(less.totals.tally(ToolTally::Calls), 1);
    store.delete_flows(&FlowFilter::default()).unwrap();
    assert_eq!(report(store).tools, less.tools);
    let query = InvocationQuery { tool: String::from("Bash"), ..InvocationQuery::default() };
    assert!(store.invocations(&query, None, 9).unwrap().items.is_empty());
}

#[test]
fn a_span_of_time_is_summed_from_days_and_the_hours_at_its_ends() {
    let fixture = Fixture::new();
    // One call in each hour of four days.
    let flows: Vec<_> = (0..96).map(|hour| ended(hour * HOUR_US + 7)).collect();
    fixture.write(flows.iter().map(of).collect());
    let calls = flows.iter().map(|flow| (flow.started_at.0, 0, Some(call("Bash", 1))));
    keep(&fixture.store, calls.collect());
    for (since, until, wanted) in [
        (None, None, 96),
        (Some(0), Some(96), 96),
        (Some(3), Some(90), 87),
        (Some(24), Some(48), 24),
        (Some(5), Some(6), 1),
        (Some(30), None, 66),
        (None, Some(30), 30),
        (Some(50), Some(50), 0),
    ] {
        let at = |hour: Option<i64>| hour.map(|hour| Micros(hour * HOUR_US));
        let query = ToolQuery { since: at(since), until: at(until), ..ToolQuery::default() };
        let told = fixture.store.tools(&query).unwrap();
        assert_eq!(told.totals.tally(ToolTally::Calls), wanted, "{since:?} {until:?}");
    }
}

#[test]
fn calls_of_a_tool_are_listed_newest_first_in_pages() {
    let fixture = Fixture::new();
    let flows: Vec<_> = (1..=3).map(ended).collect();
    fixture.write(flows.iter().map(of).collect());
    let calls = flows.iter().flat_map(|flow| {
        (0..2).map(|position| (flow.started_at.0, position, Some(call("Bash", 1))))
    });
    keep(&fixture.store, calls.collect());
    let query = InvocationQuery { tool: String::from("Bash"), ..InvocationQuery::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = fixture.store.invocations(&query, cursor.as_deref(), 4).unwrap();
        seen.extend(page.items.iter().map(|call| (call.key, call.position)));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let key = |place: usize| flows[place].started_at.0;
    let wanted = [2, 1, 0].map(|place| [(key(place), 1), (key(place), 0)]).concat();
    assert_eq!(seen, wanted);
}

#[test]
fn runs_stay_with_their_call_and_go_with_it() {
    let fixture = Fixture::new();
    let flow = ended(9);
    fixture.write(vec![of(&flow)]);
    let run = ToolExecution {
        number: 0,
        source: ToolSource::Hook,
        began_us: 5,
        ended_us: Some(9),
        backgrounded: true,
        outcome: Some(ToolOutcome::Cancelled),
        inferred: true,
    };
    let entry = CallEntry {
        key: 9,
        position: 0,
        call: Some(sealed(call("Bash", 1))),
        executions: Some(vec![run.clone()]),
        findings: Vec::new(),
    };
    let store = &fixture.store;
    store
        .keep_analysis(Analysis { read: Vec::new(), calls: vec![entry], ..Analysis::default() })
        .unwrap();
    // What says nothing of runs leaves them as they are.
    let later = returned("Bash", 1, 7, ToolOutcome::Succeeded);
    keep(store, vec![(9, 0, Some(later.clone()))]);
    let found = store.invocation(flow.id, 0).unwrap().unwrap();
    assert_eq!(found.executions, [run]);
    assert_eq!(found.call.call, Some(later));
    store.delete_flows(&FlowFilter::default()).unwrap();
    assert!(store.invocation(flow.id, 0).unwrap().is_none());
}

#[test]
fn calls_of_an_earlier_version_keep_their_tools_and_wait_to_be_analysed() {
    let fixture = Fixture::new();
    let mut flow = ended(40);
    flow.tool_names = ["Read", "Bash", "Read"].map(str::to_owned).to_vec();
    fixture.write(vec![of(&flow), of(&ended(50))]);
    let path = fixture.folder.path().join("langley.db");
    fixture.store.clone().close();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_15).unwrap();
    drop(conn);
    let store = Store::open(options(fixture.folder.path()), Box::new(|_| {})).unwrap();
    let calls = store.tool_calls(flow.id).unwrap().unwrap();
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["Read", "Bash", "Read"]);
    let filter = FlowFilter { tool: Some(String::from("bash")), ..FlowFilter::default() };
    assert_eq!(store.count_flows(&filter).unwrap(), 1);
    assert!(store.unread(9).unwrap().is_empty());
    assert_eq!(store.analysis_state().unwrap().waiting, 2);
    while store.note_unread().unwrap() {}
    assert_eq!(store.unread(9).unwrap().len(), 2);
    assert_eq!(store.analysis_state().unwrap().waiting, 2);
    store.close();
}

/// An answer that calls these tools.
fn answer(flow: &Flow, tools: &[&str]) -> Record {
    let block = |(index, name): (u32, &&str)| {
        let (id, name, input) = (name.to_string(), name.to_string(), String::from("{}"));
        Block { index, content: Content::ToolUse { id, name, input }, complete: true }
    };
    let blocks = (0..).zip(tools).map(block).collect();
    Record::Message(flow.id, Box::new(Message { blocks, ..Message::default() }))
}

#[test]
fn an_answer_that_becomes_another_one_after_the_analysis_leaves_no_sums_behind() {
    let fixture = Fixture::new();
    let flow = ended(9);
    fixture.write(vec![of(&flow), answer(&flow, &["Bash", "Bash", "Edit"])]);
    let store = &fixture.store;
    keep(store, vec![(9, 0, Some(call("Bash", 1))), (9, 1, Some(call("Bash", 2)))]);
    fixture.write(vec![answer(&flow, &["Read"])]);
    assert!(store.unread(9).unwrap().iter().any(|next| next.flow == flow.id), "is looked at again");
    let calls = store.tool_calls(flow.id).unwrap().unwrap();
    let told = calls.iter().map(|call| call.name.as_str());
    assert_eq!(told.collect::<Vec<_>>(), ["Bash", "Bash"], "what was not analysed is gone");
    keep(store, vec![(9, 0, Some(call("Read", 3))), (9, 1, None)]);
    let tools = report(store).tools.into_iter();
    let tools: Vec<_> = tools.map(|tool| (tool.name, tool.sums.tally(ToolTally::Calls))).collect();
    assert_eq!(tools, [(String::from("Read"), 1)]);
}

#[test]
fn new_flows_wait_for_the_history_of_their_session_and_others_do_not() {
    let fixture = Fixture::new();
    let of_session = |at: i64, id: &str| {
        let mut flow = ended(at);
        flow.session = session(id);
        flow
    };
    let old: Vec<_> = (0..250).map(|at| of_session(100 + at, "s")).collect();
    fixture.write(old.iter().map(of).collect());
    let path = fixture.folder.path().join("langley.db");
    fixture.store.clone().close();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_15).unwrap();
    drop(conn);
    let fixture = fixture.after_close();
    let (same, other, none) = (of_session(900, "s"), of_session(901, "t"), ended(902));
    fixture.write(vec![of(&same), of(&other), of(&none)]);
    let store = &fixture.store;
    let mut order = Vec::new();
    loop {
        let waiting = store.unread(64).unwrap();
        if waiting.is_empty() && !store.note_unread().unwrap() {
            break;
        }
        order.extend(waiting.iter().map(|next| next.key));
        let read = waiting.iter().map(|next| (next.key, next.revision)).collect();
        store.keep_analysis(Analysis { read, ..Analysis::default() }).unwrap();
    }
    let history = 100..350;
    let wanted: Vec<i64> = [901, 902].into_iter().chain(history).chain([900]).collect();
    assert_eq!(order, wanted);
}

#[test]
fn the_result_of_a_providers_own_tool_is_in_its_answer_or_in_the_one_that_goes_on() {
    let fixture = Fixture::new();
    // Others began at the very moment in which the result came.
    let flows = [ended(100), ended(103), ended(200)];
    fixture.write(flows.iter().map(of).collect());
    let server = |after_us| {
        let call = returned("web_search", 1, after_us, ToolOutcome::Succeeded);
        Some(ToolCall { server: true, ..call })
    };
    keep(&fixture.store, vec![(100, 0, server(3)), (100, 1, server(100))]);
    let result = |position| {
        let found = fixture.store.invocation(flows[0].id, position).unwrap().unwrap();
        found.result_flow
    };
    assert_eq!((result(0), result(1)), (Some(flows[0].id), Some(flows[2].id)));
}

#[test]
fn what_a_session_asked_for_is_read_from_its_last_flows() {
    let fixture = Fixture::new();
    let flows: Vec<_> = (1..=9).map(|at| Flow { session: session("s"), ..ended(at) }).collect();
    fixture.write(flows.iter().map(of).collect());
    let asked = |at: i64| {
        let call = ToolCall { input_hash: at as u32, ..call("Bash", 1) };
        (at, 0, Some(call))
    };
    keep(&fixture.store, (1..=9).map(asked).collect());
    let inputs = fixture.store.inputs_of_session("s", 8, 3).unwrap();
    let inputs: Vec<u32> = inputs.into_iter().map(|(_, input)| input).collect();
    assert_eq!(inputs, [7, 6, 5]);
}
