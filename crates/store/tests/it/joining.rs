//! Flows that are changed by what a transcript tells of them: a change as any other, in the sums, the star and the feed.

use std::sync::Arc;

use langley_model::{
    Attributed, Finding, FindingKind, FindingState, Flow, MicroUsd, Micros, Severity, ToldResponse,
    Usage,
};
use langley_store::{FindingFilter, Measure, Store, Tally, ToldFlow, UsageQuery};
use parking_lot::Mutex;

use crate::given::{Fixture, ended, of, options, redactor, seal};

const MADE: &str = "inferred-1";

/// A flow of a session that was inferred.
fn inferred(at: i64) -> Flow {
    let session = Attributed { id: MADE.to_owned(), source: "inferred" };
    Flow { session: Some(session), ..ended(at) }
}

/// Has a transcript tell of the flow at this time that it is of session `S`.
fn join(store: &Store, at: i64) -> u64 {
    join_all(store, &[at])
}

fn join_all(store: &Store, times: &[i64]) -> u64 {
    let told = ToldResponse {
        message_id: None,
        request_id: None,
        session: Some(String::from("S")),
        at: None,
        agent_id: None,
        model: None,
        provider: None,
        tier: None,
        usage: Usage::default(),
        cost: None,
    };
    let amend = |flow: &mut Flow, told: &ToldResponse| {
        flow.session = told.session.clone().map(|id| Attributed { id, source: "transcript" });
    };
    let told = |at: &i64| ToldFlow { key: *at, told: told.clone() };
    let told: Vec<ToldFlow> = times.iter().map(told).collect();
    store.join_told(&told, None, amend).unwrap()
}

#[test]
fn a_flow_that_is_joined_has_a_new_revision_and_is_announced_once() {
    let fixture = Fixture::new();
    let (one, other) = (inferred(1), inferred(2));
    fixture.write(vec![of(&one), of(&other)]);
    fixture.heard.lock().clear();
    assert_eq!((join(&fixture.store, 1), join(&fixture.store, 1)), (1, 0));
    let heard: Vec<_> = std::mem::take(&mut *fixture.heard.lock());
    assert_eq!(heard.len(), 1);
    let joined = fixture.store.flow(one.id).unwrap().unwrap();
    assert_eq!((joined.revision().0, heard[0].revision), (3, joined.revision()));
    assert_eq!(**heard[0].flow, *joined);
    assert_eq!(joined.session.as_ref().unwrap().id, "S");
    assert_eq!(fixture.store.counters().revision, 3);
    // What is recorded next is newer.
    let next = ended(3);
    fixture.write(vec![of(&next)]);
    assert_eq!(fixture.store.flow(next.id).unwrap().unwrap().revision().0, 4);
}

#[test]
fn a_flow_that_is_joined_is_summed_once_also_while_flows_of_an_earlier_version_are_added() {
    for is_earlier in [false, true] {
        let fixture = Fixture::new();
        let store = &fixture.store;
        fixture.write(vec![of(&inferred(1)), of(&inferred(2))]);
        if is_earlier {
            let conn = rusqlite::Connection::open(store.path()).unwrap();
            conn.execute_batch(
                "DELETE FROM rollups_hourly; DELETE FROM rollups_daily; DELETE FROM project_costs;
                 DELETE FROM sessions; DELETE FROM tasks; DELETE FROM session_agents;
                 INSERT INTO rollups_filled VALUES (2, -1); INSERT INTO tasks_filled VALUES (2, -1);",
            )
            .unwrap();
        }
        assert_eq!(join(store, 1), 1);
        store.sum_older_flows().unwrap();
        let all = store.usage(&UsageQuery::default()).unwrap().totals;
        assert_eq!(all.tally(Tally::Flows), 2);
        let flows = |id: &str| {
            let session = store.session(id).unwrap().unwrap();
            (session.sums.tally(Tally::Flows), session.sums.figure(Measure::Duration).flows)
        };
        let each = flows(MADE);
        assert_eq!((each.0, flows("S")), (1, each));
    }
}

#[test]
fn a_star_follows_flows_to_the_session_that_they_are_of() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    fixture.write(vec![of(&inferred(1)), of(&inferred(2))]);
    store.star(MADE, Micros(7)).unwrap().unwrap();
    let stars = || {
        let stars = store.stars().unwrap();
        stars.into_iter().map(|star| (star.session, star.starred_at.0)).collect::<Vec<_>>()
    };
    let star = |session: &str| (session.to_owned(), 7);
    join(store, 1);
    assert_eq!(stars(), [star("S"), star(MADE)], "a flow is left of the one that was inferred");
    join(store, 2);
    assert_eq!(stars(), [star("S")]);
}

#[test]
fn many_flows_are_joined_in_transactions_so_short_that_recording_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let heard: Arc<Mutex<Vec<usize>>> = Arc::default();
    let tell = Arc::clone(&heard);
    let store = Store::open(options(folder.path()), Box::new(move |it| tell.lock().push(it.len())))
        .unwrap();
    let times: Vec<i64> = (1..=100).collect();
    store.submit(seal(times.iter().map(|at| of(&inferred(*at))).collect())).unwrap();
    store.flush().unwrap();
    heard.lock().clear();
    assert_eq!(join_all(&store, &times), 100);
    let heard = std::mem::take(&mut *heard.lock());
    assert_eq!(heard.iter().sum::<usize>(), 100);
    assert!(heard.iter().all(|flows| *flows <= 32), "{heard:?}");
}

/// A finding that a flow shows of its session.
fn keep(store: &Store, flow: &Flow, cost: i64) -> i64 {
    let finding = Finding {
        kind: FindingKind::FailingTool,
        subject: "Edit".to_owned(),
        severity: Severity::Warning,
        session: flow.session.as_ref().map(|session| session.id.clone()),
        agent_id: None,
        title: String::new(),
        what: String::new(),
        why: None,
        next: String::new(),
        numbers: Vec::new(),
        baseline: None,
        flow: flow.id,
        beside: Vec::new(),
        cost: Some(MicroUsd(cost)),
    };
    store.keep_findings(vec![redactor().seal(finding)]).unwrap()[0]
}

#[test]
fn findings_follow_flows_to_the_session_that_they_are_of() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows = [1, 2, 3].map(inferred);
    fixture.write(flows.iter().map(of).collect());
    let id = keep(store, &flows[0], 10);
    keep(store, &flows[1], 20);
    keep(store, &flows[2], 30);
    assert!(store.judge_finding(id, FindingState::Muted).unwrap());
    let told = || {
        let found = store.findings(&FindingFilter::default(), None, 9).unwrap().items;
        let mut told: Vec<_> = found
            .into_iter()
            .map(|it| (it.finding.session.unwrap(), it.times, it.cost.unwrap().0, it.state))
            .collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        told
    };
    let of = |session: &str, times, cost| (session.to_owned(), times, cost, FindingState::Muted);
    assert_eq!(told(), [of(MADE, 3, 60)]);
    join(store, 1);
    assert_eq!(told(), [of("S", 1, 10), of(MADE, 2, 50)], "others show it of the other one");
    join(store, 2);
    assert_eq!(told(), [of("S", 2, 30), of(MADE, 1, 30)]);
    join(store, 3);
    assert_eq!(told(), [of("S", 3, 60)]);
    // One alone goes as it is.
    let alone = inferred(4);
    fixture.write(vec![crate::given::of(&alone)]);
    store
        .delete_flows(&langley_store::FlowFilter {
            session: Some("S".into()),
            ..Default::default()
        })
        .unwrap();
    let id = keep(store, &alone, 7);
    join(store, 4);
    let found = store.findings(&FindingFilter::default(), None, 9).unwrap().items;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].finding.session.as_deref()), (id, Some("S")));
}

#[test]
fn what_was_resolved_in_a_session_opens_again_with_what_a_flow_brings_into_it() {
    for (state, expected) in [
        (FindingState::Open, FindingState::Open),
        (FindingState::Acknowledged, FindingState::Open),
        (FindingState::Resolved, FindingState::Resolved),
        (FindingState::Muted, FindingState::Resolved),
    ] {
        let fixture = Fixture::new();
        let store = &fixture.store;
        let flows = [1, 2].map(inferred);
        fixture.write(flows.iter().map(of).collect());
        keep(store, &flows[0], 10);
        join(store, 1);
        let of_session = |session: &str| {
            let found = store.findings(&FindingFilter::default(), None, 9).unwrap().items;
            found.into_iter().find(|it| it.finding.session.as_deref() == Some(session)).unwrap()
        };
        assert!(store.judge_finding(of_session("S").id, FindingState::Resolved).unwrap());
        let id = keep(store, &flows[1], 20);
        store.judge_finding(id, state).unwrap();
        join(store, 2);
        assert_eq!(of_session("S").state, expected, "{state:?}");
        assert_eq!(of_session("S").times, 2);
    }
}

#[test]
fn what_is_found_of_a_day_stays_of_no_session() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flow = Flow { session: None, ..ended(1) };
    fixture.write(vec![of(&flow)]);
    for kind in [FindingKind::DailyBudget, FindingKind::SlowResponse] {
        let finding = Finding {
            kind,
            subject: "x".to_owned(),
            severity: Severity::Warning,
            session: None,
            agent_id: None,
            title: String::new(),
            what: String::new(),
            why: None,
            next: String::new(),
            numbers: Vec::new(),
            baseline: None,
            flow: flow.id,
            beside: Vec::new(),
            cost: None,
        };
        store.keep_findings(vec![redactor().seal(finding)]).unwrap();
    }
    join(store, 1);
    let found = store.findings(&FindingFilter::default(), None, 9).unwrap().items;
    let session =
        |kind| found.iter().find(|it| it.finding.kind == kind).unwrap().finding.session.clone();
    assert_eq!(session(FindingKind::DailyBudget), None);
    assert_eq!(session(FindingKind::SlowResponse).as_deref(), Some("S"));
}
