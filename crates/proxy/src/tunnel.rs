//! Opaque tunnels: bytes pass unread, each direction ends by itself, a reset of one side resets the other,
//! and only counts are kept.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
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
    passed: &Arc<Passed>,
    shutdown: CancellationToken,
) {
    let mut copying = pin!(copy_both(client, early, upstream, Arc::clone(passed)));
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

async fn copy_both(mut client: TcpStream, early: Bytes, upstream: Dialed, passed: Arc<Passed>) {
    let Dialed { stream: mut upstream, early: early_down } = upstream;
    passed.up.fetch_add(early.len() as u64, Ordering::Relaxed);
    passed.down.fetch_add(early_down.len() as u64, Ordering::Relaxed);
    if send(&mut upstream, early).await.is_err() || send(&mut client, early_down).await.is_err() {
        return;
    }
    let mut counted = Counted { io: client, passed };
    // Keeps half-closed connections open in the other direction.
    let copied = tokio::io::copy_bidirectional(&mut counted, &mut upstream).await;
    if copied.is_err() {
        // One side has broken off. Unread, nobody can say what was whole: a break must stay a break.
        for stream in [&counted.io, &upstream] {
            let _already_gone = stream.set_zero_linger();
        }
    }
}

async fn send(to: &mut TcpStream, bytes: Bytes) -> io::Result<()> {
    if bytes.is_empty() { Ok(()) } else { to.write_all(&bytes).await }
}

/// Counts what passes, so that a reset does not lose the figures.
struct Counted<S> {
    io: S,
    passed: Arc<Passed>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        self.passed.up.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = &polled {
            self.passed.down.fetch_add(*written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
