//! A socket on loan: hyper reads and writes it under the eyes of its [`Leg`], and whoever has lent it gets
//! it back when hyper lets go of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::leg::Leg;

/// The lent stream.
pub(crate) struct Lent<S> {
    /// There until it is dropped.
    stream: Option<S>,
    leg: Arc<Leg>,
    home: Arc<Mutex<Option<S>>>,
}

/// Where a lent stream comes back to.
pub(crate) struct Lender<S>(Arc<Mutex<Option<S>>>);

impl<S> Lent<S> {
    /// Lends `stream` to whom `leg` watches.
    pub(crate) fn new(stream: S, leg: &Arc<Leg>) -> (Self, Lender<S>) {
        leg.is_lent();
        let home = Arc::default();
        let lent = Self { stream: Some(stream), leg: Arc::clone(leg), home: Arc::clone(&home) };
        (lent, Lender(home))
    }

    /// The same, of which nobody takes any notice any more.
    pub(crate) fn unwatched(self) -> Self {
        self.leg.leave_alone();
        self
    }

    /// What is lent; none only while it is dropped.
    pub(crate) const fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }
}

impl<S> Lender<S> {
    /// The stream, once nobody has it any more.
    pub(crate) fn back(self) -> Option<S> {
        self.0.lock().take()
    }
}

impl<S> Drop for Lent<S> {
    fn drop(&mut self) {
        self.leg.is_over();
        *self.home.lock() = self.stream.take();
    }
}

impl<S: Unpin> Lent<S> {
    fn pinned(&mut self) -> io::Result<Pin<&mut S>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.leg.served_by(cx.waker());
        let before = buf.filled().len();
        let read = self.pinned()?.poll_read(cx, buf);
        self.leg.has_read(&buf.filled()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.leg.keeps_back(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        while let Some(form) = self.leg.exchanged(buf) {
            let sent = ready!(self.pinned()?.poll_write(cx, &form))?;
            if sent == 0 {
                return Poll::Ready(Ok(0));
            }
            if let Some(covers) = self.leg.has_exchanged(sent) {
                return Poll::Ready(Ok(covers));
            }
        }
        self.pinned()?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.leg.is_plain() {
            return self.pinned()?.poll_write_vectored(cx, bufs);
        }
        // A short write is allowed.
        let first = bufs.iter().find(|buf| !buf.is_empty());
        first.map_or(Poll::Ready(Ok(0)), |buf| self.poll_write(cx, buf))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.pinned()?.poll_flush(cx))?;
        self.leg.has_left();
        Poll::Ready(Ok(()))
    }

    /// Where the connection is not to end in order, nothing more is said: it ends when it is back.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.leg.ending().is_some() || self.leg.has_kept_back() {
            return self.pinned()?.poll_flush(cx);
        }
        self.pinned()?.poll_shutdown(cx)
    }
}
