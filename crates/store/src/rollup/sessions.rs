//! Sessions: listed newest first, each with what its flows add up to.

use langley_model::Micros;
use rusqlite::{Connection, OptionalExtension};

use super::belonging::{After, Belonging, Belongings};
use super::sums::Sums;
use crate::error::StoreError;
use crate::filter::Condition;
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
        let after = After::read(cursor)?;
        self.readers().read(|conn| {
            let mut condition = Condition::default();
            if let Some(since) = since {
                condition.and("newest >= ?", [since.0.into()]);
            }
            let listing = Belonging::Session.list(conn, condition, after, limit)?;
            let items = listing.items.into_iter().map(|found| describe(conn, found));
            Ok(SessionPage {
                items: items.collect::<Result<_, _>>()?,
                next_cursor: listing.next_cursor,
                filling: listing.filling,
            })
        })
    }

    /// A session; none when it has no flows.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.readers().read(|conn| {
            let found = Belonging::Session.one(conn, id)?;
            Ok(found.map(|found| describe(conn, found)).transpose()?)
        })
    }
}

fn describe(conn: &Connection, found: Belongings) -> rusqlite::Result<Session> {
    let Belongings { id, newest, first_at, preview, sums } = found;
    let starred_at = conn
        .prepare_cached("SELECT starred_at FROM stars WHERE session_id = ?1")?
        .query_row([&id], |row| row.get(0).map(Micros))
        .optional()?;
    Ok(Session {
        source: newest.session.as_ref().map(|session| session.source),
        model: newest.known_model().map(str::to_owned),
        agent: newest.agent,
        first_at,
        last_at: newest.started_at,
        preview,
        starred_at,
        sums,
        id,
    })
}
