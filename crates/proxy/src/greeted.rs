//! A socket to the provider whose first flight is looked at: the JA4 that is shown is that of the bytes
//! that were sent, and not of what was meant to be sent.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use langley_protocol::client_hello::{Peek, peek};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Where the JA4 of the sent hello is left; empty when none was sent.
pub(crate) type Sent = Arc<OnceLock<String>>;

/// Passes everything on; costs one branch for each write after the hello.
#[derive(Debug)]
pub(crate) struct Greeted<S> {
    stream: S,
    watch: Option<Box<Watch>>,
}

/// The first flight, until it holds a whole hello.
#[derive(Debug)]
struct Watch {
    bytes: Vec<u8>,
    sent: Sent,
}

impl<S> Greeted<S> {
    pub(crate) fn new(stream: S, sent: Sent) -> Self {
        Self { stream, watch: Some(Box::new(Watch { bytes: Vec::new(), sent })) }
    }

    #[cold]
    fn watch(&mut self, passed: &[u8]) {
        let Some(watch) = &mut self.watch else { return };
        watch.bytes.extend_from_slice(passed);
        match peek(&watch.bytes) {
            Peek::NeedMore => return,
            Peek::Hello(hello) => {
                let _first = watch.sent.set(hello.ja4());
            }
            Peek::NotTls | Peek::Malformed(_) => {}
        }
        self.watch = None;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if self.watch.is_some()
            && let Poll::Ready(Ok(passed)) = polled
        {
            self.watch(&buf[..passed]);
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.watch.is_none() {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        }
        // A short write is allowed, and the hello is one piece.
        let first = bufs.iter().find(|buf| !buf.is_empty());
        first.map_or(Poll::Ready(Ok(0)), |buf| self.poll_write(cx, buf))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
