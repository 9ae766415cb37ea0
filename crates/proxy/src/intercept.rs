//! An intercepted connection: TLS on both legs, the same HTTP version on both, one task for all.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use http::header::HOST;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::body::TapBody;
use crate::exchange::{Broken, Route, exchange};
use crate::headers;
use crate::refusal::Refusal;
use crate::upstream::{Driver, H2_CONNECTION_WINDOW, H2_STREAM_WINDOW, Sender};

/// Streams that one client connection may have open at once.
const H2_STREAMS: u32 = 1000;

/// A client leg and what is behind it.
pub(crate) struct Intercepted {
    pub(crate) route: Route,
    pub(crate) sender: Sender,
    /// The name in the client's hello, when it differs from the CONNECT host.
    pub(crate) sni: Option<String>,
    upgraded: AtomicBool,
}

impl Intercepted {
    pub(crate) const fn new(route: Route, sender: Sender, sni: Option<String>) -> Self {
        Self { route, sender, sni, upgraded: AtomicBool::new(false) }
    }

    async fn answer(
        &self,
        driver: Option<Driver>,
        request: Request<Incoming>,
    ) -> Result<Response<TapBody>, Broken> {
        if let Some(asked) = misdirected(&self.route.authority, self.sni.as_deref(), &request) {
            let message = format!(
                "the request is for {asked}, but this connection was opened to {}; open a \
                 connection of its own for it",
                self.route.authority
            );
            let refusal =
                Refusal::new(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", message);
            return Ok(self.route.refuse(&request, &refusal));
        }
        if headers::asks_upgrade(request.headers()) {
            self.upgraded.store(true, Ordering::Relaxed);
        }
        exchange(&self.route, &self.sender, driver, request).await
    }

    /// Serves HTTP/1.1 on `stream` until either leg ends.
    pub(crate) async fn serve_http1<S>(self, stream: S, driver: Driver, shutdown: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let this = Arc::new(self);
        let (serving, shared) = (Arc::clone(&this), driver.clone());
        let service = service_fn(move |request| {
            let (this, driver) = (Arc::clone(&serving), Some(shared.clone()));
            // Boxed, so that a long answer does not keep the room of its request's handling.
            Box::pin(async move { this.answer(driver, request).await })
        });
        let connection = http1_builder().serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection.with_upgrades());
        let mut over = false;
        let mut stopping = pin!(shutdown.cancelled());
        let mut stopped = false;
        // Both legs in one task: a chunk that arrives is sent on in the same wake-up.
        let ended = poll_fn(|cx| {
            loop {
                if !over && driver.poll(cx).is_ready() {
                    over = true;
                    if !this.upgraded.load(Ordering::Relaxed) {
                        // The provider's connection is over, so ours to the agent is.
                        connection.as_mut().graceful_shutdown();
                    }
                }
                if !stopped && stopping.as_mut().poll(cx).is_ready() {
                    stopped = true;
                    connection.as_mut().graceful_shutdown();
                }
                let polled = connection.as_mut().poll(cx);
                // A body that was read may have driven the provider's connection to its end.
                if polled.is_ready() || over || !driver.is_over() {
                    return polled;
                }
            }
        });
        if let Err(error) = ended.await {
            tracing::trace!(%error, "client connection ended");
        }
        // An upgrade needs its driver until the switch is done; a finished one returns at once.
        if this.upgraded.load(Ordering::Relaxed) {
            driver.await;
        }
    }

    /// Serves HTTP/2 on `stream` until either leg ends.
    pub(crate) async fn serve_http2<S>(self, stream: S, driver: Driver, shutdown: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let this = Arc::new(self);
        let service = service_fn(move |request| {
            let this = Arc::clone(&this);
            async move { this.answer(None, request).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(H2_STREAM_WINDOW)
            .initial_connection_window_size(H2_CONNECTION_WINDOW)
            .max_concurrent_streams(H2_STREAMS)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut driver = Some(driver);
        let mut stopping = pin!(shutdown.cancelled());
        let mut stopped = false;
        let ended = poll_fn(|cx| {
            if let Some(upstream) = &driver
                && upstream.poll(cx).is_ready()
            {
                driver = None;
                connection.as_mut().graceful_shutdown();
            }
            if !stopped && stopping.as_mut().poll(cx).is_ready() {
                stopped = true;
                connection.as_mut().graceful_shutdown();
            }
            match connection.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => Poll::Pending,
            }
        });
        if let Err(error) = ended.await {
            tracing::trace!(%error, "client connection ended");
        }
    }
}

/// The HTTP/1 server settings that every client leg uses.
pub(crate) fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .preserve_header_case(true)
        .auto_date_header(false)
        .header_read_timeout(None)
        // An agent that goes away must stop the provider's meter.
        .half_close(false);
    builder
}

/// Serves `refusal` to every request on a client leg whose upstream could not be reached.
pub(crate) async fn serve_refusal<S>(stream: S, http2: bool, route: Route, refusal: Refusal)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shared = Arc::new((route, refusal));
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            let mut response = shared.0.refuse(&request, &shared.1);
            if !http2 {
                let close = http::HeaderValue::from_static("close");
                response.headers_mut().insert(http::header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let stream = TokioIo::new(stream);
    let served = if http2 {
        http2::Builder::new(TokioExecutor::new())
            .auto_date_header(false)
            .serve_connection(stream, service)
            .await
    } else {
        http1_builder().serve_connection(stream, service).await
    };
    if let Err(error) = served {
        tracing::trace!(%error, "refused connection ended");
    }
}

/// The host that a request names, when it is outside of the connection's authority.
fn misdirected<B>(
    authority: &Authority,
    sni: Option<&str>,
    request: &Request<B>,
) -> Option<String> {
    let named = named_host(request.uri(), request.headers())?;
    let asked = Authority::parse(&named, Some(authority.port()));
    let fits = asked.is_some_and(|asked| {
        asked.host() == authority.host() || sni.is_some_and(|sni| sni == asked.host())
    });
    (!fits).then_some(named)
}

fn named_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    uri.authority().map(|authority| authority.as_str().to_owned()).or_else(|| {
        headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
    })
}
