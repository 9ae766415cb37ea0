//! Sessions: listed, and one by its id, with its subagents and its timeline.

use axum::extract::{Path, State};
use langley_engine::ledger as ledger_of;
use langley_store::FlowFilter;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::flows::PAGE_MAX;
use crate::params::Params;
use crate::wire::{Ledger, SessionDetail, SessionPage, TimelinePage};

const PAGE: usize = 50;
const TIMELINE: usize = 200;

/// Lists sessions, the one with the newest flow first.
#[utoipa::path(
    get, path = "/api/sessions", tag = "flows", operation_id = "list_sessions",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("project" = Option<String>, Query, description = "Exactly this project"),
        ("since" = Option<String>, Query, description = "With a flow that began at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d"),
    ),
    responses(
        (status = 200, body = SessionPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let params = params.only(&["limit", "cursor", "since", "project"])?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let (cursor, since) = (params.owned("cursor")?, params.time("since")?);
    let project = params.owned("project")?;
    let shown = doors.show(move |store| {
        let page = store.sessions((since, project.as_deref()), cursor.as_deref(), limit)?;
        Ok(Some(SessionPage::from(&page)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// Shows one session, with its subagents.
#[utoipa::path(
    get, path = "/api/sessions/{id}", tag = "flows", operation_id = "session",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 200, body = SessionDetail),
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
    let shown = doors.show(move |store| {
        let Some(session) = store.session(&id)? else { return Ok(None) };
        let agents = store.session_agents(&id)?;
        let agents = agents.iter().map(Into::into).collect();
        Ok(Some(SessionDetail { session: (&session).into(), agents }))
    });
    shown.await?.ok_or_else(|| ApiError::no_such_session(&session))
}

/// Lists the exchanges of a session in the order in which they began, each with its lane.
#[utoipa::path(
    get, path = "/api/sessions/{id}/timeline", tag = "flows", operation_id = "session_timeline",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 200 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, body = TimelinePage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn timeline(
    State(doors): State<Doors>,
    Path(session): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    let params = params.only(&["limit", "cursor"])?;
    let limit = params.limit(TIMELINE, PAGE_MAX)?;
    let cursor = params.owned("cursor")?;
    let filter = FlowFilter { session: Some(session.clone()), ..FlowFilter::default() };
    let shown = doors.show(move |store| {
        let page = store.flows_oldest_first(&filter, cursor.as_deref(), limit)?;
        let is_known = cursor.is_some() || !page.items.is_empty();
        let items = page.items.iter().map(Into::into).collect();
        Ok(is_known.then_some(TimelinePage { items, next_cursor: page.next_cursor }))
    });
    shown.await?.ok_or_else(|| ApiError::no_such_session(&session))
}

/// Shows what passed of a session beside what its agent's own files tell: both counts, what is in one of them alone,
/// and why.
#[utoipa::path(
    get, path = "/api/sessions/{id}/ledger", tag = "flows", operation_id = "session_ledger",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 200, body = Ledger),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn ledger(
    State(doors): State<Doors>,
    Path(session): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let id = session.clone();
    let shown = doors.show(move |store| Ok(ledger_of(store, &id)?.map(|it| Ledger::from(&it))));
    shown.await?.ok_or_else(|| ApiError::no_such_session(&session))
}
