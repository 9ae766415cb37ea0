//! An intercepted connection: TLS on both legs, the same HTTP version on both, one task for all.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use http::header::HOST;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::body::TapBody;
use crate::drive::{Behind, drive};
use crate::exchange::{Begun, Broken, Route, exchange};
use crate::leg::Leg;
use crate::leg_body::LegBody;
use crate::lent::Lent;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::streams::AgentStreams;
use crate::switched::Bottom;
use crate::tied::Running;
use crate::upstream::{Driver, H2_CONNECTION_WINDOW, H2_STREAM_WINDOW, H2_STREAMS, Sender};

/// A client leg and what is behind it.
pub(crate) struct Intercepted {
    pub(crate) route: Route,
    pub(crate) sender: Sender,
    /// The name in the client's hello, when it differs from the CONNECT host.
    pub(crate) sni: Option<String>,
    /// Whether the provider takes extended CONNECT.
    pub(crate) offers_connect: bool,
}

impl Intercepted {
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
        let tap = self.route.announce(Begun::now(), &request, &self.sender);
        exchange(&self.route, &self.sender, driver, tap, request).await
    }

    /// Serves HTTP/1.1 on `stream` until either leg ends.
    pub(crate) async fn serve_http1<S>(self, stream: S, driver: Driver, shutdown: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Bottom + Send + Unpin + 'static,
    {
        let switch = self.route.switch.clone();
        let builder = http1_builder(&self.route.limits);
        let (this, shared) = (Arc::new(self), driver.clone());
        let served = Arc::clone(&this);
        let service = service_fn(move |request| {
            let (this, driver) = (Arc::clone(&served), Some(shared.clone()));
            this.route.leg.begins();
            // Boxed, so that a long answer does not keep the room of its request's handling.
            Box::pin(
                async move { this.answer(driver, request).await.map(|it| on(&this.route.leg, it)) },
            )
        });
        let (lent, lender) = Lent::new(stream, &this.route.leg);
        let connection = builder.serve_connection(TokioIo::new(lent), service);
        let ended = drive(connection.with_upgrades(), Behind::One(driver), switch, shutdown).await;
        lender.conclude(ended, &this.route).await;
    }

    /// Serves HTTP/2 on `stream` until either leg ends.
    pub(crate) async fn serve_http2<S>(self, stream: S, driver: Driver, shutdown: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Bottom + Send + Unpin + 'static,
    {
        let switch = self.route.switch.clone();
        let mut builder = http2_builder(&self.route.limits);
        if self.offers_connect {
            builder.enable_connect_protocol();
        }
        let (leg, this) = (Arc::clone(&self.route.leg), Arc::new(self));
        let service = service_fn(move |request| {
            let this = Arc::clone(&this);
            let mut running = Running::on(&this.route.leg);
            async move {
                let leg = &this.route.leg;
                match (this.answer(None, request).await, &mut running) {
                    (Err(broken), Some(running))
                        if broken.how().is_some_and(|how| leg.breaks_by(how)) =>
                    {
                        running.breaks();
                        pending().await
                    }
                    (answer, _) => answer
                        .map(|answer| answer.map(|body| LegBody::new(body, leg).running(running))),
                }
            }
        });
        let (lent, lender) = Lent::new(stream, &leg);
        let connection = builder.serve_connection(TokioIo::new(lent), service);
        let ended = drive(connection, Behind::Tied(driver, leg), switch, shutdown).await;
        lender.break_off(ended).await;
    }
}

/// An answer that ends as `leg` must.
pub(crate) fn on(leg: &Arc<Leg>, answer: Response<TapBody>) -> Response<LegBody> {
    answer.map(|body| LegBody::new(body, leg))
}

/// The HTTP/2 server settings that every client leg uses.
pub(crate) fn http2_builder(limits: &Limits) -> http2::Builder<AgentStreams> {
    let mut builder = http2::Builder::new(AgentStreams);
    builder
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_CONNECTION_WINDOW)
        .max_concurrent_streams(H2_STREAMS)
        .max_header_list_size(limits.header_bytes)
        .auto_date_header(false);
    builder
}

/// The HTTP/1 server settings that every client leg uses.
pub(crate) fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .preserve_header_case(true)
        .max_headers(limits.header_count)
        .max_buf_size(limits.header_bytes as usize)
        .auto_date_header(false)
        .header_read_timeout(None)
        // An agent that goes away must stop the provider's meter.
        .half_close(false);
    builder
}

/// Serves `refusal` to the first request on a client leg whose upstream could not be reached, and ends
/// the leg: the next one may find the upstream again.
pub(crate) async fn serve_refusal<S>(
    stream: S,
    http2: bool,
    route: Route,
    refusal: Refusal,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Bottom + Send + Unpin + 'static,
{
    let (done, limits) = (shutdown.child_token(), route.limits);
    let (switch, shared) = (route.switch.clone(), Arc::new((route, refusal, done.clone())));
    let served = Arc::clone(&shared);
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&served);
        async move {
            let (route, refusal, done) = &*shared;
            done.cancel();
            if !http2 {
                route.leg.begins();
            }
            let answer = route.refuse_whole(Begun::now(), request, refusal).await;
            Ok::<_, Infallible>(on(&route.leg, answer))
        }
    });
    if http2 {
        let connection = http2_builder(&limits).serve_connection(TokioIo::new(stream), service);
        if let Err(error) = drive(connection, Behind::Nothing, switch, done).await {
            tracing::trace!(%error, "refused connection ended");
        }
        return;
    }
    let (lent, lender) = Lent::new(stream, &shared.0.leg);
    let connection = http1_builder(&limits).serve_connection(TokioIo::new(lent), service);
    let ended = drive(connection.with_upgrades(), Behind::Nothing, switch, done).await;
    lender.conclude(ended, &shared.0).await;
}

/// The host that a request names, when it is outside of the connection's authority. A request may name
/// its host more than once; every name must fit.
fn misdirected<B>(
    authority: &Authority,
    sni: Option<&str>,
    request: &Request<B>,
) -> Option<String> {
    let fits = |named: &str| {
        Authority::parse(named, Some(authority.port())).is_some_and(|asked| {
            asked.port() == authority.port()
                && (asked.host() == authority.host() || sni.is_some_and(|sni| sni == asked.host()))
        })
    };
    let of_target = request.uri().authority().map(|named| named.as_str().to_owned());
    let of_headers = request.headers().get_all(HOST).iter();
    of_target
        .into_iter()
        .chain(of_headers.map(|named| String::from_utf8_lossy(named.as_bytes()).into_owned()))
        .find(|named| !fits(named))
}
