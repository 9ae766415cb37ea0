//! A socket to the provider whose first flight is looked at, and rewritten where it is to be mirrored.
//! The JA4 that is shown is that of the bytes that were sent, not of what was meant to be sent.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use langley_protocol::client_hello::{Peek, peek};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::mirror::{Profile, Rewriter};

/// Where the JA4 of the sent hello is left; empty when none was sent.
pub(crate) type Sent = Arc<OnceLock<String>>;

/// Passes everything on; once the first flight is over that costs one branch.
#[derive(Debug)]
pub(crate) struct HelloStream<S> {
    stream: S,
    first: Option<Box<FirstFlight>>,
}

/// What is done while the handshake begins.
#[derive(Debug)]
struct FirstFlight {
    watch: Watch,
    rewriting: Option<Rewriting>,
}

/// What was sent, until it holds a whole hello.
#[derive(Debug)]
struct Watch {
    bytes: Vec<u8>,
    sent: Option<Sent>,
}

/// A flight that is sent in another form.
#[derive(Debug)]
struct Rewriting {
    rewriter: Rewriter,
    out: Vec<u8>,
    /// How much of `out` the socket has taken.
    taken: usize,
}

impl Watch {
    fn passed(&mut self, bytes: &[u8]) {
        let Some(sent) = &self.sent else { return };
        self.bytes.extend_from_slice(bytes);
        match peek(&self.bytes) {
            Peek::NeedMore => return,
            Peek::Hello(hello) => {
                let _only_once = sent.set(hello.ja4());
            }
            Peek::NotTls | Peek::Malformed(_) => {}
        }
        self.bytes = Vec::new();
        self.sent = None;
    }
}

impl<S> HelloStream<S> {
    /// The stream below.
    pub(crate) const fn stream(&self) -> &S {
        &self.stream
    }

    /// `stream`, on which `sent` learns the hello, rewritten to `profile` where there is one.
    pub(crate) fn new(stream: S, profile: Option<Profile>, sent: Sent) -> Self {
        let rewriting = profile.map(|profile| Rewriting {
            rewriter: Rewriter::new(profile),
            out: Vec::new(),
            taken: 0,
        });
        let watch = Watch { bytes: Vec::new(), sent: Some(sent) };
        Self { stream, first: Some(Box::new(FirstFlight { watch, rewriting })) }
    }
}

impl<S: AsyncWrite + Unpin> HelloStream<S> {
    /// Hands the socket what waits in its new form, and becomes transparent when nothing else will.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(first) = &mut self.first else { return Poll::Ready(Ok(())) };
        let Some(rewriting) = &mut first.rewriting else { return Poll::Ready(Ok(())) };
        while rewriting.taken < rewriting.out.len() {
            let waiting = &rewriting.out[rewriting.taken..];
            let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, waiting))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            first.watch.passed(&waiting[..taken]);
            rewriting.taken += taken;
        }
        rewriting.out.clear();
        rewriting.taken = 0;
        if rewriting.rewriter.is_over() {
            self.first = None;
        }
        Poll::Ready(Ok(()))
    }

    /// A write while the first flight is under way.
    #[cold]
    fn write_first(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.drain(cx))?;
        let Some(first) = &mut self.first else {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        };
        match &mut first.rewriting {
            Some(rewriting) => {
                rewriting.rewriter.feed(buf, &mut rewriting.out)?;
                // Taken over, even where the socket is full: a later write or flush sends it on.
                if let Poll::Ready(Err(error)) = self.drain(cx) {
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(buf.len()))
            }
            None => {
                let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
                first.watch.passed(&buf[..taken]);
                if first.watch.sent.is_none() {
                    self.first = None;
                }
                Poll::Ready(Ok(taken))
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for HelloStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_some()
            && let Poll::Ready(Err(error)) = self.drain(cx)
        {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HelloStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.first.is_some() {
            return self.write_first(cx, buf);
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.first.is_some() {
            // A short write is allowed, and the hello is one piece.
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return first.map_or(Poll::Ready(Ok(0)), |buf| self.write_first(cx, buf));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
