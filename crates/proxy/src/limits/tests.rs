//! Bounds on time, by a clock that stands still while anything moves.

use langley_model::Ending;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::tests::{ASK, Ends, ROOM, connection, until};

const IDLE: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(30);
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A connection with these bounds on time.
async fn bounded(idle: Option<Duration>, total: Option<Duration>) -> Ends {
    connection(Limits { idle, total, ..Limits::default() }).await
}

/// Waits for the flow's end, which must be by a bound.
async fn timed_out(ends: &Ends, bound: Duration) {
    let flow = ends.recording.assert_ending(0, Ending::TimedOut).await;
    assert_eq!(ends.begun.elapsed().as_secs(), bound.as_secs());
    let reason = flow.closed.unwrap().reason.unwrap();
    assert!(reason.contains("proxy.limits."), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_is_answered_for_in_its_own_error_shape() {
    for (idle, total, bound) in [(Some(IDLE), None, IDLE), (None, Some(TOTAL), TOTAL)] {
        let mut ends = bounded(idle, total).await;
        ends.ask(ASK).await;
        let head = until(&mut ends.agent, "\r\n\r\n").await.to_lowercase();
        assert!(head.starts_with("http/1.1 504"), "{head}");
        assert!(head.contains("x-langley-error: exchange_timed_out"), "{head}");
        let body = until(&mut ends.agent, "}}").await;
        assert!(body.starts_with(r#"{"type":"error","error":"#), "{body}");
        timed_out(&ends, bound).await;
        // The provider need not go on.
        assert_eq!(ends.provider.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_moves_is_never_cut() {
    let mut ends = bounded(Some(IDLE), Some(TOTAL)).await;
    ends.ask(ASK).await;
    ends.provider.write_all(STREAM).await.unwrap();
    until(&mut ends.agent, "\r\n\r\n").await;
    for _ in 0..50 {
        tokio::time::sleep(IDLE - Duration::from_secs(1)).await;
        ends.provider.write_all(b"2\r\n\n\n\r\n").await.unwrap();
        until(&mut ends.agent, "\n\n\r\n").await;
    }
    ends.provider.write_all(b"0\r\n\r\n").await.unwrap();
    until(&mut ends.agent, "0\r\n\r\n").await;
    ends.recording.assert_ending(0, Ending::Whole).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_falls_silent_is_broken_off() {
    let mut ends = bounded(Some(IDLE), None).await;
    ends.ask(ASK).await;
    ends.provider.write_all(STREAM).await.unwrap();
    let mut rest = Vec::new();
    ends.agent.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the break looks like an end");
    timed_out(&ends, IDLE).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_stream_has_its_time_as_a_whole() {
    let mut ends = bounded(None, Some(TOTAL)).await;
    ends.ask(ASK).await;
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n";
    ends.provider.write_all(head).await.unwrap();
    let dripping = async {
        while ends.provider.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
    };
    let mut rest = Vec::new();
    let (_, read) = tokio::join!(dripping, ends.agent.read_to_end(&mut rest));
    read.unwrap();
    assert!(rest.ends_with(b"\r\n\r\nxxxxx"), "{}", String::from_utf8_lossy(&rest));
    ends.recording.assert_ending(0, Ending::TimedOut).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_moves_is_not_idle() {
    let mut ends = bounded(Some(IDLE), None).await;
    ends.ask(b"POST /v1/messages HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\n").await;
    for _ in 0..9 {
        tokio::time::sleep(IDLE - Duration::from_secs(1)).await;
        ends.agent.write_all(b"x").await.unwrap();
        assert_eq!(ends.provider.read_u8().await.unwrap(), b'x');
    }
    ends.provider.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert!(until(&mut ends.agent, "\r\n\r\n").await.starts_with("HTTP/1.1 204"));
    ends.recording.assert_ending(0, Ending::Whole).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_waited_for() {
    let mut ends = bounded(Some(IDLE), None).await;
    ends.ask(ASK).await;
    let size = 64 * ROOM;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    let sending = async {
        ends.provider.write_all(head.as_bytes()).await.unwrap();
        ends.provider.write_all(&vec![b'x'; size]).await.unwrap();
    };
    let reading = async {
        tokio::time::sleep(20 * IDLE).await;
        until(&mut ends.agent, "\r\n\r\n").await;
        ends.agent.read_exact(&mut vec![0; size]).await.unwrap();
    };
    tokio::join!(sending, reading);
    ends.recording.assert_ending(0, Ending::Whole).await;
}
