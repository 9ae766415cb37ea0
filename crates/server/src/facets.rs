//! The values that filters can take, with how often each occurs.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::rfc3339;

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
    /// Sessions, the one seen last first.
    pub sessions: Vec<SessionFacet>,
    /// No list is longer; where one is as long, there may be more values, which `q` finds.
    pub limit: u64,
}

/// One value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Facet {
    /// The value, as the filter takes it.
    pub value: String,
    /// Flows that have it.
    pub count: u64,
}

/// A session, with what people know it by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionFacet {
    /// The session, as the filter takes it.
    pub value: String,
    /// Its flows.
    pub count: u64,
    /// When its first flow that is kept began.
    pub first_at: Option<String>,
    /// The first characters of its first exchange that has any.
    pub opening: Option<String>,
}

/// Lists the values that filters can take.
#[utoipa::path(
    get, path = "/api/facets", tag = "flows",
    params(
        ("q" = Option<String>, Query, description = "Only values that contain this, in any case; sessions also by their opening, among the newest 2,000"),
    ),
    responses((status = 200, body = Facets), (status = 401, body = ErrorBody))
)]
pub(crate) async fn facets(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<Facets>, ApiError> {
    let q = params.only(&["q"])?.owned("q")?;
    let found = doors.read(move |store| store.facets(q.as_deref())).await?;
    let list = |values: Vec<langley_store::Facet>| {
        values.into_iter().map(|facet| Facet { value: facet.value, count: facet.count }).collect()
    };
    Ok(Json(Facets {
        hosts: list(found.hosts),
        providers: list(found.providers),
        models: list(found.models),
        outcomes: list(found.outcomes),
        sessions: found
            .sessions
            .into_iter()
            .map(|session| SessionFacet {
                value: session.value,
                count: session.count,
                first_at: session.first_at.map(rfc3339),
                opening: session.opening,
            })
            .collect(),
        limit: langley_store::FACET_MAX as u64,
    }))
}
