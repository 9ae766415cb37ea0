//! Whether the server is up; the only door without a lock, so it tells nothing else.

use axum::Json;
use axum::extract::State;
use langley_model::Strain;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;

/// The server's health.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`; `strained`: a queue of the recorder is more than 80 % full; or `degraded`: traffic goes on,
    /// but not all of it is recorded, or a part of what is recorded cannot be read any more.
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
    let is_sound = doors.is_recording() && !doors.store().has_damage();
    let status = match (is_sound, doors.strain()) {
        (false, _) => "degraded",
        (true, Strain::High | Strain::Full) => "strained",
        (true, Strain::Calm) => "ok",
    };
    Ok(Json(Health { status: status.to_owned(), version: doors.info().version.clone() }))
}
