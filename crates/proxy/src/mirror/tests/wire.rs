//! A socket that keeps what was sent on it, and may take seven bytes at a time and be late.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::profile::Profile;
use crate::hello_stream::{HelloStream, Sent};

/// How writes are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    Whole,
    /// Seven bytes at most, and every other one only when asked again.
    Chopped,
}

pub(super) struct Wire {
    stream: TcpStream,
    writes: Writes,
    is_late: bool,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut most = buf.len();
        if self.writes == Writes::Chopped {
            most = most.min(7);
            self.is_late = !self.is_late;
            if self.is_late {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, &buf[..most]);
        if let Poll::Ready(Ok(taken)) = polled {
            self.sent.lock().extend_from_slice(&buf[..taken]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Whom to trust, and who to be.
#[derive(Clone)]
pub(super) struct Trust {
    pub(super) roots: Arc<RootCertStore>,
    pub(super) certificates: Arc<dyn ResolvesClientCert>,
}

/// A mirrored connection.
pub(super) struct Mirrored {
    pub(super) stream: TlsStream<HelloStream<Wire>>,
    pub(super) ja4: Option<String>,
    /// Hellos that were sent, as messages.
    pub(super) hellos: Vec<Vec<u8>>,
}

impl Mirrored {
    /// Handshakes over `stream` with the name `localhost`.
    pub(super) async fn connect(
        stream: TcpStream,
        profile: Profile,
        trust: &Trust,
        writes: Writes,
    ) -> io::Result<Self> {
        let alpn = profile.hello.alpn();
        let certificates = Arc::clone(&trust.certificates);
        let config = profile
            .config(&alpn, &trust.roots, certificates)
            .map_err(|why| io::Error::other(why.to_string()))?;
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let wire = Wire { stream, writes, is_late: false, sent: Arc::clone(&bytes) };
        let sent = Sent::default();
        let stream = HelloStream::new(wire, Some(profile), Arc::clone(&sent));
        let name = ServerName::try_from("localhost").unwrap();
        let stream = in_time(TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
        let hellos = hellos(&bytes.lock());
        Ok(Self { stream, ja4: sent.get().cloned(), hellos })
    }

    /// Has the server reverse three lines.
    pub(super) async fn talk(&mut self) -> io::Result<()> {
        in_time(self.reversed()).await
    }

    /// Has the server send a line back.
    pub(super) async fn echo(&mut self) -> io::Result<()> {
        in_time(async {
            self.stream.write_all(b"line").await?;
            self.stream.flush().await?;
            let mut answer = [0; 4];
            self.stream.read_exact(&mut answer).await?;
            assert_eq!(&answer, b"line");
            Ok(())
        })
        .await
    }

    async fn reversed(&mut self) -> io::Result<()> {
        for line in ["one", "a line that is longer than seven bytes", "three"] {
            self.stream.write_all(format!("{line}\n").as_bytes()).await?;
            self.stream.flush().await?;
            let mut answer = vec![0; line.len() + 1];
            self.stream.read_exact(&mut answer).await?;
            let expected: String = line.chars().rev().chain(['\n']).collect();
            assert_eq!(String::from_utf8_lossy(&answer), expected);
        }
        Ok(())
    }
}

/// A hang is a failure.
async fn in_time<T>(future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(Duration::from_secs(20), future).await?
}

/// The hellos among the records of a client: whole messages. An encrypted record may begin with the same
/// byte, but not state its own length behind it.
fn hellos(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let (record, behind) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        let [_, _, top, bottom] =
            u32::try_from(record.len().saturating_sub(4)).unwrap().to_be_bytes();
        let is_hello = matches!(record, [1, 0, high, low, ..] if [*high, *low] == [top, bottom]);
        if *kind == 22 && is_hello {
            found.push(record.to_vec());
        }
        bytes = behind;
    }
    found
}
