//! Times of flows that failed: only of what came about, and none after the end.

use std::net::SocketAddr;
use std::time::Duration;

use langley_fixture::FixtureOptions;
use langley_model::{Ending, Micros, Opened, Tick};
use langley_proxy::{BaseUrl, ProxyOptions, UpstreamProxy};
use langley_testkit::{Client, Request, SeenFlow};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::origin::head;
use crate::refusals::raw;
use crate::setup::{Setup, setup, setup_with};

/// An upstream proxy that answers every CONNECT so.
async fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            head(&mut stream).await.expect("a head");
            stream.write_all(answer.as_bytes()).await.expect("the answer is sent");
        }
    });
    address
}

fn through(options: &mut ProxyOptions, address: SocketAddr) {
    let url = format!("http://{address}");
    options.upstream_proxy = Some(UpstreamProxy::parse(&url).expect("a proxy URL"));
}

async fn ask(setup: &Setup, host: &str) -> String {
    raw(setup, format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await
}

/// The durations of the flow's connection, as far as they came about: connecting, TLS.
fn made(flow: &SeenFlow) -> (bool, bool) {
    let setup = flow.opened.setup.unwrap_or_default();
    (setup.connect_ns.is_some(), setup.tls_ns.is_some())
}

/// Whether the head of an answer passed within the flow's time; without an answer there is none.
fn is_answered_in_time(flow: &SeenFlow) -> bool {
    let closed = flow.closed.as_ref().expect("an end");
    flow.head_at.is_some_and(|head| flow.opened.at <= head && head <= closed.at)
}

#[tokio::test]
async fn a_connect_that_the_upstream_proxy_refuses_has_connected_to_nobody() {
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\n\r\n",
        "no HTTP\r\n\r\n",
    ] {
        let proxy = answering(answer).await;
        let setup =
            setup_with(FixtureOptions::default(), |options, _| through(options, proxy)).await;
        let said = ask(&setup, "api.example.test:443").await;
        assert!(said.starts_with("HTTP/1.1 502 "), "{answer}: {said}");
        let flow = setup.recording.assert_ending(0, Ending::Unreached).await;
        assert_eq!(made(&flow), (false, false), "{answer}");
        assert!(is_answered_in_time(&flow), "{answer}: {flow:#?}");
    }
}

#[tokio::test]
async fn a_connect_that_langley_refuses_has_connected_to_nobody() {
    let setup = setup().await;
    let own = setup.proxy.to_string();
    ask(&setup, &own).await;
    let flow = setup.recording.assert_ending(0, Ending::Refused).await;
    assert_eq!(made(&flow), (false, false));
    assert!(is_answered_in_time(&flow), "{flow:#?}");
}

#[tokio::test]
async fn a_provider_whose_tls_fails_was_connected_to_and_no_more() {
    let setup =
        setup_with(FixtureOptions::default(), |options, _| options.upstream_ca = None).await;
    let mut agent = setup.forward().connect().await.expect("Langley's own certificate");
    let answer = agent.fetch(Request::messages(true)).await.expect("an answer");
    assert_eq!(answer.status, 502);
    let flow = setup.recording.assert_ending(0, Ending::Refused).await;
    assert_eq!(made(&flow), (true, false));
    assert!(is_answered_in_time(&flow), "{flow:#?}");
}

#[tokio::test]
async fn an_answer_of_langleys_own_is_within_the_flows_time_however_long_the_request_takes() {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.connect_timeout = Duration::from_secs(5);
    })
    .await;
    // The loop is found at once, and the request's rest is read before the answer is given.
    let own = setup.proxy.to_string();
    let head = format!(
        "POST http://{own}/v1/messages HTTP/1.1\r\nHost: {own}\r\nContent-Length: 10\r\n\
         Connection: close\r\n\r\nhalf"
    );
    let answer = raw(&setup, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Refused).await;
    assert_eq!((made(&flow), flow.request.as_slice()), ((false, false), b"half".as_slice()));
    assert!(is_answered_in_time(&flow), "{flow:#?}");
}

#[tokio::test]
async fn plain_http_has_no_time_of_tls() {
    let setup = setup().await;
    let url = setup.fixture.http_url();
    let host = url.strip_prefix("http://").expect("an http URL");
    let head = format!("GET {url}/v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    raw(&setup, head.as_bytes()).await;
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(made(&flow), (true, false));
}

/// A provider's name that is reached by way of an upstream proxy alone, which the test holds.
struct Held {
    setup: Setup,
    gate: TcpListener,
    sink: String,
}

impl Held {
    async fn new() -> Self {
        let gate = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = gate.local_addr().expect("its address");
        let setup = setup_with(FixtureOptions::default(), |options, _| {
            through(options, address);
            for scheme in ["http", "https"] {
                let base = BaseUrl::parse(&format!("{scheme}://api.example.test"));
                options.reverse.upstreams.insert(scheme.into(), base.expect("a base URL"));
            }
        })
        .await;
        let sink = setup.fixture.connect_url().replace("http://", "");
        Self { setup, gate, sink }
    }

    /// Asks once by `agent`: the connection is waited for, then `request` is answered.
    async fn fetch(&self, agent: Client, request: Request) -> Waited {
        let mut agent = agent.connect().await.expect("a connection");
        let (wall, before) = (Micros::now(), Tick::now());
        let asking = async { agent.fetch(request).await.expect("an answer").status };
        let holding = async {
            let (stream, _) = self.gate.accept().await.expect("the proxy connects");
            stream.readable().await.expect("a CONNECT");
            let (held_wall, held) = (Micros::now(), Tick::now());
            (held_wall, held, self.release(stream).await)
        };
        let (status, (held_wall, held, released)) = tokio::join!(asking, holding);
        assert_eq!(status, 200);
        Waited { wall: (wall, held_wall), begun: (before, held), released }
    }

    /// Lets what came to the gate through, from the time it returns.
    async fn release(&self, mut stream: TcpStream) -> Tick {
        let mut sink = TcpStream::connect(&self.sink).await.expect("the sink");
        let released = Tick::now();
        tokio::spawn(async move {
            let _either_end = tokio::io::copy_bidirectional(&mut stream, &mut sink).await;
        });
        released
    }
}

/// When an agent waited for a provider's connection.
struct Waited {
    /// From before the request was sent until the upstream proxy was asked.
    wall: (Micros, Micros),
    begun: (Tick, Tick),
    /// When that began to answer.
    released: Tick,
}

impl Waited {
    /// The flow began with its request, and the wait is a part of it.
    fn assert_is_told_by(&self, flow: &SeenFlow) {
        let Opened { started_at, at, setup, .. } = &flow.opened;
        assert!((self.wall.0..=self.wall.1).contains(started_at), "{flow:#?}");
        assert!((self.begun.0..=self.begun.1).contains(at), "{flow:#?}");
        let setup = setup.expect("the connection was made for it");
        let made: u64 = [setup.connect_ns, setup.tls_ns].into_iter().flatten().sum();
        let made = Duration::from_nanos(made);
        assert!(self.released.since(self.begun.1) <= made, "{flow:#?}");
        assert!(made <= flow.head_at.expect("an answer").since(*at), "{flow:#?}");
    }
}

#[tokio::test]
async fn in_reverse_mode_the_wait_for_the_providers_connection_is_the_flows() {
    for (name, has_tls) in [("http", false), ("https", true)] {
        for http2 in [false, true] {
            let held = Held::new().await;
            let agent = held.setup.reverse();
            let agent = if http2 { agent.http2() } else { agent };
            let waited = held.fetch(agent, Request::get(&format!("/to/{name}/v1/models"))).await;
            let flow = held.setup.recording.assert_ending(0, Ending::Whole).await;
            assert_eq!(made(&flow), (true, has_tls));
            waited.assert_is_told_by(&flow);
        }
    }
}

#[tokio::test]
async fn in_absolute_form_the_wait_for_the_providers_connection_is_the_flows() {
    let held = Held::new().await;
    let base = "http://api.example.test";
    let agent = Client::absolute(held.setup.proxy, base);
    let waited = held.fetch(agent, Request::get(&format!("{base}/v1/models"))).await;
    let flow = held.setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(made(&flow), (true, false));
    waited.assert_is_told_by(&flow);
}

#[tokio::test]
async fn a_request_on_a_connection_that_is_there_begins_when_it_comes() {
    let held = Held::new().await;
    let mut agent = held.setup.reverse().connect().await.expect("a connection");
    let holding = async {
        let (stream, _) = held.gate.accept().await.expect("the proxy connects");
        held.release(stream).await;
    };
    let request = || Request::get("/to/https/v1/models");
    let (first, ()) = tokio::join!(agent.fetch(request()), holding);
    assert_eq!(first.expect("an answer").status, 200);
    let between = Tick::now();
    assert_eq!(agent.fetch(request()).await.expect("an answer").status, 200);
    held.setup.recording.assert_ending(0, Ending::Whole).await;
    let flow = held.setup.recording.assert_ending(1, Ending::Whole).await;
    assert_eq!(made(&flow), (false, false));
    assert!(between <= flow.opened.at, "{flow:#?}");
}
