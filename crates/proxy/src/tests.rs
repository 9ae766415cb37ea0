//! One intercepted connection between two ends in memory, for tests whose clock stands still.

use std::sync::Arc;

use langley_model::{ConnectionId, Mode};
use langley_testkit::Recording;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::drive::Switch;
use crate::exchange::{Hellos, Route};
use crate::intercept::Intercepted;
use crate::leg::Leg;
use crate::limits::Limits;
use crate::observer::Observer;
use crate::upstream::Sender;

/// Bytes that may lie between two ends.
pub(crate) const ROOM: usize = 16 * 1024;
/// A request without a body.
pub(crate) const ASK: &[u8] = b"GET /v1/messages HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// Both ends of one intercepted HTTP/1.1 connection, in memory.
pub(crate) async fn connection(limits: Limits) -> Ends {
    let recording = Recording::new();
    let route = route(&recording, limits);
    let (agent, near) = duplex(ROOM);
    let (provider, far) = duplex(ROOM);
    let (sender, driver) = Sender::http1(far).await.unwrap();
    let intercepted = Intercepted { route, sender, sni: None, offers_connect: false };
    tokio::spawn(intercepted.serve_http1(near, driver, CancellationToken::new()));
    Ends { agent, provider, recording, begun: Instant::now() }
}

/// What its flows have in common.
pub(crate) fn route(recording: &Recording, limits: Limits) -> Route {
    Route {
        observer: Arc::new(Observer::new(recording.sink(), Arc::default())),
        connection: ConnectionId::new(),
        mode: Mode::Forward,
        scheme: "https",
        authority: Authority::new("a.example", 443),
        upstream: None,
        client: "127.0.0.1:1".parse().unwrap(),
        setup: Mutex::new(None),
        hellos: Hellos::default(),
        limits,
        switch: Switch::default(),
        leg: Leg::http1(),
    }
}

/// The ends, and what was recorded between them.
pub(crate) struct Ends {
    pub(crate) agent: DuplexStream,
    pub(crate) provider: DuplexStream,
    pub(crate) recording: Recording,
    pub(crate) begun: Instant,
}

impl Ends {
    /// The agent asks, and the provider has read it.
    pub(crate) async fn ask(&mut self, head: &[u8]) {
        self.agent.write_all(head).await.unwrap();
        until(&mut self.provider, "\r\n\r\n").await;
    }
}

/// Reads until `end` has come.
pub(crate) async fn until(stream: &mut DuplexStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        read.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}
