//! How budgets stand, by what the store has added up, and the gate that follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Zoned;
use langley_model::{Barred, Barrier, Gate, MicroUsd, Redactor};
use langley_store::{
    CostQuery, Figure, Measure, SessionCost, Store, StoreError, Sums, Tally as Kept, UsageQuery,
};

use super::period::Period;
use super::{Budget, BudgetAction, BudgetScope, BudgetState};
use crate::agent::agent;

/// Sessions beyond a budget that are refused: those that were active last. An older one is again from its next
/// call with a cost on.
const SESSIONS: usize = 4_096;

/// Payment Required: agents show it and do not try again.
const STATUS: u16 = 402;

/// What stands in the flow and in `x-langley-error`.
const CODE: &str = "budget_spent";

/// How all budgets stand.
#[derive(Debug)]
pub(super) struct Tally {
    budgets: Vec<Standing>,
}

#[derive(Debug)]
struct Standing {
    budget: Budget,
    /// What the sessions have spent that are beyond.
    beyond: BTreeMap<String, MicroUsd>,
    /// What the session spent that spent most.
    most: Option<MicroUsd>,
    unpriced: u64,
}

impl Tally {
    pub(super) fn new(budgets: Vec<Budget>) -> Self {
        let standing =
            |budget| Standing { budget, beyond: BTreeMap::new(), most: None, unpriced: 0 };
        Self { budgets: budgets.into_iter().map(standing).collect() }
    }

    /// Whether anything is added up by session.
    pub(super) fn has_sessions(&self) -> bool {
        self.budgets.iter().any(|standing| standing.budget.scope == BudgetScope::Session)
    }

    /// Looks at all sessions: whatever was known of them may have changed.
    pub(super) fn look_at_all(&mut self, store: &Store) -> Result<(), StoreError> {
        for standing in self.of_sessions() {
            let budget = &standing.budget;
            let beyond =
                store.sessions_beyond(budget.limit, SESSIONS, |session| is_its(budget, session))?;
            let dearest = store.dearest_session(|session| is_its(budget, session))?;
            standing.unpriced = dearest.as_ref().map_or(0, |session| session.unpriced);
            standing.most = dearest.map(|session| session.cost);
            standing.beyond = beyond.into_iter().map(|it| (it.id, it.cost)).collect();
        }
        Ok(())
    }

    /// Looks at a session of which a flow has changed.
    pub(super) fn look_at(&mut self, store: &Store, id: &str) -> Result<(), StoreError> {
        let session = store.session_cost(id)?;
        let mut is_full = false;
        for standing in self.of_sessions() {
            let its = session.as_ref().filter(|session| is_its(&standing.budget, session));
            is_full |= !standing.spend(id, its);
        }
        if is_full { self.look_at_all(store) } else { Ok(()) }
    }

    fn of_sessions(&mut self) -> impl Iterator<Item = &mut Standing> {
        let all = self.budgets.iter_mut();
        all.filter(|standing| standing.budget.scope == BudgetScope::Session)
    }

    /// How each stands now.
    pub(super) fn states(
        &self,
        store: &Store,
        now: &Zoned,
    ) -> Result<Vec<BudgetState>, StoreError> {
        self.budgets.iter().map(|standing| standing.state(store, now)).collect()
    }
}

impl Standing {
    /// What a session has spent now, if it has any flow with a cost; whether there was room for that.
    fn spend(&mut self, id: &str, session: Option<&SessionCost>) -> bool {
        if let Some(session) = session
            && self.most.is_none_or(|most| session.cost >= most)
        {
            (self.most, self.unpriced) = (Some(session.cost), session.unpriced);
        }
        let beyond = session.filter(|session| session.cost >= self.budget.limit);
        let Some(session) = beyond else {
            self.beyond.remove(id);
            return true;
        };
        let has_room = self.beyond.len() < SESSIONS || self.beyond.contains_key(id);
        if has_room {
            self.beyond.insert(id.to_owned(), session.cost);
        }
        has_room
    }

    fn state(&self, store: &Store, now: &Zoned) -> Result<BudgetState, StoreError> {
        let budget = self.budget.clone();
        let Some(period) = Period::of(budget.scope, now) else {
            let mut sessions: Vec<_> = self.beyond.iter().collect();
            sessions.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.0));
            return Ok(BudgetState {
                since: None,
                until: None,
                spent: self.most,
                unpriced: self.unpriced,
                is_over: !sessions.is_empty(),
                sessions: sessions.into_iter().map(|(id, _)| id.clone()).collect(),
                budget,
            });
        };
        let usage = UsageQuery {
            since: Some(period.since),
            agent: budget.agent.clone(),
            model: budget.model.clone(),
            ..UsageQuery::default()
        };
        let project = budget.project.clone();
        let sums = store.costs(&CostQuery { usage, project, ..CostQuery::default() })?.totals;
        let spent = spent(&sums);
        Ok(BudgetState {
            since: Some(period.since),
            until: Some(period.until),
            spent,
            unpriced: sums.tally(Kept::Unpriced),
            sessions: Vec::new(),
            is_over: spent.is_some_and(|spent| spent >= budget.limit),
            budget,
        })
    }
}

/// Whether what a session spends is of a budget.
fn is_its(budget: &Budget, session: &SessionCost) -> bool {
    (budget.agent.is_none() || budget.agent == session.agent)
        && (budget.project.is_none() || budget.project == session.project)
        && (budget.model.is_none() || budget.model == session.model)
}

/// The gate that follows from how budgets stand.
pub(super) fn gate(states: &[BudgetState], redactor: &Arc<Redactor>, now: &Zoned) -> Gate {
    let refusing =
        states.iter().filter(|it| it.is_over && it.budget.action == BudgetAction::Refuse);
    let barrier = |state: &BudgetState| Barrier {
        sessions: (state.budget.scope == BudgetScope::Session)
            .then(|| state.sessions.iter().cloned().collect()),
        agent: state.budget.agent.clone(),
        answer: Barred { status: STATUS, code: CODE, message: sentence(state, now) },
    };
    Gate {
        redactor: Arc::clone(redactor),
        agent_of: |text| agent(text).map(|agent| agent.kind),
        barriers: refusing.map(barrier).collect(),
    }
}

/// What is spent, by which rule, and what to do.
pub(super) fn sentence(state: &BudgetState, now: &Zoned) -> String {
    let Budget { name, scope, limit, .. } = &state.budget;
    let Budget { agent, project, .. } = &state.budget;
    let whose: String =
        [agent, project].into_iter().flatten().map(|whose| format!(" of {whose}")).collect();
    let next = format!(
        "raise `budgets.{name}.limit_usd`, or set `budgets.{name}.action` to warn, and start Langley again"
    );
    let limit = dollars(*limit);
    match Period::of(*scope, now) {
        Some(period) => {
            let spent = dollars(state.spent.unwrap_or_default());
            format!(
                "the budget `{name}`{whose} of {limit} a {} is spent ({spent} so far); it begins anew at {}, \
                 or {next}",
                scope.as_str(),
                period.ends
            )
        }
        None => format!(
            "the budget `{name}`{whose} of {limit} a session is spent by this one; begin another, or {next}"
        ),
    }
}

fn spent(sums: &Sums) -> Option<MicroUsd> {
    let Figure { sum, .. } = Some(sums.figure(Measure::Cost)).filter(|it| it.flows > 0)?;
    Some(MicroUsd(i64::try_from(sum).unwrap_or(i64::MAX)))
}

/// Money for people, to the cent; less than that in full.
fn dollars(money: MicroUsd) -> String {
    let (whole, rest) = (money.0 / 1_000_000, (money.0 % 1_000_000).abs());
    if rest % 10_000 == 0 {
        format!("${whole}.{:02}", rest / 10_000)
    } else {
        format!("${whole}.{rest:06}").trim_end_matches('0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_to_the_cent_and_small_money_in_full() {
        let told = |micros| dollars(MicroUsd(micros));
        assert_eq!([told(5_000_000), told(120_000), told(0)], ["$5.00", "$0.12", "$0.00"]);
        assert_eq!([told(1_234_500), told(7)], ["$1.2345", "$0.000007"]);
    }
}
