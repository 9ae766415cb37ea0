//! An agent's side of a connection through the proxy: CONNECT, TLS that trusts only our authority,
//! HTTP/1.1. Used where we play the agent ourselves: `demo` and `doctor`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// The longest answer to CONNECT that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Why the road did not carry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoadError {
    /// A socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// The proxy said no.
    #[error("the proxy answered: {0}")]
    Connect(String),
    /// The certificate cannot be used, or the handshake failed.
    #[error("TLS failed: {0}")]
    Tls(#[from] rustls::Error),
    /// The certificate file cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// HTTP failed.
    #[error("HTTP failed: {0}")]
    Http(#[from] hyper::Error),
    /// The host cannot stand in a certificate.
    #[error("{0} is no host name")]
    Name(String),
}

/// A way to providers through the proxy.
#[derive(Clone, Debug)]
pub(crate) struct Road {
    proxy: SocketAddr,
    tls: Arc<ClientConfig>,
}

/// One connection; dropped, it breaks.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<hyper::Result<()>>,
}

impl Road {
    /// The road through `proxy`, trusting only the certificate at `ca`.
    ///
    /// # Errors
    /// The certificate cannot be read or used.
    pub(crate) fn new(proxy: SocketAddr, ca: &Path) -> Result<Self, RoadError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca)?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { proxy, tls: Arc::new(tls) })
    }

    /// Connects to `host`, port 443.
    ///
    /// # Errors
    /// No connection, a refusal, or an untrusted certificate.
    pub(crate) async fn to(&self, host: &str) -> Result<Connection, RoadError> {
        let stream = tunnel(self.proxy, host, None).await?;
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| RoadError::Name(host.to_owned()))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Connection { sender, driver: tokio::spawn(connection) })
    }
}

impl Connection {
    /// Sends a request; the answer's body follows as it comes.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, RoadError> {
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// CONNECTs through `proxy` to `host`, port 443, with credentials where it asks for some.
///
/// # Errors
/// No connection, or a refusal.
pub(crate) async fn tunnel(
    proxy: SocketAddr,
    host: &str,
    authorization: Option<&str>,
) -> Result<TcpStream, RoadError> {
    let mut stream = TcpStream::connect(proxy).await?;
    stream.set_nodelay(true)?;
    let mut ask = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n");
    if let Some(credentials) = authorization {
        ask.push_str(&format!("Proxy-Authorization: {credentials}\r\n"));
    }
    ask.push_str("\r\n");
    stream.write_all(ask.as_bytes()).await?;
    established(&mut stream).await?;
    Ok(stream)
}

/// Reads the answer to CONNECT, byte by byte, so that nothing of the tunnel is taken.
async fn established(stream: &mut TcpStream) -> Result<(), RoadError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_ANSWER {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    if line.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    Err(RoadError::Connect(line.to_owned()))
}
