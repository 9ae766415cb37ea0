//! Langley's own answers: a sentence a person can act on, in the shape the agent expects.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use langley_model::{Barred, Ending, Provider};

use crate::authority::Authority;
use crate::body::TapBody;
use crate::broken::told;
use crate::dial_error::DialError;
use crate::limits::Limits;
use crate::upstream_tls::UpstreamTlsError;

/// An answer that Langley gives instead of the provider.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// A word for programs, sent as `x-langley-error`.
    pub(crate) code: &'static str,
    /// What, why, next.
    pub(crate) message: String,
    /// How the flow ends that is answered so.
    pub(crate) ending: Ending,
}

impl From<DialError> for Refusal {
    fn from(error: DialError) -> Self {
        let refusal = Self::new(StatusCode::BAD_GATEWAY, error.code(), error.to_string());
        match error {
            DialError::Loop { .. } => refusal,
            DialError::Unreached { .. } => refusal.unreached(error.is_timeout()),
        }
    }
}

impl From<UpstreamTlsError> for Refusal {
    fn from(error: UpstreamTlsError) -> Self {
        let refusal = Self::new(StatusCode::BAD_GATEWAY, error.code(), error.to_string());
        if error.is_our_own() { refusal } else { refusal.unreached(error.is_timeout()) }
    }
}

impl From<Barred> for Refusal {
    fn from(barred: Barred) -> Self {
        let status = StatusCode::from_u16(barred.status).unwrap_or(StatusCode::FORBIDDEN);
        Self::new(status, barred.code, barred.message)
    }
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = format!("Langley: {}", message.into());
        Self { status, code, message, ending: Ending::Refused }
    }

    /// The provider cannot be reached: a 504 when a time limit passed, else a 502.
    fn unreached(self, timed_out: bool) -> Self {
        if timed_out {
            self.overdue()
        } else {
            Self { status: StatusCode::BAD_GATEWAY, ending: Ending::Unreached, ..self }
        }
    }

    /// The same answer, given because a time limit passed.
    pub(crate) fn overdue(self) -> Self {
        Self { status: StatusCode::GATEWAY_TIMEOUT, ending: Ending::TimedOut, ..self }
    }

    /// The answer when the provider was reached and does not keep to the protocol.
    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_GATEWAY, "upstream_protocol_error", message);
        Self { ending: Ending::UpstreamGone, ..refusal }
    }

    /// The answer to `HEAD /`, by which agents look whether their base URL is there: it is, and no more
    /// than that is known while no provider is the default.
    pub(crate) fn probe() -> Self {
        let message = "answered this look at the base URL itself: it is there, and which provider is \
                       behind it shows with the first call; proxy.reverse.default would pass it on";
        let refusal = Self::new(StatusCode::NO_CONTENT, "probe", message);
        Self { ending: Ending::Whole, ..refusal }
    }

    /// The answer to a head of too many lines.
    pub(crate) fn too_many_headers(limits: &Limits) -> Self {
        let most = limits.header_count;
        let message = format!(
            "the request has more than {most} header lines; send fewer, or raise \
             proxy.limits.header_count"
        );
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers", message)
    }

    /// Whether something went wrong.
    pub(crate) fn is_fault(&self) -> bool {
        self.ending != Ending::Whole
    }

    /// The answer when `target` was reached and is no HTTP server.
    pub(crate) fn no_http(target: &Authority, error: &hyper::Error) -> Self {
        Self::protocol(format!("{target} does not speak HTTP as expected ({})", told(error)))
    }

    /// The JSON body in the shape of the provider whose API `path` belongs to; none where nothing is wrong.
    pub(crate) fn body(&self, host: &str, path: &str) -> String {
        if !self.is_fault() {
            return String::new();
        }
        let path = path.split('?').next().unwrap_or(path);
        let meant = || Provider::of_mistaken_path(path).map(|(provider, _)| provider);
        let provider = Provider::of_path(path).or_else(meant).unwrap_or_else(|| {
            if host.contains("openai") {
                Provider::OpenAi
            } else if host.contains("googleapis") {
                Provider::Gemini
            } else if host.contains("amazonaws") {
                Provider::Bedrock
            } else {
                Provider::Anthropic
            }
        });
        provider.error_body(self.status.as_u16(), &self.message)
    }

    /// The whole answer.
    pub(crate) fn response(&self, host: &str, path: &str) -> Response<TapBody> {
        let mut response = Response::new(TapBody::own(self.body(host, path)));
        *response.status_mut() = self.status;
        if !self.is_fault() {
            return response;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-langley-error", HeaderValue::from_static(self.code));
        if self.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let basic = HeaderValue::from_static("Basic realm=\"Langley\"");
            headers.insert(http::header::PROXY_AUTHENTICATE, basic);
        }
        response
    }

    /// The whole answer to what was no request for a provider, as raw HTTP/1.1.
    pub(crate) fn raw(&self, host: &str, path: &str) -> String {
        let body = self.body(host, path);
        let extra = if self.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            "Proxy-Authenticate: Basic realm=\"Langley\"\r\n"
        } else {
            ""
        };
        format!(
            "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             x-langley-error: {}\r\n{extra}Connection: close\r\n\r\n{body}",
            self.status.as_u16(),
            self.status.canonical_reason().unwrap_or("Error"),
            body.len(),
            self.code,
        )
    }
}
