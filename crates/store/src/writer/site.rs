//! Where a small piece of work is done between two batches: the writer's own connection, so that nothing
//! else ever holds the lock that recording needs.

use std::path::Path;
use std::time::{Duration, Instant};

use langley_model::{Flow, Micros};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::blobs::Marks;
use super::tails::Memory;
use super::{Change, Voice};
use crate::codec::pack::RECIPE;
use crate::content::unpacked;
use crate::readers::ReadError;
use crate::{tools, traits};

/// How long a piece of work may take before the next batch comes first.
const STRETCH: Duration = Duration::from_millis(4);

/// How patient the writer is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Pause before the first repetition of a failed write.
    pub(crate) retry_pause: Duration,
    /// How long one attempt waits for another connection's lock.
    pub(crate) busy: Duration,
}

/// How the writer goes about its work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) patience: Patience,
    /// Open flows whose state it keeps in memory.
    pub(crate) open_flows: usize,
    /// Pages in the write-ahead log that trigger a checkpoint while little waits.
    pub(crate) checkpoint_pages: u32,
}

/// What a piece of work may touch.
pub(crate) struct Site<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) path: &'a Path,
    pub(super) memory: &'a mut Memory,
    pub(super) patience: Patience,
    pub(super) voice: Voice<'a>,
}

impl<'a> Site<'a> {
    /// A transaction; rolled back unless it is committed.
    pub(crate) fn change(&self) -> rusqlite::Result<Transaction<'a>> {
        Transaction::new_unchecked(self.conn, TransactionBehavior::Immediate)
    }

    /// The number of what a flow has alike with others, if it has one or can be given one.
    pub(crate) fn traits_of(
        &mut self,
        conn: &Connection,
        flow: &Flow,
    ) -> rusqlite::Result<Option<i64>> {
        traits::number(&mut self.memory.traits, conn, flow)
    }

    /// Tells of flows that a transaction has changed and committed, in the order of their revisions.
    pub(crate) fn announce(&self, changes: &[Change]) {
        if let Some(last) = changes.last() {
            self.voice.tell(last.revision, changes);
        }
    }

    /// Forgets what a transaction that failed may have named.
    pub(crate) fn forget_names(&mut self) {
        self.memory.traits.forget();
    }

    /// Forgets where keys were taken: rows are gone.
    pub(crate) fn rows_are_gone(&mut self) {
        self.memory.crowd = (0, 0);
    }

    /// Marks from now on every content that records refer to; returns the highest one there is.
    pub(crate) fn begin_marking(&mut self) -> rusqlite::Result<i64> {
        self.memory.blobs.begin_marking();
        self.conn.query_row("SELECT ifnull(max(id), 0) FROM blobs", (), |row| row.get(0))
    }

    /// Whether a content must stay because a record referred to it since [`Self::begin_marking`].
    pub(crate) fn is_marked(&self, blob: i64) -> bool {
        self.memory.blobs.is_marked(blob)
    }

    /// Packs a content by itself that was packed against another; whether it could be.
    pub(crate) fn loosen(&mut self, blob: i64) -> rusqlite::Result<bool> {
        let (codec, raw) = match unpacked(self.conn, blob) {
            Ok(unpacked) => unpacked,
            Err(ReadError::Sqlite(error)) => return Err(error),
            Err(ReadError::Store(error)) => {
                tracing::warn!(%error, content = blob, "a content cannot be packed anew");
                return Ok(false);
            }
        };
        let (packing, packed) = self.memory.packer.pack_piece(&raw);
        self.conn
            .prepare_cached("UPDATE blobs SET codec = ?2, bytes = ?3, base = NULL WHERE id = ?1")?
            .execute((blob, packing | codec & RECIPE, packed))?;
        Ok(true)
    }

    /// The number of a tool, given one if need be; `key` is that of its flow.
    pub(crate) fn tool_number(&mut self, name: &str, key: i64) -> rusqlite::Result<Option<i64>> {
        tools::number(&mut self.memory.tools, self.conn, name, Micros(key))
    }

    /// Forgets the numbers that a transaction that failed may have given.
    pub(crate) fn forget_tools(&mut self) {
        self.memory.tools.forget();
    }

    /// Marks no more.
    pub(crate) fn end_marking(&mut self) {
        self.memory.blobs.end_marking();
    }

    /// Does something that must not wait for other connections.
    pub(crate) fn without_waiting<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.conn.busy_timeout(Duration::ZERO)?;
        let done = work(self.conn);
        self.conn.busy_timeout(self.patience.busy)?;
        done
    }
}

/// How much one piece of work may do: by rows, and by time. The first row is always allowed.
#[derive(Debug)]
pub(crate) struct Budget {
    rows: u32,
    until: Instant,
}

impl Budget {
    pub(crate) fn new(rows: u32) -> Self {
        Self { rows, until: Instant::now() + STRETCH }
    }

    /// Counts rows; whether there may be more.
    pub(crate) fn spend(&mut self, rows: usize) -> bool {
        self.rows = self.rows.saturating_sub(u32::try_from(rows).unwrap_or(u32::MAX));
        self.rows > 0 && Instant::now() < self.until
    }
}

/// A set of contents, as the sweep gathers it from the rows.
pub(crate) type ContentSet = Marks;
