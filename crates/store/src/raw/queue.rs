//! What waits for the writer of raw bodies, bounded in bytes. Whoever puts never waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use langley_model::{FlowId, Side};
use parking_lot::{Condvar, Mutex};

use super::RawCounters;

/// What an entry costs beside its bytes.
const ENTRY_BYTES: usize = 128;

/// Something to be written.
#[derive(Debug)]
pub(super) enum Entry {
    Piece { flow: FlowId, side: Side, offset: u64, bytes: Bytes },
    End { flow: FlowId, request_bytes: u64, response_bytes: u64 },
}

impl Entry {
    fn weight(&self) -> usize {
        let bytes = match self {
            Self::Piece { bytes, .. } => bytes.len(),
            Self::End { .. } => 0,
        };
        bytes + ENTRY_BYTES
    }

    fn payload(&self) -> u64 {
        (self.weight() - ENTRY_BYTES) as u64
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    max_bytes: usize,
    state: Mutex<State>,
    arrived: Condvar,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    closed: bool,
    /// Entries that were taken in, and of which is known what became of them.
    put: u64,
    settled: u64,
    /// Whether somebody waits for them.
    hurry: bool,
    /// Whether nobody writes any more.
    ended: bool,
    counters: RawCounters,
}

impl Queue {
    pub(super) fn new(max_bytes: usize) -> Self {
        let (arrived, settled) = (Condvar::new(), Condvar::new());
        Self { max_bytes, state: Mutex::default(), arrived, settled }
    }

    /// Adds an entry where there is room, and counts it as dropped where there is none.
    pub(super) fn put(&self, entry: Entry) {
        let weight = entry.weight();
        let mut state = self.state.lock();
        if state.closed || state.bytes + weight > self.max_bytes {
            state.counters.drop(&entry);
            return;
        }
        state.bytes += weight;
        state.put += 1;
        state.entries.push_back(entry);
        drop(state);
        self.arrived.notify_one();
    }

    /// Everything that waits, as soon as there is something; none at the end.
    pub(super) fn take(&self) -> Option<VecDeque<Entry>> {
        let mut state = self.state.lock();
        while state.entries.is_empty() {
            if state.closed {
                return None;
            }
            self.arrived.wait(&mut state);
        }
        state.bytes = 0;
        Some(std::mem::take(&mut state.entries))
    }

    /// What was taken is in the file, or is not.
    pub(super) fn settle(&self, entries: &VecDeque<Entry>, written: bool) {
        let mut state = self.state.lock();
        for entry in entries {
            if written {
                state.counters.bytes += entry.payload();
            } else {
                state.counters.drop(entry);
            }
        }
        state.settled += entries.len() as u64;
        drop(state);
        self.settled.notify_all();
    }

    /// Waits until what was put so far is in the file, or is not.
    pub(super) fn flush(&self) {
        let mut state = self.state.lock();
        let until = state.put;
        while state.settled < until && !state.ended {
            state.hurry = true;
            self.arrived.notify_one();
            self.settled.wait(&mut state);
        }
    }

    /// Lets more come together for so long, unless somebody waits.
    pub(super) fn rest(&self, span: Duration) {
        let until = Instant::now() + span;
        let mut state = self.state.lock();
        while !state.hurry && !state.closed {
            if self.arrived.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.hurry = false;
    }

    /// Nobody writes any more.
    pub(super) fn end(&self) {
        self.state.lock().ended = true;
        self.settled.notify_all();
    }

    pub(super) fn counters(&self) -> RawCounters {
        self.state.lock().counters
    }

    /// Nothing more is taken.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_all();
    }
}

impl RawCounters {
    /// Counts what is not kept.
    fn drop(&mut self, entry: &Entry) {
        self.bytes_dropped += entry.payload();
        self.ends_dropped += u64::from(matches!(entry, Entry::End { .. }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_what_was_not_written_too() {
        let queue = Queue::new(2 * ENTRY_BYTES + 100);
        let flow = FlowId::new();
        let piece = |len| {
            let bytes = Bytes::from(vec![7; len]);
            queue.put(Entry::Piece { flow, side: Side::Client, offset: 0, bytes });
        };
        piece(60);
        piece(41);
        piece(40);
        assert_eq!(queue.counters(), RawCounters { bytes_dropped: 41, ..RawCounters::default() });
        let taken = queue.take().unwrap();
        assert_eq!(taken.len(), 2);
        queue.settle(&taken, true);
        assert_eq!(
            queue.counters(),
            RawCounters { bytes: 100, bytes_dropped: 41, ..RawCounters::default() }
        );
        piece(41);
        let taken = queue.take().unwrap();
        queue.settle(&taken, false);
        assert_eq!(
            queue.counters(),
            RawCounters { bytes: 100, bytes_dropped: 82, ..RawCounters::default() }
        );
        queue.close();
        piece(1);
        assert_eq!(queue.counters().bytes_dropped, 83);
        assert_eq!(queue.counters().ends_dropped, 0);
        queue.put(Entry::End { flow, request_bytes: 1, response_bytes: 0 });
        assert_eq!(queue.counters().ends_dropped, 1, "an end is no byte, and counts as well");
        assert!(queue.take().is_none());
    }
}
