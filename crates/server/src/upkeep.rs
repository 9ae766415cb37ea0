//! Keeping the database bounded: maintenance and its parts at once, and what it has done.

use axum::Json;
use axum::extract::State;
use langley_model::Micros;
use langley_store::{Upkeep, UpkeepState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::rfc3339;

/// Maintenance, at one moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Maintenance {
    /// What is being done: events, bodies, flows, rows, contents, vacuum or checkpoint; null while
    /// nothing runs.
    pub phase: Option<String>,
    /// What the run that goes on has removed so far; null while nothing runs.
    pub running: Option<UpkeepRun>,
    /// The last run that came to its end; null before the first.
    pub last: Option<UpkeepRun>,
    /// When the next one is planned; null when none is.
    pub next_at: Option<String>,
    /// Whether the last run of this process failed; the log says why.
    pub failed: bool,
    /// The next run's time as seconds since 1970, for Prometheus.
    #[serde(skip)]
    pub next_s: Option<i64>,
}

/// A run of maintenance, and what it removed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UpkeepRun {
    /// When it began.
    pub started_at: String,
    /// When it ended; when it began, while it goes on.
    pub ended_at: String,
    /// Flows.
    pub flows: u64,
    /// Stream events, those of removed flows included.
    pub events: u64,
    /// Bodies of flows that stay.
    pub bodies: u64,
    /// Stored contents that nothing referred to any more.
    pub contents: u64,
    /// Tunnels.
    pub tunnels: u64,
    /// Rows about drops; their sums stay.
    pub drops: u64,
    /// Bytes by which the database file became smaller.
    pub freed_bytes: u64,
    /// Its end as seconds since 1970, for Prometheus.
    #[serde(skip)]
    pub ended_s: i64,
}

/// What folding the log back came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckpointDone {
    /// Whether a reader kept the log from being emptied; what could be was folded back.
    pub busy: bool,
    /// Pages of the log.
    pub log_pages: u64,
    /// Pages that are in the database file now.
    pub moved_pages: u64,
}

/// What a vacuum came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VacuumDone {
    /// Bytes by which the database file became smaller.
    pub freed_bytes: u64,
}

impl From<Upkeep> for UpkeepRun {
    fn from(run: Upkeep) -> Self {
        Self {
            started_at: rfc3339(run.started_at),
            ended_at: rfc3339(run.ended_at),
            flows: run.flows,
            events: run.events,
            bodies: run.bodies,
            contents: run.contents,
            tunnels: run.tunnels,
            drops: run.drops,
            freed_bytes: run.freed_bytes,
            ended_s: run.ended_at.0 / 1_000_000,
        }
    }
}

impl From<UpkeepState> for Maintenance {
    fn from(state: UpkeepState) -> Self {
        Self {
            phase: state.running.map(|(phase, _)| phase.as_str().to_owned()),
            running: state.running.map(|(_, run)| run.into()),
            last: state.last.map(Into::into),
            next_at: state.next_at.map(rfc3339),
            failed: state.failed,
            next_s: state.next_at.map(|at| at.0 / 1_000_000),
        }
    }
}

/// Runs maintenance now: removes what is older than retention lets it become, then what nothing refers
/// to, and gives the room back where that is worth it. Answers when it is through.
#[utoipa::path(
    post, path = "/api/db/maintain", tag = "system", operation_id = "maintain",
    responses(
        (status = 200, body = UpkeepRun),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn maintain(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<UpkeepRun>, ApiError> {
    params.only(&[])?;
    let retention = doors.retention();
    let done = doors.upkeep(move |store| store.maintain(&retention, Micros::now())).await?;
    if done.flows > 0 {
        doors.load_anew();
    }
    Ok(Json(done.into()))
}

/// Folds the write-ahead log back into the database, as far as readers let.
#[utoipa::path(
    post, path = "/api/db/checkpoint", tag = "system", operation_id = "checkpoint",
    responses(
        (status = 200, body = CheckpointDone),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn checkpoint(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<CheckpointDone>, ApiError> {
    params.only(&[])?;
    let done = doors.upkeep(langley_store::Store::checkpoint).await?;
    Ok(Json(CheckpointDone {
        busy: done.busy,
        log_pages: done.log_pages,
        moved_pages: done.moved_pages,
    }))
}

/// Gives all free pages of the database file back to the disk, a few at a time.
#[utoipa::path(
    post, path = "/api/db/vacuum", tag = "system", operation_id = "vacuum",
    responses(
        (status = 200, body = VacuumDone),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn vacuum(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<VacuumDone>, ApiError> {
    params.only(&[])?;
    let freed_bytes = doors.upkeep(langley_store::Store::vacuum).await?;
    Ok(Json(VacuumDone { freed_bytes }))
}
