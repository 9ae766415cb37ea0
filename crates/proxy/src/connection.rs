//! A client connection: its first bytes say whether it is CONNECT, plain HTTP, or HTTP/2 by prior
//! knowledge.

use std::borrow::Cow;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use langley_model::{ConnectionId, Mode};
use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::connect::{self, Asked};
use crate::dial::Dialer;
use crate::drive::{Behind, Current, Switch, drive};
use crate::exchange::{Hellos, Route};
use crate::extended_connect::Offers;
use crate::intercept::{http1_builder, http2_builder, on};
use crate::leaf::LeafCache;
use crate::leg::Leg;
use crate::lent::Lent;
use crate::observer::Observer;
use crate::options::ProxyOptions;
use crate::plain::PlainService;
use crate::prefixed::Prefixed;
use crate::refusal::Refusal;
use crate::unread::{Unread, answer};
use crate::upstream_tls::UpstreamTls;

/// The longest head of a CONNECT request.
const CONNECT_HEAD_MAX: usize = 64 * 1024;
/// The most header lines of a CONNECT request.
pub(crate) const CONNECT_HEADERS_MAX: usize = 64;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: ProxyOptions,
    pub(crate) dialer: Dialer,
    pub(crate) tls: UpstreamTls,
    pub(crate) leaves: LeafCache,
    pub(crate) offers: Arc<Offers>,
    pub(crate) observer: Arc<Observer>,
}

/// A client, as its connection's parts know it.
#[derive(Clone)]
pub(crate) struct Client {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Client {
    pub(crate) const fn new(shared: Arc<Shared>, address: SocketAddr) -> Self {
        Self { shared, address }
    }

    pub(crate) fn options(&self) -> &ProxyOptions {
        &self.shared.options
    }

    /// Whether the TLS of `host` is opened.
    pub(crate) fn intercepts(&self, host: &str) -> bool {
        self.options().intercept.matches(host) || self.dialer().probe.covers(host)
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.shared.dialer
    }

    pub(crate) fn tls(&self) -> &UpstreamTls {
        &self.shared.tls
    }

    pub(crate) fn leaves(&self) -> &LeafCache {
        &self.shared.leaves
    }

    pub(crate) fn offers(&self) -> &Arc<Offers> {
        &self.shared.offers
    }

    pub(crate) fn observer(&self) -> &Arc<Observer> {
        &self.shared.observer
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The route of what has not named any provider: as far as is known, it is for this listener.
    pub(crate) fn nowhere(&self, leg: Arc<Leg>) -> Route {
        Route {
            observer: Arc::clone(self.observer()),
            connection: ConnectionId::new(),
            mode: Mode::Reverse,
            scheme: "http",
            authority: self.listener(),
            upstream: None,
            client: self.address(),
            setup: Mutex::new(None),
            limits: self.options().limits,
            hellos: Hellos::default(),
            switch: Switch::default(),
            leg,
        }
    }

    /// Where this listener is.
    pub(crate) fn listener(&self) -> Authority {
        let own = self.dialer().own;
        Authority::new(&own.ip().to_string(), own.port())
    }

    /// Whether the request carries the password, where one is asked for.
    pub(crate) fn may_pass(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(http::header::PROXY_AUTHORIZATION);
        self.password_fits(given.map(http::HeaderValue::as_bytes))
    }

    fn password_fits(&self, given: Option<&[u8]>) -> bool {
        let Some(password) = &self.shared.options.password else { return true };
        let decoded = given
            .and_then(|value| value.strip_prefix(b"Basic ").or(value.strip_prefix(b"basic ")))
            .and_then(|encoded| STANDARD.decode(encoded.trim_ascii()).ok());
        let Some(decoded) = decoded else { return false };
        let colon = decoded.iter().position(|byte| *byte == b':');
        colon.is_some_and(|colon| password.fits(&decoded[colon + 1..]))
    }

    pub(crate) fn password_refusal() -> Refusal {
        Refusal::new(
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            "proxy_password_required",
            "this listener is open to other machines and asks for a password; put the token into \
             the proxy URL: http://langley:TOKEN@host:port (`langley token show` prints it)",
        )
    }
}

/// What the first bytes are.
enum Opening {
    Connect,
    Http2,
    Tls,
    Other,
}

/// The last stage of a connection: what remains to be done once it is clear what it is.
pub(crate) type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves one client connection to its end.
///
/// The opening (first bytes, dialling, handshakes) needs much more room than what follows, which
/// may last for hours: it has its own allocation, which ends with it.
pub(crate) async fn serve(client: Client, stream: TcpStream, shutdown: CancellationToken) {
    let serving = Box::pin(open(client, stream, shutdown)).await;
    if let Some(serving) = serving {
        serving.await;
    }
}

async fn open(
    client: Client,
    mut stream: TcpStream,
    shutdown: CancellationToken,
) -> Option<Serving> {
    let _best_effort = stream.set_nodelay(true);
    let mut buffer = BytesMut::with_capacity(1024);
    let begin = async {
        loop {
            // No limit before the first byte: agents open connections ahead of need.
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
            if let Some(opening) = recognise(&buffer) {
                return Some(opening);
            }
        }
    };
    let opening = tokio::select! {
        opening = begin => opening,
        () = shutdown.cancelled() => return None,
    };
    match opening {
        None => None,
        Some(Opening::Connect) => serve_connect(client, stream, buffer, shutdown).await,
        Some(Opening::Http2) => {
            Some(Box::pin(serve_http2(client, stream, buffer.freeze(), shutdown)))
        }
        Some(Opening::Other) => {
            Some(Box::pin(serve_http1(client, stream, buffer.freeze(), shutdown)))
        }
        Some(Opening::Tls) => {
            let reason = "the agent spoke TLS to the proxy's own port; write the proxy or base \
                          URL with http://, not https:// (the connection to the provider is \
                          encrypted all the same)";
            let unread = Unread::default();
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, "tls_to_proxy", reason);
            client.nowhere(Leg::http1()).record_unread(&unread, &refusal, false);
            None
        }
    }
}

fn recognise(bytes: &[u8]) -> Option<Opening> {
    const CONNECT: &[u8] = b"CONNECT ";
    const PREFACE: &[u8] = b"PRI * HTTP/2.0";
    if bytes.starts_with(CONNECT) {
        Some(Opening::Connect)
    } else if bytes.starts_with(PREFACE) {
        Some(Opening::Http2)
    } else if bytes.first() == Some(&0x16) {
        Some(Opening::Tls)
    } else if CONNECT.starts_with(bytes) || PREFACE.starts_with(bytes) {
        None
    } else {
        Some(Opening::Other)
    }
}

/// A CONNECT request's head, read.
enum ConnectHead {
    NeedMore,
    Bad(Cow<'static, str>),
    Ready { authority: Authority, length: usize, passes: bool },
}

fn read_head(client: &Client, bytes: &[u8]) -> ConnectHead {
    let mut lines = [httparse::EMPTY_HEADER; CONNECT_HEADERS_MAX];
    let mut request = httparse::Request::new(&mut lines);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let target = request.path.unwrap_or_default();
            let Some(authority) = Authority::parse(target, None) else {
                return ConnectHead::Bad(no_target(target).into());
            };
            let given = request
                .headers
                .iter()
                .find(|line| line.name.eq_ignore_ascii_case("proxy-authorization"))
                .map(|line| line.value);
            ConnectHead::Ready { authority, length, passes: client.password_fits(given) }
        }
        Ok(httparse::Status::Partial) if bytes.len() < CONNECT_HEAD_MAX => ConnectHead::NeedMore,
        Ok(httparse::Status::Partial) => {
            ConnectHead::Bad("the CONNECT request's head is endless".into())
        }
        Err(httparse::Error::TooManyHeaders) => {
            ConnectHead::Bad("the CONNECT request has more than 64 header lines; send fewer".into())
        }
        Err(_) => ConnectHead::Bad("the CONNECT request is not valid HTTP/1.1".into()),
    }
}

/// What is wrong with a `target` that names no host and port. It is told without user and password, and
/// no longer than a host may be.
fn no_target(target: &str) -> String {
    const TARGET_MAX: usize = 253;
    let host = target.rsplit_once('@').map_or(target, |(_, host)| host);
    let asked: String = host.chars().filter(|c| !c.is_control()).take(TARGET_MAX).collect();
    format!(
        "CONNECT needs a target of the form host:port, as in api.example:443, with a port from 1 to \
         65535; it was asked for `{asked}`"
    )
}

async fn serve_connect(
    client: Client,
    mut stream: TcpStream,
    mut buffer: BytesMut,
    shutdown: CancellationToken,
) -> Option<Serving> {
    let reading = async {
        loop {
            match read_head(&client, &buffer) {
                ConnectHead::NeedMore => {}
                done => return Some(done),
            }
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
    };
    let head = match tokio::time::timeout(client.options().head_timeout, reading).await {
        Ok(Some(head)) => head,
        Ok(None) => return None,
        Err(_) => ConnectHead::Bad("the CONNECT request's head did not arrive in time".into()),
    };
    match head {
        ConnectHead::Ready { authority, length, passes } => {
            if !passes {
                refuse(&mut stream, authority.host(), &Client::password_refusal()).await;
                return None;
            }
            let early = buffer.split_off(length);
            connect::open(client, stream, Asked { authority, head: buffer }, early, shutdown).await
        }
        ConnectHead::Bad(why) => {
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, "bad_connect", why);
            let unread = Unread { head: buffer.to_vec(), ..Unread::default() };
            client.nowhere(Leg::http1()).record_unread(&unread, &refusal, true);
            refuse(&mut stream, "", &refusal).await;
            None
        }
        ConnectHead::NeedMore => None,
    }
}

/// Answers a CONNECT with a refusal and closes.
pub(crate) async fn refuse(stream: &mut TcpStream, host: &str, refusal: &Refusal) {
    answer(stream, &refusal.raw(host, "")).await;
}

async fn serve_http1(client: Client, stream: TcpStream, early: Bytes, shutdown: CancellationToken) {
    let (builder, current) = (http1_builder(&client.options().limits), Current::default());
    let route = client.nowhere(Leg::http1());
    let (leg, switch) = (Arc::clone(&route.leg), route.switch.clone());
    let service = PlainService::new(client, &route).moving(current.clone());
    let service = Arc::new(service);
    let service = service_fn(move |request: Request<Incoming>| {
        let (service, leg) = (Arc::clone(&service), Arc::clone(&leg));
        leg.begins();
        async move { service.serve(request).await.map(|answer| on(&leg, answer)) }
    });
    let (lent, lender) = Lent::new(Prefixed::new(early, stream), &route.leg);
    let connection = builder.serve_connection(TokioIo::new(lent), service).with_upgrades();
    let ended = drive(connection, Behind::Current(current), switch, shutdown).await;
    lender.conclude(ended, &route).await;
}

async fn serve_http2(client: Client, stream: TcpStream, early: Bytes, shutdown: CancellationToken) {
    let route = client.nowhere(Leg::http2());
    let builder = http2_builder(&client.options().limits);
    let Route { leg, switch, .. } = &route;
    let service = Arc::new(PlainService::new(client, &route));
    let (leg, switch) = (Arc::clone(leg), switch.clone());
    let lent = Lent::given(Prefixed::new(early, stream), &leg);
    let service = service_fn(move |request: Request<Incoming>| {
        let (service, leg) = (Arc::clone(&service), Arc::clone(&leg));
        async move { service.serve(request).await.map(|answer| on(&leg, answer)) }
    });
    let connection = builder.serve_connection(TokioIo::new(lent), service);
    if let Err(error) = drive(connection, Behind::Nothing, switch, shutdown).await {
        tracing::trace!(%error, "client connection ended");
    }
}
