//! The analyst: a thread that reads ended flows back, the oldest first, and hands the writer what they come
//! to.

use std::sync::Arc;
use std::time::Duration;

use langley_model::{Micros, Redactor, Revision};
use langley_store::{Analysis, Store, StoreError, Unread};

use super::calls::Calls;
use super::found::{self, Found};
use super::joined::Joined;
use super::tokenized::Tokenized;
use super::{Lens, Lookout, Reading};
use crate::background::{Background, Bell, Failed, Step};

/// Flows of one step.
const STEP: usize = 16;

/// How often it is looked for what should have happened, where nothing does.
const IDLE: Duration = Duration::from_secs(60);

/// How old the newest evidence of a finding may be that is told as news, in microseconds: a call without a
/// result is known as such after half an hour.
const NEWS_US: i64 = 2 * 3_600 * 1_000_000;

/// The running analyst; ends when it is dropped.
#[derive(Debug)]
pub struct Analyst {
    _thread: Background,
}

impl Analyst {
    /// Starts the thread; what waits since an earlier run, or an earlier version, is worked off first.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(
        store: Store,
        redactor: Arc<Redactor>,
        bell: Bell,
        lookout: Lookout,
    ) -> std::io::Result<Self> {
        let mut worker = Worker::new(store, redactor, lookout, bell.clone());
        let step = move || worker.step(Micros::now());
        Ok(Self { _thread: Background::spawn("analyst", Some(IDLE), bell, step)? })
    }
}

/// Analyses everything that waits, on this thread; `now` is the time up to which results may have come.
///
/// # Errors
/// A failure of the file.
pub fn analyse(store: &Store, redactor: &Arc<Redactor>, now: Micros) -> Result<(), StoreError> {
    analyse_for(store, redactor, now, Lookout::default())
}

/// The same, by bounds and prices of one's own.
///
/// # Errors
/// A failure of the file.
pub fn analyse_for(
    store: &Store,
    redactor: &Arc<Redactor>,
    now: Micros,
    lookout: Lookout,
) -> Result<(), StoreError> {
    let bell = Bell::default();
    let mut worker = Worker::new(store.clone(), Arc::clone(redactor), lookout, bell);
    while worker.step(now)? == Step::Worked {}
    Ok(())
}

/// The thread's state.
pub(super) struct Worker {
    pub(super) store: Store,
    lenses: Vec<Box<dyn Lens>>,
    redactor: Arc<Redactor>,
    lookout: Lookout,
    /// Says when the thread is to end.
    bell: Bell,
    /// Flows that could not be read, and how often; they are tried when nothing else waits.
    pub(super) failed: Failed,
    /// Whether the last step came to its end: what another one has left undone is of no use.
    is_sound: bool,
}

impl Worker {
    pub(super) fn new(store: Store, redactor: Arc<Redactor>, lookout: Lookout, bell: Bell) -> Self {
        let lenses = lenses(&redactor, &lookout, &bell);
        Self { store, lenses, redactor, lookout, bell, failed: Failed::default(), is_sound: true }
    }

    /// Analyses some flows.
    pub(super) fn step(&mut self, now: Micros) -> Result<Step, StoreError> {
        if !std::mem::take(&mut self.is_sound) {
            // What was not written is found again.
            self.lenses = lenses(&self.redactor, &self.lookout, &self.bell);
        }
        let done = self.try_step(now);
        self.is_sound = done.is_ok();
        done
    }

    fn try_step(&mut self, now: Micros) -> Result<Step, StoreError> {
        let asked = STEP + self.failed.len();
        let mut waiting = self.store.unread(asked)?;
        let is_stuck = self.failed.put_off(&mut waiting, asked, |next| next.flow);
        if waiting.is_empty() {
            return if self.store.note_unread()? || self.look_back(now)? {
                Ok(Step::Worked)
            } else {
                Ok(Step::Idle)
            };
        }
        let mut work = Analysis::default();
        for next in waiting.into_iter().take(STEP) {
            if let Some(revision) = self.look(next)? {
                work.read.push((next.key, revision));
            }
        }
        let is_stuck = is_stuck && work.read.is_empty();
        self.write(work, now)?;
        Ok(if is_stuck { Step::Stuck } else { Step::Worked })
    }

    /// Looks for what should have happened; whether anything came of it.
    fn look_back(&mut self, now: Micros) -> Result<bool, StoreError> {
        let mut found = false;
        for lens in &mut self.lenses {
            found |= match lens.wait(&self.store, now) {
                // It must not keep the others from what waits for them.
                Err(error) if error.is_of_one_place() => {
                    tracing::warn!(%error, "what waits for an analysis cannot be read");
                    false
                }
                done => done?,
            };
        }
        self.write(Analysis::default(), now)?;
        Ok(found)
    }

    fn write(&mut self, mut work: Analysis, now: Micros) -> Result<(), StoreError> {
        self.lenses.iter_mut().for_each(|lens| lens.tell(&mut work));
        if work.is_empty() {
            return Ok(());
        }
        found::of_calls(&self.store, &self.redactor, &mut work.calls)?;
        for id in self.store.keep_analysis(work)? {
            // It may have gone with its flow; and history is no news.
            if let Some(finding) = self.store.finding(id)?
                && finding.last_at.0 >= now.0.saturating_sub(NEWS_US)
            {
                self.lookout.feed.finding(finding);
            }
        }
        Ok(())
    }

    /// Looks at a flow; the revision that is done with. What fails again and again is given up.
    fn look(&mut self, next: Unread) -> Result<Option<Revision>, StoreError> {
        let Self { store, lenses, failed, lookout, .. } = self;
        let flow = next.flow;
        let look = || {
            let stall = lookout.limits.stall;
            let Some(mut reading) = Reading::of(store, &next, stall)? else {
                return Ok(next.revision);
            };
            lenses.iter_mut().try_for_each(|lens| lens.look(store, &mut reading))?;
            Ok(reading.revision)
        };
        let give_up = || {
            tracing::warn!(%flow, "the flow is given up; its tool calls are not told");
            store.leave_unread(flow)
        };
        failed.attempt(flow, "the analysis of a flow", look, give_up)
    }
}

/// All ways to look at flows.
fn lenses(redactor: &Arc<Redactor>, lookout: &Lookout, bell: &Bell) -> Vec<Box<dyn Lens>> {
    let prices = Arc::clone(&lookout.prices);
    vec![
        Box::new(Joined),
        Box::new(Calls::new(Arc::clone(redactor))),
        Box::new(Found::new(&lookout.limits, Arc::clone(&prices), Arc::clone(redactor))),
        Box::new(Tokenized::new(prices, bell.clone())),
    ]
}

#[cfg(test)]
mod tests {
    use langley_model::{
        CHECK_AGENT, ConnectionId, Drop as Dropped, DropReason, FindingKind, Flow, FlowId, Outcome,
        Provider, Record,
    };
    use langley_store::FindingFilter;

    use super::*;
    use crate::background::TRIES;
    use crate::search::tests::Given;

    fn worker_of(given: &Given, store: Store) -> Worker {
        Worker::new(store, Arc::clone(&given.redactor), Lookout::default(), Bell::default())
    }

    #[test]
    fn a_flow_that_cannot_be_read_keeps_no_other_from_being_analysed() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        given.put(&store, &[(1, "old "), (2, &"damaged ".repeat(20_000)), (3, "new ")]);
        store.close();
        given.damage();
        let mut worker = worker_of(&given, given.open());
        let mut steps = Vec::new();
        while !matches!(steps.last(), Some(Step::Idle)) {
            steps.push(worker.step(Micros(9)).unwrap());
        }
        let state = worker.store.analysis_state().unwrap();
        assert_eq!((state.waiting, state.given_up), (0, 1));
        assert_eq!(worker.failed.len(), 0);
        // First with the others, then alone, with a rest before each time.
        let stuck = steps.iter().filter(|step| matches!(step, Step::Stuck)).count();
        assert_eq!(stuck as u32, TRIES - 1);
        // Another process reads the session back, the damaged flow among its others.
        given.put(&worker.store, &[(4, "newer ")]);
        let mut worker = worker_of(&given, worker.store.clone());
        assert_eq!(worker.step(Micros(9)).unwrap(), Step::Worked);
        assert_eq!(worker.failed.len(), 0, "only the damaged one is given up");
        let state = worker.store.analysis_state().unwrap();
        assert_eq!((state.waiting, state.given_up), (0, 1));
    }

    #[test]
    fn flows_that_are_not_recorded_are_a_finding_once_another_one_is_recorded_after_them() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        let lose = |at: i64| {
            let (flow, reason) = (Some(FlowId::new()), DropReason::WriteFailed);
            let lost = Dropped { at: Micros(at), flow, reason, count: 9, bytes: 1 };
            store.submit(vec![given.redactor.seal(Record::Drop(lost))]).unwrap();
            store.flush().unwrap();
        };
        let analysed = || {
            analyse(&store, &given.redactor, Micros(90)).unwrap();
            let found = store.findings(&FindingFilter::default(), None, 10).unwrap().items;
            found.into_iter().map(|kept| (kept.times, kept.finding)).collect::<Vec<_>>()
        };
        given.put(&store, &[(1, "before ")]);
        lose(5);
        lose(6);
        assert_eq!(analysed(), [], "nothing was recorded after them yet");
        given.put(&store, &[(7, "after ")]);
        let found = analysed();
        assert_eq!((found.len(), found[0].0), (1, 1));
        assert_eq!(found[0].1.kind, FindingKind::CaptureGap);
        assert_eq!(found[0].1.number("flows"), Some(2));
        // The same again, as after another start, is no news; more of them are.
        assert_eq!(analysed(), found);
        lose(8);
        given.put(&store, &[(9, "later ")]);
        let more = analysed();
        assert_eq!((more.len(), more[0].0, more[0].1.number("flows")), (1, 2, Some(3)));
    }

    #[test]
    fn what_is_told_of_flows_that_are_not_recorded_is_told_again_when_its_evidence_was_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        let (flow, reason) = (Some(FlowId::new()), DropReason::WriteFailed);
        let lost = Dropped { at: Micros(5), flow, reason, count: 9, bytes: 1 };
        store.submit(vec![given.redactor.seal(Record::Drop(lost))]).unwrap();
        let mut worker = worker_of(&given, store.clone());
        let mut told = || {
            while worker.step(Micros(90)).unwrap() == Step::Worked {}
            let found = store.findings(&FindingFilter::default(), None, 10).unwrap().items;
            found.iter().map(|kept| (kept.times, kept.finding.number("flows"))).collect::<Vec<_>>()
        };
        given.put(&store, &[(7, "after ")]);
        assert_eq!(told(), [(1, Some(1))]);
        given.put(&store, &[(8, "later ")]);
        assert_eq!(told(), [(1, Some(1))], "once");
        store.delete_flows(&langley_store::FlowFilter::default()).unwrap();
        assert_eq!(told(), [], "nothing was recorded after them any more");
        given.put(&store, &[(9, "anew ")]);
        assert_eq!(told(), [(1, Some(1))]);
    }

    #[test]
    fn a_check_of_our_own_in_an_older_store_is_not_analysed() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        let read = |agent: &str, at: i64| {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at));
            (flow.method, flow.path) = ("POST".into(), "/v1/responses".into());
            (flow.provider, flow.outcome) = (Some(Provider::OpenAi), Some(Outcome::Completed));
            flow.user_agent = Some(agent.to_owned());
            let id = flow.id;
            let record = given.redactor.seal(Record::Flow(Arc::new(flow)));
            store.submit(vec![record]).unwrap();
            store.flush().unwrap();
            let next = Unread { key: at, flow: id, revision: Revision(1) };
            Reading::of(&store, &next, Duration::ZERO).unwrap()
        };
        assert!(read(CHECK_AGENT, 1).is_none());
        assert!(read("an agent", 2).is_some());
    }

    #[test]
    fn what_a_step_that_panicked_left_undone_is_forgotten() {
        struct Faulty;
        impl Lens for Faulty {
            fn look(&mut self, _: &Store, _: &mut Reading) -> Result<(), StoreError> {
                Ok(())
            }

            fn wait(&mut self, _: &Store, _: Micros) -> Result<bool, StoreError> {
                panic!("a fault of ours")
            }

            fn tell(&mut self, _: &mut Analysis) {}
        }
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let mut worker = worker_of(&given, given.open());
        worker.lenses = vec![Box::new(Faulty)];
        let step = std::panic::AssertUnwindSafe(|| worker.step(Micros(9)).map(drop));
        assert!(std::panic::catch_unwind(step).is_err());
        assert_eq!(worker.step(Micros(9)).unwrap(), Step::Idle);
    }
}
