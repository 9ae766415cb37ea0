//! How budgets stand, by what the store has added up, and the gate that follows from it.

use std::collections::BTreeMap;

use jiff::Zoned;
use langley_model::{Barred, Barrier, Gate, MicroUsd};
use langley_store::{Figure, Measure, Session, Store, StoreError, Sums, Tally as Kept, UsageQuery};

use super::period::Period;
use super::{Budget, BudgetAction, BudgetScope, BudgetState};
use crate::agent::agent;
use crate::session::HEADERS;

/// Sessions beyond a budget that are remembered, and those that are looked at first.
const SESSIONS: usize = 4_096;
const LOOKED_AT: usize = 500;

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

    /// Looks at the newest sessions of all.
    pub(super) fn look_at_newest(&mut self, store: &Store) -> Result<(), StoreError> {
        for session in store.sessions(None, None, LOOKED_AT)?.items {
            self.add_session(&session);
        }
        Ok(())
    }

    /// Looks at a session of which a flow has changed.
    pub(super) fn look_at(&mut self, store: &Store, id: &str) -> Result<(), StoreError> {
        if let Some(session) = store.session(id)? {
            self.add_session(&session);
        }
        Ok(())
    }

    fn add_session(&mut self, session: &Session) {
        for standing in &mut self.budgets {
            let budget = &standing.budget;
            let is_its = budget.scope == BudgetScope::Session
                && (budget.agent.is_none() || budget.agent == session.agent)
                && (budget.model.is_none() || budget.model == session.model);
            if is_its {
                standing.unpriced = standing.unpriced.max(session.sums.tally(Kept::Unpriced));
                standing.spend(&session.id, spent(&session.sums));
            }
        }
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
    fn spend(&mut self, session: &str, spent: Option<MicroUsd>) {
        self.most = self.most.max(spent);
        match spent.filter(|spent| *spent >= self.budget.limit) {
            Some(spent) if self.beyond.len() < SESSIONS || self.beyond.contains_key(session) => {
                self.beyond.insert(session.to_owned(), spent);
            }
            Some(_) => {}
            None => drop(self.beyond.remove(session)),
        }
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
        let query = UsageQuery {
            since: Some(period.since),
            agent: budget.agent.clone(),
            model: budget.model.clone(),
            ..UsageQuery::default()
        };
        let sums = store.usage(&query)?.totals;
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

/// The gate that follows from how budgets stand.
pub(super) fn gate(states: &[BudgetState], now: &Zoned) -> Gate {
    let refusing =
        states.iter().filter(|it| it.is_over && it.budget.action == BudgetAction::Refuse);
    let barriers = refusing.flat_map(|state| {
        let answer = Barred { status: STATUS, code: CODE, message: sentence(state, now) };
        let barrier = move |session: Option<String>| Barrier {
            session,
            agent: state.budget.agent.clone(),
            answer: answer.clone(),
        };
        let all = (state.budget.scope != BudgetScope::Session).then_some(None);
        let sessions = state.sessions.iter().cloned().map(Some);
        all.into_iter().chain(sessions).map(barrier)
    });
    Gate {
        session_headers: &HEADERS,
        agent_of: |text| agent(text).map(|agent| agent.kind),
        barriers: barriers.collect(),
    }
}

/// What is spent, by which rule, and what to do.
pub(super) fn sentence(state: &BudgetState, now: &Zoned) -> String {
    let Budget { name, scope, limit, .. } = &state.budget;
    let whose = match &state.budget.agent {
        Some(agent) => format!(" of {agent}"),
        None => String::new(),
    };
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
