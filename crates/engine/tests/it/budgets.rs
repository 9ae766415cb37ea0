//! Budgets: what is spent by the store's sums, and what is refused from then on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use langley_engine::{Budget, BudgetAction, BudgetBell, BudgetKeeper, BudgetScope, BudgetState};
use langley_model::{
    Attributed, ConnectionId, Flow, FlowId, MicroUsd, Micros, Outcome, PublishedGate, Record,
    Redactor, RedactorOptions, Tokens,
};
use langley_store::{Store, StoreOptions};

/// A store whose changes ring a keeper.
struct Till {
    store: Store,
    redactor: Redactor,
    bell: BudgetBell,
    gate: Arc<PublishedGate>,
    _folder: tempfile::TempDir,
}

impl Till {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bell = BudgetBell::default();
        let rung = bell.clone();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(move |changes| rung.ring(changes))).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        Self { store, redactor, bell, gate: Arc::default(), _folder: folder }
    }

    /// A call that cost so much, just now.
    fn spend(&self, session: &str, agent: &str, cost: Option<i64>) {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros::now());
        flow.session = Some(Attributed { id: session.into(), source: "header:session-id" });
        flow.agent = Some(agent.into());
        flow.outcome = Some(Outcome::Completed);
        flow.usage.output = Some(Tokens(1));
        flow.cost = cost.map(MicroUsd);
        let record = self.redactor.seal(Record::Flow(Arc::new(flow)));
        self.store.submit(vec![record]).unwrap();
        self.store.flush().unwrap();
    }

    fn keep(&self, budgets: Vec<Budget>) -> BudgetKeeper {
        let (store, bell, gate) = (self.store.clone(), self.bell.clone(), Arc::clone(&self.gate));
        BudgetKeeper::spawn(budgets, store, bell, gate).unwrap()
    }

    /// What a call with these headers is answered.
    fn asked(&self, lines: &[(&str, &str)]) -> Option<String> {
        let header = |name: &str| lines.iter().find(|(it, _)| *it == name).map(|(_, value)| *value);
        self.gate.bars("/v1/messages", header).map(|barred| barred.message)
    }
}

fn budget(name: &str, scope: BudgetScope, action: BudgetAction) -> Budget {
    let limit = MicroUsd(5_000_000);
    Budget { name: name.into(), scope, limit, action, agent: None, model: None }
}

/// Waits, within bounds, for how the budgets stand.
fn until(keeper: &BudgetKeeper, met: impl Fn(&[BudgetState]) -> bool) -> Vec<BudgetState> {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let states = keeper.reader().states();
        if met(&states) {
            return states;
        }
        assert!(Instant::now() < give_up, "waited in vain: {states:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_day_that_is_spent_refuses_every_call_and_says_what_to_do() {
    let till = Till::new();
    till.spend("s", "codex", Some(4_000_000));
    let keeper = till.keep(vec![budget("daily", BudgetScope::Day, BudgetAction::Refuse)]);
    // What was there already counts from the first moment on.
    let state = keeper.reader().states().remove(0);
    assert_eq!((state.spent, state.is_over), (Some(MicroUsd(4_000_000)), false));
    assert_eq!(till.asked(&[]), None);
    till.spend("s", "codex", Some(1_120_000));
    let state = until(&keeper, |states| states[0].is_over).remove(0);
    assert_eq!(state.spent, Some(MicroUsd(5_120_000)));
    assert!(state.since.unwrap() < Micros::now() && Micros::now() < state.until.unwrap());
    let told = till.asked(&[]).unwrap();
    for part in
        ["`daily`", "$5.00 a day", "$5.12 so far", "begins anew at", "budgets.daily.limit_usd"]
    {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_warning_refuses_nothing() {
    let till = Till::new();
    let keeper = till.keep(vec![budget("soft", BudgetScope::Month, BudgetAction::Warn)]);
    till.spend("s", "codex", Some(5_000_000));
    assert_eq!(until(&keeper, |states| states[0].is_over).len(), 1);
    assert_eq!(till.asked(&[]), None);
}

#[test]
fn a_session_that_is_spent_is_refused_and_no_other() {
    let till = Till::new();
    till.spend("old", "codex", Some(6_000_000));
    let keeper = till.keep(vec![budget("each", BudgetScope::Session, BudgetAction::Refuse)]);
    let of = |session| till.asked(&[("session-id", session)]);
    assert!(of("old").unwrap().contains("begin another"));
    for _ in 0..2 {
        assert_eq!(of("new"), None);
        till.spend("new", "codex", Some(2_500_000));
    }
    let states = until(&keeper, |states| states[0].sessions.len() == 2);
    assert_eq!(states[0].sessions, ["old", "new"]);
    assert!(of("new").is_some());
    assert_eq!((of("other"), till.asked(&[])), (None, None));
}

#[test]
fn a_budget_of_one_agent_is_spent_by_it_alone_and_unknown_costs_are_told() {
    let till = Till::new();
    let codex = Budget {
        agent: Some("codex".into()),
        ..budget("codex", BudgetScope::Day, BudgetAction::Refuse)
    };
    let keeper = till.keep(vec![codex]);
    till.spend("s", "claude-code", Some(9_000_000));
    till.spend("s", "codex", None);
    till.spend("s", "codex", Some(1_000_000));
    let state = until(&keeper, |states| states[0].spent.is_some()).remove(0);
    assert_eq!((state.spent, state.unpriced), (Some(MicroUsd(1_000_000)), 1));
    till.spend("s", "codex", Some(4_000_000));
    until(&keeper, |states| states[0].is_over);
    assert!(till.asked(&[("user-agent", "codex_exec/0.169.0")]).is_some());
    assert_eq!(till.asked(&[("user-agent", "claude-cli/2.1.329")]), None);
}
