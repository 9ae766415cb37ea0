//! Bounds on time, by a clock that stands still while anything moves.

use std::sync::Arc;

use langley_model::{ConnectionId, Mode};
use langley_testkit::Recording;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::authority::Authority;
use crate::drive::Switch;
use crate::exchange::Route;
use crate::intercept::Intercepted;
use crate::observer::Observer;
use crate::upstream::Sender;

const IDLE: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(30);
const ROOM: usize = 16 * 1024;
const ASK: &[u8] = b"GET /v1/messages HTTP/1.1\r\nHost: a.example\r\n\r\n";
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Both ends of one intercepted HTTP/1.1 connection, in memory.
async fn connection(idle: Option<Duration>, total: Option<Duration>) -> Ends {
    let recording = Recording::new();
    let route = Route {
        observer: Arc::new(Observer::new(recording.sink())),
        connection: ConnectionId::new(),
        mode: Mode::Forward,
        scheme: "https",
        authority: Authority::new("a.example", 443),
        upstream: None,
        client: "127.0.0.1:1".parse().unwrap(),
        setup: Mutex::new(None),
        ja4_in: None,
        limits: Limits { idle, total, ..Limits::default() },
        switch: Switch::default(),
    };
    let (agent, near) = duplex(ROOM);
    let (provider, far) = duplex(ROOM);
    let (sender, driver) = Sender::http1(far).await.unwrap();
    let intercepted = Intercepted { route, sender, sni: None, offers_connect: false };
    tokio::spawn(intercepted.serve_http1(near, driver, CancellationToken::new()));
    Ends { agent, provider, recording, begun: Instant::now() }
}

struct Ends {
    agent: DuplexStream,
    provider: DuplexStream,
    recording: Recording,
    begun: Instant,
}

impl Ends {
    /// The agent asks, and the provider has read it.
    async fn ask(&mut self, head: &[u8]) {
        self.agent.write_all(head).await.unwrap();
        until(&mut self.provider, "\r\n\r\n").await;
    }

    /// Waits for the flow's end, which must be by a bound.
    async fn timed_out(&self, bound: Duration) {
        let flow = self.recording.assert_ending(0, Ending::TimedOut).await;
        assert_eq!(self.begun.elapsed().as_secs(), bound.as_secs());
        let reason = flow.closed.unwrap().reason.unwrap();
        assert!(reason.contains("proxy.limits."), "{reason}");
    }
}

/// Reads until `end` has come.
async fn until(stream: &mut DuplexStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        read.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_is_answered_for_in_its_own_error_shape() {
    for (idle, total, bound) in [(Some(IDLE), None, IDLE), (None, Some(TOTAL), TOTAL)] {
        let mut ends = connection(idle, total).await;
        ends.ask(ASK).await;
        let head = until(&mut ends.agent, "\r\n\r\n").await.to_lowercase();
        assert!(head.starts_with("http/1.1 504"), "{head}");
        assert!(head.contains("x-langley-error: exchange_timed_out"), "{head}");
        let body = until(&mut ends.agent, "}}").await;
        assert!(body.starts_with(r#"{"type":"error","error":"#), "{body}");
        ends.timed_out(bound).await;
        // The provider need not go on.
        assert_eq!(ends.provider.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_moves_is_never_cut() {
    let mut ends = connection(Some(IDLE), Some(TOTAL)).await;
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
    let mut ends = connection(Some(IDLE), None).await;
    ends.ask(ASK).await;
    ends.provider.write_all(STREAM).await.unwrap();
    let mut rest = Vec::new();
    ends.agent.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the break looks like an end");
    ends.timed_out(IDLE).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_stream_has_its_time_as_a_whole() {
    let mut ends = connection(None, Some(TOTAL)).await;
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
    let mut ends = connection(Some(IDLE), None).await;
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
    let mut ends = connection(Some(IDLE), None).await;
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
