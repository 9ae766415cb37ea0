//! The values that filters can take, with how often each occurs.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;

/// Distinct values per filter, the most frequent first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Facets {
    /// Hosts.
    pub hosts: Vec<Facet>,
    /// Providers.
    pub providers: Vec<Facet>,
    /// Models that answered (or were asked for, while none has).
    pub models: Vec<Facet>,
    /// Outcomes; `open` for flows that have not ended.
    pub outcomes: Vec<Facet>,
    /// Sessions.
    pub sessions: Vec<Facet>,
}

/// One value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Facet {
    /// The value, as the filter takes it.
    pub value: String,
    /// Flows that have it.
    pub count: u64,
}

/// Lists the values that filters can take.
#[utoipa::path(
    get, path = "/api/facets", tag = "flows",
    responses((status = 200, body = Facets), (status = 401, body = ErrorBody))
)]
pub(crate) async fn facets(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<Facets>, ApiError> {
    params.only(&[])?;
    let found = doors.read(langley_store::Store::facets).await?;
    let list = |values: Vec<langley_store::Facet>| {
        values.into_iter().map(|facet| Facet { value: facet.value, count: facet.count }).collect()
    };
    Ok(Json(Facets {
        hosts: list(found.hosts),
        providers: list(found.providers),
        models: list(found.models),
        outcomes: list(found.outcomes),
        sessions: list(found.sessions),
    }))
}
