//! Costs by commit.

use axum::extract::State;
use langley_engine::commit_costs;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::usage::narrowed;
use crate::wire::CommitPage;

/// Commits that are listed unless more are asked for, and most.
const COMMITS: usize = 100;
const COMMITS_MAX: usize = 1_000;

/// Tells what commits cost: of each repository that a project's folder lies in, the flows that began after the commit
/// before and no later than this one. Read is the log of the repository's HEAD.
#[utoipa::path(
    get, path = "/api/analytics/commits", tag = "flows", operation_id = "commits",
    params(
        crate::openapi::SumsQuery,
        ("project" = Option<String>, Query, description = "Exactly this project"),
        ("limit" = Option<u32>, Query, description = "Commits that are listed, 1 to 1,000; 100 by default"),
    ),
    responses(
        (status = 200, body = CommitPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn commits(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    let params = params.only(&[
        "since", "until", "tz", "host", "provider", "model", "agent", "project", "limit",
    ])?;
    let (usage, _) = narrowed(&params)?;
    let project = params.owned("project")?;
    let limit = params.limit(COMMITS, COMMITS_MAX)?;
    let redactor = std::sync::Arc::clone(doors.redactor());
    let shown = doors.show(move |store| {
        let report = commit_costs(store, &redactor, (&usage, project.as_deref()), limit)?;
        Ok(Some(CommitPage::from(&report)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("commits answered nothing"))
}
