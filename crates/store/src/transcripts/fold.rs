//! Small blocks folded together: each look at a file that is being written leaves one of a line or two, which takes
//! several times the room that its lines take among others.

use rusqlite::{Connection, OptionalExtension};

use super::block::lines_of;
use crate::error::StoreError;
use crate::store::Store;
use crate::totals::total;

/// Bytes and lines of a block that is full: moving them is a piece of work of a few milliseconds.
const FULL_BYTES: i64 = 64 << 10;
const FULL_LINES: i64 = 512;

/// Small blocks that are looked at together: neighbours among them are folded.
const AT_ONCE: usize = 100_000;

/// Up to which block all were looked at.
const FOLDED: &str = "transcript_blocks_folded";

/// A small block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Small {
    /// The file that its lines are of.
    file: i64,
    /// The first of its lines, which lie in the order in which they came.
    first: i64,
    /// Its number.
    block: i64,
    bytes: i64,
    lines: i64,
}

impl Store {
    /// Folds small blocks of the same file into full ones, in the order in which they came; by how many blocks there
    /// are fewer. What was looked at before is looked at again only where something came behind it.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was folded until then is.
    pub fn fold_transcripts(&self) -> Result<u64, StoreError> {
        self.fold(AT_ONCE)
    }

    /// The same, of so many blocks together.
    fn fold(&self, at_once: usize) -> Result<u64, StoreError> {
        let last = "SELECT ifnull(max(id), 0) FROM transcript_blocks";
        // What it makes itself it leaves to the next time, with what came behind it until then.
        let (folded, last) = self.readers().read(|conn| {
            let last: i64 = conn.query_row(last, (), |row| row.get(0))?;
            Ok((total(conn, FOLDED)?.unwrap_or(0), last))
        })?;
        let (mut after, mut fewer) = (folded, 0);
        loop {
            let ids = self.readers().read(|conn| Ok(next(conn, (after, last), at_once)?))?;
            let Some(&end) = ids.last() else { break };
            fewer += self.fold_between((after, end))?;
            after = end;
        }
        if after > folded {
            self.job(move |site| {
                site.conn.execute(
                    "INSERT OR REPLACE INTO totals (name, value) VALUES (?1, ?2)",
                    (FOLDED, after),
                )
            })?;
        }
        Ok(fewer)
    }

    /// Folds small blocks behind one and up to another, with those before them.
    fn fold_between(&self, span: (i64, i64)) -> Result<u64, StoreError> {
        let mut small = self.readers().read(|conn| {
            let mut small = small(conn, span)?;
            small.sort_unstable();
            Ok(with_those_before(conn, small)?)
        })?;
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

/// The numbers of the next small blocks behind one and up to another. The size below which a block is small stands in
/// the index as well.
fn next(conn: &Connection, (after, until): (i64, i64), limit: usize) -> rusqlite::Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM transcript_blocks WHERE raw_len < 32768 AND id > ?1 AND id <= ?2
         ORDER BY id LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement.query_map((after, until, limit), |row| row.get(0))?.collect()
}

fn small(conn: &Connection, span: (i64, i64)) -> rusqlite::Result<Vec<Small>> {
    let mut statement = conn.prepare_cached(
        "SELECT min(transcript), min(transcript_records.id), block, raw_len, count(*)
         FROM transcript_blocks JOIN transcript_records ON block = transcript_blocks.id
         WHERE transcript_blocks.id IN
             (SELECT id FROM transcript_blocks WHERE raw_len < 32768 AND id > ?1 AND id <= ?2)
         GROUP BY block",
    )?;
    let rows = statement.query_map(span, |row| {
        Ok(Small {
            file: row.get(0)?,
            first: row.get(1)?,
            block: row.get(2)?,
            bytes: row.get(3)?,
            lines: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// The same, with the block that lies before the first one of each file, where that is small too.
fn with_those_before(conn: &Connection, mut small: Vec<Small>) -> rusqlite::Result<Vec<Small>> {
    let mut before = conn.prepare_cached(
        "SELECT block, raw_len FROM transcript_blocks JOIN transcript_records ON block = transcript_blocks.id
         WHERE transcript_records.id = (SELECT max(id) FROM transcript_records
             WHERE transcript = ?1 AND id < ?2) AND raw_len < 32768",
    )?;
    let mut of =
        conn.prepare_cached("SELECT min(id), count(*) FROM transcript_records WHERE block = ?1")?;
    let mut found = Vec::new();
    for of_file in small.chunk_by(|one, other| one.file == other.file) {
        let Small { file, first, .. } = of_file[0];
        let known: Option<(i64, i64)> =
            before.query_row((file, first), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((block, bytes)) = known
            && of_file.iter().all(|it| it.block != block)
        {
            let (first, lines) = of.query_row([block], |row| Ok((row.get(0)?, row.get(1)?)))?;
            found.push(Small { file, first, block, bytes, lines });
        }
    }
    small.append(&mut found);
    Ok(small)
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
    use langley_model::{LineFacts, Micros, Redactor, RedactorOptions, TranscriptLine};

    use super::*;
    use crate::options::StoreOptions;
    use crate::transcripts::{TranscriptBatch, TranscriptPlace, TranscriptWriter};

    /// Brings a line of a file, which lies in a block of its own.
    fn bring(store: &Store, file: u8, transcript: Option<i64>) -> i64 {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let line = TranscriptLine {
            content: redactor.body(vec![b'x'; 10]),
            facts: LineFacts { session: Some("S".into()), ..LineFacts::default() },
            ..TranscriptLine::default()
        };
        let place = TranscriptPlace { path_key: [file; 16], ..TranscriptPlace::default() };
        let lines = vec![line];
        let batch = TranscriptBatch { transcript, place, lines, ..TranscriptBatch::default() };
        let mut writer = TranscriptWriter::new(store.clone());
        writer.bring(vec![redactor.seal(batch)], Micros(1)).unwrap();
        writer.kept().unwrap()[0].transcript
    }

    #[test]
    fn blocks_behind_many_that_cannot_be_folded_are_folded_too() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let _alone: Vec<i64> = (0..3).map(|file| bring(&store, file, None)).collect();
        let file = bring(&store, 3, None);
        for _ in 0..4 {
            bring(&store, 3, Some(file));
        }
        assert_eq!(store.fold(3).unwrap(), 4, "three together, and two with these");
        assert_eq!(store.fold(5).unwrap(), 0);
        for fewer in [1, 1, 0] {
            if fewer > 0 {
                bring(&store, 3, Some(file));
            }
            assert_eq!(store.fold(5).unwrap(), fewer, "with what came behind it");
        }
    }

    #[test]
    fn blocks_behind_which_nothing_came_are_not_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let files: Vec<i64> = (0..3).map(|file| bring(&store, file, None)).collect();
        assert_eq!(store.fold(9).unwrap(), 0);
        let unlooked = || {
            let folded = store.readers().read(|conn| Ok(total(conn, FOLDED)?)).unwrap();
            let after = folded.unwrap_or(0);
            store.readers().read(|conn| Ok(next(conn, (after, i64::MAX), 9)?)).unwrap().len()
        };
        assert_eq!(unlooked(), 0);
        bring(&store, 1, Some(files[1]));
        assert_eq!(unlooked(), 1);
        assert_eq!(store.fold(9).unwrap(), 1, "with the one that was alone before");
        // A number that is given once more is that of another block.
        let conn = Connection::open(store.path()).unwrap();
        conn.execute_batch("DELETE FROM transcript_records; DELETE FROM transcript_blocks")
            .unwrap();
        bring(&store, 2, Some(files[2]));
        assert_eq!(unlooked(), 1);
    }

    #[test]
    fn a_run_is_of_one_file_and_ends_where_a_block_is_full() {
        let of = |file, block, bytes, lines| Small { file, first: block, block, bytes, lines };
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
