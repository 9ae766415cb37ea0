//! HTTP/1.1 by hand, client side: what is sent and what is seen are exactly the bytes.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use langley_fixture::Ahead;
use langley_model::HeaderBlock;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::message::Request;
use crate::client::stream::Stream;

/// Pieces from this size on are not copied before they are sent.
const LARGE: usize = 64 * 1024;

/// A connection with what was read ahead.
#[derive(Debug)]
pub(crate) struct Wire {
    ahead: Ahead<Stream>,
    /// A head that waits for the body's first piece, so that both leave in one write.
    held: BytesMut,
}

/// How an answer's body is delimited, and how far it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunk(u64),
    Close,
    Ended,
}

impl Framing {
    /// By RFC 9112 §6.3.
    pub(crate) fn of(status: u16, headers: &HeaderBlock, method: &str) -> io::Result<Self> {
        if method == "HEAD" || status == 204 || status == 304 || status < 200 {
            return Ok(Self::Ended);
        }
        if headers.value("transfer-encoding").is_some() {
            return Ok(Self::Chunk(0));
        }
        match headers.value("content-length").map(str::parse) {
            None => Ok(Self::Close),
            Some(Ok(0)) => Ok(Self::Ended),
            Some(Ok(length)) => Ok(Self::Length(length)),
            Some(Err(_)) => Err(invalid("a content-length that is no number")),
        }
    }
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { ahead: Ahead::new(stream), held: BytesMut::new() }
    }

    pub(crate) fn into_stream(self) -> Stream {
        let (unused, stream) = self.ahead.into_parts();
        assert!(unused.is_empty(), "bytes were read ahead: {unused:?}");
        stream
    }

    pub(crate) fn into_tcp(self) -> TcpStream {
        match self.into_stream() {
            Stream::Tcp(tcp) => tcp,
            Stream::Tls(_) => panic!("a CONNECT over TLS"),
        }
    }

    /// Sends the head, or holds it until the body's first piece.
    pub(crate) async fn start(&mut self, request: &Request, authority: &str) -> io::Result<()> {
        let out = &mut self.held;
        out.put_slice(format!("{} {} HTTP/1.1\r\n", request.method, request.target).as_bytes());
        if !request.bare && !request.has("host") {
            out.put_slice(format!("Host: {authority}\r\n").as_bytes());
        }
        for (name, value) in &request.headers {
            out.put_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !request.bare {
            if request.chunked && !request.has("transfer-encoding") {
                out.put_slice(b"Transfer-Encoding: chunked\r\n");
            } else if !request.chunked && !request.body.is_empty() && !request.has("content-length")
            {
                let line = format!("Content-Length: {}\r\n", request.body.len());
                out.put_slice(line.as_bytes());
            }
        }
        out.put_slice(b"\r\n");
        if request.body.is_empty() { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> io::Result<()> {
        let held = self.held.split();
        self.ahead.stream().write_all(&held).await?;
        self.ahead.stream().flush().await
    }

    pub(crate) async fn data(&mut self, data: &[u8], chunked: bool) -> io::Result<()> {
        if chunked {
            self.held.put_slice(format!("{:x}\r\n", data.len()).as_bytes());
        }
        if data.len() < LARGE {
            self.held.put_slice(data);
        } else {
            self.flush().await?;
            self.ahead.stream().write_all(data).await?;
        }
        if chunked {
            self.held.put_slice(b"\r\n");
        }
        self.flush().await
    }

    pub(crate) async fn last_chunk(&mut self, trailers: &[(String, String)]) -> io::Result<()> {
        self.held.put_slice(b"0\r\n");
        for (name, value) in trailers {
            self.held.put_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        self.held.put_slice(b"\r\n");
        self.flush().await
    }

    /// The next final head; interim answers are skipped, but 101 is final.
    pub(crate) async fn head(&mut self) -> io::Result<(u16, HeaderBlock)> {
        loop {
            if !self.ahead.bytes().is_empty()
                && let Some((status, headers, length)) = parse(self.ahead.bytes())?
            {
                let _ = self.ahead.bytes().split_to(length);
                if status >= 200 || status == 101 {
                    return Ok((status, headers));
                }
                continue;
            }
            self.ahead.more().await?;
        }
    }

    /// The body's next piece; none at its clean end.
    pub(crate) async fn piece(
        &mut self,
        framing: &mut Framing,
        trailers: &mut HeaderBlock,
    ) -> io::Result<Option<Bytes>> {
        match framing {
            Framing::Ended => Ok(None),
            Framing::Length(left) => {
                let piece = self.ahead.take(*left).await?;
                *left -= piece.len() as u64;
                if *left == 0 {
                    *framing = Framing::Ended;
                }
                Ok(Some(piece))
            }
            Framing::Close => {
                if self.ahead.bytes().is_empty() && self.ahead.fill().await? == 0 {
                    *framing = Framing::Ended;
                    return Ok(None);
                }
                Ok(Some(self.ahead.bytes().split().freeze()))
            }
            Framing::Chunk(left) => {
                let piece = self.ahead.chunked(left).await?;
                if piece.is_none() {
                    self.ahead.fields(|name, value| trailers.push(name, value)).await?;
                    *framing = Framing::Ended;
                }
                Ok(piece)
            }
        }
    }
}

fn parse(bytes: &[u8]) -> io::Result<Option<(u16, HeaderBlock, usize)>> {
    let mut lines = [httparse::EMPTY_HEADER; 256];
    let mut response = httparse::Response::new(&mut lines);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(invalid(&error.to_string())),
    };
    let mut headers = HeaderBlock::with_capacity(length);
    for line in response.headers.iter() {
        headers.push(line.name, line.value);
    }
    Ok(Some((response.code.unwrap_or(0), headers, length)))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
