//! The ways in: forward, reverse, absolute form, tunnel, upgrade; and the way out by another proxy.

use langley_fixture::{FixtureOptions, Via};
use langley_model::{Ending, HttpVersion, Mode, TunnelReason};
use langley_proxy::{NoProxy, UpstreamProxy};
use langley_testkit::{Client, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::origin::head;
use crate::setup::{setup, setup_with};

#[tokio::test]
async fn reverse_mode_finds_the_provider_by_path_and_by_prefix() {
    let setup = setup().await;
    let mut connection = setup.reverse().connect().await.expect("a connection");
    assert_eq!(connection.fetch(Request::messages(false)).await.expect("an answer").status, 200);
    let prefixed = Request::post(
        "/to/plain/v1/messages",
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
    );
    assert_eq!(connection.fetch(prefixed).await.expect("an answer").status, 200);
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!((flow.opened.mode, flow.opened.scheme), (Mode::Reverse, "https"));
    assert_eq!(flow.opened.upstream.as_deref(), Some("anthropic"));
    let flow = setup.recording.assert_ending(1, Ending::Whole).await;
    assert_eq!((flow.opened.scheme, flow.opened.target.as_str()), ("http", "/v1/messages"));
    let seen = setup.fixture.exchanges();
    assert_eq!(seen[0].authority.as_deref(), setup.fixture.https_url().strip_prefix("https://"));
}

#[tokio::test]
async fn what_is_no_call_reaches_the_provider_that_its_headers_name() {
    let setup = setup().await;
    for http2 in [false, true] {
        let client = if http2 { setup.reverse().http2() } else { setup.reverse() };
        let mut connection = client.connect().await.expect("a connection");
        let request = Request::get("/v1/files?limit=1").header("anthropic-version", "2023-06-01");
        let answer = connection.fetch(request).await.expect("an answer");
        assert_eq!(answer.headers.value("x-langley-error"), None, "{}", answer.text());
        let refused = connection.fetch(Request::get("/v1/files")).await.expect("an answer");
        assert_eq!(refused.headers.value("x-langley-error"), Some("no_upstream"));
    }
    for (index, reached) in [true, false, true, false].into_iter().enumerate() {
        let ending = if reached { Ending::Whole } else { Ending::Refused };
        let flow = setup.recording.assert_ending(index, ending).await;
        assert_eq!(flow.opened.upstream.as_deref(), reached.then_some("anthropic"));
    }
    let seen = setup.fixture.exchanges();
    let targets: Vec<_> = seen.iter().map(|exchange| exchange.target.as_str()).collect();
    assert_eq!(targets, ["/v1/files?limit=1"; 2]);
}

#[tokio::test]
async fn reverse_mode_accepts_http2_with_prior_knowledge() {
    let setup = setup().await;
    let mut connection = setup.reverse().http2().connect().await.expect("a connection");
    let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
    assert!(answer.text().contains("message_stop"));
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(flow.opened.version_in, HttpVersion::Http2);
    let plain = Request::post(
        "/to/plain/v1/messages",
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
    );
    assert_eq!(connection.fetch(plain).await.expect("translated to HTTP/1.1").status, 200);
    let flow = setup.recording.assert_ending(1, Ending::Whole).await;
    assert_eq!(flow.opened.version_out, HttpVersion::Http11);
}

#[tokio::test]
async fn absolute_form_is_proxied_in_origin_form() {
    let setup = setup().await;
    let base = setup.fixture.http_url();
    let mut connection =
        Client::absolute(setup.proxy, &base).connect().await.expect("a connection");
    let target = format!("{base}/v1/messages?beta=true");
    let request = Request::post(
        &target,
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
    )
    .header("proxy-connection", "keep-alive")
    .header("host", "forged.example.test");
    assert_eq!(connection.fetch(request).await.expect("an answer").status, 200);
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!((flow.opened.mode, flow.opened.scheme), (Mode::Forward, "http"));
    let seen = &setup.fixture.exchanges()[0];
    assert_eq!(seen.target, "/v1/messages?beta=true");
    assert!(seen.headers.value("proxy-connection").is_none());
    assert_eq!(seen.authority.as_deref(), base.strip_prefix("http://"));
}

#[tokio::test]
async fn hosts_that_are_not_listed_are_tunnelled_unread() {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.intercept = langley_proxy::HostList::parse(&["api.example.test"]).expect("a list");
    })
    .await;
    let client = Client::through(setup.proxy, &setup.fixture.https_url());
    let mut connection = client
        .trusting(setup.fixture.ca_pem())
        .connect()
        .await
        .expect("the provider's own certificate");
    assert_eq!(connection.fetch(Request::messages(false)).await.expect("an answer").status, 200);
    drop(connection);
    let ended = |sink: &langley_testkit::Recording| {
        sink.tunnels().into_iter().find(|tunnel| tunnel.ended_at.is_some())
    };
    let tunnel = loop {
        if let Some(tunnel) = ended(&setup.recording) {
            break tunnel;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(tunnel.why, TunnelReason::NotListed);
    assert!(tunnel.bytes_up > 300 && tunnel.bytes_down > 300, "{tunnel:?}");
    assert!(setup.recording.flows().is_empty());
}

#[tokio::test]
async fn a_hello_that_comes_byte_by_byte_is_a_hello() {
    let setup = setup().await;
    let url = setup.fixture.https_url();
    let host = url.strip_prefix("https://").expect("an https URL");
    let mut stream = TcpStream::connect(setup.proxy).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket that does not wait");
    let head = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    let mut established = [0; 39];
    stream.read_exact(&mut established).await.expect("established");
    for byte in crate::stopping::hello() {
        stream.write_all(&[byte]).await.expect("a byte is sent");
        tokio::task::yield_now().await;
    }
    // A handshake record, and in it a ServerHello (RFC 8446 §4): Langley's own, since the provider's
    // certificate would come by way of a tunnel.
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!((answer[0], answer[5]), (22, 2));
    assert!(setup.recording.tunnels().is_empty());
}

#[tokio::test]
async fn a_connection_that_the_provider_has_closed_is_not_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("its address"));
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        let base = langley_proxy::BaseUrl::parse(&base).expect("a base URL");
        options.reverse.upstreams.insert("closing".into(), base);
    })
    .await;
    let mut agent = setup.reverse().connect().await.expect("a connection");
    for _ in 0..3 {
        let serving = async {
            let (mut stream, _) = listener.accept().await.expect("a new connection");
            head(&mut stream).await.expect("a head");
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer).await.expect("the answer is sent");
            stream.shutdown().await.expect("an end is sent");
            // The proxy has seen it.
            assert_eq!(stream.read(&mut [0]).await.expect("an end"), 0);
        };
        let asking = agent.fetch(Request::get("/to/closing/x"));
        let (answer, ()) = tokio::join!(asking, serving);
        assert_eq!(answer.expect("an answer").text(), "ok");
    }
    for index in 0..3 {
        setup.recording.assert_ending(index, Ending::Whole).await;
    }
}

#[tokio::test]
async fn a_websocket_passes_byte_for_byte() {
    let setup = setup().await;
    let (mut stream, answer) = setup.websocket().await;
    let answer = answer.to_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("connection: upgrade\r\n"), "{answer}");
    assert!(!answer.contains("close"), "{answer}");
    // RFC 6455 §1.3: the accept value of the sample nonce.
    assert!(answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
    // A masked text frame "Hello" (RFC 6455 §5.7), echoed unmasked.
    let frame = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    stream.write_all(&frame).await.expect("a frame is sent");
    let mut echoed = [0; 7];
    stream.read_exact(&mut echoed).await.expect("the echo");
    assert_eq!(&echoed, b"\x81\x05Hello");
    drop(stream);
    let flow = setup.recording.assert_ending(0, Ending::ClientGone).await;
    assert_eq!(flow.frames_up, frame);
    assert!(flow.frames_down.starts_with(b"\x81\x05Hello"));
    assert_eq!(flow.head.map(|head| head.status), Some(101));
}

#[tokio::test]
async fn an_upstream_proxy_carries_any_host_with_its_credentials() {
    let options =
        FixtureOptions { sink_credentials: Some("me:p@ss".into()), ..FixtureOptions::default() };
    let setup = setup_with(options, |options, fixture| {
        let url = fixture.connect_url().replace("http://", "http://me:p%40ss@");
        options.upstream_proxy = Some(UpstreamProxy::parse(&url).expect("a proxy URL"));
        options.no_proxy = NoProxy::parse("localhost").expect("a list");
    })
    .await;
    let client = Client::through(setup.proxy, "https://api.example.test:443").trusting(&setup.ca);
    for http2 in [false, true] {
        let client = if http2 { client.clone().http2() } else { client.clone() };
        let mut connection = client.connect().await.expect("a connection");
        let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
        assert!(answer.text().contains("message_stop"));
    }
    let seen = setup.fixture.exchanges();
    assert_eq!(seen[0].via, Via::Connect("api.example.test:443".into()));
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(flow.opened.host, "api.example.test");
    setup.recording.assert_ending(1, Ending::Whole).await;
}

#[tokio::test]
async fn the_upstream_alone_chooses_the_protocol() {
    for (alpn, offered, agreed) in [
        (langley_fixture::Alpn::Http1, vec!["h2", "http/1.1"], Some("http/1.1")),
        (langley_fixture::Alpn::Both, vec!["http/1.1"], Some("http/1.1")),
        (langley_fixture::Alpn::Both, vec!["h2", "http/1.1"], Some("h2")),
        (langley_fixture::Alpn::Both, vec![], None),
        (langley_fixture::Alpn::None, vec!["h2", "http/1.1"], None),
    ] {
        let options = FixtureOptions { alpn, ..FixtureOptions::default() };
        let setup = setup_with(options, |_, _| {}).await;
        let connection = setup.forward().alpn(&offered).connect().await.expect("a connection");
        assert_eq!(connection.alpn(), agreed, "{alpn:?} {offered:?}");
    }
}
