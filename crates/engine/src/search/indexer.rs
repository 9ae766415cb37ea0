//! The indexer: a thread that reads ended flows back and hands their new text to the store's index.
//!
//! Away from the road of a record, as everything that runs in the background.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use langley_model::{FlowId, Redacted, Redactor, SearchText};
use langley_store::{IndexEntry, Store, StoreError, Unindexed};

use super::text;
use crate::background::{Background, Bell, Step};

/// Flows of one step, and bytes of text after which there are no more.
const STEP: usize = 16;
const STEP_BYTES: usize = 256 << 10;

/// How often the text of a flow is tried to be read.
const TRIES: u32 = 3;

/// The running indexer; ends when it is dropped.
#[derive(Debug)]
pub struct Indexer {
    _thread: Background,
}

impl Indexer {
    /// Starts the thread; what waits since an earlier run, or an earlier version, is worked off first.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(store: Store, redactor: Arc<Redactor>, bell: Bell) -> std::io::Result<Self> {
        text::read_texts(&store, &redactor);
        let mut worker = Worker::new(store, redactor);
        let thread = Background::spawn("indexer", None, bell, move || worker.step())?;
        Ok(Self { _thread: thread })
    }
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
}
