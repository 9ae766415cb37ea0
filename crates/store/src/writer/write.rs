//! Writing a batch, whatever goes wrong: it is repeated where that may help, split where a part of it may be at
//! fault, and counted where it is lost.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use langley_model::{Drop as Dropped, DropReason, FlowId, Loss, Micros, Record};

use super::apply::{Applied, apply};
use super::batch::Batch;
use super::{Voice, Writer};
use crate::counters::Counters;
use crate::error::{of_place, particular, passing};
use crate::packed::Item;
use crate::queue::weight;

/// Repetitions of a failed write before its batch is given up.
const RETRIES: u32 = 3;

/// Failures in a row after which a batch is not split any further: nothing of it can be written. Finding one
/// record among thousands takes a dozen.
const FRUITLESS: u32 = 64;

/// Rows about failed batches that wait; what is beyond is summed in a row without a flow.
const DROP_ROWS: usize = 256;

/// Why nothing of a batch was written.
enum Failure {
    Sqlite(rusqlite::Error),
    /// A fault of ours.
    Panic,
}

impl Failure {
    /// Whether a part of the batch may be at fault, so that the rest may still be written.
    fn is_particular(&self) -> bool {
        match self {
            Self::Sqlite(error) => particular(error),
            Self::Panic => true,
        }
    }

    /// Whether trying the same again may succeed.
    fn is_passing(&self) -> bool {
        matches!(self, Self::Sqlite(error) if passing(error))
    }

    fn is_of_place(&self) -> bool {
        matches!(self, Self::Sqlite(error) if of_place(error))
    }

    fn log(&self, attempt: u32, repeat: bool) {
        match self {
            Self::Sqlite(error) => {
                tracing::warn!(%error, attempt, repeat, "a write to the store failed");
            }
            Self::Panic => {
                tracing::error!("a write to the store panicked; what it fails on is left out");
            }
        }
    }
}

/// How the writing of a batch goes.
#[derive(Default)]
struct Trial {
    /// Failures since something of it was written.
    fruitless: u32,
    is_split: bool,
    /// Whether some of it was given up.
    has_losses: bool,
}

impl Writer {
    /// Writes a batch; gives up what cannot be written after its repetitions, and goes on.
    pub(super) fn write(&mut self, items: &[Item]) {
        let mut trial = Trial::default();
        self.write_part(items, &mut trial);
        self.put_right();
        if trial.has_losses {
            // Also where its neighbours were written after it.
            Counters::set(&self.counters.failing, 1);
        }
    }

    fn write_part(&mut self, items: &[Item], trial: &mut Trial) {
        let mut pause = self.patience.retry_pause;
        let mut attempt = 0;
        loop {
            let failure = match self.apply(|| Batch::sort(items)) {
                Ok(applied) => {
                    trial.fruitless = 0;
                    return self.committed(applied);
                }
                Err(failure) => failure,
            };
            self.roll_back();
            Counters::set(&self.counters.failing, 1);
            trial.fruitless += 1;
            // The whole batch has waited for the disk already.
            let is_hasty = trial.is_split && failure.is_of_place();
            let most = if is_hasty { 1 } else { RETRIES };
            let repeat = attempt < most && failure.is_passing();
            failure.log(attempt, repeat);
            // A store that is being closed tries once more, without the pause.
            if repeat && (is_hasty || self.queue.pause(pause) || attempt == 0) {
                Counters::add(&self.counters.retries, 1);
                attempt += 1;
                pause = pause.saturating_mul(4);
                continue;
            }
            let half = items.len() / 2;
            if half == 0 || !failure.is_particular() || trial.fruitless > FRUITLESS {
                trial.has_losses = true;
                return self.give_up(items, failure.is_particular());
            }
            // One bad record must not cost its neighbours.
            trial.is_split = true;
            let (first, second) = items.split_at(half);
            self.write_part(first, trial);
            return self.write_part(second, trial);
        }
    }

    /// Has the rows of flows say what was given up of them, where no state of theirs will: of some, each in a
    /// transaction of its own.
    fn put_right(&mut self) {
        for flow in self.memory.losses.due() {
            let loss = self.memory.losses.untold(&flow);
            match self.apply(|| Batch::of_loss(flow, loss)) {
                Ok(applied) => {
                    self.memory.losses.is_put_right(&flow, !applied.changes.is_empty());
                    self.committed(applied);
                }
                Err(failure) => {
                    self.roll_back();
                    failure.log(0, false);
                    if failure.is_passing() {
                        // It is tried again with the next batch.
                        return;
                    }
                    self.memory.losses.failed(&flow);
                }
            }
        }
    }

    /// One transaction of a batch; a panic in there costs as little as any other failure.
    fn apply<'a>(&mut self, batch: impl FnOnce() -> Batch<'a>) -> Result<Applied, Failure> {
        let done = catch_unwind(AssertUnwindSafe(|| {
            apply(&self.conn, &mut self.memory, &self.sql, &batch(), &self.unwritten)
        }));
        match done {
            Ok(applied) => applied.map_err(Failure::Sqlite),
            Err(_) => {
                // It may have been left in the middle of its work.
                self.memory.packer.renew();
                Err(Failure::Panic)
            }
        }
    }

    pub(super) fn roll_back(&mut self) {
        // Some failures have already ended the transaction.
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "a failed transaction could not be rolled back");
        }
        self.memory.restore();
    }

    fn committed(&mut self, applied: Applied) {
        self.memory.settle();
        if !self.unwritten.is_empty() {
            self.unwritten.clear();
            self.counters.unwritten.lock().clear();
        }
        let counters = &self.counters;
        Counters::set(&counters.failing, 0);
        Counters::add(&counters.batches, 1);
        Counters::add(&counters.flows, applied.totals.flows);
        Counters::add(&counters.events, applied.totals.events);
        Counters::add(&counters.tunnels, applied.totals.tunnels);
        for (reason, count) in applied.reported {
            Counters::add(counters.dropped(reason), count);
        }
        Counters::set(&counters.open, self.memory.open_flows() as u64);
        Counters::set(&counters.held, self.memory.held_flows() as u64);
        Counters::set(&counters.rested, self.memory.rested);
        Voice { announce: &self.announce, counters }.tell(applied.revision, &applied.changes);
    }

    /// Counts a batch that could not be written; the rows about it wait for the next transaction.
    ///
    /// `forget`: what is remembered of its flows is wrong, such as a row that somebody has deleted.
    fn give_up(&mut self, items: &[Item], forget: bool) {
        let mut by_flow: HashMap<Option<FlowId>, (u64, u64)> = HashMap::new();
        let mut events = 0;
        for item in items {
            let mut count = 1;
            let record = match item {
                Item::Record(record) => record,
                Item::Block(block) => {
                    events += block.events;
                    let lost = Loss { events: block.events, ..Loss::default() };
                    self.memory.losses.add(block.flow, &lost);
                    self.gave_up(&mut by_flow, item, Some(block.flow), block.events, forget);
                    continue;
                }
            };
            let lost = Loss::of(record);
            if let Some((flow, lost)) = lost.as_ref().filter(|(_, lost)| !lost.is_none()) {
                self.memory.losses.add(*flow, lost);
            }
            match &**record {
                Record::Events(run) => {
                    count = run.spans.len() as u64;
                    events += count;
                }
                // Not lost: it is itself such a row.
                Record::Drop(reported) => {
                    Counters::add(self.counters.dropped(reported.reason), reported.count);
                    self.note(reported.clone());
                    continue;
                }
                // Nor is this, which is remembered.
                Record::Loss(..) => continue,
                _ => {}
            }
            self.gave_up(&mut by_flow, item, lost.map(|(flow, _)| flow), count, forget);
        }
        let at = Micros::now();
        for (flow, (count, bytes)) in by_flow {
            self.note(Dropped { at, flow, reason: reason(flow), count, bytes });
        }
        self.counters.unwritten.lock().clone_from(&self.unwritten);
        Counters::add(&self.counters.events_dropped, events);
        Counters::add(&self.counters.failed, 1);
        tracing::error!(
            records = items.len(),
            events,
            "a batch could not be written and was dropped; recording goes on"
        );
    }

    /// Counts an item that could not be written.
    fn gave_up(
        &mut self,
        by_flow: &mut HashMap<Option<FlowId>, (u64, u64)>,
        item: &Item,
        flow: Option<FlowId>,
        count: u64,
        forget: bool,
    ) {
        if let Some(flow) = flow.filter(|_| forget) {
            self.memory.drop_flow(flow);
        }
        Counters::add(&self.counters.records_dropped, 1);
        Counters::add(self.counters.dropped(reason(flow)), count);
        let sum = by_flow.entry(flow).or_default();
        sum.0 += count;
        sum.1 += weight(item) as u64;
    }

    /// Keeps a row for the next transaction; beyond a bound they are summed by reason.
    fn note(&mut self, dropped: Dropped) {
        if self.unwritten.len() < DROP_ROWS {
            self.unwritten.push(dropped);
            return;
        }
        let general = |row: &&mut Dropped| row.flow.is_none() && row.reason == dropped.reason;
        match self.unwritten.iter_mut().find(general) {
            Some(row) => {
                row.count += dropped.count;
                row.bytes += dropped.bytes;
            }
            // At most one more row for each reason.
            None => self.unwritten.push(Dropped { flow: None, ..dropped }),
        }
    }
}

/// What became of a record that could not be written: what belongs to no flow is a tunnel.
fn reason(flow: Option<FlowId>) -> DropReason {
    flow.map_or(DropReason::TunnelLost, |_| DropReason::WriteFailed)
}
