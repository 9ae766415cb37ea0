//! What was captured and then lost: nothing vanishes silently.

use axum::Json;
use axum::extract::State;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::DropPage;

/// Lists drops, newest first.
#[utoipa::path(
    get, path = "/api/drops", tag = "system",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 100 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, body = DropPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn drops(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<DropPage>, ApiError> {
    let params = params.only(&["limit", "cursor"])?;
    let limit = params.limit(100, 500)?;
    let cursor = params.owned("cursor")?;
    let page = doors.read(move |store| store.drops(cursor.as_deref(), limit)).await?;
    let items = page.items.iter().map(|dropped| (&**dropped).into()).collect();
    Ok(Json(DropPage { items, next_cursor: page.next_cursor }))
}
