//! TLS sessions to resume, but none with a provider that asked for a client certificate in vain: a
//! resumed handshake does not ask again, and the agent must be the one that answers.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls_pki_types::ServerName;

/// Names whose sessions are kept, and as many whose are not.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The library's own store, with names left out.
#[derive(Debug)]
pub(crate) struct Sessions {
    kept: ClientSessionMemoryCache,
    left_out: Mutex<LruCache<ServerName<'static>, ()>>,
}

impl Default for Sessions {
    fn default() -> Self {
        let kept = ClientSessionMemoryCache::new(KEPT.get());
        Self { kept, left_out: Mutex::new(LruCache::new(KEPT)) }
    }
}

impl Sessions {
    /// Keeps nothing of `name` from now on, also of connections that are open: a ticket comes late.
    pub(crate) fn leave_out(&self, name: &ServerName<'static>) {
        self.left_out.lock().put(name.clone(), ());
        self.kept.remove_tls12_session(name);
        while self.kept.take_tls13_ticket(name).is_some() {}
    }

    fn leaves_out(&self, name: &ServerName<'_>) -> bool {
        self.left_out.lock().get(&name.to_owned()).is_some()
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        if !self.leaves_out(&name) {
            self.kept.set_tls12_session(name, value);
        }
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(name)
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.kept.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        if !self.leaves_out(&name) {
            self.kept.insert_tls13_ticket(name, value);
        }
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(name)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::client::Resumption;
    use rustls::{
        ClientConfig, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion,
    };
    use rustls_pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    /// A client with sessions, and its server, on one version of TLS.
    struct Pair {
        client: TlsConnector,
        server: TlsAcceptor,
        sessions: Arc<Sessions>,
    }

    impl Pair {
        fn new(version: &'static SupportedProtocolVersion) -> Self {
            let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
            let mut roots = RootCertStore::empty();
            roots.add(made.cert.der().clone()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
            let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .unwrap();
            let mut client = ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let sessions = Arc::<Sessions>::default();
            client.resumption = Resumption::store(Arc::clone(&sessions) as Arc<_>);
            let (client, server) = (Arc::new(client).into(), Arc::new(server).into());
            Self { client, server, sessions }
        }

        /// A connection that has shaken hands: the kind of handshake, and what reads on.
        async fn connect(&self) -> (HandshakeKind, impl AsyncReadExt + Unpin + use<>) {
            let (near, far) = duplex(64 * 1024);
            let accepting = async {
                let mut stream = self.server.accept(far).await.unwrap();
                stream.write_all(b"x").await.unwrap();
                stream.shutdown().await.unwrap();
            };
            let connecting = self.client.connect(name(), near);
            let (stream, ()) = tokio::join!(connecting, accepting);
            let stream: TlsStream<_> = stream.unwrap();
            (stream.get_ref().1.handshake_kind().unwrap(), stream)
        }

        /// The same, read to its end, so that tickets have come.
        async fn kind(&self) -> HandshakeKind {
            let (kind, mut stream) = self.connect().await;
            assert_eq!(stream.read_u8().await.unwrap(), b'x');
            kind
        }
    }

    fn name() -> ServerName<'static> {
        ServerName::try_from("a.example").unwrap()
    }

    #[tokio::test]
    async fn a_name_that_is_left_out_is_not_resumed_and_others_are() {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let pair = Pair::new(version);
            assert_eq!(pair.kind().await, HandshakeKind::Full);
            assert_eq!(pair.kind().await, HandshakeKind::Resumed);
            pair.sessions.leave_out(&ServerName::try_from("b.example").unwrap());
            assert_eq!(pair.kind().await, HandshakeKind::Resumed);
            pair.sessions.leave_out(&name());
            assert_eq!(pair.kind().await, HandshakeKind::Full);
            assert_eq!(pair.kind().await, HandshakeKind::Full);

            // What is open already leaves nothing behind either.
            let pair = Pair::new(version);
            let (_, mut open) = pair.connect().await;
            pair.sessions.leave_out(&name());
            assert_eq!(open.read_u8().await.unwrap(), b'x');
            assert_eq!(pair.kind().await, HandshakeKind::Full);
        }
    }
}
