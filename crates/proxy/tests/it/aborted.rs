//! An answer that is broken off breaks off in the same place and in the same way with the proxy as without.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use langley_model::{Break, Ending};
use langley_testkit::{Client, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::origin::{Origin, head};
use crate::setup::{Setup, setup, setup_with};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Orderly,
    /// Without TLS's goodbye.
    Unannounced,
    Reset,
}

/// What a client saw: the first line, the header lines but those of one hop, the body as far as it came,
/// and the end.
type Seen = (String, Vec<String>, Vec<u8>, End);

/// Asks for `target` by HTTP/1.1, and reads until the connection ends.
async fn seen(mut stream: Stream, host: &str, target: &str) -> Seen {
    let ask = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.expect("the head is sent");
    let mut read = Vec::new();
    let end = loop {
        match stream.read_buf(&mut read).await {
            Ok(0) => break End::Orderly,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break End::Unannounced,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
            Err(error) => panic!("{error}"),
        }
    };
    let head = read.windows(4).position(|at| at == b"\r\n\r\n").map_or(read.len(), |at| at + 4);
    let body = read.split_off(head);
    let text = String::from_utf8(read).expect("a head of text");
    let mut lines = text.lines().filter(|line| !line.is_empty()).map(str::to_owned);
    let first = lines.next().unwrap_or_default();
    let lines: Vec<_> =
        lines.filter(|line| !line.to_lowercase().starts_with("connection:")).collect();
    let is_chunked = text.to_lowercase().contains("chunked");
    (first, lines, if is_chunked { unchunked(&body) } else { body }, end)
}

/// What is in the chunks, the last one included if it is not whole.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(end) = body.windows(2).position(|at| at == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        assert!(size > 0, "the body has ended in order");
        let chunk = &body[end + 2..];
        content.extend_from_slice(&chunk[..size.min(chunk.len())]);
        body = chunk.get(size + 2..).unwrap_or_default();
    }
    content
}

async fn over(client: &Client, target: &str) -> Seen {
    let stream = client.clone().alpn(&["http/1.1"]).stream().await.expect("a connection");
    seen(stream, "localhost", target).await
}

/// The same exchange without the proxy and with it.
async fn both(setup: &Setup, is_tls: bool, framing: &str, end: &str) -> (Seen, Seen) {
    let wish = format!("bytes=100000&chunk=5000&framing={framing}&{end}");
    let target = format!("/download?{wish}");
    if is_tls {
        let host = setup.fixture.https_url();
        let host = host.strip_prefix("https://").expect("an https URL");
        let ask = |client: Client| async move {
            let stream = client.alpn(&["http/1.1"]).stream().await.expect("a connection");
            seen(stream, host, &format!("/download?{wish}")).await
        };
        let direct = ask.clone()(setup.direct()).await;
        return (direct, ask(setup.forward()).await);
    }
    let direct = over(&Client::direct(&setup.fixture.http_url()), &target).await;
    (direct, over(&setup.reverse(), &format!("/to/plain{target}")).await)
}

#[tokio::test]
async fn an_answer_that_breaks_off_over_http1_does_so_in_the_same_way() {
    let setup = setup().await;
    let mut index = 0;
    for is_tls in [true, false] {
        for framing in ["length", "chunked", "close"] {
            for (wish, how) in [
                ("reset_after=7", Break::Reset),
                ("close_after=7", if is_tls { Break::Unannounced } else { Break::Closed }),
                ("leave_after=7", Break::Closed),
                // After the head.
                ("reset_after=0", Break::Reset),
            ] {
                let name = format!("TLS {is_tls}, {framing}, {wish}");
                let (direct, proxied) = both(&setup, is_tls, framing, wish).await;
                assert_eq!(direct.3 == End::Reset, how == Break::Reset, "{name}");
                assert_eq!(direct.3 == End::Unannounced, how == Break::Unannounced, "{name}");
                assert!(
                    direct == proxied,
                    "{name}: {} {:?}, {} {:?}",
                    direct.2.len(),
                    direct.3,
                    proxied.2.len(),
                    proxied.3
                );
                // Where the connection's end is the answer's, only a reset breaks it off.
                let is_whole = framing == "close" && how != Break::Reset;
                let ending = if is_whole { Ending::Whole } else { Ending::UpstreamGone };
                let flow = setup.recording.assert_ending(index, ending).await;
                assert_eq!(flow.response, direct.2, "{name}");
                let broke = flow.closed.and_then(|closed| closed.broke);
                assert_eq!(
                    broke,
                    Some(how).filter(|how| !is_whole || *how == Break::Unannounced),
                    "{name}"
                );
                index += 1;
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_stays_one() {
    let setup = setup().await;
    let (direct, proxied) = both(&setup, true, "close", "bytes=200000").await;
    assert!(direct == proxied, "{:?}\n{:?}", (&direct.0, &direct.1), (&proxied.0, &proxied.1));
    assert_eq!((proxied.0.as_str(), proxied.3), ("HTTP/1.1 200 OK", End::Orderly));
    setup.recording.assert_ending(0, Ending::Whole).await;
}

#[tokio::test]
async fn an_end_that_an_agent_could_take_for_the_answers_own_is_none() {
    let plain = |target: &str| format!("/to/anthropic{target}");
    let setup = setup().await;
    let unannounced = "/download?bytes=100000&chunk=5000&framing=close&close_after=7";
    // Without TLS an end is an end, whatever the provider's was.
    let (first, .., end) = over(&setup.reverse(), &plain(unannounced)).await;
    assert_eq!((first.as_str(), end), ("HTTP/1.1 200 OK", End::Reset));
    let flow = setup.recording.assert_ending(0, Ending::UpstreamGone).await;
    assert_eq!(flow.closed.and_then(|closed| closed.broke), Some(Break::Unannounced));
    // What Langley itself breaks off.
    let setup = setup_with(Default::default(), |options, _| {
        options.limits.idle = Some(Duration::from_millis(300));
    })
    .await;
    let host = setup.fixture.https_url();
    let host = host.strip_prefix("https://").expect("an https URL");
    let stalled = "/download?bytes=100000&chunk=5000&framing=close&stall_after=7&stall=forever";
    let (.., end) = over(&setup.reverse(), &plain(stalled)).await;
    assert_eq!(end, End::Reset);
    setup.recording.assert_ending(0, Ending::TimedOut).await;
    let stream = setup.forward().alpn(&["http/1.1"]).stream().await.expect("a connection");
    let (.., end) = seen(stream, host, stalled).await;
    assert_eq!(end, End::Reset);
    setup.recording.assert_ending(1, Ending::TimedOut).await;
}

#[tokio::test]
async fn an_answer_of_http_1_0_ends_with_its_connection_in_either_way() {
    for (says_goodbye, end) in [(true, End::Orderly), (false, End::Unannounced)] {
        let origin = Origin::start("http/1.1", move |mut stream| async move {
            head(&mut stream).await.expect("a head");
            let answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHTTP/1.0 is old";
            stream.write_all(answer).await.expect("an answer is sent");
            stream.flush().await.expect("an answer is sent");
            if says_goodbye {
                stream.shutdown().await.expect("a goodbye");
            }
        })
        .await;
        let ca = origin.ca();
        let setup =
            setup_with(Default::default(), |options, _| options.upstream_ca = Some(ca)).await;
        let url = origin.url();
        let client = Client::through(setup.proxy, &url).trusting(&setup.ca).alpn(&["http/1.1"]);
        let stream = client.stream().await.expect("a connection");
        let (first, lines, body, ended) =
            seen(stream, url.strip_prefix("https://").expect("a URL"), "/").await;
        assert_eq!((first.as_str(), ended), ("HTTP/1.0 200 OK", end));
        assert_eq!(
            (lines.as_slice(), body.as_slice()),
            (["Content-Type: text/plain".to_owned()].as_slice(), b"HTTP/1.0 is old".as_slice())
        );
        setup.recording.assert_ending(0, Ending::Whole).await;
    }
}

#[tokio::test]
async fn a_provider_that_breaks_off_before_it_answers_breaks_off_the_agent_so() {
    for (resets, end, how) in
        [(true, End::Reset, Break::Reset), (false, End::Orderly, Break::Closed)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("its address"));
        let setup = setup_with(Default::default(), |options, _| {
            let base = langley_proxy::BaseUrl::parse(&base).expect("a base URL");
            options.reverse.upstreams.insert("plain".into(), base);
        })
        .await;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            head(&mut stream).await.expect("a head");
            if resets {
                stream.set_zero_linger().expect("a socket that can be reset");
            }
        });
        let (first, .., ended) = over(&setup.reverse(), "/to/plain/").await;
        assert_eq!((first.as_str(), ended), ("", end));
        let flow = setup.recording.assert_ending(0, Ending::UpstreamGone).await;
        assert_eq!(flow.closed.and_then(|closed| closed.broke), Some(how));
    }
}

/// What an agent on HTTP/2 saw of an answer's body, and the code that its stream was reset with.
async fn over_http2(client: Client, target: &str) -> (Vec<u8>, Option<Reason>) {
    let stream = client.alpn(&["h2"]).stream().await.expect("a connection");
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("a connection");
    let moving = tokio::spawn(connection);
    let request =
        http::Request::get(format!("https://localhost{target}")).body(()).expect("a head");
    let (answer, _) = sender.send_request(request, true).expect("a request is sent");
    let mut body = answer.await.expect("a head").into_body();
    let (mut content, mut reset) = (Vec::new(), None);
    while let Some(piece) = body.data().await {
        match piece {
            Ok(piece) => content.extend_from_slice(&piece),
            Err(error) => {
                reset = error.reason();
                break;
            }
        }
    }
    moving.abort();
    (content, reset)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_stream_of_http2_is_reset_with_the_same_code() {
    let setup = setup().await;
    let codes = [
        Reason::NO_ERROR,
        Reason::CANCEL,
        Reason::INTERNAL_ERROR,
        Reason::ENHANCE_YOUR_CALM,
        Reason::REFUSED_STREAM,
    ];
    for (index, code) in codes.into_iter().enumerate() {
        let port = setup.fixture.https_url();
        let port = port.rsplit(':').next().expect("a port");
        let target = format!(
            ":{port}/download?bytes=100000&framing=chunked&chunk=5000&reset_after=7&reset_code={}",
            u32::from(code)
        );
        let direct = over_http2(setup.direct(), &target).await;
        assert_eq!((direct.0.len(), direct.1), (35_000, Some(code)));
        let proxied = over_http2(setup.forward(), &target).await;
        assert!(direct == proxied, "{code:?}: {} {:?}", proxied.0.len(), proxied.1);
        let flow = setup.recording.assert_ending(index, Ending::UpstreamGone).await;
        let broke = flow.closed.and_then(|closed| closed.broke);
        assert_eq!(broke, Some(Break::StreamReset(format!("{code:?}"))));
    }
}

/// What two requests on one connection of HTTP/2 came to, of which the first one's answer breaks off with it:
/// how far each body came, and its error in words.
async fn both_over_http2(client: Client, first: &str, second: &str) -> [(usize, String); 2] {
    let stream = client.alpn(&["h2"]).stream().await.expect("a connection");
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("a connection");
    let moving = tokio::spawn(connection);
    let mut asked = Vec::new();
    for target in [second, first] {
        let request =
            http::Request::get(format!("https://localhost{target}")).body(()).expect("a head");
        sender = sender.ready().await.expect("room for a stream");
        asked.push(sender.send_request(request, true).expect("a request is sent").0);
    }
    let mut seen = Vec::new();
    for answer in asked {
        let mut body = answer.await.expect("a head").into_body();
        let mut read = 0;
        let end = loop {
            match body.data().await {
                Some(Ok(piece)) => read += piece.len(),
                Some(Err(error)) => break format!("{error}, {:?}", error.reason()),
                None => break "whole".to_owned(),
            }
        };
        seen.push((read, end));
    }
    moving.abort();
    seen.try_into().expect("two answers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_http2_breaks_off_with_all_its_streams_as_the_providers_did() {
    let setup = setup().await;
    let port = setup.fixture.https_url();
    let port = port.rsplit(':').next().expect("a port");
    let stalled = format!(":{port}/download?bytes=100000&chunk=5000&stall_after=2&stall=forever");
    let broken = format!(":{port}/download?bytes=100000&chunk=5000&gap=20&close_after=7");
    let direct = both_over_http2(setup.direct(), &broken, &stalled).await;
    let proxied = both_over_http2(setup.forward(), &broken, &stalled).await;
    assert_eq!(direct, proxied);
    // The connection's error, and no stream's.
    assert_eq!((direct[0].0, direct[1].0), (10_000, 35_000));
    assert!(direct.iter().all(|(_, end)| end.ends_with(", None") && end != "whole"), "{direct:?}");
    for index in 0..2 {
        let flow = setup.recording.assert_ending(index, Ending::UpstreamGone).await;
        assert_eq!(flow.closed.and_then(|closed| closed.broke), Some(Break::Unannounced));
    }
}

#[tokio::test]
async fn a_whole_answer_of_http2_before_the_upload_has_ended_is_whole() {
    let setup = setup().await;
    let stream = setup.forward().alpn(&["h2"]).stream().await.expect("a connection");
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("a connection");
    let moving = tokio::spawn(connection);
    let host = setup.fixture.https_url();
    let request = http::Request::post(format!("{host}/status/413?early")).body(()).expect("a head");
    let (answer, mut upload) = sender.send_request(request, false).expect("a request is sent");
    upload.send_data(Bytes::from_static(b"the beginning"), false).expect("a piece is sent");
    // hyper resets such a stream with NO_ERROR behind its answer (RFC 9113 §8.1).
    let mut body = answer.await.expect("a head").into_body();
    let mut content = Vec::new();
    while let Some(piece) = body.data().await {
        content.extend_from_slice(&piece.expect("no break"));
    }
    assert_eq!(content, br#"{"status":413}"#);
    drop(upload);
    moving.abort();
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert!(flow.response_ended);
}
