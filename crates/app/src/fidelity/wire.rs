//! HTTP/1.1 by hand: what is sent and what is seen are exactly the bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::seen::SeenLine;

/// The longest head or line that is read, in bytes.
const LINE_MAX: usize = 64 * 1024;

/// A connection with what was read ahead.
#[derive(Debug)]
pub(super) struct Wire<S = TlsStream<TcpStream>> {
    stream: S,
    ahead: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, ahead: BytesMut::new() }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next head: status and lines.
    pub(super) async fn head(&mut self) -> io::Result<(u16, Vec<SeenLine>)> {
        let first = self.line().await?;
        let status = std::str::from_utf8(&first)
            .ok()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
            .ok_or_else(|| invalid("no status line of HTTP/1.1"))?;
        Ok((status, self.lines().await?))
    }

    /// The body of an answer with `status` and `headers`, delimited by RFC 9112 §6.3, and its trailers.
    pub(super) async fn body(
        &mut self,
        is_head: bool,
        status: u16,
        headers: &[SeenLine],
    ) -> io::Result<(Bytes, Vec<SeenLine>)> {
        let value = |wanted: &str| {
            let line = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            line.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        if is_head || status == 204 || status == 304 || status < 200 {
            return Ok((Bytes::new(), Vec::new()));
        }
        if value("transfer-encoding").is_some() {
            return self.chunks().await;
        }
        let body = match value("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| invalid("a length that is no number"))?;
                self.exactly(length).await?
            }
            None => {
                while self.fill().await? > 0 {}
                self.ahead.split().freeze()
            }
        };
        Ok((body, Vec::new()))
    }

    async fn chunks(&mut self) -> io::Result<(Bytes, Vec<SeenLine>)> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line().await?;
            let size = std::str::from_utf8(&line)
                .ok()
                .and_then(|text| usize::from_str_radix(text.split(';').next()?.trim(), 16).ok())
                .ok_or_else(|| invalid("a chunk size that is no number"))?;
            if size == 0 {
                return Ok((body.freeze(), self.lines().await?));
            }
            body.extend_from_slice(&self.exactly(size).await?);
            if !self.line().await?.is_empty() {
                return Err(invalid("a chunk longer than its size"));
            }
        }
    }

    /// Exactly `count` bytes.
    pub(super) async fn exactly(&mut self, count: usize) -> io::Result<Bytes> {
        while self.ahead.len() < count {
            self.more().await?;
        }
        Ok(self.ahead.split_to(count).freeze())
    }

    /// Header lines up to an empty one.
    async fn lines(&mut self) -> io::Result<Vec<SeenLine>> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(lines);
            }
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) =
                line.split_at(colon.ok_or_else(|| invalid("a header line without a colon"))?);
            let name = String::from_utf8_lossy(name).into_owned();
            lines.push((name, value[1..].trim_ascii().to_vec()));
        }
    }

    async fn line(&mut self) -> io::Result<BytesMut> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|pair| pair == b"\r\n") {
                let mut line = self.ahead.split_to(end + 2);
                line.truncate(end);
                return Ok(line);
            }
            if self.ahead.len() > LINE_MAX {
                return Err(invalid("an endless line"));
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.ahead).await
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
