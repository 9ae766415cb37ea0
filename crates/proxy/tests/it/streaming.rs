//! Bytes move as they come, in both directions, whatever the recorder does.

use langley_model::{Ending, Side};
use langley_testkit::Request;

use crate::setup::setup;

#[tokio::test]
async fn the_first_event_arrives_before_the_provider_sends_the_second() {
    let setup = setup().await;
    let gate = setup.fixture.gate("second");
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::messages(true).fixture("gate=second;events=3");
    let mut answer = connection.send(request).await.expect("an answer");
    let first = answer.next_event().await.expect("no break").expect("an event");
    assert!(first.contains("message_start"), "{first}");
    gate.open_wide();
    while answer.next_event().await.expect("no break").is_some() {}
    setup.recording.assert_ending(0, Ending::Whole).await;
}

#[tokio::test]
async fn the_first_byte_of_an_upload_arrives_before_the_last_is_sent() {
    let setup = setup().await;
    for http2 in [false, true] {
        setup.fixture.clear();
        let client = if http2 { setup.forward().http2() } else { setup.forward() };
        let mut connection = client.connect().await.expect("a connection");
        let request = Request::post("/v1/messages", "").chunked();
        let mut upload = connection.begin(request).await.expect("an upload");
        upload.data("{\"model\":").await.expect("a piece");
        setup.provider_saw(|seen| seen.iter().any(|e| e.body_bytes > 0).then_some(())).await;
        upload.data("\"claude-test-1\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}").await.expect("a piece");
        upload.finish(&[]).await.expect("the end");
        let answer = upload.response().await.expect("an answer").whole().await.expect("a body");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn a_recorder_that_takes_nothing_changes_nothing_but_the_gap_counts() {
    let setup = setup().await;
    setup.recording.refuse_pieces(true);
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::messages(true).fixture("events=400;size=200");
    let answer = connection.fetch(request).await.expect("an answer");
    assert!(answer.text().contains("message_stop"));
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    let closed = flow.closed.expect("it ended");
    assert!(flow.response.is_empty());
    assert_eq!(closed.response_gap.bytes, answer.body.len() as u64);
    assert_eq!(closed.response_bytes, answer.body.len() as u64);
    assert_eq!(closed.status, Some(200));
    let tail = closed.response_tail.expect("a tail");
    assert!(tail.len() <= langley_model::KEPT_TAIL && answer.body.ends_with(&tail));
}

#[tokio::test]
async fn a_refused_flow_is_carried_all_the_same() {
    let setup = setup().await;
    setup.recording.refuse_flows(true);
    let mut connection = setup.forward().connect().await.expect("a connection");
    assert_eq!(connection.fetch(Request::messages(false)).await.expect("an answer").status, 200);
    assert!(setup.recording.flows().is_empty());
}

#[tokio::test]
async fn what_the_recorder_no_longer_wants_is_counted_and_is_no_gap() {
    let setup = setup().await;
    let gate = setup.fixture.gate("rest");
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::messages(true).fixture("gate=rest;events=9;size=300");
    let mut answer = connection.send(request).await.expect("a head");
    answer.next_event().await.expect("no break");
    setup.recording.flows()[0].opened.interest.satisfy(Side::Upstream);
    gate.open_wide();
    assert!(answer.whole().await.expect("the rest").text().contains("message_stop"));
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    let closed = flow.closed.expect("it ended");
    assert!(closed.response_bytes > flow.response.len() as u64 + 2000, "{closed:?}");
    assert_eq!(closed.response_gap.chunks, 0);
}

#[tokio::test]
async fn pieces_that_have_arrived_travel_together() {
    let setup = setup().await;
    let gate = setup.fixture.gate("rest");
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::messages(true).fixture("gate=rest;events=2000;size=20");
    let answer = connection.send(request).await.expect("a head");
    gate.open_wide();
    let body = answer.whole().await.expect("the rest").body;
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert!(flow.response == body, "the agent and the recorder saw different bytes");
    // The provider writes each event apart.
    assert!(flow.response_pieces < 1000, "{} pieces", flow.response_pieces);
}
