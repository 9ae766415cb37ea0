//! What Langley says itself: in the provider's shape, with a sentence a person can act on.

use std::sync::{Arc, Mutex};

use langley_fixture::FixtureOptions;
use langley_model::{Ending, TunnelReason};
use langley_proxy::Password;
use langley_testkit::{Client, ClientError, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::setup::{Setup, setup, setup_with};

/// Sends raw bytes to the proxy and reads until it closes.
pub(crate) async fn raw(setup: &Setup, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(setup.proxy).await.expect("a connection");
    stream.write_all(bytes).await.expect("bytes are sent");
    let mut answer = Vec::new();
    let _reset_is_an_end = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_untrusted_provider_is_explained_in_its_own_error_shape() {
    let setup =
        setup_with(FixtureOptions::default(), |options, _| options.upstream_ca = None).await;
    for http2 in [false, true] {
        let client = if http2 { setup.forward().http2() } else { setup.forward() };
        let mut connection = client.connect().await.expect("Langley's own certificate");
        let answer = connection.fetch(Request::messages(true)).await.expect("an answer");
        assert_eq!(answer.status, 502);
        assert_eq!(answer.headers.value("x-langley-error"), Some("upstream_tls_failed"));
        assert!(answer.text().starts_with(r#"{"type":"error","error":{"type":"api_error""#));
        assert!(answer.text().contains("proxy.upstream_ca"), "{}", answer.text());
    }
    let flow = setup.recording.assert_ending(0, Ending::Refused).await;
    assert!(flow.closed.is_some_and(|closed| closed.reason.is_some()));
    setup.recording.assert_ending(1, Ending::Refused).await;
}

#[tokio::test]
async fn reverse_paths_without_an_upstream_are_404_with_a_hint() {
    let setup = setup().await;
    let mut connection = setup.reverse().connect().await.expect("a connection");
    let answer = connection.fetch(Request::get("/nothing/here")).await.expect("an answer");
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("LANGLEY_REVERSE_DEFAULT"), "{}", answer.text());
    setup.recording.assert_ending(0, Ending::Refused).await;
}

#[tokio::test]
async fn a_loop_to_ourselves_is_an_error_at_once() {
    let setup = setup().await;
    let head = format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", setup.proxy);
    let answer = raw(&setup, head.as_bytes()).await;
    assert!(answer.contains("x-langley-error: proxy_loop"), "{answer}");
    setup.recording.assert_ending(0, Ending::Refused).await;
}

#[tokio::test]
async fn malformed_requests_are_refused_and_recorded() {
    let setup = setup().await;
    let place = |setup: &Setup| (setup.proxy.ip().to_string(), setup.proxy.port());
    let length =
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx";
    let cases: [(&[u8], _, _); 8] = [
        (b"CONNECT nowhere HTTP/1.1\r\n\r\n", "CONNECT ", "asked for `nowhere`"),
        (b"CONNECT me:pass@a:99999 HTTP/1.1\r\n\r\n", "CONNECT ", "asked for `a:99999`"),
        (b"CONNECT a HTTP/1.1\r\n\r\n", "CONNECT ", "host:port"),
        (b"CONNECT a:1 NOPE\r\n\r\n", "CONNECT ", "not valid HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", "GET /", "invalid HTTP header"),
        (b"GET /a HTTP/1.1\r\nX: a\r\n folded\r\n\r\n", "GET /a", "invalid HTTP header"),
        (length, "POST /v1/x", "invalid content-length"),
        (b"\x01\x02 \x03\r\n\r\n", " ", "invalid HTTP method"),
    ];
    for (index, (bytes, line, why)) in cases.into_iter().enumerate() {
        let answer = raw(&setup, bytes).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(head.contains("\r\nx-langley-error: "), "{answer}");
        assert!(body.starts_with(r#"{"type":"error""#) && body.contains(why), "{answer}");
        let flow = setup.recording.assert_ending(index, Ending::Refused).await;
        let closed = flow.closed.expect("it ended");
        assert_eq!(closed.status, Some(400));
        assert!(closed.reason.is_some_and(|reason| reason.contains(why)), "{line}");
        assert_eq!(format!("{} {}", flow.opened.method, flow.opened.target), line);
        assert_eq!((flow.opened.host, flow.opened.port), place(&setup));
        assert_eq!(flow.response, body.as_bytes());
    }
    assert_eq!(raw(&setup, b"\x16\x03\x01\x00\x05hello").await, "");
    let flow = setup.recording.assert_ending(cases.len(), Ending::Refused).await;
    assert!(flow.closed.is_some_and(|closed| closed.reason.is_some() && closed.status.is_none()));
}

#[tokio::test]
async fn only_http_urls_are_proxied_in_absolute_form() {
    let setup = setup().await;
    for (index, (url, why)) in [
        ("https://a.example/x", "https URLs are proxied with CONNECT"),
        ("ftp://a.example/x", "this ftp URL"),
    ]
    .into_iter()
    .enumerate()
    {
        let ask = format!("GET {url} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = raw(&setup, ask.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(why), "{answer}");
        assert_eq!(answer.contains("HTTPS_PROXY"), url.starts_with("https"), "{answer}");
        setup.recording.assert_ending(index, Ending::Refused).await;
    }
}

#[tokio::test]
async fn a_malformed_request_behind_an_answer_is_refused_and_harms_nothing_before_it() {
    let setup = setup().await;
    let ask = "GET /to/plain/echo HTTP/1.1\r\nHost: a\r\n\r\n";
    let bytes = format!("{ask}{ask}GET / NOPE\r\n\r\n");
    let answers = raw(&setup, bytes.as_bytes()).await;
    let statuses: Vec<_> = answers
        .split("HTTP/1.1 ")
        .filter(|rest| rest.contains("\r\n\r\n"))
        .map(|rest| &rest[..3])
        .collect();
    assert_eq!(statuses[..2], ["200", "200"], "{answers}");
    assert_eq!(statuses.last(), Some(&"400"), "{answers}");
    setup.recording.assert_ending(0, Ending::Whole).await;
    setup.recording.assert_ending(1, Ending::Whole).await;
    let refused = setup.recording.assert_ending(2, Ending::Refused).await;
    // It came before the answers had left: its first line was read with the requests before it.
    assert_eq!((refused.opened.method.as_str(), refused.opened.target.as_str()), ("", ""));
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected() {
    let setup = setup().await;
    let client = setup.forward().authority("other.example.test");
    for http2 in [false, true] {
        let client = if http2 { client.clone().http2() } else { client.clone() };
        let mut connection = client.connect().await.expect("a connection");
        assert_eq!(connection.fetch(Request::messages(false)).await.expect("421").status, 421);
    }
    setup.recording.assert_ending(0, Ending::Refused).await;
    setup.recording.assert_ending(1, Ending::Refused).await;
    assert!(setup.fixture.exchanges().is_empty());
}

#[tokio::test]
async fn an_agent_that_does_not_trust_us_is_reported() {
    let setup = setup().await;
    let distrustful = Client::through(setup.proxy, &setup.fixture.https_url());
    let refused = distrustful.trusting(setup.fixture.ca_pem()).connect().await;
    assert!(matches!(refused, Err(ClientError::Io(_))));
    loop {
        let rejected = TunnelReason::ClientRejectedCertificate;
        let tunnels = setup.recording.tunnels();
        if let Some(tunnel) = tunnels.iter().find(|tunnel| tunnel.why == rejected) {
            let reason = tunnel.reason.as_deref().expect("a reason");
            assert!(reason.contains("langley run"), "{reason}");
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_password_is_asked_for_where_one_is_set() {
    let password = Arc::new(Mutex::new("secret"));
    let current = Arc::clone(&password);
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.password = Some(Password::new(move || current.lock().unwrap().to_string()));
    })
    .await;
    let refused = setup.forward().connect().await;
    assert!(refused.is_err());
    // user:secret
    let client = || setup.forward().connect_header("Proxy-Authorization", "Basic dXNlcjpzZWNyZXQ=");
    let mut connection = client().connect().await.expect("the password fits");
    assert_eq!(connection.fetch(Request::messages(false)).await.expect("an answer").status, 200);
    let mut plain = setup.reverse().connect().await.expect("a connection");
    assert_eq!(plain.fetch(Request::messages(false)).await.expect("an answer").status, 407);
    // Replaced, the one before opens nothing any more.
    *password.lock().unwrap() = "other";
    assert!(client().connect().await.is_err());
    *password.lock().unwrap() = "secret";
    assert!(client().connect().await.is_ok());
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn every_name_and_port_of_a_request_must_fit_its_connection() {
    let setup = setup().await;
    let url = setup.fixture.https_url();
    let host = url.strip_prefix("https://").expect("an https URL");
    for lines in
        [format!("Host: {host}\r\nHost: other.example.test"), "Host: localhost:1".to_owned()]
    {
        let mut stream = setup.forward().alpn(&["http/1.1"]).stream().await.expect("a stream");
        let request = format!("GET /v1/models HTTP/1.1\r\n{lines}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a request is sent");
        let mut answer = Vec::new();
        let _reset_is_an_end = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 421") || answer.starts_with("HTTP/1.1 400"),
            "{answer}"
        );
    }
    assert!(setup.fixture.exchanges().is_empty());
    setup.recording.endings_do_not_matter();
}
