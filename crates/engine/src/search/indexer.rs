//! The indexer: a thread that reads ended flows back and hands their new text to the store's index.
//!
//! Away from the road of a record: it wakes when flows have ended, works in small steps, and rests as
//! long as it worked, so that recording and forwarding keep the processor. In a flood it does not work at
//! all, for a time that is bounded.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use langley_model::{FlowId, Redacted, Redactor, SearchText};
use langley_store::{Change, IndexEntry, Store, StoreError, Unindexed};
use parking_lot::{Condvar, Mutex};

use super::text;

/// Flows of one step, and bytes of text after which there are no more.
const STEP: usize = 16;
const STEP_BYTES: usize = 256 << 10;

/// How often the text of a flow is tried to be read.
const TRIES: u32 = 3;

/// How long ended flows may wait for company.
const GATHER: Duration = Duration::from_millis(250);

/// Flows that end in [`GATHER`] in a flood.
const FLOOD: f64 = 64.0;

/// How long a flood may keep flows out of the index.
const PATIENCE: Duration = Duration::from_secs(15);

/// How soon what failed is tried again: the disk may be full.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Wakes the indexer; made before the store, whose changes ring it.
#[derive(Clone, Debug, Default)]
pub struct IndexerBell(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    rung: Condvar,
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

/// What the indexer is asked to do.
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

impl IndexerBell {
    /// Wakes the indexer when a flow has ended. Never waits.
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

    /// Whether flows end faster than people and their agents make them.
    fn is_flooded(&self) -> bool {
        let mut state = self.0.state.lock();
        state.judge(Instant::now());
        state.is_flooded
    }

    /// Waits for a ring; `false` when the indexer is to end.
    fn wait(&self) -> bool {
        let mut state = self.0.state.lock();
        while state.asked == Asked::Nothing {
            self.0.rung.wait(&mut state);
        }
        if state.asked == Asked::End {
            return false;
        }
        state.asked = Asked::Nothing;
        true
    }

    /// Rests; `false` when the indexer is to end.
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

/// The running indexer; ends when it is dropped.
#[derive(Debug)]
pub struct Indexer {
    bell: IndexerBell,
    thread: Option<JoinHandle<()>>,
}

impl Indexer {
    /// Starts the thread; what waits since an earlier run, or an earlier version, is worked off first.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(
        store: Store,
        redactor: Arc<Redactor>,
        bell: IndexerBell,
    ) -> std::io::Result<Self> {
        text::read_texts(&store, &redactor);
        let rung = bell.clone();
        let thread = std::thread::Builder::new()
            .name(String::from("indexer"))
            .spawn(move || Worker::new(store, redactor).run(&rung))?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.bell.0.state.lock().asked = Asked::End;
        self.bell.0.rung.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the indexer ended by a panic; new flows are not found by search");
        }
    }
}

/// What a step came to.
enum Step {
    /// Nothing waits.
    Idle,
    Worked,
    /// Only flows wait that could not be read.
    Stuck,
}

/// The thread's state.
struct Worker {
    store: Store,
    redactor: Arc<Redactor>,
    /// Flows whose text could not be read, and how often; they are tried when nothing else waits.
    failed: HashMap<FlowId, u32>,
}

impl Worker {
    fn new(store: Store, redactor: Arc<Redactor>) -> Self {
        Self { store, redactor, failed: HashMap::new() }
    }

    fn run(mut self, bell: &IndexerBell) {
        // While a flood lasts: until when it keeps flows out of the index.
        let mut patience = None;
        loop {
            let start = Instant::now();
            let rest = if bell.is_flooded() && start < *patience.get_or_insert(start + PATIENCE) {
                GATHER
            } else {
                match self.step() {
                    Ok(Step::Idle) => {
                        if !bell.wait() {
                            return;
                        }
                        GATHER
                    }
                    Ok(Step::Worked) => start.elapsed(),
                    Ok(Step::Stuck) => TRY_AGAIN,
                    Err(StoreError::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, "flows could not be indexed; they are tried again");
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

    /// Indexes some flows.
    fn step(&mut self) -> Result<Step, StoreError> {
        let mut waiting = self.store.unindexed(STEP + self.failed.len())?;
        if waiting.is_empty() {
            return Ok(if self.store.note_backlog()? { Step::Worked } else { Step::Idle });
        }
        let is_stuck = waiting.iter().all(|next| self.failed.contains_key(&next.flow));
        if !is_stuck {
            waiting.retain(|next| !self.failed.contains_key(&next.flow));
        }
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for next in waiting.into_iter().take(STEP) {
            if bytes >= STEP_BYTES {
                break;
            }
            if let Some(text) = self.read(next)? {
                bytes += text.passages.iter().map(|passage| passage.text.len()).sum::<usize>();
                entries.push(IndexEntry { revision: next.revision, text });
            }
        }
        let is_stuck = is_stuck && entries.is_empty();
        self.store.index(entries)?;
        Ok(if is_stuck { Step::Stuck } else { Step::Worked })
    }

    /// The text of a flow; none when it cannot be read. What fails again and again is given up.
    fn read(&mut self, next: Unindexed) -> Result<Option<Redacted<SearchText>>, StoreError> {
        let Unindexed { flow, whole, .. } = next;
        let read = || text::sealed(&self.store, &self.redactor, flow, whole);
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(text)) => {
                self.failed.remove(&flow);
                return Ok(Some(text));
            }
            Ok(Err(error)) if error.is_of_content() => {
                tracing::warn!(%flow, %error, "the text of a flow cannot be read");
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => tracing::error!(%flow, "reading the text of a flow panicked"),
        }
        let tries = self.failed.entry(flow).or_default();
        *tries += 1;
        if *tries >= TRIES {
            tracing::warn!(%flow, "the flow is given up; it is not found by search");
            self.store.leave_unindexed(flow)?;
            self.failed.remove(&flow);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::Given;

    #[test]
    fn a_flow_that_cannot_be_read_keeps_no_other_from_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        given.put(&store, &[(1, "old "), (2, &"damaged ".repeat(20_000)), (3, "new ")]);
        store.close();
        given.damage();
        let mut worker = Worker::new(given.open(), Arc::clone(&given.redactor));
        let mut steps = Vec::new();
        while !matches!(steps.last(), Some(Step::Idle)) {
            steps.push(worker.step().unwrap());
        }
        let state = worker.store.index_state().unwrap();
        assert_eq!((state.waiting, state.given_up), (0, 1));
        assert!(worker.failed.is_empty());
        // First with the others, then alone, with a rest before each time.
        let stuck = steps.iter().filter(|step| matches!(step, Step::Stuck)).count();
        assert_eq!(stuck as u32, TRIES - 1);
        for word in ["old", "new"] {
            let filter = langley_store::FlowFilter { q: Some(word.into()), ..Default::default() };
            assert_eq!(worker.store.count_flows(&filter).unwrap(), 1, "{word}");
        }
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
