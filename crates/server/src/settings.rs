//! The effective configuration, as the binary resolved it: each key with its value and its origin.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use langley_store::Store;
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
    /// The same, named: the variable, the file and line, the flag.
    pub origin: String,
}

/// Every configuration key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettingList {
    /// The keys.
    pub items: Vec<Setting>,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// One changed setting.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangedSetting {
    /// The key.
    pub key: String,
    /// Its new value; null when it was taken out.
    #[schema(value_type = serde_json::Value)]
    pub value: serde_json::Value,
    /// The stronger layer that hides it, such as `environment LANGLEY_API`; null when none does.
    pub overridden_by: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedSettings {
    /// The keys that were sent.
    pub items: Vec<ChangedSetting>,
    /// When the change counts: `next_start`, for every key so far.
    pub applies: String,
}

/// Why settings were not changed.
#[derive(Clone, Debug)]
pub enum SettingsRefused {
    /// What was sent cannot be used.
    Wrong(String),
    /// They cannot be kept; the words are for the log.
    Failed(String),
}

/// Checks changes (null takes a key out) and keeps them all, or none.
pub type ChangeSettings = Box<
    dyn Fn(
            &Store,
            &serde_json::Map<String, serde_json::Value>,
        ) -> Result<Vec<ChangedSetting>, SettingsRefused>
        + Send
        + Sync,
>;

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

/// Changes settings: a JSON object of keys and values; null takes a key out. All are changed or none.
/// They are weaker than the configuration file, and count from the next start on.
#[utoipa::path(
    put, path = "/api/settings", tag = "system", operation_id = "change_settings",
    request_body(content = serde_json::Value, description = "Keys and values", content_type = "application/json"),
    responses(
        (status = 200, body = ChangedSettings),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn change(
    State(doors): State<Doors>,
    params: Params,
    body: Bytes,
) -> Result<Json<ChangedSettings>, ApiError> {
    params.only(&[])?;
    let changes = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_settings(format!("not a JSON object: {error}")))?;
    let items = doors.change_settings(changes).await?;
    Ok(Json(ChangedSettings { items, applies: "next_start".to_owned() }))
}
