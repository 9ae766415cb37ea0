//! Kinds of values: what each accepts, from YAML as well as from text, and what it says otherwise.

use hyper::Uri;
use langley_model::MicroUsd;
use langley_proxy::{Fingerprint, HostList, HostRule, NoProxy, TlsProvider, UpstreamProxy};
use serde_json::{Value, json};

use super::key::is_name;
use super::prices;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds.
    Count {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A size; `64 MiB` as well as 67108864.
    Bytes {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A port, 0 to 65535.
    Port,
    /// An address or host name to listen on.
    Host,
    /// An upstream's name.
    Name,
    /// A path to a file.
    File,
    /// A path to a folder.
    Folder,
    /// Paths to folders.
    Folders,
    /// `http(s)://host[:port][/path]`.
    BaseUrl,
    /// `http://[user:password@]host:port`, or `none`.
    ProxyUrl,
    /// A comma list of hosts and ranges.
    NoProxy,
    /// How TLS towards providers is spoken.
    TlsProvider,
    /// A TLS hello by name.
    Fingerprint,
    /// How TLS is spoken by host.
    TlsHosts,
    /// Host patterns; a leading `+` adds.
    Hosts,
    /// Host names without patterns.
    ExactHosts,
    /// Header names.
    HeaderNames,
    /// Regular expressions.
    Patterns,
    /// An amount of US dollars, more than nothing.
    Dollars,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
    /// Prices of models.
    Prices,
}

/// The value beneath, which a `+` list adds to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base<'a> {
    pub(crate) value: &'a Value,
}

impl Kind {
    /// The value in its settled form.
    ///
    /// # Errors
    /// A sentence that names what is accepted.
    pub(crate) fn accept(self, value: &Value, base: Option<Base<'_>>) -> Result<Value, String> {
        let refuse = || Err(format!("{} is not {}", shown(value), self.accepted()));
        match self {
            Self::Switch => switch(value).map_or_else(refuse, |on| Ok(json!(on))),
            Self::Count { min, max } => number(value)
                .filter(|n| (min..=max).contains(n))
                .map_or_else(refuse, |n| Ok(json!(n))),
            Self::Bytes { min, max } => number(value)
                .or_else(|| value.as_str().and_then(size))
                .filter(|n| (min..=max).contains(n))
                .map_or_else(refuse, |n| Ok(json!(n))),
            Self::Port => {
                number(value).filter(|n| *n <= 65_535).map_or_else(refuse, |n| Ok(json!(n)))
            }
            Self::Host => text(value).filter(|t| is_host(t)).map_or_else(refuse, |t| Ok(json!(t))),
            Self::File | Self::Folder => text(value).map_or_else(refuse, |t| Ok(json!(t))),
            Self::Folders => match strings(value) {
                Some(paths) if paths.iter().all(|path| !path.trim().is_empty()) => Ok(json!(paths)),
                _ => refuse(),
            },
            Self::NoProxy => match strings(value).map(|items| items.join(",")) {
                Some(list) => match NoProxy::parse(&list) {
                    Ok(_) => Ok(json!(list)),
                    Err(error) => Err(error.to_string()),
                },
                None => refuse(),
            },
            Self::Name => text(value).filter(|t| is_name(t)).map_or_else(refuse, |t| Ok(json!(t))),
            Self::BaseUrl => match text(value) {
                Some(t) if is_base_url(&t) => Ok(json!(t.trim_end_matches('/'))),
                Some(t) => other_scheme(&t, &["http", "https"]).map_or_else(refuse, |scheme| {
                    let accepted = self.accepted();
                    Err(format!(
                        "Langley reaches providers by https:// or http://, not by {scheme}; it takes {accepted}"
                    ))
                }),
                None => refuse(),
            },
            Self::ProxyUrl => match text(value) {
                Some(t) if t.eq_ignore_ascii_case("none") => Ok(json!("none")),
                Some(t) if is_proxy_url(&t) => Ok(json!(t)),
                // Of the URL nothing but its scheme is repeated: it may hold a password.
                Some(t) => Err(match other_scheme(&t, &["http"]) {
                    Some(scheme) => format!(
                        "Langley reaches a proxy by http://, not by {scheme}; it takes {}",
                        self.accepted()
                    ),
                    None => format!("the value is not {}", self.accepted()),
                }),
                None => Err(format!("the value is not {}", self.accepted())),
            },
            Self::Text => text(value).map_or_else(refuse, |t| Ok(json!(t))),
            Self::Dollars => text(value)
                .filter(|t| MicroUsd::of_decimal(t).is_some_and(|amount| amount.0 > 0))
                .map_or_else(refuse, |t| Ok(json!(t))),
            Self::OneOf(words) => text(value)
                .filter(|t| words.contains(&t.as_str()))
                .map_or_else(refuse, |t| Ok(json!(t))),
            Self::TlsProvider => text(value)
                .and_then(|word| TlsProvider::parse(&word))
                .map_or_else(refuse, |provider| Ok(json!(provider.as_str()))),
            Self::Fingerprint => text(value)
                .and_then(|word| Fingerprint::parse(&word))
                .map_or_else(refuse, |fingerprint| Ok(json!(fingerprint.as_str()))),
            Self::TlsHosts => {
                let Some(items) = strings(value) else { return refuse() };
                let rules: Result<Vec<HostRule>, _> =
                    items.iter().map(|item| item.parse()).collect();
                match rules {
                    Ok(rules) => {
                        Ok(json!(rules.iter().map(ToString::to_string).collect::<Vec<_>>()))
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
            Self::Hosts => {
                let Some(mut items) = strings(value) else { return refuse() };
                let adds = self.adds(value);
                for item in &mut items {
                    if let Some(bare) = item.strip_prefix('+') {
                        if !adds {
                            return Err(format!(
                                "`{item}`: a `+` belongs before the first host only, and then the whole list is added"
                            ));
                        }
                        *item = bare.trim().to_owned();
                    }
                }
                items.retain(|item| !item.is_empty());
                HostList::parse(&items).map_err(|error| error.to_string())?;
                let mut all = match base {
                    Some(base) if adds => strings(base.value).unwrap_or_default(),
                    _ => Vec::new(),
                };
                for item in items {
                    if !all.contains(&item) {
                        all.push(item);
                    }
                }
                Ok(json!(all))
            }
            Self::ExactHosts => match strings(value) {
                Some(hosts) if hosts.iter().all(|host| is_host(host)) => Ok(json!(
                    hosts.iter().map(|host| host.to_ascii_lowercase()).collect::<Vec<_>>()
                )),
                _ => refuse(),
            },
            Self::HeaderNames => match strings(value) {
                Some(names) if names.iter().all(|name| is_header_name(name)) => Ok(json!(names)),
                _ => refuse(),
            },
            Self::Patterns => {
                let Some(patterns) = strings(value) else { return refuse() };
                match patterns.iter().find(|pattern| regex::Regex::new(pattern).is_err()) {
                    Some(bad) => Err(format!("`{bad}` is not a regular expression")),
                    None => Ok(json!(patterns)),
                }
            }
            Self::Prices => prices::accept(value),
        }
    }

    /// Whether `value` asks to be added to the list beneath.
    pub(crate) fn adds(self, value: &Value) -> bool {
        self == Self::Hosts
            && match value {
                Value::String(text) => text.trim_start().starts_with('+'),
                Value::Array(items) => items
                    .first()
                    .and_then(Value::as_str)
                    .is_some_and(|first| first.trim_start().starts_with('+')),
                _ => false,
            }
    }

    /// What is accepted, to follow "is not".
    pub(crate) fn accepted(self) -> String {
        match self {
            Self::Switch => "true or false".into(),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Bytes { min, max } => format!(
                "a size from {} to {}, in bytes or as in `64 MiB`",
                bytes_text(min),
                bytes_text(max)
            ),
            Self::Port => "a port from 0 to 65535".into(),
            Self::Host => "an IP address or host name".into(),
            Self::Name => "a name of lower-case letters, digits, - and _".into(),
            Self::File => "a path to a file".into(),
            Self::Folder => "a path to a folder".into(),
            Self::Folders => "a list of paths to folders".into(),
            Self::BaseUrl => "a URL as in `https://host[:port][/path]`".into(),
            Self::ProxyUrl => {
                "a proxy's URL as in `http://[user:password@]host:port`, or `none`".into()
            }
            Self::NoProxy => "a comma list of hosts, addresses and ranges".into(),
            Self::TlsProvider => "native, mirror or mirror-strict".into(),
            Self::Fingerprint => "chrome, electron, bun or node".into(),
            Self::TlsHosts => {
                "a list of rules as in `*.example.com=mirror` or `api.example.com=chrome`".into()
            }
            Self::Hosts => {
                "a list of host names, where a label may be `*`, as in `*.example.com`".into()
            }
            Self::ExactHosts => "a list of exact host names, without `*`".into(),
            Self::HeaderNames => "a list of header names".into(),
            Self::Patterns => "a list of regular expressions".into(),
            Self::Dollars => "an amount of US dollars above 0, as in `5` or `0.50`".into(),
            Self::OneOf(words) => words.join(" or "),
            Self::Text => "a word".into(),
            Self::Prices => {
                "a list of `model_pattern` and prices, as in [pricing.md](pricing.md#your-own-prices)".into()
            }
        }
    }
}

/// `bytes` in the largest unit that divides it.
pub(crate) fn bytes_text(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    UNITS
        .iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(|| format!("{bytes}"), |(unit, name)| format!("{} {name}", bytes / unit))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a section".into(),
        other => format!("`{other}`"),
    }
}

fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(
            text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
        ),
        Value::Array(items) => items.iter().map(text).collect(),
        _ => None,
    }
}

fn is_host(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse::<std::net::IpAddr>().is_ok()
        || (text.len() <= 253
            && text.split('.').all(|label| {
                !label.is_empty()
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            }))
}

fn is_header_name(text: &str) -> bool {
    hyper::header::HeaderName::from_bytes(text.as_bytes()).is_ok()
}

fn is_base_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.query().is_none()
        && !authority.contains('@')
}

/// Whether it names a proxy; a single word is more likely a mistake than a host with port 80.
fn is_proxy_url(text: &str) -> bool {
    let has_port = || {
        let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
        let port = host.trim_end_matches('/').rsplit_once(':').map(|(_, port)| port);
        port.is_some_and(|port| port.parse::<u16>().is_ok())
    };
    UpstreamProxy::parse(text).is_ok() && (text.contains("://") || has_port())
}

/// The scheme of a URL, where it is none of `known`.
fn other_scheme(text: &str, known: &[&str]) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_known = known.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_scheme && !is_known).then(|| format!("{}://", scheme.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_yaml_give_the_same_value() {
        let port = |value: Value| Kind::Port.accept(&value, None);
        assert_eq!(port(json!("9090")), Ok(json!(9090)));
        assert_eq!(port(json!(9090)), Ok(json!(9090)));
        assert_eq!(port(json!(65536)), Err("`65536` is not a port from 0 to 65535".into()));
        let size = Kind::Bytes { min: 0, max: 1 << 30 };
        assert_eq!(size.accept(&json!("2 MiB"), None), Ok(json!(2 << 20)));
        assert_eq!(
            size.accept(&json!("2 parsecs"), None),
            Err("`2 parsecs` is not a size from 0 to 1 GiB, in bytes or as in `64 MiB`".into())
        );
    }

    #[test]
    fn a_host_pattern_may_not_swallow_the_world() {
        let hosts = |text: &str| Kind::Hosts.accept(&json!([text]), None).is_ok();
        assert!(hosts("*.example.com") && hosts("bedrock-runtime.*.amazonaws.com"));
        assert!(hosts("127.0.0.1") && hosts("::1"));
        assert!(!hosts("*") && !hosts("exa mple") && !hosts("https://a.example"));
    }

    #[test]
    fn a_check_is_switched_off_for_named_hosts_alone() {
        let hosts = |value: Value| Kind::ExactHosts.accept(&value, None);
        assert_eq!(hosts(json!("Lab.example, ::1")), Ok(json!(["lab.example", "::1"])));
        for doubtful in ["*", "*.example", "+lab.example", "https://lab.example", "a b"] {
            assert!(hosts(json!([doubtful])).is_err(), "{doubtful}");
        }
    }

    #[test]
    fn whose_hello_is_sent_is_said_in_known_words() {
        let provider = |text: &str| Kind::TlsProvider.accept(&json!(text), None);
        assert_eq!(provider("utls"), Ok(json!("mirror")));
        assert_eq!(provider("mirror-strict"), Ok(json!("mirror-strict")));
        let said = "`boring` is not native, mirror or mirror-strict";
        assert_eq!(provider("boring"), Err(said.into()));
        assert_eq!(Kind::Fingerprint.accept(&json!("bun"), None), Ok(json!("bun")));
        assert!(Kind::Fingerprint.accept(&json!("safari"), None).is_err());
        let hosts = |text: &str| Kind::TlsHosts.accept(&json!(text), None);
        let rules = ["api.x.ai=native", "*.example.com=mirror:chrome"];
        assert_eq!(hosts("api.x.ai=native, *.Example.com=chrome"), Ok(json!(rules)));
        assert!(hosts("api.x.ai=boring").is_err_and(|why| why.contains("HOST=mirror")));
        assert!(hosts("*=mirror").is_err_and(|why| why.contains("host pattern")));
    }

    #[test]
    fn a_proxy_url_may_leave_its_scheme_out() {
        let proxy = |text: &str| Kind::ProxyUrl.accept(&json!(text), None);
        assert_eq!(proxy("corp:3128"), Ok(json!("corp:3128")));
        assert_eq!(proxy("NONE"), Ok(json!("none")));
        assert!(proxy("http://corp").is_ok() && proxy("me:pw@[::1]:3128/").is_ok());
        for wrong in ["bogus", "me:1@bogus", "http://", "corp:port"] {
            assert!(proxy(wrong).is_err_and(|why| why.starts_with("the value is not")), "{wrong}");
        }
    }

    #[test]
    fn a_scheme_that_is_not_spoken_is_named_and_nothing_else_of_a_proxys_url() {
        let proxy = Kind::ProxyUrl.accept(&json!("SOCKS5://me:secret@corp:1080"), None);
        insta::assert_snapshot!(proxy.unwrap_err(), @"Langley reaches a proxy by http://, not by socks5://; it takes a proxy's URL as in `http://[user:password@]host:port`, or `none`");
        let base = |text: &str| Kind::BaseUrl.accept(&json!(text), None).unwrap_err();
        insta::assert_snapshot!(base("ftp://x:1"), @"Langley reaches providers by https:// or http://, not by ftp://; it takes a URL as in `https://host[:port][/path]`");
        insta::assert_snapshot!(base("a.example/v1"), @"`a.example/v1` is not a URL as in `https://host[:port][/path]`");
    }
}
