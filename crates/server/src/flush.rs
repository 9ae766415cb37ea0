//! The door of those who read the database by themselves: what is held in memory is committed first.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::time::{sleep, timeout};
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;

/// How long the caller waits at most. What is not done then is done later all the same.
const PATIENCE: Duration = Duration::from_millis(800);

/// Between two looks at how far the recorder is.
const LOOK: Duration = Duration::from_millis(2);

/// What the flush came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlushDone {
    /// Whether what was captured before the call is committed, up to the last quarter of a second of streams
    /// that are still open; else it was not done in time.
    pub complete: bool,
}

/// Commits what was captured so far, within 0.8 s. Traffic and recording do not wait for it.
#[utoipa::path(
    post, path = "/api/db/flush", tag = "system", operation_id = "flush",
    responses(
        (status = 200, body = FlushDone),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn flush(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<FlushDone>, ApiError> {
    params.only(&[])?;
    let done = timeout(PATIENCE, committed(&doors)).await;
    Ok(Json(FlushDone { complete: done.unwrap_or(false) }))
}

/// Waits for the recorder to hand on what it was given until now, and for the writer to commit it.
async fn committed(doors: &Doors) -> bool {
    let gauges = doors.gauges();
    let captured = gauges.intake.stats().taken_total;
    loop {
        let recorder = (gauges.recorder)();
        if recorder.threads_failed > 0 {
            // What waits for a dead thread never comes.
            return false;
        }
        if recorder.captures_total >= captured {
            let written = doors.flush().await;
            // Records that the writer had no room for come after it.
            if !written || recorder.backlog_bytes == 0 {
                return written;
            }
        }
        sleep(LOOK).await;
    }
}
