//! Retention of transcripts, where somebody asks for one: a conversation goes as a whole, once its newest line is too
//! old. That its files are known, and how far they were read, stays as long as they are there.

use std::collections::{HashMap, HashSet};

use langley_model::Micros;
use rusqlite::{Connection, OptionalExtension};

use crate::error::StoreError;
use crate::store::Store;

/// Lines of one piece of work.
const ROWS: i64 = 200;

impl Store {
    /// Removes conversations whose newest line was written before `before`, unless their session is starred; how many
    /// lines that were.
    pub(crate) fn retire_transcripts(&self, before: Micros) -> Result<u64, StoreError> {
        let mut lines = 0;
        loop {
            let done = self.job(move |site| {
                let change = site.change()?;
                let done = retire(&change, before)?;
                change.commit()?;
                Ok(done)
            })?;
            match done {
                Some(removed) => lines += removed,
                None => break,
            }
        }
        self.job(|site| {
            site.conn.execute(
                "DELETE FROM transcripts WHERE deleted_at IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM transcript_records WHERE transcript = transcripts.id)",
                (),
            )
        })?;
        Ok(lines)
    }
}

/// Removes some lines of the first such conversation, and with the last of them itself; none where there is none.
fn retire(change: &Connection, before: Micros) -> rusqlite::Result<Option<u64>> {
    let conversation: Option<i64> = change
        .prepare_cached(
            "SELECT id FROM conversations WHERE last_at < ?1
                 AND NOT EXISTS (SELECT 1 FROM stars WHERE stars.session_id = conversations.session)
             ORDER BY last_at LIMIT 1",
        )?
        .query_row([before.0], |row| row.get(0))
        .optional()?;
    let Some(conversation) = conversation else { return Ok(None) };
    let mut blocks = HashSet::new();
    let mut files: HashMap<i64, (i64, i64)> = HashMap::new();
    let mut removed = 0;
    {
        let mut remove = change.prepare_cached(
            "DELETE FROM transcript_records WHERE id IN
                 (SELECT id FROM transcript_records WHERE conversation = ?1 LIMIT ?2)
             RETURNING block, transcript, len",
        )?;
        let mut rows = remove.query((conversation, ROWS))?;
        while let Some(row) = rows.next()? {
            blocks.insert(row.get::<_, i64>(0)?);
            let file = files.entry(row.get(1)?).or_default();
            file.0 += 1;
            file.1 += row.get::<_, i64>(2)?;
            removed += 1;
        }
    }
    for block in blocks {
        change
            .prepare_cached(
                "DELETE FROM transcript_blocks WHERE id = ?1
                     AND NOT EXISTS (SELECT 1 FROM transcript_records WHERE block = ?1)",
            )?
            .execute([block])?;
    }
    for (file, (lines, bytes)) in files {
        change
            .prepare_cached(
                "UPDATE transcripts SET records = records - ?2, bytes = bytes - ?3 WHERE id = ?1",
            )?
            .execute((file, lines, bytes))?;
    }
    if removed < ROWS.cast_unsigned() {
        change
            .prepare_cached("DELETE FROM transcript_responses WHERE conversation = ?1")?
            .execute([conversation])?;
        change
            .prepare_cached("DELETE FROM conversations WHERE id = ?1")?
            .execute([conversation])?;
    }
    Ok(Some(removed))
}
