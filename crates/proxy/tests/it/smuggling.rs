//! Requests whose framing can be read in two ways: what the provider sees must be what is recorded, and
//! nothing that a body holds may become a request of its own.

use std::time::Duration;

use langley_fixture::Exchange;
use langley_model::{Ending, Opened};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::setup::{Setup, setup};

/// Stands in what a body smuggles, and in no honest request.
const SMUGGLED: &str = "/smuggled";

/// Ends every connection that is still understood.
const LAST: &str = "GET /to/plain/echo/last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

/// What one side saw of each request: method, target, body, and whether that was all of it.
type Seen = Vec<(String, String, Vec<u8>, bool)>;

/// Sends `bytes` and then [`LAST`], and reads until the proxy closes, or waits for more.
async fn send(setup: &Setup, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(setup.proxy).await.expect("the proxy listens");
    // A proxy that has refused already may have closed.
    let _ = stream.write_all(bytes).await;
    let _ = stream.write_all(LAST.as_bytes()).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // What is still awaited after this will not come: the connection is dropped.
    let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Both views of what came of `bytes`, and the proxy's answer.
async fn views(bytes: &[u8]) -> (Seen, Seen, String) {
    let mut setup = setup().await;
    let answer = send(&setup, bytes).await;
    setup.shutdown.cancel();
    (&mut setup.serving).await.expect("the proxy stops by itself");
    setup.recording.endings_do_not_matter();
    let flows = setup.recording.flows();
    let carried = flows
        .iter()
        .filter(|flow| flow.closed.as_ref().is_some_and(|closed| closed.ending != Ending::Refused));
    let recorded = carried
        .map(|flow| {
            let Opened { method, target, .. } = &flow.opened;
            (method.clone(), target.clone(), flow.request.clone(), flow.request_ended)
        })
        .collect();
    let origin = setup.fixture.exchanges();
    let seen = origin
        .iter()
        .map(|exchange| {
            let Exchange { method, target, body, body_complete, .. } = exchange;
            (method.clone(), target.clone(), body.to_vec(), *body_complete)
        })
        .collect();
    (recorded, seen, answer)
}

/// Whether both sides saw the same requests. What broke off on its way may have come less far.
fn alike(recorded: &Seen, seen: &Seen) -> bool {
    recorded.len() == seen.len()
        && recorded.iter().zip(seen).all(|(here, there)| {
            (&here.0, &here.1, here.3) == (&there.0, &there.1, there.3)
                && if here.3 { here.2 == there.2 } else { here.2.starts_with(&there.2) }
        })
}

/// A POST with these header lines and this body.
fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST /to/plain/echo HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n{body}").into_bytes()
}

fn inner() -> String {
    format!("GET /to/plain/echo{SMUGGLED} HTTP/1.1\r\nHost: a.test\r\n\r\n")
}

/// The corpus: a name, and what is sent.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let inner = inner();
    let chunked = |body: &str| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let (len, whole) = (inner.len(), chunked(&inner));
    let mut cases = vec![
        ("CL and TE, TE counts", post(&format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", len + 5), &format!("0\r\n\r\n{inner}"))),
        ("TE and CL, CL short", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", &whole)),
        ("two lengths", post(&format!("Content-Length: 0\r\nContent-Length: {len}\r\n"), &inner)),
        ("two equal lengths", post(&format!("Content-Length: {len}\r\nContent-Length: {len}\r\n"), &inner)),
        ("lengths in a list", post(&format!("Content-Length: 0, {len}\r\n"), &inner)),
        ("two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", &whole)),
        ("folded coding", post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n", &whole)),
        ("folded length", post(&format!("Content-Length:\r\n {len}\r\n"), &inner)),
        ("blank before the colon", post(&format!("Content-Length : {len}\r\n"), &inner)),
        ("coding with a blank before the colon", post("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", &whole)),
        ("line ends of one byte", format!("POST /to/plain/echo HTTP/1.1\nHost: a.test\nContent-Length: {len}\n\n{inner}").into_bytes()),
        ("a return alone in a value", post(&format!("X: a\rContent-Length: 0\r\nContent-Length: {len}\r\n"), &inner)),
        ("a zero in a value", post(&format!("X: a\0b\r\nContent-Length: {len}\r\n"), &inner)),
        ("a length hidden by a zero", post(&format!("Content-Length\0: 0\r\nContent-Length: {len}\r\n"), &inner)),
        ("a header line first of all", format!("POST /to/plain/echo HTTP/1.1\r\n Content-Length: {len}\r\nHost: a.test\r\n\r\n{inner}").into_bytes()),
        ("coding and version 1.0", format!("POST /to/plain/echo HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: {len}\r\n\r\n{inner}").into_bytes()),
        ("two hosts", post(&format!("Host: b.test\r\nContent-Length: {len}\r\n"), &inner)),
        ("a body on GET", format!("GET /to/plain/echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: {len}\r\n\r\n{inner}").into_bytes()),
        ("length in the trailers", post("Transfer-Encoding: chunked\r\n", &format!("0\r\nContent-Length: {len}\r\n\r\n"))),
        ("pipelined", post("Content-Length: 2\r\n", "ab")),
    ];
    for coding in [
        "xchunked",
        "chunked, identity",
        "identity, chunked",
        "identity",
        "\"chunked\"",
        "chunked;x",
        "\u{b}chunked",
        "chunked\u{b}",
        "CHUNKED",
        " chunked ",
        "chunked,chunked",
        "gzip, chunked",
        "",
    ] {
        cases.push(("a coding", post(&format!("Transfer-Encoding: {coding}\r\n"), &whole)));
        let both = format!("Transfer-Encoding: {coding}\r\nContent-Length: {}\r\n", whole.len());
        cases.push(("a coding and a length", post(&both, &whole)));
    }
    for length in ["+5", "-5", "0x5", "5 5", "5,", "5.0", "\u{b}5", "99999999999999999999", ""] {
        cases.push(("a length", post(&format!("Content-Length: {length}\r\n"), &inner)));
    }
    for size in [
        "0x0",
        "+0",
        "-0",
        "00000000000000000000",
        " 0",
        "0 ",
        "0;a=\"\r\n\"",
        "0\n",
        "FFFFFFFFFFFFFFFFF",
        "",
    ] {
        let body = format!("{size}\r\n\r\n{inner}");
        cases.push(("a size of a chunk", post("Transfer-Encoding: chunked\r\n", &body)));
    }
    for end in ["\n", "\r", "", "x\r\n", "\n\r\n"] {
        let body = format!("3\r\nabc{end}0\r\n\r\n{inner}");
        cases.push(("an end of a chunk", post("Transfer-Encoding: chunked\r\n", &body)));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_read_in_two_ways() {
    let cases = corpus();
    let mut refused = 0;
    for (name, bytes) in &cases {
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let (recorded, seen, answer) = views(bytes).await;
        assert!(alike(&recorded, &seen), "{name}: {shown:?}\n{recorded:?}\n{seen:?}\n{answer}");
        refused += usize::from(answer.contains(" 400 "));
        let hidden = seen.iter().any(|(_, target, ..)| target.contains(SMUGGLED));
        // Only where the request before it has ended by any reading is the next one a request.
        let ends_early = answer.starts_with("HTTP/1.1 200");
        assert!(!hidden || ends_early, "{name}: {shown:?}\nanswer: {answer}");
    }
    assert!(refused * 2 > cases.len(), "{refused} of {} were refused", cases.len());
}
