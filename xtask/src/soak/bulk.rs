//! What is far larger than any buffer passes intact, and memory does not follow.
//!
//! Each case runs without and through Langley; the digests must agree, the growth of Langley's
//! resident memory must stay below the bound, and the record must say that it does not hold all.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use langley_fixture::FixtureOptions;
use langley_testkit::{Client, Connection, Request};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::langley::Langley;
use crate::stand::Stand;

/// The most that resident memory may grow, in KiB.
const GROWTH_MAX: u64 = 64 * 1024;
/// How long the record of a case may take after its traffic.
const SETTLING: Duration = Duration::from_secs(120);

/// One way of being too large.
#[derive(Clone, Copy, Debug)]
pub(super) enum Case {
    /// An answer in JSON that inflates to this many bytes.
    Bomb(u64),
    /// A stream that inflates to this many bytes, in events of 10 MB.
    BombStream(u64),
    /// An answer in JSON of this many bytes.
    Answer(u64),
    /// A request in JSON of this many bytes.
    Question(u64),
    /// A stream of this many events.
    Events(u64),
    /// A WebSocket message of this many bytes there and back.
    Message(u64),
    /// The same, deflated; zeros.
    DeflatedMessage(u64),
}

/// The cases at full size.
pub(super) const CASES: [(&str, Case); 7] = [
    ("gzip bomb, JSON, 1 GB", Case::Bomb(1_000_000_000)),
    ("gzip bomb, stream, 1 GB", Case::BombStream(1_000_000_000)),
    ("answer in JSON, 200 MB", Case::Answer(200_000_000)),
    ("request in JSON, 200 MB", Case::Question(200_000_000)),
    ("stream of 10 million events", Case::Events(10_000_000)),
    ("WebSocket message, 64 MB", Case::Message(64 << 20)),
    ("WebSocket message deflated, 64 MB", Case::DeflatedMessage(64 << 20)),
];

/// What passed, as the one who received it saw it.
#[derive(Debug, PartialEq, Eq)]
struct Passed {
    digest: [u8; 32],
    bytes: u64,
}

impl Case {
    pub(super) fn shrunk(self, by: u64) -> Self {
        let less = |size: u64| (size / by.max(1)).max(1);
        match self {
            Self::Bomb(size) => Self::Bomb(less(size)),
            Self::BombStream(size) => Self::BombStream(less(size)),
            Self::Answer(size) => Self::Answer(less(size)),
            Self::Question(size) => Self::Question(less(size)),
            Self::Events(count) => Self::Events(less(count)),
            Self::Message(size) => Self::Message(less(size)),
            Self::DeflatedMessage(size) => Self::DeflatedMessage(less(size)),
        }
    }

    /// Runs it both ways on a fresh Langley; a line of figures.
    pub(super) async fn run(self, binary: &std::path::Path) -> Result<String> {
        let options = FixtureOptions {
            fixed_ids: true,
            keep_exchanges: 8,
            keep_body: 256 << 20,
            ..FixtureOptions::default()
        };
        let stand = Stand::start(binary, options).await?;
        let langley = stand.langley()?;
        let through = stand.through(&langley)?;
        // One small exchange first: buffers that any use needs are not growth.
        through.connect().await?.fetch(Request::messages(true).fixture("say=text")).await?;
        let warm = settled(&langley, 1).await?;
        ensure!(warm["outcome"] == "completed", "the first exchange was not recorded: {warm}");

        let expected = self.pass(&stand.direct(), &stand).await?;
        stand.fixture.clear();
        let before = langley.rss_kib().context("memory is unknown; this needs Linux")?;
        langley.forget_peak()?;
        let seen = self.pass(&through, &stand).await?;
        let flow = settled(&langley, 2).await?;
        let grown = langley.peak_kib().unwrap_or(u64::MAX).saturating_sub(before);
        ensure!(seen == expected, "what passed is not what was sent: {seen:?}, not {expected:?}");
        ensure!(
            grown < GROWTH_MAX,
            "memory grew by {:.1} MB for {} bytes",
            grown as f64 / 1024.0,
            seen.bytes
        );
        let marks = marks(&flow);
        // A stream of small events fits: its blocks are stored whole, and only what passed the
        // queue while it was full is missing, which is counted.
        if !matches!(self, Self::Events(_)) {
            ensure!(!marks.is_empty(), "the record does not say that it holds a part only: {flow}");
        }
        Ok(format!(
            "{} bytes intact, memory +{:.1} MB, {} events recorded, marked: {}",
            seen.bytes,
            grown as f64 / 1024.0,
            flow["event_count"],
            if marks.is_empty() { "nothing missing".to_owned() } else { marks.join(", ") }
        ))
    }

    async fn pass(self, client: &Client, stand: &Stand) -> Result<Passed> {
        let mut connection = client.connect().await?;
        let ask = |streamed: bool, wish: String| {
            let request = Request::messages(streamed).fixture(&wish);
            request.header("Accept-Encoding", "gzip")
        };
        match self {
            Self::Bomb(size) => {
                read(&mut connection, ask(false, format!("events=1;size={size};gzip"))).await
            }
            Self::BombStream(size) => {
                let events = (size / 10_000_000).max(1);
                let wish = format!("events={events};size=10000000;gzip");
                read(&mut connection, ask(true, wish)).await
            }
            Self::Answer(size) => {
                read(&mut connection, ask(false, format!("events=1;size={size}"))).await
            }
            Self::Events(count) => {
                let wish = format!("events={count};size=20;batch=64");
                read(&mut connection, ask(true, wish)).await
            }
            Self::Question(size) => question(&mut connection, stand, size).await,
            Self::Message(size) => {
                message(connection, &vec![b'a'; usize::try_from(size)?], false).await
            }
            Self::DeflatedMessage(size) => {
                let zeros = vec![0; usize::try_from(size)?];
                message(connection, &deflated(&zeros)?, true).await
            }
        }
    }
}

async fn read(connection: &mut Connection, request: Request) -> Result<Passed> {
    let mut answer = connection.send(request).await?;
    ensure!(answer.status == 200, "status {}", answer.status);
    let mut hash = Sha256::new();
    let mut bytes = 0;
    while let Some(piece) = answer.next().await.transpose()? {
        hash.update(&piece);
        bytes += piece.len() as u64;
    }
    Ok(Passed { digest: hash.finalize().into(), bytes })
}

/// A long prompt; what the provider received counts.
async fn question(connection: &mut Connection, stand: &Stand, size: u64) -> Result<Passed> {
    let text = "a".repeat(usize::try_from(size)?);
    let body = serde_json::json!({
        "model": "claude-opus-5-5", "max_tokens": 16,
        "messages": [{ "role": "user", "content": text }],
    });
    let request = Request::post("/v1/messages", body.to_string())
        .header("Content-Type", "application/json")
        .header("x-api-key", "sk-test");
    let answer = connection.fetch(request).await?;
    ensure!(answer.status == 200, "status {} {}", answer.status, answer.text());
    let exchange = stand.fixture.exchanges().pop().context("the provider received nothing")?;
    let digest = exchange.body_sha256.context("the provider received a part only")?;
    Ok(Passed { digest, bytes: exchange.body_bytes })
}

/// Sends one binary message and takes in its echo.
async fn message(connection: Connection, payload: &[u8], deflated: bool) -> Result<Passed> {
    let mut stream = connection.into_stream();
    let extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let extension = if deflated { extension } else { "" };
    let head = format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extension}\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await?);
    }
    ensure!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    // RFC 6455 §5.2: final, binary (reserved bit 1 when deflated), masked with zeros.
    let flags = if deflated { 0xC2 } else { 0x82 };
    let mut frame = vec![flags, 0xFF];
    frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let send = async {
        writer.write_all(&frame).await?;
        writer.flush().await
    };
    let receive = async {
        let mut start = [0; 2];
        reader.read_exact(&mut start).await?;
        let length = match start[1] {
            126 => u64::from(reader.read_u16().await?),
            127 => reader.read_u64().await?,
            small => u64::from(small),
        };
        let (mut hash, mut left) = (Sha256::new(), length);
        let mut buffer = vec![0; 64 * 1024];
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = reader.read(&mut buffer[..most]).await?;
            if read == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
            }
            hash.update(&buffer[..read]);
            left -= read as u64;
        }
        std::io::Result::Ok(Passed { digest: hash.finalize().into(), bytes: length })
    };
    let (sent, received) = tokio::join!(send, receive);
    sent?;
    let received = received?;
    // A close of our own, and the one that comes back.
    writer.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await?;
    writer.flush().await?;
    reader.read_to_end(&mut Vec::new()).await?;
    Ok(received)
}

/// As permessage-deflate sends it: raw deflate without the empty block at its end (RFC 7692 §7.2.1).
fn deflated(payload: &[u8]) -> Result<Vec<u8>> {
    use std::io::Write;
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(payload)?;
    encoder.flush()?;
    let mut bytes = std::mem::take(encoder.get_mut());
    bytes.truncate(bytes.len().saturating_sub(4));
    Ok(bytes)
}

/// The newest flow, once `count` have ended.
async fn settled(langley: &Langley, count: usize) -> Result<Value> {
    let started = std::time::Instant::now();
    loop {
        let mut flows = langley.get("/api/flows?limit=10").await?;
        let flows = flows["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if flows.iter().filter(|flow| !flow["outcome"].is_null()).count() >= count {
            return flows.into_iter().next().context("no flow");
        }
        if started.elapsed() > SETTLING {
            bail!("{count} flows should have ended: {flows:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a flow says of the parts it does not hold.
fn marks(flow: &Value) -> Vec<String> {
    let mut marks = Vec::new();
    if flow["body_truncated"] == true {
        marks.push("body truncated".to_owned());
    }
    for key in ["capture_gaps", "dropped_events"] {
        if flow[key].as_u64().is_some_and(|count| count > 0) {
            marks.push(format!("{key} {}", flow[key]));
        }
    }
    if let Some(note) = flow["decode_note"].as_str() {
        marks.push(note.to_owned());
    }
    marks
}
