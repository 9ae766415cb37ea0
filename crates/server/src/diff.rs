//! What changed: a flow's request against an earlier one's.

use axum::Json;
use axum::extract::State;
use langley_engine::{self as engine, Compared};
use langley_model::FlowId;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::flows::FlowPath;
use crate::params::Params;
use crate::wire::RequestDiff;

/// Shows what is new in a flow's request against the one of the same session that it goes on from, or
/// against that of any other flow.
#[utoipa::path(
    get, path = "/api/flows/{id}/diff", tag = "flows", operation_id = "diff_request",
    params(
        ("id" = String, Path, description = "The flow's id"),
        ("against" = Option<String>, Query, description = "The id of the flow to compare with; by default the request of the same session that shares the most with this one, among the last eight"),
    ),
    responses(
        (status = 200, body = RequestDiff),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn diff(
    State(doors): State<Doors>,
    FlowPath(id): FlowPath,
    params: Params,
) -> Result<Json<RequestDiff>, ApiError> {
    let params = params.only(&["against"])?;
    let against: Option<FlowId> =
        params.parsed("against", "the id of a flow", |value| value.parse().ok())?;
    match doors.read(move |store| engine::diff(store, id, against)).await? {
        Compared::Diff(diff) => Ok(Json((*diff).into())),
        Compared::NoFlow(id) => Err(ApiError::no_such_flow(id)),
        Compared::NoRequest(id) => Err(ApiError::no_request(id)),
    }
}
