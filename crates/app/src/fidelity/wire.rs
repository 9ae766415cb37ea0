//! HTTP/1.1 by hand: what is sent and what is seen are exactly the bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use langley_fixture::Ahead;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::seen::SeenLine;

/// A connection with what was read ahead.
#[derive(Debug)]
pub(super) struct Wire<S = TlsStream<TcpStream>> {
    ahead: Ahead<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { ahead: Ahead::new(stream) }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.ahead.stream().write_all(bytes).await?;
        self.ahead.stream().flush().await
    }

    /// The next head: status and lines.
    pub(super) async fn head(&mut self) -> io::Result<(u16, Vec<SeenLine>)> {
        let first = self.ahead.line().await?;
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
                while self.ahead.fill().await? > 0 {}
                self.ahead.bytes().split().freeze()
            }
        };
        Ok((body, Vec::new()))
    }

    async fn chunks(&mut self) -> io::Result<(Bytes, Vec<SeenLine>)> {
        let (mut body, mut left) = (BytesMut::new(), 0);
        while let Some(piece) = self.ahead.chunked(&mut left).await? {
            body.extend_from_slice(&piece);
        }
        Ok((body.freeze(), self.lines().await?))
    }

    /// Exactly `count` bytes.
    pub(super) async fn exactly(&mut self, count: usize) -> io::Result<Bytes> {
        while self.ahead.bytes().len() < count {
            self.ahead.more().await?;
        }
        Ok(self.ahead.bytes().split_to(count).freeze())
    }

    /// Header lines up to an empty one.
    async fn lines(&mut self) -> io::Result<Vec<SeenLine>> {
        let mut lines = Vec::new();
        self.ahead.fields(|name, value| lines.push((name.to_owned(), value.to_owned()))).await?;
        Ok(lines)
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
