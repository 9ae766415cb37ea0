//! Leaf certificates on demand: one key for all of them, minted once per host, kept in an LRU.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rcgen::{Certificate, KeyPair};
use rustls::ServerConfig;
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
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
    ticketer: Arc<dyn ProducesTickets>,
    /// What [`PROBE_HOST`] is answered with: the authority may not sign for it.
    probe: Certificate,
    /// Minting happens under this lock (one signature, some 50 µs): a stampede mints once.
    ready: Mutex<LruCache<Wanted, Arc<ServerConfig>>>,
    #[cfg(test)]
    minted: std::sync::atomic::AtomicUsize,
}

/// What a configuration is for: the host, and the protocol that the upstream chose.
#[derive(PartialEq, Eq, Hash)]
struct Wanted {
    host: String,
    alpn: Option<Vec<u8>>,
    tickets: Tickets,
}

/// Whether an agent may resume its session on its next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tickets {
    /// It may, which spares both sides a full handshake.
    Issued,
    /// Its next hello is to be one that a provider can be shown: without a session that only Langley
    /// knows.
    Withheld,
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
        // Stateless tickets, if any: an agent's next connection resumes, and nothing is kept per session.
        base.session_storage = Arc::new(NoServerSessionStorage {});
        base.send_tls13_tickets = 0;
        let ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        let probe = self_signed(PROBE_HOST, &key)?;
        Ok(Self {
            authority,
            key,
            signing,
            base,
            ticketer,
            probe,
            ready: Mutex::new(LruCache::new(KEPT)),
            #[cfg(test)]
            minted: std::sync::atomic::AtomicUsize::default(),
        })
    }

    /// The configuration that presents a certificate for `host` and speaks exactly `alpn`.
    pub(crate) fn server_config(
        &self,
        host: &str,
        alpn: Option<&[u8]>,
        tickets: Tickets,
    ) -> Result<Arc<ServerConfig>, LeafError> {
        let wanted = Wanted { host: host.to_owned(), alpn: alpn.map(<[u8]>::to_vec), tickets };
        let mut ready = self.ready.lock();
        if let Some(config) = ready.get(&wanted) {
            return Ok(Arc::clone(config));
        }
        let certificate = if host == PROBE_HOST {
            self.probe.der().clone()
        } else {
            self.authority.leaf(host, &self.key)?
        };
        #[cfg(test)]
        self.minted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let certified = CertifiedKey::new(vec![certificate], Arc::clone(&self.signing));
        let mut config = self.base.clone();
        if tickets == Tickets::Issued {
            config.ticketer = Arc::clone(&self.ticketer);
            config.send_tls13_tickets = 1;
        }
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
    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, ServerName};

    use super::*;
    use crate::host_list::HostList;

    #[test]
    fn a_thousand_handshakes_at_once_mint_one_certificate() {
        const THREADS: usize = 8;
        let dir = tempfile::tempdir().unwrap();
        let hosts = HostList::parse(&["*.example"]).unwrap();
        let authority = CertificateAuthority::open_or_create(dir.path(), &hosts).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes());
        roots.add(root.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Arc::new(client);
        let cache = LeafCache::new(authority).unwrap();
        let together = std::sync::Barrier::new(THREADS);
        let shown: Vec<_> = std::thread::scope(|scope| {
            let many = || {
                together.wait();
                let one = |_| {
                    let config = cache.server_config("a.example", None, Tickets::Issued).unwrap();
                    shake(Arc::clone(&client), "a.example".try_into().unwrap(), config)
                };
                (0..1000 / THREADS).map(one).collect::<Vec<_>>()
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(many)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(shown.len(), 1000);
        assert!(shown.iter().all(|certificate| *certificate == shown[0]));
        assert_eq!(cache.minted.load(std::sync::atomic::Ordering::SeqCst), 1);
    }

    /// Shakes hands in memory; the certificate that the client has accepted.
    fn shake(
        client: Arc<rustls::ClientConfig>,
        name: ServerName<'static>,
        server: Arc<ServerConfig>,
    ) -> CertificateDer<'static> {
        let mut client = rustls::ClientConnection::new(client, name).unwrap();
        let mut server = rustls::ServerConnection::new(server).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            let mut read = wire.as_slice();
            while !read.is_empty() {
                server.read_tls(&mut read).unwrap();
                server.process_new_packets().unwrap();
            }
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut read = wire.as_slice();
            while !read.is_empty() {
                client.read_tls(&mut read).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        client.peer_certificates().unwrap()[0].clone().into_owned()
    }
}
