//! Findings: listed, and judged by a person.

use axum::extract::{Path, State};
use langley_model::{FindingKind, FindingState};
use langley_store::FindingFilter;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::flows::PAGE_MAX;
use crate::params::Params;
use crate::wire::{Finding, FindingPage};

const PAGE: usize = 100;

/// Lists findings, the dearest first; without `state` those that are open or acknowledged.
#[utoipa::path(
    get, path = "/api/findings", tag = "flows", operation_id = "list_findings",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 100 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("state" = Option<String>, Query, description = "Any of open, acknowledged, muted, resolved, with commas between, or all"),
        ("kind" = Option<String>, Query, description = "Only this kind, as cache_break"),
        ("session" = Option<String>, Query, description = "Only of this session"),
        ("since" = Option<String>, Query, description = "Shown by a flow that began at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d"),
        ("until" = Option<String>, Query, description = "Shown first by a flow that began before this time"),
    ),
    responses(
        (status = 200, body = FindingPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let params = params.only(&["limit", "cursor", "state", "kind", "session", "since", "until"])?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let cursor = params.owned("cursor")?;
    let filter = filter(&params)?;
    let shown = doors.show(move |store| {
        let page = store.findings(&filter, cursor.as_deref(), limit)?;
        Ok(Some(FindingPage::from(&page)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// Shows one finding.
#[utoipa::path(
    get, path = "/api/findings/{id}", tag = "flows", operation_id = "finding",
    params(("id" = i64, Path, description = "The finding's number")),
    responses(
        (status = 200, body = Finding),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn one(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    show(&doors, &id).await
}

/// Acknowledges a finding: seen; it goes on being counted.
#[utoipa::path(
    post, path = "/api/findings/{id}/acknowledge", tag = "flows", operation_id = "acknowledge_finding",
    params(("id" = i64, Path, description = "The finding's number")),
    responses(
        (status = 200, body = Finding),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn acknowledge(
    doors: State<Doors>,
    id: Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    judge(doors, id, params, FindingState::Acknowledged).await
}

/// Mutes a finding: it is not shown any more, however often it comes again.
#[utoipa::path(
    post, path = "/api/findings/{id}/mute", tag = "flows", operation_id = "mute_finding",
    params(("id" = i64, Path, description = "The finding's number")),
    responses(
        (status = 200, body = Finding),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn mute(
    doors: State<Doors>,
    id: Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    judge(doors, id, params, FindingState::Muted).await
}

/// Resolves a finding: seen to; it opens again when it comes again.
#[utoipa::path(
    post, path = "/api/findings/{id}/resolve", tag = "flows", operation_id = "resolve_finding",
    params(("id" = i64, Path, description = "The finding's number")),
    responses(
        (status = 200, body = Finding),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn resolve(
    doors: State<Doors>,
    id: Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    judge(doors, id, params, FindingState::Resolved).await
}

/// Opens a finding again that was acknowledged, muted or resolved.
#[utoipa::path(
    post, path = "/api/findings/{id}/reopen", tag = "flows", operation_id = "reopen_finding",
    params(("id" = i64, Path, description = "The finding's number")),
    responses(
        (status = 200, body = Finding),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn reopen(
    doors: State<Doors>,
    id: Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    judge(doors, id, params, FindingState::Open).await
}

async fn judge(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    params: Params,
    state: FindingState,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let number: i64 = id.parse().map_err(|_| ApiError::no_such_finding(&id))?;
    let judged = doors.change(move |store| store.judge_finding(number, state)).await?;
    if judged { show(&doors, &id).await } else { Err(ApiError::no_such_finding(&id)) }
}

async fn show(doors: &Doors, id: &str) -> Result<Written, ApiError> {
    let number: i64 = id.parse().map_err(|_| ApiError::no_such_finding(id))?;
    let shown = doors.show(move |store| {
        let found = store.finding(number)?;
        Ok(found.map(|found| Finding::from(&*found)))
    });
    shown.await?.ok_or_else(|| ApiError::no_such_finding(id))
}

fn filter(params: &Params) -> Result<FindingFilter, ApiError> {
    let kinds = FindingKind::ALL.map(FindingKind::as_str).join(", ");
    let words = FindingState::ALL.map(FindingState::as_str).join(", ");
    let accepted = format!("any of {words}, with commas between, or all");
    let shown = vec![FindingState::Open, FindingState::Acknowledged];
    let (since, until) = params.span()?;
    Ok(FindingFilter {
        states: params.parsed("state", accepted, states)?.unwrap_or(shown),
        kind: params.parsed("kind", kinds, FindingKind::parse)?,
        session: params.owned("session")?,
        since,
        until,
    })
}

/// States with commas between; `all` is no bound at all.
fn states(text: &str) -> Option<Vec<FindingState>> {
    if text == "all" {
        return Some(Vec::new());
    }
    text.split(',').map(|word| FindingState::parse(word.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_named_or_all_are_meant() {
        assert_eq!(states("all"), Some(Vec::new()));
        assert_eq!(states("muted, open"), Some(vec![FindingState::Muted, FindingState::Open]));
        assert_eq!(states("new"), None);
        assert_eq!(states("open,"), None);
    }
}
