//! A socket on loan: hyper reads and writes it under the eyes of its [`Leg`], and whoever has lent it gets
//! it back when hyper lets go of it, and ends it as it must end.

use std::io;
#[cfg(unix)]
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use langley_model::Break;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::exchange::Route;
use crate::leg::Leg;
use crate::switched::Bottom;
use crate::unread::{GOODBYE, answer, read_out, refusal};

/// Where a lent stream comes back to.
type Home<S> = Arc<Mutex<Option<Box<S>>>>;

/// The lent stream.
pub(crate) struct Lent<S> {
    /// There until it is dropped.
    stream: Option<S>,
    leg: Arc<Leg>,
    /// None where nobody wants it back.
    home: Option<Home<S>>,
}

/// Who has lent a stream.
pub(crate) struct Lender<S: Bottom> {
    home: Home<S>,
    leg: Arc<Leg>,
}

impl<S: Bottom> Lent<S> {
    /// Lends `stream` to whom `leg` watches.
    pub(crate) fn new(stream: S, leg: &Arc<Leg>) -> (Self, Lender<S>) {
        leg.is_lent(stream.is_encrypted());
        let (leg, home) = (Arc::clone(leg), Home::default());
        let lender = Lender { home: Arc::clone(&home), leg: Arc::clone(&leg) };
        (Self { stream: Some(stream), leg, home: Some(home) }, lender)
    }
}

impl<S> Lent<S> {
    /// Gives `stream` away to whom `leg` watches.
    pub(crate) fn given(stream: S, leg: &Arc<Leg>) -> Self {
        leg.is_lent(false);
        Self { stream: Some(stream), leg: Arc::clone(leg), home: None }
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

impl<S: Bottom> Lender<S> {
    /// The stream, once nobody has it any more.
    fn back(&self) -> Option<Box<S>> {
        self.home.lock().take()
    }
}

impl<S: AsyncRead + AsyncWrite + Bottom + Unpin> Lender<S> {
    /// Ends a connection of HTTP/1.1 that is back: by an answer to what was not understood, as the provider
    /// ended its own, or by nothing more where it has ended in order. What it says is on
    /// record as one of `route`.
    pub(crate) async fn conclude(self, ended: hyper::Result<()>, route: &Route) {
        let stream = self.back();
        let Err(error) = ended else { return };
        tracing::trace!(%error, "client connection ended");
        if error.is_parse() {
            let unread = self.leg.take_unread();
            let refusal = refusal(&error, &unread, route.limits);
            let stream = stream.filter(|_| unread.status().is_some());
            route.record_unread(&unread, &refusal, stream.is_some());
            if let Some(mut stream) = stream {
                let (_, path) = unread.line();
                answer(&mut *stream, &refusal.raw(route.authority.host(), &path)).await;
            }
            return;
        }
        if let Some(stream) = stream {
            self.end(stream).await;
        }
    }

    /// Ends a connection of HTTP/2 that is back, as the provider ended its own.
    pub(crate) async fn break_off(self, ended: hyper::Result<()>) {
        if let Err(error) = ended {
            tracing::trace!(%error, "client connection ended");
        }
        if let Some(stream) = self.back() {
            self.end(stream).await;
        }
    }

    async fn end(&self, mut stream: Box<S>) {
        match self.leg.ending() {
            // What the system has not yet sent is lost: so it would have been at the provider's.
            Some(Break::Reset) => reset(&*stream),
            // Any other end would make the part that has come a whole answer.
            _ if self.leg.ends_with_answer() => reset(&*stream),
            // What is unread when it is dropped, or comes later, makes that a reset too.
            Some(how @ (Break::Closed | Break::Unannounced)) => {
                let leaving = async {
                    match how {
                        Break::Unannounced => end_silently(&*stream)?,
                        _ => stream.shutdown().await?,
                    }
                    read_out(&mut *stream).await
                };
                let _as_far_as_it_listens = tokio::time::timeout(GOODBYE, leaving).await;
            }
            _ => {}
        }
    }
}

/// Ends the direction towards the other side on its socket alone, without TLS's goodbye.
#[cfg(unix)]
fn end_silently(stream: &impl Bottom) -> io::Result<()> {
    use std::os::fd::AsFd as _;
    let Some(socket) = stream.socket() else { return Err(io::ErrorKind::Unsupported.into()) };
    let second = std::net::TcpStream::from(socket.as_fd().try_clone_to_owned()?);
    second.shutdown(Shutdown::Write)
}

/// Where the socket cannot be had, it ends when it is dropped.
#[cfg(not(unix))]
fn end_silently(_: &impl Bottom) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn reset(stream: &impl Bottom) {
    if let Some(socket) = stream.socket() {
        let _already_gone = socket.set_zero_linger();
    }
}

impl<S: Bottom> Drop for Lender<S> {
    /// Whoever served it was cut off in the middle.
    fn drop(&mut self) {
        if let Some(stream) = self.back().filter(|_| self.leg.ends_with_answer()) {
            reset(&*stream);
        }
    }
}

impl<S> Drop for Lent<S> {
    fn drop(&mut self) {
        self.leg.is_over();
        if let Some(home) = &self.home {
            *home.lock() = self.stream.take().map(Box::new);
        }
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
        let sent = ready!(self.pinned()?.poll_write(cx, buf))?;
        self.leg.has_written(sent);
        Poll::Ready(Ok(sent))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.leg.is_plain() {
            let sent = ready!(self.pinned()?.poll_write_vectored(cx, bufs))?;
            self.leg.has_written(sent);
            return Poll::Ready(Ok(sent));
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
    use std::convert::Infallible;
    use std::time::Duration;

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body::{Body, Frame};
    use hyper::server::conn::http2;
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::Notify;

    use super::*;
    use crate::leg::Since;

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
        let mut lent = Lent::given(near, &leg);
        let waiting = tokio::spawn({
            let leg = Arc::clone(&leg);
            async move { leg.left().await }
        });
        let writing = tokio::spawn(async move {
            lent.write_all(b"more than fits").await.unwrap();
            for _ in 0..3 {
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
        tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap().unwrap();
        // Nobody serves it any more: there is nothing to wait for either.
        drop(lent);
        tokio::time::timeout(Duration::from_secs(20), leg.left()).await.unwrap();
    }

    /// Pieces, and a break behind them that waits until they have left.
    struct Broken {
        pieces: usize,
        leg: Arc<Leg>,
        since: Option<Since>,
        queued: Arc<Notify>,
    }

    impl Body for Broken {
        type Data = Bytes;
        type Error = h2::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
            let this = self.get_mut();
            if this.pieces > 0 {
                this.pieces -= 1;
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; PIECE])))));
            }
            this.queued.notify_one();
            ready!(this.leg.poll_left(&mut this.since, cx));
            Poll::Ready(Some(Err(h2::Reason::CANCEL.into())))
        }
    }

    const PIECE: usize = 16 * 1024;

    #[tokio::test]
    async fn a_break_on_http2_waits_for_all_that_a_slow_reader_has_not_read_yet() {
        const PIECES: usize = 20;
        let (near, far) = duplex(4096);
        let leg = Leg::http2();
        let queued = Arc::new(Notify::new());
        let service = service_fn({
            let (leg, queued) = (Arc::clone(&leg), Arc::clone(&queued));
            move |_| {
                let (leg, queued) = (Arc::clone(&leg), Arc::clone(&queued));
                let body = Broken { pieces: PIECES, leg, since: None, queued };
                async move { Ok::<_, Infallible>(Response::new(body)) }
            }
        });
        let lent = TokioIo::new(Lent::given(near, &leg));
        let served = http2::Builder::new(TokioExecutor::new()).serve_connection(lent, service);
        let serving = tokio::spawn(served);
        let (mut sender, mut connection) = h2::client::Builder::new()
            .initial_window_size(1 << 20)
            .initial_connection_window_size(1 << 20)
            .handshake::<_, Bytes>(far)
            .await
            .unwrap();
        let request = Request::get("https://localhost/").body(()).unwrap();
        let (answer, _) = sender.send_request(request, true).unwrap();
        // Nothing is read until everything waits.
        tokio::select! {
            biased;
            () = queued.notified() => {}
            ended = &mut connection => panic!("{ended:?}"),
        }
        let moving = tokio::spawn(connection);
        let mut body = answer.await.unwrap().into_body();
        let mut read = 0;
        let end = loop {
            match body.data().await {
                Some(Ok(piece)) => read += piece.len(),
                Some(Err(error)) => break error.reason(),
                None => break None,
            }
        };
        assert_eq!((read, end), (PIECES * PIECE, Some(h2::Reason::CANCEL)));
        moving.abort();
        serving.abort();
    }

    #[tokio::test]
    async fn a_connection_that_is_cut_off_in_an_answer_that_ends_with_it_is_reset() {
        for (ends_with_answer, is_reset) in [(true, true), (false, false)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut agent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let leg = Leg::http1();
            let (lent, lender) = Lent::new(listener.accept().await.unwrap().0, &leg);
            leg.begins();
            if ends_with_answer {
                leg.end_with_answer();
            }
            drop(lent);
            drop(lender);
            let end = agent.read(&mut [0; 8]).await;
            let was_reset = end.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset);
            assert_eq!(was_reset, is_reset);
        }
    }

    #[tokio::test]
    async fn what_an_agent_says_into_the_end_takes_nothing_of_what_it_has_not_read() {
        for how in [Break::Closed, Break::Unannounced] {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_send_buffer_size(32 * 1024).unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener = socket.listen(1).unwrap();
            let socket = TcpSocket::new_v4().unwrap();
            // What it has not read waits on this side.
            socket.set_recv_buffer_size(4096).unwrap();
            let mut agent = socket.connect(listener.local_addr().unwrap()).await.unwrap();
            let leg = Leg::tied();
            let (lent, lender) = Lent::new(listener.accept().await.unwrap().0, &leg);
            let socket = lent.stream().unwrap();
            socket.writable().await.unwrap();
            let mut sent = 0;
            while let Ok(count) = socket.try_write(&[b'x'; PIECE]) {
                sent += count;
            }
            // WINDOW_UPDATE for all streams (RFC 9113 §6.9).
            let update = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            agent.write_all(&update).await.unwrap();
            socket.readable().await.unwrap();
            leg.end_by(how);
            drop(lent);
            let ending = tokio::spawn(lender.break_off(Ok(())));
            let mut read = Vec::new();
            let reading = async {
                while agent.read_buf(&mut read).await? > 0 {
                    agent.write_all(&update).await?;
                }
                Ok::<_, io::Error>(())
            };
            tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap().unwrap();
            assert_eq!(read.len(), sent);
            drop(agent);
            ending.await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_answers_head_is_exchanged_behind_an_interim_one() {
        for flushes in [true, false] {
            let (near, mut far) = duplex(1024);
            let leg = Leg::http1();
            leg.begins();
            let (mut lent, _lender) = Lent::new(near, &leg);
            leg.exchange(b"HTTP/1.0", "HTTP/1.1");
            let interim = "HTTP/1.1 100 Continue\r\n\r\n";
            if flushes {
                lent.write_all(interim.as_bytes()).await.unwrap();
                lent.write_all(b"HTTP/1.0 200 OK").await.unwrap();
            } else {
                lent.write_all(format!("{interim}HTTP/1.0 200 OK").as_bytes()).await.unwrap();
            }
            lent.shutdown().await.unwrap();
            let mut heard = String::new();
            far.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard, format!("{interim}HTTP/1.1 200 OK"));
        }
    }
}
