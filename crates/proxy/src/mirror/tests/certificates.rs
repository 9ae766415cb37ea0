//! A throwaway authority with leaves of either kind, and keys that OpenSSL makes where ours cannot.

use std::path::PathBuf;
use std::sync::Arc;

use langley_testkit::openssl;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::wire::Trust;

/// What a leaf's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Ecdsa,
    Rsa,
}

pub(super) struct Authority {
    folder: tempfile::TempDir,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "mirror tests");
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let certificate = certificate.der().clone();
        Self { folder, certificate, issuer: Issuer::new(params, key) }
    }

    pub(super) fn pem(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Words for `openssl s_server` to serve as `localhost`.
    pub(super) async fn server(&self, key: Key) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let pair = match key {
            Key::Ecdsa => KeyPair::generate().unwrap(),
            Key::Rsa => {
                let words = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
                KeyPair::from_pem(&openssl(&words).await).unwrap()
            }
        };
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = params.signed_by(&pair, &self.issuer).unwrap();
        std::fs::write(path("server.pem"), leaf.pem()).unwrap();
        std::fs::write(path("server.key"), pair.serialize_pem()).unwrap();
        ["-cert".into(), path("server.pem"), "-key".into(), path("server.key")].into()
    }

    /// Trust in this authority, with a client certificate of it.
    pub(super) fn trust(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let pair = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        let leaf = params.signed_by(&pair, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let key = any_supported_type(&key).unwrap();
        let certified = CertifiedKey::new(vec![leaf.der().clone()], key);
        let certificates: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(certified));
        Trust { roots: Arc::new(roots), certificates }
    }
}
