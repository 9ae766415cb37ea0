//! The thread that writes raw bodies.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use langley_model::Micros;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::queue::{Entry, Queue};
use super::{side_number, writable};
use crate::codec::pack::Packer;
use crate::error::StoreError;

/// What comes within this time shares a transaction.
const GATHER: Duration = Duration::from_millis(200);

/// Pieces removed in one transaction.
const REMOVED_TOGETHER: i64 = 2_000;

/// Writes until the queue is closed and empty.
pub(super) fn run(mut conn: Connection, queue: &Queue) {
    let mut packer = Packer::new();
    let mut failing = false;
    while let Some(entries) = queue.take() {
        let done = write(&mut conn, &mut packer, &entries);
        queue.settle(&entries, done.is_ok());
        match done {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "raw bodies cannot be written; they are dropped and counted");
            }
            Err(_) => {}
        }
        std::thread::sleep(GATHER);
    }
}

fn write(
    conn: &mut Connection,
    packer: &mut Packer,
    entries: &VecDeque<Entry>,
) -> rusqlite::Result<()> {
    let change = conn.transaction()?;
    let now = Micros::now();
    let mut entries = entries.iter().peekable();
    while let Some(entry) = entries.next() {
        match entry {
            Entry::Piece { flow, side, offset, bytes } => {
                // Pieces of one body that follow one another are one row.
                let mut together = bytes.to_vec();
                while let Some(Entry::Piece { flow: next, side: with, offset: at, bytes: more }) =
                    entries.peek()
                    && (next, with) == (flow, side)
                    && *at == offset + together.len() as u64
                {
                    together.extend_from_slice(more);
                    entries.next();
                }
                let (codec, packed) = packer.pack(&together);
                change
                    .prepare_cached(
                        "INSERT OR REPLACE INTO raw_pieces VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    )?
                    .execute((
                        flow.as_bytes(),
                        side_number(*side),
                        offset.cast_signed(),
                        now.0,
                        codec,
                        together.len() as i64,
                        packed,
                    ))?;
            }
            Entry::End { flow, request_bytes, response_bytes } => {
                change
                    .prepare_cached("INSERT OR REPLACE INTO raw_flows VALUES (?1, ?2, ?3, ?4)")?
                    .execute((
                        flow.as_bytes(),
                        now.0,
                        request_bytes.cast_signed(),
                        response_bytes.cast_signed(),
                    ))?;
            }
        }
    }
    change.commit()
}

/// Removes the raw bodies that were written before a time and gives their room back, in steps, so that
/// writing goes on in between; returns how many pieces went. Without a file there is nothing to do.
///
/// # Errors
/// The file cannot be written.
pub fn remove_raw_before(path: &Path, time: Micros) -> Result<u64, StoreError> {
    if !path.exists() {
        return Ok(0);
    }
    let conn = writable(path)?;
    remove_before(&conn, time).map_err(|error| StoreError::of(error, path))
}

fn remove_before(conn: &Connection, time: Micros) -> rusqlite::Result<u64> {
    let mut removed = 0;
    loop {
        let change = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
        let pieces = change.execute(
            "DELETE FROM raw_pieces WHERE (flow, side, offset) IN (
                 SELECT flow, side, offset FROM raw_pieces WHERE at < ?1 LIMIT ?2)",
            (time.0, REMOVED_TOGETHER),
        )?;
        let flows = change.execute(
            "DELETE FROM raw_flows WHERE flow IN (
                 SELECT flow FROM raw_flows WHERE at < ?1 LIMIT ?2)",
            (time.0, REMOVED_TOGETHER),
        )?;
        change.commit()?;
        removed += pieces as u64;
        if pieces + flows == 0 {
            break;
        }
    }
    if removed > 0 {
        conn.execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    Ok(removed)
}
