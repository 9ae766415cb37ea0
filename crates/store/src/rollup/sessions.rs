//! Sessions: listed newest first, each with what its flows add up to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use langley_model::{Flow, Micros};
use rusqlite::{Connection, OptionalExtension};

use super::fill::Filled;
use super::sums::Sums;
use super::table::{Table, read_sums};
use crate::error::StoreError;
use crate::flow_row::{FlowSql, read};
use crate::query::page_limit;
use crate::store::Store;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Where the id was read, of its newest flow.
    pub source: Option<&'static str>,
    /// Kind of agent, of its newest flow.
    pub agent: Option<String>,
    /// The model of its newest flow: the one that answered, or the one asked for while none has.
    pub model: Option<String>,
    /// When its first flow began, of those that are there.
    pub first_at: Micros,
    /// When its newest flow began.
    pub last_at: Micros,
    /// First characters of the newest flow that has some.
    pub preview: Option<String>,
    /// Since when it is starred.
    pub starred_at: Option<Micros>,
    /// What its flows add up to that are there.
    pub sums: Sums,
}

/// Some sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, the one with the newest flow first.
    pub items: Vec<Session>,
    /// Continues after the last one; none at the end.
    pub next_cursor: Option<String>,
    /// Whether sessions of an earlier version are still to be added.
    pub filling: bool,
}

/// Flows that are looked through for a preview.
const LOOKED_THROUGH: i64 = 8;

impl Store {
    /// Sessions with a flow that began at `since` or later, newest first: at most `limit` (1 to 500), after
    /// `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn sessions(
        &self,
        since: Option<Micros>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, StoreError> {
        let (limit, asked) = page_limit(limit);
        let (newest, after) = match cursor {
            Some(cursor) => position(cursor)?,
            None => (i64::MAX, String::new()),
        };
        let since = since.map_or(i64::MIN, |since| since.0);
        self.readers().read(|conn| {
            let sql = format!(
                "SELECT session_id, newest FROM sessions
                 WHERE (newest, session_id) < (?1, ?2) AND newest >= ?3
                 ORDER BY newest DESC, session_id DESC LIMIT {asked}"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map((newest, after, since), |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            })?;
            let mut found = rows.collect::<Result<Vec<_>, _>>()?;
            let more = found.len() > limit;
            found.truncate(limit);
            let next_cursor =
                found.last().filter(|_| more).map(|(id, newest)| cursor_at(*newest, id));
            let mut items = Vec::with_capacity(found.len());
            for (id, _) in found {
                let sums = sums(conn, &id)?;
                items.extend(describe(conn, id, sums)?);
            }
            Ok(SessionPage { items, next_cursor, filling: Filled::read(conn)? != Filled::Wholly })
        })
    }

    /// A session; none when it has no flows.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.readers().read(|conn| {
            let sums = match Filled::read(conn)? {
                Filled::Wholly => sums(conn, id)?,
                Filled::UpTo { .. } => sums_of_flows(conn, id)?,
            };
            Ok(describe(conn, id.to_owned(), sums)?)
        })
    }
}

/// What the flows of a session add up to, as the writer keeps it.
fn sums(conn: &Connection, id: &str) -> rusqlite::Result<Sums> {
    let sql = format!("{} WHERE session_id = ?1", Table::Sessions.select());
    let key = Table::Sessions.key().len();
    let row = conn.prepare_cached(&sql)?.query_row([id], |row| read_sums(row, key)).optional()?;
    Ok(row.unwrap_or_default())
}

/// The same from the flows, while not all of them are part of the sums.
fn sums_of_flows(conn: &Connection, id: &str) -> rusqlite::Result<Sums> {
    let mut sums = Sums::default();
    let sql = format!("{} WHERE session_id = ?1", FlowSql::select());
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let (_, flow) = read(row)?;
        if !flow.is_own_check() {
            sums.add(&flow);
        }
    }
    Ok(sums)
}

/// What is told of a session beside its sums: by its first flow and its newest ones.
fn describe(conn: &Connection, id: String, sums: Sums) -> rusqlite::Result<Option<Session>> {
    let first: Option<i64> = conn
        .prepare_cached("SELECT started_at FROM flows WHERE session_id = ?1 ORDER BY n LIMIT 1")?
        .query_row([&id], |row| row.get(0))
        .optional()?;
    let sql = format!(
        "{} WHERE session_id = ?1 ORDER BY n DESC LIMIT {LOOKED_THROUGH}",
        FlowSql::select()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let flows = statement.query_map([&id], |row| Ok(read(row)?.1.into_inner()))?;
    let flows: Vec<Flow> = flows.collect::<Result<_, _>>()?;
    let (Some(first), Some(newest)) = (first, flows.first()) else { return Ok(None) };
    let starred_at = conn
        .prepare_cached("SELECT starred_at FROM stars WHERE session_id = ?1")?
        .query_row([&id], |row| row.get(0).map(Micros))
        .optional()?;
    Ok(Some(Session {
        source: newest.session.as_ref().map(|session| session.source),
        agent: newest.agent.clone(),
        model: newest.known_model().map(str::to_owned),
        first_at: Micros(first),
        last_at: newest.started_at,
        preview: flows.iter().find_map(|flow| flow.preview.clone()),
        starred_at,
        sums,
        id,
    }))
}

/// The opaque text of a position in the listing.
fn cursor_at(newest: i64, id: &str) -> String {
    let mut bytes = newest.to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that [`cursor_at`] wrote.
fn position(cursor: &str) -> Result<(i64, String), StoreError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::Cursor)?;
    let (newest, id) = bytes.split_first_chunk().ok_or(StoreError::Cursor)?;
    let id = std::str::from_utf8(id).map_err(|_| StoreError::Cursor)?;
    Ok((i64::from_be_bytes(*newest), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_only_accepted_as_it_was_given() {
        assert_eq!(position(&cursor_at(-7, "s/1")).unwrap(), (-7, String::from("s/1")));
        for wrong in ["", "x", "AAAA", "!!!!!!!!!!!"] {
            assert!(matches!(position(wrong), Err(StoreError::Cursor)), "{wrong}");
        }
    }
}
