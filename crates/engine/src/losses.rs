//! What was captured or decoded and then lost, counted by flow and reason until it can be written.

use std::collections::HashMap;

use langley_model::{Drop, DropReason, FlowId, Loss, Micros, Record, Redacted, Redactor};

/// Distinct (flow, reason) pairs that are kept apart; further flows are counted together.
const APART: usize = 4_096;

/// Losses that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    open: HashMap<(Option<FlowId>, DropReason), (u64, u64)>,
    /// What no state that is still to be written will say of its flow.
    owed: HashMap<FlowId, Loss>,
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

    /// Remembers what the row of a flow is to say; of more than are kept apart it is counted alone.
    pub(crate) fn owe(&mut self, flow: FlowId, loss: &Loss) {
        if self.owed.len() < APART || self.owed.contains_key(&flow) {
            self.owed.entry(flow).or_default().add(loss);
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.open.len() + self.owed.len()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes everything as records.
    pub(crate) fn take(&mut self, redactor: &Redactor, at: Micros) -> Vec<Redacted<Record>> {
        let mut all: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        all.sort_by_key(|((flow, reason), _)| (*flow, *reason as usize));
        let record = |((flow, reason), (count, bytes))| {
            redactor.seal(Record::Drop(Drop { at, flow, reason, count, bytes }))
        };
        let mut owed: Vec<_> = std::mem::take(&mut self.owed).into_iter().collect();
        owed.sort_by_key(|(flow, _)| *flow);
        let owed = owed.into_iter().map(|(flow, loss)| redactor.seal(Record::Loss(flow, loss)));
        all.into_iter().map(record).chain(owed).collect()
    }
}
