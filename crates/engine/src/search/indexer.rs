//! The indexer: a thread that reads ended flows back and hands their new text to the store's index.
//!
//! Away from the road of a record: it wakes when flows have ended, works in small steps, and rests as
//! long as it worked, so that recording and forwarding keep the processor. In a flood it does not work at
//! all, for a time that is bounded.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use langley_model::Redactor;
use langley_store::{Change, Store, StoreError};
use parking_lot::{Condvar, Mutex};

use super::text;

/// Flows of one step.
const STEP: usize = 16;

/// How long ended flows may wait for company.
const GATHER: Duration = Duration::from_millis(250);

/// Flows that end in [`GATHER`] in a flood.
const FLOOD: f64 = 64.0;

/// How long a flood may keep flows out of the index.
const PATIENCE: Duration = Duration::from_secs(15);

/// How soon a failed step is tried again: the disk may be full.
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
    is_rung: bool,
    stopping: bool,
    /// Flows that ended since `since`.
    recent: usize,
    since: Instant,
    /// Whether the span before `since` was a flood.
    is_flooded: bool,
}

impl Default for State {
    fn default() -> Self {
        let since = Instant::now();
        Self { is_rung: false, stopping: false, recent: 0, since, is_flooded: false }
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
            state.is_rung = true;
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
        while !state.is_rung && !state.stopping {
            self.0.rung.wait(&mut state);
        }
        state.is_rung = false;
        !state.stopping
    }

    /// Rests; `false` when the indexer is to end.
    fn rest(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.0.state.lock();
        while !state.stopping {
            if self.0.rung.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        !state.stopping
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
        let rung = bell.clone();
        let thread = std::thread::Builder::new()
            .name(String::from("indexer"))
            .spawn(move || run(&store, &redactor, &rung))?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.bell.0.state.lock().stopping = true;
        self.bell.0.rung.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the indexer ended by a panic; new flows are not found by search");
        }
    }
}

fn run(store: &Store, redactor: &Redactor, bell: &IndexerBell) {
    // While a flood lasts: until when it keeps flows out of the index.
    let mut patience = None;
    loop {
        let start = Instant::now();
        let rest = if bell.is_flooded() && start < *patience.get_or_insert(start + PATIENCE) {
            GATHER
        } else {
            match step(store, redactor) {
                Ok(0) => {
                    if !bell.wait() {
                        return;
                    }
                    GATHER
                }
                Ok(_) => start.elapsed(),
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

/// Indexes some flows; returns how many.
fn step(store: &Store, redactor: &Redactor) -> Result<usize, StoreError> {
    let waiting = store.unindexed(STEP)?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let mut texts = Vec::with_capacity(waiting.len());
    for (flow, whole) in &waiting {
        let text = match text::of(store, *flow, *whole) {
            // What cannot be read back must not be tried for ever.
            Err(StoreError::Decode { what }) => {
                tracing::warn!(%flow, what, "a flow cannot be read back; it is not found by search");
                langley_model::SearchText { flow: *flow, whole: *whole, passages: Vec::new() }
            }
            read => read?,
        };
        // Its escapes are undone now: what hid behind them is looked for once more.
        texts.push(redactor.seal(text));
    }
    store.index(texts)?;
    Ok(waiting.len())
}

#[cfg(test)]
mod tests {
    use super::*;

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
