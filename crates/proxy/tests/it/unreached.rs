//! A provider that cannot be reached: the agent is told, and every attempt is on record with its cause.

use std::net::SocketAddr;
use std::time::Duration;

use langley_fixture::FixtureOptions;
use langley_model::{Ending, Mode, TunnelReason};
use langley_proxy::{BaseUrl, HostList, ProxyOptions, UpstreamProxy};
use langley_testkit::{Request, SeenFlow, nobody};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::refusals::raw;
use crate::setup::{Setup, setup_with};

/// A proxy that goes by the upstream proxy at `address`.
async fn by_way_of(address: SocketAddr) -> Setup {
    setup_with(FixtureOptions::default(), |options, _| through(options, address)).await
}

fn through(options: &mut ProxyOptions, address: SocketAddr) {
    let url = format!("http://{address}");
    options.upstream_proxy = Some(UpstreamProxy::parse(&url).expect("a proxy URL"));
}

/// Asks for `host`, whose provider cannot be reached; the answer.
async fn connect(setup: &Setup, host: &str) -> String {
    let head = format!(
        "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: claude-cli/2.1.329 (external)\r\n\
         Proxy-Authorization: Basic c2VjcmV0\r\n\r\n"
    );
    raw(setup, head.as_bytes()).await
}

fn reason(flow: &SeenFlow) -> (&str, &str) {
    let closed = flow.closed.as_ref().expect("an end");
    (closed.reason.as_deref().expect("a reason"), closed.code.expect("a code"))
}

#[tokio::test]
async fn each_attempt_on_a_listed_host_is_a_flow_with_agent_cause_and_place() {
    let setup = setup_with(FixtureOptions::default(), |_, _| {}).await;
    let host = nobody().to_string();
    for attempt in 0..10 {
        let answer = connect(&setup, &host).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(answer.contains("x-langley-error: upstream_unreachable"), "{answer}");
        let flow = setup.recording.assert_ending(attempt, Ending::Unreached).await;
        assert_eq!((flow.opened.method.as_str(), flow.opened.target.as_str()), ("CONNECT", ""));
        assert_eq!(format!("{}:{}", flow.opened.host, flow.opened.port), host);
        assert_eq!(flow.opened.mode, Mode::Forward);
        let agent = flow.opened.headers.value("user-agent");
        assert_eq!(agent, Some("claude-cli/2.1.329 (external)"));
        let (said, code) = reason(&flow);
        assert_eq!(code, "upstream_unreachable");
        let cause =
            format!("could not reach {host}: connection refused at 127.0.0.1 (this machine)");
        assert!(said.contains(&cause), "{said}");
        assert_eq!(flow.head.as_ref().map(|head| head.status), Some(502));
        assert!(String::from_utf8_lossy(&flow.response).contains(&cause));
        let tunnel = &setup.recording.tunnels()[attempt];
        assert_eq!(tunnel.connection, flow.opened.connection);
        assert_eq!(tunnel.reason.as_deref(), Some(said));
    }
    assert_eq!(setup.recording.flows().len(), 10);
}

#[tokio::test]
async fn a_host_that_is_not_listed_has_a_tunnels_row_with_the_reason() {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.intercept = HostList::parse(&["api.example.test"]).expect("a list");
    })
    .await;
    let answer = connect(&setup, &nobody().to_string()).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let tunnels = setup.recording.tunnels();
    let [tunnel] = &tunnels[..] else { panic!("{tunnels:?}") };
    assert_eq!(tunnel.why, TunnelReason::DialFailed);
    assert!(tunnel.reason.as_deref().is_some_and(|said| said.contains("connection refused")));
    assert!(setup.recording.flows().is_empty());
}

#[tokio::test]
async fn a_name_without_an_address_is_a_flow() {
    let setup = setup_with(FixtureOptions::default(), |_, _| {}).await;
    // No label may be so long (RFC 1035 §2.3.4), so nobody is asked for it.
    let answer = connect(&setup, &format!("{}.example.test:443", "a".repeat(64))).await;
    assert!(answer.contains("x-langley-error: upstream_name_not_resolved"), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Unreached).await;
    assert!(reason(&flow).0.contains("could not be resolved"), "{}", reason(&flow).0);
}

#[tokio::test]
async fn a_dead_upstream_proxy_is_called_one_and_the_provider_is_named() {
    let proxy = nobody();
    let setup = by_way_of(proxy).await;
    let answer = connect(&setup, "api.example.test:443").await;
    let told = format!(
        "could not reach api.example.test:443 through the proxy {proxy} (from \
         proxy.upstream_proxy): connection refused"
    );
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains(&told), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Unreached).await;
    assert_eq!(reason(&flow).1, "upstream_proxy_unreachable");
    assert_eq!(flow.opened.host, "api.example.test");
}

#[tokio::test]
async fn an_upstream_proxy_that_says_nothing_is_a_flow_that_timed_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("its address");
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        through(options, address);
        options.connect_timeout = Duration::from_millis(20);
    })
    .await;
    let answer = connect(&setup, "api.example.test:443").await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::TimedOut).await;
    assert_eq!(reason(&flow).1, "upstream_connect_timed_out");
    let (opened, closed) = (flow.opened.at, flow.closed.as_ref().expect("an end").at);
    assert!(closed.since(opened) >= Duration::from_millis(20), "the attempt's whole time");
}

#[tokio::test]
async fn providers_on_this_machine_are_reached_without_the_upstream_proxy() {
    let proxy = nobody();
    let setup = by_way_of(proxy).await;
    // Each is the fixture, by another name.
    for base in ["https://localhost", "https://127.0.0.1"] {
        let url = setup.fixture.https_url();
        let port = url.rsplit(':').next().expect("a port");
        let client = langley_testkit::Client::through(setup.proxy, &format!("{base}:{port}"));
        let mut connection = client.trusting(&setup.ca).connect().await.expect("a connection");
        let answer = connection.fetch(Request::messages(false)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{base}");
    }
    let mut reverse = setup.reverse().connect().await.expect("a connection");
    assert_eq!(reverse.fetch(Request::messages(false)).await.expect("an answer").status, 200);
    for index in 0..3 {
        setup.recording.assert_ending(index, Ending::Whole).await;
    }
}

#[tokio::test]
async fn what_an_agent_sent_to_a_dead_provider_is_kept_in_reverse_mode() {
    let dead = nobody();
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        let base = BaseUrl::parse(&format!("http://{dead}")).expect("a base URL");
        options.reverse.upstreams.insert("dead".into(), base);
    })
    .await;
    let said = format!(r#"{{"model":"m","messages":[],"pad":"{}"}}"#, "x".repeat(300_000));
    for http2 in [false, true] {
        let client = if http2 { setup.reverse().http2() } else { setup.reverse() };
        let mut agent = client.connect().await.expect("a connection");
        let request = Request::post("/to/dead/v1/messages", said.clone());
        let answer = agent.fetch(request).await.expect("an answer");
        assert_eq!(answer.status, 502);
        assert_eq!(answer.headers.value("x-langley-error"), Some("upstream_unreachable"));
        let flow = setup.recording.assert_ending(usize::from(http2), Ending::Unreached).await;
        assert_eq!(flow.request, said.as_bytes());
        assert!(flow.request_ended);
        assert_eq!(flow.opened.upstream.as_deref(), Some("dead"));
        assert!(reason(&flow).0.contains(&dead.to_string()));
    }
}

#[tokio::test]
async fn an_agent_that_leaves_while_its_provider_is_called_is_on_record() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("its address");
    let setup = by_way_of(address).await;
    let mut agent = TcpStream::connect(setup.proxy).await.expect("a connection");
    let ask = b"GET http://api.example.test/v1/models HTTP/1.1\r\nHost: api.example.test\r\n\r\n";
    agent.write_all(ask).await.expect("a request is sent");
    let _called = silent.accept().await.expect("the proxy is asked");
    drop(agent);
    let flow = setup.recording.assert_ending(0, Ending::ClientGone).await;
    assert_eq!(
        (flow.opened.host.as_str(), flow.opened.target.as_str()),
        ("api.example.test", "/v1/models")
    );
}

#[tokio::test]
async fn a_look_at_the_base_url_is_answered_as_what_it_is_or_passed_on() {
    let setup = setup_with(FixtureOptions::default(), |_, _| {}).await;
    let answer = raw(&setup, b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(!answer.contains("x-langley-error"), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    let closed = flow.closed.expect("an end");
    assert!(closed.reason.is_some_and(|said| said.contains("proxy.reverse.default")));
    assert_eq!(closed.code, None);
    let answer = raw(&setup, b"HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    setup.recording.assert_ending(1, Ending::Refused).await;

    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.reverse.default = Some("plain".into());
    })
    .await;
    let head = b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = raw(&setup, head).await;
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    let seen = setup.fixture.exchanges();
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("HEAD", "/"));
    setup.recording.assert_ending(0, Ending::Whole).await;
}
