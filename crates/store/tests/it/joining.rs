//! Flows that are changed by what a transcript tells of them: a change as any other, in the sums, the star and the feed.

use langley_model::{Attributed, Flow, Micros, ToldResponse, Usage};
use langley_store::{Measure, Store, Tally, ToldFlow, UsageQuery};

use crate::given::{Fixture, ended, of};

const MADE: &str = "inferred-1";

/// A flow of a session that was inferred.
fn inferred(at: i64) -> Flow {
    let session = Attributed { id: MADE.to_owned(), source: "inferred" };
    Flow { session: Some(session), ..ended(at) }
}

/// Has a transcript tell of the flow at this time that it is of session `S`.
fn join(store: &Store, at: i64) -> u64 {
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
    store.join_told(&[ToldFlow { key: at, told }], None, amend).unwrap()
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
