//! One exchange over HTTP/1.1, written and read byte by byte.

use std::io;

use langley_proxy::PROBE_HOST;
use tokio::io::{AsyncRead, AsyncWrite};

use super::case::{Case, Manner, Upload};
use super::frames::talk;
use super::seen::Seen;
use super::way::Way;
use super::wire::{Content, Wire};
use crate::proxied::RoadError;

/// How much of a body is sent before an early answer is waited for, in bytes.
pub(super) const EARLY: usize = 20_000;

/// Bytes per chunk of a chunked upload.
const CHUNK: usize = 9_000;

/// The sample nonce of RFC 6455 §1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Sends the request on a connection of its own; the answer as it came.
///
/// # Errors
/// No connection, or it broke, or the answer is no HTTP.
pub(super) async fn exchange(case: &Case, way: &Way) -> Result<Seen, RoadError> {
    if case.is_plain {
        exchange_on(Wire::new(way.open_plain().await?), case).await
    } else {
        exchange_on(Wire::new(way.open(case.version).await?), case).await
    }
}

async fn exchange_on<S>(mut wire: Wire<S>, case: &Case) -> Result<Seen, RoadError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut interim = Vec::new();
    let mut answered = None;
    wire.send(&head(case)).await?;
    match case.manner {
        Manner::Plain | Manner::WebSocket(_) => body(&mut wire, case).await?,
        Manner::Early => wire.send(&case.upload.content(EARLY)).await?,
        Manner::Expect => {
            let (status, headers) = wire.head().await?;
            if status < 200 {
                interim.push(status);
                body(&mut wire, case).await?;
            } else {
                answered = Some((status, headers));
            }
        }
    }
    let (status, headers) = loop {
        let (status, headers) = match answered.take() {
            Some(answered) => answered,
            None => wire.head().await?,
        };
        if status >= 200 || status == 101 {
            break (status, headers);
        }
        interim.push(status);
    };
    let Content { body, trailers, end } = match case.manner {
        Manner::WebSocket(frames) if status == 101 => {
            Content { body: talk(&mut wire, frames).await?, ..Content::default() }
        }
        _ => wire.body(case.method == "HEAD", status, &headers).await?,
    };
    interim.push(status);
    let statuses: Vec<String> = interim.iter().map(ToString::to_string).collect();
    Ok(Seen {
        start: format!("{} HTTP/1.1", statuses.join(", then ")),
        headers,
        body_bytes: body.len() as u64,
        body: Some(body),
        trailers,
        end,
    })
}

fn head(case: &Case) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {PROBE_HOST}\r\n", case.method, case.target);
    for (name, value) in case.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match case.upload {
        Upload::Nothing => {}
        Upload::Sized(bytes) => head.push_str(&format!("Content-Length: {bytes}\r\n")),
        Upload::Chunked(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
    }
    match case.manner {
        Manner::Expect => head.push_str("Expect: 100-continue\r\n"),
        Manner::WebSocket(_) => head.push_str(&format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\n"
        )),
        Manner::Plain | Manner::Early => {}
    }
    head.push_str("\r\n");
    head.into_bytes()
}

async fn body<S>(wire: &mut Wire<S>, case: &Case) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match case.upload {
        Upload::Nothing => Ok(()),
        Upload::Sized(bytes) => wire.send(&case.upload.content(bytes)).await,
        Upload::Chunked(bytes) => {
            let whole = case.upload.content(bytes);
            for piece in whole.chunks(CHUNK) {
                let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
                chunk.extend_from_slice(piece);
                chunk.extend_from_slice(b"\r\n");
                wire.send(&chunk).await?;
            }
            let mut end = "0\r\n".to_owned();
            for (name, value) in case.trailers {
                end.push_str(&format!("{name}: {value}\r\n"));
            }
            end.push_str("\r\n");
            wire.send(end.as_bytes()).await
        }
    }
}
