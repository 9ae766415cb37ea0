//! Rows of the index: which flows wait for one, and how one is written.

use langley_model::{FlowId, Place, Redacted, SearchText};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::words::words;
use crate::error::StoreError;
use crate::flow_row::Bytes;
use crate::store::Store;
use crate::writer::Command;

/// How much of the index is put in order with each batch, in pages.
const MERGE_PAGES: i64 = 16;

impl Store {
    /// Ended flows that the index does not know yet, oldest first; with each whether its session has no
    /// earlier flow, so that its whole conversation is new.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn unindexed(&self, limit: usize) -> Result<Vec<(FlowId, bool)>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT flow_id, session_id IS NOT NULL AND NOT EXISTS (
                     SELECT 1 FROM flows AS earlier
                     WHERE earlier.session_id = flows.session_id AND earlier.n < flows.n)
                 FROM search_waiting JOIN flows ON n = flow
                 ORDER BY flow LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((FlowId::from_bytes(row.get(0)?), row.get(1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many ended flows the index does not know yet.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn count_unindexed(&self) -> Result<u64, StoreError> {
        self.readers().read(|conn| {
            let count = "SELECT count(*) FROM search_waiting";
            Ok(conn.query_row(count, (), |row| row.get::<_, i64>(0))?.cast_unsigned())
        })
    }

    /// Indexes texts, between two batches of records; returns when they are committed.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn index(&self, texts: Vec<Redacted<SearchText>>) -> Result<(), StoreError> {
        self.ask(|reply| Command::Index { texts, reply })
    }
}

/// Notes ended flows, by their keys, that the index does not know or knows as they were.
pub(crate) fn await_index(conn: &Connection, flows: &[i64]) -> rusqlite::Result<()> {
    let mut note = conn.prepare_cached("INSERT OR IGNORE INTO search_waiting VALUES (?1)")?;
    for flow in flows {
        note.execute([flow])?;
    }
    Ok(())
}

/// Writes the rows of `texts` in one transaction; those of flows that are gone are left out.
pub(crate) fn write(conn: &Connection, texts: &[Redacted<SearchText>]) -> rusqlite::Result<()> {
    let change = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    for text in texts {
        let flow: Option<i64> = change
            .prepare_cached("SELECT n FROM flows WHERE flow_id = ?1")?
            .query_row([Bytes(text.flow.as_bytes())], |row| row.get(0))
            .optional()?;
        let Some(flow) = flow else { continue };
        change
            .prepare_cached(
                "DELETE FROM search WHERE rowid = (SELECT id FROM search_flows WHERE flow = ?1)",
            )?
            .execute([flow])?;
        change.prepare_cached("DELETE FROM search_flows WHERE flow = ?1")?.execute([flow])?;
        change.prepare_cached("DELETE FROM search_waiting WHERE flow = ?1")?.execute([flow])?;
        if text.passages.is_empty() {
            continue;
        }
        let id: i64 = change
            .prepare_cached("INSERT INTO search_flows (flow, whole) VALUES (?1, ?2) RETURNING id")?
            .query_row((flow, text.whole), |row| row.get(0))?;
        let [prompt, answer, thinking, input, result] = Place::ALL.map(|place| column(text, place));
        change
            .prepare_cached(
                "INSERT INTO search (rowid, prompt, answer, thinking, tool_input, tool_result)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((id, prompt, answer, thinking, input, result))?;
    }
    change
        .prepare_cached("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?
        .execute([MERGE_PAGES])?;
    change.commit()
}

/// The words of one place with blanks between them.
fn column(text: &SearchText, place: Place) -> String {
    let mut column = String::new();
    for passage in text.passages.iter().filter(|passage| passage.place == place) {
        for word in words(&passage.text) {
            column.push_str(&word.folded);
            column.push(' ');
        }
    }
    column
}
