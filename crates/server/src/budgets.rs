//! Budgets: how each stands.

use axum::Json;
use axum::extract::State;
use langley_engine::BudgetReader;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::wire::BudgetPage;

/// Lists budgets with what was spent of them.
#[utoipa::path(
    get, path = "/api/budgets", tag = "flows",
    responses((status = 200, body = BudgetPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody))
)]
pub(crate) async fn budgets(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<BudgetPage>, ApiError> {
    params.only(&[])?;
    let states = doors.gauges().budgets.states();
    Ok(Json(BudgetPage { items: states.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Names of the budgets that are spent.
pub(crate) fn spent(reader: &BudgetReader) -> Vec<String> {
    let states = reader.states().into_iter();
    states.filter(|state| state.is_over).map(|state| state.budget.name).collect()
}
