//! TLS 1.3 decryption that takes acknowledgements out of the server's first flight, on connections that
//! do so ([`super::inbound`]); on all others it is the library's own.

use std::sync::Arc;

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
    Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::{ConnectionTrafficSecrets, ContentType, Error};

use super::inbound::{Inbound, begun};

pub(super) struct StrippingAead(pub(super) &'static dyn Tls13AeadAlgorithm);

impl Tls13AeadAlgorithm for StrippingAead {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        let inner = self.0.decrypter(key, iv);
        match begun() {
            Some(inbound) => Box::new(Stripping { inner, inbound: Some(inbound) }),
            None => inner,
        }
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

/// Decrypts the server's handshake.
struct Stripping {
    inner: Box<dyn MessageDecrypter>,
    /// None once nothing is to be taken out any more.
    inbound: Option<Arc<Inbound>>,
}

impl MessageDecrypter for Stripping {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let Some(inbound) = &self.inbound else { return self.inner.decrypt(message, sequence) };
        let mut copy = message.payload.to_vec();
        let opaque = InboundOpaqueMessage::new(message.typ, message.version, &mut copy);
        let plain = self.inner.decrypt(opaque, sequence)?;
        let mut stripped = None;
        if plain.typ == ContentType::Handshake {
            let found = inbound.strip(plain.payload);
            stripped = found.record;
            if !found.goes_on {
                self.inbound = None;
            }
        }
        // Never longer than the record that it came in.
        let payload = stripped.as_deref().unwrap_or(plain.payload);
        message.payload[..payload.len()].copy_from_slice(payload);
        message.payload.truncate(payload.len());
        (message.typ, message.version) = (plain.typ, plain.version);
        Ok(message.into_plain_message())
    }
}
