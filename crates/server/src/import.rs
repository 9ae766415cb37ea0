//! The door through which transcripts are brought in at once, without waiting for the next look at their folders.

use std::path::PathBuf;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use langley_engine as engine;
use langley_engine::user_roots;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::ImportDone;

/// What is brought in.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportWanted {
    /// Files and folders, by their whole path; none: the folders that are followed.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub paths: Vec<PathBuf>,
    /// Whether the files are read from their beginnings, and conversations that were deleted come in again.
    #[serde(default)]
    pub again: bool,
}

/// Brings in what is new in transcripts, and answers when it is there. What is known already is not brought in again,
/// nor is a conversation that was deleted, except where `again` asks for it.
#[utoipa::path(
    post, path = "/api/import", tag = "system", operation_id = "import",
    request_body = ImportWanted,
    responses(
        (status = 200, body = ImportDone),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn import(
    State(doors): State<Doors>,
    params: Params,
    body: Bytes,
) -> Result<Json<ImportDone>, ApiError> {
    params.only(&[])?;
    let wanted: ImportWanted = if body.is_empty() {
        ImportWanted::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| ApiError::bad_import(error.to_string()))?
    };
    if let Some(path) = wanted.paths.iter().find(|path| !path.is_absolute()) {
        let path = path.display();
        return Err(ApiError::bad_import(format!("{path} is not a whole path")));
    }
    let Some(follower) = doors.gauges().transcripts.clone() else {
        return Err(ApiError::bad_import(
            "made-up sessions are shown here, and nothing else".into(),
        ));
    };
    let wanted = engine::ImportWanted { roots: user_roots(wanted.paths), is_again: wanted.again };
    let report = doors.import(move || follower.import(wanted)).await?;
    Ok(Json(ImportDone::from(&report)))
}
