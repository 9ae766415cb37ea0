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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn what_is_exchanged_is_exchanged_once_and_through_any_narrow_place() {
        for room in 1..12 {
            let (near, mut far) = duplex(room);
            let leg = Leg::http1();
            leg.begins();
            let (mut lent, _lender) = Lent::new(near, &leg);
            let writing = tokio::spawn(async move {
                lent.write_all(b"before").await.unwrap();
                lent.flush().await.unwrap();
                leg.exchange(b"old", "a newer one");
                lent.write_all(b"old and old").await.unwrap();
                lent.flush().await.unwrap();
                // What was expected does not come: nothing is exchanged then, and not later either.
                leg.exchange(b"old", "a newer one");
                lent.write_all(b"; new, ").await.unwrap();
                lent.write_all(b"old").await.unwrap();
                lent.shutdown().await.unwrap();
            });
            let mut read = String::new();
            far.read_to_string(&mut read).await.unwrap();
            writing.await.unwrap();
            assert_eq!(read, "beforea newer one and old; new, old", "room for {room}");
        }
    }

    #[tokio::test]
    async fn what_is_said_while_nothing_is_answered_is_kept_back_and_the_stream_comes_back() {
        let (near, mut far) = duplex(1024);
        let leg = Leg::http1();
        let (mut lent, lender) = Lent::new(near, &leg);
        far.write_all(b"GET /x HTTP/9\r\n\r\n").await.unwrap();
        let mut read = [0; 64];
        assert_eq!(lent.read(&mut read).await.unwrap(), 17);
        lent.write_all(b"HTTP/1.1 431 Too").await.unwrap();
        lent.shutdown().await.unwrap();
        drop(lent);
        let unread = leg.take_unread();
        assert_eq!((unread.status(), unread.bytes), (Some(431), 17));
        assert_eq!(unread.line(), ("GET".to_owned(), "/x".to_owned()));
        let mut stream = lender.back().unwrap();
        stream.write_all(b"others").await.unwrap();
        drop(stream);
        let mut heard = String::new();
        far.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "others");
    }

    #[tokio::test]
    async fn the_body_of_an_answered_request_is_no_beginning_of_another() {
        let (near, mut far) = duplex(1024);
        let leg = Leg::http1();
        leg.begins();
        let reading = leg.reads();
        let (mut lent, _lender) = Lent::new(near, &leg);
        lent.write_all(b"early").await.unwrap();
        leg.ends();
        lent.flush().await.unwrap();
        let mut read = [0; 64];
        far.write_all(b"the rest of it").await.unwrap();
        assert_eq!(lent.read(&mut read).await.unwrap(), 14);
        drop(reading);
        far.write_all(b"NO /GOOD\r\n\r\n").await.unwrap();
        assert_eq!(lent.read(&mut read).await.unwrap(), 12);
        assert_eq!(leg.take_unread().line(), ("NO".to_owned(), "/GOOD".to_owned()));
    }

    #[tokio::test]
    async fn who_waits_for_all_to_leave_waits_for_a_socket_that_is_full() {
        let (near, mut far) = duplex(4);
        let leg = Leg::http2();
        let (mut lent, _lender) = Lent::new(near, &leg);
        let waiting = tokio::spawn({
            let leg = Arc::clone(&leg);
            async move { leg.left().await }
        });
        let writing = tokio::spawn(async move {
            lent.write_all(b"more than fits").await.unwrap();
            for _ in 0..2 {
                lent.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
            lent
        });
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        far.read_exact(&mut [0; 14]).await.unwrap();
        let lent = writing.await.unwrap();
        // Nobody serves it any more: there is nothing to wait for either.
        drop(lent);
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap().unwrap();
    }
}
