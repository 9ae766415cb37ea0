//! The keeper of budgets: a thread that adds up what was committed and publishes what is refused from then
//! on.
//!
//! It goes by the store's sums alone, so that a start, a second program or an import changes nothing in what
//! counts. A call that is running when a budget is spent runs on: what it costs is known at its end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Zoned;
use langley_model::{MicroUsd, PublishedGate, Redactor};
use langley_store::{Change, Store, StoreError};
use parking_lot::{Condvar, Mutex};

use super::tally::{Tally, gate, sentence};
use super::{Budget, BudgetScope, BudgetState};

/// The shortest time between two looks at the sums.
const GATHER: Duration = Duration::from_millis(100);

/// A day ends without a flow, and flows that are removed by their age announce nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Sessions that may wait to be looked at one by one; beyond these all are.
const WAITING: usize = 1_024;

/// Wakes the keeper; made before the store, whose changes ring it.
#[derive(Clone, Debug, Default)]
pub struct BudgetBell(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: Mutex<Asked>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct Asked {
    /// Whether a keeper listens at all.
    is_kept: bool,
    has_cost: bool,
    sessions: Sessions,
    ends: bool,
}

/// Sessions that are to be looked at.
#[derive(Debug)]
enum Sessions {
    These(BTreeSet<String>),
    All,
}

impl Default for Sessions {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl Sessions {
    fn add(&mut self, id: &str) {
        let Self::These(ids) = self else { return };
        if !ids.contains(id) {
            ids.insert(id.to_owned());
        }
        if ids.len() > WAITING {
            *self = Self::All;
        }
    }
}

impl BudgetBell {
    /// Wakes the keeper when a flow has a cost. Never waits.
    pub fn ring(&self, changes: &[Change]) {
        let mut asked = self.0.asked.lock();
        if !asked.is_kept {
            return;
        }
        for change in changes.iter().filter(|change| change.flow.cost.is_some()) {
            asked.has_cost = true;
            if let Some(session) = &change.flow.session {
                asked.sessions.add(&session.id);
            }
        }
        let is_asked = asked.has_cost;
        drop(asked);
        if is_asked {
            self.0.rung.notify_one();
        }
    }

    /// Wakes the keeper to look at everything: costs have changed without a flow that says so. Never waits.
    fn ring_all(&self) {
        let mut asked = self.0.asked.lock();
        asked.has_cost = true;
        asked.sessions = Sessions::All;
        drop(asked);
        self.0.rung.notify_one();
    }

    /// What was asked for, once there is something or it is time; none at the end.
    fn wait(&self) -> Option<Sessions> {
        let until = Instant::now() + LOOK_AGAIN;
        let mut asked = self.0.asked.lock();
        while !asked.has_cost && !asked.ends {
            if self.0.rung.wait_until(&mut asked, until).timed_out() {
                asked.sessions = Sessions::All;
                break;
            }
        }
        // A burst of flows is looked at once.
        let until = Instant::now() + GATHER;
        while !asked.ends && !self.0.rung.wait_until(&mut asked, until).timed_out() {}
        asked.has_cost = false;
        (!asked.ends).then(|| std::mem::take(&mut asked.sessions))
    }
}

/// Reads how budgets stand.
#[derive(Clone, Debug, Default)]
pub struct BudgetReader {
    states: Arc<Mutex<Vec<BudgetState>>>,
    bell: BudgetBell,
}

impl BudgetReader {
    /// How each stands, in the order of their names.
    #[must_use]
    pub fn states(&self) -> Vec<BudgetState> {
        self.states.lock().clone()
    }

    /// Has everything looked at again: flows were priced anew, or are gone.
    pub fn look_again(&self) {
        self.bell.ring_all();
    }
}

/// The running keeper; ends when it is dropped.
#[derive(Debug)]
pub struct BudgetKeeper {
    bell: BudgetBell,
    reader: BudgetReader,
    thread: Option<JoinHandle<()>>,
}

impl BudgetKeeper {
    /// Adds up what is there, publishes what follows from it, and keeps doing so. Without budgets there is
    /// nothing to do, and no thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(
        budgets: Vec<Budget>,
        store: Store,
        redactor: Arc<Redactor>,
        bell: BudgetBell,
        published: Arc<PublishedGate>,
    ) -> std::io::Result<Self> {
        let reader = BudgetReader { bell: bell.clone(), ..BudgetReader::default() };
        if budgets.is_empty() {
            return Ok(Self { bell, reader, thread: None });
        }
        bell.0.asked.lock().is_kept = true;
        let mut work = Work {
            tally: Tally::new(budgets),
            store,
            redactor,
            published,
            reader: reader.clone(),
            told: BTreeSet::new(),
        };
        // Before the first request: what was spent yesterday may be refused today.
        work.look(&Sessions::All);
        let own = bell.clone();
        let thread = std::thread::Builder::new().name("budgets".to_owned()).spawn(move || {
            while let Some(sessions) = own.wait() {
                work.look(&sessions);
            }
        })?;
        Ok(Self { bell, reader, thread: Some(thread) })
    }

    /// A way to read how budgets stand.
    #[must_use]
    pub fn reader(&self) -> BudgetReader {
        self.reader.clone()
    }
}

impl Drop for BudgetKeeper {
    fn drop(&mut self) {
        self.bell.0.asked.lock().ends = true;
        self.bell.0.rung.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(
                "the keeper of budgets ended in a fault; what it refused stayed refused"
            );
        }
    }
}

struct Work {
    tally: Tally,
    store: Store,
    redactor: Arc<Redactor>,
    published: Arc<PublishedGate>,
    reader: BudgetReader,
    /// What was said already: a budget, and the period or the session.
    told: BTreeSet<(String, String)>,
}

impl Work {
    fn look(&mut self, sessions: &Sessions) {
        let looked = match sessions {
            Sessions::These(ids) if self.tally.has_sessions() => {
                ids.iter().try_for_each(|id| self.tally.look_at(&self.store, id))
            }
            Sessions::These(_) => Ok(()),
            Sessions::All => self.tally.look_at_all(&self.store),
        };
        self.settle(looked);
    }

    /// Publishes how things stand. Where the sums cannot be read, what stood before stands: of sessions by itself.
    fn settle(&mut self, looked: Result<(), StoreError>) {
        let now = Zoned::now();
        match looked {
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "what sessions have spent cannot be read"),
            Ok(()) => {}
        }
        match self.tally.states(&self.store, &now) {
            Ok(states) => {
                self.tell(&states, &now);
                self.published.publish(gate(&states, &self.redactor, &now));
                *self.reader.states.lock() = states;
            }
            Err(StoreError::Closed) => {}
            Err(error) => tracing::warn!(%error, "what was spent cannot be read"),
        }
    }

    /// Says once of each budget, and each period or session, that it is spent.
    fn tell(&mut self, states: &[BudgetState], now: &Zoned) {
        let mut told = BTreeSet::new();
        for state in states.iter().filter(|state| state.is_over) {
            let Budget { name, scope, .. } = &state.budget;
            let since = state.since.map(|since| since.0.to_string());
            let which = match scope {
                BudgetScope::Session => state.sessions.clone(),
                BudgetScope::Day | BudgetScope::Month => since.into_iter().collect(),
            };
            for of in which {
                let key = (name.clone(), of);
                if !self.told.contains(&key) {
                    let spent = state.spent.unwrap_or(MicroUsd(0)).0;
                    tracing::warn!(
                        budget = name,
                        action = state.budget.action.as_str(),
                        of = key.1,
                        spent_micro_usd = spent,
                        "{}",
                        sentence(state, now)
                    );
                }
                told.insert(key);
            }
        }
        self.told = told;
    }
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;
    use langley_store::StoreOptions;

    use super::super::BudgetAction;
    use super::*;

    #[test]
    fn sessions_that_cannot_be_read_keep_no_day_from_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let budget = |scope| Budget {
            project: None,
            name: "b".to_owned(),
            scope,
            limit: MicroUsd(1),
            action: BudgetAction::Refuse,
            agent: None,
            model: None,
        };
        let mut work = Work {
            tally: Tally::new(vec![budget(BudgetScope::Session), budget(BudgetScope::Day)]),
            store,
            redactor: Arc::new(Redactor::new(RedactorOptions::default()).unwrap()),
            published: Arc::default(),
            reader: BudgetReader::default(),
            told: BTreeSet::new(),
        };
        work.settle(Err(StoreError::Decode { what: "row" }));
        assert_eq!(work.reader.states().len(), 2);
    }
}
