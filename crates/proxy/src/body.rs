//! Bodies under the tap: frames are handed on as they come, trailers included.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::Version;
use http::header::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use langley_model::{Break, Ending, Side};

use crate::broken::break_of;
use crate::headers;
use crate::leg::{Leg, Reading};
use crate::limits::Watch;
use crate::tap::FlowTap;
use crate::upstream::Driver;

/// Pieces that have arrived are joined up to the size of one TLS record (RFC 8446 §5.1).
const JOINED: usize = 16 * 1024;
/// So many bytes are handed on before they must be on their way.
const UNSENT: usize = 64 * 1024;

/// Something that must pass before a body is read.
pub(crate) type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body on its way through.
pub(crate) enum TapBody {
    /// Handed on from one side to the other.
    Through(Through),
    /// Said by Langley itself.
    Own(Option<Bytes>),
}

/// A forwarded body.
pub(crate) struct Through {
    inner: Incoming,
    from: Side,
    tap: Arc<FlowTap>,
    gate: Option<Gate>,
    /// Brings more of the body, where this task drives the connection that it comes from.
    driver: Option<Driver>,
    /// What came behind joined pieces.
    next: Option<Polled>,
    /// Bytes handed on since the reader last had to wait.
    unsent: usize,
    /// Whether the flow's end may be judged by this body's end.
    settled: bool,
    /// Where time is bounded.
    watch: Option<Box<Watch>>,
    framing: Framing,
    /// Whether who reads it can tell that its end was not announced.
    tells_unannounced: bool,
    /// It was whole, and the connection ended so.
    ended_by: Option<Break>,
    reading: Option<Reading>,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By a length, or by a last chunk.
    Told,
    /// By the connection's end (RFC 9112 §6.3).
    UntilClose,
    /// By the stream's end (RFC 9113 §8.1).
    Stream,
}

impl Framing {
    /// That of a message's body.
    pub(crate) fn of(version: Version, headers: &HeaderMap, body: &Incoming) -> Self {
        if version == Version::HTTP_2 {
            Self::Stream
        } else if body.is_end_stream()
            || body.size_hint().exact().is_some()
            || headers::is_chunked(headers)
        {
            Self::Told
        } else {
            Self::UntilClose
        }
    }
}

/// Why a body is not whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broke {
    #[error("{0}")]
    Connection(#[source] hyper::Error, Break),
    /// The stream was reset with NO_ERROR before its end, which hyper takes for its end.
    #[error("the stream was reset before its end")]
    Stream(#[source] h2::Error),
    #[error("{0}")]
    Overdue(String),
}

impl Broke {
    /// What the side that it comes from did; none where Langley did it.
    pub(crate) fn how(&self) -> Option<&Break> {
        match self {
            Self::Connection(_, how) => Some(how),
            Self::Stream(_) | Self::Overdue(_) => None,
        }
    }
}

/// What a body has to say next.
type Polled = Option<Result<Frame<Bytes>, hyper::Error>>;

impl TapBody {
    pub(crate) const fn through(
        inner: Incoming,
        from: Side,
        tap: Arc<FlowTap>,
        gate: Option<Gate>,
    ) -> Self {
        Self::Through(Through {
            inner,
            from,
            tap,
            gate,
            driver: None,
            next: None,
            unsent: 0,
            settled: false,
            watch: None,
            framing: Framing::Told,
            tells_unannounced: false,
            ended_by: None,
            reading: None,
        })
    }

    /// Lets the body know how its end is told.
    pub(crate) fn framed(mut self, framing: Framing) -> Self {
        if let Self::Through(through) = &mut self {
            through.framing = framing;
        }
        self
    }

    /// Lets it end unannounced, where `leg` can pass that on as it is: elsewhere it would seem a whole one.
    pub(crate) fn read_on(mut self, leg: &Leg) -> Self {
        if let Self::Through(through) = &mut self {
            through.tells_unannounced = leg.tells_unannounced();
        }
        self
    }

    /// Tells the connection that it comes from for how long it is read.
    pub(crate) fn read_from(mut self, leg: &Arc<Leg>) -> Self {
        if let Self::Through(through) = &mut self {
            through.reading = Some(leg.reads());
        }
        self
    }

    /// How the connection broke off that a body ended with which was whole all the same.
    pub(crate) fn ended_by(&self) -> Option<Break> {
        match self {
            Self::Through(through) => through.ended_by.clone(),
            Self::Own(_) => None,
        }
    }

    /// It is read no more because the provider's connection has broken off so.
    pub(crate) fn cut_by(&mut self, how: Break) {
        if let Self::Through(through) = self
            && !through.settled
            && !through.is_at_end()
        {
            through.settled = true;
            through.tap.broke(through.from, how);
        }
    }

    /// Lets the body ask `driver` for what has arrived already, so that many small pieces travel as
    /// one. The task that reads this body must be the one that polls the driver.
    pub(crate) fn driven_by(mut self, driver: Option<Driver>) -> Self {
        if let Self::Through(through) = &mut self {
            through.driver = driver;
        }
        self
    }

    /// Ends the body when its exchange takes too long.
    pub(crate) fn watched_by(mut self, watch: Option<Box<Watch>>) -> Self {
        if let Self::Through(through) = &mut self {
            through.watch = watch;
        }
        self
    }

    pub(crate) fn own(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        Self::Own((!text.is_empty()).then_some(text))
    }
}

impl Body for TapBody {
    type Data = Bytes;
    type Error = Broke;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        match self.get_mut() {
            Self::Through(through) => through.poll_frame(cx),
            Self::Own(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Through(through) => through.gate.is_none() && through.is_at_end(),
            Self::Own(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Through(through) => through.inner.size_hint(),
            Self::Own(text) => SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}

impl Through {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        if let Some(gate) = &mut self.gate {
            ready!(gate.as_mut().poll(cx));
            self.gate = None;
        }
        if self.unsent >= UNSENT {
            // The reader sends what it has while it waits.
            self.unsent = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(frame) = self.poll_joined(cx) else {
            self.unsent = 0;
            return self.poll_watch(cx);
        };
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.unsent += data.len();
                    self.tap.data(self.from, data);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.tap.trailers(self.from, headers::block(trailers));
                    // Nothing follows them, and not every reader asks.
                    self.settled = true;
                    self.tap.end_of(self.from);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => self.broke(error, cx),
            None if self.framing == Framing::Stream && !self.inner.is_end_stream() => {
                let reset = h2::Error::from(h2::Reason::NO_ERROR);
                self.settled = true;
                self.tap.broke(self.from, Break::StreamReset("NO_ERROR".to_owned()));
                Poll::Ready(Some(Err(Broke::Stream(reset))))
            }
            None => {
                self.settled = true;
                self.tap.end_of(self.from);
                Poll::Ready(None)
            }
        }
    }

    /// The connection failed: that is the body's end where it ends with the connection, and TLS's goodbye
    /// is all that lacks; agents take it for one too.
    fn broke(
        &mut self,
        error: hyper::Error,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        let how = break_of(&error);
        if self.settled {
            return Poll::Ready(Some(Err(Broke::Connection(error, how))));
        }
        self.settled = true;
        let is_end = self.framing == Framing::UntilClose && self.tells_unannounced;
        if is_end && how == Break::Unannounced {
            self.tap.ended_by(self.from, how.clone());
            self.ended_by = Some(how);
            return Poll::Ready(None);
        }
        self.tap.broke(self.from, how);
        // At an error the reader throws away what it has not sent: first it sends that.
        self.next = Some(Some(Err(error)));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Nothing has come: perhaps for too long.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        let Some(watch) = &mut self.watch else { return Poll::Pending };
        let overdue = ready!(watch.poll(&self.tap, cx));
        self.settled = true;
        self.tap.end_because(Ending::TimedOut, overdue.reason());
        Poll::Ready(Some(Err(Broke::Overdue(overdue.reason()))))
    }

    /// Whether everything was handed on.
    fn is_at_end(&self) -> bool {
        self.next.as_ref().map_or_else(|| self.inner.is_end_stream(), Option::is_none)
    }

    /// The next frame; data that has arrived in small pieces comes as one.
    fn poll_joined(&mut self, cx: &mut Context<'_>) -> Poll<Polled> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(next);
        }
        let first = match ready!(self.poll_more(cx)) {
            Some(Ok(frame)) if self.driver.is_some() => match frame.into_data() {
                Ok(data) => data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            },
            other => return Poll::Ready(other),
        };
        let mut joined = BytesMut::new();
        // The next piece is about as large as the last one, or the end is near anyway.
        let (mut len, mut last) = (first.len(), first.len());
        while len + last <= JOINED {
            let Poll::Ready(next) = self.poll_more(cx) else { break };
            let Some(Ok(Some(more))) = next.as_ref().map(|next| next.as_ref().map(Frame::data_ref))
            else {
                self.next = Some(next);
                break;
            };
            if joined.is_empty() {
                joined.reserve(JOINED.max(len + more.len()));
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(more);
            (len, last) = (joined.len(), more.len());
        }
        let data = if joined.is_empty() { first } else { joined.freeze() };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    /// The body's next frame as it arrives; the connection it comes from is asked for more.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Polled> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &self.driver {
            Some(driver) if polled.is_pending() => {
                if driver.poll(cx).is_ready() {
                    self.driver = None;
                }
                Pin::new(&mut self.inner).poll_frame(cx)
            }
            _ => polled,
        }
    }
}

impl Drop for Through {
    fn drop(&mut self) {
        drop(self.reading.take());
        if self.settled {
            return;
        }
        if self.is_at_end() {
            self.tap.end_of(self.from);
        } else if self.from == Side::Upstream {
            // Nobody reads the answer any more: the agent's side went away.
            self.tap.broke(Side::Client, Break::Gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncWrite, AsyncWriteExt};

    use crate::limits::Limits;
    use crate::tests::{ASK, connection, until};

    /// Bytes that may lie in the proxy and on both sides of it, for one direction.
    const HELD: usize = 2 << 20;

    /// Writes until nothing more is taken; how much was.
    async fn fill(to: &mut (impl AsyncWrite + Unpin)) -> usize {
        let (piece, mut taken) = ([b'x'; 8192], 0);
        // The clock moves when nothing else can.
        let hour = Duration::from_secs(3600);
        while let Ok(written) = tokio::time::timeout(hour, to.write(&piece)).await {
            taken += written.unwrap();
            assert!(taken <= HELD, "more and more is kept");
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_does_not_read_makes_the_provider_wait() {
        let mut ends = connection(Limits::default()).await;
        ends.ask(ASK).await;
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
        ends.provider.write_all(head).await.unwrap();
        assert!(fill(&mut ends.provider).await > 0);
        ends.recording.endings_do_not_matter();
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_does_not_read_makes_the_agent_wait() {
        let mut ends = connection(Limits::default()).await;
        let head =
            b"POST /v1/messages HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000000\r\n\r\n";
        ends.agent.write_all(head).await.unwrap();
        until(&mut ends.provider, "\r\n\r\n").await;
        assert!(fill(&mut ends.agent).await > 0);
        ends.recording.endings_do_not_matter();
    }
}
