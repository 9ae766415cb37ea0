//! HTTP/1.1 by hand: what is sent and what is seen are exactly the bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use langley_fixture::Ahead;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::end::End;
use super::seen::SeenLine;

/// What stands behind an answer's head.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) body: Bytes,
    pub(super) trailers: Vec<SeenLine>,
    pub(super) end: End,
}

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

    /// The body of an answer with `status` and `headers`, delimited by RFC 9112 §6.3, its trailers and its
    /// end, which need not be where it should.
    pub(super) async fn body(
        &mut self,
        is_head: bool,
        status: u16,
        headers: &[SeenLine],
    ) -> io::Result<Content> {
        let value = |wanted: &str| {
            let line = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            line.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        if is_head || status == 204 || status == 304 || status < 200 {
            return Ok(Content::default());
        }
        let (mut body, mut trailers) = (BytesMut::new(), Vec::new());
        let read = if value("transfer-encoding").is_some() {
            match self.chunks(&mut body).await {
                Ok(()) => self.lines().await.map(|lines| trailers = lines),
                broken => broken,
            }
        } else {
            let length = value("content-length").map(|length| length.parse()).transpose();
            let length = length.map_err(|_| invalid("a length that is no number"))?;
            self.up_to(length.unwrap_or(usize::MAX), &mut body).await
        };
        let end = match read {
            Ok(()) => End::Whole,
            Err(error) => End::of_io(&error).ok_or(error)?,
        };
        Ok(Content { body: body.freeze(), trailers, end })
    }

    async fn chunks(&mut self, body: &mut BytesMut) -> io::Result<()> {
        let mut left = 0;
        while let Some(piece) = self.ahead.chunked(&mut left).await? {
            body.extend_from_slice(&piece);
        }
        Ok(())
    }

    async fn up_to(&mut self, count: usize, body: &mut BytesMut) -> io::Result<()> {
        while body.len() < count {
            body.extend_from_slice(&self.ahead.take((count - body.len()) as u64).await?);
        }
        Ok(())
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
