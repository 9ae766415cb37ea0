//! A client that hides nothing: it sends exactly the lines it is told and shows exactly what came.
//!
//! HTTP/1.1 is written and read by hand (header case and order, breaks, early answers); HTTP/2 is
//! hyper's.

mod h1;
mod h2;
mod message;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use langley_model::HttpVersion;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub use message::{Request, Response, Upload, Whole};
pub use stream::Stream;

/// How to reach a server. Each [`Self::connect`] opens a new connection.
#[derive(Clone, Debug)]
pub struct Client {
    dial: SocketAddr,
    /// `host:port` to CONNECT to first.
    tunnel: Option<String>,
    /// Sent with the CONNECT, besides `Host`.
    tunnel_headers: Vec<(String, String)>,
    tls: Option<Tls>,
    /// Value for `Host` and `:authority`.
    authority: String,
    scheme: &'static str,
    prior_knowledge: bool,
}

#[derive(Clone, Debug)]
struct Tls {
    name: ServerName<'static>,
    send_sni: bool,
    roots: Vec<CertificateDer<'static>>,
    /// Certificate and key to present, as PEM.
    identity: Option<(String, String)>,
    alpn: Vec<Vec<u8>>,
    config: Option<Arc<ClientConfig>>,
}

/// Why no connection came about.
#[derive(Debug)]
pub enum ClientError {
    /// A socket or TLS failed.
    Io(std::io::Error),
    /// The proxy answered the CONNECT with something else than 200.
    Refused(Box<Whole>),
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::Refused(answer) => {
                write!(f, "the proxy refused the CONNECT: {} {}", answer.status, answer.text())
            }
        }
    }
}

impl std::error::Error for ClientError {}

impl From<std::io::Error> for ClientError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) kind: Kind,
    pub(crate) authority: String,
    pub(crate) scheme: &'static str,
    alpn: Option<String>,
    certificates: Vec<CertificateDer<'static>>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    H1(h1::Wire),
    H2(h2::Sender),
}

impl Client {
    /// A client for a base URL such as `http://127.0.0.1:9090` or `https://localhost:1234`; only
    /// loopback addresses and `localhost` can be dialled.
    ///
    /// # Panics
    /// When the URL names another host.
    #[must_use]
    pub fn direct(base_url: &str) -> Self {
        let (scheme, host, port) = split(base_url);
        let address = if host == "localhost" { "127.0.0.1" } else { host.trim_matches(['[', ']']) };
        let dial = SocketAddr::new(address.parse().expect("a loopback address"), port);
        Self::new(dial, None, scheme, &host, port)
    }

    /// A client for `base_url` (any host) through the HTTP proxy at `proxy`, by CONNECT.
    #[must_use]
    pub fn through(proxy: SocketAddr, base_url: &str) -> Self {
        let (scheme, host, port) = split(base_url);
        Self::new(proxy, Some(format!("{host}:{port}")), scheme, &host, port)
    }

    /// A client that sends absolute-form requests (`GET http://…`) to the proxy at `proxy`; give
    /// the whole URL as the request's target.
    #[must_use]
    pub fn absolute(proxy: SocketAddr, base_url: &str) -> Self {
        let (scheme, host, port) = split(base_url);
        Self::new(proxy, None, scheme, &host, port)
    }

    fn new(
        dial: SocketAddr,
        tunnel: Option<String>,
        scheme: &'static str,
        host: &str,
        port: u16,
    ) -> Self {
        let usual = if scheme == "https" { 443 } else { 80 };
        let authority = if port == usual { host.to_owned() } else { format!("{host}:{port}") };
        let tls = (scheme == "https").then(|| Tls {
            name: server_name(host),
            send_sni: true,
            roots: Vec::new(),
            identity: None,
            alpn: vec![b"http/1.1".to_vec()],
            config: None,
        });
        Self {
            dial,
            tunnel,
            tunnel_headers: Vec::new(),
            tls,
            authority,
            scheme,
            prior_knowledge: false,
        }
    }

    /// Trusts the certificates of a PEM text, besides those already trusted.
    ///
    /// # Panics
    /// When it holds no certificate.
    #[must_use]
    pub fn trusting(mut self, pem: &str) -> Self {
        if let Some(tls) = &mut self.tls {
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            let found = found.expect("PEM certificates");
            assert!(!found.is_empty(), "no certificate in the PEM text");
            tls.roots.extend(found);
        }
        self
    }

    /// Presents a certificate when the server asks; both are PEM texts.
    #[must_use]
    pub fn presenting(mut self, certificate: &str, key: &str) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.identity = Some((certificate.to_owned(), key.to_owned()));
        }
        self
    }

    /// Offers exactly these ALPN names; none at all when empty.
    #[must_use]
    pub fn alpn(mut self, names: &[&str]) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.alpn = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        }
        self
    }

    /// Offers HTTP/2 only; without TLS, speaks it with prior knowledge.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.prior_knowledge = self.tls.is_none();
        self.alpn(&["h2"])
    }

    /// Asks for this name in TLS (SNI and verification) instead of the URL's host.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.name = server_name(name);
        }
        self
    }

    /// Sends no SNI.
    #[must_use]
    pub fn without_sni(mut self) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.send_sni = false;
        }
        self
    }

    /// Sends this `Host` (or `:authority`) instead of the URL's.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.authority);
        self
    }

    /// Sends this line with the CONNECT, such as `Proxy-Authorization`.
    #[must_use]
    pub fn connect_header(mut self, name: &str, value: &str) -> Self {
        self.tunnel_headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps what servers give to resume a session by, and resumes on later connections.
    #[must_use]
    pub fn resuming(mut self) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.config = Some(Arc::new(tls.configure()));
        }
        self
    }

    /// Prepares TLS once for all later connections; every handshake stays a full one. For benchmarks.
    #[must_use]
    pub fn prepared(mut self) -> Self {
        if let Some(tls) = &mut self.tls {
            let mut config = tls.configure();
            config.resumption = rustls::client::Resumption::disabled();
            tls.config = Some(Arc::new(config));
        }
        self
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When a socket, TLS or the CONNECT fails.
    pub async fn connect(&self) -> Result<Connection, ClientError> {
        let stream = self.stream().await?;
        let (alpn, certificates) = stream.facts();
        let h2 = self.prior_knowledge || alpn.as_deref() == Some("h2");
        let kind = if h2 {
            Kind::H2(h2::Sender::start(stream).await?)
        } else {
            Kind::H1(h1::Wire::new(stream))
        };
        Ok(Connection {
            kind,
            authority: self.authority.clone(),
            scheme: self.scheme,
            alpn,
            certificates,
        })
    }

    /// Opens the bytes below: TCP, CONNECT where asked, TLS where asked; no HTTP yet.
    ///
    /// # Errors
    /// When a socket, TLS or the CONNECT fails.
    pub async fn stream(&self) -> Result<Stream, ClientError> {
        let tcp = TcpStream::connect(self.dial).await?;
        tcp.set_nodelay(true)?;
        let tcp = match &self.tunnel {
            Some(authority) => self.dig(tcp, authority).await?,
            None => tcp,
        };
        let Some(tls) = &self.tls else { return Ok(Stream::Tcp(tcp)) };
        let config = tls.config.clone().unwrap_or_else(|| Arc::new(tls.configure()));
        let stream = TlsConnector::from(config).connect(tls.name.clone(), tcp).await?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    async fn dig(&self, tcp: TcpStream, authority: &str) -> Result<TcpStream, ClientError> {
        let mut request = Request::new("CONNECT", authority).header("Host", authority);
        for (name, value) in &self.tunnel_headers {
            request = request.header(name, value);
        }
        let mut wire = h1::Wire::new(Stream::Tcp(tcp));
        wire.start(&request, authority).await?;
        let (status, headers) = wire.head().await?;
        if status == 200 {
            return Ok(wire.into_tcp());
        }
        let mut response = Response::h1(status, headers, "GET", &mut wire)?;
        let mut body = Vec::new();
        while let Some(data) = response.next().await.transpose()? {
            body.extend_from_slice(&data);
        }
        Err(ClientError::Refused(Box::new(response.into_whole(body))))
    }
}

impl Tls {
    fn configure(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            roots.add(root.clone()).expect("a certificate that can be a root");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the default TLS versions")
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
                    .collect::<Result<Vec<_>, _>>()
                    .expect("PEM certificates");
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a PEM key");
                config.with_client_auth_cert(chain, key).expect("a usable certificate")
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_sni = self.send_sni;
        config
    }
}

impl Connection {
    /// Sends a request whose body is known, and waits for the answer's head.
    ///
    /// # Errors
    /// When the connection breaks before.
    pub async fn send(&mut self, request: Request) -> std::io::Result<Response<'_>> {
        let body = request.body.clone();
        let trailers = request.trailers.clone();
        let mut upload = self.begin(request).await?;
        // A peer that answered early may have stopped reading: its answer is what counts.
        let _ = upload.data(body).await;
        let _ = upload.finish(&trailers).await;
        upload.response().await
    }

    /// Sends a request and takes in its whole answer.
    ///
    /// # Errors
    /// When the connection breaks before the answer's end.
    pub async fn fetch(&mut self, request: Request) -> std::io::Result<Whole> {
        self.send(request).await?.whole().await
    }

    /// Sends a request's head; the body follows piece by piece.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn begin(&mut self, request: Request) -> std::io::Result<Upload<'_>> {
        let authority = self.authority.clone();
        match &mut self.kind {
            Kind::H1(wire) => {
                wire.start(&request, &authority).await?;
                Ok(Upload::h1(wire, &request))
            }
            Kind::H2(sender) => sender.begin(&request, self.scheme, &authority).await,
        }
    }

    /// Opens a WebSocket by extended CONNECT (RFC 8441), with the target and the headers of `request`; the
    /// bytes below its frames. The server's settings must have come: an earlier answer shows that.
    ///
    /// # Errors
    /// When the server does not agree.
    ///
    /// # Panics
    /// On HTTP/1.1.
    pub async fn websocket(&mut self, request: &Request) -> std::io::Result<TokioIo<Upgraded>> {
        let Kind::H2(sender) = &mut self.kind else { panic!("extended CONNECT is of HTTP/2") };
        let url = format!("{}://{}{}", self.scheme, self.authority, request.target);
        sender.websocket(request, url).await
    }

    /// The version spoken.
    #[must_use]
    pub const fn version(&self) -> HttpVersion {
        match self.kind {
            Kind::H1(_) => HttpVersion::Http11,
            Kind::H2(_) => HttpVersion::Http2,
        }
    }

    /// ALPN agreed in TLS.
    #[must_use]
    pub fn alpn(&self) -> Option<&str> {
        self.alpn.as_deref()
    }

    /// The server's certificates as DER, its own first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// A second handle to the same HTTP/2 connection, for several requests at once.
    ///
    /// # Panics
    /// On HTTP/1.1.
    #[must_use]
    pub fn share(&self) -> Self {
        let Kind::H2(sender) = &self.kind else { panic!("HTTP/1.1 carries one request at a time") };
        Self {
            kind: Kind::H2(sender.clone()),
            authority: self.authority.clone(),
            scheme: self.scheme,
            alpn: self.alpn.clone(),
            certificates: self.certificates.clone(),
        }
    }

    /// Leaves rudely, with a TCP reset (HTTP/1.1); HTTP/2 just drops the connection.
    pub fn reset(self) {
        if let Kind::H1(wire) = self.kind {
            wire.into_stream().reset();
        }
    }

    /// The stream below, with everything read ahead already consumed (HTTP/1.1).
    ///
    /// # Panics
    /// On HTTP/2, or when bytes were read ahead.
    #[must_use]
    pub fn into_stream(self) -> Stream {
        match self.kind {
            Kind::H1(wire) => wire.into_stream(),
            Kind::H2(_) => panic!("an HTTP/2 connection has no single stream"),
        }
    }
}

fn split(base_url: &str) -> (&'static str, String, u16) {
    let (scheme, rest) = base_url.split_once("://").expect("a base URL with a scheme");
    let (scheme, usual) = match scheme {
        "http" => ("http", 80),
        "https" => ("https", 443),
        other => panic!("a base URL of scheme {other}"),
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (scheme, host.to_owned(), port.parse().expect("a port"))
        }
        _ => (scheme, authority.to_owned(), usual),
    }
}

fn server_name(host: &str) -> ServerName<'static> {
    ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).expect("a host name")
}
