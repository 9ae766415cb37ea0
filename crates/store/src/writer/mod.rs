//! The one writer: a thread that turns what waits into transactions, and outlives their failures.

mod apply;
mod batch;
mod blobs;
mod groups;
mod hash;
mod kin;
mod losses;
mod pieces;
mod site;
mod tails;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use langley_model::{Drop as Dropped, Flow, Micros, Redacted, Revision, Stored};
use rusqlite::Connection;

use crate::codec::pack::Effort;
use crate::connect::{CACHE_KB, WriterMark};
use crate::counters::Counters;
use crate::error::StoreError;
use crate::flow_row::FlowSql;
use crate::queue::{Queue, Taken};

pub(crate) use pieces::named;
pub(crate) use site::{Budget, ContentSet, Manner, Patience, Site};
use tails::Memory;

/// A committed change of a flow.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its revision.
    pub revision: Revision,
    /// The flow as it is now.
    pub flow: Stored<Arc<Flow>>,
}

/// How many times as long the write-ahead log may get while much waits: what is folded back then is mostly written
/// again a moment later.
const PRESSED_LOG: i64 = 4;

/// Room for pages of the writer while much waits, in KB. One that is too small writes a page several times within
/// a transaction.
const PRESSED_CACHE_KB: i64 = 4096;

/// How the writer tells what it has committed.
#[derive(Clone, Copy)]
struct Voice<'a> {
    announce: &'a Announce,
    counters: &'a Counters,
}

impl Voice<'_> {
    /// Tells of flows that have changed, `revision` being the last one that was committed.
    fn tell(self, revision: Revision, changes: &[Change]) {
        Counters::set(&self.counters.revision, revision.0);
        if changes.is_empty() {
            return;
        }
        let announced = catch_unwind(AssertUnwindSafe(|| (self.announce)(changes)));
        if announced.is_err() {
            tracing::error!("a listener of committed changes panicked; recording goes on");
        }
    }
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
    checkpoint_pages: u32,
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
            checkpoint_pages: manner.checkpoint_pages,
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
            if std::mem::replace(&mut self.memory.pressed, pressed) != pressed {
                press(&self.conn, pressed, self.checkpoint_pages);
            }
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
                voice: Voice { announce: &self.announce, counters: &self.counters },
            });
        }));
        if done.is_err() {
            tracing::error!("a piece of maintenance panicked; recording goes on");
            self.roll_back();
        }
    }
}

/// While much waits, pages that change again and again are folded back less often, and more of them are kept at
/// hand.
fn press(conn: &Connection, pressed: bool, checkpoint_pages: u32) {
    let pages = i64::from(checkpoint_pages);
    let (pages, cache) =
        if pressed { (pages * PRESSED_LOG, PRESSED_CACHE_KB) } else { (pages, CACHE_KB) };
    let set = conn
        .pragma_update(None, "cache_size", -cache)
        .and_then(|()| conn.pragma_update_and_check(None, "wal_autocheckpoint", pages, |_| Ok(())));
    if let Err(error) = set {
        tracing::debug!(%error, "the writer's bounds could not be changed; recording goes on");
    }
}
