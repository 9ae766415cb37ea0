//! Requests that come without CONNECT: absolute-form (plain HTTP proxying) and origin-form
//! (reverse mode).

use std::sync::Arc;

use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use langley_model::{Break, ConnectionId, Mode, Setup, Side, Tick};
use parking_lot::Mutex;

use crate::authority::Authority;
use crate::body::TapBody;
use crate::connection::Client;
use crate::drive::{Current, Switch};
use crate::exchange::{Begun, Broken, Hellos, Route, exchange, version};
use crate::leg::Leg;
use crate::refusal::Refusal;
use crate::reverse::{self, NoUpstream};
use crate::upstream::{Driver, Sender};
use crate::upstream_tls::Hop;

/// The upstream legs of one client connection: one at a time, kept while it goes to the same place.
pub(crate) struct PlainService {
    client: Client,
    connection: ConnectionId,
    current: Mutex<Option<Arc<Outbound>>>,
    switch: Switch,
    agent: Arc<Leg>,
    /// Where the task that serves the client finds the provider's connection to move.
    moved: Option<Current>,
}

struct Outbound {
    to: Place,
    sender: Sender,
    route: Route,
    /// Set when the task that serves the client moves this connection too.
    driver: Option<Driver>,
}

/// Where a leg leads.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    mode: Mode,
    tls: bool,
    http2: bool,
    authority: Authority,
    upstream: Option<String>,
}

impl PlainService {
    /// For the requests of `client`, on the connection that `route` tells of.
    pub(crate) fn new(client: Client, route: &Route) -> Self {
        let (switch, agent) = (route.switch.clone(), Arc::clone(&route.leg));
        let current = Mutex::new(None);
        Self { client, connection: route.connection, current, switch, agent, moved: None }
    }

    /// Leaves the provider's connections to the task that serves the client. Only for HTTP/1.1, which
    /// has no other task.
    pub(crate) fn moving(self, moved: Current) -> Self {
        Self { moved: Some(moved), ..self }
    }

    /// Answers one request.
    pub(crate) async fn serve(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<TapBody>, Broken> {
        // Before anyone is called: the wait for the provider's connection is the flow's.
        let begun = Begun::now();
        let place = match self.place(&mut request) {
            Ok(place) => place,
            Err((place, refusal)) => {
                let route = self.route(&place, None, Hellos::default());
                return Ok(route.refuse(&request, &refusal));
            }
        };
        let leg = self.current.lock().clone();
        let (leg, tap) = match leg.filter(|leg| leg.to == place && !leg.sender.is_closed()) {
            Some(leg) => {
                let tap = leg.route.announce(begun, &request, &leg.sender);
                (leg, tap)
            }
            None => match self.attempt(&place, begun, &request).await {
                Ok(leg) => {
                    let leg = Arc::new(leg);
                    // Before others find the leg: this flow waited for it, and tells how long.
                    let tap = leg.route.announce(begun, &request, &leg.sender);
                    // HTTP/1.1 carries one exchange at a time, an HTTP/2 client asks for many: each
                    // has a leg of its own then.
                    if leg.sender.is_http2() || !place.http2 {
                        *self.current.lock() = Some(Arc::clone(&leg));
                    }
                    (leg, tap)
                }
                Err((refusal, hellos)) => {
                    let route = self.route(&place, None, hellos);
                    return Ok(route.refuse_whole(begun, request, &refusal).await);
                }
            },
        };
        exchange(&leg.route, &leg.sender, leg.driver.clone(), tap, request).await
    }

    /// Reads where the request is to go, and fits its target.
    fn place(&self, request: &mut Request<Incoming>) -> Result<Place, (Place, Refusal)> {
        let uri = request.uri();
        let http2 = request.version() == Version::HTTP_2;
        let absolute = uri.scheme_str().is_some() && !http2;
        if absolute {
            let place = |authority| Place {
                mode: Mode::Forward,
                tls: false,
                http2: false,
                authority,
                upstream: None,
            };
            let authority = uri
                .authority()
                .and_then(|authority| Authority::parse(authority.as_str(), Some(80)));
            let bad = |authority, message: &str| {
                let refusal = Refusal::new(StatusCode::BAD_REQUEST, "bad_target", message);
                Err((place(authority), refusal))
            };
            let Some(authority) = authority else {
                let nowhere = self.client.listener();
                return bad(nowhere, "the request's URL names no usable host and port");
            };
            match uri.scheme_str() {
                Some("http") => {}
                Some("https") => {
                    let message = "https URLs are proxied with CONNECT, not in absolute form; every \
                                   HTTP client does so when HTTPS_PROXY is set";
                    return bad(authority, message);
                }
                other => {
                    let other = other.unwrap_or_default();
                    let message = format!(
                        "in absolute form only http URLs are proxied, and https ones with CONNECT; \
                         reach this {other} URL without the proxy"
                    );
                    return bad(authority, &message);
                }
            }
            if !self.client.may_pass(request.headers()) {
                return Err((place(authority), Client::password_refusal()));
            }
            // The target counts, whatever Host says (RFC 9112 §3.2.2).
            let named = uri.authority().map_or("", |named| named.as_str());
            let named = named.rsplit_once('@').map_or(named, |(_, host)| host);
            let host = HeaderValue::from_str(named);
            if let Ok(host) = host {
                request.headers_mut().insert(HOST, host);
            }
            return Ok(place(authority));
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let reverse = &self.client.options().reverse;
        let chosen = reverse::choose(reverse, target, request.headers());
        let destination = chosen.map_err(|error| {
            let nowhere = Place {
                mode: Mode::Reverse,
                tls: false,
                http2,
                authority: self.client.listener(),
                upstream: None,
            };
            let is_probe = request.method() == Method::HEAD && target == "/";
            let refusal = if is_probe && matches!(error, NoUpstream::Path) {
                Refusal::probe()
            } else {
                Refusal::new(StatusCode::NOT_FOUND, "no_upstream", error.to_string())
            };
            (nowhere, refusal)
        })?;
        let place = Place {
            mode: Mode::Reverse,
            tls: destination.base.is_tls(),
            http2,
            authority: destination.base.authority().clone(),
            upstream: Some(destination.name.to_owned()),
        };
        if !self.client.may_pass(request.headers()) {
            return Err((place, Client::password_refusal()));
        }
        if let Ok(uri) = destination.target.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
        // The agent named us; the provider must read its own name.
        if let Ok(host) = HeaderValue::from_str(&host_header(&place)) {
            request.headers_mut().insert(HOST, host);
        }
        Ok(place)
    }

    /// As [`Self::open`]; an agent that leaves meanwhile is on record.
    async fn attempt(
        &self,
        place: &Place,
        begun: Begun,
        request: &Request<Incoming>,
    ) -> Result<Outbound, (Refusal, Hellos)> {
        let mut head = Request::new(());
        request.method().clone_into(head.method_mut());
        request.uri().clone_into(head.uri_mut());
        request.headers().clone_into(head.headers_mut());
        *head.version_mut() = request.version();
        let route = self.route(place, None, Hellos::default());
        let mut waiting = Waiting(Some((route, head, begun)));
        let opened = self.open(place).await;
        waiting.0 = None;
        opened
    }

    /// A connection for `place`; without one, the refusal and what was said before it.
    async fn open(&self, place: &Place) -> Result<Outbound, (Refusal, Hellos)> {
        let mut hellos = Hellos::default();
        match self.connect(place, &mut hellos).await {
            Ok((sender, driver, setup)) => {
                let route = self.route(place, Some(setup), hellos);
                Ok(Outbound { to: place.clone(), sender, route, driver })
            }
            Err(refusal) => Err((refusal, hellos)),
        }
    }

    async fn connect(
        &self,
        place: &Place,
        hellos: &mut Hellos,
    ) -> Result<(Sender, Option<Driver>, Setup), Refusal> {
        let begun = Tick::now();
        let dialed = self.client.dialer().dial(&place.authority).await?;
        let connect_ns = nanos(Tick::now().since(begun));
        let begun = Tick::now();
        let opened = if place.tls {
            let alpn = if place.http2 {
                vec![b"h2".to_vec(), b"http/1.1".to_vec()]
            } else {
                vec![b"http/1.1".to_vec()]
            };
            // What asks for a certificate may do without: the request will show.
            let hop = Hop {
                name: place.authority.host(),
                target: &place.authority,
                alpn: &alpn,
                hello: None,
                dialer: self.client.dialer(),
            };
            let stream = self.client.tls().connect(&hop, dialed, hellos).await?.stream;
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            if http2 { Sender::http2(stream).await } else { Sender::http1(stream).await }
        } else {
            let stream = crate::prefixed::Prefixed::new(dialed.early, dialed.stream);
            Sender::http1(stream).await
        };
        let tls_ns = place.tls.then(|| nanos(Tick::now().since(begun)));
        let (sender, driver) =
            opened.map_err(|error| Refusal::no_http(&place.authority, &error))?;
        let driver = match &self.moved {
            Some(moved) => {
                moved.set(driver.clone());
                Some(driver)
            }
            None => {
                tokio::spawn(driver);
                None
            }
        };
        Ok((sender, driver, Setup { connect_ns: Some(connect_ns), tls_ns }))
    }

    fn route(&self, place: &Place, setup: Option<Setup>, hellos: Hellos) -> Route {
        Route {
            observer: Arc::clone(self.client.observer()),
            connection: self.connection,
            mode: place.mode,
            scheme: if place.tls { "https" } else { "http" },
            authority: place.authority.clone(),
            upstream: place.upstream.clone(),
            client: self.client.address(),
            setup: Mutex::new(setup),
            limits: self.client.options().limits,
            hellos,
            switch: self.switch.clone(),
            leg: Arc::clone(&self.agent),
        }
    }
}

/// A request whose provider is being called. Dropped meanwhile, its agent went away.
struct Waiting(Option<(Route, Request<()>, Begun)>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((route, head, begun)) = self.0.take() {
            let tap = route.open_since(begun, &head, version(head.version()));
            tap.broke(Side::Client, Break::Gone);
        }
    }
}

/// The `Host` of an upstream: the port is left out when it is the scheme's own.
fn host_header(place: &Place) -> String {
    let standard = if place.tls { 443 } else { 80 };
    let text = place.authority.to_string();
    if place.authority.port() == standard {
        text.rsplit_once(':').map_or(text.clone(), |(host, _)| host.to_owned())
    } else {
        text
    }
}

pub(crate) fn nanos(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
