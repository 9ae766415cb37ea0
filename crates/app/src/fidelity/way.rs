//! The two ways to the origin: directly, or through the proxy. Both end in TLS of the same kind.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use langley_proxy::PROBE_HOST;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::case::Version;
use crate::proxied::{RoadError, tunnel};
use crate::state::reachable;
use crate::token::Token;

/// Left out of our hello, so that it is not the one the proxy would make by itself.
const LEFT_OUT: [CipherSuite; 2] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// A way to the origin.
#[derive(Debug)]
pub(super) struct Way {
    route: Route,
    tls: ClientConfig,
}

#[derive(Debug)]
enum Route {
    Direct(SocketAddr),
    Through { proxy: SocketAddr, authorization: Option<String> },
}

impl Way {
    /// Straight to the origin at `address`, trusting `certificate_pem`.
    ///
    /// # Errors
    /// That is no certificate.
    pub(super) fn direct(address: SocketAddr, certificate_pem: &str) -> Result<Self, RoadError> {
        Ok(Self { route: Route::Direct(address), tls: tls(certificate_pem)? })
    }

    /// Through `proxy`, trusting `certificate_pem`.
    ///
    /// # Errors
    /// As [`Self::direct`].
    pub(super) fn through(
        proxy: SocketAddr,
        password: Option<&Token>,
        certificate_pem: &str,
    ) -> Result<Self, RoadError> {
        let authorization = password.map(|token| {
            format!("Basic {}", STANDARD.encode(format!("langley:{}", token.reveal())))
        });
        let route = Route::Through { proxy: reachable(proxy), authorization };
        Ok(Self { route, tls: tls(certificate_pem)? })
    }

    /// A new connection without TLS.
    ///
    /// # Errors
    /// No connection, or a refusal.
    pub(super) async fn open_plain(&self) -> Result<TcpStream, RoadError> {
        Ok(match &self.route {
            Route::Direct(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                stream
            }
            Route::Through { proxy, authorization } => {
                tunnel(*proxy, PROBE_HOST, authorization.as_deref()).await?
            }
        })
    }

    /// A new connection that speaks `version`.
    ///
    /// # Errors
    /// No connection, a refusal, or an untrusted certificate.
    pub(super) async fn open(&self, version: Version) -> Result<TlsStream<TcpStream>, RoadError> {
        let stream = self.open_plain().await?;
        let mut tls = self.tls.clone();
        tls.alpn_protocols = vec![version.alpn().to_vec()];
        let name =
            ServerName::try_from(PROBE_HOST).map_err(|_| RoadError::Name(PROBE_HOST.to_owned()))?;
        Ok(TlsConnector::from(Arc::new(tls)).connect(name, stream).await?)
    }
}

/// A client that does not resume, and trusts one certificate.
fn tls(certificate_pem: &str) -> Result<ClientConfig, RoadError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate_pem.as_bytes())?)?;
    let stock = rustls::crypto::aws_lc_rs::default_provider();
    let provider = CryptoProvider {
        cipher_suites: {
            let suites = stock.cipher_suites.into_iter();
            suites.filter(|suite| !LEFT_OUT.contains(&suite.suite())).collect()
        },
        kx_groups: {
            let groups = stock.kx_groups.into_iter();
            groups.filter(|group| group.name() != NamedGroup::X25519MLKEM768).collect()
        },
        ..stock
    };
    let mut tls = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.resumption = Resumption::disabled();
    Ok(tls)
}
