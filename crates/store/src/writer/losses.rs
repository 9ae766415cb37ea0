//! What batches that were given up have lost of their flows, until a row says it.

use langley_model::{FlowId, Loss};
use lru::LruCache;

/// Flows whose losses are remembered: those that lost something last.
const REMEMBERED: usize = 4096;

/// Flows whose rows are put right after one batch.
const AT_ONCE: usize = 64;

/// Attempts to put a row right.
const TRIES: u8 = 3;

/// What was lost, by flow.
pub(super) struct Losses {
    flows: LruCache<FlowId, Owed>,
    /// Flows whose state this transaction writes.
    telling: Vec<FlowId>,
}

#[derive(Default)]
struct Owed {
    lost: Loss,
    /// What of it the row says.
    told: Loss,
    /// Whether the row may have to be put right without a word from outside.
    is_due: bool,
    tries: u8,
}

impl Losses {
    pub(super) fn new() -> Self {
        // Unbounded and trimmed by hand: a bounded one would reserve all its room.
        Self { flows: LruCache::unbounded(), telling: Vec::new() }
    }

    /// Remembers a loss.
    pub(super) fn add(&mut self, flow: FlowId, loss: &Loss) {
        let owed = self.flows.get_or_insert_mut(flow, Owed::default);
        owed.lost.add(loss);
        owed.is_due = true;
        if self.flows.len() > REMEMBERED {
            self.flows.pop_lru();
        }
    }

    /// All that a flow whose state comes from outside has lost here.
    pub(super) fn of(&mut self, flow: FlowId) -> Option<Loss> {
        let lost = self.flows.peek(&flow)?.lost;
        self.telling.push(flow);
        Some(lost)
    }

    /// The transaction failed.
    pub(super) fn restore(&mut self) {
        self.telling.clear();
    }

    /// The transaction is committed; what has ended is forgotten, since its row says everything.
    pub(super) fn settle(&mut self, has_ended: impl Fn(&FlowId) -> bool) {
        for flow in std::mem::take(&mut self.telling) {
            if has_ended(&flow) {
                self.flows.pop(&flow);
            } else if let Some(owed) = self.flows.peek_mut(&flow) {
                owed.told = owed.lost;
            }
        }
    }

    /// Some of the flows whose rows may have to be put right.
    pub(super) fn due(&self) -> Vec<FlowId> {
        let due = self.flows.iter().filter(|(_, owed)| owed.is_due);
        due.map(|(flow, _)| *flow).take(AT_ONCE).collect()
    }

    /// What the row of a flow does not say yet.
    pub(super) fn untold(&self, flow: &FlowId) -> Loss {
        self.flows.peek(flow).map_or_else(Loss::default, |owed| owed.lost.beyond(&owed.told))
    }

    /// The row of a flow was put right, or is to be written by others.
    pub(super) fn is_put_right(&mut self, flow: &FlowId, is_told: bool) {
        if is_told {
            self.flows.pop(flow);
        } else if let Some(owed) = self.flows.peek_mut(flow) {
            owed.is_due = false;
        }
    }

    /// The row of a flow could not be put right; after some attempts that is left.
    pub(super) fn failed(&mut self, flow: &FlowId) {
        if let Some(owed) = self.flows.peek_mut(flow) {
            owed.tries += 1;
            owed.is_due = owed.tries < TRIES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flows_that_lost_something_last_are_remembered_however_many_there_were() {
        let mut losses = Losses::new();
        let lost = Loss { events: 1, ..Loss::default() };
        let flows: Vec<FlowId> = (0..REMEMBERED + 10).map(|_| FlowId::new()).collect();
        for flow in &flows {
            losses.add(*flow, &lost);
        }
        let last = flows.last().unwrap();
        losses.add(*last, &lost);
        assert_eq!(losses.of(flows[0]), None);
        assert_eq!(losses.of(*last), Some(Loss { events: 2, ..lost }));
        // What its row says is not added to it again.
        losses.settle(|_| false);
        losses.add(*last, &Loss { end: true, ..lost });
        assert_eq!(losses.untold(last), Loss { end: true, ..lost });
        losses.of(*last);
        losses.settle(|_| true);
        assert_eq!(losses.of(*last), None);
    }
}
