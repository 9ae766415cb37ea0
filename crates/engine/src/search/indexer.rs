//! The indexer: a thread that reads ended flows back and hands their new text to the store's index.
//!
//! Away from the road of a record, as everything that runs in the background.

use std::sync::Arc;

use langley_model::{Redacted, Redactor, SearchText};
use langley_store::{IndexEntry, Store, StoreError, Unindexed};

use super::text;
use crate::background::{Background, Bell, Failed, Step};

/// Flows of one step, and bytes of text after which there are no more.
const STEP: usize = 16;
const STEP_BYTES: usize = 256 << 10;

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
    failed: Failed,
}

impl Worker {
    fn new(store: Store, redactor: Arc<Redactor>) -> Self {
        Self { store, redactor, failed: Failed::default() }
    }

    /// Indexes some flows.
    fn step(&mut self) -> Result<Step, StoreError> {
        let asked = STEP + self.failed.len();
        let mut waiting = self.store.unindexed(asked)?;
        let is_stuck = self.failed.put_off(&mut waiting, asked, |next| next.flow);
        if waiting.is_empty() {
            return Ok(if self.store.note_backlog()? { Step::Worked } else { Step::Idle });
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
        let Self { store, redactor, failed } = self;
        let read = || text::sealed(store, redactor, flow, whole);
        let give_up = || {
            tracing::warn!(%flow, "the flow is given up; it is not found by search");
            store.leave_unindexed(flow)
        };
        failed.attempt(flow, "reading the text of a flow", read, give_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::background::TRIES;
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
        assert_eq!(worker.failed.len(), 0);
        // First with the others, then alone, with a rest before each time.
        let stuck = steps.iter().filter(|step| matches!(step, Step::Stuck)).count();
        assert_eq!(stuck as u32, TRIES - 1);
        for word in ["old", "new"] {
            let filter = langley_store::FlowFilter { q: Some(word.into()), ..Default::default() };
            assert_eq!(worker.store.count_flows(&filter).unwrap(), 1, "{word}");
        }
    }
}
