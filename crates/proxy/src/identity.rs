//! Who Langley says it is to a provider that asks: client certificates by host, and whether one was
//! asked for.

use std::cell::Cell;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::host_list::HostList;

/// A certificate to present to some hosts.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// Hosts it is for.
    pub hosts: HostList,
    /// PEM file of the certificate and those between it and its root.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// Why a certificate cannot be presented.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the client certificate for this host cannot be used: {path}: {why}; see \
     proxy.client_certificates (`langley config show`)"
)]
pub struct ClientCertificateError {
    path: PathBuf,
    why: String,
}

impl ClientCertificateError {
    /// Which file, and what is wrong with it.
    #[must_use]
    pub fn reason(&self) -> String {
        format!("{}: {}", self.path.display(), self.why)
    }
}

tokio::task_local! {
    /// Whether the handshake of this task was asked for a certificate.
    static ASKED: Cell<bool>;
}

/// Runs `handshake`; with its result comes whether the provider asked for a certificate.
///
/// The resolver belongs to a configuration that many handshakes share (a resolver of its own would keep
/// a handshake from resuming an earlier one's session), so it cannot keep this itself.
pub(crate) async fn noticing<F: Future>(handshake: F) -> (F::Output, bool) {
    let noticed = async {
        let result = handshake.await;
        (result, ASKED.with(Cell::get))
    };
    ASKED.scope(Cell::new(false), noticed).await
}

/// What is presented when a provider asks, and the note that it has asked.
#[derive(Debug)]
pub(crate) struct Identity(Option<Arc<CertifiedKey>>);

impl Identity {
    /// None: nothing can be presented.
    pub(crate) const fn none() -> Self {
        Self(None)
    }
}

impl ClientCertificate {
    /// Reads both files. Blocks.
    ///
    /// # Errors
    /// A file cannot be read or holds something else, or the two do not belong together.
    pub fn check(&self) -> Result<(), ClientCertificateError> {
        self.load().map(|_| ())
    }

    pub(crate) fn load(&self) -> Result<Identity, ClientCertificateError> {
        let fail = |path: &PathBuf, why: String| ClientCertificateError { path: path.clone(), why };
        let of_chain = |why: String| fail(&self.certificate, why);
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| of_chain(error.to_string()))?;
        if chain.is_empty() {
            return Err(of_chain("it holds no certificate".into()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| fail(&self.key, error.to_string()))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|error| fail(&self.key, error.to_string()))?;
        Ok(Identity(Some(Arc::new(certified))))
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let _outside_of_a_handshake = ASKED.try_with(|asked| asked.set(true));
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_presented_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (one, other) = (made("one.example"), made("other.example"));
        std::fs::write(path("one.pem"), one.cert.pem()).unwrap();
        std::fs::write(path("one.key"), one.signing_key.serialize_pem()).unwrap();
        std::fs::write(path("other.key"), other.signing_key.serialize_pem()).unwrap();
        std::fs::write(path("empty"), "").unwrap();
        let check = |certificate: &str, key: &str| {
            let hosts = HostList::parse(&["a.example"]).unwrap();
            ClientCertificate { hosts, certificate: path(certificate), key: path(key) }
                .check()
                .map_err(|error| error.path.file_name().unwrap().to_owned())
        };
        assert_eq!(check("one.pem", "one.key"), Ok(()));
        assert_eq!(check("one.pem", "other.key"), Err("other.key".into()));
        assert_eq!(check("one.pem", "missing"), Err("missing".into()));
        assert_eq!(check("empty", "one.key"), Err("empty".into()));
        assert_eq!(check("one.key", "one.key"), Err("one.key".into()));
    }
}
