//! Whether the server is up; the only door without a lock, so it tells nothing else.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;

/// The server's health.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded`: traffic goes on, but not all of it is recorded.
    pub status: String,
    /// The product's version.
    pub version: String,
}

/// Tells that the server is up. Needs no authentication.
#[utoipa::path(
    get, path = "/api/health", tag = "system", security(()),
    responses((status = 200, body = Health), (status = 403, body = ErrorBody))
)]
pub(crate) async fn health(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<Health>, ApiError> {
    params.only(&[])?;
    let status = if doors.is_recording() { "ok" } else { "degraded" };
    Ok(Json(Health { status: status.to_owned(), version: doors.info().version.clone() }))
}
