//! CONNECT: dial, answer, look at the client's first bytes, then tunnel or intercept.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use langley_model::{ConnectionId, Micros, Mode, Setup, Tick, Tunnel, TunnelReason};
use langley_protocol::client_hello::{ClientHello, Peek, peek};
use parking_lot::Mutex;
use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::authority::{Authority, normalise};
use crate::connection::{CONNECT_HEADERS_MAX, Client, Serving, refuse};
use crate::dial::Dialed;
use crate::drive::Switch;
use crate::exchange::{Begun, Hellos, Route};
use crate::intercept::{Intercepted, serve_refusal};
use crate::leaf::Tickets;
use crate::leg::Leg;
use crate::plain::nanos;
use crate::prefixed::Prefixed;
use crate::refusal::Refusal;
use crate::switched::Bottom;
use crate::tunnel::{self, Passed};
use crate::upstream::{Driver, Sender};
use crate::upstream_tls::{Connected, Hop, UpstreamTlsError};

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// The longest ClientHello that is waited for; longer ones are tunnelled.
const HELLO_MAX: usize = 64 * 1024;

/// What a client asked for.
pub(crate) struct Asked {
    pub(crate) authority: Authority,
    /// The request's head, as it came.
    pub(crate) head: BytesMut,
}

impl Asked {
    fn headers(&self) -> HeaderMap {
        let mut lines = [httparse::EMPTY_HEADER; CONNECT_HEADERS_MAX];
        let mut request = httparse::Request::new(&mut lines);
        // It was read before.
        let _complete = request.parse(&self.head);
        let named = request.headers.iter().map(|line| {
            Some((
                HeaderName::from_bytes(line.name.as_bytes()).ok()?,
                HeaderValue::from_bytes(line.value).ok()?,
            ))
        });
        named.flatten().collect()
    }
}

/// A CONNECT in progress.
struct Connect {
    client: Client,
    connection: ConnectionId,
    authority: Authority,
    begun: Begun,
}

/// What the client sent first, behind the CONNECT.
enum First {
    /// A TLS hello, not yet answered.
    Hello(Box<ClientHello>),
    /// The start of an HTTP/1 request.
    Http,
    /// Something else, or the upstream spoke first.
    Opaque,
    /// Nothing: the client closed.
    Gone,
}

/// Opens the CONNECT that was `asked` for; `early` is what came behind its head.
pub(crate) async fn open(
    client: Client,
    mut stream: TcpStream,
    asked: Asked,
    early: BytesMut,
    shutdown: CancellationToken,
) -> Option<Serving> {
    let begun = Begun::now();
    let connect = Connect {
        client,
        connection: ConnectionId::new(),
        authority: asked.authority.clone(),
        begun,
    };
    let dialed = match connect.client.dialer().dial(&connect.authority).await {
        Ok(dialed) => dialed,
        Err(error) => {
            let refusal = error.into();
            connect.unreached(&asked.headers(), &refusal, true);
            refuse(&mut stream, connect.authority.host(), &refusal).await;
            return None;
        }
    };
    drop(asked);
    let connect_ns = nanos(Tick::now().since(begun.at));
    stream.write_all(ESTABLISHED).await.ok()?;
    // An address says nothing about the name, so the hello may still put it on the list.
    let listed = connect.client.intercepts(connect.authority.host());
    if !listed && connect.authority.ip().is_none() {
        return Some(connect.tunnel(stream, early, dialed, TunnelReason::NotListed, shutdown));
    }
    let mut bytes = early;
    let first = tokio::select! {
        first = connect.first(&mut stream, &mut bytes, &dialed) => first,
        () = shutdown.cancelled() => return None,
    };
    match first {
        First::Gone => None,
        First::Opaque => {
            Some(connect.tunnel(stream, bytes, dialed, TunnelReason::NotTls, shutdown))
        }
        First::Http if listed => connect.plain(stream, bytes, dialed, connect_ns, shutdown).await,
        First::Http => {
            Some(connect.tunnel(stream, bytes, dialed, TunnelReason::NotListed, shutdown))
        }
        First::Hello(mut hello) => {
            hello.sni = hello.sni.map(|name| normalise(&name));
            let wanted = match &hello.sni {
                Some(name) => connect.client.intercepts(name),
                None => listed,
            };
            if wanted {
                connect.intercept(stream, bytes, dialed, *hello, connect_ns, shutdown).await
            } else {
                Some(connect.tunnel(stream, bytes, dialed, TunnelReason::NotListed, shutdown))
            }
        }
    }
}

impl Connect {
    /// Reads until it is clear what the client speaks. Nothing that was read is lost.
    async fn first(&self, stream: &mut TcpStream, bytes: &mut BytesMut, dialed: &Dialed) -> First {
        loop {
            if !bytes.is_empty() {
                match peek(bytes) {
                    Peek::Hello(hello) => return First::Hello(Box::new(hello)),
                    Peek::NotTls if looks_like_http(bytes) => return First::Http,
                    Peek::NotTls | Peek::Malformed(_) => return First::Opaque,
                    Peek::NeedMore if bytes.len() >= HELLO_MAX => return First::Opaque,
                    Peek::NeedMore => {}
                }
            }
            tokio::select! {
                read = stream.read_buf(bytes) => match read {
                    Ok(0) | Err(_) => return First::Gone,
                    Ok(_) => {}
                },
                // Protocols in which the server greets first are passed on unread.
                ready = dialed.stream.readable(), if bytes.is_empty() => {
                    let mut byte = [0];
                    let spoke = ready.is_ok() && dialed.stream.try_peek(&mut byte);
                    if spoke {
                        return First::Opaque;
                    }
                }
            }
        }
    }

    fn tunnel(
        self,
        stream: TcpStream,
        early: BytesMut,
        dialed: Dialed,
        why: TunnelReason,
        shutdown: CancellationToken,
    ) -> Serving {
        Box::pin(async move {
            self.report(why, None);
            let open = OpenTunnel { connect: self, why, passed: Arc::default() };
            tunnel::copy(stream, early.freeze(), dialed, &open.passed, shutdown).await;
        })
    }

    /// Nobody was reached: where the host is on the list, that is a flow too, so that whoever looks for the
    /// agent's requests finds why there are none. `is_answered`: the agent is told by a refused CONNECT.
    fn unreached(&self, headers: &HeaderMap, refusal: &Refusal, is_answered: bool) {
        tracing::info!(target = %self.authority, why = refusal.message, "CONNECT failed");
        self.failed(TunnelReason::DialFailed, &refusal.message);
        if self.client.intercepts(self.authority.host()) {
            let route = self.route("https", Setup::default(), Hellos::default(), Leg::http1());
            route.record_connect(self.begun, headers, refusal, is_answered);
        }
    }

    /// It ended before it carried anything.
    fn failed(&self, why: TunnelReason, reason: &str) {
        self.told(why, Some((0, 0)), Some(reason.to_owned()));
    }

    fn report(&self, why: TunnelReason, ended: Option<(u64, u64)>) {
        self.told(why, ended, None);
    }

    fn told(&self, why: TunnelReason, ended: Option<(u64, u64)>, reason: Option<String>) {
        let (bytes_up, bytes_down) = ended.unwrap_or_default();
        self.client.observer().tunnel(Tunnel {
            connection: self.connection,
            started_at: self.begun.wall,
            ended_at: ended.map(|_| Micros::now()),
            host: self.authority.host().to_owned(),
            port: self.authority.port(),
            client_addr: self.client.address().to_string(),
            bytes_up,
            bytes_down,
            why,
            reason,
        });
    }

    fn route(&self, scheme: &'static str, setup: Setup, hellos: Hellos, leg: Arc<Leg>) -> Route {
        Route {
            observer: Arc::clone(self.client.observer()),
            connection: self.connection,
            mode: Mode::Forward,
            scheme,
            authority: self.authority.clone(),
            upstream: None,
            client: self.client.address(),
            setup: Mutex::new(Some(setup)),
            hellos,
            limits: self.client.options().limits,
            switch: Switch::default(),
            leg,
        }
    }

    /// Plain HTTP inside the CONNECT.
    async fn plain(
        &self,
        stream: TcpStream,
        bytes: BytesMut,
        dialed: Dialed,
        connect_ns: u64,
        shutdown: CancellationToken,
    ) -> Option<Serving> {
        let upstream = Prefixed::new(dialed.early, dialed.stream);
        let route = self.route(
            "http",
            Setup { connect_ns: Some(connect_ns), tls_ns: None },
            Hellos::default(),
            Leg::http1(),
        );
        let stream = Prefixed::new(bytes.freeze(), stream);
        let opened = Sender::http1(upstream).await;
        Some(serve(stream, Version::Http1, opened, route, None, shutdown))
    }

    /// TLS: the upstream's handshake first, then ours with the protocol that the upstream chose.
    async fn intercept(
        self,
        stream: TcpStream,
        bytes: BytesMut,
        dialed: Dialed,
        hello: ClientHello,
        connect_ns: u64,
        shutdown: CancellationToken,
    ) -> Option<Serving> {
        let name = hello.sni.clone().unwrap_or_else(|| self.authority.host().to_owned());
        let begun = Tick::now();
        let mut hellos = Hellos { ja4_in: Some(hello.ja4()), ..Hellos::default() };
        let hop = Hop {
            name: &name,
            target: &self.authority,
            alpn: &hello.alpn,
            hello: Some(&bytes),
            dialer: self.client.dialer(),
        };
        if self.client.tls().asked_in_vain(&hop) {
            let why = TunnelReason::ClientCertificateAsked;
            return Some(self.tunnel(stream, bytes, dialed, why, shutdown));
        }
        let upstream = self.client.tls().connect(&hop, dialed, &mut hellos).await;
        let tls_ns = upstream.is_ok().then(|| nanos(Tick::now().since(begun)));
        let setup = Setup { connect_ns: Some(connect_ns), tls_ns };
        let asked_in_vain = match &upstream {
            Ok(connected) => connected.asked_in_vain,
            Err(error) => matches!(error, UpstreamTlsError::CertificateAsked { .. }),
        };
        if asked_in_vain {
            drop(upstream);
            return self.tunnel_instead(stream, bytes, shutdown).await;
        }
        let is_http2 = upstream
            .as_ref()
            .is_ok_and(|connected| connected.stream.get_ref().1.alpn_protocol() == Some(b"h2"));
        let leg = if is_http2 { Leg::tied() } else { Leg::http1() };
        let route = self.route("https", setup, hellos, leg);
        let stream = Prefixed::new(bytes.freeze(), stream);
        match upstream {
            Ok(Connected { stream: upstream, .. }) => {
                let alpn = upstream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
                let sni = hello.sni.filter(|sni| sni != self.authority.host());
                if alpn.as_deref() == Some(b"h2") {
                    let (upstream, offer) = self.client.offers().watch(&self.authority, upstream);
                    // Before the agent's handshake, so that the settings arrive meanwhile.
                    let opened = Sender::http2(upstream).await;
                    let stream = self.accept(stream, &name, alpn.as_deref()).await?;
                    let version = Version::Http2 { offers_connect: offer.made().await };
                    return Some(serve(stream, version, opened, route, sni, shutdown));
                }
                let stream = self.accept(stream, &name, alpn.as_deref()).await?;
                let opened = Sender::http1(upstream).await;
                Some(serve(stream, Version::Http1, opened, route, sni, shutdown))
            }
            Err(error) => {
                tracing::info!(host = %name, %error, "upstream TLS failed");
                let http2 = !hello.alpn.is_empty() && !hello.alpn.iter().any(|p| p == b"http/1.1");
                let alpn: Option<&[u8]> = match (http2, hello.alpn.is_empty()) {
                    (true, _) => Some(b"h2"),
                    (false, false) => Some(b"http/1.1"),
                    (false, true) => None,
                };
                let stream = self.accept(stream, &name, alpn).await?;
                Some(Box::pin(serve_refusal(stream, http2, route, error.into(), shutdown)))
            }
        }
    }

    /// The provider wants to see a certificate that only the agent may have: it gets a connection on
    /// which the agent itself is asked. `bytes` is all that the agent has sent.
    async fn tunnel_instead(
        self,
        mut stream: TcpStream,
        bytes: BytesMut,
        shutdown: CancellationToken,
    ) -> Option<Serving> {
        let why = TunnelReason::ClientCertificateAsked;
        tracing::info!(
            target = %self.authority,
            "the provider asked for a client certificate, so the connection is passed on unread; \
             proxy.client_certificates can name one"
        );
        match self.client.dialer().dial(&self.authority).await {
            Ok(dialed) => Some(self.tunnel(stream, bytes, dialed, why, shutdown)),
            Err(error) => {
                self.unreached(&HeaderMap::new(), &error.into(), false);
                let _already_gone = stream.shutdown().await;
                None
            }
        }
    }

    /// Handshakes with the client as `name`.
    async fn accept(
        &self,
        stream: Prefixed<TcpStream>,
        name: &str,
        alpn: Option<&[u8]>,
    ) -> Option<tokio_rustls::server::TlsStream<Prefixed<TcpStream>>> {
        let is_copied = self.client.options().tls.of(name).copies_agent();
        let tickets = if is_copied { Tickets::Withheld } else { Tickets::Issued };
        let config = match self.client.leaves().server_config(name, alpn, tickets) {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(host = name, %error, "no certificate could be made");
                let reason = format!("no certificate for {name} could be made ({error})");
                self.failed(TunnelReason::HandshakeFailed, &reason);
                return None;
            }
        };
        let handshake = TlsAcceptor::from(config).accept(stream);
        let limit = self.client.options().handshake_timeout;
        let shaken = tokio::time::timeout(limit, handshake).await;
        let error = match shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => return Some(stream),
            Err(error) => error,
        };
        if rejects_certificate(&error) {
            tracing::info!(
                host = name, %error,
                "the agent did not accept Langley's certificate; `langley run` gives it trust"
            );
            let reason = format!(
                "the agent did not accept Langley's certificate ({error}); start it by `langley run`, \
                 which gives it trust, or install the certificate: `langley ca install`"
            );
            self.failed(TunnelReason::ClientRejectedCertificate, &reason);
        } else {
            tracing::info!(host = name, %error, "the TLS handshake with the agent failed");
            let reason = format!(
                "the TLS handshake with the agent failed ({error}); perhaps it does not trust \
                 Langley's certificate and closed without saying so: start it by `langley run`"
            );
            self.failed(TunnelReason::HandshakeFailed, &reason);
        }
        None
    }
}

/// The version that both legs speak.
#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2 { offers_connect: bool },
}

/// Serves a client leg over the provider's connection, or says on it why there is none.
fn serve<S>(
    stream: S,
    version: Version,
    opened: hyper::Result<(Sender, Driver)>,
    route: Route,
    sni: Option<String>,
    shutdown: CancellationToken,
) -> Serving
where
    S: AsyncRead + AsyncWrite + Bottom + Send + Unpin + 'static,
{
    match opened {
        Ok((sender, driver)) => {
            let offers_connect = matches!(version, Version::Http2 { offers_connect: true });
            let intercepted = Intercepted { route, sender, sni, offers_connect };
            match version {
                Version::Http1 => Box::pin(intercepted.serve_http1(stream, driver, shutdown)),
                Version::Http2 { .. } => {
                    Box::pin(intercepted.serve_http2(stream, driver, shutdown))
                }
            }
        }
        Err(error) => {
            let refusal = Refusal::no_http(&route.authority, &error);
            let http2 = matches!(version, Version::Http2 { .. });
            Box::pin(serve_refusal(stream, http2, route, refusal, shutdown))
        }
    }
}

/// Reports the end of a tunnel, however it comes.
struct OpenTunnel {
    connect: Connect,
    why: TunnelReason,
    passed: Arc<Passed>,
}

impl Drop for OpenTunnel {
    fn drop(&mut self) {
        self.connect.report(self.why, Some(self.passed.bytes()));
    }
}

/// Whether a handshake failed by the agent's own verdict on the certificate (RFC 8446 §6.2).
fn rejects_certificate(error: &io::Error) -> bool {
    let alert = match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::AlertReceived(alert)) => *alert,
        _ => return false,
    };
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
    )
}

/// Whether `bytes` begin like an HTTP/1 request line: a method in capitals and a space.
fn looks_like_http(bytes: &[u8]) -> bool {
    let word = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    (2..=16).contains(&word) && bytes.get(word) == Some(&b' ')
}

/// Whether bytes wait on a socket.
trait TryPeek {
    fn try_peek(&self, byte: &mut [u8; 1]) -> bool;
}

impl TryPeek for TcpStream {
    /// Whether the peer has sent a byte (or closed); a false alarm of readiness is cleared.
    fn try_peek(&self, byte: &mut [u8; 1]) -> bool {
        use std::task::{Context, Poll, Waker};
        let mut cx = Context::from_waker(Waker::noop());
        let mut buf = tokio::io::ReadBuf::new(byte);
        matches!(self.poll_peek(&mut cx, &mut buf), Poll::Ready(_))
    }
}
