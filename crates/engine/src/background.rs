//! Work beside the road of a record: a thread that wakes when flows have ended, works in small steps, and
//! rests as long as it worked, so that recording and forwarding keep the processor. In a flood it does not
//! work at all, for a time that is bounded.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use langley_model::FlowId;
use langley_store::{Change, StoreError};
use parking_lot::{Condvar, Mutex};

/// How long ended flows may wait for company.
const GATHER: Duration = Duration::from_millis(250);

/// Flows that end in [`GATHER`] in a flood.
const FLOOD: f64 = 64.0;

/// How long a flood may keep a worker from its work.
const PATIENCE: Duration = Duration::from_secs(15);

/// How soon what failed is tried again: the disk may be full.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Wakes a worker; made before the store, whose changes ring it.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    rung: Condvar,
    /// Times the worker panicked.
    panics: AtomicU64,
}

#[derive(Debug)]
struct State {
    asked: Asked,
    /// Flows that ended since `since`.
    recent: usize,
    since: Instant,
    /// Whether the span before `since` was a flood.
    is_flooded: bool,
}

/// What a worker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    /// To look for flows that ended.
    Look,
    End,
}

impl Default for State {
    fn default() -> Self {
        let since = Instant::now();
        Self { asked: Asked::Nothing, recent: 0, since, is_flooded: false }
    }
}

impl State {
    /// Judges the span since the last judgement, once it is long enough.
    fn judge(&mut self, now: Instant) {
        let span = now.saturating_duration_since(self.since);
        if span >= GATHER {
            let spans = span.div_duration_f64(GATHER);
            self.is_flooded = self.recent as f64 >= FLOOD * spans;
            self.recent = 0;
            self.since = now;
        }
    }
}

impl Bell {
    /// Wakes the worker when a flow has ended. Never waits.
    pub fn ring(&self, changes: &[Change]) {
        let ended = changes.iter().filter(|change| !change.flow.is_open()).count();
        if ended > 0 {
            let mut state = self.0.state.lock();
            state.recent += ended;
            state.judge(Instant::now());
            if state.asked == Asked::Nothing {
                state.asked = Asked::Look;
            }
            drop(state);
            self.0.rung.notify_one();
        }
    }

    /// Wakes the worker, because somebody asks.
    pub(crate) fn wake(&self) {
        let mut state = self.0.state.lock();
        if state.asked == Asked::Nothing {
            state.asked = Asked::Look;
        }
        drop(state);
        self.0.rung.notify_one();
    }

    /// Whether the worker is to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.0.state.lock().asked == Asked::End
    }

    /// Times the worker that this wakes panicked and went on.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// Whether flows end faster than people and their agents make them.
    fn is_flooded(&self) -> bool {
        let mut state = self.0.state.lock();
        state.judge(Instant::now());
        state.is_flooded
    }

    /// Waits for a ring, at most for so long; `false` when the worker is to end.
    fn wait(&self, most: Option<Duration>) -> bool {
        let until = most.map(|most| Instant::now() + most);
        let mut state = self.0.state.lock();
        while state.asked == Asked::Nothing {
            match until {
                Some(until) if self.0.rung.wait_until(&mut state, until).timed_out() => break,
                Some(_) => {}
                None => self.0.rung.wait(&mut state),
            }
        }
        if state.asked == Asked::End {
            return false;
        }
        state.asked = Asked::Nothing;
        true
    }

    /// Rests; `false` when the worker is to end.
    fn rest(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.0.state.lock();
        while state.asked != Asked::End {
            if self.0.rung.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.asked != Asked::End
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing waits.
    Idle,
    Worked,
    /// Only flows wait that could not be read.
    Stuck,
}

/// How often work on a flow is tried.
pub(crate) const TRIES: u32 = 3;

/// Failures of the disk in a row after which they are not held against their flows any more: nothing can be
/// read.
const BROKEN: u32 = 16;

/// Flows that a worker failed on, and how often; they are tried when nothing else waits.
#[derive(Debug, Default)]
pub(crate) struct Failed {
    flows: HashMap<FlowId, u32>,
    /// Failures of the disk since something could be read.
    broken: u32,
}

impl Failed {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.flows.len()
    }

    /// Takes those that failed out of what waits, unless nothing else does; whether that is so. `asked`: how
    /// many were asked for. Where fewer wait, what failed and is not among them has gone, and is forgotten.
    pub(crate) fn put_off<T>(
        &mut self,
        waiting: &mut Vec<T>,
        asked: usize,
        flow: impl Fn(&T) -> FlowId,
    ) -> bool {
        if waiting.len() < asked {
            self.flows.retain(|failed, _| waiting.iter().any(|next| flow(next) == *failed));
        }
        let is_stuck = waiting.iter().all(|next| self.flows.contains_key(&flow(next)));
        if !is_stuck {
            waiting.retain(|next| !self.flows.contains_key(&flow(next)));
        }
        is_stuck
    }

    /// Does `work` on a flow; none when that failed by its content, where it lies on the disk, or by a fault of
    /// ours. What fails again and again is handed to `give_up`, once.
    pub(crate) fn attempt<T>(
        &mut self,
        flow: FlowId,
        what: &'static str,
        work: impl FnOnce() -> Result<T, StoreError>,
        give_up: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut is_of_disk = false;
        let noted = || work().inspect_err(|error| is_of_disk = error.is_of_disk());
        let done = try_work(flow, what, noted)?;
        self.broken = if is_of_disk { self.broken.saturating_add(1) } else { 0 };
        if done.is_some() {
            self.flows.remove(&flow);
            return Ok(done);
        }
        let tries = self.flows.entry(flow).or_default();
        if self.broken <= BROKEN {
            *tries += 1;
        }
        if *tries >= TRIES && self.broken <= BROKEN {
            give_up()?;
            self.flows.remove(&flow);
        }
        Ok(None)
    }
}

/// Does `work` on a flow; none when that failed by its content, where it lies on the disk, or by a fault of
/// ours.
pub(crate) fn try_work<T>(
    flow: FlowId,
    what: &'static str,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(Some(done)),
        Ok(Err(error)) if error.is_of_one_place() => {
            tracing::warn!(%flow, %error, "{what} is not possible");
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => tracing::error!(%flow, "{what} panicked"),
    }
    Ok(None)
}

/// A running worker; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    name: &'static str,
    bell: Bell,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts a thread that does `step` again and again; where nothing waits, once in `idle` at least.
    pub(crate) fn spawn(
        name: &'static str,
        idle: Option<Duration>,
        bell: Bell,
        mut step: impl FnMut() -> Result<Step, StoreError> + Send + 'static,
    ) -> std::io::Result<Self> {
        let rung = bell.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(name, idle, &rung, &mut step))?;
        Ok(Self { name, bell, thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.bell.0.state.lock().asked = Asked::End;
        self.bell.0.rung.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(worker = self.name, "work in the background ended by a panic");
        }
    }
}

fn work(
    name: &'static str,
    idle: Option<Duration>,
    bell: &Bell,
    step: &mut dyn FnMut() -> Result<Step, StoreError>,
) {
    // While a flood lasts: until when it keeps the work from being done.
    let mut patience = None;
    loop {
        let start = Instant::now();
        let rest = if bell.is_flooded() && start < *patience.get_or_insert(start + PATIENCE) {
            GATHER
        } else {
            match catch_unwind(AssertUnwindSafe(&mut *step)) {
                Ok(Ok(Step::Idle)) => {
                    if !bell.wait(idle) {
                        return;
                    }
                    GATHER
                }
                Ok(Ok(Step::Worked)) => start.elapsed(),
                Ok(Ok(Step::Stuck)) => TRY_AGAIN,
                Ok(Err(StoreError::Closed)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(worker = name, %error, "work in the background failed; it is tried again");
                    TRY_AGAIN
                }
                Err(_) => {
                    bell.0.panics.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(
                        worker = name,
                        "work in the background panicked; it is tried again"
                    );
                    TRY_AGAIN
                }
            }
        };
        if !bell.rest(rest) {
            return;
        }
        if !bell.is_flooded() {
            patience = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_panics_is_counted_and_the_worker_goes_on() {
        let bell = Bell::default();
        // Asked to end from the start: it rests for no time.
        bell.0.state.lock().asked = Asked::End;
        let mut steps = 0;
        work("test", None, &bell, &mut || {
            steps += 1;
            panic!("a fault of ours");
        });
        assert_eq!((bell.panics(), steps), (1, 1));
    }

    #[test]
    fn what_failed_and_is_gone_is_forgotten() {
        let mut failed = Failed::default();
        let flows = [FlowId::new(), FlowId::new(), FlowId::new()];
        for flow in flows {
            let broken = || Err::<(), _>(StoreError::Decode { what: "body" });
            assert!(failed.attempt(flow, "a test", broken, || Ok(())).unwrap().is_none());
        }
        let mut waiting = vec![flows[0]];
        failed.put_off(&mut waiting, 1, |flow| *flow);
        assert_eq!(failed.len(), 3, "the others may wait behind it");
        failed.put_off(&mut waiting, 2, |flow| *flow);
        assert_eq!(failed.len(), 1);
        failed.put_off(&mut Vec::new(), 2, |flow| *flow);
        assert_eq!(failed.len(), 0);
    }

    #[test]
    fn a_flow_on_a_bad_spot_of_the_disk_is_given_up_and_none_while_all_of_it_fails() {
        let failed = &mut Failed::default();
        let bad = || Err::<(), _>(StoreError::Disk { path: "x".into(), detail: "EIO".into() });
        let mut attempt = |flow, work: &dyn Fn() -> Result<(), StoreError>| {
            let mut is_given_up = false;
            let give_up = || {
                is_given_up = true;
                Ok(())
            };
            (failed.attempt(flow, "a test", work, give_up).unwrap(), is_given_up)
        };
        let flow = FlowId::new();
        let tries: Vec<_> = (0..TRIES).map(|_| attempt(flow, &bad)).collect();
        assert_eq!(tries, [(None, false), (None, false), (None, true)]);
        assert_eq!(attempt(FlowId::new(), &|| Ok(())), (Some(()), false));
        let flows: Vec<FlowId> = (0..=BROKEN).map(|_| FlowId::new()).collect();
        for _ in 0..=TRIES {
            for flow in &flows {
                assert_eq!(attempt(*flow, &bad), (None, false), "the disk is gone");
            }
        }
        // It is back, but for what these flows stand on.
        assert_eq!(attempt(FlowId::new(), &|| Ok(())), (Some(()), false));
        assert_eq!(attempt(flows[0], &bad), (None, false));
        assert_eq!(attempt(flows[0], &bad), (None, true));
    }

    #[test]
    fn a_flood_is_one_as_long_as_it_lasts() {
        let mut state = State::default();
        let start = state.since;
        let mut after = |spans: u32, ended: usize| {
            state.recent += ended;
            state.judge(start + GATHER * spans);
            state.is_flooded
        };
        assert!(!after(0, 1_000), "too soon to tell");
        assert!(after(1, 0));
        assert!(after(3, 128), "two spans, full both");
        assert!(!after(5, 127));
        assert!(!after(6, 63));
        assert!(after(7, 64));
    }
}
