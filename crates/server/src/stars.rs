//! Stars: sessions that retention leaves alone.

use axum::Json;
use axum::extract::{Path, State};
use langley_model::Micros;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::rfc3339;

/// A starred session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Star {
    /// The session.
    pub session_id: String,
    /// Since when it is starred; null when it is not.
    pub starred_at: Option<String>,
}

/// The starred sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StarList {
    /// Newest star first.
    pub items: Vec<Star>,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// Lists the starred sessions.
#[utoipa::path(
    get, path = "/api/stars", tag = "flows", operation_id = "list_stars",
    responses((status = 200, body = StarList), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<StarList>, ApiError> {
    params.only(&[])?;
    let stars = doors.read(langley_store::Store::stars).await?;
    let items = stars
        .into_iter()
        .map(|star| Star { session_id: star.session, starred_at: Some(rfc3339(star.starred_at)) })
        .collect();
    Ok(Json(StarList { items, next_cursor: None }))
}

/// Stars a session: retention leaves its flows, with all that belongs to them, alone from now on.
/// Starring it again changes nothing.
#[utoipa::path(
    post, path = "/api/sessions/{id}/star", tag = "flows", operation_id = "star_session",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 200, body = Star),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn star(
    State(doors): State<Doors>,
    Path(session): Path<String>,
    params: Params,
) -> Result<Json<Star>, ApiError> {
    params.only(&[])?;
    let id = session.clone();
    let since = doors.change(move |store| store.star(&id, Micros::now())).await?;
    let since = since.ok_or_else(|| ApiError::no_such_session(&session))?;
    Ok(Json(Star { session_id: session, starred_at: Some(rfc3339(since)) }))
}

/// Takes a session's star away; one without a star stays as it is.
#[utoipa::path(
    delete, path = "/api/sessions/{id}/star", tag = "flows", operation_id = "unstar_session",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 200, body = Star),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn unstar(
    State(doors): State<Doors>,
    Path(session): Path<String>,
    params: Params,
) -> Result<Json<Star>, ApiError> {
    params.only(&[])?;
    let id = session.clone();
    doors.change(move |store| store.unstar(&id)).await?;
    Ok(Json(Star { session_id: session, starred_at: None }))
}
