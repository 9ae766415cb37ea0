//! Where a provider is, in the forms in which a person reads or types it.

use std::borrow::Cow;
use std::fmt;

/// Where a provider is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Place {
    /// As it stands in a URL: an IPv6 address in brackets.
    fn host(&self) -> Cow<'_, str> {
        if self.host.contains(':') {
            Cow::Owned(format!("[{}]", self.host))
        } else {
            Cow::Borrowed(&self.host)
        }
    }

    /// Its URL by `scheme`; the port where it is not the scheme's own.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.short(scheme))
    }

    /// Its name, with the port where it is not that of `scheme`.
    pub(crate) fn short(&self, scheme: &str) -> String {
        let own = if scheme == "http" { 80 } else { 443 };
        if self.port == own { self.host().into_owned() } else { self.to_string() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_told_where_it_is_not_the_schemes_own() {
        for (host, port, scheme, short) in [
            ("api.example", 443, "https", "api.example"),
            ("api.example", 8443, "https", "api.example:8443"),
            ("api.example", 80, "http", "api.example"),
            ("api.example", 80, "https", "api.example:80"),
            ("::1", 443, "https", "[::1]"),
            ("::1", 11434, "http", "[::1]:11434"),
        ] {
            let place = Place { host: host.to_owned(), port };
            assert_eq!(place.short(scheme), short);
            assert_eq!(place.url(scheme), format!("{scheme}://{short}"));
        }
    }
}
