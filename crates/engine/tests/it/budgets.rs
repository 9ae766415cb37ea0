//! Budgets: what is spent by the store's sums, and what is refused from then on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use langley_engine::{Budget, BudgetAction, BudgetBell, BudgetKeeper, BudgetScope, BudgetState};
use langley_model::{
    Attributed, ConnectionId, Flow, FlowId, MicroUsd, Micros, Outcome, PublishedGate, Record,
    Redacted, Redactor, RedactorOptions, Tokens,
};
use langley_store::{FlowFilter, RepriceQuery, Store, StoreOptions};

/// A store whose changes ring a keeper.
struct Till {
    store: Store,
    redactor: Arc<Redactor>,
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
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        Self { store, redactor, bell, gate: Arc::default(), _folder: folder }
    }

    /// A call that cost so much, just now.
    fn spend(&self, session: &str, agent: &str, cost: Option<i64>) {
        self.store.submit(vec![self.call(session, agent, cost)]).unwrap();
        self.store.flush().unwrap();
    }

    fn call(&self, session: &str, agent: &str, cost: Option<i64>) -> Redacted<Record> {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros::now());
        flow.session = Some(Attributed { id: session.into(), source: "header:session-id" });
        flow.agent = Some(agent.into());
        flow.project = Some(Attributed { id: format!("/w/{session}"), source: "body:folder" });
        flow.outcome = Some(Outcome::Completed);
        flow.usage.output = Some(Tokens(1));
        flow.cost = cost.map(MicroUsd);
        self.redactor.seal(Record::Flow(Arc::new(flow)))
    }

    fn keep(&self, budgets: Vec<Budget>) -> BudgetKeeper {
        let (store, bell, gate) = (self.store.clone(), self.bell.clone(), Arc::clone(&self.gate));
        BudgetKeeper::spawn(budgets, store, Arc::clone(&self.redactor), bell, gate).unwrap()
    }

    /// What a call with these headers is answered.
    fn asked(&self, lines: &[(&str, &str)]) -> Option<String> {
        let headers = || lines.iter().map(|(name, value)| (*name, value.as_bytes()));
        self.gate.bars("/v1/messages", headers).map(|barred| barred.message)
    }
}

fn budget(name: &str, scope: BudgetScope, action: BudgetAction) -> Budget {
    let limit = MicroUsd(5_000_000);
    Budget { name: name.into(), scope, limit, action, agent: None, model: None, project: None }
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
fn a_budget_of_one_project_is_spent_by_it_alone() {
    let till = Till::new();
    let project =
        |scope, action| Budget { project: Some("/w/s".into()), ..budget("of one", scope, action) };
    let keeper = till.keep(vec![
        project(BudgetScope::Month, BudgetAction::Warn),
        project(BudgetScope::Session, BudgetAction::Refuse),
    ]);
    till.spend("other", "codex", Some(9_000_000));
    till.spend("s", "codex", None);
    till.spend("s", "codex", Some(1_000_000));
    let state = until(&keeper, |states| states[0].spent.is_some()).remove(0);
    assert_eq!((state.spent, state.unpriced), (Some(MicroUsd(1_000_000)), 1));
    till.spend("s", "codex", Some(4_000_000));
    let states = until(&keeper, |states| states.iter().all(|state| state.is_over));
    assert_eq!(states[1].sessions, ["s"]);
    let of = |session| till.asked(&[("session-id", session)]);
    assert!(of("s").unwrap().contains("of /w/s of $5.00 a session"));
    assert_eq!(of("other"), None);
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

#[test]
fn a_session_that_was_refused_goes_on_once_its_flows_cost_less_or_are_gone() {
    let till = Till::new();
    till.spend("dear", "codex", Some(6_000_000));
    till.spend("gone", "codex", Some(7_000_000));
    let keeper = till.keep(vec![budget("each", BudgetScope::Session, BudgetAction::Refuse)]);
    let of = |session| till.asked(&[("session-id", session)]);
    assert!(of("dear").is_some() && of("gone").is_some());
    let only = FlowFilter { session: Some("gone".into()), ..FlowFilter::default() };
    till.store.delete_flows(&only).unwrap();
    keeper.reader().look_again();
    let state = until(&keeper, |states| states[0].sessions.len() == 1).remove(0);
    assert_eq!((state.spent, of("gone")), (Some(MicroUsd(6_000_000)), None));
    assert!(of("dear").is_some());
    let cheaper = Box::new(|flow: &mut Flow| flow.cost = Some(MicroUsd(10)));
    let everything = till.redactor.seal(RepriceQuery::default());
    till.store.reprice(&everything, "book", false, cheaper).unwrap();
    keeper.reader().look_again();
    let state = until(&keeper, |states| !states[0].is_over).remove(0);
    assert_eq!((state.spent, of("dear")), (Some(MicroUsd(10)), None));
}

#[test]
fn of_very_many_sessions_at_once_each_that_is_spent_is_refused() {
    let till = Till::new();
    let keeper = till.keep(vec![budget("each", BudgetScope::Session, BudgetAction::Refuse)]);
    let cheap = (0..2_000).map(|number| till.call(&format!("cheap-{number}"), "codex", Some(1)));
    let first = till.call("first", "codex", Some(5_000_000));
    till.store.submit([first].into_iter().chain(cheap).collect()).unwrap();
    till.store.flush().unwrap();
    let state = until(&keeper, |states| states[0].is_over).remove(0);
    assert_eq!(state.sessions, ["first"]);
    assert!(till.asked(&[("session-id", "first")]).is_some());
    assert_eq!(till.asked(&[("session-id", "cheap-7")]), None);
}

#[test]
fn a_session_budget_of_one_agent_is_spent_by_its_sessions_alone() {
    let till = Till::new();
    till.spend("one", "codex", Some(6_000_000));
    till.spend("other", "claude-code", Some(7_000_000));
    let each = budget("each", BudgetScope::Session, BudgetAction::Refuse);
    let keeper = till.keep(vec![Budget { agent: Some("codex".into()), ..each }]);
    let state = keeper.reader().states().remove(0);
    assert_eq!((state.sessions, state.spent), (vec!["one".to_owned()], Some(MicroUsd(6_000_000))));
}
