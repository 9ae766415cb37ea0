//! What was captured or decoded and then lost, counted by flow and reason until it can be written.

use std::collections::HashMap;

use langley_model::{Drop, DropReason, FlowId, Micros, Record, Redacted, Redactor};

/// Distinct (flow, reason) pairs that are kept apart; further flows are counted together.
const APART: usize = 4_096;

/// Losses that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    open: HashMap<(Option<FlowId>, DropReason), (u64, u64)>,
}

impl Losses {
    /// Counts a loss.
    pub(crate) fn add(&mut self, flow: Option<FlowId>, reason: DropReason, count: u64, bytes: u64) {
        if count == 0 && bytes == 0 {
            return;
        }
        let full = self.open.len() >= APART && !self.open.contains_key(&(flow, reason));
        let key = (flow.filter(|_| !full), reason);
        let sum = self.open.entry(key).or_default();
        sum.0 += count;
        sum.1 += bytes;
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes everything as records.
    pub(crate) fn take(&mut self, redactor: &Redactor, at: Micros) -> Vec<Redacted<Record>> {
        let mut all: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        all.sort_by_key(|((flow, reason), _)| (*flow, *reason as usize));
        let record = |((flow, reason), (count, bytes))| {
            redactor.seal(Record::Drop(Drop { at, flow, reason, count, bytes }))
        };
        all.into_iter().map(record).collect()
    }
}
