//! Tools: what their calls add up to, the calls of one, and one call.

use axum::extract::{Path, State};
use langley_engine::{input_heads, read_invocation};
use langley_store::{InvocationQuery, Store, StoreError, ToolOrder, ToolQuery};

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::flows::PAGE_MAX;
use crate::params::Params;
use crate::wire::{InvocationDetail, InvocationPage, ToolPage, parse_invocation_id};

const PAGE: usize = 100;
/// Bytes of a call's arguments in a list.
const HEAD_MAX: usize = 400;

/// Tells the tools that were called, and what their calls add up to.
///
/// Sums are kept by the hour and outlive the flows; those of a session are of its flows that are kept.
#[utoipa::path(
    get, path = "/api/tools", tag = "flows", operation_id = "list_tools",
    params(
        ("order" = Option<String>, Query, description = "The greatest first: calls (the default), cost, duration, failures, repeats or violations"),
        ("session" = Option<String>, Query, description = "Called in this session"),
        ("since" = Option<String>, Query, description = "In a flow that began in the hour of this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d"),
        ("until" = Option<String>, Query, description = "In a flow that began before this time, or in the same hour"),
        ("costs" = Option<bool>, Query, description = "`false`: without what they cost, which is sooner told; not in the order of cost"),
    ),
    responses(
        (status = 200, body = ToolPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let params = params.only(&["order", "session", "since", "until", "costs"])?;
    let costs = params.parsed("costs", "true or false", |word: &str| word.parse::<bool>().ok())?;
    let words = ToolOrder::ALL.map(|(name, _)| name).join(", ");
    let (since, until) = params.span()?;
    let query = ToolQuery {
        since,
        until,
        session: params.owned("session")?,
        order: params.parsed("order", words, ToolOrder::parse)?.unwrap_or_default(),
        without_costs: costs == Some(false),
    };
    let shown = doors.show(move |store| Ok(Some(ToolPage::from(&store.tools(&query)?))));
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// Lists the calls of one tool, newest first.
#[utoipa::path(
    get, path = "/api/tools/{name}/invocations", tag = "flows", operation_id = "list_invocations",
    params(
        ("name" = String, Path, description = "The tool"),
        ("session" = Option<String>, Query, description = "Called in this session"),
        ("since" = Option<String>, Query, description = "In a flow that began at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d"),
        ("until" = Option<String>, Query, description = "In a flow that began before this time"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 100 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("input" = Option<bool>, Query, description = "`true`: with how the arguments of each begin; at most 100 calls then"),
    ),
    responses(
        (status = 200, body = InvocationPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn invocations(
    State(doors): State<Doors>,
    Path(tool): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    let params = params.only(&["session", "since", "until", "limit", "cursor", "input"])?;
    let (limit, cursor) = (params.limit(PAGE, PAGE_MAX)?, params.owned("cursor")?);
    let input: Option<bool> =
        params.parsed("input", "true or false", |word: &str| word.parse().ok())?;
    let with_input = input.unwrap_or(false);
    // An answer is read for each of them.
    let limit = if with_input { limit.min(PAGE) } else { limit };
    let (since, until) = params.span()?;
    let name = tool.clone();
    let query = InvocationQuery { tool, session: params.owned("session")?, since, until };
    let shown = doors.show(move |store| {
        let page = store.invocations(&query, cursor.as_deref(), limit)?;
        let is_known = !page.items.is_empty() || is_known(store, &query.tool)?;
        let heads =
            if with_input { input_heads(store, &page.items, HEAD_MAX)? } else { Vec::new() };
        Ok(is_known.then(|| InvocationPage::from(&page).with_heads(heads)))
    });
    shown.await?.ok_or_else(|| ApiError::no_such_tool(&name))
}

/// Whether anybody ever called a tool of this name: sums outlive the calls, and calls are there before the sums.
fn is_known(store: &Store, name: &str) -> Result<bool, StoreError> {
    let (tool, session) = (name.to_owned(), None);
    let all = InvocationQuery { tool, session, since: None, until: None };
    if !store.invocations(&all, None, 1)?.items.is_empty() {
        return Ok(true);
    }
    let query = ToolQuery::default();
    Ok(store.tools(&query)?.tools.iter().any(|tool| tool.name == name))
}

/// Shows one call with its arguments, its result and its runs.
#[utoipa::path(
    get, path = "/api/tool-invocations/{id}", tag = "flows", operation_id = "show_invocation",
    params(("id" = String, Path, description = "The call's id, as a list of calls has it")),
    responses(
        (status = 200, body = InvocationDetail),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn invocation(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let (flow, position) =
        parse_invocation_id(&id).ok_or_else(|| ApiError::no_such_invocation(&id))?;
    let shown = doors.show(move |store| {
        Ok(read_invocation(store, flow, position)?.map(|read| InvocationDetail::from(&read)))
    });
    shown.await?.ok_or_else(|| ApiError::no_such_invocation(&id))
}
