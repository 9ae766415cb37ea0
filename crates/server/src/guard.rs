//! What every request passes before it reaches a door, and what every answer carries.
//!
//! A page of another site must not reach a server on loopback: neither by a DNS name that points
//! here (Host), nor by a form, a fetch or a WebSocket from its own origin (Origin).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};

use crate::doors::Doors;
use crate::error::ApiError;

/// The `host:port` names under which the server answers.
#[derive(Clone, Debug)]
pub struct AllowedHosts {
    names: BTreeSet<String>,
}

impl AllowedHosts {
    /// The loopback names with the port of `address`, the address itself unless it is a wildcard,
    /// and `more`: names or `name:port`.
    #[must_use]
    pub fn new(address: SocketAddr, more: &[String]) -> Self {
        let port = address.port();
        let mut names = BTreeSet::new();
        let mut add = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            let has_port = name.rsplit_once(':').is_some_and(|(_, port)| {
                !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
            });
            if name.is_empty() {
                return;
            }
            if has_port {
                names.insert(name);
            } else {
                if port == 80 {
                    names.insert(name.clone());
                }
                names.insert(format!("{name}:{port}"));
            }
        };
        for name in ["127.0.0.1", "localhost", "[::1]"] {
            add(name);
        }
        if !address.ip().is_unspecified() {
            match address.ip() {
                IpAddr::V4(ip) => add(&ip.to_string()),
                IpAddr::V6(ip) => add(&format!("[{ip}]:{port}")),
            }
        }
        for name in more {
            add(name);
        }
        Self { names }
    }

    /// Whether `host`, as a Host header states it, is one of ours.
    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        self.names.contains(&host.to_ascii_lowercase())
    }

    fn contains_origin(&self, origin: &str) -> bool {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_some_and(|host| self.contains(host))
    }

    fn listed(&self) -> String {
        self.names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Checks the request's name for us; the name when it is allowed.
    fn host(&self, headers: &HeaderMap, uri: &Uri) -> Result<String, ApiError> {
        let refused = || ApiError::host_not_allowed(&self.listed());
        let mut stated = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (stated.next(), stated.next()) else { return Err(refused()) };
        let host = host.to_str().map_err(|_| refused())?;
        let target_agrees = uri.authority().is_none_or(|target| self.contains(target.as_str()));
        if target_agrees && self.contains(host) { Ok(host.to_owned()) } else { Err(refused()) }
    }
}

/// Whether a page of ours sent this, as far as a browser says: `None` when nothing is said.
pub(crate) fn stated_origin(headers: &HeaderMap, hosts: &AllowedHosts) -> Option<bool> {
    if let Some(origin) = headers.get(header::ORIGIN) {
        return Some(origin.to_str().is_ok_and(|origin| hosts.contains_origin(origin)));
    }
    let site = headers.get("sec-fetch-site")?;
    Some(site == "same-origin")
}

/// Whether a request may change something or opens a lasting channel.
pub(crate) fn needs_origin(method: &Method, headers: &HeaderMap) -> bool {
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    !safe || headers.contains_key(header::UPGRADE)
}

/// The outermost layer: Host, Origin, panics, and the headers of every answer.
pub(crate) async fn watch(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    let hosts = doors.allowed_hosts();
    let host = match hosts.host(request.headers(), request.uri()) {
        Ok(host) => host,
        Err(refusal) => return secured(refusal.into_response(), None, true),
    };
    let api = !is_asset(request.uri().path());
    let answer = if needs_origin(request.method(), request.headers())
        && stated_origin(request.headers(), hosts) == Some(false)
    {
        ApiError::origin_not_allowed().into_response()
    } else {
        AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|panic| {
            ApiError::internal(format_args!("a handler panicked: {}", reason(&*panic)))
                .into_response()
        })
    };
    secured(answer, Some(&host), api)
}

fn is_asset(path: &str) -> bool {
    !(path.starts_with("/api/") || path == "/auth" || path == "/metrics" || path == "/ws")
}

fn reason(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

fn secured(mut answer: Response, host: Option<&str>, api: bool) -> Response {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = answer.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(host)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

/// `host` has been checked against the allow-list, so it cannot smuggle a directive in.
fn content_security_policy(host: Option<&str>) -> String {
    let live = host.map(|host| format!(" ws://{host}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'{live}; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> AllowedHosts {
        AllowedHosts::new(
            "127.0.0.1:9091".parse().unwrap(),
            &["langley.test".into(), "Box:80".into()],
        )
    }

    #[test]
    fn loopback_names_count_only_with_the_port() {
        let hosts = hosts();
        for ours in
            ["127.0.0.1:9091", "LOCALHOST:9091", "[::1]:9091", "langley.test:9091", "box:80"]
        {
            assert!(hosts.contains(ours), "{ours}");
        }
        for theirs in ["localhost", "127.0.0.1:9092", "evil.example:9091", "", "localhost:9091."] {
            assert!(!hosts.contains(theirs), "{theirs}");
        }
    }

    #[test]
    fn a_wildcard_address_is_not_a_name() {
        let hosts = AllowedHosts::new("0.0.0.0:9091".parse().unwrap(), &[]);
        assert!(!hosts.contains("0.0.0.0:9091"));
        assert!(hosts.contains("localhost:9091"));
    }

    #[test]
    fn an_origin_is_ours_or_it_is_not() {
        let hosts = hosts();
        assert!(hosts.contains_origin("http://localhost:9091"));
        for theirs in
            ["null", "http://evil.example", "http://localhost:9091.evil.example", "file://"]
        {
            assert!(!hosts.contains_origin(theirs), "{theirs}");
        }
    }

    #[test]
    fn a_request_with_two_hosts_or_none_is_refused() {
        let hosts = hosts();
        let uri = Uri::from_static("/api/health");
        let mut headers = HeaderMap::new();
        assert!(hosts.host(&headers, &uri).is_err());
        headers.append(header::HOST, HeaderValue::from_static("localhost:9091"));
        assert!(hosts.host(&headers, &uri).is_ok());
        assert!(hosts.host(&headers, &Uri::from_static("http://evil.example/")).is_err());
        headers.append(header::HOST, HeaderValue::from_static("localhost:9091"));
        assert!(hosts.host(&headers, &uri).is_err());
    }
}
