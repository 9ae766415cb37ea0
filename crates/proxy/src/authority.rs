//! `host:port`, the address an agent asks for.

use std::fmt;
use std::net::IpAddr;

/// A host (name or address, brackets and trailing dot removed, lower-case) and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Authority {
    host: String,
    port: u16,
}

impl Authority {
    /// From parts; normalises the host.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: normalise(host), port }
    }

    /// Parses `host:port`, `[v6]:port`, or a bare host with `default_port`.
    ///
    /// User information (`user@`) is not accepted. Source of the form: RFC 9110 §7.2, RFC 3986 §3.2.
    #[must_use]
    pub fn parse(text: &str, default_port: Option<u16>) -> Option<Self> {
        if !text.is_ascii() || text.contains(['@', '/', ' ', '\t', '\r', '\n', '?', '#']) {
            return None;
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            let port = match after.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if after.is_empty() => default_port?,
                None => return None,
            };
            (host, port)
        } else {
            match text.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => return None,
                Some((host, port)) => (host, parse_port(port)?),
                None => (text, default_port?),
            }
        };
        let host = normalise(host);
        (!host.is_empty()).then_some(Self { host, port })
    }

    /// The host without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The host as an address, when it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether it is this machine itself: `localhost` and the names below it (RFC 6761 §6.3), and the
    /// addresses of loopback.
    pub(crate) fn is_loopback(&self) -> bool {
        let named = self.host == "localhost" || self.host.ends_with(".localhost");
        named || self.ip().is_some_and(|ip| ip.to_canonical().is_loopback())
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|port| *port != 0)
}

/// A host's name as it is compared: without case, the brackets of an address, and the root's dot at
/// the end (RFC 1034 §3.1), which SNI should not carry (RFC 6066 §3).
pub(crate) fn normalise(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_without_case_and_without_the_roots_dot() {
        assert_eq!(normalise("API.Anthropic.COM."), "api.anthropic.com");
        assert_eq!(normalise("localhost"), "localhost");
    }

    fn parsed(text: &str) -> Option<String> {
        Authority::parse(text, None).map(|authority| authority.to_string())
    }

    #[test]
    fn names_addresses_and_trailing_dots_are_understood() {
        assert_eq!(parsed("API.Anthropic.com.:443").as_deref(), Some("api.anthropic.com:443"));
        assert_eq!(parsed("[::1]:8443").as_deref(), Some("[::1]:8443"));
        assert_eq!(parsed("127.0.0.1:1").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(Authority::parse("example", Some(80)).map(|a| a.port()), Some(80));
    }

    #[test]
    fn a_name_in_another_alphabet_is_known_in_its_ascii_form_alone() {
        let ascii = "xn--bcher-kva.example:443";
        assert_eq!(parsed(ascii).as_deref(), Some(ascii));
        assert_eq!(parsed("XN--BCHER-KVA.example.:443").as_deref(), Some(ascii));
        // A host is sent in ASCII (RFC 5891 §4.4); another spelling of it would pass by the intercept list.
        for text in [
            "b\u{fc}cher.example:443",
            "api.anthropic\u{3002}com:443",
            "\u{ff41}pi.anthropic.com:443",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        for host in ["localhost", "LocalHost.", "api.localhost", "127.0.0.1", "127.9.8.7", "::1"] {
            assert!(Authority::new(host, 1).is_loopback(), "{host}");
        }
        assert!(Authority::new("::ffff:127.0.0.1", 1).is_loopback());
        for host in ["notlocalhost", "localhost.example", "128.0.0.1", "::2", "10.0.0.1"] {
            assert!(!Authority::new(host, 1).is_loopback(), "{host}");
        }
    }

    #[test]
    fn doubtful_authorities_are_refused() {
        for text in ["", ":443", "host", "host:", "host:0", "host:99999", "host:+1", "::1:443"] {
            assert_eq!(parsed(text), None, "{text}");
        }
        for text in ["user@host:1", "host/path:1", "[::1", "[nope]:1", "a b:1"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
