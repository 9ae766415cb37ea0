//! TLS towards the provider: which hello is sent, and what a handshake that fails means.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use rustls::client::Resumption;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authority::Authority;
use crate::dial::{Dialed, Dialer};
use crate::dial_error::DialError;
use crate::exchange::Hellos;
use crate::hello_stream::{HelloStream, Sent};
use crate::identity::{self, ClientCertificateError};
use crate::mirror::{Fingerprint, NotMirrored, Profile};
use crate::options::ProxyOptions;
use crate::prefixed::Prefixed;
use crate::probe::Probe;
use crate::recent::Recent;
use crate::sessions::Sessions;
use crate::tls_rules::{TlsChoice, TlsProvider, TlsRules};
use crate::upstream_trust::{Base, Sources, Wanted};

/// Distinct ALPN offers whose configuration is kept ready.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The TLS leg to the provider.
pub(crate) type UpstreamStream = TlsStream<HelloStream<Prefixed<TcpStream>>>;

/// Client configurations by what they are for; the files are read once, when they are first needed.
#[derive(Debug)]
pub(crate) struct UpstreamTls {
    sources: Sources,
    rules: TlsRules,
    timeout: Duration,
    probe: Probe,
    base: OnceCell<Base>,
    ready: Mutex<LruCache<Wanted, Arc<ClientConfig>>>,
    sessions: Arc<Sessions>,
    /// Who asked for a certificate in vain.
    asked_in_vain: Recent<Place, ()>,
    /// Why a mirrored handshake failed where a native one did not.
    disliked: Recent<Tried, String>,
}

/// A provider: the name that is verified, and where it is.
type Place = (String, Authority);

/// A provider that has been shaken hands with.
pub(crate) struct Connected {
    pub(crate) stream: UpstreamStream,
    /// It asked for a certificate, and there was none to present.
    pub(crate) asked_in_vain: bool,
}

/// A hello to mirror, and a configuration whose hello can be made into it.
struct Mirrored {
    profile: Profile,
    config: ClientConfig,
}

/// A hello that was mirrored to a provider.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Tried {
    place: Place,
    /// The profile, where one is mirrored in place of the agent.
    fingerprint: Option<Fingerprint>,
    /// JA4 of the agent's.
    ja4: Option<String>,
}

/// Why no mirrored handshake serves.
struct Unmirrored {
    why: String,
    /// The connection, where nothing was sent on it.
    dialed: Option<Dialed>,
}

/// Why there is no TLS connection to the provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamTlsError {
    #[error("{0} is not a name that a certificate can be checked against; use the host's name")]
    Name(String),
    #[error("cannot read proxy.upstream_ca {path}: {why}; it must be a PEM file of certificates")]
    Roots { path: PathBuf, why: String },
    #[error("the TLS library refused its configuration: {0}")]
    Config(#[from] rustls::Error),
    #[error("the TLS handshake with {host} failed: {why}; {}", advice(why))]
    Handshake { host: String, why: std::io::Error },
    #[error(
        "{host} asked for a client certificate and none is set ({why}); name one in \
         proxy.client_certificates"
    )]
    CertificateAsked { host: String, why: std::io::Error },
    #[error(transparent)]
    Certificate(#[from] ClientCertificateError),
    #[error("the TLS handshake with {host} took longer than {} s; try again", after.as_secs())]
    TimedOut { host: String, after: Duration },
    #[error(
        "{0}, and proxy.tls.provider is `mirror-strict`; set it to `mirror`, which falls back to \
         Langley's own hello, or to `native`, or name a profile in proxy.tls.fingerprint"
    )]
    Mirror(String),
    #[error(transparent)]
    Dial(#[from] DialError),
}

/// What the library says of a handshake that failed; none when the connection did.
fn verdict(why: &std::io::Error) -> Option<&rustls::Error> {
    why.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Whether a chain is signed in a way that Langley does not know: the hello may have offered it.
#[expect(deprecated, reason = "the library still says it without a context")]
const fn is_signed_otherwise(why: &CertificateError) -> bool {
    matches!(
        why,
        CertificateError::UnsupportedSignatureAlgorithm
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
}

/// What to do about a handshake that failed.
fn advice(why: &std::io::Error) -> &'static str {
    match verdict(why) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            "when a company proxy re-signs traffic, put its root certificate into proxy.upstream_ca"
        }
        _ => "try again, and see whether the host answers without Langley",
    }
}

impl UpstreamTlsError {
    /// A word for `x-langley-error`.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "upstream_name_invalid",
            Self::Roots { .. } | Self::Config(_) => "upstream_ca_unusable",
            Self::Handshake { .. } => "upstream_tls_failed",
            Self::CertificateAsked { .. } => "client_certificate_asked",
            Self::Certificate(_) => "client_certificate_unusable",
            Self::TimedOut { .. } => "upstream_tls_timed_out",
            Self::Mirror(_) => "upstream_tls_not_mirrored",
            Self::Dial(error) => error.code(),
        }
    }

    /// Whether waiting is what failed.
    pub(crate) const fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Dial(error) => error.is_timeout(),
            _ => false,
        }
    }

    /// Whether Langley itself gave up: what it needs is unusable, or what the provider showed is not to
    /// be trusted. Else the provider could not be reached.
    pub(crate) fn is_our_own(&self) -> bool {
        match self {
            Self::Handshake { why, .. } | Self::CertificateAsked { why, .. } => {
                let verdict = verdict(why);
                verdict.is_some_and(|said| !matches!(said, rustls::Error::AlertReceived(_)))
            }
            Self::TimedOut { .. } => false,
            Self::Dial(error) => matches!(error, DialError::Loop { .. }),
            Self::Name(_)
            | Self::Roots { .. }
            | Self::Config(_)
            | Self::Certificate(_)
            | Self::Mirror(_) => true,
        }
    }

    /// Only why, for a sentence that says the rest.
    fn reason(&self) -> String {
        match self {
            Self::Handshake { why, .. } => why.to_string(),
            Self::TimedOut { after, .. } => format!("it took longer than {} s", after.as_secs()),
            other => other.to_string(),
        }
    }

    /// Whether the provider may like another hello better. A certificate that is not trusted is none of
    /// the hello's doing; which algorithms sign it may be.
    fn is_worth_another_hello(&self) -> bool {
        match self {
            Self::Handshake { why, .. } => match verdict(why) {
                Some(rustls::Error::InvalidCertificate(why)) => is_signed_otherwise(why),
                _ => true,
            },
            Self::TimedOut { .. } => true,
            Self::Name(_)
            | Self::Roots { .. }
            | Self::Config(_)
            | Self::CertificateAsked { .. }
            | Self::Certificate(_)
            | Self::Mirror(_)
            | Self::Dial(_) => false,
        }
    }
}

/// A provider to handshake with.
pub(crate) struct Hop<'a> {
    /// The name to verify.
    pub(crate) name: &'a str,
    /// Where it is, for another connection.
    pub(crate) target: &'a Authority,
    /// Exactly what is offered; nothing when empty.
    pub(crate) alpn: &'a [Vec<u8>],
    /// The first bytes of the agent's TLS connection; none in reverse mode.
    pub(crate) hello: Option<&'a [u8]>,
    pub(crate) dialer: &'a Dialer,
}

impl Hop<'_> {
    fn place(&self) -> Place {
        (self.name.to_owned(), self.target.clone())
    }
}

impl UpstreamTls {
    pub(crate) fn new(options: &ProxyOptions, probe: Probe) -> Self {
        let sources = Sources::new(options);
        let (rules, timeout) = (options.tls.clone(), options.handshake_timeout);
        Self {
            sources,
            rules,
            timeout,
            probe,
            base: OnceCell::new(),
            ready: Mutex::new(LruCache::new(KEPT)),
            sessions: Arc::default(),
            asked_in_vain: Recent::default(),
            disliked: Recent::default(),
        }
    }

    /// Whether this provider asked for a certificate a short time ago, and there was none to present.
    pub(crate) fn asked_in_vain(&self, hop: &Hop<'_>) -> bool {
        self.asked_in_vain.recall(&hop.place()).is_some()
    }

    /// Handshakes with the hello that the rules ask for; `hellos` learn what was sent, however it
    /// ends. A mirrored handshake that fails is followed by one with the library's own hello on a new
    /// connection, unless the rules are strict: nothing was asked of the provider yet. Where that one
    /// works, it is the first one for some minutes.
    pub(crate) async fn connect(
        &self,
        hop: &Hop<'_>,
        dialed: Dialed,
        hellos: &mut Hellos,
    ) -> Result<Connected, UpstreamTlsError> {
        let TlsChoice { provider, fingerprint } = self.rules.of(hop.name);
        if provider == TlsProvider::Native {
            return self.handshake(hop, dialed, None, hellos).await;
        }
        let is_strict = provider == TlsProvider::MirrorStrict;
        let tried = Tried { place: hop.place(), fingerprint, ja4: hellos.ja4_in.clone() };
        let known = self.disliked.recall(&tried).filter(|_| !is_strict);
        let Unmirrored { why, dialed } = match known {
            Some(why) => Unmirrored { why, dialed: Some(dialed) },
            None => match self.mirror(hop, dialed, fingerprint, hellos).await? {
                Ok(connected) => return Ok(connected),
                Err(unmirrored) => unmirrored,
            },
        };
        if is_strict {
            return Err(UpstreamTlsError::Mirror(why));
        }
        tracing::info!(host = hop.name, why, "the library's own TLS hello is sent instead");
        hellos.note = Some(format!("{why}; Langley's own was sent instead"));
        if let Some(dialed) = dialed {
            return self.handshake(hop, dialed, None, hellos).await;
        }
        let dialed = hop.dialer.dial(hop.target).await?;
        let connected = self.handshake(hop, dialed, None, hellos).await?;
        // Where both fail, it is not the hello.
        self.disliked.learn(tried, why);
        Ok(connected)
    }

    /// A mirrored handshake, or why there is none.
    async fn mirror(
        &self,
        hop: &Hop<'_>,
        dialed: Dialed,
        fingerprint: Option<Fingerprint>,
        hellos: &mut Hellos,
    ) -> Result<Result<Connected, Unmirrored>, UpstreamTlsError> {
        let mirrored = match self.mirrored(hop, fingerprint).await? {
            Ok(mirrored) => mirrored,
            Err(why) => {
                let why = format!("there was no TLS hello to mirror ({why})");
                return Ok(Err(Unmirrored { why, dialed: Some(dialed) }));
            }
        };
        match self.handshake(hop, dialed, Some(mirrored), hellos).await {
            Err(error) if error.is_worth_another_hello() => {
                let why = format!("the mirrored TLS hello did not work ({})", error.reason());
                Ok(Err(Unmirrored { why, dialed: None }))
            }
            settled => settled.map(Ok),
        }
    }

    /// What a mirrored handshake needs.
    async fn mirrored(
        &self,
        hop: &Hop<'_>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Result<Mirrored, NotMirrored>, UpstreamTlsError> {
        let profile = match (fingerprint, hop.hello) {
            (Some(fingerprint), _) => Profile::named(fingerprint),
            (None, Some(hello)) => Profile::of_agent(hello),
            (None, None) => Err(NotMirrored::NoAgent),
        };
        let base = self.base().await?;
        let wanted = self.sources.wanted(hop.name, hop.alpn);
        let certificates = base.identity(&wanted)?;
        Ok(profile.and_then(|profile| {
            let profile = profile.with(self.rules.acknowledgements);
            let mut config = profile.config(hop.alpn, &base.roots, certificates)?;
            config.dangerous().set_certificate_verifier(base.verifier(&wanted));
            Ok(Mirrored { profile, config })
        }))
    }

    /// One handshake: a mirrored one, else with the library's own hello.
    async fn handshake(
        &self,
        hop: &Hop<'_>,
        dialed: Dialed,
        mirrored: Option<Mirrored>,
        hellos: &mut Hellos,
    ) -> Result<Connected, UpstreamTlsError> {
        let host = || hop.name.to_owned();
        let name = ServerName::try_from(host()).map_err(|_| UpstreamTlsError::Name(host()))?;
        let wanted = self.sources.wanted(hop.name, hop.alpn);
        let has_certificate = wanted.certificate.is_some();
        let (profile, config) = match mirrored {
            Some(Mirrored { profile, config }) => (Some(profile), Arc::new(config)),
            None => (None, self.config(wanted).await?),
        };
        let sent = Sent::default();
        let stream = Prefixed::new(dialed.early, dialed.stream);
        let stream = HelloStream::new(stream, profile, Arc::clone(&sent));
        let handshake =
            identity::noticing(TlsConnector::from(config).connect(name.clone(), stream));
        let shaken = tokio::time::timeout(self.timeout, handshake).await;
        hellos.ja4_out = sent.get().cloned();
        let Ok((shaken, asked)) = shaken else {
            return Err(UpstreamTlsError::TimedOut { host: host(), after: self.timeout });
        };
        let asked_in_vain = asked && !has_certificate;
        if asked_in_vain {
            self.sessions.leave_out(&name);
            self.asked_in_vain.learn(hop.place(), ());
        }
        match shaken {
            Ok(stream) => Ok(Connected { stream, asked_in_vain }),
            Err(why) if asked_in_vain => {
                Err(UpstreamTlsError::CertificateAsked { host: host(), why })
            }
            Err(why) => Err(UpstreamTlsError::Handshake { host: host(), why }),
        }
    }

    /// Reads the roots ahead of the first handshake.
    pub(crate) async fn warm_up(&self) {
        if let Err(error) = self.base().await {
            tracing::warn!(%error, "the roots for upstream TLS are not usable");
        }
    }

    async fn config(&self, wanted: Wanted) -> Result<Arc<ClientConfig>, UpstreamTlsError> {
        if let Some(config) = self.ready.lock().get(&wanted) {
            return Ok(Arc::clone(config));
        }
        let base = self.base().await?;
        let mut config = base.config.clone();
        config.alpn_protocols.clone_from(&wanted.alpn);
        config.resumption = Resumption::store(Arc::clone(&self.sessions) as Arc<_>);
        config.client_auth_cert_resolver = base.identity(&wanted)?;
        config.dangerous().set_certificate_verifier(base.verifier(&wanted));
        let config = Arc::new(config);
        self.ready.lock().put(wanted, Arc::clone(&config));
        Ok(config)
    }

    async fn base(&self) -> Result<&Base, UpstreamTlsError> {
        let load = || async {
            let (sources, probe) = (self.sources.clone(), self.probe.clone());
            let loading = tokio::task::spawn_blocking(move || sources.read(probe));
            match loading.await {
                Ok(result) => result,
                Err(stopped) => {
                    Err(UpstreamTlsError::Config(rustls::Error::General(stopped.to_string())))
                }
            }
        };
        self.base.get_or_try_init(load).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(error: rustls::Error) -> UpstreamTlsError {
        let why = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        UpstreamTlsError::Handshake { host: "a.example".into(), why }
    }

    #[test]
    fn another_hello_may_bring_a_chain_signed_otherwise_but_no_trust() {
        use CertificateError as Why;
        let context = Why::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![1],
            supported_algorithms: Vec::new(),
        };
        let for_key = Why::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![1],
            public_key_algorithm_id: vec![2],
        };
        for (why, is_worth) in [
            (context, true),
            (for_key, true),
            (Why::UnknownIssuer, false),
            (Why::Expired, false),
            (Why::NotValidForName, false),
            (Why::BadSignature, false),
        ] {
            let error = failed(rustls::Error::InvalidCertificate(why));
            assert_eq!(error.is_worth_another_hello(), is_worth, "{error}");
        }
        assert!(failed(rustls::Error::HandshakeNotComplete).is_worth_another_hello());
    }

    #[test]
    fn a_root_certificate_is_the_advice_for_a_certificate_only() {
        let advised = |error| failed(error).to_string().contains("proxy.upstream_ca");
        assert!(advised(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)));
        assert!(!advised(rustls::Error::HandshakeNotComplete));
    }
}
