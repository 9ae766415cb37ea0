//! Search: the texts of flows, with the words that were asked for in their surroundings.

use axum::extract::State;
use langley_engine::search as find;
use langley_model::Place;
use langley_store::SearchQuery;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::flows::filter;
use crate::params::Params;
use crate::wire::{SearchFlow, SearchPage};

/// Flows of one page, and most of them: each is read back and cut into snippets.
const PAGE: usize = 20;
const PAGE_MAX: usize = 100;

/// Searches prompts, answers, thoughts, tool inputs and tool results: what was new in each flow. Every
/// word of `q` must be there; `"words in quotes"` one after the other; `beginning*` finds words that
/// begin so, three letters or more before the star, which means nothing elsewhere. Case does not matter,
/// accents do; AND, OR and NOT are words like any other. The newest flow first.
#[utoipa::path(
    get, path = "/api/search", tag = "flows", operation_id = "search",
    params(
        ("place" = Option<String>, Query, description = "prompt, answer, thinking, tool_input or tool_result"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        crate::openapi::FlowQuery,
    ),
    responses(
        (status = 200, body = SearchPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn search(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    let (mut filter, params) = filter(params, &["place", "limit", "cursor"])?;
    let places = Place::ALL.map(Place::as_str).join(", ");
    let place = params.parsed("place", places, Place::parse)?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let cursor = params.owned("cursor")?;
    let text = filter.q.take().ok_or_else(|| {
        ApiError::missing_parameter("q", "Pass the words to search for, as q=fix+\"the+parser\".")
    })?;
    let query = SearchQuery::parse(&text)?;
    let redactor = doors.clone();
    let shown = doors.show(move |store| {
        let redactor = redactor.redactor();
        let page = find(store, redactor, &query, place, &filter, cursor.as_deref(), limit)?;
        let items = page.items.iter().map(SearchFlow::from).collect();
        let unindexed = store.index_state()?.waiting;
        Ok(Some(SearchPage {
            items,
            next_cursor: page.next_cursor,
            damaged: page.damaged,
            unindexed,
        }))
    });
    shown.await?.ok_or_else(|| ApiError::internal("a search answered nothing"))
}
