//! The intercepting proxy: it carries the agent's bytes unchanged and lets a tap look on.
//!
//! Nothing here waits for the recording: every observation is offered to a
//! [`langley_model::CaptureSink`], which never blocks. No body is parsed and nothing is retried.

mod again;
mod authority;
mod body;
mod broken;
mod bundle;
mod certificate_authority;
mod connect;
mod connection;
mod dial;
mod dial_error;
mod drive;
mod exchange;
mod extended_connect;
mod headers;
mod hello_stream;
mod host_list;
mod identity;
mod intercept;
mod leaf;
mod leg;
mod leg_body;
mod lent;
mod limits;
mod mirror;
mod no_proxy;
mod observer;
mod options;
mod password;
mod plain;
mod prefixed;
mod probe;
mod proxy;
mod recent;
mod refusal;
mod reverse;
mod sessions;
mod streams;
mod switched;
mod tap;
#[cfg(test)]
mod tests;
mod tied;
mod tls_rules;
mod tunnel;
mod unread;
mod unverified;
mod upgrade;
mod upstream;
mod upstream_proxy;
mod upstream_tls;
mod upstream_trust;

pub use authority::Authority;
pub use bundle::write_bundle;
pub use certificate_authority::{CaError, CertificateAuthority};
pub use host_list::{HostList, HostPatternError, LLM_HOSTS};
pub use identity::{ClientCertificate, ClientCertificateError};
pub use limits::Limits;
#[cfg(any(test, feature = "fuzz"))]
pub use mirror::fuzz;
pub use mirror::{Acknowledgements, Fingerprint};
pub use no_proxy::{NoProxy, NoProxyError};
pub use options::{ProxyOptions, ReverseOptions};
pub use password::Password;
pub use probe::{PROBE_HOST, PROBE_LIFE, Probe, ProbeError};
pub use proxy::{Proxy, ProxyError, ProxyStats};
pub use reverse::{BaseUrl, BaseUrlError};
pub use tls_rules::{HostRule, HostRuleError, TlsChoice, TlsProvider, TlsRules};
pub use upstream_proxy::{UpstreamProxy, UpstreamProxyError};
pub use upstream_trust::check_roots;
