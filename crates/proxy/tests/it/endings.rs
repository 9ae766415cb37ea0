//! Every flow ends once, and a break is shown as a break.

use langley_model::{Break, Ending};
use langley_testkit::Request;

use crate::refusals::raw;
use crate::setup::setup;

#[tokio::test]
async fn a_request_in_no_valid_chunks_is_told_as_such() {
    let setup = setup().await;
    let request =
        b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n";
    raw(&setup, request).await;
    let flow = setup.recording.assert_ending(0, Ending::ClientGone).await;
    let how = flow.closed.and_then(|closed| closed.broke).expect("a break");
    let said = how.told_of("the agent");
    let begins = "the agent sent a body that is no valid chunked coding (Invalid chunk size";
    assert!(said.starts_with(begins), "{said}");
}

#[tokio::test]
async fn a_break_upstream_is_a_break_for_the_agent() {
    let setup = setup().await;
    let error = || Break::StreamReset("INTERNAL_ERROR".into());
    for (index, (wish, http2, how)) in [
        ("events=10;reset_after=3", false, Break::Reset),
        ("events=10;close_after=3", false, Break::Unannounced),
        ("events=10;reset_after=3", true, error()),
    ]
    .into_iter()
    .enumerate()
    {
        let client = if http2 { setup.forward().http2() } else { setup.forward() };
        let mut connection = client.connect().await.expect("a connection");
        let answer = connection.send(Request::messages(true).fixture(wish)).await;
        let broken = answer.expect("a head").whole().await;
        assert!(broken.is_err(), "{wish}: the agent saw a clean end");
        let flow = setup.recording.assert_ending(index, Ending::UpstreamGone).await;
        assert_eq!(flow.closed.and_then(|closed| closed.broke), Some(how), "{wish}");
    }
}

#[tokio::test]
async fn an_agent_that_leaves_stops_the_provider() {
    let setup = setup().await;
    for (index, http2) in [false, true].into_iter().enumerate() {
        setup.fixture.clear();
        let client = if http2 { setup.forward().http2() } else { setup.forward() };
        let mut connection = client.connect().await.expect("a connection");
        let request = Request::messages(true).fixture("events=9;stall=forever;stall_after=2");
        let mut answer = connection.send(request).await.expect("a head");
        answer.next_event().await.expect("no break");
        drop(answer);
        drop(connection);
        setup.recording.assert_ending(index, Ending::ClientGone).await;
        let gone = |e: &langley_fixture::Exchange| e.ended == langley_fixture::Ended::ClientGone;
        setup.provider_saw(|seen| seen.iter().any(gone).then_some(())).await;
    }
}

#[tokio::test]
async fn an_agent_that_leaves_before_the_head_is_noticed() {
    let setup = setup().await;
    let mut connection = setup.forward().connect().await.expect("a connection");
    let _held = setup.fixture.gate("never");
    let request = Request::messages(true).fixture("head_gate=never");
    let sending = connection.send(request);
    let arrived = setup.provider_saw(|seen| (!seen.is_empty()).then_some(()));
    tokio::select! {
        _ = sending => panic!("the head was held back"),
        () = arrived => {}
    }
    drop(connection);
    setup.recording.assert_ending(0, Ending::ClientGone).await;
}

#[tokio::test]
async fn an_early_answer_reaches_the_agent_while_it_uploads() {
    let setup = setup().await;
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::post("/v1/messages", "").chunked().fixture("status=413;early");
    let mut upload = connection.begin(request).await.expect("an upload");
    upload.data(vec![b'x'; 1000]).await.expect("a piece");
    let answer = upload.response().await.expect("an early answer");
    assert_eq!(answer.status, 413);
    drop(answer);
    drop(connection);
    setup.recording.wait_for(|flows| flows[0].closed.is_some().then_some(())).await;
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn a_shutdown_lets_a_running_answer_finish() {
    let setup = setup().await;
    let gate = setup.fixture.gate("rest");
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::messages(true).fixture("gate=rest;events=2");
    let mut answer = connection.send(request).await.expect("a head");
    answer.next_event().await.expect("no break");
    setup.shutdown.cancel();
    gate.open_wide();
    let rest = answer.whole().await.expect("the rest");
    assert!(rest.text().contains("message_stop"));
    setup.recording.assert_ending(0, Ending::Whole).await;
    setup.stop().await;
}
