//! The reserved name of the transparency proof: for a minute it leads to an origin on this machine.
//!
//! Who holds the token may register one origin at a time. The name is reserved (RFC 2606 §2), so no
//! agent's traffic can be led astray; the origin must be on loopback, and its authority is trusted
//! for this name only and only while the registration lasts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::time::Instant;

use crate::authority::Authority;

pub use langley_model::PROBE_HOST;

/// How long a registration lasts.
pub const PROBE_LIFE: Duration = Duration::from_secs(60);

/// The port that the name leads from.
const PORT: u16 = 443;

/// The probe's registration, shared by dialling, interception and trust. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Probe {
    origin: Arc<Mutex<Option<Origin>>>,
    certificate_pem: Arc<str>,
}

#[derive(Debug)]
struct Origin {
    address: SocketAddr,
    trust: Arc<WebPkiServerVerifier>,
    until: Instant,
}

/// Why an origin was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It is on another machine.
    #[error("{0} is not on loopback; only an origin on this machine may be registered")]
    NotLoopback(SocketAddr),
    /// Its authority cannot be used.
    #[error("the origin's authority cannot be used ({0}); send one certificate in PEM form")]
    BadAuthority(String),
}

impl Probe {
    /// A probe whose name the proxy answers for with the certificate `certificate_pem`.
    pub(crate) fn new(certificate_pem: &str) -> Self {
        Self { origin: Arc::default(), certificate_pem: certificate_pem.into() }
    }

    /// Leads [`PROBE_HOST`], port 443, to `address` for [`PROBE_LIFE`], and trusts the authority
    /// `ca_pem` for it. An earlier registration ends.
    ///
    /// # Errors
    /// An address beyond loopback, or an authority that is no certificate.
    pub fn register(&self, address: SocketAddr, ca_pem: &str) -> Result<(), ProbeError> {
        if !address.ip().is_loopback() {
            return Err(ProbeError::NotLoopback(address));
        }
        let trust = trust(ca_pem).map_err(ProbeError::BadAuthority)?;
        let until = Instant::now() + PROBE_LIFE;
        *self.origin.lock() = Some(Origin { address, trust, until });
        tracing::info!(%address, "{PROBE_HOST} leads to this origin for a minute");
        Ok(())
    }

    /// The certificate that the proxy presents for [`PROBE_HOST`], in PEM form. It signs itself: the
    /// certificate authority may not sign for a name that is on no intercept list.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Whether `host` is intercepted for the probe's sake at the moment.
    pub(crate) fn covers(&self, host: &str) -> bool {
        host == PROBE_HOST && self.live(|_| ()).is_some()
    }

    /// Where `target` leads, when it is the probe's.
    pub(crate) fn address(&self, target: &Authority) -> Option<SocketAddr> {
        (target.host() == PROBE_HOST && target.port() == PORT)
            .then(|| self.live(|origin| origin.address))?
    }

    fn live<T>(&self, look: impl FnOnce(&Origin) -> T) -> Option<T> {
        let origin = self.origin.lock();
        origin.as_ref().filter(|origin| Instant::now() < origin.until).map(look)
    }
}

/// What verifies certificates that `ca_pem` signed.
fn trust(ca_pem: &str) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    let certificate =
        CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|error| error.to_string())?;
    roots.add(certificate).map_err(|error| error.to_string())?;
    verifier(Arc::new(roots)).map_err(|error| error.to_string())
}

/// The usual verification against `roots`.
pub(crate) fn verifier(
    roots: Arc<RootCertStore>,
) -> Result<Arc<WebPkiServerVerifier>, rustls::client::VerifierBuilderError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    WebPkiServerVerifier::builder_with_provider(roots, provider).build()
}

/// Verifies every name as usual, but the probe's against its own authority alone.
#[derive(Debug)]
pub(crate) struct ProbeVerifier {
    pub(crate) usual: Arc<WebPkiServerVerifier>,
    pub(crate) probe: Probe,
}

impl ServerCertVerifier for ProbeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if matches!(name, ServerName::DnsName(name) if name.as_ref() == PROBE_HOST) {
            let trust = self.probe.live(|origin| Arc::clone(&origin.trust));
            let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
            return trust.ok_or(unknown)?.verify_server_cert(
                end_entity,
                intermediates,
                name,
                ocsp,
                now,
            );
        }
        self.usual.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn self_signed(names: &[&str]) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        rcgen::generate_simple_self_signed(names).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_registration_leads_one_name_to_loopback_for_a_minute() {
        let probe = Probe::new("");
        let ca = self_signed(&["ca.test"]).cert.pem();
        let origin = "127.0.0.1:4433".parse().unwrap();
        let target = Authority::new(PROBE_HOST, 443);
        assert_eq!(probe.address(&target), None);
        probe.register(origin, &ca).unwrap();
        assert_eq!(probe.address(&target), Some(origin));
        assert_eq!(probe.address(&Authority::new(PROBE_HOST, 80)), None);
        assert_eq!(probe.address(&Authority::new("api.anthropic.com", 443)), None);
        assert!(probe.covers(PROBE_HOST) && !probe.covers("x.fidelity.langley.test"));
        tokio::time::advance(PROBE_LIFE).await;
        assert_eq!(probe.address(&target), None);
        assert!(!probe.covers(PROBE_HOST));
    }

    #[tokio::test]
    async fn an_origin_elsewhere_or_without_a_certificate_is_refused() {
        let probe = Probe::new("");
        let ca = self_signed(&["ca.test"]).cert.pem();
        for address in ["192.168.1.7:443", "0.0.0.0:443", "[2001:db8::1]:443"] {
            let refused = probe.register(address.parse().unwrap(), &ca).unwrap_err();
            assert!(matches!(refused, ProbeError::NotLoopback(_)), "{refused}");
        }
        let refused = probe.register("[::1]:443".parse().unwrap(), "no certificate").unwrap_err();
        assert!(matches!(refused, ProbeError::BadAuthority(_)), "{refused}");
        assert!(!probe.covers(PROBE_HOST));
    }

    #[tokio::test(start_paused = true)]
    async fn the_origins_authority_counts_for_its_name_and_its_time_only() {
        let usual = self_signed(&["api.example.test", PROBE_HOST]);
        let registered = self_signed(&["api.example.test", PROBE_HOST]);
        let mut roots = RootCertStore::empty();
        roots.add(usual.cert.der().clone()).unwrap();
        let probe = Probe::new("");
        let both =
            ProbeVerifier { usual: verifier(Arc::new(roots)).unwrap(), probe: probe.clone() };
        let accepts = |certificate: &rcgen::CertifiedKey<rcgen::KeyPair>, name: &str| {
            let name = ServerName::try_from(name.to_owned()).unwrap();
            both.verify_server_cert(certificate.cert.der(), &[], &name, &[], UnixTime::now())
                .is_ok()
        };
        assert!(accepts(&usual, "api.example.test") && !accepts(&registered, PROBE_HOST));
        assert!(!accepts(&usual, PROBE_HOST), "only a registration gives the name trust");
        probe.register("127.0.0.1:1".parse().unwrap(), &registered.cert.pem()).unwrap();
        assert!(accepts(&registered, PROBE_HOST));
        assert!(!accepts(&usual, PROBE_HOST) && !accepts(&registered, "api.example.test"));
        assert!(accepts(&usual, "api.example.test"));
        tokio::time::advance(PROBE_LIFE).await;
        assert!(!accepts(&registered, PROBE_HOST));
    }
}
