//! Tasks and subagents: listed, told from one another, and gone with their last flow.

use langley_model::{Attributed, Flow, INFERRED, Micros, Tokens};
use langley_store::{FlowFilter, Measure, Store, Tally, Task, TaskFilter};

use crate::given::{Fixture, ended, of, session};

fn worked(at: i64, task: &str, subagent: Option<&str>) -> Flow {
    let mut flow = ended(at);
    (flow.session, flow.task) = (session("s"), session(task));
    flow.agent_id = subagent.map(str::to_owned);
    flow.usage.output = Some(Tokens(1));
    flow
}

fn ids(tasks: &[Task]) -> String {
    tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>().join(" ")
}

fn list(store: &Store, filter: &TaskFilter) -> String {
    ids(&store.tasks(filter, None, 10).unwrap().items)
}

#[test]
fn tasks_are_listed_by_their_newest_flow_with_their_sums_and_go_with_their_last() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let mut flows: Vec<Flow> =
        (0..9).map(|at| worked(at * 10, ["a", "b", "c"][at as usize % 3], None)).collect();
    flows[8].task = session("a");
    flows[8].session = session("other");
    flows[3].preview = Some("words".into());
    fixture.write(flows.iter().map(of).collect());
    let all = TaskFilter::default();
    assert_eq!(list(store, &all), "a b c");
    let first = store.tasks(&all, None, 2).unwrap();
    let rest = store.tasks(&all, first.next_cursor.as_deref(), 2).unwrap();
    assert_eq!(
        (ids(&first.items), ids(&rest.items), rest.next_cursor),
        ("a b".into(), "c".into(), None)
    );
    assert!(store.tasks(&all, Some("no cursor"), 2).is_err());
    let since = TaskFilter { since: Some(Micros(70)), ..all.clone() };
    assert_eq!(list(store, &since), "a b");
    let of_session = TaskFilter { session: Some("other".into()), ..all.clone() };
    assert_eq!(list(store, &of_session), "a");

    let a = store.task("a").unwrap().unwrap();
    assert_eq!((a.first_at, a.last_at), (Micros(0), Micros(80)));
    assert_eq!((a.session.as_deref(), a.preview.as_deref()), (Some("other"), Some("words")));
    assert_eq!((a.sums.tally(Tally::Flows), a.sums.figure(Measure::Output).sum), (4, 4));
    assert_eq!(store.task("nobody").unwrap(), None);

    let b = FlowFilter { task: Some("b".into()), ..FlowFilter::default() };
    store.delete_flows(&b).unwrap();
    assert_eq!(list(store, &all), "a c");
}

#[test]
fn inferred_tasks_can_be_left_out_until_a_flow_says_otherwise() {
    let fixture = Fixture::new();
    let inferred = |at| {
        let mut flow = worked(at, "i", None);
        flow.task = Some(Attributed { id: "i".into(), source: INFERRED });
        flow
    };
    fixture.write(vec![of(&worked(1, "named", None)), of(&inferred(2)), of(&inferred(3))]);
    let stated = TaskFilter { stated: true, ..TaskFilter::default() };
    assert_eq!(list(&fixture.store, &TaskFilter::default()), "i named");
    assert_eq!(list(&fixture.store, &stated), "named");
    assert_eq!(fixture.store.task("i").unwrap().unwrap().source, Some(INFERRED));
    // An older flow is no newer word; a newer one is.
    fixture.write(vec![of(&worked(0, "i", None))]);
    assert_eq!(list(&fixture.store, &stated), "named");
    fixture.write(vec![of(&worked(4, "i", None))]);
    assert_eq!(list(&fixture.store, &stated), "i named");
}

#[test]
fn a_session_tells_its_subagents_and_not_its_own_agent() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows = [
        worked(10, "s", None),
        worked(20, "s", Some("b")),
        worked(30, "s", Some("a")),
        worked(40, "s", Some("b")),
        // Codex names the session's own thread as well.
        worked(50, "s", Some("s")),
    ];
    fixture.write(flows.iter().map(of).collect());
    let told = || {
        let agents = store.session_agents("s").unwrap().into_iter();
        agents
            .map(|it| (it.id, it.first_at.0, it.last_at.0, it.sums.tally(Tally::Flows)))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(), [("b".into(), 20, 40, 2), ("a".into(), 30, 30, 1)]);
    assert!(store.session_agents("nobody").unwrap().is_empty());
    let until = FlowFilter { until: Some(Micros(25)), ..FlowFilter::default() };
    store.delete_flows(&until).unwrap();
    assert_eq!(told(), [("b".into(), 20, 40, 1), ("a".into(), 30, 30, 1)]);
}
