//! A provider in the test's own hands: TLS on loopback, and what a closure does with a connection.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Reads a head to its end; none when the connection ends before.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(head)
}

/// A running origin under the name `localhost`; it stops when it is dropped.
pub(crate) struct Origin {
    port: u16,
    folder: tempfile::TempDir,
    gone: CancellationToken,
    accepted: Arc<AtomicUsize>,
    _accepting: AbortOnDropHandle<()>,
}

impl Origin {
    /// Serves every connection that has shaken hands by `serve`.
    pub(crate) async fn start<F>(
        alpn: &str,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let mut config = builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key_of(&signing_key))
            .expect("a usable certificate");
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        Self::with_config(config, &cert.pem(), serve).await
    }

    /// The same on HTTP/1.1, with the wish for a certificate that [`Self::client_certificate`] names.
    pub(crate) async fn asking<F>(
        asks: Asks,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let agent =
            rcgen::generate_simple_self_signed(["agent".to_owned()]).expect("a certificate");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(agent.cert.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = match asks {
            Asks::Never => WebPkiClientVerifier::no_client_auth(),
            Asks::Politely | Asks::PolitelyTls12 => {
                verifier.allow_unauthenticated().build().expect("a verifier")
            }
            Asks::Always | Asks::Tls12 => verifier.build().expect("a verifier"),
        };
        let builder = match asks {
            Asks::Tls12 | Asks::PolitelyTls12 => builder_of(&[&rustls::version::TLS12]),
            Asks::Never | Asks::Politely | Asks::Always => builder(),
        };
        let config = builder
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![cert.der().clone()], key_of(&signing_key))
            .expect("a usable certificate");
        let origin = Self::with_config(config, &cert.pem(), serve).await;
        let (certificate, key) = origin.client_certificate();
        std::fs::write(certificate, agent.cert.pem()).expect("its certificate");
        std::fs::write(key, agent.signing_key.serialize_pem()).expect("its key");
        origin
    }

    async fn with_config<F>(
        config: ServerConfig,
        ca: &str,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), ca).expect("its certificate");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serve = Arc::new(serve);
        let gone = CancellationToken::new();
        let cut = gone.clone();
        let accepted = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, serve) = (acceptor.clone(), Arc::clone(&serve));
                let serving = async move {
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        serve(stream).await;
                    }
                };
                tokio::spawn(cut.clone().run_until_cancelled_owned(serving));
            }
        });
        Self { port, folder, gone, accepted, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Drops every connection without a goodbye.
    pub(crate) fn drop_connections(&self) {
        self.gone.cancel();
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Certificate and key that it wants to see.
    pub(crate) fn client_certificate(&self) -> (PathBuf, PathBuf) {
        (self.path("agent.pem"), self.path("agent.key"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// When an origin asks for a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asks {
    Never,
    /// And serves whoever shows none.
    Politely,
    /// The same in TLS 1.2.
    PolitelyTls12,
    /// And refuses whoever shows none: in TLS 1.3, after the handshake.
    Always,
    /// And refuses, in TLS 1.2.
    Tls12,
}

type Builder = rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>;

fn builder() -> Builder {
    builder_of(rustls::DEFAULT_VERSIONS)
}

fn builder_of(versions: &[&'static rustls::SupportedProtocolVersion]) -> Builder {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("usual versions")
}

fn key_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}
