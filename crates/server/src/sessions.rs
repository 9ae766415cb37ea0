//! Sessions: listed, and one by its id.

use axum::extract::{Path, State};

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::flows::PAGE_MAX;
use crate::params::Params;
use crate::wire::{Session, SessionPage};

const PAGE: usize = 50;

/// Lists sessions, the one with the newest flow first.
#[utoipa::path(
    get, path = "/api/sessions", tag = "flows", operation_id = "list_sessions",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("since" = Option<String>, Query, description = "With a flow that began at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d"),
    ),
    responses(
        (status = 200, body = SessionPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let params = params.only(&["limit", "cursor", "since"])?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let (cursor, since) = (params.owned("cursor")?, params.time("since")?);
    let shown = doors.show(move |store| {
        let page = store.sessions(since, cursor.as_deref(), limit)?;
        Ok(Some(SessionPage::from(&page)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// Shows one session.
#[utoipa::path(
    get, path = "/api/sessions/{id}", tag = "flows", operation_id = "session",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 200, body = Session),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn one(
    State(doors): State<Doors>,
    Path(session): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let id = session.clone();
    let shown =
        doors.show(move |store| Ok(store.session(&id)?.map(|session| Session::from(&session))));
    shown.await?.ok_or_else(|| ApiError::no_such_session(&session))
}
