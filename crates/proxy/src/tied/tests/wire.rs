//! An agent and a provider that speak in frames (RFC 9113 §4.1), with one intercepted connection of HTTP/2
//! between them, in memory.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use langley_testkit::Recording;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_util::sync::CancellationToken;

use crate::exchange::Route;
use crate::intercept::Intercepted;
use crate::leg::Leg;
use crate::limits::Limits;
use crate::tests::{ROOM, route};
use crate::upstream::Sender;

/// Types of frames (RFC 9113 §6).
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// Flags (the same bit is ACK for SETTINGS and PING).
pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What the largest frame holds that needs no agreement.
const FRAME_MAX: usize = 16 * 1024;

/// Heads, by the static table of HPACK (RFC 7541 §A): `GET https://a.example/`, the same by an extended CONNECT
/// for a WebSocket, and a status of 200.
const GET: &[u8] = b"\x82\x87\x84\x01\x09a.example";
const CONNECT: &[u8] = b"\x02\x07CONNECT\x87\x84\x01\x09a.example\x00\x09:protocol\x09websocket";
const OK: &[u8] = b"\x88";

/// Both ends, and what was recorded between them.
pub(super) struct Ends {
    pub(super) agent: Wire,
    pub(super) provider: Wire,
    pub(super) recording: Recording,
    /// The agent's connection, from below.
    pub(super) leg: Arc<Leg>,
}

/// One end.
pub(super) struct Wire(DuplexStream);

/// What an end says.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// Two ends that have greeted each other's counterparts. The agent lets its connection carry much, and each
/// stream no more than 65,535 bytes.
pub(super) async fn ends() -> Ends {
    let recording = Recording::new();
    let leg = Leg::tied();
    let route = Route { leg: Arc::clone(&leg), ..route(&recording, Limits::default()) };
    let (agent, near) = duplex(ROOM);
    let (provider, far) = duplex(ROOM);
    let (sender, driver) = Sender::http2(far).await.unwrap();
    let intercepted = Intercepted { route, sender, sni: None, offers_connect: true };
    tokio::spawn(intercepted.serve_http2(near, driver, CancellationToken::new()));
    let (mut agent, mut provider) = (Wire(agent), Wire(provider));
    agent.0.write_all(PREFACE).await.unwrap();
    agent.say(SETTINGS, 0, 0, &[]).await;
    agent.say(SETTINGS, ACK, 0, &[]).await;
    agent.widen(0).await;
    provider.0.read_exact(&mut [0; PREFACE.len()]).await.unwrap();
    // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3).
    provider.say(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1]).await;
    provider.say(SETTINGS, ACK, 0, &[]).await;
    while provider.until(SETTINGS).await.flags != ACK {}
    Ends { agent, provider, recording, leg }
}

/// What must happen, and not hang.
async fn within<T>(happening: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), happening).await.expect("no end in time")
}

impl Wire {
    pub(super) async fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        within(self.0.write_all(&[&head, payload].concat())).await.unwrap();
    }

    /// Says nothing more.
    pub(super) async fn leave(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// Asks for an answer.
    pub(super) async fn ask(&mut self, stream: u32) {
        self.say(HEADERS, END_HEADERS | END_STREAM, stream, GET).await;
    }

    /// Asks for a WebSocket.
    pub(super) async fn ask_to_switch(&mut self, stream: u32) {
        self.say(HEADERS, END_HEADERS, stream, CONNECT).await;
    }

    /// Begins an answer.
    pub(super) async fn begin(&mut self, stream: u32) {
        self.say(HEADERS, END_HEADERS, stream, OK).await;
    }

    /// Sends so many bytes of an answer.
    pub(super) async fn send(&mut self, stream: u32, bytes: usize, end: u8) {
        let content = vec![b'x'; bytes];
        let mut pieces = content.chunks(FRAME_MAX).peekable();
        while let Some(piece) = pieces.next() {
            let flags = if pieces.peek().is_none() { end } else { 0 };
            self.say(DATA, flags, stream, piece).await;
        }
    }

    /// Lets the other end send a megabyte more.
    pub(super) async fn widen(&mut self, stream: u32) {
        self.say(WINDOW_UPDATE, 0, stream, &(1u32 << 20).to_be_bytes()).await;
    }

    /// The next frame; none at the connection's end.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        within(self.0.read_exact(&mut head)).await.ok()?;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        let mut payload = vec![0; number(&head[..3]) as usize];
        within(self.0.read_exact(&mut payload)).await.unwrap();
        Some(Frame { kind: head[3], flags: head[4], stream: number(&head[5..]), payload })
    }

    /// The next frame of that type.
    pub(super) async fn until(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.expect("a frame before the end");
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Reads so many bytes of an answer.
    pub(super) async fn take(&mut self, stream: u32, bytes: usize) {
        let mut taken = 0;
        while taken < bytes {
            let frame = self.until(DATA).await;
            taken += if frame.stream == stream { frame.payload.len() } else { 0 };
        }
        assert_eq!(taken, bytes);
    }

    /// Everything up to the connection's end.
    pub(super) async fn rest(&mut self) -> Rest {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        Rest(frames)
    }
}

/// The last frames of a connection.
#[derive(Debug)]
pub(super) struct Rest(Vec<Frame>);

impl Rest {
    /// Bytes of an answer.
    pub(super) fn bytes(&self, stream: u32) -> usize {
        self.data(stream).map(|frame| frame.payload.len()).sum()
    }

    /// Whether an answer has ended in order.
    pub(super) fn has_ended(&self, stream: u32) -> bool {
        self.data(stream).any(|frame| frame.flags & END_STREAM != 0)
    }

    /// Whether neither a stream nor the connection was given up in words.
    pub(super) fn is_wordless(&self) -> bool {
        self.0.iter().all(|frame| !matches!(frame.kind, RST_STREAM | GOAWAY))
    }

    fn data(&self, stream: u32) -> impl Iterator<Item = &Frame> {
        self.0.iter().filter(move |frame| frame.kind == DATA && frame.stream == stream)
    }
}
