//! Projects: kept with flows and sessions, found by, and followed where they change.

use langley_model::{Flow, Micros};
use langley_store::{CostQuery, FlowFilter, Measure, RepriceQuery, Store, Tally};
use rusqlite::Connection;

use crate::costs::{all_at, at_price};
use crate::given::{Fixture, ended, of, redactor, session};

fn of_project(at: i64, of: &str, project: Option<&str>) -> Flow {
    let mut flow = ended(at);
    (flow.session, flow.project) = (session(of), project.and_then(session));
    flow.provider = Some(langley_model::Provider::Anthropic);
    flow.usage.input = Some(langley_model::Tokens(1_000));
    at_price(&mut flow, "1");
    flow
}

fn sessions(store: &Store, project: &str) -> Vec<String> {
    let page = store.sessions((None, Some(project)), None, 9).unwrap();
    page.items.into_iter().map(|session| session.id).collect()
}

fn cost(store: &Store, project: &str) -> u64 {
    let query = CostQuery { project: Some(project.to_owned()), ..CostQuery::default() };
    store.costs(&query).unwrap().totals.figure(Measure::Cost).sum
}

#[test]
fn flows_and_sessions_are_found_by_their_project() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows = [
        of_project(10, "s-1", Some("/w/a")),
        of_project(20, "s-2", Some("/w/b")),
        of_project(30, "s-1", None),
        of_project(40, "s-3", None),
        of_project(50, "s-4", Some("/w/a")),
    ];
    fixture.write(flows.iter().map(of).collect());
    let read = store.flow(flows[0].id).unwrap().unwrap();
    assert_eq!(read.project, flows[0].project, "with its source");
    let filter =
        |project: &str| FlowFilter { project: Some(project.to_owned()), ..FlowFilter::default() };
    let found = |project| -> Vec<i64> {
        let page = store.flows(&filter(project), None, 9).unwrap();
        page.items.iter().map(|flow| flow.started_at.0).collect()
    };
    assert_eq!(found("/w/a"), [50, 10]);
    assert_eq!(
        (found("/w/b"), found("/w"), store.count_flows(&filter("/w/a")).unwrap()),
        (vec![20], vec![], 2)
    );
    assert_eq!(sessions(store, "/w/a"), ["s-4", "s-1"]);
    assert_eq!(sessions(store, "/w"), Vec::<String>::new());
    let told = |id| store.session(id).unwrap().unwrap().project;
    assert_eq!((told("s-1").as_deref(), told("s-3")), (Some("/w/a"), None));
    assert_eq!(store.session_cost("s-2").unwrap().unwrap().project.as_deref(), Some("/w/b"));
    // A session goes to another project with its newest flow.
    fixture.write(vec![of(&of_project(60, "s-1", Some("/w/b")))]);
    assert_eq!(
        (sessions(store, "/w/a"), sessions(store, "/w/b")),
        (vec!["s-4".to_owned()], vec!["s-1".to_owned(), "s-2".to_owned()])
    );
    // An older one, which comes later, does not take it back.
    fixture.write(vec![of(&of_project(5, "s-1", Some("/w/a")))]);
    assert_eq!(told("s-1").as_deref(), Some("/w/b"));
}

#[test]
fn what_a_project_costs_follows_its_flows_and_outlives_them() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let mut flow = of_project(10, "s", Some("/w/a"));
    fixture.write(vec![of(&flow), of(&of_project(20, "s", Some("/w/a")))]);
    assert_eq!((cost(store, "/w/a"), cost(store, "/w/b")), (2_000, 0));
    flow.project = session("/w/b");
    fixture.write(vec![of(&flow)]);
    assert_eq!((cost(store, "/w/a"), cost(store, "/w/b")), (1_000, 1_000));
    let all = redactor().seal(RepriceQuery::default());
    store.reprice(&all, "b", false, all_at("3")).unwrap();
    assert_eq!((cost(store, "/w/a"), cost(store, "/w/b")), (3_000, 3_000));
    let read = store.flow(flow.id).unwrap().unwrap();
    assert_eq!(read.project, flow.project, "pricing leaves it");
    store.delete_flows(&FlowFilter { until: Some(Micros(15)), ..FlowFilter::default() }).unwrap();
    assert_eq!((cost(store, "/w/a"), cost(store, "/w/b")), (3_000, 3_000));
    let query = CostQuery { project: Some("/w/b".into()), ..CostQuery::default() };
    assert_eq!(store.costs(&query).unwrap().totals.tally(Tally::Flows), 1);
}

#[test]
fn of_very_many_projects_in_a_day_the_last_are_told_as_one() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flow = |at| of_project(at, "s", Some(&format!("/w/{at}")));
    fixture.write((0..1_000).map(|at| of(&flow(at))).collect());
    let mut open = flow(1_000);
    (open.outcome, open.ended_at) = (None, None);
    let late = flow(1_001);
    fixture.write(vec![of(&open), of(&late), of(&of_project(1_002, "s", Some("/w/7")))]);
    // As it ends, its record says again what it said before.
    let mut ended = flow(1_000);
    ended.id = open.id;
    fixture.write(vec![of(&ended)]);
    let told = |project: &str| (cost(store, project), sessions(store, project).len());
    assert_eq!((told("(other)").0, cost(store, "/w/1000")), (2 * cost(store, "/w/3"), 0));
    assert_eq!(cost(store, "/w/7"), 2 * cost(store, "/w/3"), "it is known");
    let read = store.flow(late.id).unwrap().unwrap();
    assert_eq!(read.project.as_ref().unwrap().id, "(other)");
    // Another day has room for others, and what was told as one stays told so.
    let next = of_project(86_400_000_000, "s", Some("/w/next"));
    fixture.write(vec![of(&next)]);
    assert_eq!(cost(store, "/w/next"), cost(store, "/w/3"));
    assert_eq!(cost(store, "(other)"), 2 * cost(store, "/w/3"));
    store.delete_flows(&FlowFilter::default()).unwrap();
    assert_eq!(cost(store, "(other)"), 2 * cost(store, "/w/3"), "sums outlive their flows");
}

#[test]
fn a_flow_that_was_open_is_counted_once() {
    let fixture = Fixture::new();
    let mut flow = of_project(10, "s", Some("/w/a"));
    let (outcome, ended_at) = (flow.outcome.take(), flow.ended_at.take());
    fixture.write(vec![of(&flow)]);
    (flow.outcome, flow.ended_at) = (outcome, ended_at);
    fixture.write(vec![of(&flow)]);
    assert_eq!(cost(&fixture.store, "/w/a"), 1_000);
}

#[test]
fn a_project_is_looked_up_and_not_looked_for() {
    let fixture = Fixture::new();
    fixture.write(vec![of(&of_project(10, "s", Some("/w/a")))]);
    let conn = Connection::open(fixture.store.path()).unwrap();
    let plan = |sql: &str| -> String {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map((), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    let is = "project = (SELECT id FROM projects WHERE name = '/w/a')";
    let flows = plan(&format!("SELECT n FROM flows WHERE {is} ORDER BY n DESC LIMIT 9"));
    assert!(flows.contains("flows_by_project") && !flows.contains("TEMP B-TREE"), "{flows}");
    let sessions = plan(&format!(
        "SELECT session_id, newest FROM sessions WHERE {is} ORDER BY newest DESC, session_id DESC LIMIT 9"
    ));
    assert!(
        sessions.contains("sessions_by_project") && !sessions.contains("TEMP B-TREE"),
        "{sessions}"
    );
}
