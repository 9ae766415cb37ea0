//! The effective configuration, as the binary resolved it: each key with its value and its origin.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;

/// One configuration key.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Setting {
    /// The key, such as `proxy.port`.
    pub key: String,
    /// Its effective value.
    #[schema(value_type = serde_json::Value)]
    pub value: serde_json::Value,
    /// Where the value came from: `default`, `settings`, `file`, `environment` or `flag`.
    pub source: String,
}

/// Every configuration key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettingList {
    /// The keys.
    pub items: Vec<Setting>,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// Shows the effective configuration.
#[utoipa::path(
    get, path = "/api/settings", tag = "system",
    responses((status = 200, body = SettingList), (status = 401, body = ErrorBody))
)]
pub(crate) async fn settings(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<SettingList>, ApiError> {
    params.only(&[])?;
    Ok(Json(SettingList { items: doors.settings().to_vec(), next_cursor: None }))
}
