//! Which files are known, and how far they were read.

use std::collections::HashMap;

use langley_model::Micros;
use rusqlite::Row;

use super::count;
use super::delete::deleted;
use super::keep::TranscriptPlace;
use crate::damage::{Fault, Keyed, sound, told_apart};
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::store::Store;

/// A known transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTranscript {
    /// Its number.
    pub id: i64,
    /// Where reading goes on.
    pub place: TranscriptPlace,
    /// Lines of it that are kept.
    pub records: u64,
    /// Since when the file is missed.
    pub deleted_at: Option<Micros>,
}

/// The known transcripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownTranscripts {
    /// Those whose rows can be read, in the order in which they came.
    pub files: Vec<KnownTranscript>,
    /// The digests of the paths of the others, of which nobody knows how far they were read.
    pub damaged: Vec<[u8; 16]>,
}

/// What all transcripts come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TranscriptTotals {
    /// Files that are there.
    pub files: u64,
    /// Files that are gone, whose lines are kept.
    pub deleted: u64,
    /// Lines.
    pub records: u64,
    /// Their bytes, before they were redacted.
    pub bytes: u64,
    /// Lines that are no JSON.
    pub unreadable: u64,
    /// Lines cut within a character.
    pub mended: u64,
    /// Lines too long to be kept whole.
    pub cut: u64,
    /// Files whose rows cannot be read: they are in none of the others.
    pub damaged: u64,
    /// Conversations that somebody deleted, and that are not kept again.
    pub deleted_conversations: u64,
    /// Lines of theirs that came since, and were left out.
    pub left_out: u64,
}

const KNOWN: &str =
    "SELECT id, agent, path, path_key, device, inode, size, modified_ns, offset, head, tail, lines,
         reader, session, folder, records, deleted_at
     FROM transcripts";

const TOTALS: &str = "SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at),
         ifnull(sum(records), 0), ifnull(sum(bytes), 0), ifnull(sum(unreadable), 0),
         ifnull(sum(mended), 0), ifnull(sum(cut), 0)
     FROM transcripts";

impl Store {
    /// Every known transcript.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn transcripts(&self) -> Result<KnownTranscripts, StoreError> {
        self.readers().read(|conn| {
            let all = || -> rusqlite::Result<Vec<_>> {
                let mut statement = conn.prepare_cached(&format!("{KNOWN} ORDER BY id"))?;
                statement.query_map((), known)?.collect()
            };
            if let Some(files) = told_apart(all())? {
                return Ok(KnownTranscripts { files, damaged: Vec::new() });
            }
            let mut paths = conn.prepare_cached(
                "SELECT id, path_key FROM transcripts INDEXED BY transcripts_by_path ORDER BY id",
            )?;
            let mut one = conn.prepare_cached(&format!("{KNOWN} WHERE id = ?1"))?;
            let mut found = KnownTranscripts::default();
            for path in paths.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))? {
                let (id, path_key): (i64, [u8; 16]) = path?;
                match sound(("a transcript", id), one.query_row([id], known))? {
                    Some(file) => found.files.push(file),
                    None => found.damaged.push(path_key),
                }
            }
            Ok(found)
        })
    }

    /// How often each line of a transcript is kept, by its digest.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn transcript_digests(&self, transcript: i64) -> Result<HashMap<u64, u32>, StoreError> {
        self.readers().read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT digest FROM transcript_records WHERE transcript = ?1")?;
            let mut rows = statement.query([transcript])?;
            let mut digests = HashMap::new();
            while let Some(row) = rows.next()? {
                *digests.entry(row.get::<_, i64>(0)?.cast_unsigned()).or_default() += 1;
            }
            Ok(digests)
        })
    }

    /// What all transcripts come to.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn transcript_totals(&self) -> Result<TranscriptTotals, StoreError> {
        self.readers().read(|conn| {
            let (deleted_conversations, left_out) = deleted(conn)?;
            let with = |all| TranscriptTotals { deleted_conversations, left_out, ..all };
            match conn.prepare_cached(TOTALS)?.query_row((), totals) {
                Err(error) if error.is_of_one_place() => {}
                totals => return Ok(totals.map(with)?),
            }
            let mut one = conn.prepare_cached(&format!("{TOTALS} WHERE id = ?1"))?;
            let mut all = TranscriptTotals::default();
            let every = Condition::default();
            for id in Keyed::Transcripts.keys(conn, &every, Order::OldestFirst, usize::MAX)? {
                match sound(("a transcript", id), one.query_row([id], totals))? {
                    Some(one) => all.add(&one),
                    None => all.damaged += 1,
                }
            }
            Ok(with(all))
        })
    }
}

impl TranscriptTotals {
    /// Adds what is said of files.
    fn add(&mut self, other: &Self) {
        let Self { files, deleted, records, bytes, unreadable, mended, cut, damaged, .. } = other;
        self.files += files;
        self.deleted += deleted;
        self.records += records;
        self.bytes += bytes;
        self.unreadable += unreadable;
        self.mended += mended;
        self.cut += cut;
        self.damaged += damaged;
    }
}

fn totals(row: &Row<'_>) -> rusqlite::Result<TranscriptTotals> {
    Ok(TranscriptTotals {
        files: count(row, 0)?,
        deleted: count(row, 1)?,
        records: count(row, 2)?,
        bytes: count(row, 3)?,
        unreadable: count(row, 4)?,
        mended: count(row, 5)?,
        cut: count(row, 6)?,
        ..TranscriptTotals::default()
    })
}

fn known(row: &Row<'_>) -> rusqlite::Result<KnownTranscript> {
    Ok(KnownTranscript {
        id: row.get(0)?,
        place: TranscriptPlace {
            agent: row.get(1)?,
            path: row.get(2)?,
            path_key: row.get(3)?,
            inode: (count(row, 4)?, count(row, 5)?),
            size: count(row, 6)?,
            modified_ns: row.get(7)?,
            offset: count(row, 8)?,
            probes: [count(row, 9)?, count(row, 10)?],
            lines: count(row, 11)?,
            reader: row.get(12)?,
            session: row.get(13)?,
            folder: row.get(14)?,
        },
        records: count(row, 15)?,
        deleted_at: row.get::<_, Option<i64>>(16)?.map(Micros),
    })
}
