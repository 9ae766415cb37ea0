//! The one error of every door: what the caller may read, and apart from it what only the log may.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use langley_engine::ImportError;
use langley_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal or failure on its way to the caller.
///
/// The internal text goes to the log and never into the answer.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    hint: Cow<'static, str>,
    internal: Option<String>,
}

/// What every failed call answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// What went wrong, for programs and for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// A stable word for programs.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl ApiError {
    fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, message: message.into(), hint: hint.into(), internal: None }
    }

    /// 400: a query parameter that no part of this call knows.
    pub(crate) fn unknown_parameter(name: &str, accepted: &[&str]) -> Self {
        let accepted = if accepted.is_empty() {
            String::from("This call takes no parameters.")
        } else {
            format!("Accepted parameters: {}.", accepted.join(", "))
        };
        let message = format!("The query parameter `{}` is not known here.", shorten(name));
        Self::new(StatusCode::BAD_REQUEST, "unknown_parameter", message, accepted)
    }

    /// 400: a query parameter with a value that cannot be used.
    pub(crate) fn bad_parameter(name: &str, value: &str, accepted: impl AsRef<str>) -> Self {
        let message =
            format!("The query parameter `{name}` cannot be `{value}`.", value = shorten(value));
        let hint = format!("Accepted: {}.", accepted.as_ref());
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", message, hint)
    }

    /// 400: a required query parameter is absent.
    pub(crate) fn missing_parameter(name: &str, what: &str) -> Self {
        let message = format!("The query parameter `{name}` is missing.");
        Self::new(StatusCode::BAD_REQUEST, "missing_parameter", message, what.to_owned())
    }

    /// 400: settings that cannot be used; none was changed.
    pub(crate) fn bad_settings(why: String) -> Self {
        let hint =
            "Nothing was changed. Send a JSON object of keys and values; null takes a key out.";
        Self::new(StatusCode::BAD_REQUEST, "bad_settings", why, hint)
    }

    /// 400: an origin that the proxy does not take.
    pub(crate) fn bad_probe(why: String) -> Self {
        let hint = "Send {\"address\": \"127.0.0.1:PORT\", \"ca_pem\": \"…\"}; `langley doctor --fidelity` does.";
        Self::new(StatusCode::BAD_REQUEST, "bad_probe", why, hint)
    }

    /// 400: transcripts that cannot be brought in.
    pub(crate) fn bad_import(why: String) -> Self {
        let hint = "Send {\"paths\": [\"/home/me/.claude/projects\"]}, or nothing for the folders that are followed.";
        Self::new(StatusCode::BAD_REQUEST, "bad_import", why, hint)
    }

    /// 401: no credential, or one that does not open this door.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "This call needs the token or a signed-in browser.",
            "Send `Authorization: Bearer TOKEN` (`langley token show` prints it), or run `langley` for a sign-in link.",
        )
    }

    /// 403: the request came under a name that is not ours (DNS rebinding).
    pub(crate) fn host_not_allowed(allowed: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "host_not_allowed",
            "The request's Host is not one that this server answers to.",
            format!("Use one of: {allowed}."),
        )
    }

    /// 403: another site's page asked.
    pub(crate) fn origin_not_allowed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "The request came from a page of another site.",
            "Open the dashboard itself, or send the token without an Origin header.",
        )
    }

    /// 404: no such flow.
    pub(crate) fn no_such_flow(id: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no flow {id}."),
            "It may have been deleted; list flows at /api/flows.",
        )
    }

    /// 404: no flow is of that session.
    pub(crate) fn no_such_session(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no flow of a session {}.", shorten(id)),
            "It may have been deleted; a flow's `session_id` names its session.",
        )
    }

    /// 404: no transcript tells of that session.
    pub(crate) fn no_such_conversation(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("No transcript tells of a session {}.", shorten(id)),
            "`GET /api/conversations` lists those that are known; `langley import` brings in what is new.",
        )
    }

    /// 400: a conversation is to be deleted, but not said whose.
    pub(crate) fn whose_conversation() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_parameter",
            "The query parameter `conversation` deletes the conversation of a session, and no `session` is given.",
            "Say which with `session`, or leave `conversation` out.",
        )
    }

    /// 404: no flow is of that task.
    pub(crate) fn no_such_task(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no flow of a task {}.", shorten(id)),
            "It may have been deleted; a flow's `task_id` names its task.",
        )
    }

    /// 404: no finding has that number.
    pub(crate) fn no_such_finding(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no finding {}.", shorten(id)),
            "Findings go with the last flow that shows them; `GET /api/findings` lists those that are there.",
        )
    }

    /// 400: a body where only the query is read.
    pub(crate) fn unexpected_body(accepted: &[&str]) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "unexpected_body",
            "This call reads no body, and one was sent; nothing was done.",
            format!("Put parameters into the query: {}.", accepted.join(", ")),
        )
    }

    /// 404: no call of a tool of that name is known.
    pub(crate) fn no_such_tool(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("No call of a tool {} is known.", shorten(name)),
            "`GET /api/tools` lists those that were called.",
        )
    }

    /// 404: no call of a tool has that id.
    pub(crate) fn no_such_invocation(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no tool call {}.", shorten(id)),
            "It may have been deleted; list calls at /api/tools/{name}/invocations.",
        )
    }

    /// 404: a flow of which no request was kept.
    pub(crate) fn no_request(id: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_request",
            format!("No request of flow {id} was kept."),
            "It had no body, or its host is one whose bodies are not kept.",
        )
    }

    /// 404: the path holds something that cannot be a flow's id.
    pub(crate) fn not_an_id(text: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no flow {}.", shorten(text)),
            "A flow id looks like 0190f0c4-7e2a-7000-8000-000000000000; list them at /api/flows.",
        )
    }

    /// 404: no such route.
    pub(crate) fn no_such_route(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is nothing at {}.", shorten(path)),
            "Every route is described in /api/openapi.json.",
        )
    }

    /// 405.
    pub(crate) fn method_not_allowed(method: &http::Method, path: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("{} does not take {method}.", shorten(path)),
            "The allowed methods are in the Allow header and in /api/openapi.json.",
        )
    }

    /// 400: a plain request to the live feed.
    pub(crate) fn upgrade_required() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "upgrade_required",
            "The live feed is a WebSocket; this was a plain request.",
            "Connect to /ws with a WebSocket client.",
        )
    }

    /// 429: too many of something that is bounded.
    pub(crate) fn too_many(what: &'static str, hint: &'static str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", what, hint)
    }

    /// 503: the store's readers are all busy.
    pub(crate) fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Too many queries are running at once.",
            "Try again in a moment.",
        )
    }

    /// 503: the store cannot do it now.
    fn unavailable(error: &StoreError, message: &'static str, hint: &'static str) -> Self {
        let internal = Some(error.to_string());
        let it = Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message, hint);
        Self { internal, ..it }
    }

    /// 500, with the reason kept for the log.
    pub(crate) fn internal(reason: impl std::fmt::Display) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Langley failed to answer.",
            "The log says why; `langley doctor` checks the installation.",
        );
        error.internal = Some(reason.to_string());
        error
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What the caller reads.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        ErrorBody {
            error: ErrorDetail {
                code: self.code.to_owned(),
                message: self.message.to_string(),
                hint: self.hint.to_string(),
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(internal) = &self.internal {
            tracing::error!(code = self.code, error = %internal, "a call to the API failed");
        }
        (self.status, Json(self.body())).into_response()
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Over => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ending",
                "Nobody brings transcripts in any more: Langley is ending.",
                "What is new is brought in at the next start, or by `langley import` once Langley has ended.",
            ),
            ImportError::Crowded => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Other imports wait already.",
                "Try again when they are done; `/api/stats` tells under `transcripts` what waits.",
            ),
            ImportError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor => Self::new(
                StatusCode::BAD_REQUEST,
                "bad_parameter",
                "The query parameter `cursor` is not one that this server gave.",
                "Pass `next_cursor` of the page before, unchanged, or leave `cursor` out.",
            ),
            StoreError::Query { why } => Self::new(
                StatusCode::BAD_REQUEST,
                "bad_parameter",
                format!("The query parameter `q` cannot be searched for: {why}."),
                "Ask for words, \"words in quotes\" that follow one another, or a beginn*.",
            ),
            StoreError::Abandoned => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "took_too_long",
                "The query was given up because it took too long.",
                "Ask for less: a shorter time, one session, words that are rarer.",
            ),
            StoreError::NotIncremental { .. } => Self::new(
                StatusCode::CONFLICT,
                "not_incremental",
                "Free pages of this database cannot be given back in steps, because another program made the file.",
                "Stop Langley and run `langley db vacuum`, which writes the file anew.",
            ),
            StoreError::Partly { removed, cause } => {
                let cause = Self::from(*cause);
                Self {
                    message: format!(
                        "{removed} flows were removed, then it failed. {}",
                        cause.message
                    )
                    .into(),
                    hint: format!("Repeat it: it goes on with the rest. {}", cause.hint).into(),
                    ..cause
                }
            }
            StoreError::Stay { removed, stay } => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "damaged",
                format!(
                    "{removed} flows were removed; {stay} stay, because the database is damaged where they, or what belongs to them, lie."
                ),
                "`langley doctor` says where, and what to do.",
            ),
            StoreError::Full { .. } => Self::unavailable(
                &error,
                "There is no room on the disk to write what this needs.",
                "Free disk space and repeat it; also deleting flows and folding the log back need a little. The traffic itself goes on.",
            ),
            StoreError::Locked { .. } => Self::unavailable(
                &error,
                "Another program holds the database locked.",
                "Close whatever has it open (a database browser, a backup) and repeat it.",
            ),
            StoreError::ReadOnly { .. } => Self::unavailable(
                &error,
                "The database cannot be written: its file or its disk is read-only.",
                "Make it writable and repeat it; the log says more.",
            ),
            StoreError::Closed => Self::unavailable(
                &error,
                "The database is closed: Langley is ending, or its writer has failed.",
                "`langley status` says whether it runs; the log says more.",
            ),
            other if other.is_of_one_place() => {
                let mut error = Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "damaged",
                    "A part of the database cannot be read: it is damaged, or the disk fails there.",
                    "`langley doctor` says where, and what to do; `langley export flows` saves what can be read. The traffic itself goes on.",
                );
                error.internal = Some(other.to_string());
                error
            }
            other => Self::internal(other),
        }
    }
}

/// What a caller sent, cut so that an error never repeats a large input.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_internal_text_is_not_part_of_the_answer() {
        let error = ApiError::internal("disk I/O error at /home/someone/langley.db");
        let body = serde_json::to_string(&error.body()).unwrap();
        assert!(!body.contains("someone"), "{body}");
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn a_deletion_that_failed_on_its_way_says_how_many_are_gone_and_why_it_failed() {
        let cause = Box::new(StoreError::Full { path: "/home/someone/langley.db".into() });
        let error = ApiError::from(StoreError::Partly { removed: 9, cause });
        assert_eq!(
            (error.status(), error.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
        );
        let said = error.body().error;
        assert!(
            said.message.starts_with("9 flows were removed") && said.message.contains("no room")
        );
        assert!(said.hint.starts_with("Repeat it") && said.hint.contains("disk space"));
        assert!(!said.message.contains("someone"));
    }

    #[test]
    fn an_error_does_not_repeat_a_large_input() {
        let error = ApiError::bad_parameter("limit", &"9".repeat(10_000), "1 to 500");
        assert!(error.body().error.message.len() < 200);
    }
}
