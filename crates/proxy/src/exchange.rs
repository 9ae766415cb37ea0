//! One exchange: a request goes out as it came, its answer comes back as it was given.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::header::{CONNECTION, EXPECT, HOST, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::ext::Protocol;
use langley_model::{
    Break, ConnectionId, FlowId, HttpVersion, Micros, Mode, Opened, Setup, Side, Tick,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::authority::Authority;
use crate::body::{Framing, Gate, TapBody};
use crate::broken::break_of;
use crate::drive::Switch;
use crate::headers::{self, Message};
use crate::leg::Leg;
use crate::limits::{Limits, Overdue, Watch};
use crate::observer::Observer;
use crate::refusal::Refusal;
use crate::streams::AgentStreams;
use crate::tap::FlowTap;
use crate::tied::Running;
use crate::unread::Unread;
use crate::upgrade::{self, Switching};
use crate::upstream::{Driver, Sender};

/// How long a body waits for the provider's `100 Continue` before it is sent anyway (RFC 9110
/// §10.1.1 lets a client stop waiting).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// How much of a request is read although nobody takes it, and for how long: an agent that is cut off in
/// the middle of its request may miss the answer, but one that pauses waits for it.
const SWALLOWED_MAX: usize = 64 << 20;
const SWALLOW_WAIT: Duration = Duration::from_secs(2);
const SWALLOW_PAUSE: Duration = Duration::from_millis(250);

/// What is the same for every flow of a connection.
pub(crate) struct Route {
    pub(crate) observer: Arc<Observer>,
    pub(crate) connection: ConnectionId,
    pub(crate) mode: Mode,
    pub(crate) scheme: &'static str,
    pub(crate) authority: Authority,
    /// Name of the configured upstream, in reverse mode.
    pub(crate) upstream: Option<String>,
    pub(crate) client: SocketAddr,
    /// Told by the first flow only.
    pub(crate) setup: Mutex<Option<Setup>>,
    pub(crate) limits: Limits,
    pub(crate) hellos: Hellos,
    /// The client's connection may become something else.
    pub(crate) switch: Switch,
    /// The client's connection.
    pub(crate) leg: Arc<Leg>,
}

/// What both legs' TLS hellos were.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hellos {
    /// JA4 of the agent's.
    pub(crate) ja4_in: Option<String>,
    /// JA4 of the one sent to the provider.
    pub(crate) ja4_out: Option<String>,
    /// Why it was not the one that was wanted.
    pub(crate) note: Option<String>,
}

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The provider broke its connection off, as it says, and so must the client's; or the client's did itself.
    #[error("the provider broke the connection off: {0}")]
    Off(#[source] hyper::Error, Option<Break>),
    /// The provider has not taken it, and goes on with others: the client may send it again.
    #[error("the provider takes no more requests on this connection")]
    Refused(#[source] h2::Error),
}

impl Broken {
    /// How the provider broke off; none where it did not.
    pub(crate) const fn how(&self) -> Option<&Break> {
        match self {
            Self::Off(_, how) => how.as_ref(),
            Self::Refused(_) => None,
        }
    }
}

/// Says that the client went away, if nobody has said otherwise when it is dropped.
struct Waiting(Option<Arc<FlowTap>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(tap) = &self.0 {
            tap.broke(Side::Client, Break::Gone);
        }
    }
}

/// When something began.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) wall: Micros,
    pub(crate) at: Tick,
}

impl Begun {
    pub(crate) fn now() -> Self {
        Self { wall: Micros::now(), at: Tick::now() }
    }
}

impl Route {
    /// Announces a flow for `request`.
    pub(crate) fn open<B>(&self, request: &Request<B>, version_out: HttpVersion) -> Arc<FlowTap> {
        self.open_since(Begun::now(), request, version_out)
    }

    /// Announces a flow for `request`, which came at `begun` and goes out on `sender`.
    pub(crate) fn announce<B>(
        &self,
        begun: Begun,
        request: &Request<B>,
        sender: &Sender,
    ) -> Arc<FlowTap> {
        let version_out = if sender.is_http2() {
            HttpVersion::Http2
        } else {
            version(at_least_1_0(request.version()))
        };
        self.open_since(begun, request, version_out)
    }

    /// Announces a flow for `request`, which came some time ago.
    pub(crate) fn open_since<B>(
        &self,
        begun: Begun,
        request: &Request<B>,
        version_out: HttpVersion,
    ) -> Arc<FlowTap> {
        FlowTap::open(&self.observer, self.announcement(begun, request, version_out))
    }

    fn announcement<B>(
        &self,
        begun: Begun,
        request: &Request<B>,
        version_out: HttpVersion,
    ) -> Opened {
        let uri = request.uri();
        let target = match uri.path_and_query() {
            Some(target) => target.as_str(),
            // The target of a CONNECT is a host alone.
            None if request.method() == Method::CONNECT => "",
            None => "/",
        };
        Opened {
            flow: FlowId::new(),
            connection: self.connection,
            started_at: begun.wall,
            at: begun.at,
            mode: self.mode,
            scheme: self.scheme,
            host: self.authority.host().to_owned(),
            port: self.authority.port(),
            upstream: self.upstream.clone(),
            method: request.method().as_str().to_owned(),
            protocol: request.extensions().get().map(|asked: &Protocol| asked.as_str().to_owned()),
            target: target.to_owned(),
            version_in: version(request.version()),
            version_out,
            client_addr: self.client.to_string(),
            headers: headers::block(request.headers()),
            control: headers::control(request.headers()),
            setup: self.setup.lock().take(),
            ja4_in: self.hellos.ja4_in.clone(),
            ja4_out: self.hellos.ja4_out.clone(),
            tls_note: self.hellos.note.clone(),
            interest: Arc::default(),
        }
    }

    /// Records a request that could not be read, with as much of its first line as could, and what it was
    /// answered, if it was.
    pub(crate) fn record_unread(&self, unread: &Unread, refusal: &Refusal, is_answered: bool) {
        let (method, target) = unread.line();
        let nothing = Request::new(());
        let opened = Opened {
            method,
            target: target.clone(),
            ..self.announcement(Begun::now(), &nothing, HttpVersion::Http11)
        };
        let tap = FlowTap::open(&self.observer, opened);
        if is_answered {
            let _the_answer = self.decline(&tap, &target, refusal);
        } else {
            tap.end_by(refusal);
        }
    }

    /// Answers `request` with a refusal, and records that.
    pub(crate) fn refuse<B>(&self, request: &Request<B>, refusal: &Refusal) -> Response<TapBody> {
        let tap = self.open(request, version(request.version()));
        self.decline(&tap, request.uri().path(), refusal)
    }

    /// Answers `request`, whose provider could not be had, with a refusal, and records it with its body:
    /// the agent has sent it, whoever was there to take it.
    pub(crate) async fn refuse_whole(
        &self,
        begun: Begun,
        request: Request<Incoming>,
        refusal: &Refusal,
    ) -> Response<TapBody> {
        let tap = self.open_since(begun, &request, version(request.version()));
        self.decline_whole(tap, request, refusal).await
    }

    /// Answers an announced request with a refusal, and records it with its body.
    async fn decline_whole(
        &self,
        tap: Arc<FlowTap>,
        request: Request<Incoming>,
        refusal: &Refusal,
    ) -> Response<TapBody> {
        tap.end_by(refusal);
        // An agent that asks first is told before it sends; what a tunnel is asked for has no body.
        let asks_first = request.headers().contains_key(EXPECT);
        let is_coming = !asks_first && request.method() != Method::CONNECT;
        let (parts, body) = request.into_parts();
        if is_coming {
            swallow(TapBody::through(body, Side::Client, Arc::clone(&tap), None)).await;
        }
        self.decline(&tap, parts.uri.path(), refusal)
    }

    /// Why the user's rules refuse `request`, if they do.
    fn barred<B>(&self, request: &Request<B>) -> Option<Refusal> {
        let lines =
            || request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        self.observer.gate().bars(request.uri().path(), lines).map(Refusal::from)
    }

    /// Records a CONNECT that was answered with a refusal, or broken off after it was accepted.
    pub(crate) fn record_connect(
        &self,
        begun: Begun,
        headers: &HeaderMap,
        refusal: &Refusal,
        is_answered: bool,
    ) {
        let mut request = Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = self.authority.to_string().parse().unwrap_or_default();
        headers.clone_into(request.headers_mut());
        let tap = self.open_since(begun, &request, HttpVersion::Http11);
        tap.end_of(Side::Client);
        if is_answered {
            let _the_answer = self.decline(&tap, "", refusal);
        } else {
            tap.end_by(refusal);
        }
    }

    /// Ends a flow that got no answer: what came from the agent broke it off, or the provider did. The agent's
    /// connection then ends as the agent would have seen it, after what is still on its way to it.
    async fn unanswered(&self, sender: &Sender, tap: &FlowTap, error: hyper::Error) -> Broken {
        if let Some(why) = sender.refused(&error) {
            tap.broke(Side::Upstream, why);
            return Broken::Refused(Reason::REFUSED_STREAM.into());
        }
        let how = break_of(&error);
        if error.is_user() {
            tap.broke(Side::Client, how);
            return Broken::Off(error, None);
        }
        tap.broke(Side::Upstream, how.clone());
        self.leg.end_by(how.clone());
        self.leg.left().await;
        Broken::Off(error, Some(how))
    }

    /// Answers the request for `path` with a refusal.
    fn decline(&self, tap: &FlowTap, path: &str, refusal: &Refusal) -> Response<TapBody> {
        tap.end_by(refusal);
        let response = refusal.response(self.authority.host(), path);
        tap.head(response.status().as_u16(), headers::block(response.headers()));
        let body = refusal.body(self.authority.host(), path);
        if !body.is_empty() {
            tap.data(Side::Upstream, &body.into());
        }
        // It is whole, whatever becomes of the request's rest.
        tap.end_of(Side::Upstream);
        response
    }
}

/// Sends `request` on `sender` and hands the answer back, both under the `tap` that announced it.
///
/// `driver` is the sender's, when the task that polls it also writes the answer.
///
/// # Errors
/// The provider ended the connection before it answered; the caller must end the client's.
pub(crate) async fn exchange(
    route: &Route,
    sender: &Sender,
    driver: Option<Driver>,
    tap: Arc<FlowTap>,
    mut request: Request<Incoming>,
) -> Result<Response<TapBody>, Broken> {
    let version_in = request.version();
    if request.headers().len() > route.limits.header_count {
        return Ok(route.decline(
            &tap,
            request.uri().path(),
            &Refusal::too_many_headers(&route.limits),
        ));
    }
    if let Some(refusal) = route.barred(&request) {
        return Ok(route.decline_whole(tap, request, &refusal).await);
    }
    if sender.is_http2() && request.method() == Method::CONNECT {
        return connect(route, sender, tap, request).await;
    }
    let mut waiting = Waiting(Some(Arc::clone(&tap)));

    let upgrading = version_in == Version::HTTP_11 && headers::asks_upgrade(request.headers());
    headers::strip_hop_by_hop(request.headers_mut(), Message::Request, upgrading);
    translate(route, sender, &mut request);
    let client_upgrade = upgrading.then(|| hyper::upgrade::on(&mut request));
    if upgrading {
        route.switch.ask();
    }
    let (gate, release) = continue_gate(&mut request);

    let (parts, body) = request.into_parts();
    let framing = Framing::of(version_in, &parts.headers, &body);
    let body = TapBody::through(body, Side::Client, Arc::clone(&tap), gate)
        .framed(framing)
        .read_from(&route.leg);
    let mut watch = Watch::new(&route.limits);
    let path = watch.is_some().then(|| parts.uri.path().to_owned());
    let sending = sender.send(Request::from_parts(parts, body));
    let answer = match in_time(sending, &mut watch, &tap).await {
        Ok(answer) => answer,
        Err(overdue) => {
            waiting.0 = None;
            let path = path.as_deref().unwrap_or_default();
            return Ok(route.decline(&tap, path, &overdue.refusal()));
        }
    };
    if let Some(release) = release {
        release.notify_one();
    }
    let mut response = match answer {
        Ok(response) => response,
        Err(error) => {
            waiting.0 = None;
            return Err(route.unanswered(sender, &tap, error).await);
        }
    };

    let status = response.status();
    tap.head(status.as_u16(), headers::block(response.headers()));
    if status == StatusCode::SWITCHING_PROTOCOLS {
        waiting.0 = None;
        if let Some(client) = client_upgrade {
            let client = Switching::connection(client);
            let upstream = Switching::connection(hyper::upgrade::on(&mut response));
            route.switch.make(upgrade::copy_both(client, upstream, Arc::clone(&tap), None));
        }
        headers::strip_hop_by_hop(response.headers_mut(), Message::Answer, true);
        return Ok(response.map(|_| TapBody::own("")));
    }
    if upgrading {
        route.switch.decline();
    }
    let framing = Framing::of(response.version(), response.headers(), response.body());
    let is_bounded =
        || response.body().is_end_stream() || response.body().size_hint().exact().is_some();
    let is_cut_in_chunks = version_in != Version::HTTP_10 && framing != Framing::UntilClose;
    if version_in <= Version::HTTP_11 && !is_cut_in_chunks && !is_bounded() {
        route.leg.end_with_answer();
    }
    if framing == Framing::UntilClose
        && (version_in, response.version()) == (Version::HTTP_11, Version::HTTP_11)
    {
        // hyper ends only an answer of HTTP/1.0 with the connection, one of HTTP/1.1 it would cut in chunks.
        route.leg.left().await;
        route.leg.exchange(b"HTTP/1.0", "HTTP/1.1");
        *response.version_mut() = Version::HTTP_10;
    }
    waiting.0 = None;
    let closing = headers::connection_names(response.headers(), "close");
    headers::strip_hop_by_hop(response.headers_mut(), Message::Answer, false);
    if closing && version_in <= Version::HTTP_11 {
        // The provider will not take another request here, so the agent must not send one.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(watch) = &mut watch {
        watch.head(response.headers());
    }
    let through = |body| {
        TapBody::through(body, Side::Upstream, tap, None)
            .framed(framing)
            .read_on(&route.leg)
            .driven_by(driver)
            .watched_by(watch)
    };
    Ok(response.map(through))
}

/// Reads a body for its tap alone, as far as there is time and it has a usual size.
async fn swallow(mut body: TapBody) {
    let reading = async {
        let mut read = 0;
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(SWALLOW_PAUSE, body.frame()).await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > SWALLOWED_MAX {
                break;
            }
        }
    };
    let _as_far_as_it_came = tokio::time::timeout(SWALLOW_WAIT, reading).await;
}

/// Waits for an answer's head.
async fn in_time<T>(
    sending: impl Future<Output = T>,
    watch: &mut Option<Box<Watch>>,
    tap: &FlowTap,
) -> Result<T, Overdue> {
    let Some(watch) = watch else { return Ok(sending.await) };
    tokio::select! {
        biased;
        answer = sending => Ok(answer),
        overdue = poll_fn(|cx| watch.poll(tap, cx)) => Err(overdue),
    }
}

/// Forwards a CONNECT of HTTP/2, whose stream carries another protocol once it is answered with a 200
/// (RFC 8441 §4).
async fn connect(
    route: &Route,
    sender: &Sender,
    tap: Arc<FlowTap>,
    mut request: Request<Incoming>,
) -> Result<Response<TapBody>, Broken> {
    let mut waiting = Waiting(Some(Arc::clone(&tap)));
    headers::strip_hop_by_hop(request.headers_mut(), Message::Request, false);
    translate(route, sender, &mut request);
    let client = hyper::upgrade::on(&mut request);
    let client = Switching::stream(client, AgentStreams::upgrading());
    // hyper lets go of the answer as soon as it has sent its head.
    let running = Running::on(&route.leg);
    let path = request.uri().path().to_owned();
    let request = request.map(|body| TapBody::through(body, Side::Client, Arc::clone(&tap), None));
    let answer = sender.connect(request).await;
    waiting.0 = None;
    let (mut response, outlet) = match answer {
        Ok(answered) => answered,
        Err(error) => return Err(route.unanswered(sender, &tap, error).await),
    };
    let status = response.status();
    if outlet.is_none() && status.is_success() {
        // hyper takes only a 200 for the switch towards a provider, and any 2xx towards an agent.
        let message = format!("{} answered CONNECT with {status}, not with 200", route.authority);
        return Ok(route.decline(&tap, &path, &Refusal::protocol(message)));
    }
    tap.head(status.as_u16(), headers::block(response.headers()));
    headers::strip_hop_by_hop(response.headers_mut(), Message::Answer, false);
    let Some(outlet) = outlet else {
        let framing = Framing::of(response.version(), response.headers(), response.body());
        let through = |body| TapBody::through(body, Side::Upstream, tap, None).framed(framing);
        return Ok(response.map(through));
    };
    let upstream = Switching::stream(hyper::upgrade::on(&mut response), outlet);
    tokio::spawn(upgrade::copy_both(client, upstream, tap, running));
    Ok(response.map(|_| TapBody::own("")))
}

/// Fits the request's form to the upstream leg, where reverse mode speaks another version there.
fn translate(route: &Route, sender: &Sender, request: &mut Request<Incoming>) {
    if sender.is_http2() {
        if request.version() != Version::HTTP_2 || route.mode == Mode::Reverse {
            let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
            let absolute = format!("{}://{}{target}", route.scheme, route.authority);
            if let Ok(uri) = absolute.parse::<Uri>() {
                *request.uri_mut() = uri;
            }
            *request.version_mut() = Version::HTTP_2;
        }
        return;
    }
    if request.version() == Version::HTTP_2 {
        if !request.headers().contains_key(HOST)
            && let Some(authority) = request.uri().authority()
            && let Ok(value) = HeaderValue::from_str(authority.as_str())
        {
            request.headers_mut().insert(HOST, value);
        }
        *request.version_mut() = Version::HTTP_11;
    }
    if request.uri().authority().is_some() {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        if let Ok(uri) = target.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
}

/// With `Expect: 100-continue`, a gate that opens at the provider's 100, at its answer, or after
/// [`CONTINUE_WAIT`]: the body must not be asked for before.
fn continue_gate(request: &mut Request<Incoming>) -> (Option<Gate>, Option<Arc<Notify>>) {
    let expects = request
        .headers()
        .get(EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !expects {
        return (None, None);
    }
    let open = Arc::new(Notify::new());
    let on_continue = Arc::clone(&open);
    hyper::ext::on_informational(request, move |informational| {
        if informational.status() == StatusCode::CONTINUE {
            on_continue.notify_one();
        }
    });
    let waiting = Arc::clone(&open);
    let gate: Gate = Box::pin(async move {
        let _either = tokio::time::timeout(CONTINUE_WAIT, waiting.notified()).await;
    });
    (Some(gate), Some(open))
}

fn at_least_1_0(version: Version) -> Version {
    if version == Version::HTTP_10 { Version::HTTP_10 } else { Version::HTTP_11 }
}

pub(crate) fn version(version: Version) -> HttpVersion {
    match version {
        Version::HTTP_2 => HttpVersion::Http2,
        Version::HTTP_10 | Version::HTTP_09 => HttpVersion::Http10,
        _ => HttpVersion::Http11,
    }
}

#[cfg(test)]
mod tests {
    use langley_testkit::Recording;

    use langley_model::Ending;

    use super::*;
    use crate::tests::{ROOM, route};

    /// Asks by CONNECT what is never answered; how that flow ends.
    async fn asked(length: usize, does_provider_go: bool, ending: Ending) {
        let recording = Recording::new();
        let route = route(&recording, Limits::default());
        let (near, far) = tokio::io::duplex(ROOM);
        let (sender, driver) = Sender::http2(near).await.unwrap();
        tokio::spawn(driver);
        let request = Request::connect("a.example:443").header("content-length", length);
        let request = request.body(TapBody::own("")).unwrap();
        let tap = route.open(&request, HttpVersion::Http2);
        let _far = (!does_provider_go).then_some(far);
        let asking = tokio::time::timeout(Duration::from_secs(20), sender.connect(request));
        let error = asking.await.expect("an end in time").err().unwrap();
        drop(route.unanswered(&sender, &tap, error).await);
        drop(tap);
        recording.assert_ending(0, ending).await;
    }

    #[tokio::test]
    async fn a_connect_that_fails_is_the_doing_of_the_side_that_broke_it_off() {
        asked(0, true, Ending::UpstreamGone).await;
        // HTTP/2 has no CONNECT with a body (RFC 9113 § 8.5).
        asked(5, false, Ending::ClientGone).await;
    }
}
