//! A small client of the running server's API: one request, one connection, a short patience.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::error::AppError;
use crate::state::reachable;
use crate::token::Token;

const PATIENCE: Duration = Duration::from_secs(5);
/// A command that reads waits no longer for what the server holds.
const FLUSH: Duration = Duration::from_secs(1);

/// Why the server did not answer as hoped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// No connection, or it broke.
    #[error("no answer from {address}: {cause}")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// What happened.
        cause: String,
    },
    /// It has not answered yet.
    #[error("no answer from {address} within {} s", after.as_secs())]
    Slow {
        /// Where.
        address: SocketAddr,
        /// How long was waited.
        after: Duration,
    },
    /// It said no.
    #[error("{path} answered {status}: {message}")]
    Refused {
        /// What was asked.
        path: String,
        /// The status.
        status: StatusCode,
        /// The server's own sentence.
        message: String,
        /// What it says to do.
        hint: Option<String>,
    },
}

impl ApiError {
    /// The command's error: what failed, why, and what the server says to do.
    pub(crate) fn told(&self, what: &str) -> AppError {
        let failed = AppError::failed(what).because(self);
        match self {
            Self::Refused { hint: Some(hint), .. } => failed.next(hint),
            Self::Refused { .. } | Self::Unreachable { .. } | Self::Slow { .. } => {
                failed.next("`langley doctor` looks at what is in the way")
            }
        }
    }
}

/// The API at one address.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    address: SocketAddr,
    token: Option<Token>,
}

impl Api {
    /// The API at `address`, asked with `token`.
    pub(crate) fn new(address: SocketAddr, token: Option<Token>) -> Self {
        Self { address: reachable(address), token }
    }

    /// Whether a Langley answers there.
    pub(crate) async fn is_healthy(&self) -> bool {
        self.call(Method::GET, "/api/health", None)
            .await
            .is_ok_and(|value| value["version"].is_string())
    }

    /// A new one-time link to the dashboard.
    ///
    /// # Errors
    /// No answer, or no permission.
    pub(crate) async fn link(&self) -> Result<String, ApiError> {
        let value = self.call(Method::POST, "/api/auth/link", None).await?;
        Ok(value["url"].as_str().unwrap_or_default().to_owned())
    }

    /// The JSON at `path`.
    ///
    /// # Errors
    /// No answer, a status other than success, or no JSON.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::GET, path, None).await
    }

    /// Sends `body` to `path`; the JSON that comes back.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// As [`Self::post`], for what may take its time.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn await_post(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        self.call_within(Duration::MAX, Method::POST, path, body).await
    }

    /// Asks the server to commit what it holds, for a second at most.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn flush(&self) -> Result<Value, ApiError> {
        self.call_within(FLUSH, Method::POST, "/api/db/flush", None).await
    }

    /// Deletes what `path` names; the JSON that comes back.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::DELETE, path, None).await
    }

    /// As [`Self::delete`], for what may take its time.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn await_delete(&self, path: &str) -> Result<Value, ApiError> {
        self.call_within(Duration::MAX, Method::DELETE, path, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        self.call_within(PATIENCE, method, path, body).await
    }

    async fn call_within(
        &self,
        patience: Duration,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let unreachable = |cause: String| ApiError::Unreachable { address: self.address, cause };
        let (status, body) = tokio::time::timeout(patience, self.exchange(method, path, body))
            .await
            .map_err(|_| ApiError::Slow { address: self.address, after: patience })?
            .map_err(|error| unreachable(error.to_string()))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        let message = value["error"]["message"].as_str().unwrap_or("no reason was given");
        let hint = value["error"]["hint"].as_str().map(str::to_owned);
        Err(ApiError::Refused { path: path.to_owned(), status, message: message.to_owned(), hint })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, self.address.to_string());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        let answer = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        driver.abort();
        Ok((status, body))
    }
}

/// A part of a path as a URL writes it (RFC 3986 §2.3).
pub(crate) fn segment(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_is_written_so_that_it_stays_one() {
        assert_eq!(segment("0b9f-x_y.z~"), "0b9f-x_y.z~");
        assert_eq!(segment("a/b?c é"), "a%2Fb%3Fc%20%C3%A9");
    }

    #[test]
    fn what_the_server_says_to_do_is_told() {
        let refused = |hint: Option<&str>| {
            let (path, message) = (String::from("/api/db/vacuum"), String::from("No room."));
            let (status, hint) = (StatusCode::SERVICE_UNAVAILABLE, hint.map(str::to_owned));
            ApiError::Refused { path, status, message, hint }.told("it was not done").to_string()
        };
        assert_eq!(
            refused(Some("Free disk space.")),
            "error: it was not done\n\
             why:   /api/db/vacuum answered 503 Service Unavailable: No room.\n\
             next:  Free disk space.\n"
        );
        assert!(refused(None).contains("next:  `langley doctor`"));
    }
}
