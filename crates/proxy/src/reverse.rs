//! Reverse mode: an origin-form request finds its upstream by path, or by `/to/<name>/…`.

use std::fmt;

use langley_model::Provider;

use crate::authority::Authority;
use crate::options::ReverseOptions;

/// An upstream's base URL: scheme, authority, and a path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    tls: bool,
    authority: Authority,
    prefix: String,
}

/// A base URL that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a base URL: {why}; write it as https://host[:port][/path]")]
pub struct BaseUrlError {
    url: String,
    why: &'static str,
}

impl BaseUrl {
    /// Parses `http(s)://host[:port][/prefix]`.
    ///
    /// # Errors
    /// No or another scheme, no host, or a query.
    pub fn parse(url: &str) -> Result<Self, BaseUrlError> {
        let fail = |why| BaseUrlError { url: url.to_owned(), why };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| fail("it has no scheme"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(fail("its scheme is neither http nor https")),
        };
        if rest.contains(['?', '#']) {
            return Err(fail("it has a query or fragment"));
        }
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = Authority::parse(authority, Some(if tls { 443 } else { 80 }))
            .ok_or_else(|| fail("its host or port is not usable"))?;
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        Ok(Self { tls, authority, prefix })
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls
    }

    /// Host and port.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)
    }
}

/// Where a request goes in reverse mode.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Destination<'a> {
    pub(crate) name: &'a str,
    pub(crate) base: &'a BaseUrl,
    /// Path and query to send.
    pub(crate) target: String,
}

/// Chooses the upstream of `target` (path and query).
pub(crate) fn choose<'a>(
    options: &'a ReverseOptions,
    target: &str,
) -> Result<Destination<'a>, NoUpstream> {
    let find = |name: &str| options.upstreams.get_key_value(name);
    let prefixed = target.strip_prefix("/to/");
    let (named, rest) = match prefixed {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, target),
    };
    let name = match named {
        Some(name) => name,
        None => {
            let path = target.split('?').next().unwrap_or(target);
            let by_path = Provider::of_path(path).map(Provider::as_str);
            by_path.or(options.default.as_deref()).ok_or_else(|| NoUpstream::of(path))?
        }
    };
    let known = || options.upstreams.keys().cloned().collect::<Vec<_>>().join(", ");
    let (name, base) =
        find(name).ok_or_else(|| NoUpstream::Name { name: name.to_owned(), known: known() })?;
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Ok(Destination { name, base, target: format!("{}{slash}{rest}", base.prefix) })
}

impl NoUpstream {
    fn of(path: &str) -> Self {
        Provider::of_mistaken_path(path).map_or(Self::Path, |(_, hint)| Self::Mistaken { hint })
    }
}

/// Why no upstream was found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoUpstream {
    #[error(
        "this path belongs to no provider's API, and proxy.reverse.default is not set; send it to \
         /to/<upstream>/… or set LANGLEY_REVERSE_DEFAULT to the upstream for such paths"
    )]
    Path,
    #[error("this path belongs to no provider's API; {hint}")]
    Mistaken { hint: &'static str },
    #[error(
        "there is no upstream named `{name}` (there are: {known}); set \
         proxy.reverse.upstreams.{name}.base_url"
    )]
    Name { name: String, known: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ReverseOptions {
        let url = |url| BaseUrl::parse(url).unwrap();
        ReverseOptions {
            upstreams: [
                ("anthropic".to_owned(), url("https://api.anthropic.com")),
                ("mine".to_owned(), url("http://127.0.0.1:8080/llm/")),
            ]
            .into(),
            default: None,
        }
    }

    #[test]
    fn the_path_or_the_prefix_names_the_upstream() {
        let options = options();
        let chosen = choose(&options, "/v1/messages?beta=true").unwrap();
        assert_eq!((chosen.name, chosen.target.as_str()), ("anthropic", "/v1/messages?beta=true"));
        let chosen = choose(&options, "/to/mine/v1/chat?x=1").unwrap();
        assert_eq!((chosen.name, chosen.target.as_str()), ("mine", "/llm/v1/chat?x=1"));
        assert_eq!(choose(&options, "/to/mine?x").unwrap().target, "/llm/?x");
    }

    #[test]
    fn other_paths_need_a_default() {
        let mut options = options();
        assert_eq!(choose(&options, "/health"), Err(NoUpstream::Path));
        let told = |target| choose(&options, target).unwrap_err().to_string();
        assert!(told("/chat/completions?x").contains("the base URL lacks /v1 at its end: add it"));
        assert!(told("/v1/v1/messages").contains("has /v1 twice"));
        options.default = Some("anthropic".into());
        assert_eq!(choose(&options, "/health").unwrap().name, "anthropic");
        assert!(matches!(choose(&options, "/to/none/x"), Err(NoUpstream::Name { .. })));
    }

    #[test]
    fn base_urls_are_checked() {
        for url in ["api.x", "ftp://x", "https://", "https://x?y", "https://x:0"] {
            assert!(BaseUrl::parse(url).is_err(), "{url}");
        }
        let url = BaseUrl::parse("https://[::1]:8443/a/b/").unwrap();
        assert_eq!(url.to_string(), "https://[::1]:8443/a/b");
    }
}
