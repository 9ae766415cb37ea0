//! Stars: sessions that retention leaves alone; and what it has taken from a flow.

use langley_model::{FlowId, Micros};
use rusqlite::OptionalExtension;

use super::flows::found_key;
use crate::error::StoreError;
use crate::store::Store;

/// What retention has taken from a flow that is still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// The request's body.
    pub request_body: bool,
    /// The answer's body.
    pub response_body: bool,
    /// The stream events.
    pub events: bool,
}

/// A starred session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Star {
    /// The session.
    pub session: String,
    /// Since when.
    pub starred_at: Micros,
}

impl Store {
    /// Stars a session: retention leaves its flows and its conversation alone from now on. Returns since when it is
    /// starred; none when neither is of that session.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn star(&self, session: &str, now: Micros) -> Result<Option<Micros>, StoreError> {
        let session = session.to_owned();
        self.job(move |site| {
            let change = site.change()?;
            let known = "SELECT 1 FROM flows WHERE session_id = ?1
                UNION ALL SELECT 1 FROM conversations WHERE session = ?1";
            let known = change.prepare(known)?.exists([&session])?;
            if !known {
                return Ok(None);
            }
            let since = change.query_row(
                "INSERT INTO stars (session_id, starred_at) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET starred_at = starred_at RETURNING starred_at",
                (&session, now.0),
                |row| row.get(0).map(Micros),
            )?;
            change.commit()?;
            Ok(Some(since))
        })
    }

    /// Takes a session's star away; whether it had one.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn unstar(&self, session: &str) -> Result<bool, StoreError> {
        let session = session.to_owned();
        self.job(move |site| {
            let rows = site.conn.execute("DELETE FROM stars WHERE session_id = ?1", [&session])?;
            Ok(rows > 0)
        })
    }

    /// Takes the stars of sessions away that have neither a flow nor a conversation any more.
    pub(crate) fn forget_stars(&self) -> Result<(), StoreError> {
        self.job(|site| {
            let sql = "DELETE FROM stars WHERE NOT EXISTS
                (SELECT 1 FROM flows WHERE flows.session_id = stars.session_id)
                AND NOT EXISTS (SELECT 1 FROM conversations WHERE session = stars.session_id)";
            site.conn.execute(sql, ()).map(drop)
        })
    }

    /// The starred sessions, newest star first.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn stars(&self) -> Result<Vec<Star>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT session_id, starred_at FROM stars ORDER BY starred_at DESC, session_id",
            )?;
            let stars = statement.query_map((), |row| {
                Ok(Star { session: row.get(0)?, starred_at: Micros(row.get(1)?) })
            })?;
            Ok(stars.collect::<Result<_, _>>()?)
        })
    }

    /// What retention has taken from a flow; nothing when the flow is unknown.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn retired(&self, id: FlowId) -> Result<Retired, StoreError> {
        self.readers().read(|conn| {
            let Some((n, _)) = found_key(conn, id)? else { return Ok(Retired::default()) };
            // A body's length stays when the body goes, and so does the number of events.
            let mut statement = conn.prepare_cached(
                "SELECT request_body IS NULL AND request_original_len IS NOT NULL,
                     response_body IS NULL AND response_original_len IS NOT NULL,
                     outcome IS NOT NULL AND event_count > dropped_events
                         AND NOT EXISTS (SELECT 1 FROM event_blocks WHERE flow = flows.n)
                 FROM flows WHERE n = ?1",
            )?;
            let retired = statement.query_row([n], |row| {
                Ok(Retired {
                    request_body: row.get(0)?,
                    response_body: row.get(1)?,
                    events: row.get(2)?,
                })
            });
            Ok(retired.optional()?.unwrap_or_default())
        })
    }
}
