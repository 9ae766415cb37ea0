//! A conversation removed, a few lines at a time, so that recording goes on meanwhile.

use std::collections::{HashMap, HashSet};

use langley_model::LineRole;
use rusqlite::Connection;

use super::block::{lines_of, remove_if_empty};
use crate::error::StoreError;
use crate::store::Store;

/// Lines, and responses, of one piece of work.
const ROWS: usize = 200;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) lines: u64,
    /// Those that no other conversation tells of.
    pub(super) responses: u64,
    /// Blocks that are damaged, so that what lines of others lie in could not be packed without these.
    pub(super) damaged: u64,
}

/// What goes of a file.
#[derive(Default)]
struct OfFile {
    lines: i64,
    bytes: i64,
    unreadable: i64,
    mended: i64,
    cut: i64,
}

impl Store {
    /// Removes a conversation with its lines, and what they told of responses. Whoever calls this has the turn of
    /// maintenance: who folds blocks would put what goes into others meanwhile.
    pub(super) fn remove_conversation(&self, conversation: i64) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        for responses in self.told_by_others(conversation)?.chunks(ROWS) {
            let responses = responses.to_vec();
            self.job(move |site| {
                let change = site.change()?;
                hand_over(&change, conversation, &responses)?;
                change.commit()
            })?;
        }
        // What is said must not stay behind in a block because of who else's lines lie in it.
        for block in self.readers().read(|conn| Ok(shared(conn, conversation)?))? {
            let others = self
                .readers()
                .read(|conn| Ok(lines_of(conn, block, "conversation <> ?2", conversation)?))?;
            if !self.move_lines(others)? {
                removed.damaged += 1;
            }
        }
        loop {
            let (done, is_gone) = self.job(move |site| {
                let change = site.change()?;
                let done = remove_some(&change, conversation)?;
                change.commit()?;
                Ok(done)
            })?;
            removed.lines += done.lines;
            removed.responses += done.responses;
            if is_gone {
                return Ok(removed);
            }
        }
    }

    /// Forgets files that are gone, of which no line is kept.
    pub(super) fn forget_files(&self) -> Result<(), StoreError> {
        self.job(|site| {
            site.conn.execute(
                "DELETE FROM transcripts WHERE deleted_at IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM transcript_records WHERE transcript = transcripts.id)",
                (),
            )
        })?;
        Ok(())
    }

    /// Responses of a conversation that lines of another one tell of too, as those of a session that goes on from it
    /// do, and which that is. Such lines have the times of those that they are copies of.
    fn told_by_others(&self, conversation: i64) -> Result<Vec<(String, i64)>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT DISTINCT told.message_id, other.id
                 FROM conversations AS gone
                     JOIN conversations AS other ON other.id <> gone.id AND other.agent = gone.agent
                         AND other.first_at <= gone.last_at AND other.last_at >= gone.first_at
                     JOIN transcript_records AS told ON told.conversation = other.id
                         AND told.at BETWEEN gone.first_at AND gone.last_at
                 WHERE gone.id = ?1 AND told.message_id IS NOT NULL
                     AND EXISTS (SELECT 1 FROM transcript_responses AS response
                         WHERE response.message_id = told.message_id AND response.conversation = gone.id)",
            )?;
            let rows = statement.query_map([conversation], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Gives responses to the conversations that tell of them too.
fn hand_over(
    change: &Connection,
    conversation: i64,
    responses: &[(String, i64)],
) -> rusqlite::Result<()> {
    let mut give = change.prepare_cached(
        "UPDATE transcript_responses SET conversation = ?3
         WHERE message_id = ?2 AND conversation = ?1
             AND EXISTS (SELECT 1 FROM conversations WHERE id = ?3)",
    )?;
    for (message_id, other) in responses {
        give.execute((conversation, message_id, other))?;
    }
    Ok(())
}

/// Blocks in which lines of others lie as well.
fn shared(conn: &Connection, conversation: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT block FROM transcript_records AS own WHERE conversation = ?1
             AND EXISTS (SELECT 1 FROM transcript_records AS other
                 WHERE other.block = own.block AND other.conversation <> ?1)",
    )?;
    let blocks = statement.query_map([conversation], |row| row.get(0))?;
    blocks.collect()
}

/// Removes some lines, behind the last of them some of what they told of responses and tool calls, and at last the
/// conversation itself; with whether that is gone.
fn remove_some(change: &Connection, conversation: i64) -> rusqlite::Result<(Removed, bool)> {
    let mut removed = Removed::default();
    let mut blocks = HashSet::new();
    let mut files: HashMap<i64, OfFile> = HashMap::new();
    {
        let mut remove = change.prepare_cached(
            "DELETE FROM transcript_records WHERE id IN
                 (SELECT id FROM transcript_records WHERE conversation = ?1 LIMIT ?2)
             RETURNING block, transcript, len, role, mended, cut",
        )?;
        let mut rows = remove.query((conversation, i64::try_from(ROWS).unwrap_or(i64::MAX)))?;
        while let Some(row) = rows.next()? {
            blocks.insert(row.get::<_, i64>(0)?);
            let file = files.entry(row.get(1)?).or_default();
            file.lines += 1;
            file.bytes += row.get::<_, i64>(2)?;
            file.unreadable += i64::from(row.get::<_, i64>(3)? == LineRole::Unreadable as i64);
            file.mended += row.get::<_, i64>(4)?;
            file.cut += row.get::<_, i64>(5)?;
            removed.lines += 1;
        }
    }
    for block in blocks {
        remove_if_empty(change, block)?;
    }
    for (file, gone) in files {
        let OfFile { lines, bytes, unreadable, mended, cut } = gone;
        // Nothing is noted of a file of which no line is left.
        change
            .prepare_cached(
                "UPDATE transcripts SET records = records - ?2, bytes = bytes - ?3,
                     unreadable = iif(records > ?2, max(0, unreadable - ?4), 0),
                     mended = iif(records > ?2, max(0, mended - ?5), 0),
                     cut = iif(records > ?2, max(0, cut - ?6), 0)
                 WHERE id = ?1",
            )?
            .execute((file, lines, bytes, unreadable, mended, cut))?;
    }
    if removed.lines == ROWS as u64 {
        return Ok((removed, false));
    }
    let some_of = |table: &str| {
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE conversation = ?1 LIMIT {ROWS})"
        );
        change.prepare_cached(&sql)?.execute([conversation])
    };
    let (responses, words) = (some_of("transcript_responses")?, some_of("tool_evidence")?);
    removed.responses = responses as u64;
    let is_last = responses < ROWS && words < ROWS;
    if is_last {
        change
            .prepare_cached("DELETE FROM conversations WHERE id = ?1")?
            .execute([conversation])?;
    }
    Ok((removed, is_last))
}
