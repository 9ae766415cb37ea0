//! Small blocks folded together: each look at a file that is being written leaves one of a line or two, which takes
//! several times the room that its lines take among others.

use rusqlite::Connection;

use super::block::lines_of;
use crate::error::StoreError;
use crate::store::Store;

/// Bytes and lines of a block that is full: moving them is a piece of work of a few milliseconds.
const FULL_BYTES: i64 = 64 << 10;
const FULL_LINES: i64 = 512;

/// Small blocks that are looked at in one go; a later one goes on from there.
const AT_ONCE: i64 = 100_000;

/// A small block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Small {
    /// The file that its lines are of.
    file: i64,
    /// Its number.
    block: i64,
    bytes: i64,
    lines: i64,
}

impl Store {
    /// Folds small blocks of the same file into full ones, in the order in which they came; by how many blocks there
    /// are fewer.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was folded until then is.
    pub fn fold_transcripts(&self) -> Result<u64, StoreError> {
        let mut small = self.readers().read(|conn| Ok(small(conn)?))?;
        small.sort_unstable();
        let mut fewer = 0;
        for run in runs(&small).filter(|run| run.len() > 1) {
            let lines = self.readers().read(|conn| {
                let mut lines = Vec::new();
                for small in run {
                    lines.extend(lines_of(conn, small.block, "?2 = 0", 0)?);
                }
                Ok(lines)
            })?;
            if self.move_lines(lines)? {
                fewer += run.len() as u64 - 1;
            }
        }
        Ok(fewer)
    }
}

/// The size below which a block is small stands in the index as well.
fn small(conn: &Connection) -> rusqlite::Result<Vec<Small>> {
    let mut statement = conn.prepare_cached(
        "SELECT min(transcript), block, raw_len, count(*)
         FROM transcript_blocks JOIN transcript_records ON block = transcript_blocks.id
         WHERE transcript_blocks.id IN
             (SELECT id FROM transcript_blocks WHERE raw_len < 32768 ORDER BY id LIMIT ?1)
         GROUP BY block",
    )?;
    let rows = statement.query_map([AT_ONCE], |row| {
        Ok(Small { file: row.get(0)?, block: row.get(1)?, bytes: row.get(2)?, lines: row.get(3)? })
    })?;
    rows.collect()
}

/// Neighbours of one file, as many as make a full block.
fn runs(small: &[Small]) -> impl Iterator<Item = &[Small]> {
    let mut rest = small;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let (mut bytes, mut lines) = (0, 0);
        let full = rest.iter().position(|next| {
            bytes += next.bytes;
            lines += next.lines;
            let is_full = bytes > FULL_BYTES || lines > FULL_LINES;
            next.block != first.block && (is_full || next.file != first.file)
        });
        let (run, others) = rest.split_at(full.unwrap_or(rest.len()));
        rest = others;
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_one_file_and_ends_where_a_block_is_full() {
        let of = |file, block, bytes, lines| Small { file, block, bytes, lines };
        let small = [
            of(1, 1, 30_000, 5),
            of(1, 2, 30_000, 5),
            of(1, 7, 30_000, 5),
            of(2, 3, 10, 500),
            of(2, 4, 10, 12),
            of(2, 5, 10, 1),
            of(3, 6, 10, 1_000),
            of(3, 8, 10, 1),
        ];
        let blocks: Vec<Vec<i64>> =
            runs(&small).map(|run| run.iter().map(|it| it.block).collect()).collect();
        assert_eq!(blocks, [vec![1, 2], vec![7], vec![3, 4], vec![5], vec![6], vec![8]]);
    }
}
