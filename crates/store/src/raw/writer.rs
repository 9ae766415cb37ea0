//! The thread that writes raw bodies.

use std::collections::VecDeque;
use std::time::Duration;

use langley_model::Micros;
use rusqlite::Connection;

use super::queue::{Entry, Queue};
use super::side_number;
use crate::codec::pack::Packer;

/// What comes within this time shares a transaction.
const GATHER: Duration = Duration::from_millis(200);

/// Pieces that follow one another are one row up to this size.
pub(super) const ROW_BYTES: usize = 1 << 20;

/// Says that nobody writes any more, also when that ends by a panic.
struct Farewell<'a>(&'a Queue);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Writes until the queue is closed and empty.
pub(super) fn run(mut conn: Connection, queue: &Queue) {
    let _farewell = Farewell(queue);
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
        queue.rest(GATHER);
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
                    && together.len() < ROW_BYTES
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
