//! The dashboard's files, embedded in the binary and served from its read-only pages.
//!
//! Compressed copies are made when the dashboard is built, so that serving one costs no CPU and no
//! heap here.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// Answers every path that no door has: a file of the dashboard, its start page, or a JSON 404.
pub(crate) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return ApiError::no_such_route(path).into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        return ApiError::method_not_allowed(&method, path).into_response();
    }
    dashboard::answer(path.trim_start_matches('/'), &headers)
}

/// What a browser sees whose sign-in link does not work any more: the dashboard's own page, which knows
/// its address, so that it looks like the rest.
pub(crate) fn spent_link() -> Response {
    (StatusCode::UNAUTHORIZED, dashboard::spent_link()).into_response()
}

/// The encodings a browser takes, as far as we have copies.
#[cfg(any(feature = "dashboard", test))]
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = (&'static str, &'static str)> {
    let stated = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let stated = stated.unwrap_or_default().to_ascii_lowercase();
    [("br", ".br"), ("gzip", ".gz")].into_iter().filter(move |(name, _)| {
        stated.split(',').any(|entry| {
            let (coding, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let quality = parameters.trim().strip_prefix("q=").map(str::trim);
            let refused = quality.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
            coding.trim() == *name && !refused
        })
    })
}

#[cfg(feature = "dashboard")]
mod dashboard {
    //! Answers from the embedded files.

    use axum::body::Body;
    use rust_embed::{EmbeddedFile, RustEmbed};

    use super::{HeaderMap, HeaderValue, IntoResponse, Response, StatusCode, accepted, header};

    #[derive(RustEmbed)]
    #[folder = "../../web/dist"]
    struct Dist;

    const START: &str = "index.html";

    pub(super) fn spent_link() -> Response {
        let page = Dist::get(START).map(|file| file.data.into_owned()).unwrap_or_default();
        ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
    }

    pub(super) fn answer(path: &str, headers: &HeaderMap) -> Response {
        let hidden = path.split('/').any(|part| part.starts_with('.'));
        let found = if hidden || path.is_empty() { None } else { Dist::get(path) };
        if let Some(file) = found {
            return respond(path, file, headers);
        }
        // A path with an extension is a file that is missing; any other is a view of the page.
        let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        match Dist::get(START) {
            Some(file) if !is_file => respond(START, file, headers),
            _ => {
                (StatusCode::NOT_FOUND, "There is no such file in the dashboard.\n").into_response()
            }
        }
    }

    fn respond(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
        let (encoding, file) = accepted(headers)
            .find_map(|(name, suffix)| Some((Some(name), Dist::get(&format!("{path}{suffix}"))?)))
            .unwrap_or((None, file));
        let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..16]));
        // The bundler puts a hash of the content into every name under assets/.
        let caching = if path.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let known = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|known| known.to_str().ok())
            .is_some_and(|known| known.split(',').any(|known| known.trim() == tag));
        let mut answer = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let body = match file.data {
                std::borrow::Cow::Borrowed(data) => Body::from(data),
                std::borrow::Cow::Owned(data) => Body::from(data),
            };
            let kind = mime_guess::from_path(path).first_or_octet_stream();
            let kind = match kind.type_() {
                mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
                _ => kind.to_string(),
            };
            let mut answer = Response::new(body);
            if let Ok(kind) = HeaderValue::from_str(&kind) {
                answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            if let Some(encoding) = encoding {
                let encoding = HeaderValue::from_static(encoding);
                answer.headers_mut().insert(header::CONTENT_ENCODING, encoding);
            }
            answer
        };
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        answer
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(not(feature = "dashboard"))]
mod dashboard {
    //! What a build without the dashboard shows instead.

    use axum::response::Html;

    use super::{HeaderMap, HeaderValue, IntoResponse, Response, StatusCode, header};

    const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>Langley</title><h1>This Langley was built without its dashboard</h1>\
<p>The proxy, the recorder and the API (<code>/api/openapi.json</code>) work as usual.</p>\
<p>To have the dashboard, install Node 20.19 or newer and build again without \
<code>--no-default-features</code>: <code>cargo run --release</code>.</p></html>";

    const SPENT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>Langley</title><h1>This sign-in link does not work any more</h1>\
<p>A link works once, for ten minutes, and only while the Langley that made it runs.</p>\
<p>Run <code>langley</code> in a terminal for a new one.</p></html>";

    pub(super) fn spent_link() -> Html<&'static str> {
        Html(SPENT)
    }

    pub(super) fn answer(path: &str, _headers: &HeaderMap) -> Response {
        let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        if is_file {
            return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
        }
        ([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Html(PAGE))
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_counts_unless_it_is_refused() {
        let names = |value: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            accepted(&headers).map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names("gzip, deflate, br, zstd"), ["br", "gzip"]);
        assert_eq!(names("br;q=0, gzip;q=0.5"), ["gzip"]);
        assert!(names("identity").is_empty());
    }
}
