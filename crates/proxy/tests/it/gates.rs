//! What the user's rules refuse: answered in the provider's shape, recorded whole, and never forwarded.

use std::sync::Arc;

use langley_fixture::FixtureOptions;
use langley_model::{Barred, Barrier, Ending, Gate, PublishedGate, Redactor, RedactorOptions};
use langley_testkit::Request;

use crate::setup::setup_with;

fn gate(session: Option<&str>) -> Gate {
    let answer = Barred {
        status: 402,
        code: "budget_spent",
        message: "the budget is spent; raise it".into(),
    };
    let sessions = session.map(|session| [session.to_owned()].into());
    let barriers = vec![Barrier { sessions, agent: None, answer }];
    let redactor = Arc::new(Redactor::new(RedactorOptions::default()).expect("rules"));
    Gate { redactor, agent_of: |_| None, barriers }
}

#[tokio::test]
async fn what_is_barred_is_answered_by_langley_until_it_is_not_any_more() {
    let published = Arc::new(PublishedGate::default());
    let gates = Arc::clone(&published);
    let setup = setup_with(FixtureOptions::default(), |options, _| options.gate = gates).await;
    let mut flow = 0;
    for http2 in [false, true] {
        let client = if http2 { setup.forward().http2() } else { setup.forward() };
        let mut connection = client.connect().await.expect("a connection");
        published.publish(gate(None));
        let before = setup.fixture.exchanges().len();
        let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
        assert_eq!(answer.status, 402);
        assert_eq!(answer.headers.value("x-langley-error"), Some("budget_spent"));
        assert!(answer.text().starts_with(r#"{"type":"error","error":{"type":"billing_error""#));
        assert!(answer.text().contains("the budget is spent; raise it"), "{}", answer.text());
        assert_eq!(setup.fixture.exchanges().len(), before, "nothing got to the provider");
        let recorded = setup.recording.assert_ending(flow, Ending::Refused).await;
        assert!(!recorded.request.is_empty(), "what was asked is on record");
        assert_eq!(recorded.closed.and_then(|closed| closed.code), Some("budget_spent"));

        published.publish(Gate { barriers: Vec::new(), ..gate(None) });
        let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
        assert_eq!(answer.status, 200, "the same connection serves again");
        setup.recording.assert_ending(flow + 1, Ending::Whole).await;
        flow += 2;
    }
}

#[tokio::test]
async fn a_barrier_for_a_session_lets_the_others_pass() {
    let published = Arc::new(PublishedGate::default());
    let gates = Arc::clone(&published);
    let setup = setup_with(FixtureOptions::default(), |options, _| options.gate = gates).await;
    published.publish(gate(Some("s-1")));
    let mut connection = setup.forward().connect().await.expect("a connection");
    let asked = [("s-2", 200), ("s-1", 402), ("s-2", 200)];
    for (flow, (session, status)) in asked.into_iter().enumerate() {
        let request = Request::messages(false).header("x-claude-code-session-id", session);
        let answer = connection.fetch(request).await.expect("an answer");
        assert_eq!(answer.status, status, "{session}");
        let ending = if status == 402 { Ending::Refused } else { Ending::Whole };
        setup.recording.assert_ending(flow, ending).await;
    }
}
