//! A conversation that somebody wants to be gone. Its agent's files may still tell of it, so that it was deleted is
//! remembered: what they tell is left out from then on, and counted, until somebody asks for it.

use langley_model::Micros;
use rusqlite::Connection;

use super::count;
use crate::error::StoreError;
use crate::store::Store;

/// Files that are named.
const NAMED: i64 = 100;

/// What a deletion came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletedConversation {
    /// Lines that are gone.
    pub lines: u64,
    /// Responses that nothing tells of any more; what another conversation tells of too is that one's.
    pub responses: u64,
    /// Damaged blocks in which lines of other conversations lie as well: what can be read of them is still there.
    pub damaged: u64,
    /// Files of its agent that tell of it and are still there, as they were called when they were read; the first
    /// hundred.
    pub files: Vec<String>,
}

impl Store {
    /// Deletes the conversations of a session, and leaves out from then on what files tell of them; none where there
    /// is none. To repeat it after a failure goes on with it.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was deleted until then stays deleted.
    pub fn delete_conversation(
        &self,
        session: &str,
        now: Micros,
    ) -> Result<Option<DeletedConversation>, StoreError> {
        let owned = session.to_owned();
        // First of all, so that nothing of it comes in meanwhile.
        let known = self.job(move |site| {
            let change = site.change()?;
            let known = conversations_of(&change, &owned)?;
            for (_, agent) in &known {
                change
                    .prepare_cached(
                        "INSERT INTO deleted_conversations (session, agent, deleted_at, left_out)
                         VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING",
                    )?
                    .execute((&owned, agent, now.0))?;
            }
            change.commit()?;
            Ok(known)
        })?;
        if known.is_empty() {
            return Ok(None);
        }
        let _turn = self.board().turn();
        let mut deleted = DeletedConversation::default();
        for (conversation, _) in known {
            deleted.files.extend(self.readers().read(|conn| Ok(files_of(conn, conversation)?))?);
            let removed = self.remove_conversation(conversation)?;
            deleted.lines += removed.lines;
            deleted.responses += removed.responses;
            deleted.damaged += removed.damaged;
        }
        self.forget_files()?;
        self.forget_stars()?;
        Ok(Some(deleted))
    }

    /// When the conversation of a session was deleted; none where it was not. Of several agents', the last.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn conversation_deleted_at(&self, session: &str) -> Result<Option<Micros>, StoreError> {
        self.readers().read(|conn| {
            let mut deleted = conn.prepare_cached(
                "SELECT max(deleted_at) FROM deleted_conversations WHERE session = ?1",
            )?;
            let at: Option<i64> = deleted.query_row([session], |row| row.get(0))?;
            Ok(at.map(Micros))
        })
    }
}

fn conversations_of(conn: &Connection, session: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement =
        conn.prepare_cached("SELECT id, agent FROM conversations WHERE session = ?1")?;
    let rows = statement.query_map([session], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn files_of(conn: &Connection, conversation: i64) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare_cached(
        "SELECT path FROM transcripts WHERE deleted_at IS NULL AND id IN
             (SELECT transcript FROM transcript_records WHERE conversation = ?1)
         ORDER BY id LIMIT ?2",
    )?;
    let paths = statement.query_map((conversation, NAMED), |row| row.get(0))?;
    paths.collect()
}

/// Whether a session's conversation was deleted.
pub(super) fn is_deleted(
    change: &Connection,
    session: &str,
    agent: &str,
) -> rusqlite::Result<bool> {
    change
        .prepare_cached("SELECT 1 FROM deleted_conversations WHERE session = ?1 AND agent = ?2")?
        .exists((session, agent))
}

/// Counts lines of it that were left out.
pub(super) fn leave_out(
    change: &Connection,
    session: &str,
    agent: &str,
    lines: u64,
) -> rusqlite::Result<()> {
    change
        .prepare_cached(
            "UPDATE deleted_conversations SET left_out = left_out + ?3
             WHERE session = ?1 AND agent = ?2",
        )?
        .execute((session, agent, lines.cast_signed()))?;
    Ok(())
}

/// Lets a session's conversation come in again; whether it had been deleted.
pub(super) fn readmit(change: &Connection, session: &str, agent: &str) -> rusqlite::Result<bool> {
    let rows = change
        .prepare_cached("DELETE FROM deleted_conversations WHERE session = ?1 AND agent = ?2")?
        .execute((session, agent))?;
    Ok(rows > 0)
}

/// How many conversations were deleted, and how many lines of theirs were left out since.
pub(super) fn deleted(conn: &Connection) -> rusqlite::Result<(u64, u64)> {
    let totals = "SELECT count(*), ifnull(sum(left_out), 0) FROM deleted_conversations";
    conn.prepare_cached(totals)?.query_row((), |row| Ok((count(row, 0)?, count(row, 1)?)))
}
