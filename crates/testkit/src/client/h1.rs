//! HTTP/1.1 by hand, client side: what is sent and what is seen are exactly the bytes.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use langley_model::HeaderBlock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::message::Request;
use crate::client::stream::Stream;

/// Read this much at a time.
const READ: usize = 64 * 1024;

/// A connection with what was read ahead.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    ahead: BytesMut,
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
        Self { stream, ahead: BytesMut::new(), held: BytesMut::new() }
    }

    pub(crate) fn into_stream(self) -> Stream {
        assert!(self.ahead.is_empty(), "bytes were read ahead: {:?}", self.ahead);
        self.stream
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
        self.stream.write_all(&held).await?;
        self.stream.flush().await
    }

    pub(crate) async fn data(&mut self, data: &[u8], chunked: bool) -> io::Result<()> {
        if chunked {
            self.held.put_slice(format!("{:x}\r\n", data.len()).as_bytes());
        }
        if data.len() < READ {
            self.held.put_slice(data);
        } else {
            self.flush().await?;
            self.stream.write_all(data).await?;
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
            if !self.ahead.is_empty()
                && let Some((status, headers, length)) = parse(&self.ahead)?
            {
                let _ = self.ahead.split_to(length);
                if status >= 200 || status == 101 {
                    return Ok((status, headers));
                }
                continue;
            }
            self.more().await?;
        }
    }

    /// The body's next piece; none at its clean end.
    pub(crate) async fn piece(
        &mut self,
        framing: &mut Framing,
        trailers: &mut HeaderBlock,
    ) -> io::Result<Option<Bytes>> {
        loop {
            match framing {
                Framing::Ended => return Ok(None),
                Framing::Length(left) => {
                    let piece = self.take(*left).await?;
                    *left -= piece.len() as u64;
                    if *left == 0 {
                        *framing = Framing::Ended;
                    }
                    return Ok(Some(piece));
                }
                Framing::Close => {
                    if self.ahead.is_empty() && self.fill().await? == 0 {
                        *framing = Framing::Ended;
                        return Ok(None);
                    }
                    return Ok(Some(self.ahead.split().freeze()));
                }
                Framing::Chunk(0) => {
                    let line = self.line().await?;
                    let digits = line[..].split(|byte| *byte == b';').next().unwrap_or_default();
                    let size = std::str::from_utf8(digits)
                        .ok()
                        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
                        .ok_or_else(|| invalid("a chunk size that is no number"))?;
                    if size == 0 {
                        self.trailers(trailers).await?;
                        *framing = Framing::Ended;
                        return Ok(None);
                    }
                    *framing = Framing::Chunk(size);
                }
                Framing::Chunk(left) => {
                    let piece = self.take(*left).await?;
                    *left -= piece.len() as u64;
                    if *left == 0 && !self.line().await?.is_empty() {
                        return Err(invalid("a chunk longer than its size"));
                    }
                    return Ok(Some(piece));
                }
            }
        }
    }

    async fn trailers(&mut self, trailers: &mut HeaderBlock) -> io::Result<()> {
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&line);
            let (name, value) = text.split_once(':').ok_or_else(|| invalid("a bad trailer"))?;
            trailers.push(name, value.trim().as_bytes());
        }
    }

    async fn take(&mut self, left: u64) -> io::Result<Bytes> {
        if self.ahead.is_empty() {
            self.more().await?;
        }
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(self.ahead.len());
        Ok(self.ahead.split_to(size).freeze())
    }

    async fn line(&mut self) -> io::Result<BytesMut> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|pair| pair == b"\r\n") {
                let mut line = self.ahead.split_to(end + 2);
                line.truncate(end);
                return Ok(line);
            }
            self.more().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.ahead.reserve(READ);
        self.stream.read_buf(&mut self.ahead).await
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
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
