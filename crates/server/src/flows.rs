//! Flows: listed, counted, shown one by one with both halves and their events, and deleted.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use http::request::Parts;
use langley_model::{
    ConnectionId, Flow, FlowId, HeaderBlock, MicroUsd, Micros, Outcome, Provider, Side, Stored,
};
use langley_store::{FlowFilter, OutcomeFilter, StatusFilter, Store, StoreError};
use serde::Serialize;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::{self, Count, Deleted, FlowPage};

/// Most flows of one page.
pub(crate) const PAGE_MAX: usize = 500;
const PAGE: usize = 100;
const EVENTS_MAX: usize = 500;
const FILTERS: [&str; 15] = [
    "host",
    "provider",
    "model",
    "status",
    "session",
    "starred",
    "task",
    "project",
    "tool",
    "connection",
    "outcome",
    "q",
    "since",
    "until",
    "min_cost",
];

/// The flow id of a path.
pub(crate) struct FlowPath(pub(crate) FlowId);

impl<S: Send + Sync> FromRequestParts<S> for FlowPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::no_such_route(parts.uri.path()))?;
        text.parse().map(Self).map_err(|_| ApiError::not_an_id(&text))
    }
}

/// Filters of the query string; `more` names the parameters that are not filters.
pub(crate) fn filter(params: Params, more: &[&str]) -> Result<(FlowFilter, Params), ApiError> {
    let accepted: Vec<_> = FILTERS.iter().chain(more).copied().collect();
    let params = params.only(&accepted)?;
    let words = |all: &[&str]| all.join(", ");
    let (since, until) = params.span()?;
    let filter = FlowFilter {
        host: params.owned("host")?,
        provider: params.parsed(
            "provider",
            words(&Provider::ALL.map(Provider::as_str)),
            Provider::parse,
        )?,
        model: params.owned("model")?,
        status: params.parsed(
            "status",
            "a status as 404, or a class as 4xx",
            StatusFilter::parse,
        )?,
        session: params.owned("session")?,
        starred: params
            .parsed("starred", "true", |value| (value == "true").then_some(()))?
            .is_some(),
        task: params.owned("task")?,
        project: params.owned("project")?,
        tool: params.owned("tool")?,
        connection: params.parsed(
            "connection",
            "the id of a connection",
            |value| -> Option<ConnectionId> { value.parse().ok() },
        )?,
        outcome: params.parsed(
            "outcome",
            format!("open, {}", words(&Outcome::ALL.map(Outcome::as_str))),
            OutcomeFilter::parse,
        )?,
        q: params.owned("q")?,
        since,
        until,
        min_cost: params.parsed(
            "min_cost",
            "US dollars, as 0.05 (at most six decimals)",
            dollars,
        )?,
    };
    Ok((filter, params))
}

/// Decimal dollars as whole millionths, without a float in between.
fn dollars(text: &str) -> Option<MicroUsd> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let millionths: i64 = format!("{fraction:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(millionths).map(MicroUsd)
}

/// Lists flows, newest first.
#[utoipa::path(
    get, path = "/api/flows", tag = "flows", operation_id = "list_flows",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 100 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        crate::openapi::FlowQuery,
    ),
    responses(
        (status = 200, body = FlowPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let (filter, params) = filter(params, &["limit", "cursor"])?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let cursor = params.owned("cursor")?;
    let shown = doors.show(move |store| {
        let page = store.flows(&filter, cursor.as_deref(), limit)?;
        let items = page.items.iter().map(Into::into).collect();
        Ok(Some(FlowPage { items, next_cursor: page.next_cursor, damaged: page.damaged }))
    });
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// Counts flows: all of them by host, provider, model, status, session and outcome; else at most 10,000, by
/// `q` 1,000, and `more` says that there may be others.
#[utoipa::path(
    get, path = "/api/flows/count", tag = "flows", operation_id = "count_flows",
    params(crate::openapi::FlowQuery),
    responses(
        (status = 200, body = Count),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn count(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<Count>, ApiError> {
    let (filter, _) = filter(params, &[])?;
    let count = doors.read(move |store| store.count_some(&filter)).await?;
    Ok(Json(Count { count: count.flows, more: count.more }))
}

/// Deletes ended flows with everything that belongs to them: all, or those the filters name; a filter without a
/// value is refused. Flows that are still open stay. What agents' own files tell of a session is no flow, and stays too,
/// except where `conversation` asks for it beside `session`. Where it fails on its way, the error says how many were removed until then; to
/// repeat it removes the rest.
#[utoipa::path(
    delete, path = "/api/flows", tag = "flows", operation_id = "delete_flows",
    params(
        crate::openapi::FlowQuery,
        ("conversation" = Option<String>, Query, description = "`true`, with `session`: also the conversation that agents' files tell of it, as `DELETE /api/conversations/{id}` does, whatever else filters the flows"),
    ),
    responses(
        (status = 200, body = Deleted),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<Deleted>, ApiError> {
    let (filter, params) = filter(params.stated()?, &["conversation"])?;
    let with_conversation = params
        .parsed("conversation", "true", |value| (value == "true").then_some(()))?
        .map(|()| filter.session.clone().ok_or_else(ApiError::whose_conversation))
        .transpose()?;
    let deleted = doors
        .change(move |store| {
            let unindexed = if filter.q.is_some() { store.index_state()?.waiting } else { 0 };
            // Flows that stay because of damage must not keep the conversation.
            let (deleted, stay) = match store.delete_flows(&filter) {
                Err(stay @ StoreError::Stay { removed, .. }) => (removed, Some(stay)),
                deleted => (deleted?, None),
            };
            let conversation = match with_conversation {
                Some(session) => {
                    let done = store.delete_conversation(&session, Micros::now());
                    done.map_err(|cause| match deleted {
                        0 => cause,
                        removed => StoreError::Partly { removed, cause: Box::new(cause) },
                    })?
                }
                None => None,
            };
            if let Some(stay) = stay {
                return Err(stay);
            }
            Ok(Deleted { deleted, unindexed, conversation: conversation.map(Into::into) })
        })
        .await;
    // A deletion is no change of a flow, so watchers can only learn of it by loading anew; one that failed may
    // have removed some.
    doors.load_anew();
    Ok(Json(deleted?))
}

/// Shows one flow.
#[utoipa::path(
    get, path = "/api/flows/{id}", tag = "flows", operation_id = "show_flow",
    params(("id" = String, Path, description = "The flow's id")),
    responses(
        (status = 200, body = wire::Flow),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn one(
    State(doors): State<Doors>,
    FlowPath(id): FlowPath,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    show(&doors, id, move |store| Ok(store.flow(id)?.as_ref().map(wire::Flow::from))).await
}

/// Shows what the agent sent.
#[utoipa::path(
    get, path = "/api/flows/{id}/request", tag = "flows", operation_id = "show_request",
    params(("id" = String, Path, description = "The flow's id")),
    responses(
        (status = 200, body = wire::Request),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn request(
    State(doors): State<Doors>,
    FlowPath(id): FlowPath,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let shown = show(&doors, id, move |store| {
        let Some((flow, half)) = half(store, id, Side::Client)? else { return Ok(None) };
        Ok(Some(wire::Request {
            method: flow.method.clone(),
            path: flow.path.clone(),
            host: flow.host.clone(),
            headers: half.headers,
            trailers: half.trailers,
            body: half.body,
            body_retired: store.retired(id)?.request_body,
        }))
    });
    shown.await
}

/// Shows what the provider answered: head, body as kept, and the assembled message.
#[utoipa::path(
    get, path = "/api/flows/{id}/response", tag = "flows", operation_id = "show_response",
    params(("id" = String, Path, description = "The flow's id")),
    responses(
        (status = 200, body = wire::Response),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn response(
    State(doors): State<Doors>,
    FlowPath(id): FlowPath,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let shown = show(&doors, id, move |store| {
        let Some((flow, half)) = half(store, id, Side::Upstream)? else { return Ok(None) };
        let message = store.message(id)?;
        Ok(Some(wire::Response {
            status: flow.status,
            headers: half.headers,
            trailers: half.trailers,
            body: half.body,
            body_retired: store.retired(id)?.response_body,
            message: message.map(|message| message.into_inner().into()),
        }))
    });
    shown.await
}

/// Lists a flow's stream events in order.
#[utoipa::path(
    get, path = "/api/flows/{id}/events", tag = "flows", operation_id = "list_events",
    params(
        ("id" = String, Path, description = "The flow's id"),
        ("after" = Option<u64>, Query, description = "Only events after this sequence number"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 100 by default"),
        ("type" = Option<String>, Query, description = "Only events of this type"),
    ),
    responses(
        (status = 200, body = wire::EventPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn events(
    State(doors): State<Doors>,
    FlowPath(id): FlowPath,
    params: Params,
) -> Result<Written, ApiError> {
    let params = params.only(&["after", "limit", "type"])?;
    let after: Option<u64> =
        params.parsed("after", "a sequence number, as 99", |value| value.parse().ok())?;
    let limit = params.limit(PAGE, EVENTS_MAX)?;
    let kind = params.owned("type")?;
    let shown = show(&doors, id, move |store| {
        let page = store.events(id, after, limit, kind.as_deref())?;
        let Some(page) = page else { return Ok(None) };
        let retired = page.total == 0 && store.retired(id)?.events;
        Ok(Some(wire::EventPage { retired, ..page.into_inner().into() }))
    });
    shown.await
}

/// What `query` finds of a flow, as the answer to its reader; 404 when there is no such flow.
async fn show<T: Serialize>(
    doors: &Doors,
    id: FlowId,
    query: impl FnOnce(&Store) -> Result<Option<T>, StoreError> + Send + 'static,
) -> Result<Written, ApiError> {
    doors.show(query).await?.ok_or_else(|| ApiError::no_such_flow(id))
}

/// What one side said; nothing where nothing was seen.
struct Half {
    headers: Vec<(String, String)>,
    trailers: Vec<(String, String)>,
    body: Option<wire::Body>,
}

/// A flow with one of its halves; none when there is no such flow.
fn half(store: &Store, id: FlowId, side: Side) -> Result<Option<(Stored<Flow>, Half)>, StoreError> {
    let Some(flow) = store.flow(id)? else { return Ok(None) };
    let heads = store.headers(id, side)?.map(Stored::into_inner).unwrap_or_default();
    let lines = |block: Option<HeaderBlock>| block.as_ref().map(wire::lines).unwrap_or_default();
    let body = store.body(id, side)?.map(|body| body.into_inner().into());
    let (headers, trailers) = (lines(heads.headers), lines(heads.trailers));
    Ok(Some((flow, Half { headers, trailers, body })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_exactly() {
        assert_eq!(dollars("0.05"), Some(MicroUsd(50_000)));
        assert_eq!(dollars("2"), Some(MicroUsd(2_000_000)));
        assert_eq!(dollars("0.000001"), Some(MicroUsd(1)));
        for bad in ["", ".5", "-1", "1e3", "0.0000001", "1,5", "99999999999999999999"] {
            assert_eq!(dollars(bad), None, "{bad}");
        }
    }
}
