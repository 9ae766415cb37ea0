//! What waits for the writer of raw bodies, bounded in bytes. Whoever puts never waits.

use std::collections::VecDeque;

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
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    closed: bool,
    counters: RawCounters,
}

impl Queue {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, state: Mutex::default(), arrived: Condvar::new() }
    }

    /// Adds an entry where there is room, and counts it as dropped where there is none.
    pub(super) fn put(&self, entry: Entry) {
        let weight = entry.weight();
        let mut state = self.state.lock();
        if state.closed || state.bytes + weight > self.max_bytes {
            state.counters.bytes_dropped += entry.payload();
            return;
        }
        state.bytes += weight;
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
        let payload: u64 = entries.iter().map(Entry::payload).sum();
        let counters = &mut self.state.lock().counters;
        *(if written { &mut counters.bytes } else { &mut counters.bytes_dropped }) += payload;
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
