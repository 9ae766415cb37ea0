//! Client certificates: in TLS 1.2 the signature covers the raw transcript, so the hello in it is
//! replaced here too. (In TLS 1.3 it covers the transcript's hash.)

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use super::transcript::as_sent;

/// The certificates of `0`, with keys that sign what was sent.
#[derive(Debug)]
pub(super) struct SentResolver(pub(super) Arc<dyn ResolvesClientCert>);

impl ResolvesClientCert for SentResolver {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let found = self.0.resolve(hints, schemes)?;
        let key = Arc::new(SentKey(Arc::clone(&found.key)));
        Some(Arc::new(CertifiedKey::new(found.cert.clone(), key)))
    }

    fn only_raw_public_keys(&self) -> bool {
        self.0.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.0.has_certs()
    }
}

#[derive(Debug)]
struct SentKey(Arc<dyn SigningKey>);

impl SigningKey for SentKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(SentSigner(self.0.choose_scheme(offered)?)))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.0.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

#[derive(Debug)]
struct SentSigner(Box<dyn Signer>);

impl Signer for SentSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match as_sent(message) {
            Some(sent) => self.0.sign(&sent.messages),
            None => self.0.sign(message),
        }
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}
