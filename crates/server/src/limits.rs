//! What providers said last of their limits.

use axum::extract::State;
use langley_engine::windows;
use langley_model::Micros;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::WindowPage;

/// Tells the latest word of each host on each of its limits, of a week at most: rate limits, and the windows of
/// plans, of which providers tell how far they are used.
#[utoipa::path(
    get, path = "/api/analytics/limits", tag = "flows", operation_id = "limits",
    responses(
        (status = 200, body = WindowPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn limits(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let shown = doors.show(|store| Ok(Some(WindowPage::of(&windows(store, Micros::now())?))));
    shown.await?.ok_or_else(|| ApiError::internal("limits answered nothing"))
}
