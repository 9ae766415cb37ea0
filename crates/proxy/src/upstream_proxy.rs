//! A proxy that Langley itself must go through (`HTTPS_PROXY`, `proxy.upstream_proxy`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::authority::Authority;

/// Address and credentials of an upstream HTTP proxy. Debug output hides the credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamProxy {
    address: Authority,
    authorization: Option<String>,
    named_by: Option<String>,
}

/// A proxy URL that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the upstream proxy's URL is not usable: {0}; write it as http://host:port or \
     http://user:password@host:port"
)]
pub struct UpstreamProxyError(&'static str);

impl UpstreamProxy {
    /// Parses `http://[user:password@]host[:port]` (the scheme may be left out; port 80 by default).
    ///
    /// # Errors
    /// Another scheme, or no host.
    pub fn parse(url: &str) -> Result<Self, UpstreamProxyError> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(UpstreamProxyError("only the scheme http is supported")),
            None => url,
        };
        let rest = rest.trim_end_matches('/');
        let (user, host) = match rest.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, rest),
        };
        let address =
            Authority::parse(host, Some(80)).ok_or(UpstreamProxyError("no host in it"))?;
        let authorization =
            user.map(|user| format!("Basic {}", STANDARD.encode(percent_decode(user))));
        Ok(Self { address, authorization, named_by: None })
    }

    /// The same, and who names it: a variable or a key, for words about it.
    #[must_use]
    pub fn named_by(self, origin: impl Into<String>) -> Self {
        Self { named_by: Some(origin.into()), ..self }
    }

    /// Who names it.
    pub(crate) fn origin(&self) -> &str {
        self.named_by.as_deref().unwrap_or("proxy.upstream_proxy")
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> &Authority {
        &self.address
    }

    /// The value of `Proxy-Authorization`, when there are credentials.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Debug for UpstreamProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamProxy").field("address", &self.address).finish_non_exhaustive()
    }
}

fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_decoded_and_never_shown() -> Result<(), UpstreamProxyError> {
        let proxy = UpstreamProxy::parse("http://me:p%40ss@proxy.example:3128/")?;
        assert_eq!(proxy.address().to_string(), "proxy.example:3128");
        assert_eq!(proxy.authorization(), Some("Basic bWU6cEBzcw=="));
        assert!(!format!("{proxy:?}").contains("bWU6"));
        Ok(())
    }

    #[test]
    fn other_schemes_are_refused() {
        assert!(UpstreamProxy::parse("socks5://x:1").is_err());
        assert!(UpstreamProxy::parse("http://").is_err());
        assert!(UpstreamProxy::parse("proxy:8080").is_ok());
    }
}
