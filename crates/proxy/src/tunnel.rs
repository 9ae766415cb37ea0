//! Opaque tunnels: bytes pass unread, each direction ends by itself, a reset of one side resets the other,
//! and only counts are kept.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::io::{InspectReader, InspectWriter};
use tokio_util::sync::CancellationToken;

use crate::dial::Dialed;

/// Once Langley stops, a tunnel on which nothing passes for this long is ended.
const QUIET: Duration = Duration::from_millis(500);

/// Bytes that have passed, to the provider and to the agent.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    up: AtomicU64,
    down: AtomicU64,
}

impl Passed {
    /// Bytes up and down so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.up.load(Ordering::Relaxed), self.down.load(Ordering::Relaxed))
    }
}

/// Copies until both directions have ended, or `shutdown` has come and nothing passes any more.
pub(crate) async fn copy(
    client: TcpStream,
    early: Bytes,
    upstream: Dialed,
    passed: &Passed,
    shutdown: CancellationToken,
) {
    let mut copying = pin!(copy_both(client, early, upstream, passed));
    tokio::select! {
        () = &mut copying => return,
        () = shutdown.cancelled() => {}
    }
    let mut before = None;
    while before != Some(passed.bytes()) {
        before = Some(passed.bytes());
        tokio::select! {
            () = &mut copying => return,
            () = tokio::time::sleep(QUIET) => {}
        }
    }
}

async fn copy_both(mut client: TcpStream, early: Bytes, upstream: Dialed, passed: &Passed) {
    let Dialed { stream: mut upstream, early: early_down } = upstream;
    passed.up.fetch_add(early.len() as u64, Ordering::Relaxed);
    passed.down.fetch_add(early_down.len() as u64, Ordering::Relaxed);
    if send(&mut upstream, early).await.is_err() || send(&mut client, early_down).await.is_err() {
        return;
    }
    // Counted as they pass, so that a reset does not lose the figures.
    let count = |counter: &AtomicU64, bytes: &[u8]| {
        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    };
    let client = InspectWriter::new(client, |bytes| count(&passed.down, bytes));
    let mut counted = InspectReader::new(client, |bytes| count(&passed.up, bytes));
    // Keeps half-closed connections open in the other direction.
    let copied = tokio::io::copy_bidirectional(&mut counted, &mut upstream).await;
    if copied.is_err() {
        // One side has broken off. Unread, nobody can say what was whole: a break must stay a break.
        for stream in [&counted.into_inner().into_inner(), &upstream] {
            let _already_gone = stream.set_zero_linger();
        }
    }
}

async fn send(to: &mut TcpStream, bytes: Bytes) -> io::Result<()> {
    if bytes.is_empty() { Ok(()) } else { to.write_all(&bytes).await }
}
