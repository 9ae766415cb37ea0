//! Bodies as they travelled, unredacted, in a file of their own: the forensic option, which is off unless a
//! person asks for it twice. Nothing of it is ever in the store proper, in an export or at a network door.
//!
//! A body is a row of pieces, each under its offset; what found no room in the queue leaves a hole, which
//! whoever reads the body learns of.

mod queue;
mod read;
mod remove;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use langley_model::{FlowId, Side};
use parking_lot::Mutex;
use rusqlite::Connection;

use self::queue::{Entry, Queue};
pub use self::read::{RawBody, RawFile, holds_raw_bodies};
pub use self::remove::{RawRemoved, remove_raw_bodies};
use crate::connect;
use crate::error::StoreError;
use crate::options::StoreOptions;

/// Bytes that may wait to be written; more are holes.
const QUEUE_BYTES: usize = 16 << 20;

/// The largest size of the file; beyond it nothing more is kept until older bodies have gone.
const FILE_BYTES: u64 = 4 << 30;

/// Layout of the file, in its `user_version`.
const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE raw_pieces (
        flow   BLOB NOT NULL,
        side   INTEGER NOT NULL, -- 0: of the request, 1: of the answer
        offset INTEGER NOT NULL, -- of the first byte in the body
        at     INTEGER NOT NULL, -- UTC microseconds of its writing
        codec  INTEGER NOT NULL, -- 0: as it is, 1: zstd
        len    INTEGER NOT NULL, -- before packing
        bytes  BLOB NOT NULL,
        PRIMARY KEY (flow, side, offset)
    ) WITHOUT ROWID;
    CREATE INDEX raw_pieces_at ON raw_pieces (at);
    CREATE TABLE raw_flows (
        flow           BLOB PRIMARY KEY,
        at             INTEGER NOT NULL,
        request_bytes  INTEGER NOT NULL, -- of the whole body, seen by the proxy
        response_bytes INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX raw_flows_at ON raw_flows (at);";

/// What became of the raw bodies since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawCounters {
    /// Bytes written.
    pub bytes: u64,
    /// Bytes that found no room, in the queue or on the disk.
    pub bytes_dropped: u64,
    /// Ends of flows that found none: of their bodies nobody knows whether they are whole.
    pub ends_dropped: u64,
}

/// Takes raw bodies and writes them on a thread of its own.
#[derive(Debug)]
pub struct RawStore {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl RawStore {
    /// Opens the file, making it with mode 0600.
    ///
    /// # Errors
    /// It cannot be made or written, is no database, or one of a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let conn = open(path)?;
        let queue = Arc::new(Queue::new(QUEUE_BYTES));
        let taken = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name(String::from("raw-writer"))
            .spawn(move || writer::run(conn, &taken))
            .map_err(|error| StoreError::Unwritable {
                folder: path.to_owned(),
                detail: error.to_string(),
            })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Takes a piece of a body that begins at `offset`; never waits.
    pub fn piece(&self, flow: FlowId, side: Side, offset: u64, bytes: Bytes) {
        self.queue.put(Entry::Piece { flow, side, offset, bytes });
    }

    /// A flow ended, whose bodies were so long.
    pub fn end(&self, flow: FlowId, request_bytes: u64, response_bytes: u64) {
        self.queue.put(Entry::End { flow, request_bytes, response_bytes });
    }

    /// Waits until what was taken so far is in the file, or is counted as dropped.
    pub fn flush(&self) {
        self.queue.flush();
    }

    /// What became of what was taken.
    #[must_use]
    pub fn counters(&self) -> RawCounters {
        self.queue.counters()
    }

    /// Writes what waits and ends the thread.
    pub fn close(&self) {
        self.queue.close();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of raw bodies ended by a panic");
        }
    }
}

impl Drop for RawStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens the file for writing, and makes its tables where they are not there. What is removed from it is
/// overwritten: it may have been a key.
fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut options = StoreOptions::new(path);
    options.max_bytes = Some(FILE_BYTES);
    let conn = connect::writer(&options)?;
    let prepared = || -> rusqlite::Result<i64> {
        conn.pragma_update(None, "secure_delete", "ON")?;
        // Two may open a new file at once.
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let found = version(&conn)?;
        if found == 0 {
            conn.execute_batch(&format!("{SCHEMA} PRAGMA user_version = {VERSION};"))?;
        }
        conn.execute_batch("COMMIT")?;
        Ok(found)
    };
    let found = prepared().map_err(|error| StoreError::of(error, path))?;
    refuse_newer(found, path)?;
    Ok(conn)
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn refuse_newer(found: i64, path: &Path) -> Result<(), StoreError> {
    if found <= VERSION {
        return Ok(());
    }
    Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION })
}

/// As a number in the file.
const fn side_number(side: Side) -> i64 {
    match side {
        Side::Client => 0,
        Side::Upstream => 1,
    }
}
