//! Whom to trust and who to be towards the provider: the system's roots and the configured ones, switched
//! off for nobody but the hosts that the user has named, and the client certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::authority::normalise;
use crate::identity::{ClientCertificate, ClientCertificateError, Identity};
use crate::options::ProxyOptions;
use crate::probe::{Probe, ProbeVerifier, verifier};
use crate::unverified::Unverified;
use crate::upstream_tls::UpstreamTlsError;

/// Where trust and identity come from.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    extra: Option<PathBuf>,
    certificates: Vec<ClientCertificate>,
    insecure: Vec<String>,
}

/// What every handshake rests on, read from the sources.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) config: ClientConfig,
    pub(crate) roots: Arc<RootCertStore>,
    verifier: Arc<ProbeVerifier>,
    identities: Vec<Result<Arc<Identity>, ClientCertificateError>>,
    unverified: Arc<Unverified>,
}

/// What a configuration is for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) alpn: Vec<Vec<u8>>,
    /// Which certificate may be presented.
    pub(crate) certificate: Option<usize>,
    insecure: bool,
}

impl Sources {
    pub(crate) fn new(options: &ProxyOptions) -> Self {
        Self {
            extra: options.upstream_ca.clone(),
            certificates: options.client_certificates.clone(),
            insecure: options.insecure_hosts.iter().map(|host| normalise(host)).collect(),
        }
    }

    /// What a handshake with `name` that offers `alpn` needs.
    pub(crate) fn wanted(&self, name: &str, alpn: &[Vec<u8>]) -> Wanted {
        let fits = |certificate: &ClientCertificate| certificate.hosts.matches(name);
        Wanted {
            alpn: alpn.to_vec(),
            certificate: self.certificates.iter().position(fits),
            insecure: self.insecure.iter().any(|host| host == name),
        }
    }

    /// Reads the files. Blocks.
    pub(crate) fn read(self, probe: Probe) -> Result<Base, UpstreamTlsError> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        let (_usable, unusable) = roots.add_parsable_certificates(native.certs);
        if unusable > 0 {
            tracing::debug!(unusable, "system roots that could not be parsed");
        }
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if let Some(path) = self.extra {
            add_roots(&mut roots, &path)
                .map_err(|why| UpstreamTlsError::Roots { path: path.clone(), why })?;
        }
        let roots = Arc::new(roots);
        let usual =
            verifier(Arc::clone(&roots)).map_err(|e| rustls::Error::General(e.to_string()))?;
        let verifier = Arc::new(ProbeVerifier { usual, probe });
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let unverified = Arc::new(Unverified(Arc::clone(&provider)));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<_>)
            .with_client_cert_resolver(Arc::new(Identity::none()));
        // One that cannot be read concerns its own hosts only.
        let identities =
            self.certificates.iter().map(|certificate| certificate.load().map(Arc::new)).collect();
        Ok(Base { config, roots, verifier, identities, unverified })
    }
}

/// Looks whether a PEM file can be added to the roots; how many certificates it holds. Blocks.
///
/// # Errors
/// It cannot be read, or holds none that can be used, as a sentence.
pub fn check_roots(path: &Path) -> Result<usize, String> {
    add_roots(&mut RootCertStore::empty(), path)
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<usize, String> {
    let mut added = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        added += 1;
    }
    if added == 0 { Err("it holds no certificate".to_owned()) } else { Ok(added) }
}

impl Base {
    /// What is presented when the provider asks.
    pub(crate) fn identity(
        &self,
        wanted: &Wanted,
    ) -> Result<Arc<dyn ResolvesClientCert>, ClientCertificateError> {
        match wanted.certificate.and_then(|index| self.identities.get(index)) {
            Some(identity) => Ok(identity.clone()?),
            None => Ok(Arc::clone(&self.config.client_auth_cert_resolver)),
        }
    }

    pub(crate) fn verifier(&self, wanted: &Wanted) -> Arc<dyn ServerCertVerifier> {
        if wanted.insecure {
            Arc::clone(&self.unverified) as Arc<_>
        } else {
            Arc::clone(&self.verifier) as Arc<_>
        }
    }
}
