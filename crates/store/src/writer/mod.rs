//! The one writer: a thread that turns what waits into transactions, and outlives their failures.

mod apply;
mod batch;
mod blobs;
mod groups;
mod hash;
mod kin;
mod pieces;
mod site;
mod tails;

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use langley_model::{
    Drop as Dropped, DropReason, Flow, FlowId, Micros, Record, Redacted, Revision, Stored,
};
use rusqlite::Connection;

use crate::codec::pack::Effort;
use crate::connect::WriterMark;
use crate::counters::Counters;
use crate::error::{StoreError, particular, passing};
use crate::flow_row::FlowSql;
use crate::packed::Item;
use crate::queue::{Queue, Taken, weight};

pub(crate) use apply::Totals;
use apply::{Applied, apply};
pub(crate) use pieces::named;
pub(crate) use site::{Budget, ContentSet, Manner, Patience, Site};
use tails::Memory;

/// Repetitions of a failed write before its batch is given up.
const RETRIES: u32 = 3;

/// Rows about failed batches that wait; what is beyond is summed in a row without a flow.
const DROP_ROWS: usize = 256;

/// A committed change of a flow.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its revision.
    pub revision: Revision,
    /// The flow as it is now.
    pub flow: Stored<Arc<Flow>>,
}

/// Called on the writer's thread after each commit, with one change per flow that was touched.
pub type Announce = Box<dyn Fn(&[Change]) + Send>;

/// What the writer can be asked to do beside writing records.
pub(crate) enum Command {
    /// Keep a setting.
    PutSetting { key: String, value: Redacted<String>, reply: SyncSender<Result<(), StoreError>> },
}

/// A piece of work on the writer's connection, short enough that recording does not wait for it.
pub(crate) type Job = Box<dyn FnOnce(&mut Site<'_>) + Send>;

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutSetting { key, .. } => f.debug_tuple("PutSetting").field(key).finish(),
        }
    }
}

/// The writer's state; owned by its thread.
pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    pub(crate) queue: Arc<Queue>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) announce: Announce,
    pub(crate) patience: Patience,
    pub(crate) _mark: WriterMark,
    memory: Memory,
    sql: FlowSql,
    /// Drops of the writer itself that have no row yet.
    unwritten: Vec<Dropped>,
}

/// Says that the writer has ended, even when it ends by a panic.
struct Farewell(Arc<Queue>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.gone();
    }
}

impl Writer {
    pub(crate) fn new(
        conn: Connection,
        path: PathBuf,
        queue: Arc<Queue>,
        counters: Arc<Counters>,
        announce: Announce,
        manner: Manner,
        mark: WriterMark,
    ) -> Self {
        Self {
            conn,
            path,
            queue,
            counters,
            announce,
            patience: manner.patience,
            _mark: mark,
            memory: Memory::new(manner.open_flows),
            sql: FlowSql::new(),
            unwritten: Vec::new(),
        }
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let farewell = Farewell(Arc::clone(&self.queue));
        while let Some(taken) = self.queue.take() {
            let (count, bytes) = (taken.items.len(), taken.bytes());
            let Taken { items, commands, job, hurry, pressed, .. } = taken;
            self.memory.packer.exert(match (hurry, pressed) {
                (true, _) => Effort::None,
                (false, true) => Effort::Little,
                (false, false) => Effort::All,
            });
            self.memory.pressed = pressed;
            if !items.is_empty() {
                self.write(&items);
                drop(items);
                self.queue.settle(count, bytes);
            }
            for command in commands {
                self.obey(command);
            }
            if let Some(job) = job {
                self.work(job);
            }
        }
        // The file is at rest before anybody is told.
        drop(self);
        drop(farewell);
    }

    /// Writes a batch; gives it up after its repetitions, and goes on.
    fn write(&mut self, items: &[Item]) {
        let mut pause = self.patience.retry_pause;
        let mut attempt = 0;
        loop {
            match apply(&self.conn, &mut self.memory, &self.sql, items, &self.unwritten) {
                Ok(applied) => return self.committed(applied),
                Err(error) => {
                    self.roll_back();
                    Counters::set(&self.counters.failing, 1);
                    let repeat = attempt < RETRIES && passing(&error);
                    tracing::warn!(%error, attempt, repeat, "a write to the store failed");
                    let half = items.len() / 2;
                    if half > 0 && particular(&error) {
                        // One bad record must not cost its neighbours.
                        let (first, second) = items.split_at(half);
                        self.write(first);
                        return self.write(second);
                    }
                    // A store that is being closed tries once more, without the pause.
                    if !repeat || (!self.queue.pause(pause) && attempt > 0) {
                        return self.give_up(items, particular(&error));
                    }
                    Counters::add(&self.counters.retries, 1);
                    attempt += 1;
                    pause = pause.saturating_mul(4);
                }
            }
        }
    }

    fn roll_back(&mut self) {
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
        self.unwritten.clear();
        let counters = &self.counters;
        Counters::set(&counters.failing, 0);
        Counters::add(&counters.batches, 1);
        Counters::add(&counters.flows, applied.totals.flows);
        Counters::add(&counters.events, applied.totals.events);
        Counters::add(&counters.tunnels, applied.totals.tunnels);
        for (reason, count) in applied.reported {
            Counters::add(counters.dropped(reason), count);
        }
        Counters::set(&counters.revision, applied.revision.0);
        Counters::set(&counters.open, self.memory.open_flows() as u64);
        Counters::set(&counters.held, self.memory.held_flows() as u64);
        Counters::set(&counters.rested, self.memory.rested);
        if !applied.changes.is_empty() {
            let announced = catch_unwind(AssertUnwindSafe(|| (self.announce)(&applied.changes)));
            if announced.is_err() {
                tracing::error!("a listener of committed changes panicked; recording goes on");
            }
        }
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
                    self.memory.lost_events(block.flow, block.events);
                    self.gave_up(&mut by_flow, item, Some(block.flow), block.events, forget);
                    continue;
                }
            };
            let flow = match &**record {
                Record::Events(run) => {
                    count = run.spans.len() as u64;
                    events += count;
                    if let Some(flow) = run.flow {
                        self.memory.lost_events(flow, count);
                    }
                    run.flow
                }
                Record::Flow(flow) => Some(flow.id),
                Record::Headers(headers) => Some(headers.flow),
                Record::Body(body) => Some(body.flow),
                Record::Message(flow, _) => Some(*flow),
                Record::Tunnel(_) => None,
                // Not lost: it is itself such a row.
                Record::Drop(reported) => {
                    Counters::add(self.counters.dropped(reported.reason), reported.count);
                    self.note(reported.clone());
                    continue;
                }
            };
            self.gave_up(&mut by_flow, item, flow, count, forget);
        }
        let (at, reason) = (Micros::now(), DropReason::WriteFailed);
        for (flow, (count, bytes)) in by_flow {
            self.note(Dropped { at, flow, reason, count, bytes });
        }
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
        Counters::add(self.counters.dropped(DropReason::WriteFailed), count);
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

    fn obey(&mut self, command: Command) {
        match command {
            Command::PutSetting { key, value, reply } => {
                let put = self.conn.execute(
                    "INSERT INTO settings (key, value, changed_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE SET value = ?2, changed_at = ?3",
                    (&key, value.as_str(), Micros::now().0),
                );
                let put = put.map(|_| ()).map_err(|error| StoreError::of(error, &self.path));
                // The asker may have gone.
                let _ = reply.try_send(put);
            }
        }
    }

    fn work(&mut self, job: Job) {
        let done = catch_unwind(AssertUnwindSafe(|| {
            job(&mut Site {
                conn: &self.conn,
                path: &self.path,
                memory: &mut self.memory,
                patience: self.patience,
            });
        }));
        if done.is_err() {
            tracing::error!("a piece of maintenance panicked; recording goes on");
            self.roll_back();
        }
    }
}
