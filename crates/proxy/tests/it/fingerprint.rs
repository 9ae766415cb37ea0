//! Which hello the provider sees, and what the flow says of it.

use langley_fixture::FixtureOptions;
use langley_model::Ending;
use langley_testkit::Request;
use rustls::pki_types::ServerName;

use crate::openssl::ask;
use crate::relay::Relay;
use crate::setup::{Setup, setup_with};

/// An HTTP/1.1 request to the fixture, after which the connection closes.
fn request(authority: &str) -> String {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
    format!(
        "POST /v1/messages HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Asks by `openssl s_client` through the proxy for what the relay stands before.
async fn ask_by_openssl(setup: &Setup, relay: &Relay) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, &setup.ca).expect("the proxy's CA");
    let target = format!("localhost:{}", relay.address.port());
    ask(setup.proxy, &target, &ca, &["-alpn", "http/1.1"], &request(&target)).await
}

/// The JA4 of a hello as the stock library writes it.
fn stock_ja4(alpn: &[&str]) -> String {
    let mut config = rustls::ClientConfig::builder_with_provider(
        rustls::crypto::aws_lc_rs::default_provider().into(),
    )
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut connection = rustls::ClientConnection::new(config.into(), name).expect("a connection");
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).expect("a hello");
    match langley_protocol::client_hello::peek(&bytes) {
        langley_protocol::client_hello::Peek::Hello(hello) => hello.ja4(),
        other => panic!("{other:?}"),
    }
}

/// The address of the fixture's TLS port.
fn origin(setup: &Setup) -> std::net::SocketAddr {
    let url = setup.fixture.https_url();
    let (_, port) = url.rsplit_once(':').expect("a port");
    ([127, 0, 0, 1], port.parse().expect("a number")).into()
}

#[tokio::test]
async fn natively_the_provider_sees_the_librarys_own_hello_and_the_flow_says_so() {
    let setup = setup_with(FixtureOptions::default(), |_, _| {}).await;
    let relay = Relay::start(origin(&setup), |_| true).await;
    let answer = ask_by_openssl(&setup, &relay).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    let seen = &relay.hellos(1).await[0];
    assert_eq!(flow.opened.ja4_out, Some(seen.ja4()));
    assert_eq!(flow.opened.ja4_out, Some(stock_ja4(&["http/1.1"])));
    assert_ne!(flow.opened.ja4_in, flow.opened.ja4_out);
}

#[tokio::test]
async fn every_flow_of_a_connection_tells_the_hello_and_reverse_mode_tells_it_too() {
    for reverse in [false, true] {
        let setup = setup_with(FixtureOptions::default(), |_, _| {}).await;
        let client = if reverse { setup.reverse() } else { setup.forward().http2() };
        let mut connection = client.connect().await.expect("a connection");
        for _ in 0..2 {
            let answer = connection.fetch(Request::messages(false)).await.expect("an answer");
            assert_eq!(answer.status, 200);
        }
        let alpn = if reverse { "http/1.1" } else { "h2" };
        for index in 0..2 {
            let flow = setup.recording.assert_ending(index, Ending::Whole).await;
            assert_eq!(flow.opened.ja4_out, Some(stock_ja4(&[alpn])), "{index}");
            assert_eq!(flow.opened.ja4_in.is_some(), !reverse, "{index}");
        }
    }
}

#[tokio::test]
async fn a_handshake_that_failed_tells_what_was_sent() {
    let setup =
        setup_with(FixtureOptions::default(), |options, _| options.upstream_ca = None).await;
    // Nothing is resumed after a failure, so the hellos are alike.
    for client in [setup.forward().alpn(&["http/1.1"]), setup.reverse()] {
        let mut connection = client.connect().await.expect("a connection");
        let answer = connection.fetch(Request::messages(false)).await.expect("an answer");
        assert_eq!(answer.status, 502);
    }
    for index in 0..2 {
        let flow = setup.recording.assert_ending(index, Ending::Refused).await;
        assert_eq!(flow.opened.ja4_out, Some(stock_ja4(&["http/1.1"])));
    }
}
