//! What the proxy needs to be told, already resolved: no defaults are looked up here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use langley_model::PublishedGate;

use crate::host_list::HostList;
use crate::identity::ClientCertificate;
use crate::limits::Limits;
use crate::no_proxy::NoProxy;
use crate::password::Password;
use crate::reverse::BaseUrl;
use crate::tls_rules::TlsRules;
use crate::upstream_proxy::UpstreamProxy;

/// Options of a [`crate::Proxy`].
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Hosts whose TLS is opened; every other host is tunnelled unread.
    pub intercept: HostList,
    /// Reverse mode.
    pub reverse: ReverseOptions,
    /// PEM file with roots to trust upstream, beside the system's.
    pub upstream_ca: Option<PathBuf>,
    /// Certificates to present to providers that ask for one; the first that fits counts.
    pub client_certificates: Vec<ClientCertificate>,
    /// Hosts whose certificate is not checked at all: exact names.
    pub insecure_hosts: Vec<String>,
    /// Whose TLS hello a provider sees.
    pub tls: TlsRules,
    /// Proxy to go through.
    pub upstream_proxy: Option<UpstreamProxy>,
    /// Hosts reached directly all the same.
    pub no_proxy: NoProxy,
    /// Client connections served at once; further ones wait in the listen queue.
    pub max_connections: usize,
    /// Bound on resolving a name and connecting.
    pub connect_timeout: Duration,
    /// Bound on a TLS handshake, on either side.
    pub handshake_timeout: Duration,
    /// Bound on an agent's wait between its first byte and the end of its first request head.
    pub head_timeout: Duration,
    /// Bounds of an exchange.
    pub limits: Limits,
    /// What is refused before it is forwarded; nothing, until somebody publishes otherwise.
    pub gate: Arc<PublishedGate>,
    /// Password asked of agents by Basic authentication (any user name); none on loopback.
    pub password: Option<Password>,
    /// How long running exchanges may go on after a shutdown began.
    pub drain: Duration,
}

/// Options of reverse mode.
#[derive(Clone, Debug, Default)]
pub struct ReverseOptions {
    /// Upstreams by name (`anthropic`, `openai`, `gemini`, `bedrock`, or the user's own).
    pub upstreams: BTreeMap<String, BaseUrl>,
    /// The upstream of a path that no provider's API uses.
    pub default: Option<String>,
}

impl ProxyOptions {
    /// Options with the documented defaults for `intercept`.
    #[must_use]
    pub fn new(intercept: HostList) -> Self {
        Self {
            intercept,
            reverse: ReverseOptions::default(),
            upstream_ca: None,
            client_certificates: Vec::new(),
            insecure_hosts: Vec::new(),
            tls: TlsRules::default(),
            upstream_proxy: None,
            no_proxy: NoProxy::default(),
            max_connections: 8192,
            connect_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            limits: Limits::default(),
            gate: Arc::default(),
            password: None,
            drain: Duration::from_secs(30),
        }
    }
}
