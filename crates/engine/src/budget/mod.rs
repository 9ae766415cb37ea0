//! Budgets: what may be spent in a day, a month or a session, and what happens beyond.

mod keeper;
mod period;
mod tally;

use langley_model::{MicroUsd, Micros};

pub use keeper::{BudgetBell, BudgetKeeper, BudgetReader};

/// A rule about money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// Over what is added up.
    pub scope: BudgetScope,
    /// What may be spent in each.
    pub limit: MicroUsd,
    /// What happens beyond.
    pub action: BudgetAction,
    /// Only what this kind of agent spends.
    pub agent: Option<String>,
    /// Only what this model costs. A request says it in its body, so that calls cannot be refused by it.
    pub model: Option<String>,
    /// Only what this project costs, likewise.
    pub project: Option<String>,
}

/// Over what a budget is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetScope {
    /// A session.
    Session,
    /// A day of the local time.
    Day,
    /// A month of the local time.
    Month,
}

/// What happens beyond a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetAction {
    /// It is said.
    Warn,
    /// It is said, and further calls are refused.
    Refuse,
}

impl BudgetScope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Session, Self::Day, Self::Month];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// What [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

impl BudgetAction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Warn, Self::Refuse];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }

    /// What [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// How a budget stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// The rule.
    pub budget: Budget,
    /// Since when is added up; none for sessions.
    pub since: Option<Micros>,
    /// When it begins anew; none for sessions.
    pub until: Option<Micros>,
    /// What was spent, of a session budget by the session that spent most; none where no flow has a cost.
    pub spent: Option<MicroUsd>,
    /// Flows with usage whose cost is not known: so many are missing in what was spent.
    pub unpriced: u64,
    /// The sessions that are beyond, those of a session budget that are known of; the one that spent most first.
    pub sessions: Vec<String>,
    /// Whether the limit is reached.
    pub is_over: bool,
}
