//! TLS towards the provider: the system's roots and the configured ones, switched off for nobody but the
//! hosts that the user has named.

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

use crate::authority::normalise;
use crate::dial::Dialed;
use crate::identity::{self, ClientCertificate, ClientCertificateError, Identity};
use crate::options::ProxyOptions;
use crate::prefixed::Prefixed;
use crate::probe::{Probe, ProbeVerifier, verifier};
use crate::unverified::Unverified;

/// Distinct ALPN offers whose configuration is kept ready.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The TLS leg to the provider.
pub(crate) type UpstreamStream = TlsStream<Prefixed<TcpStream>>;

/// Client configurations by what they are for; the files are read once, when they are first needed.
#[derive(Debug)]
pub(crate) struct UpstreamTls {
    sources: Sources,
    timeout: Duration,
    probe: Probe,
    base: OnceCell<Base>,
    ready: Mutex<LruCache<Wanted, Arc<ClientConfig>>>,
}

/// Where trust and identity come from.
#[derive(Clone, Debug)]
struct Sources {
    extra: Option<PathBuf>,
    certificates: Vec<ClientCertificate>,
    insecure: Vec<String>,
}

/// What was read from the sources.
#[derive(Debug)]
struct Base {
    config: ClientConfig,
    identities: Vec<Result<Arc<Identity>, ClientCertificateError>>,
    unverified: Arc<Unverified>,
}

/// What a configuration is for.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Wanted {
    alpn: Vec<Vec<u8>>,
    /// Which certificate may be presented.
    certificate: Option<usize>,
    insecure: bool,
}

/// A provider that has been shaken hands with.
pub(crate) struct Connected {
    pub(crate) stream: UpstreamStream,
    /// It asked for a certificate, and there was none to present.
    pub(crate) asked_in_vain: bool,
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
    #[error(
        "{host} asked for a client certificate and none is set ({why}); name one in \
         proxy.client_certificates"
    )]
    CertificateAsked { host: String, why: std::io::Error },
    #[error(transparent)]
    Certificate(#[from] ClientCertificateError),
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
            Self::CertificateAsked { .. } => "client_certificate_asked",
            Self::Certificate(_) => "client_certificate_unusable",
            Self::TimedOut { .. } => "upstream_tls_timed_out",
        }
    }
}

impl UpstreamTls {
    pub(crate) fn new(options: &ProxyOptions, probe: Probe) -> Self {
        let sources = Sources {
            extra: options.upstream_ca.clone(),
            certificates: options.client_certificates.clone(),
            insecure: options.insecure_hosts.iter().map(|host| normalise(host)).collect(),
        };
        let timeout = options.handshake_timeout;
        let ready = Mutex::new(LruCache::new(KEPT));
        Self { sources, timeout, probe, base: OnceCell::new(), ready }
    }

    /// Handshakes with `host`, offering exactly `alpn` (nothing when empty).
    pub(crate) async fn connect(
        &self,
        host: &str,
        alpn: &[Vec<u8>],
        dialed: Dialed,
    ) -> Result<Connected, UpstreamTlsError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| UpstreamTlsError::Name(host.to_owned()))?;
        let wanted = self.wanted(host, alpn);
        let has_certificate = wanted.certificate.is_some();
        let config = self.config(wanted).await?;
        let stream = Prefixed::new(dialed.early, dialed.stream);
        let handshake = identity::noticing(TlsConnector::from(config).connect(name, stream));
        let Ok((shaken, asked)) = tokio::time::timeout(self.timeout, handshake).await else {
            return Err(UpstreamTlsError::TimedOut { host: host.to_owned(), after: self.timeout });
        };
        let asked_in_vain = asked && !has_certificate;
        match shaken {
            Ok(stream) => Ok(Connected { stream, asked_in_vain }),
            Err(why) if asked_in_vain => {
                Err(UpstreamTlsError::CertificateAsked { host: host.to_owned(), why })
            }
            Err(why) => Err(UpstreamTlsError::Handshake { host: host.to_owned(), why }),
        }
    }

    fn wanted(&self, host: &str, alpn: &[Vec<u8>]) -> Wanted {
        let fits = |certificate: &ClientCertificate| certificate.hosts.matches(host);
        Wanted {
            alpn: alpn.to_vec(),
            certificate: self.sources.certificates.iter().position(fits),
            insecure: self.sources.insecure.iter().any(|name| name == host),
        }
    }

    /// Reads the roots ahead of the first handshake.
    pub(crate) async fn warm_up(&self) {
        if let Err(error) = self.base().await {
            tracing::warn!(%error, "the roots for upstream TLS are not usable");
        }
    }

    async fn config(&self, wanted: Wanted) -> Result<Arc<ClientConfig>, UpstreamTlsError> {
        if let Some(config) = self.ready.lock().get(&wanted) {
            return Ok(Arc::clone(config));
        }
        let base = self.base().await?;
        let mut config = base.config.clone();
        config.alpn_protocols.clone_from(&wanted.alpn);
        if let Some(identity) = wanted.certificate.and_then(|index| base.identities.get(index)) {
            config.client_auth_cert_resolver = identity.clone()?;
        }
        if wanted.insecure {
            config.dangerous().set_certificate_verifier(Arc::clone(&base.unverified) as Arc<_>);
        }
        let config = Arc::new(config);
        self.ready.lock().put(wanted, Arc::clone(&config));
        Ok(config)
    }

    async fn base(&self) -> Result<&Base, UpstreamTlsError> {
        let load = || async {
            let (sources, probe) = (self.sources.clone(), self.probe.clone());
            let loading = tokio::task::spawn_blocking(move || read(sources, probe));
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

fn read(sources: Sources, probe: Probe) -> Result<Base, UpstreamTlsError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (_usable, unusable) = roots.add_parsable_certificates(native.certs);
    if unusable > 0 {
        tracing::debug!(unusable, "system roots that could not be parsed");
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(path) = sources.extra {
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
    let usual = verifier(roots).map_err(|e| rustls::Error::General(e.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unverified = Arc::new(Unverified(Arc::clone(&provider)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ProbeVerifier { usual, probe }))
        .with_client_cert_resolver(Arc::new(Identity::none()));
    // One that cannot be read concerns its own hosts only.
    let identities =
        sources.certificates.iter().map(|certificate| certificate.load().map(Arc::new));
    Ok(Base { config, identities: identities.collect(), unverified })
}
