//! What client and provider receive is the same with and without the proxy.

use langley_fixture::{Exchange, FixtureOptions};
use langley_model::{Ending, HeaderBlock};
use langley_testkit::{Client, Request, Whole};
use tokio::io::AsyncWriteExt as _;

use crate::origin::{Origin, head};
use crate::setup::{Setup, setup, setup_with};

/// Lines that belong to one hop (RFC 9110 §7.6.1) or differ from answer to answer.
const ASIDE: [&str; 7] =
    ["connection", "keep-alive", "proxy-connection", "request-id", "date", "host", ":authority"];

fn lines(block: &HeaderBlock) -> Vec<(String, Vec<u8>)> {
    let kept = block.iter().filter(|(name, _)| !ASIDE.contains(&name.to_lowercase().as_str()));
    kept.map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

fn same_answer(direct: &Whole, proxied: &Whole) {
    assert_eq!(direct.status, proxied.status);
    assert_eq!(direct.version, proxied.version);
    assert_eq!(lines(&direct.headers), lines(&proxied.headers));
    assert_eq!(without_request_id(&direct.body), without_request_id(&proxied.body));
    assert_eq!(lines(&direct.trailers), lines(&proxied.trailers));
}

/// An error's body names its own request; everything else must be the same.
fn without_request_id(body: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"req_fixture";
    let mut body = body.to_vec();
    let at = body.windows(NAME.len()).position(|window| window == NAME);
    if let Some(at) = at {
        let digits = body[at + NAME.len()..].iter_mut().take_while(|byte| byte.is_ascii_digit());
        digits.for_each(|digit| *digit = b'0');
    }
    body
}

fn same_request(direct: &Exchange, proxied: &Exchange) {
    assert_eq!(direct.version, proxied.version);
    assert_eq!(direct.method, proxied.method);
    assert_eq!(direct.target, proxied.target);
    assert_eq!(lines(&direct.headers), lines(&proxied.headers));
    assert_eq!(direct.body_sha256, proxied.body_sha256);
    assert_eq!(lines(&direct.trailers), lines(&proxied.trailers));
}

fn requests() -> Vec<(&'static str, Request)> {
    let json = Request::messages(false)
        .header("X-Stainless-Lang", "js")
        .header("User-Agent", "claude-cli/2.1.329 (external, sdk-cli)")
        .header("Accept-Encoding", "gzip, deflate, br, zstd")
        .header("X-One", "1")
        .header("x-two", "2");
    let upload = Request::post("/v1/messages?beta=true", vec![b'x'; 300_000])
        .header("content-type", "application/octet-stream")
        .fixture("say=unicode")
        .chunked();
    vec![
        ("json", json),
        ("stream", Request::messages(true).header("TE", "trailers").fixture("say=unicode")),
        (
            "gzip",
            Request::messages(true).header("accept-encoding", "gzip").fixture("gzip;events=20"),
        ),
        ("error", Request::messages(false).fixture("status=429;retry_after=1")),
        ("upload", upload),
        ("trailers", Request::messages(true).header("te", "trailers").fixture("trailers")),
        // Nobody has asked for them, and they come all the same.
        ("trailers unasked for", Request::messages(true).fixture("trailers")),
        ("head", Request::new("HEAD", "/api/hello")),
        ("204", Request::get("/status/204")),
        ("304", Request::get("/status/304")),
        ("missing", Request::get("/no/such/path?a=b%20c&d=%2F")),
    ]
}

async fn compare(setup: &Setup, http2: bool) {
    let (mut direct, mut proxied) = (setup.direct(), setup.forward());
    if http2 {
        (direct, proxied) = (direct.http2(), proxied.http2());
    }
    let mut direct = direct.connect().await.expect("a direct connection");
    let mut proxied = proxied.connect().await.expect("a connection through the proxy");
    for (name, request) in requests() {
        setup.fixture.clear();
        let expected =
            direct.fetch(request.clone()).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = proxied.fetch(request).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        same_answer(&expected, &found);
        let seen = setup.provider_saw(|seen| (seen.len() == 2).then(|| seen.to_vec())).await;
        same_request(&seen[0], &seen[1]);
    }
}

#[tokio::test]
async fn http1_is_the_same_with_and_without_the_proxy() {
    let options = FixtureOptions { fixed_ids: true, ..FixtureOptions::default() };
    let setup = setup_with(options, |_, _| {}).await;
    compare(&setup, false).await;
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn http2_is_the_same_with_and_without_the_proxy() {
    let options = FixtureOptions { fixed_ids: true, ..FixtureOptions::default() };
    let setup = setup_with(options, |_, _| {}).await;
    compare(&setup, true).await;
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn trailers_that_nobody_has_announced_are_passed_on_and_recorded() {
    let origin = Origin::start("http/1.1", |mut stream| async move {
        for piece in ["2\r\nhi\r\n", ""] {
            if head(&mut stream).await.is_none() {
                return;
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{piece}0\r\nx-end: 1\r\nx-end: 2\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.expect("an answer is sent");
        }
    })
    .await;
    let ca = origin.ca();
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.upstream_ca = Some(ca);
    })
    .await;
    let client = Client::through(setup.proxy, &origin.url()).trusting(&setup.ca);
    let mut connection = client.alpn(&["http/1.1"]).connect().await.expect("a connection");
    // The connection stays usable.
    for (index, body) in ["hi", ""].into_iter().enumerate() {
        let answer = connection.fetch(Request::get("/")).await.expect("an answer");
        assert_eq!(answer.text(), body);
        assert_eq!(answer.trailers.as_bytes(), b"x-end: 1\r\nx-end: 2\r\n");
        let flow = setup.recording.assert_ending(index, Ending::Whole).await;
        assert_eq!(flow.response_trailers.as_bytes(), answer.trailers.as_bytes());
    }
}

#[tokio::test]
async fn a_transfer_coding_beneath_the_chunks_is_passed_on_with_its_name() {
    const ANSWER: &str = "2\r\n\x1f\x0b\r\n0\r\n\r\n";
    let origin = Origin::start("http/1.1", |mut stream| async move {
        if head(&mut stream).await.is_none() {
            return;
        }
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{ANSWER}");
        stream.write_all(answer.as_bytes()).await.expect("an answer is sent");
    })
    .await;
    let ca = origin.ca();
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.upstream_ca = Some(ca);
    })
    .await;
    let client = Client::through(setup.proxy, &origin.url()).trusting(&setup.ca);
    let mut connection = client.alpn(&["http/1.1"]).connect().await.expect("a connection");
    let answer = connection.fetch(Request::get("/")).await.expect("an answer");
    assert_eq!(answer.headers.value("transfer-encoding"), Some("gzip, chunked"));
    assert_eq!(answer.body, b"\x1f\x0b"[..]);
    setup.recording.assert_ending(0, Ending::Whole).await;
}

#[tokio::test]
async fn langleys_control_headers_are_read_and_never_sent_on() {
    let setup = setup().await;
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::messages(false)
        .header("X-Langley-Session", "s-1")
        .header("X-Langley-Task", "t-1")
        .header("X-After", "1");
    assert_eq!(connection.fetch(request).await.expect("an answer").status, 200);
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(flow.opened.control.session.as_deref(), Some("s-1"));
    assert_eq!(flow.opened.control.task.as_deref(), Some("t-1"));
    let seen = setup.fixture.exchanges();
    assert!(seen[0].headers.iter().all(|(name, _)| !name.to_lowercase().contains("langley")));
    assert!(flow.opened.headers.value("x-langley-task").is_none());
}

#[tokio::test]
async fn the_tap_sees_exactly_what_passed() {
    let setup = setup().await;
    let mut connection = setup.forward().connect().await.expect("a connection");
    let request = Request::messages(true).fixture("say=unicode");
    let answer = connection.fetch(request).await.expect("an answer");
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(flow.response, answer.body);
    assert_eq!(flow.request, setup.fixture.exchanges()[0].body);
    let closed = flow.closed.expect("it ended");
    assert_eq!(closed.response_bytes, answer.body.len() as u64);
    assert_eq!(closed.response_gap.chunks, 0);
    assert!(flow.opened.setup.is_some_and(|setup| setup.tls_ns > Some(0)));
    assert!(flow.opened.ja4_in.is_some_and(|ja4| ja4.starts_with("t13d")));
}
