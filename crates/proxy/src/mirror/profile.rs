//! Whose hello is mirrored, and the library's configuration for it: the intersection of what that hello
//! offers and what the library can do, in the hello's order. So whatever the library accepts was offered.

use std::sync::Arc;

use langley_protocol::client_hello::{HelloMessage, is_grease};
use rustls::client::{ResolvesClientCert, Resumption, Tls12Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::decompress::DECOMPRESSORS;
use super::groups::{group, sharing};
use super::inbound::Inbound;
use super::named::Fingerprint;
use super::numbers::{SERVER_NAME, SESSION_TICKET};
use super::signer::SentResolver;
use super::suites::suite;

/// TLS 1.2, which every hello that can be mirrored names as its legacy version.
const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

/// A hello to mirror.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(super) hello: HelloMessage,
    /// Length of the captured message, for the padding.
    pub(super) len: usize,
    acknowledgements: Acknowledgements,
}

/// What happens to acknowledgements that the library cannot take, because its own hello did not ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledgements {
    /// They break the handshake.
    #[default]
    Break,
    /// Signed certificate timestamps and the retry configurations after GREASE ECH are taken out before
    /// the library sees them, where the sent hello asked for them; others break the handshake.
    Strip,
}

/// Why a hello cannot be mirrored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum NotMirrored {
    #[error("reverse mode has none; name a profile in proxy.tls.fingerprint")]
    NoAgent,
    #[error("it is not a well-formed ClientHello")]
    Malformed,
    #[error("it is from before TLS 1.2")]
    TooOld,
    #[error("it offers no {0} that Langley's TLS library can use")]
    NothingInCommon(&'static str),
    #[error("the TLS library refuses it: {0}")]
    Refused(#[from] rustls::Error),
}

impl Profile {
    /// The profile of the agent whose connection began with these bytes.
    pub(crate) fn of_agent(bytes: &[u8]) -> Result<Self, NotMirrored> {
        Self::new(HelloMessage::in_records(bytes).ok_or(NotMirrored::Malformed)?)
    }

    /// A named profile.
    pub(crate) fn named(fingerprint: Fingerprint) -> Result<Self, NotMirrored> {
        Self::new(fingerprint.hello().ok_or(NotMirrored::Malformed)?)
    }

    pub(super) fn new(hello: HelloMessage) -> Result<Self, NotMirrored> {
        if hello.legacy_version != TLS12 || !hello.compression.contains(&0) {
            return Err(NotMirrored::TooOld);
        }
        let len = hello.encode().ok_or(NotMirrored::Malformed)?.len();
        Ok(Self { hello, len, acknowledgements: Acknowledgements::Break })
    }

    /// The profile with another answer to acknowledgements.
    pub(crate) fn with(self, acknowledgements: Acknowledgements) -> Self {
        Self { acknowledgements, ..self }
    }

    /// What is taken out of what comes in; none when nothing is.
    pub(super) fn inbound(&self) -> Option<Arc<Inbound>> {
        match self.acknowledgements {
            Acknowledgements::Break => None,
            Acknowledgements::Strip => Inbound::of(&self.hello),
        }
    }

    /// The hello's key shares that the library can make, in its order.
    pub(super) fn shared_groups(&self) -> Vec<u16> {
        let groups = self.hello.key_shares().into_iter().map(|share| share.group);
        groups.filter(|number| group(*number).is_some()).collect()
    }

    /// A configuration whose hello this profile can rewrite.
    pub(crate) fn config(
        &self,
        alpn: &[Vec<u8>],
        roots: &Arc<RootCertStore>,
        certificates: Arc<dyn ResolvesClientCert>,
    ) -> Result<ClientConfig, NotMirrored> {
        let provider = self.provider()?;
        let versions = self.versions(&provider)?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions)?
            .with_root_certificates(Arc::clone(roots))
            .with_client_cert_resolver(Arc::new(SentResolver(certificates)));
        config.alpn_protocols = alpn.to_vec();
        config.enable_sni = self.hello.extension(SERVER_NAME).is_some();
        config.enable_early_data = false;
        // The binder of a resumption would be computed over the library's hello. A ticket may be
        // offered to be issued all the same; none is kept.
        let tickets = match self.hello.extension(SESSION_TICKET) {
            Some(_) => Tls12Resumption::SessionIdOrTickets,
            None => Tls12Resumption::SessionIdOnly,
        };
        config.resumption = Resumption::disabled().tls12_resumption(tickets);
        let offered = self.hello.certificate_compression();
        config.cert_decompressors = DECOMPRESSORS
            .into_iter()
            .filter(|decompressor| offered.contains(&u16::from(decompressor.algorithm())))
            .collect();
        Ok(config)
    }

    fn provider(&self) -> Result<CryptoProvider, NotMirrored> {
        let suites: Vec<_> = self.hello.ciphers.iter().copied().filter_map(suite).collect();
        if suites.is_empty() {
            return Err(NotMirrored::NothingInCommon("cipher suite"));
        }
        let mut groups = self.hello.groups();
        groups.retain(|number| group(*number).is_some());
        let shared = self.shared_groups();
        let first = shared.first().or(groups.first()).copied();
        // A share of a group that is not on the list would be the hello's own contradiction.
        let Some(first) = first.filter(|first| groups.contains(first)) else {
            return Err(NotMirrored::NothingInCommon("key exchange group"));
        };
        let others = groups.iter().copied().filter(|number| *number != first);
        let kx_groups = std::iter::once(sharing(first, shared.get(1).copied()))
            .chain(others.map(|number| sharing(number, None)))
            .flatten()
            .collect();
        Ok(CryptoProvider { cipher_suites: suites, kx_groups, ..aws_lc_rs::default_provider() })
    }

    fn versions(
        &self,
        provider: &CryptoProvider,
    ) -> Result<Vec<&'static SupportedProtocolVersion>, NotMirrored> {
        let offered = self.hello.versions();
        let has = |tls13| provider.cipher_suites.iter().any(|s| s.tls13().is_some() == tls13);
        let mut versions = Vec::new();
        if offered.contains(&TLS13) && has(true) {
            versions.push(&rustls::version::TLS13);
        }
        let tls12 = offered.contains(&TLS12) || offered.iter().all(|version| is_grease(*version));
        if tls12 && has(false) {
            versions.push(&rustls::version::TLS12);
        }
        if versions.is_empty() {
            return Err(NotMirrored::NothingInCommon("version of TLS"));
        }
        Ok(versions)
    }
}
