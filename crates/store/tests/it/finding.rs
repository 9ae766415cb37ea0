//! Findings: kept once, however often they are seen, and gone with their flows.

use langley_model::{
    Finding, FindingKind, FindingNumber, FindingState, FindingUnit, Flow, KeptFinding, MicroUsd,
    Micros, Redacted, Severity, Tokens, ToolCall, ToolState, Violation,
};
use langley_store::{
    Analysis, CallEntry, FindingFilter, FlowFilter, RepriceQuery, Store, StoreError,
};

use crate::given::{Fixture, ended, of, redactor, session};

/// A finding of a tool that fails, as this flow shows it.
fn failing(flow: &Flow, tool: &str, cost: Option<i64>) -> Finding {
    Finding {
        kind: FindingKind::FailingTool,
        subject: tool.to_owned(),
        severity: Severity::Warning,
        session: Some(String::from("s")),
        agent_id: None,
        title: format!("{tool} fails"),
        what: format!("{tool} failed at {}", flow.started_at.0),
        why: None,
        next: String::from("Look at it."),
        numbers: vec![FindingNumber {
            name: String::from("failures"),
            value: flow.started_at.0,
            unit: FindingUnit::Count,
        }],
        baseline: None,
        flow: flow.id,
        beside: Vec::new(),
        cost: cost.map(MicroUsd),
    }
}

fn seal(finding: Finding) -> Redacted<Finding> {
    redactor().seal(finding)
}

fn keep(store: &Store, finding: Finding) -> Vec<i64> {
    store.keep_findings(vec![seal(finding)]).unwrap()
}

fn all(store: &Store) -> Vec<KeptFinding> {
    store.findings(&FindingFilter::default(), None, 500).unwrap().items
}

/// A store with flows that ended at these times.
fn with_flows<const N: usize>(times: [i64; N]) -> (Fixture, [Flow; N]) {
    let fixture = Fixture::new();
    let flows = times.map(ended);
    fixture.write(flows.iter().map(of).collect());
    (fixture, flows)
}

#[test]
fn the_same_finding_is_one_with_all_its_evidence() {
    let (fixture, [first, second, third]) = with_flows([100, 200, 300]);
    let store = &fixture.store;
    assert_eq!(keep(store, failing(&second, "Edit", Some(20))).len(), 1);
    let mut later = failing(&third, "Edit", None);
    later.beside = vec![first.id];
    keep(store, later);
    // An older one, found afterwards: the words stay those of the newest.
    keep(store, failing(&first, "Edit", Some(5)));
    let kept = all(store);
    let [one] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((one.times, one.cost), (3, Some(MicroUsd(25))));
    assert_eq!((one.first_at, one.last_at), (Micros(100), Micros(300)));
    assert_eq!(one.flows, [third.id, second.id, first.id]);
    assert_eq!(one.finding.what, "Edit failed at 300");
    assert_eq!(one.finding.number("failures"), Some(300));
}

#[test]
fn the_same_evidence_again_changes_nothing_but_what_it_says() {
    let (fixture, [flow]) = with_flows([100]);
    let store = &fixture.store;
    keep(store, failing(&flow, "Edit", Some(20)));
    let mut again = failing(&flow, "Edit", Some(30));
    again.what = String::from("looked at once more");
    assert_eq!(keep(store, again), [0_i64; 0], "nothing to be told");
    let kept = all(store);
    assert_eq!((kept[0].times, kept[0].cost), (1, Some(MicroUsd(30))));
    assert_eq!(kept[0].finding.what, "looked at once more");
}

#[test]
fn what_is_muted_stays_so_and_what_is_resolved_opens_again() {
    let (fixture, flows) = with_flows([100, 200]);
    let store = &fixture.store;
    let tools = ["open", "acknowledged", "muted", "resolved"];
    for (tool, state) in tools.into_iter().zip(FindingState::ALL) {
        let id = keep(store, failing(&flows[0], tool, None))[0];
        assert!(store.judge_finding(id, state).unwrap());
        keep(store, failing(&flows[0], tool, None));
        assert_eq!(store.finding(id).unwrap().unwrap().state, state, "the same evidence");
        assert_eq!(keep(store, failing(&flows[1], tool, None)), [id]);
    }
    let mut states: Vec<_> =
        all(store).iter().map(|kept| (kept.finding.subject.clone(), kept.state)).collect();
    states.sort();
    let wanted = [
        ("acknowledged", FindingState::Acknowledged),
        ("muted", FindingState::Muted),
        ("open", FindingState::Open),
        ("resolved", FindingState::Open),
    ];
    assert_eq!(states, wanted.map(|(tool, state)| (tool.to_owned(), state)));
    assert!(!store.judge_finding(99, FindingState::Muted).unwrap());
}

#[test]
fn the_dearest_come_first_and_pages_go_on_where_they_ended() {
    let (fixture, [early, late]) = with_flows([100, 200]);
    let store = &fixture.store;
    let severe = Finding { severity: Severity::Critical, ..failing(&early, "severe", None) };
    for finding in [
        failing(&early, "early", None),
        failing(&late, "late", None),
        failing(&early, "cheap", Some(1)),
        failing(&early, "dear", Some(900)),
        severe,
    ] {
        keep(store, finding);
    }
    let mut cursor = None;
    let mut subjects = Vec::new();
    loop {
        let page = store.findings(&FindingFilter::default(), cursor.as_deref(), 2).unwrap();
        assert_eq!(page.total, 5);
        subjects.extend(page.items.into_iter().map(|kept| kept.finding.subject));
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(subjects, ["dear", "cheap", "severe", "late", "early"]);
    let wrong = store.findings(&FindingFilter::default(), Some("x"), 2);
    assert!(matches!(wrong, Err(StoreError::Cursor)));
}

#[test]
fn a_filter_names_state_kind_session_and_time() {
    let (fixture, [early, late]) = with_flows([100, 200]);
    let store = &fixture.store;
    let id = keep(store, failing(&early, "early", None))[0];
    store.judge_finding(id, FindingState::Resolved).unwrap();
    let mut other = failing(&late, "late", None);
    (other.kind, other.session) = (FindingKind::CacheBreak, None);
    keep(store, other);
    let found = |filter: FindingFilter| -> Vec<String> {
        let page = store.findings(&filter, None, 10).unwrap();
        assert_eq!(page.total, page.items.len() as u64);
        page.items.into_iter().map(|kept| kept.finding.subject).collect()
    };
    let none = FindingFilter::default;
    // Kinds are told as if none were asked for, and by what else is.
    let kinds = |filter: FindingFilter| -> Vec<(FindingKind, u64, Option<i64>)> {
        let page = store.findings(&filter, None, 1).unwrap();
        page.kinds.iter().map(|it| (it.kind, it.findings, it.cost.map(|it| it.0))).collect()
    };
    let kind = Some(FindingKind::CacheBreak);
    let each = [(FindingKind::CacheBreak, 1, None), (FindingKind::FailingTool, 1, None)];
    assert_eq!(kinds(FindingFilter { kind, ..none() }), each);
    let states = vec![FindingState::Resolved];
    assert_eq!(kinds(FindingFilter { states, ..none() }), each[1..]);
    let states = vec![FindingState::Resolved, FindingState::Muted];
    assert_eq!(found(FindingFilter { states, ..none() }), ["early"]);
    let kind = Some(FindingKind::CacheBreak);
    assert_eq!(found(FindingFilter { kind, ..none() }), ["late"]);
    let session = Some(String::from("s"));
    assert_eq!(found(FindingFilter { session, ..none() }), ["early"]);
    assert_eq!(found(FindingFilter { since: Some(Micros(101)), ..none() }), ["late"]);
    assert_eq!(found(FindingFilter { until: Some(Micros(200)), ..none() }), ["early"]);
}

#[test]
fn a_finding_goes_with_the_last_flow_that_shows_it() {
    let (fixture, [first, second, third]) = with_flows([100, 200, 300]);
    let store = &fixture.store;
    let mut finding = failing(&second, "Edit", Some(20));
    finding.beside = vec![first.id, third.id];
    let id = keep(store, finding)[0];
    keep(store, failing(&third, "Edit", Some(7)));
    let until = |until: i64| FlowFilter { until: Some(Micros(until)), ..FlowFilter::default() };
    store.delete_flows(&until(201)).unwrap();
    let kept = store.finding(id).unwrap().unwrap();
    assert_eq!((kept.times, kept.cost), (1, Some(MicroUsd(7))));
    assert_eq!((kept.first_at, kept.flows.as_slice()), (Micros(300), &[third.id][..]));
    store.delete_flows(&until(301)).unwrap();
    assert_eq!(store.finding(id).unwrap(), None);
    assert_eq!(keep(store, failing(&third, "Edit", None)), [0_i64; 0], "its flow is gone");
    assert!(all(store).is_empty());
}

#[test]
fn a_flow_that_was_part_of_the_evidence_may_show_it_later() {
    let (fixture, [first, second]) = with_flows([100, 200]);
    let store = &fixture.store;
    let mut finding = failing(&second, "Edit", None);
    finding.beside = vec![first.id];
    keep(store, finding);
    assert_eq!(all(store)[0].times, 1);
    keep(store, failing(&first, "Edit", Some(1)));
    assert_eq!((all(store)[0].times, all(store)[0].cost), (2, Some(MicroUsd(1))));
    assert_eq!(all(store)[0].flows.len(), 2);
}

/// Says what is wrong about the first calls of a flow, as the analysis does.
fn tell_calls(store: &Store, flow: &Flow, wrong: &[Option<Violation>]) {
    let calls = (0..).zip(wrong).map(|(position, wrong)| {
        let mut call = ToolCall { name: String::from("Bash"), ..ToolCall::default() };
        call.state = ToolState::Orphaned;
        wrong.iter().for_each(|wrong| call.violations.insert(*wrong));
        let call = Some(redactor().seal(call));
        let findings = wrong.iter().map(|wrong| redactor().seal(violation(flow, *wrong))).collect();
        CallEntry { key: flow.started_at.0, position, call, executions: None, findings }
    });
    store.keep_analysis(Analysis { calls: calls.collect(), ..Analysis::default() }).unwrap();
}

fn violation(flow: &Flow, violation: Violation) -> Finding {
    let kind = FindingKind::LifecycleViolation;
    Finding { kind, ..failing(flow, violation.code(), None) }
}

#[test]
fn a_violation_that_did_not_happen_after_all_is_no_finding_any_more() {
    let (fixture, [first, second]) = with_flows([100, 200]);
    let store = &fixture.store;
    let (missing, twice) = (Violation::CallWithoutResult, Violation::DuplicateResult);
    tell_calls(store, &first, &[Some(missing), Some(missing)]);
    tell_calls(store, &second, &[Some(missing), Some(twice)]);
    let told = || -> Vec<(String, u64, i64)> {
        let line = |kept: KeptFinding| (kept.finding.subject, kept.times, kept.last_at.0);
        let mut told: Vec<_> = all(store).into_iter().map(line).collect();
        told.sort();
        told
    };
    let both = (missing.code().to_owned(), 2, 200);
    let other = (twice.code().to_owned(), 1, 200);
    assert_eq!(told(), [both.clone(), other.clone()]);
    tell_calls(store, &first, &[None]);
    assert_eq!(told(), [both, other.clone()], "another call of the flow has it still");
    tell_calls(store, &second, &[None]);
    assert_eq!(told(), [(missing.code().to_owned(), 1, 100), other.clone()]);
    tell_calls(store, &first, &[None, None]);
    assert_eq!(told(), [other]);
}

#[test]
fn a_call_and_what_is_wrong_about_it_are_kept_together_or_not_at_all() {
    let (fixture, [flow, other]) = with_flows([100, 200]);
    let store = &fixture.store;
    let missing = Violation::CallWithoutResult;
    tell_calls(store, &other, &[Some(missing)]);
    let conn = rusqlite::Connection::open(store.path()).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON finding_flows BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .unwrap();
    let call = ToolCall { state: ToolState::Orphaned, ..ToolCall::default() };
    let entry = CallEntry {
        key: flow.started_at.0,
        position: 0,
        call: Some(redactor().seal(call)),
        executions: None,
        findings: vec![redactor().seal(violation(&flow, missing))],
    };
    let analysis = Analysis { calls: vec![entry], ..Analysis::default() };
    store.keep_analysis(analysis.clone()).unwrap_err();
    // Who looks again finds no call, and so all that is wrong about it.
    assert_eq!(store.tool_calls(flow.id).unwrap().unwrap().into_inner(), []);
    conn.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(store.keep_analysis(analysis.clone()).unwrap().len(), 1);
    assert_eq!(store.tool_calls(flow.id).unwrap().unwrap().len(), 1);
    assert_eq!(all(store)[0].times, 2);
    assert_eq!(store.keep_analysis(analysis).unwrap().len(), 0, "the same again is no news");
}

#[test]
fn a_cost_that_no_evidence_says_any_more_is_unknown_and_not_zero() {
    let (fixture, [first, second]) = with_flows([100, 200]);
    let store = &fixture.store;
    keep(store, failing(&first, "gone", Some(20)));
    keep(store, failing(&second, "gone", None));
    keep(store, failing(&second, "unsaid", Some(20)));
    keep(store, failing(&second, "unsaid", None));
    keep(store, failing(&first, "left", Some(20)));
    keep(store, failing(&second, "left", Some(0)));
    store.delete_flows(&FlowFilter { until: Some(Micros(101)), ..FlowFilter::default() }).unwrap();
    let mut costs: Vec<_> =
        all(store).into_iter().map(|kept| (kept.finding.subject, kept.cost)).collect();
    costs.sort();
    let wanted = [("gone", None), ("left", Some(MicroUsd(0))), ("unsaid", None)];
    assert_eq!(costs, wanted.map(|(subject, cost)| (subject.to_owned(), cost)));
}

#[test]
fn findings_follow_flows_that_are_priced_anew() {
    let (fixture, flows) = with_flows([100, 200, 300]);
    let store = &fixture.store;
    let [dear, other, unpriced] = flows.map(|flow| {
        let mut flow = flow;
        flow.usage.output = Some(Tokens(9));
        flow.model = Some(if flow.started_at.0 == 300 { "new" } else { "known" }.to_owned());
        flow.cost = (flow.started_at.0 != 300).then_some(MicroUsd(50));
        flow
    });
    fixture.write([&dear, &other, &unpriced].map(of).to_vec());
    let of_kind = |flow: &Flow, kind, subject: &str, cost| Finding {
        kind,
        session: None,
        ..failing(flow, subject, cost)
    };
    let broken = FindingKind::CacheBreak;
    keep(store, of_kind(&dear, FindingKind::ExpensiveRequest, "one", Some(50)));
    keep(store, of_kind(&dear, broken, "system", Some(40)));
    keep(store, of_kind(&unpriced, FindingKind::UnpricedModel, "new", None));
    keep(store, of_kind(&other, FindingKind::UnpricedModel, "known", None));
    let read = store.unread(9).unwrap().iter().map(|it| (it.key, it.revision)).collect();
    store.keep_analysis(Analysis { read, ..Analysis::default() }).unwrap();
    assert_eq!(store.unread(9).unwrap(), []);
    let told = || -> Vec<(FindingKind, String, Option<i64>)> {
        let line = |it: KeptFinding| {
            (it.finding.kind, it.finding.subject, it.cost.map(|MicroUsd(cost)| cost))
        };
        let mut told: Vec<_> = all(store).into_iter().map(line).collect();
        told.sort_by_key(|(kind, ..)| kind.as_str());
        told
    };
    let reprice = |model: &str, cost| {
        let query = RepriceQuery { model: Some(model.to_owned()), ..RepriceQuery::default() };
        let price = Box::new(move |flow: &mut Flow| flow.cost = cost);
        store.reprice(&redactor().seal(query), "b", false, price).unwrap();
    };
    // What had its price anyway is settled by any run, what has none yet is not.
    reprice("known", Some(MicroUsd(70)));
    let waiting = || -> Vec<i64> { store.unread(9).unwrap().iter().map(|it| it.key).collect() };
    assert_eq!(waiting(), [100, 200], "those that show something are looked at again");
    let rest = [
        (broken, String::from("system"), Some(40)),
        (FindingKind::ExpensiveRequest, String::from("one"), Some(70)),
    ];
    let open = (FindingKind::UnpricedModel, String::from("new"), None);
    assert_eq!(told(), [rest.as_slice(), std::slice::from_ref(&open)].concat());
    reprice("new", None);
    assert_eq!(told().last(), Some(&open));
    reprice("new", Some(MicroUsd(1)));
    assert_eq!(told(), rest);
    assert_eq!(waiting(), [100, 200, 300]);
}

#[test]
fn damaged_words_of_a_finding_keep_no_flow_from_its_new_price() {
    let (fixture, [flow]) = with_flows([100]);
    let store = &fixture.store;
    let unpriced =
        Finding { kind: FindingKind::UnpricedModel, session: None, ..failing(&flow, "new", None) };
    keep(store, unpriced);
    let conn = rusqlite::Connection::open(store.path()).unwrap();
    conn.execute("UPDATE findings SET words = '{'", ()).unwrap();
    let price = Box::new(|flow: &mut Flow| flow.cost = Some(MicroUsd(7)));
    let query = redactor().seal(RepriceQuery::default());
    store.reprice(&query, "b", false, price).unwrap();
    assert_eq!(store.flow(flow.id).unwrap().unwrap().cost, Some(MicroUsd(7)));
    let left: i64 = conn.query_row("SELECT count(*) FROM findings", (), |row| row.get(0)).unwrap();
    assert_eq!(left, 1, "what it says is not known, so nothing settles it");
}

#[test]
fn what_evidence_comes_to_is_told_of_any_span_of_time() {
    let (fixture, flows) = with_flows([100, 200, 300]);
    let store = &fixture.store;
    for flow in &flows {
        keep(store, failing(flow, "Edit of a", Some(flow.started_at.0)));
    }
    keep(store, failing(&flows[1], "Read", None));
    let other = Finding { kind: FindingKind::CacheBreak, ..failing(&flows[1], "x", Some(1)) };
    keep(store, other);
    let told = |since: Option<i64>, until: Option<i64>| {
        let mut told = Vec::new();
        let span = (since.map(Micros), until.map(Micros));
        let see = |share: langley_store::FindingShare| {
            told.push((share.subject, share.times, share.cost.map(|cost| cost.0)));
        };
        store.finding_shares(FindingKind::FailingTool, span, see).unwrap();
        told
    };
    let edit = |times, cost| (String::from("Edit of a"), times, Some(cost));
    let read = (String::from("Read"), 1, None);
    assert_eq!(told(None, None), [edit(3, 600), read.clone()]);
    assert_eq!(told(Some(200), None), [edit(2, 500), read.clone()]);
    assert_eq!(told(Some(101), Some(300)), [edit(1, 200), read]);
    assert_eq!(told(Some(201), Some(300)), [], "it was seen before and after");
}

#[test]
fn what_an_earlier_version_told_too_often_is_put_right() {
    let (fixture, [first, second]) = with_flows([100, 200]);
    let store = &fixture.store;
    let (missing, twice) = (Violation::CallWithoutResult, Violation::DuplicateResult);
    tell_calls(store, &first, &[None, Some(twice)]);
    keep(store, violation(&first, missing));
    keep(store, violation(&first, twice));
    let budget = |flow: &Flow, cost| Finding {
        kind: FindingKind::DailyBudget,
        ..failing(flow, "0", Some(cost))
    };
    keep(store, budget(&first, 30));
    keep(store, budget(&second, 70));
    let path = fixture.folder.path().join("langley.db");
    fixture.store.clone().close();
    let conn = rusqlite::Connection::open(&path).unwrap();
    let again = include_str!("../../migrations/0022_evidence.sql");
    conn.execute_batch(&format!("DROP INDEX findings_by_kind; {again}")).unwrap();
    let mut found =
        conn.prepare("SELECT kind, times, micro_usd FROM findings ORDER BY kind").unwrap();
    let found = found.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let found: Vec<(String, i64, Option<i64>)> = found.unwrap().map(Result::unwrap).collect();
    let kind = |kind: FindingKind| kind.as_str().to_owned();
    let wanted = [
        (kind(FindingKind::DailyBudget), 1, Some(30)),
        (kind(FindingKind::LifecycleViolation), 1, None),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn earlier_flows_are_all_there_are_where_no_other_was_analysed() {
    let fixture = Fixture::new();
    let in_session = |at: i64, ended_at: i64| Flow {
        session: session("s"),
        ended_at: Some(Micros(ended_at)),
        ..ended(at)
    };
    // The second one goes on beside the last.
    let flows = [in_session(10, 15), in_session(20, 90), in_session(30, 35), in_session(50, 55)];
    fixture.write(flows.iter().map(of).collect());
    let store = &fixture.store;
    let before = |most| {
        let earlier = store.ended_before(&flows[3], most).unwrap();
        let times: Vec<i64> = earlier.flows.iter().map(|flow| flow.started_at.0).collect();
        (times, earlier.is_all)
    };
    let analysed = |flow: &Flow| {
        let next = store.unread(9).unwrap().into_iter().find(|next| next.flow == flow.id).unwrap();
        let read = vec![(next.key, next.revision)];
        store.keep_analysis(Analysis { read, ..Analysis::default() }).unwrap();
    };
    analysed(&flows[0]);
    analysed(&flows[2]);
    assert_eq!(before(9), (vec![10, 30], true));
    assert_eq!(before(1), (vec![30], false));
    analysed(&flows[1]);
    assert_eq!(before(9), (vec![10, 30], false), "one of them is missing");
}

#[test]
fn damaged_findings_hide_none_of_the_others_however_many_there_are() {
    let (fixture, [flow]) = with_flows([100]);
    let store = &fixture.store;
    for at in 0..9 {
        keep(store, failing(&flow, &at.to_string(), Some(at)));
    }
    let conn = rusqlite::Connection::open(store.path()).unwrap();
    for damage in [
        "words = '{' WHERE micro_usd IN (4, 5, 6)",
        "severity = 'x' WHERE micro_usd = 7",
        "kind = 'x' WHERE micro_usd = 2",
    ] {
        conn.execute(&format!("UPDATE findings SET {damage}"), ()).unwrap();
    }
    for limit in [1, 2, 3, 500] {
        let (mut cursor, mut subjects) = (None, Vec::new());
        loop {
            let page = store.findings(&FindingFilter::default(), cursor.as_deref(), limit).unwrap();
            subjects.extend(page.items.into_iter().map(|kept| kept.finding.subject));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(subjects, ["8", "3", "1", "0"], "pages of {limit}");
    }
}

#[test]
fn damaged_words_keep_no_store_from_being_brought_up_to_date() {
    let (fixture, [flow]) = with_flows([100]);
    keep(&fixture.store, violation(&flow, Violation::CallWithoutResult));
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute("UPDATE findings SET words = '{'", ()).unwrap();
    let again = include_str!("../../migrations/0022_evidence.sql");
    conn.execute_batch(&format!("DROP INDEX findings_by_kind; {again}")).unwrap();
    let times = conn.query_row("SELECT times FROM findings", (), |row| row.get::<_, i64>(0));
    assert_eq!(times.unwrap(), 1, "nobody can tell that it was taken back");
}

#[test]
fn costs_that_no_number_holds_hide_no_finding() {
    let (fixture, [early, late]) = with_flows([100, 200]);
    let store = &fixture.store;
    keep(store, failing(&early, "early", Some(i64::MAX)));
    keep(store, failing(&late, "late", Some(i64::MAX)));
    let page = store.findings(&FindingFilter::default(), None, 10).unwrap();
    assert_eq!((page.items.len(), page.total), (2, 2));
    assert_eq!(page.kinds[0].cost, Some(MicroUsd(i64::MAX)));
}
