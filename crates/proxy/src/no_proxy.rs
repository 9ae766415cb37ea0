//! Hosts that are reached directly although an upstream proxy is set (`NO_PROXY`).

use std::net::IpAddr;

use ipnet::IpNet;

use crate::authority::Authority;

/// The entries of a `NO_PROXY` list: names with their subdomains, addresses, CIDR ranges, `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    entries: Vec<Entry>,
}

/// An entry that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` in no_proxy is neither a host name, an address nor a range; write for instance \
     example.com, 10.0.0.0/8, [::1] or host:8080"
)]
pub struct NoProxyError(String);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    All,
    Net(IpNet),
    Address(IpAddr, Option<u16>),
    Name(String, Option<u16>),
}

impl NoProxy {
    /// Parses a comma-separated list, as in the `NO_PROXY` variable.
    ///
    /// # Errors
    /// The first entry that is none of the known forms.
    pub fn parse(list: &str) -> Result<Self, NoProxyError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        Ok(Self { entries: entries.map(Entry::parse).collect::<Result<_, _>>()? })
    }

    /// Whether `target` is to be reached directly.
    #[must_use]
    pub fn covers(&self, target: &Authority) -> bool {
        let port_fits = |port: &Option<u16>| port.is_none_or(|port| port == target.port());
        self.entries.iter().any(|entry| match entry {
            Entry::All => true,
            Entry::Net(net) => target.ip().is_some_and(|ip| net.contains(&ip)),
            Entry::Address(address, port) => target.ip() == Some(*address) && port_fits(port),
            Entry::Name(name, port) => {
                let host = target.host();
                let below =
                    host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
                (host == name || below) && port_fits(port)
            }
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, NoProxyError> {
        if text == "*" {
            return Ok(Self::All);
        }
        if let Ok(net) = text.parse() {
            return Ok(Self::Net(net));
        }
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address, None));
        }
        let name = text.trim_start_matches("*.").trim_start_matches('.');
        let port_given = name.rsplit_once(':').is_some();
        let authority = Authority::parse(name, Some(1)).ok_or_else(|| NoProxyError(text.into()))?;
        let port = port_given.then(|| authority.port());
        Ok(match authority.ip() {
            Some(address) => Self::Address(address, port),
            None => Self::Name(authority.host().to_owned(), port),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ranges_and_ports_are_covered() -> Result<(), NoProxyError> {
        let list =
            NoProxy::parse("localhost, .corp.example, 10.0.0.0/8, [::1], host:8080, fd00::/8")?;
        let covers = |host: &str, port| list.covers(&Authority::new(host, port));
        assert!(covers("localhost", 1) && covers("a.corp.example", 443) && covers("10.1.2.3", 443));
        assert!(covers("::1", 5) && covers("host", 8080) && covers("fd00::5", 1));
        assert!(!covers("host", 80) && !covers("notlocalhost", 1) && !covers("11.0.0.1", 1));
        assert!(!covers("xcorp.example", 443));
        Ok(())
    }

    #[test]
    fn a_star_covers_everything_and_nonsense_is_refused() {
        assert!(NoProxy::parse("*").is_ok_and(|all| all.covers(&Authority::new("x", 1))));
        assert!(NoProxy::parse("http://a/").is_err());
    }
}
