//! Which hello the provider sees, and what the flow says of it.

use langley_fixture::{Fixture, FixtureOptions};
use langley_model::Ending;
use langley_proxy::{BaseUrl, Fingerprint, TlsChoice, TlsProvider};
use langley_testkit::{Client, Request, openssl_ask};
use rustls::pki_types::ServerName;

use crate::relay::Relay;
use crate::setup::{Setup, setup_around, setup_with};

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
    let words = ["-servername", "localhost", "-alpn", "http/1.1"];
    openssl_ask(setup.proxy, &target, &ca, &words, &request(&target)).await
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

/// A setup whose every provider is mirrored in this way.
async fn mirroring(provider: TlsProvider, fingerprint: Option<Fingerprint>) -> Setup {
    setup_with(FixtureOptions::default(), |options, _| {
        options.tls.default = TlsChoice { provider, fingerprint };
    })
    .await
}

/// The address of the fixture's TLS port.
fn origin(fixture: &Fixture) -> std::net::SocketAddr {
    let url = fixture.https_url();
    let (_, port) = url.rsplit_once(':').expect("a port");
    ([127, 0, 0, 1], port.parse().expect("a number")).into()
}

#[tokio::test]
async fn natively_the_provider_sees_the_librarys_own_hello_and_the_flow_says_so() {
    let setup = setup_with(FixtureOptions::default(), |_, _| {}).await;
    let relay = Relay::start(origin(&setup.fixture), |_| true).await;
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
async fn an_agent_that_would_resume_has_nothing_to_resume_where_its_hello_is_copied() {
    for provider in [TlsProvider::Native, TlsProvider::MirrorStrict] {
        let setup = mirroring(provider, None).await;
        let client = setup.forward().alpn(&["http/1.1"]).resuming();
        for _ in 0..2 {
            let mut connection = client.connect().await.expect("a connection");
            let answer = connection.fetch(Request::messages(false)).await.expect("an answer");
            assert_eq!(answer.status, 200);
        }
        let first = setup.recording.assert_ending(0, Ending::Whole).await.opened;
        let second = setup.recording.assert_ending(1, Ending::Whole).await.opened;
        let is_copied = provider != TlsProvider::Native;
        assert_eq!(first.ja4_in == second.ja4_in, is_copied, "only a ticket changes its hello");
        if is_copied {
            assert_eq!(second.ja4_in, second.ja4_out);
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

#[tokio::test]
async fn mirrored_the_provider_sees_the_agents_hello() {
    for provider in [TlsProvider::Mirror, TlsProvider::MirrorStrict] {
        let setup = mirroring(provider, None).await;
        let relay = Relay::start(origin(&setup.fixture), |_| true).await;
        let answer = ask_by_openssl(&setup, &relay).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let flow = setup.recording.assert_ending(0, Ending::Whole).await;
        let seen = &relay.hellos(1).await[0];
        assert_eq!(flow.opened.ja4_in, Some(seen.ja4()));
        assert_eq!(flow.opened.ja4_out, flow.opened.ja4_in);
        assert_ne!(flow.opened.ja4_out, Some(stock_ja4(&["http/1.1"])));
        assert_eq!(flow.opened.tls_note, None);
        assert_eq!(seen.alpn, [b"http/1.1"]);
        assert_eq!(relay.count(), 1);
    }
}

#[tokio::test]
async fn a_mirrored_handshake_that_fails_is_followed_by_one_native_and_the_flow_says_so() {
    let setup = mirroring(TlsProvider::Mirror, None).await;
    let relay = Relay::start(origin(&setup.fixture), |number| number > 0).await;
    let answer = ask_by_openssl(&setup, &relay).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    let seen = relay.hellos(2).await;
    assert_eq!(flow.opened.ja4_in, Some(seen[0].ja4()));
    assert_eq!(flow.opened.ja4_out, Some(seen[1].ja4()));
    assert_eq!(flow.opened.ja4_out, Some(stock_ja4(&["http/1.1"])));
    let note = flow.opened.tls_note.expect("a note");
    assert!(note.contains("Langley's own was sent instead"), "{note}");
    assert!(!note.contains("localhost") && !note.contains("proxy.upstream_ca"), "{note}");
    assert_eq!(setup.fixture.exchanges().len(), 1, "the request is sent once");
}

#[tokio::test]
async fn a_hello_that_did_not_work_is_not_mirrored_again_for_some_minutes() {
    // Only the first connection is broken off.
    let setup = mirroring(TlsProvider::Mirror, None).await;
    let relay = Relay::start(origin(&setup.fixture), |number| number > 0).await;
    let mut notes = Vec::new();
    for index in 0..3 {
        let answer = ask_by_openssl(&setup, &relay).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let flow = setup.recording.assert_ending(index, Ending::Whole).await;
        assert_ne!(flow.opened.ja4_in, flow.opened.ja4_out);
        notes.push(flow.opened.tls_note.expect("a note"));
    }
    assert_eq!(relay.count(), 2 + 1 + 1, "one connection each, once it is known");
    assert!(notes.iter().all(|note| *note == notes[0]), "{notes:?}");
    // Another agent's hello may work.
    let client =
        Client::through(setup.proxy, &format!("https://localhost:{}", relay.address.port()))
            .trusting(&setup.ca)
            .alpn(&["h2"]);
    let mut connection = client.connect().await.expect("a connection");
    let answer = connection.fetch(Request::messages(false)).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let flow = setup.recording.assert_ending(3, Ending::Whole).await;
    assert_eq!(flow.opened.ja4_in, flow.opened.ja4_out);
    assert_eq!(flow.opened.tls_note, None);
}

#[tokio::test]
async fn a_provider_that_takes_no_hello_at_all_has_nothing_against_the_mirrored_one() {
    let setup = mirroring(TlsProvider::Mirror, None).await;
    let relay = Relay::start(origin(&setup.fixture), |number| number > 1).await;
    assert!(ask_by_openssl(&setup, &relay).await.starts_with("HTTP/1.1 502"));
    assert!(ask_by_openssl(&setup, &relay).await.starts_with("HTTP/1.1 200"));
    setup.recording.assert_ending(0, Ending::Unreached).await;
    let flow = setup.recording.assert_ending(1, Ending::Whole).await;
    assert_eq!((flow.opened.ja4_out, flow.opened.tls_note), (flow.opened.ja4_in, None));
}

#[tokio::test]
async fn the_native_attempt_is_the_last_one() {
    let setup = mirroring(TlsProvider::Mirror, None).await;
    let relay = Relay::start(origin(&setup.fixture), |_| false).await;
    let answer = ask_by_openssl(&setup, &relay).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(answer.contains("x-langley-error: upstream_tls_failed"), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Unreached).await;
    assert!(flow.opened.tls_note.is_some());
    assert_eq!(relay.count(), 2);
}

#[tokio::test]
async fn strictly_a_mirrored_handshake_that_fails_is_a_502() {
    let setup = mirroring(TlsProvider::MirrorStrict, None).await;
    let relay = Relay::start(origin(&setup.fixture), |number| number > 0).await;
    let answer = ask_by_openssl(&setup, &relay).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(answer.contains("x-langley-error: upstream_tls_not_mirrored"), "{answer}");
    assert!(answer.contains(r#"{"type":"error","error":{"type":"api_error""#), "{answer}");
    assert!(answer.contains("mirror-strict"), "{answer}");
    assert!(!answer.contains("proxy.upstream_ca"), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Refused).await;
    assert_eq!(flow.opened.ja4_out, flow.opened.ja4_in);
    assert_eq!(relay.count(), 1, "nothing native was tried");
    let answer = ask_by_openssl(&setup, &relay).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "it is tried again: {answer}");
    let flow = setup.recording.assert_ending(1, Ending::Whole).await;
    assert_eq!(flow.opened.ja4_out, flow.opened.ja4_in);
}

#[tokio::test]
async fn a_mirrored_handshake_still_verifies_the_provider() {
    for provider in [TlsProvider::Mirror, TlsProvider::MirrorStrict] {
        let setup = setup_with(FixtureOptions::default(), |options, _| {
            options.upstream_ca = None;
            options.tls.default.provider = provider;
        })
        .await;
        let relay = Relay::start(origin(&setup.fixture), |_| true).await;
        let answer = ask_by_openssl(&setup, &relay).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        assert!(answer.contains("x-langley-error: upstream_tls_failed"), "{answer}");
        setup.recording.assert_ending(0, Ending::Refused).await;
        assert_eq!(relay.count(), 1, "no other hello makes it trusted");
        assert!(setup.fixture.exchanges().is_empty());
    }
}

#[tokio::test]
async fn a_rule_for_a_host_goes_before_the_default() {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.tls.default.provider = TlsProvider::MirrorStrict;
        options.tls.hosts = vec!["localhost=native".parse().expect("a rule")];
    })
    .await;
    let relay = Relay::start(origin(&setup.fixture), |_| true).await;
    let answer = ask_by_openssl(&setup, &relay).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(flow.opened.ja4_out, Some(stock_ja4(&["http/1.1"])));
}

/// A setup whose reverse mode leads to the fixture by way of a relay.
async fn reverse(provider: TlsProvider, fingerprint: Option<Fingerprint>) -> (Setup, Relay) {
    let fixture = Fixture::start(FixtureOptions::default()).await.expect("one");
    let relay = Relay::start(origin(&fixture), |_| true).await;
    let url = format!("https://localhost:{}", relay.address.port());
    let setup = setup_around(fixture, |options, _| {
        options.tls.default = TlsChoice { provider, fingerprint };
        let base = BaseUrl::parse(&url).expect("a base URL");
        options.reverse.upstreams.insert("anthropic".to_owned(), base);
    });
    (setup.await, relay)
}

#[tokio::test]
async fn reverse_mode_mirrors_a_named_profile() {
    for (fingerprint, ja4) in [
        (Fingerprint::Bun, "t13d1713h1_5b57614c22b0_7f527383e249"),
        (Fingerprint::Node, "t13d5911h1_a33745022dd6_1f22a2ca17c4"),
        (Fingerprint::Chrome, "t13d1517h1_8daaf6152771_"),
        (Fingerprint::Electron, "t13d1517h1_8daaf6152771_"),
    ] {
        let (setup, relay) = reverse(TlsProvider::MirrorStrict, Some(fingerprint)).await;
        let mut connection = setup.reverse().connect().await.expect("a connection");
        let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{fingerprint}: {}", answer.text());
        let flow = setup.recording.assert_ending(0, Ending::Whole).await;
        let seen = &relay.hellos(1).await[0];
        assert_eq!(flow.opened.ja4_out, Some(seen.ja4()));
        assert!(seen.ja4().starts_with(ja4), "{fingerprint}: {}", seen.ja4());
        assert_eq!((flow.opened.ja4_in, flow.opened.tls_note), (None, None));
    }
}

#[tokio::test]
async fn reverse_mode_without_a_profile_has_nothing_to_mirror() {
    let (setup, relay) = reverse(TlsProvider::Mirror, None).await;
    let mut connection = setup.reverse().connect().await.expect("a connection");
    let answer = connection.fetch(Request::messages(false)).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(flow.opened.ja4_out, Some(stock_ja4(&["http/1.1"])));
    assert!(flow.opened.tls_note.is_some_and(|note| note.contains("proxy.tls.fingerprint")));
    assert_eq!(relay.count(), 1, "the first connection serves");

    let (setup, relay) = reverse(TlsProvider::MirrorStrict, None).await;
    let mut connection = setup.reverse().connect().await.expect("a connection");
    let answer = connection.fetch(Request::messages(false)).await.expect("an answer");
    assert_eq!(answer.status, 502);
    assert_eq!(answer.headers.value("x-langley-error"), Some("upstream_tls_not_mirrored"));
    setup.recording.assert_ending(0, Ending::Refused).await;
    assert_eq!(relay.count(), 0);
}
