//! Reverse mode: an origin-form request finds its upstream by path, by `/to/<name>/…`, or, where the path
//! is no call of a model, by what else tells whose API it is for.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
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
    headers: &HeaderMap,
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
            match by_path.or(options.default.as_deref()) {
                Some(name) => name,
                None => guess(path, headers)?.as_str(),
            }
        }
    };
    let known = || options.upstreams.keys().cloned().collect::<Vec<_>>().join(", ");
    let (name, base) =
        find(name).ok_or_else(|| NoUpstream::Name { name: name.to_owned(), known: known() })?;
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Ok(Destination { name, base, target: format!("{}{slash}{rest}", base.prefix) })
}

/// Whose a path is that is no call of a model: the SDK that is pointed here for its calls sends files,
/// batches, vectors and the like here too. Credentials go to nobody by a path alone that many have.
fn guess(path: &str, headers: &HeaderMap) -> Result<Provider, NoUpstream> {
    if let Some((_, hint)) = Provider::of_mistaken_path(path) {
        return Err(NoUpstream::Mistaken { hint });
    }
    // A look at the base URL itself says nothing.
    if path == "/" {
        return Err(NoUpstream::Path);
    }
    let begins = |name: &str, with: &[u8]| {
        let value = headers.get(name).map(HeaderValue::as_bytes);
        value
            .and_then(|value| value.get(..with.len()))
            .is_some_and(|it| it.eq_ignore_ascii_case(with))
    };
    if headers.contains_key("anthropic-version") || begins("x-api-key", b"sk-ant-") {
        return Ok(Provider::Anthropic);
    }
    if headers.contains_key("x-goog-api-key") {
        return Ok(Provider::Gemini);
    }
    match Provider::of_resource(path) {
        Some(Provider::OpenAi) if !begins(AUTHORIZATION.as_str(), b"bearer ") => None,
        provider => provider,
    }
    .ok_or(NoUpstream::Path)
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

    fn chosen<'a>(
        options: &'a ReverseOptions,
        target: &str,
    ) -> Result<Destination<'a>, NoUpstream> {
        choose(options, target, &HeaderMap::new())
    }

    #[test]
    fn the_path_or_the_prefix_names_the_upstream() {
        let options = options();
        let found = chosen(&options, "/v1/messages?beta=true").unwrap();
        assert_eq!((found.name, found.target.as_str()), ("anthropic", "/v1/messages?beta=true"));
        let found = chosen(&options, "/to/mine/v1/chat?x=1").unwrap();
        assert_eq!((found.name, found.target.as_str()), ("mine", "/llm/v1/chat?x=1"));
        assert_eq!(chosen(&options, "/to/mine?x").unwrap().target, "/llm/?x");
    }

    #[test]
    fn other_paths_need_a_default() {
        let mut options = options();
        assert_eq!(chosen(&options, "/health"), Err(NoUpstream::Path));
        let told = |target| chosen(&options, target).unwrap_err().to_string();
        assert!(told("/chat/completions?x").contains("the base URL lacks /v1 at its end: add it"));
        assert!(told("/v1/v1/messages").contains("has /v1 twice"));
        assert!(told("/models/gemini-2.5-pro:generateContent").contains("add /v1beta"));
        options.default = Some("anthropic".into());
        assert_eq!(chosen(&options, "/health").unwrap().name, "anthropic");
        assert!(matches!(chosen(&options, "/to/none/x"), Err(NoUpstream::Name { .. })));
    }

    #[test]
    fn what_is_no_call_goes_where_its_sdk_sends_its_calls() {
        const ANTHROPIC: Option<(&str, &str)> = Some(("anthropic-version", "2023-06-01"));
        const BEARER: Option<(&str, &str)> = Some(("authorization", "Bearer sk-1"));
        const GOOGLE: Option<(&str, &str)> = Some(("x-goog-api-key", "AIza1"));
        let mut options = options();
        for (name, url) in [
            ("openai", "https://api.openai.com"),
            ("gemini", "https://generativelanguage.googleapis.com"),
        ] {
            options.upstreams.insert(name.to_owned(), BaseUrl::parse(url).unwrap());
        }
        let rows = [
            ("/v1/embeddings", BEARER, "openai"),
            ("/v1/moderations", BEARER, "openai"),
            ("/v1/completions", BEARER, "openai"),
            ("/v1/files?purpose=batch", BEARER, "openai"),
            ("/v1/images/generations", BEARER, "openai"),
            ("/v1/conversations/conv_1/items", BEARER, "openai"),
            ("/v1/batches", BEARER, "openai"),
            ("/v1/audio/transcriptions", BEARER, "openai"),
            ("/v1/vector_stores/vs_1/search", BEARER, "openai"),
            ("/v1/realtime?model=gpt-realtime", BEARER, "openai"),
            ("/v1/realtime/client_secrets", BEARER, "openai"),
            ("/v1/responses/resp_1/cancel", BEARER, "openai"),
            ("/v1/containers", BEARER, "openai"),
            ("/v1/fine_tuning/jobs", Some(("authorization", "bearer sk-1")), "openai"),
            ("/v1beta/files", None, "gemini"),
            ("/v1beta/cachedContents", GOOGLE, "gemini"),
            ("/upload/v1beta/files?key=k", None, "gemini"),
            ("/v1/files/f", GOOGLE, "gemini"),
            ("/v1/files", ANTHROPIC, "anthropic"),
            ("/v1/skills?beta=true", ANTHROPIC, "anthropic"),
            ("/v1/organizations/usage", Some(("x-api-key", "sk-ant-admin01-x")), "anthropic"),
            // A path that is a call stays one, and what is nobody's stays unsent.
            ("/v1/chat/completions", ANTHROPIC, "openai"),
            ("/v1/messages", BEARER, "anthropic"),
            ("/v1/embeddings", None, ""),
            ("/v1/embeddings", Some(("authorization", "Basic eDp5")), ""),
            ("/v1/files", Some(("x-api-key", "another")), ""),
            ("/v1/nothing", BEARER, ""),
            ("/health", BEARER, ""),
            ("/", ANTHROPIC, ""),
            // The base URL is mistaken, whoever asks.
            ("/v1/v1/messages", ANTHROPIC, ""),
            ("/v1/v1/files", BEARER, ""),
            ("/models/m:generateContent", GOOGLE, ""),
        ];
        let asked =
            |options: &ReverseOptions, target: &str, header: Option<(&'static str, &str)>| {
                let pair = |(name, value): (_, &str)| {
                    (http::HeaderName::from_static(name), value.parse().unwrap())
                };
                let headers = header.map(pair).into_iter().collect();
                choose(options, target, &headers).map_or("", |found| found.name).to_owned()
            };
        for (target, header, name) in rows {
            assert_eq!(asked(&options, target, header), name, "{target} {header:?}");
        }
        options.default = Some("mine".into());
        assert_eq!(asked(&options, "/v1/embeddings", BEARER), "mine", "it is no guess");
        assert_eq!(asked(&options, "/v1/files", ANTHROPIC), "mine");
        assert_eq!(asked(&options, "/v1/messages", ANTHROPIC), "anthropic");
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
