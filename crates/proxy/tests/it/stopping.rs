//! What Langley itself ends: cut by a drain that is over, by a time limit, or while it stops.

use std::time::Duration;

use langley_fixture::FixtureOptions;
use langley_model::{Ending, TunnelReason};
use langley_testkit::{Client, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{setup, setup_with};

const STALLED: &str = "events=9;stall=forever;stall_after=2";

#[tokio::test]
async fn an_exchange_that_outlasts_the_drain_is_lost_and_not_the_agents_doing() {
    for http2 in [false, true] {
        let setup =
            setup_with(FixtureOptions::default(), |options, _| options.drain = Duration::ZERO)
                .await;
        let client = if http2 { setup.forward().http2() } else { setup.forward() };
        let mut connection = client.connect().await.expect("a connection");
        let request = Request::messages(true).fixture(STALLED);
        let mut answer = connection.send(request).await.expect("a head");
        answer.next_event().await.expect("no break");
        setup.shutdown.cancel();
        let flow = setup.recording.assert_ending(0, Ending::Unaccounted).await;
        let reason = flow.closed.and_then(|closed| closed.reason).expect("a reason");
        assert!(reason.starts_with("Langley stopped"), "{reason}");
        assert!(answer.whole().await.is_err(), "the agent saw a clean end");
        setup.serving.await.expect("the proxy stops");
    }
}

#[tokio::test]
async fn a_websocket_holds_its_place_until_it_ends() {
    let setup =
        setup_with(FixtureOptions::default(), |options, _| options.max_connections = 1).await;
    let (mut stream, answer) = setup.websocket().await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let frame = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    stream.write_all(&frame).await.expect("a frame is sent");
    let mut echoed = [0; 7];
    stream.read_exact(&mut echoed).await.expect("the echo");
    setup.shutdown.cancel();
    // Still there while the proxy drains.
    stream.write_all(&frame).await.expect("a frame is sent");
    stream.read_exact(&mut echoed).await.expect("the echo");
    assert!(!setup.serving.is_finished(), "the proxy did not wait for it");
    drop(stream);
    setup.serving.await.expect("the proxy stops");
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn a_websocket_that_outlasts_the_drain_is_cut_and_lost() {
    let setup =
        setup_with(FixtureOptions::default(), |options, _| options.drain = Duration::ZERO).await;
    let (mut stream, answer) = setup.websocket().await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    setup.shutdown.cancel();
    setup.recording.assert_ending(0, Ending::Unaccounted).await;
    let mut rest = Vec::new();
    let _reset_is_an_end = stream.read_to_end(&mut rest).await;
    setup.serving.await.expect("the proxy stops");
}

#[tokio::test]
async fn a_quiet_tunnel_does_not_hold_up_the_stop() {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.intercept = langley_proxy::HostList::parse(&["api.example.test"]).expect("a list");
        options.drain = Duration::from_secs(3600);
    })
    .await;
    let client = Client::through(setup.proxy, &setup.fixture.https_url());
    let mut connection =
        client.trusting(setup.fixture.ca_pem()).connect().await.expect("a connection");
    assert_eq!(connection.fetch(Request::messages(false)).await.expect("an answer").status, 200);
    setup.shutdown.cancel();
    setup.serving.await.expect("the proxy stops");
    let tunnels = setup.recording.tunnels();
    assert!(tunnels.iter().any(|tunnel| tunnel.ended_at.is_some() && tunnel.bytes_up > 300));
}

#[tokio::test]
async fn a_tunnel_that_is_cut_is_reported_as_ended() {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.intercept = langley_proxy::HostList::parse(&["api.example.test"]).expect("a list");
        options.drain = Duration::ZERO;
    })
    .await;
    let client = Client::through(setup.proxy, &setup.fixture.https_url());
    let mut connection =
        client.trusting(setup.fixture.ca_pem()).connect().await.expect("a connection");
    let request = Request::messages(true).fixture(STALLED);
    let mut answer = connection.send(request).await.expect("a head");
    answer.next_event().await.expect("no break");
    setup.shutdown.cancel();
    setup.serving.await.expect("the proxy stops");
    let tunnels = setup.recording.tunnels();
    assert!(tunnels.iter().any(|tunnel| tunnel.ended_at.is_some() && tunnel.bytes_down > 300));
}

#[tokio::test]
async fn a_provider_that_is_too_slow_is_a_504_and_timed_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("its address");
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.handshake_timeout = Duration::from_millis(100);
    })
    .await;
    let base = format!("https://localhost:{}", address.port());
    let client = Client::through(setup.proxy, &base).trusting(&setup.ca);
    let mut connection = client.connect().await.expect("Langley's own certificate");
    let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
    assert_eq!(answer.status, 504);
    assert_eq!(answer.headers.value("x-langley-error"), Some("upstream_tls_timed_out"));
    setup.recording.assert_ending(0, Ending::TimedOut).await;
}

#[tokio::test]
async fn a_handshake_that_fails_otherwise_is_not_called_a_rejected_certificate() {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.handshake_timeout = Duration::from_millis(300);
    })
    .await;
    // The agent's first message, and then nothing: no certificate was ever looked at.
    let url = setup.fixture.https_url();
    let host = url.strip_prefix("https://").expect("an https URL");
    let mut stream = TcpStream::connect(setup.proxy).await.expect("a connection");
    let head = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    let mut established = [0; 39];
    stream.read_exact(&mut established).await.expect("established");
    stream.write_all(&hello()).await.expect("the hello is sent");
    loop {
        let failed = TunnelReason::HandshakeFailed;
        if setup.recording.tunnels().iter().any(|tunnel| tunnel.why == failed) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let rejected = TunnelReason::ClientRejectedCertificate;
    assert!(setup.recording.tunnels().iter().all(|tunnel| tunnel.why != rejected));
}

/// The ClientHello that rustls would send to `localhost`.
pub(crate) fn hello() -> Vec<u8> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("usual versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut connection =
        rustls::ClientConnection::new(std::sync::Arc::new(config), name).expect("a client");
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).expect("a hello");
    bytes
}

#[tokio::test]
async fn a_refused_connection_is_not_remembered() {
    let setup =
        setup_with(FixtureOptions::default(), |options, _| options.upstream_ca = None).await;
    for http2 in [false, true] {
        let client = if http2 { setup.forward().http2() } else { setup.forward() };
        let mut connection = client.connect().await.expect("Langley's own certificate");
        let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
        assert_eq!(answer.status, 502);
        // The next request needs a connection of its own, which may find the provider again.
        assert!(connection.fetch(Request::messages(true)).await.is_err());
    }
    let flow = setup.recording.assert_ending(0, Ending::Refused).await;
    assert!(flow.response_ended, "the refusal is stored as a whole answer");
    assert!(flow.response.starts_with(br#"{"type":"error""#));
    setup.recording.assert_ending(1, Ending::Refused).await;
}

#[tokio::test]
async fn requests_of_one_http2_client_do_not_wait_for_each_other_on_http1() {
    let setup = setup().await;
    let connection = setup.reverse().http2().connect().await.expect("a connection");
    let ask = |wish: &str| {
        let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
        Request::post("/to/plain/v1/messages", body).fixture(wish)
    };
    let (mut first, mut second, mut third) =
        (connection.share(), connection.share(), connection.share());
    let mut stalled = first.send(ask(STALLED)).await.expect("a head");
    stalled.next_event().await.expect("no break");
    let (second, third) = tokio::join!(second.fetch(ask("events=3")), third.fetch(ask("events=3")));
    for answer in [second, third] {
        assert!(answer.expect("an answer").text().contains("message_stop"));
    }
    setup.recording.endings_do_not_matter();
}
