//! Why a provider could not be reached, in words that say what was tried and what to do next.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::authority::Authority;
use crate::upstream_proxy::UpstreamProxy;

/// Why no connection to the provider came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("could not reach {target}{way}: {cause}; next: {}", cause.next(way))]
    Unreached { target: Authority, way: Way, cause: Cause },
    #[error(
        "{target} is Langley's own listener, so the request would go round in circles; point the \
         base URL or HTTPS_PROXY of Langley itself somewhere else"
    )]
    Loop { target: Authority },
}

/// The way that was tried.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    Direct,
    /// By the upstream proxy, and who names it.
    Through {
        proxy: Box<Authority>,
        origin: Box<str>,
    },
}

impl Way {
    pub(crate) fn through(proxy: &UpstreamProxy) -> Self {
        Self::Through { proxy: Box::new(proxy.address().clone()), origin: proxy.origin().into() }
    }
}

/// What went wrong on the way.
#[derive(Debug)]
pub(crate) enum Cause {
    /// A name has no address.
    Name { host: String, source: io::Error },
    /// No socket could be connected, or it broke.
    Socket { at: Vec<SocketAddr>, source: io::Error },
    /// Nothing happened for too long.
    Silence(Duration),
    /// The upstream proxy answered CONNECT otherwise.
    Answer(String),
}

impl DialError {
    /// A word for `x-langley-error`.
    pub(crate) const fn code(&self) -> &'static str {
        let Self::Unreached { way, cause, .. } = self else { return "proxy_loop" };
        match (cause, way) {
            (Cause::Name { .. }, Way::Direct) => "upstream_name_not_resolved",
            (Cause::Socket { .. }, Way::Direct) => "upstream_unreachable",
            (Cause::Name { .. } | Cause::Socket { .. }, Way::Through { .. }) => {
                "upstream_proxy_unreachable"
            }
            (Cause::Silence(_), _) => "upstream_connect_timed_out",
            (Cause::Answer(_), _) => "upstream_proxy_refused",
        }
    }

    /// Whether waiting is what failed.
    pub(crate) const fn is_timeout(&self) -> bool {
        matches!(self, Self::Unreached { cause: Cause::Silence(_), .. })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => Ok(()),
            Self::Through { proxy, origin } => {
                write!(f, " through the proxy {proxy} (from {origin})")
            }
        }
    }
}

impl Cause {
    fn next(&self, way: &Way) -> String {
        let direct = match (self, way) {
            (Self::Answer(_), Way::Through { origin, .. }) => {
                return format!("check {origin} and its credentials");
            }
            (_, Way::Through { origin, .. }) => {
                return format!(
                    "start that proxy, or correct or unset {origin}; proxy.no_proxy exempts hosts \
                     from it"
                );
            }
            (Self::Name { .. }, Way::Direct) => "check the name and your DNS or VPN",
            (Self::Socket { .. } | Self::Answer(_), Way::Direct) => {
                "see whether the provider is up, and check your network or VPN; behind a company's \
                 proxy, set proxy.upstream_proxy"
            }
            (Self::Silence(_), Way::Direct) => "check your network, or set proxy.upstream_proxy",
        };
        direct.to_owned()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { host, source } => {
                write!(f, "the name {host} could not be resolved ({source})")
            }
            Self::Socket { at, source } => {
                match source.kind() {
                    io::ErrorKind::ConnectionRefused => f.write_str("connection refused")?,
                    io::ErrorKind::ConnectionReset => f.write_str("connection reset")?,
                    io::ErrorKind::HostUnreachable => f.write_str("no route to the host")?,
                    io::ErrorKind::NetworkUnreachable => f.write_str("no network")?,
                    io::ErrorKind::TimedOut => f.write_str("the system stopped waiting")?,
                    _ => write!(f, "{source}")?,
                }
                places(at, f)
            }
            Self::Silence(after) => write!(f, "no answer within {} s", after.as_secs()),
            Self::Answer(answer) => write!(f, "the proxy answered CONNECT with {answer}"),
        }
    }
}

/// The addresses that were tried, and what kind of network they belong to.
fn places(at: &[SocketAddr], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some((first, more)) = at.split_first() else { return Ok(()) };
    write!(f, " at {}", first.ip())?;
    if !more.is_empty() {
        write!(f, " and {} more", more.len())?;
    }
    let mut classes: Vec<_> = at.iter().map(|address| class(address.ip())).collect();
    classes.sort_unstable();
    classes.dedup();
    write!(f, " ({})", classes.join(", "))
}

/// The kind of network that an address belongs to (RFC 6890).
fn class(address: IpAddr) -> &'static str {
    match address.to_canonical() {
        ip if ip.is_loopback() => "this machine",
        ip if ip.is_unspecified() => "no address",
        IpAddr::V4(ip) if ip.is_private() => "private network",
        IpAddr::V6(ip) if ip.is_unique_local() => "private network",
        IpAddr::V4(ip) if ip.is_link_local() => "link-local",
        IpAddr::V6(ip) if ip.is_unicast_link_local() => "link-local",
        IpAddr::V4(_) | IpAddr::V6(_) => "public network",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(way: Way, cause: Cause) -> (String, &'static str) {
        let target = Authority::new("api.anthropic.com", 443);
        let error = DialError::Unreached { target, way, cause };
        (error.to_string(), error.code())
    }

    fn refused(at: &[&str]) -> Cause {
        let at = at.iter().map(|text| text.parse().unwrap()).collect();
        Cause::Socket { at, source: io::ErrorKind::ConnectionRefused.into() }
    }

    #[test]
    fn the_provider_the_proxy_and_the_cause_are_named_each_as_what_it_is() {
        let proxy = |origin: &str| {
            Way::through(&UpstreamProxy::parse("http://127.0.0.1:3128").unwrap().named_by(origin))
        };
        let (said, code) = told(proxy("https_proxy"), refused(&["127.0.0.1:3128"]));
        let begin = "could not reach api.anthropic.com:443 through the proxy 127.0.0.1:3128 \
                     (from https_proxy): connection refused at 127.0.0.1 (this machine); next: start \
                     that proxy, or correct or unset https_proxy; ";
        assert!(said.starts_with(begin), "{said}");
        assert_eq!(code, "upstream_proxy_unreachable");
        let (said, code) =
            told(proxy("LANGLEY_UPSTREAM_PROXY"), Cause::Answer("403 Forbidden".into()));
        assert!(said.contains(": the proxy answered CONNECT with 403 Forbidden; next: check LANGLEY_UPSTREAM_PROXY"), "{said}");
        assert_eq!(code, "upstream_proxy_refused");
        let (said, code) = told(Way::Direct, Cause::Silence(Duration::from_secs(10)));
        assert!(said.starts_with("could not reach api.anthropic.com:443: no answer within 10 s; "));
        assert_eq!(code, "upstream_connect_timed_out");
    }

    #[test]
    fn addresses_are_told_with_their_kind() {
        for (at, expected) in [
            (&["10.1.2.3:443"][..], " at 10.1.2.3 (private network); "),
            (&["[fd00::1]:443"], " at fd00::1 (private network); "),
            (&["169.254.1.1:443"], " at 169.254.1.1 (link-local); "),
            (&["[::1]:443", "127.0.0.1:443"], " at ::1 and 1 more (this machine); "),
            (&["1.1.1.1:1", "127.0.0.1:1"], " and 1 more (public network, this machine); "),
        ] {
            let (said, code) = told(Way::Direct, refused(at));
            assert!(said.contains(expected), "{said}");
            assert_eq!(code, "upstream_unreachable");
        }
    }
}
