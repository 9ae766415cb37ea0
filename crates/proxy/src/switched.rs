//! A connection after its switch of protocols, with the socket at its bottom within reach.
//!
//! A side that has ended its direction is not read any more, and so does not say when it breaks off
//! afterwards: TLS has nothing left to read after its goodbye, and TCP's end stays an end. The system
//! knows, and can be asked about the socket.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use langley_model::Break;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use crate::hello_stream::HelloStream;
use crate::lent::Lent;
use crate::prefixed::Prefixed;
use crate::upstream_tls::UpstreamStream;

/// One side. Its halves are used by one task only.
pub(crate) struct Switched(Mutex<Box<dyn Wire>>);

/// What bytes travel on.
trait Wire: AsyncRead + AsyncWrite + Bottom + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Bottom + Send + Unpin> Wire for T {}

/// What stands on a socket.
pub(crate) trait Bottom {
    /// The socket; none for a stream of HTTP/2, which shares it with others.
    fn socket(&self) -> Option<&TcpStream>;

    /// Whether an end that nobody has announced is known for a break (RFC 8446 §6.1).
    fn is_encrypted(&self) -> bool;
}

impl Bottom for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }

    fn is_encrypted(&self) -> bool {
        false
    }
}

#[cfg(test)]
impl Bottom for tokio::io::DuplexStream {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }

    fn is_encrypted(&self) -> bool {
        false
    }
}

impl Bottom for TokioIo<Upgraded> {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }

    fn is_encrypted(&self) -> bool {
        false
    }
}

impl<S: Bottom> Bottom for Prefixed<S> {
    fn socket(&self) -> Option<&TcpStream> {
        self.stream().socket()
    }

    fn is_encrypted(&self) -> bool {
        self.stream().is_encrypted()
    }
}

impl<S: Bottom> Bottom for Lent<S> {
    fn socket(&self) -> Option<&TcpStream> {
        self.stream()?.socket()
    }

    fn is_encrypted(&self) -> bool {
        self.stream().is_some_and(Bottom::is_encrypted)
    }
}

impl<S: Bottom> Bottom for server::TlsStream<S> {
    fn socket(&self) -> Option<&TcpStream> {
        self.get_ref().0.socket()
    }

    fn is_encrypted(&self) -> bool {
        true
    }
}

impl<S: Bottom> Bottom for client::TlsStream<HelloStream<S>> {
    fn socket(&self) -> Option<&TcpStream> {
        self.get_ref().0.stream().socket()
    }

    fn is_encrypted(&self) -> bool {
        true
    }
}

impl Switched {
    pub(crate) fn new(upgraded: Upgraded) -> Self {
        type Agent = TokioIo<Lent<server::TlsStream<Prefixed<TcpStream>>>>;
        type BareAgent = TokioIo<Lent<Prefixed<TcpStream>>>;
        type Bare = TokioIo<Prefixed<TcpStream>>;
        let upgraded = match upgraded.downcast::<Agent>() {
            Ok(parts) => return Self::of(parts.read_buf, parts.io.into_inner().unwatched()),
            Err(other) => other,
        };
        let upgraded = match upgraded.downcast::<TokioIo<UpstreamStream>>() {
            Ok(parts) => return Self::of(parts.read_buf, parts.io.into_inner()),
            Err(other) => other,
        };
        let upgraded = match upgraded.downcast::<BareAgent>() {
            Ok(parts) => return Self::of(parts.read_buf, parts.io.into_inner().unwatched()),
            Err(other) => other,
        };
        match upgraded.downcast::<Bare>() {
            Ok(parts) => Self::of(parts.read_buf, parts.io.into_inner()),
            Err(other) => Self(Mutex::new(Box::new(TokioIo::new(other)))),
        }
    }

    fn of<S>(early: Bytes, stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Bottom + Send + Unpin + 'static,
    {
        Self(Mutex::new(Box::new(Prefixed::new(early, stream))))
    }

    pub(crate) const fn half(&self) -> Half<'_> {
        Half(self)
    }

    /// Waits until the socket is broken, whether anybody reads or writes or not; for ever where that
    /// cannot be known.
    pub(crate) async fn broken(&self) {
        let Some(second) = self.second() else { return pending().await };
        if second.ready(Interest::ERROR).await.is_err() {
            pending::<()>().await;
        }
    }

    /// A second handle to the socket, so that it can be waited for while it is used.
    #[cfg(unix)]
    fn second(&self) -> Option<TcpStream> {
        use std::os::fd::AsFd as _;
        let wire = self.0.lock();
        let second = wire.socket()?.as_fd().try_clone_to_owned().ok()?;
        TcpStream::from_std(second.into()).ok()
    }

    #[cfg(not(unix))]
    fn second(&self) -> Option<TcpStream> {
        None
    }

    /// Lets the other end see when it is dropped how the one side broke off: a reset as one, and without
    /// TLS, which knows an end that nobody has announced, anything else as one too.
    pub(crate) fn break_off(&self, how: &Break) {
        let wire = self.0.lock();
        let resets = *how == Break::Reset || !wire.is_encrypted();
        if let Some(socket) = wire.socket().filter(|_| resets) {
            let _already_gone = socket.set_zero_linger();
        }
    }
}

/// Reads from a side, or writes to it.
pub(crate) struct Half<'a>(&'a Switched);

impl AsyncRead for Half<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.0.0.lock()).poll_read(cx, buf)
    }
}

impl AsyncWrite for Half<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut **self.0.0.lock()).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.0.0.lock()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.0.0.lock()).poll_shutdown(cx)
    }
}
