//! One HTTP connection to the provider: a sender for requests, and the driver that moves its bytes.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use langley_model::Break;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::TapBody;
use crate::broken::break_of;
use crate::streams::{Outlet, ProviderStreams};
use crate::tied::is_of_connection;

/// Bytes that may wait in one HTTP/2 stream's window before its reader takes them.
pub(crate) const H2_STREAM_WINDOW: u32 = 256 * 1024;
/// Streams that an agent may have open at once on one connection.
pub(crate) const H2_STREAMS: u32 = 128;
/// Bytes that may wait in all of a connection's HTTP/2 streams together, on each leg: all of them when
/// nobody reads, so that they leave room for one that somebody does.
pub(crate) const H2_CONNECTION_WINDOW: u32 = H2_STREAMS * H2_STREAM_WINDOW;

/// The word of a GOAWAY that blames nobody (RFC 9113 §7).
const IN_ORDER: &str = "NO_ERROR";

/// Sends requests on one connection.
pub(crate) enum Sender {
    /// One request at a time.
    H1(Mutex<http1::SendRequest<TapBody>>),
    /// Many at once.
    H2(Streams),
}

/// Opens the streams of an HTTP/2 connection.
pub(crate) struct Streams {
    sender: http2::SendRequest<TapBody>,
    tasks: ProviderStreams,
    given_up: GivenUp,
}

/// Why the provider takes no more requests on a connection of HTTP/2 that did not break off under them.
type GivenUp = Arc<OnceLock<Break>>;

/// Moves the connection's bytes; the sender works only while it is polled.
///
/// Its clones are one driver. All of them must be polled by one task, whose waker it keeps.
#[derive(Clone)]
pub(crate) struct Driver(Arc<Driven>);

/// What its clones share.
struct Driven {
    moving: Mutex<Option<Moving>>,
    given_up: GivenUp,
}

/// The connection while it is not over.
type Moving = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Driver {
    fn new(future: impl Future<Output = ()> + Send + 'static, given_up: GivenUp) -> Self {
        Self(Arc::new(Driven { moving: Mutex::new(Some(Box::pin(future))), given_up }))
    }

    /// Moves what can be moved now; ready when the connection is over.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Held only by a caller further up, which is polling it already.
        let Some(mut future) = self.0.moving.try_lock() else { return Poll::Pending };
        let Some(running) = future.as_mut() else { return Poll::Ready(()) };
        let polled = running.as_mut().poll(cx);
        if polled.is_ready() {
            *future = None;
        }
        polled
    }

    /// Whether the connection is over.
    pub(crate) fn is_over(&self) -> bool {
        self.0.moving.try_lock().is_some_and(|future| future.is_none())
    }

    /// Whether it is over without having broken off: most often for new requests alone.
    pub(crate) fn is_given_up(&self) -> bool {
        self.0.given_up.get().is_some()
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Self::poll(&self, cx)
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("is_over", &self.is_over()).finish_non_exhaustive()
    }
}

impl Sender {
    /// Speaks HTTP/1.1 on `stream`.
    pub(crate) async fn http1<S>(stream: S) -> hyper::Result<(Self, Driver)>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .handshake(TokioIo::new(stream))
            .await?;
        let driver = async {
            if let Err(error) = connection.with_upgrades().await {
                tracing::trace!(%error, "upstream connection ended");
            }
        };
        Ok((Self::H1(Mutex::new(sender)), Driver::new(driver, GivenUp::default())))
    }

    /// Speaks HTTP/2 on `stream`.
    pub(crate) async fn http2<S>(stream: S) -> hyper::Result<(Self, Driver)>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let tasks = ProviderStreams::default();
        let (sender, connection) = http2::Builder::new(tasks.clone())
            .initial_stream_window_size(H2_STREAM_WINDOW)
            .initial_connection_window_size(H2_CONNECTION_WINDOW)
            .handshake(TokioIo::new(stream))
            .await?;
        let given_up = GivenUp::default();
        let known = Arc::clone(&given_up);
        let driver = async move {
            let mut connection = pin!(connection);
            let mut ended = connection.as_mut().await;
            if ended.is_ok() {
                // hyper may have heard of a break before its cause was to be had: now it is.
                let again = poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx))).await;
                ended = if let Poll::Ready(again) = again { again } else { ended };
            }
            // Before the connection is dropped, so that whoever finds it closed knows why.
            if let Some(why) = without_break(&ended) {
                let _only_once = known.set(why);
            }
            if let Err(error) = ended {
                tracing::trace!(%error, "upstream connection ended");
            }
        };
        let driver = Driver::new(driver, Arc::clone(&given_up));
        Ok((Self::H2(Streams { sender, tasks, given_up }), driver))
    }

    /// Sends one request; nothing is ever sent twice.
    pub(crate) async fn send(
        &self,
        request: Request<TapBody>,
    ) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::H1(sender) => {
                poll_fn(|cx| sender.lock().poll_ready(cx)).await?;
                let answer = sender.lock().send_request(request);
                answer.await
            }
            Self::H2(streams) => streams.send(request).await,
        }
    }

    /// Sends a CONNECT on HTTP/2. With a 200, what sends on the upgraded stream is beside it.
    pub(crate) async fn connect(
        &self,
        mut request: Request<TapBody>,
    ) -> hyper::Result<(Response<Incoming>, Option<Arc<Outlet>>)> {
        let Self::H2(streams) = self else { return Ok((self.send(request).await?, None)) };
        let outlet = streams.tasks.upgrading(&mut request);
        let answer = streams.send(request).await?;
        let outlet = (answer.status() == StatusCode::OK).then_some(outlet);
        Ok((answer, outlet))
    }

    /// Why the provider has not taken the request that failed with `error` before its answer, where it goes
    /// on with others: it had given the connection up (RFC 9113 §6.8).
    pub(crate) fn refused(&self, error: &hyper::Error) -> Option<Break> {
        let Self::H2(streams) = self else { return None };
        if error.is_closed() || error.is_canceled() {
            return streams.given_up.get().cloned();
        }
        Some(break_of(error)).filter(|how| matches!(how, Break::GivenUp(why) if why == IN_ORDER))
    }

    /// Whether the connection takes no more requests.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::H1(sender) => sender.lock().is_closed(),
            Self::H2(streams) => streams.sender.is_closed(),
        }
    }

    pub(crate) const fn is_http2(&self) -> bool {
        matches!(self, Self::H2(_))
    }
}

/// How a connection has ended that did not break off.
fn without_break(ended: &hyper::Result<()>) -> Option<Break> {
    match ended {
        // So hyper says what is no error.
        Ok(()) => Some(Break::GivenUp(IN_ORDER.to_owned())),
        Err(error) => Some(break_of(error)).filter(|how| !is_of_connection(how)),
    }
}

impl Streams {
    async fn send(&self, request: Request<TapBody>) -> hyper::Result<Response<Incoming>> {
        let mut sender = self.sender.clone();
        sender.ready().await?;
        sender.send_request(request).await
    }
}
