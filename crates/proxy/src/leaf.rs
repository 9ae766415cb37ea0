//! Leaf certificates on demand: one key for all of them, minted once per host, kept in an LRU.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rcgen::{Certificate, KeyPair};
use rustls::ServerConfig;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};

use crate::certificate_authority::{CaError, CertificateAuthority, leaf_key, self_signed};
use crate::probe::PROBE_HOST;

/// Hosts whose configuration is kept ready.
const KEPT: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// A TLS server configuration per (host, protocol).
pub(crate) struct LeafCache {
    authority: CertificateAuthority,
    key: KeyPair,
    signing: Arc<dyn SigningKey>,
    base: ServerConfig,
    /// What [`PROBE_HOST`] is answered with: the authority may not sign for it.
    probe: Certificate,
    /// Minting happens under this lock (one signature, some 50 µs): a stampede mints once.
    ready: Mutex<LruCache<Wanted, Arc<ServerConfig>>>,
}

/// What a configuration is for: the host, and the protocol that the upstream chose.
#[derive(PartialEq, Eq, Hash)]
struct Wanted {
    host: String,
    alpn: Option<Vec<u8>>,
}

#[derive(Debug)]
struct OneKey(Arc<CertifiedKey>);

impl ResolvesServerCert for OneKey {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct NoKey;

impl ResolvesServerCert for NoKey {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

impl LeafCache {
    pub(crate) fn new(authority: CertificateAuthority) -> Result<Self, LeafError> {
        let (key, der) = leaf_key()?;
        let signing = rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&der)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut base = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(NoKey));
        // Stateless tickets: an agent's next connection resumes, and nothing is kept per session.
        base.session_storage = Arc::new(NoServerSessionStorage {});
        base.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        base.send_tls13_tickets = 1;
        let probe = self_signed(PROBE_HOST, &key)?;
        let ready = Mutex::new(LruCache::new(KEPT));
        Ok(Self { authority, key, signing, base, probe, ready })
    }

    /// The configuration that presents a certificate for `host` and speaks exactly `alpn`.
    pub(crate) fn server_config(
        &self,
        host: &str,
        alpn: Option<&[u8]>,
    ) -> Result<Arc<ServerConfig>, LeafError> {
        let wanted = Wanted { host: host.to_owned(), alpn: alpn.map(<[u8]>::to_vec) };
        let mut ready = self.ready.lock();
        if let Some(config) = ready.get(&wanted) {
            return Ok(Arc::clone(config));
        }
        let certificate = if host == PROBE_HOST {
            self.probe.der().clone()
        } else {
            self.authority.leaf(host, &self.key)?
        };
        let certified = CertifiedKey::new(vec![certificate], Arc::clone(&self.signing));
        let mut config = self.base.clone();
        config.cert_resolver = Arc::new(OneKey(Arc::new(certified)));
        config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
        let config = Arc::new(config);
        ready.put(wanted, Arc::clone(&config));
        Ok(config)
    }

    /// The certificate that [`PROBE_HOST`] is answered with, in PEM form.
    pub(crate) fn probe_pem(&self) -> String {
        self.probe.pem()
    }

    #[cfg(test)]
    fn minted(&self) -> usize {
        self.ready.lock().len()
    }
}

/// Why no certificate could be presented.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeafError {
    #[error(transparent)]
    Authority(#[from] CaError),
    #[error("the TLS library refused the leaf's configuration: {0}")]
    Tls(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_list::HostList;

    #[test]
    fn a_stampede_for_one_host_mints_one_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = HostList::parse(&["*.example"]).unwrap();
        let authority = CertificateAuthority::open_or_create(dir.path(), &hosts).unwrap();
        let cache = LeafCache::new(authority).unwrap();
        let configs: Vec<_> = std::thread::scope(|scope| {
            let ask = || cache.server_config("a.example", Some(b"h2")).unwrap();
            let asking: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(configs.iter().all(|config| Arc::ptr_eq(config, &configs[0])));
        assert_eq!(cache.minted(), 1);
    }
}
