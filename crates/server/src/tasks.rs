//! Tasks: listed, and one by its id.

use axum::extract::{Path, State};
use langley_store::TaskFilter;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::flows::PAGE_MAX;
use crate::params::Params;
use crate::wire::{Task, TaskPage};

const PAGE: usize = 50;

/// Lists tasks, the one with the newest flow first.
#[utoipa::path(
    get, path = "/api/tasks", tag = "flows", operation_id = "list_tasks",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("since" = Option<String>, Query, description = "With a flow that began at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d"),
        ("session" = Option<String>, Query, description = "With a flow of this session"),
        ("inferred" = Option<bool>, Query, description = "`false` leaves out tasks that nothing names"),
    ),
    responses(
        (status = 200, body = TaskPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let params = params.only(&["limit", "cursor", "since", "session", "inferred"])?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let cursor = params.owned("cursor")?;
    let inferred =
        params.parsed("inferred", "true, false", |value| -> Option<bool> { value.parse().ok() })?;
    let filter = TaskFilter {
        since: params.time("since")?,
        session: params.owned("session")?,
        stated: inferred == Some(false),
    };
    let shown = doors.show(move |store| {
        let page = store.tasks(&filter, cursor.as_deref(), limit)?;
        Ok(Some(TaskPage::from(&page)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// Shows one task.
#[utoipa::path(
    get, path = "/api/tasks/{id}", tag = "flows", operation_id = "task",
    params(("id" = String, Path, description = "The task's id")),
    responses(
        (status = 200, body = Task),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn one(
    State(doors): State<Doors>,
    Path(task): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let id = task.clone();
    let shown = doors.show(move |store| Ok(store.task(&id)?.map(|task| Task::from(&task))));
    shown.await?.ok_or_else(|| ApiError::no_such_task(&task))
}
