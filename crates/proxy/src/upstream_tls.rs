//! TLS towards the provider: the system's roots and the configured ones, never switched off.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::dial::Dialed;
use crate::exchange::Greetings;
use crate::greeted::{Greeted, Sent};
use crate::prefixed::Prefixed;

/// Distinct ALPN offers whose configuration is kept ready.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The TLS leg to the provider.
pub(crate) type UpstreamStream = TlsStream<Greeted<Prefixed<TcpStream>>>;

/// Client configurations by ALPN offer; the roots are read once, when they are first needed.
#[derive(Debug)]
pub(crate) struct UpstreamTls {
    extra: Option<PathBuf>,
    timeout: Duration,
    base: OnceCell<ClientConfig>,
    ready: Mutex<LruCache<Vec<Vec<u8>>, Arc<ClientConfig>>>,
}

/// Why there is no TLS connection to the provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamTlsError {
    #[error("{0} is not a name that a certificate can be checked against; use the host's name")]
    Name(String),
    #[error("cannot read proxy.upstream_ca {path}: {why}; it must be a PEM file of certificates")]
    Roots { path: PathBuf, why: String },
    #[error("the TLS library refused its configuration: {0}")]
    Config(#[from] rustls::Error),
    #[error(
        "the TLS handshake with {host} failed: {why}; when a company proxy re-signs traffic, put \
         its root certificate into proxy.upstream_ca"
    )]
    Handshake { host: String, why: std::io::Error },
    #[error("the TLS handshake with {host} took longer than {} s; try again", after.as_secs())]
    TimedOut { host: String, after: Duration },
}

impl UpstreamTlsError {
    /// A word for `x-langley-error`.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "upstream_name_invalid",
            Self::Roots { .. } | Self::Config(_) => "upstream_ca_unusable",
            Self::Handshake { .. } => "upstream_tls_failed",
            Self::TimedOut { .. } => "upstream_tls_timed_out",
        }
    }
}

impl UpstreamTls {
    pub(crate) fn new(extra: Option<PathBuf>, timeout: Duration) -> Self {
        Self { extra, timeout, base: OnceCell::new(), ready: Mutex::new(LruCache::new(KEPT)) }
    }

    /// Handshakes with `host`, offering exactly `alpn` (nothing when empty); `greetings` learn what was
    /// sent, however the handshake ends.
    pub(crate) async fn connect(
        &self,
        host: &str,
        alpn: &[Vec<u8>],
        dialed: Dialed,
        greetings: &mut Greetings,
    ) -> Result<UpstreamStream, UpstreamTlsError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| UpstreamTlsError::Name(host.to_owned()))?;
        let config = self.config(alpn).await?;
        let stream = Prefixed::new(dialed.early, dialed.stream);
        let sent = Sent::default();
        let stream = Greeted::new(stream, Arc::clone(&sent));
        let handshake = TlsConnector::from(config).connect(name, stream);
        let shaken = tokio::time::timeout(self.timeout, handshake).await;
        greetings.ja4_out = sent.get().cloned();
        match shaken {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(why)) => Err(UpstreamTlsError::Handshake { host: host.to_owned(), why }),
            Err(_) => {
                Err(UpstreamTlsError::TimedOut { host: host.to_owned(), after: self.timeout })
            }
        }
    }

    /// Reads the roots ahead of the first handshake.
    pub(crate) async fn warm_up(&self) {
        if let Err(error) = self.base().await {
            tracing::warn!(%error, "the roots for upstream TLS are not usable");
        }
    }

    async fn config(&self, alpn: &[Vec<u8>]) -> Result<Arc<ClientConfig>, UpstreamTlsError> {
        if let Some(config) = self.ready.lock().get(alpn) {
            return Ok(Arc::clone(config));
        }
        let mut config = self.base().await?.clone();
        config.alpn_protocols = alpn.to_vec();
        let config = Arc::new(config);
        self.ready.lock().put(alpn.to_vec(), Arc::clone(&config));
        Ok(config)
    }

    async fn base(&self) -> Result<&ClientConfig, UpstreamTlsError> {
        let load = || async {
            let extra = self.extra.clone();
            let loading = tokio::task::spawn_blocking(move || base_config(extra));
            match loading.await {
                Ok(result) => result,
                Err(stopped) => {
                    Err(UpstreamTlsError::Config(rustls::Error::General(stopped.to_string())))
                }
            }
        };
        self.base.get_or_try_init(load).await
    }
}

fn base_config(extra: Option<PathBuf>) -> Result<ClientConfig, UpstreamTlsError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (_usable, unusable) = roots.add_parsable_certificates(native.certs);
    if unusable > 0 {
        tracing::debug!(unusable, "system roots that could not be parsed");
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(path) = extra {
        let fail = |why: String| UpstreamTlsError::Roots { path: path.clone(), why };
        let certificates = CertificateDer::pem_file_iter(&path).map_err(|e| fail(e.to_string()))?;
        let mut added = 0;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| fail(error.to_string()))?;
            roots.add(certificate).map_err(|error| fail(error.to_string()))?;
            added += 1;
        }
        if added == 0 {
            return Err(fail("it holds no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
