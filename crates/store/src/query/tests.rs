//! How `SQLite` answers the queries of the doors: by an index, or by walking newest first until a page
//! is full; never by sorting flows, and never by reading all of them but for parts of words.

use std::cell::RefCell;
use std::sync::Arc;

use langley_model::{
    Attributed, Block, Body, ConnectionId, Content, EventRun, EventSpan, Flow, FlowId, HeaderBlock,
    Headers, Message, MicroUsd, Micros, Outcome, Place, Provider, Record, Redactor,
    RedactorOptions, Side,
};
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::unrecorded::in_file;
use crate::filter::{Common, Condition, FlowFilter, OutcomeFilter, StatusFilter};
use crate::options::StoreOptions;
use crate::search::SearchQuery;
use crate::store::Store;
use crate::tools::{InvocationQuery, ToolQuery};

thread_local! {
    static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Tables that grow with the traffic.
const LARGE: [&str; 5] = ["flows", "event_blocks", "blobs", "tool_calls", "search_flows"];

fn listen(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(statement, _) = event {
        SAID.with_borrow_mut(|said| said.extend(statement.expanded_sql()));
    }
}

/// A store with one flow that has everything a flow can have.
fn store() -> (tempfile::TempDir, Store, FlowId) {
    let folder = tempfile::tempdir().unwrap();
    let store =
        Store::open(StoreOptions::new(folder.path().join("langley.db")), Box::new(|_| {})).unwrap();
    let redactor = Redactor::new(RedactorOptions::default()).unwrap();
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(5));
    flow.outcome = Some(Outcome::Completed);
    flow.session = Some(Attributed { id: String::from("s"), source: "header:x" });
    flow.tool_names = vec![String::from("Bash")];
    flow.event_count = 1;
    let mut run = EventRun::new(flow.id);
    let kind = run.kind("ping");
    run.text = redactor.body(b"{}".to_vec());
    run.spans.push(EventSpan { seq: 0, offset_us: 1, kind, len: 2, original_len: 2 });
    let (id, side) = (flow.id, Side::Client);
    let text = |text: &str| text.to_owned();
    let bytes = redactor.body(vec![b'x'; 9_000]);
    let body = Body {
        flow: id,
        side,
        bytes,
        pieces: vec![10..4_000, 4_000..8_000],
        media_type: None,
        original_len: 9_000,
        truncated: false,
    };
    let call = Content::ToolUse { id: text("1"), name: text("Bash"), input: String::new() };
    let block = Block { index: 0, content: call, complete: true };
    let message = Message { blocks: vec![block], ..Message::default() };
    let records = vec![
        Record::Flow(Arc::new(flow)),
        Record::Headers(Headers { flow: id, side, trailers: false, lines: HeaderBlock::new() }),
        Record::Body(body),
        Record::Message(id, Box::new(message)),
        Record::Events(run),
    ];
    store.submit(records.into_iter().map(|record| redactor.seal(record)).collect()).unwrap();
    store.flush().unwrap();
    store.star("s", Micros(9)).unwrap().unwrap();
    (folder, store, id)
}

/// The queries of `work`, each with the steps in which `SQLite` answers it.
fn plans(store: &Store, work: impl FnOnce(&Store)) -> Vec<(String, Vec<String>)> {
    let trace = |to| {
        store
            .readers()
            .read(|conn| {
                conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, to);
                Ok(())
            })
            .unwrap();
    };
    trace(Some(listen as fn(TraceEvent<'_>)));
    work(store);
    trace(None);
    let mut said = SAID.take();
    said.retain(|sql| sql.starts_with("SELECT"));
    assert!(!said.is_empty(), "nothing was asked");
    let plan = |sql: String| {
        let steps = store.readers().read(|conn| {
            let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let steps = statement.query_map((), |row| row.get::<_, String>(3))?;
            Ok(steps.collect::<Result<Vec<_>, _>>()?)
        });
        (sql, steps.unwrap())
    };
    said.into_iter().map(plan).collect()
}

/// What is wrong with the way `SQLite` answers the queries of `work`; `walks`: it may go through flows
/// from the newest on, because nearly all of them are what is asked for.
fn faults(store: &Store, walks: bool, work: impl FnOnce(&Store)) -> Vec<String> {
    let mut faults = Vec::new();
    for (sql, steps) in plans(store, work) {
        for step in steps {
            let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            let is_scan = scanned.is_some_and(|table| LARGE.contains(&table));
            // A walk by the key ends with its page.
            let is_walk = walks && step == "SCAN flows" && sql.contains(" LIMIT ");
            let sorts = step.starts_with("USE TEMP B-TREE") && sql.contains("FROM flows ");
            if (is_scan && !is_walk) || sorts {
                faults.push(format!("{step}: {sql}"));
            }
        }
    }
    faults
}

/// Every way to narrow a listing, and whether nearly all flows may be meant.
fn filters() -> Vec<(FlowFilter, bool)> {
    let all = FlowFilter::default;
    let text = |text: &str| Some(text.to_owned());
    vec![
        (all(), true),
        (FlowFilter { host: text("h"), ..all() }, false),
        (FlowFilter { provider: Some(Provider::Gemini), ..all() }, false),
        (FlowFilter { model: text("m"), ..all() }, false),
        (FlowFilter { status: Some(StatusFilter::Exact(404)), ..all() }, false),
        (FlowFilter { status: Some(StatusFilter::Class(5)), ..all() }, false),
        (FlowFilter { status: Some(StatusFilter::Class(2)), ..all() }, true),
        (FlowFilter { session: text("s"), ..all() }, false),
        (FlowFilter { starred: true, ..all() }, false),
        (FlowFilter { connection: Some(ConnectionId::new()), ..all() }, false),
        (FlowFilter { task: text("t"), ..all() }, false),
        (FlowFilter { project: text("p"), ..all() }, false),
        (FlowFilter { project: text("p"), session: text("s"), ..all() }, false),
        (FlowFilter { tool: text("Bash"), ..all() }, false),
        (FlowFilter { outcome: Some(OutcomeFilter::Open), ..all() }, false),
        (FlowFilter { outcome: Some(OutcomeFilter::Ended(Outcome::Lost)), ..all() }, false),
        (FlowFilter { outcome: Some(OutcomeFilter::Ended(Outcome::Completed)), ..all() }, true),
        (FlowFilter { since: Some(Micros(3)), ..all() }, false),
        (FlowFilter { until: Some(Micros(3)), ..all() }, false),
        (FlowFilter { since: Some(Micros(3)), until: Some(Micros(9)), ..all() }, false),
        (FlowFilter { host: text("h"), since: Some(Micros(3)), ..all() }, false),
        (FlowFilter { session: text("s"), model: text("m"), ..all() }, false),
        (FlowFilter { tool: text("Bash"), host: text("h"), ..all() }, false),
        (FlowFilter { task: text("t"), until: Some(Micros(9)), ..all() }, false),
        (FlowFilter { min_cost: Some(MicroUsd(9)), ..all() }, false),
        // Parts of words are known to no index: the newest flows are walked.
        (FlowFilter { q: text("part"), ..all() }, true),
    ]
}

#[test]
fn listings_are_answered_by_an_index_or_by_a_walk_that_ends_with_the_page() {
    let (_folder, store, _) = store();
    let mut wrong = Vec::new();
    for (filter, walks) in filters() {
        wrong.extend(faults(&store, walks, |store| {
            let page = store.flows(&filter, None, 100).unwrap();
            store.flows(&filter, Some(&crate::cursor::cursor([7])), 100).unwrap();
            store.flows_oldest_first(&filter, None, 100).unwrap();
            drop(page);
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_common_is_walked_to_and_not_gathered() {
    let (_folder, store, _) = store();
    let sql = |tool, cost| {
        let filter = FlowFilter {
            tool: Some(String::from("Bash")),
            min_cost: Some(MicroUsd(9)),
            ..FlowFilter::default()
        };
        let condition = Condition::among(&filter, Common::assumed(tool, cost));
        let sql = format!("SELECT n FROM flows{} ORDER BY n DESC LIMIT 9", condition.sql());
        let plan = store.readers().read(|conn| {
            let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let parameters = rusqlite::params_from_iter(&condition.parameters);
            let steps = statement.query_map(parameters, |row| row.get::<_, String>(3))?;
            Ok(steps.collect::<Result<Vec<_>, _>>()?)
        });
        plan.unwrap().join("; ")
    };
    let walked = sql(true, true);
    assert!(walked.contains("SCAN flows") && !walked.contains("TEMP B-TREE"), "{walked}");
    let gathered = sql(false, false);
    assert!(gathered.contains("SEARCH flows USING INTEGER PRIMARY KEY"), "{gathered}");
}

#[test]
fn counts_are_of_groups_or_by_an_index() {
    let (_folder, store, _) = store();
    let mut wrong = Vec::new();
    for (filter, _) in filters().into_iter().filter(|(filter, _)| filter.q.is_none()) {
        wrong.extend(faults(&store, false, |store| {
            store.count_flows(&filter).unwrap();
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_that_is_asked_of_one_flow_is_found_by_its_key() {
    let (_folder, store, id) = store();
    let wrong = faults(&store, false, |store| {
        store.flow(id).unwrap().unwrap();
        for side in [Side::Client, Side::Upstream] {
            store.headers(id, side).unwrap().unwrap();
            store.body(id, side).unwrap();
        }
        store.message(id).unwrap().unwrap();
        store.tool_calls(id).unwrap().unwrap();
        store.retired(id).unwrap();
        store.events(id, None, 500, None).unwrap().unwrap();
        store.events(id, Some(0), 500, Some("ping")).unwrap().unwrap();
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // These sort what one session, which has an index, holds.
    let wrong = faults(&store, false, |store| drop(store.earlier_requests(id, 3).unwrap()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn calls_are_found_by_their_tool_their_key_or_their_session() {
    let (_folder, store, id) = store();
    let query = InvocationQuery { tool: String::from("Bash"), ..InvocationQuery::default() };
    let of_session = InvocationQuery { session: Some(String::from("s")), ..query.clone() };
    let wrong = faults(&store, false, |store| {
        assert_eq!(store.invocations(&query, None, 20).unwrap().items.len(), 1);
        let since = InvocationQuery { since: Some(Micros(1)), until: Some(Micros(9)), ..query };
        assert_eq!(store.invocations(&since, None, 20).unwrap().items.len(), 1);
        assert_eq!(store.invocations(&of_session, None, 20).unwrap().items.len(), 1);
        store.invocation(id, 0).unwrap().unwrap();
        store.calls_alike(7).unwrap();
        store.inputs_of_session("s", 9, 20).unwrap();
        store.overdue_calls(Micros(i64::MAX), 20).unwrap();
        let query = ToolQuery { session: Some(String::from("s")), ..ToolQuery::default() };
        store.tools(&query).unwrap();
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_tools_calls_in_one_session_are_looked_for_in_the_sessions_flows() {
    let (_folder, store, _) = store();
    let (tool, session) = (String::from("Bash"), Some(String::from("s")));
    let query = InvocationQuery { tool, session, since: Some(Micros(1)), ..Default::default() };
    for cursor in [None, Some(&*crate::tools::cursor_of(9, 0))] {
        let plans = plans(&store, |store| {
            store.invocations(&query, cursor, 20).unwrap();
        });
        let [(sql, steps)] = &plans[..] else { panic!("{plans:?}") };
        assert!(steps[0].starts_with("SEARCH flows USING INDEX flows_by_session"), "{steps:?}");
        let is_by_flow =
            |step: &String| step.starts_with("SEARCH tool_calls USING PRIMARY KEY (flow=?");
        assert!(steps.iter().any(is_by_flow), "{steps:?}");
        let sorts = steps.iter().any(|step| step.starts_with("USE TEMP B-TREE"));
        assert!(!sorts, "{steps:?}: {sql}");
    }
}

#[test]
fn what_waits_behind_earlier_flows_of_its_session_is_known_by_the_sessions_index() {
    let (_folder, store, _) = store();
    let sql = "INSERT INTO totals (name, value) VALUES ('analysis_from', 1), ('analysis_to', 9)";
    store.job(move |site| site.conn.execute(sql, ())).unwrap();
    let wrong = faults(&store, false, |store| drop(store.unread(16).unwrap()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_listing_of_flows_reads_none_of_the_large_tables() {
    let (_folder, store, _) = store();
    let wrong = faults(&store, false, |store| {
        store.facets(None).unwrap();
        store.tunnels(100).unwrap();
        store.drops(None, 100).unwrap();
        store.readers().read(|conn| Ok(in_file(conn)?)).unwrap();
        store.stars().unwrap();
        store.settings().unwrap();
        store.upkeep_runs().unwrap();
        store.pages().unwrap();
        store.unindexed(16).unwrap();
        store.index_state().unwrap();
        store.unread(16).unwrap();
        store.tools(&ToolQuery::default()).unwrap();
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let query = SearchQuery::parse("some words").unwrap();
    for (filter, _) in filters() {
        let wrong = faults(&store, true, |store| {
            store.search(&query, Some(Place::Answer), &filter, None, 20).unwrap();
        });
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
