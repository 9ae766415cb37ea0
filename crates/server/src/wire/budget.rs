//! How budgets stand, as JSON.

use langley_engine::BudgetState;
use serde::Serialize;
use utoipa::ToSchema;

use super::flow::Cost;
use super::page::rfc3339;

/// All budgets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetPage {
    /// By name.
    pub items: Vec<Budget>,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// A budget, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Budget {
    /// Its name.
    pub name: String,
    /// `day`, `month` or `session`.
    pub scope: &'static str,
    /// `warn` or `refuse`.
    pub action: &'static str,
    /// What may be spent.
    pub limit: Cost,
    /// Only what this kind of agent spends.
    pub agent: Option<String>,
    /// Only what this model costs.
    pub model: Option<String>,
    /// Only what this project costs.
    pub project: Option<String>,
    /// Since when is added up; null for sessions.
    pub since: Option<String>,
    /// When it begins anew; null for sessions.
    pub until: Option<String>,
    /// What was spent, of sessions by the one that spent most; null where no flow has a cost.
    pub spent: Option<Cost>,
    /// Flows with usage and without a known cost: they are missing in what was spent.
    pub unpriced_flows: u64,
    /// Whether it is spent.
    pub is_spent: bool,
    /// The sessions that have spent it, the one that spent most first.
    pub sessions: Vec<String>,
}

impl From<BudgetState> for Budget {
    fn from(state: BudgetState) -> Self {
        Self {
            scope: state.budget.scope.as_str(),
            action: state.budget.action.as_str(),
            limit: state.budget.limit.into(),
            name: state.budget.name,
            agent: state.budget.agent,
            model: state.budget.model,
            project: state.budget.project,
            since: state.since.map(rfc3339),
            until: state.until.map(rfc3339),
            spent: state.spent.map(Into::into),
            unpriced_flows: state.unpriced,
            is_spent: state.is_over,
            sessions: state.sessions,
        }
    }
}
