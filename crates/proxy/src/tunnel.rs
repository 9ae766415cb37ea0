//! Opaque tunnels: bytes pass unread, each direction ends by itself, and only counts are kept.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::dial::Dialed;

/// Copies until both directions have ended; answers bytes up and down.
pub(crate) async fn copy(mut client: TcpStream, early: Bytes, upstream: Dialed) -> (u64, u64) {
    let Dialed { stream: mut upstream, early: early_down } = upstream;
    let up = early.len() as u64;
    let down = early_down.len() as u64;
    if send(&mut upstream, early).await.is_err() || send(&mut client, early_down).await.is_err() {
        return (up, down);
    }
    let mut counted = Counted { io: client, read: up, written: down };
    // Keeps half-closed connections open in the other direction.
    let _reset = tokio::io::copy_bidirectional(&mut counted, &mut upstream).await;
    (counted.read, counted.written)
}

async fn send(to: &mut TcpStream, bytes: Bytes) -> std::io::Result<()> {
    if bytes.is_empty() { Ok(()) } else { to.write_all(&bytes).await }
}

/// Counts what passes, so that a reset does not lose the figures.
struct Counted<S> {
    io: S,
    read: u64,
    written: u64,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = std::pin::Pin::new(&mut self.io).poll_read(cx, buf);
        self.read += (buf.filled().len() - before) as u64;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let polled = std::pin::Pin::new(&mut self.io).poll_write(cx, buf);
        if let std::task::Poll::Ready(Ok(written)) = &polled {
            self.written += *written as u64;
        }
        polled
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
