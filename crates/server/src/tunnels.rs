//! Connections that were passed on unread, so that nobody wonders where a host's traffic went.

use axum::Json;
use axum::extract::State;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::TunnelPage;

/// Lists the newest tunnels.
#[utoipa::path(
    get, path = "/api/tunnels", tag = "flows",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 100 by default")),
    responses(
        (status = 200, body = TunnelPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn tunnels(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<TunnelPage>, ApiError> {
    let limit = params.only(&["limit"])?.limit(100, 500)?;
    let tunnels = doors.read(move |store| store.tunnels(limit)).await?;
    Ok(Json(TunnelPage {
        items: tunnels.iter().map(|t| (&**t).into()).collect(),
        next_cursor: None,
    }))
}
