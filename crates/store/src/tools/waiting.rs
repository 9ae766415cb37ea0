//! Ended flows that wait for the analysis: noted by the writer, read oldest first, so that calls come before
//! their results.

use langley_model::{FlowId, Revision};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::error::StoreError;
use crate::flow_row::Bytes;
use crate::store::Store;

/// Flows of an earlier version that are noted at once, and most of them that are counted.
const NOTED: i64 = 200;
const COUNTED: i64 = 1_000;

/// An ended flow that was not analysed yet, or has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its key; flows are in the order of their keys.
    pub key: i64,
    /// The flow.
    pub flow: FlowId,
    /// The state of it that is to be read.
    pub revision: Revision,
}

/// How far the analysis is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnalysisState {
    /// Ended flows that it has not read yet; of more than a thousand of an earlier version, at least.
    pub waiting: u64,
    /// Times a flow was given up because it could not be read, as long as the file is there.
    pub given_up: u64,
}

impl Store {
    /// Ended flows that were not analysed yet, oldest first. Those of a session that has earlier flows which
    /// are still to be noted wait for these: what is told of a session rests on their order.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn unread(&self, limit: usize) -> Result<Vec<Unread>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readers().read(|conn| {
            let waiting =
                "SELECT flow, flow_id, revision FROM analysis_waiting JOIN flows ON n = flow";
            let (held, parameters) = match backlog(conn)? {
                Some([from, to]) => (
                    "WHERE NOT EXISTS (SELECT 1 FROM flows AS earlier
                         WHERE earlier.session_id = flows.session_id
                             AND earlier.n >= ?2 AND earlier.n <= ?3 AND earlier.n < flows.n)",
                    vec![limit, from, to],
                ),
                None => ("", vec![limit]),
            };
            let sql = format!("{waiting} {held} ORDER BY flow LIMIT ?1");
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(parameters), |row| {
                Ok(Unread {
                    key: row.get(0)?,
                    flow: FlowId::from_bytes(row.get(1)?),
                    revision: Revision(row.get::<_, i64>(2)?.cast_unsigned()),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How far the analysis is behind.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn analysis_state(&self) -> Result<AnalysisState, StoreError> {
        self.readers().read(|conn| {
            let count =
                |sql: &str, of: [i64; 2]| conn.query_row(sql, of, |row| row.get::<_, i64>(0));
            let mut waiting = count("SELECT count(*) FROM analysis_waiting WHERE ?1 = ?2", [1, 1])?;
            if let Some(backlog) = backlog(conn)? {
                let sql = format!(
                    "SELECT count(*) FROM
                         (SELECT 1 FROM flows WHERE n >= ?1 AND n <= ?2 LIMIT {COUNTED})"
                );
                waiting += count(&sql, backlog)?;
            }
            let given_up = total(conn, "analysis_given_up")?.unwrap_or(0);
            Ok(AnalysisState {
                waiting: waiting.cast_unsigned(),
                given_up: given_up.cast_unsigned(),
            })
        })
    }

    /// Notes some flows that ended before there was an analysis, oldest first; whether there may be more.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn note_unread(&self) -> Result<bool, StoreError> {
        self.job(|site| {
            let change = site.change()?;
            let Some([from, to]) = backlog(&change)? else { return Ok(false) };
            let last: Option<i64> = change.query_row(
                "SELECT max(n) FROM
                     (SELECT n FROM flows WHERE n >= ?1 AND n <= ?2 ORDER BY n LIMIT ?3)",
                (from, to, NOTED),
                |row| row.get(0),
            )?;
            match last {
                Some(last) => {
                    change.execute(
                        "INSERT OR IGNORE INTO analysis_waiting
                         SELECT n FROM flows WHERE n >= ?1 AND n <= ?2 AND outcome IS NOT NULL
                             AND provider IS NOT NULL",
                        (from, last),
                    )?;
                    change.execute(
                        "UPDATE totals SET value = ?1 WHERE name = 'analysis_from'",
                        [last.saturating_add(1)],
                    )?;
                }
                None => {
                    change.execute(
                        "DELETE FROM totals WHERE name IN ('analysis_from', 'analysis_to')",
                        (),
                    )?;
                }
            }
            change.commit()?;
            Ok(last.is_some())
        })
    }

    /// Gives a flow up that cannot be read: it does not wait any longer, and is counted.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn leave_unread(&self, flow: FlowId) -> Result<(), StoreError> {
        self.job(move |site| {
            let change = site.change()?;
            change.execute(
                "DELETE FROM analysis_waiting
                 WHERE flow = (SELECT n FROM flows WHERE flow_id = ?1)",
                [Bytes(flow.as_bytes())],
            )?;
            change.execute(
                "INSERT INTO totals (name, value) VALUES ('analysis_given_up', 1)
                 ON CONFLICT (name) DO UPDATE SET value = value + 1",
                (),
            )?;
            change.commit()
        })
    }
}

/// Notes ended flows, by their keys.
pub(crate) fn await_analysis(conn: &Connection, flows: &[i64]) -> rusqlite::Result<()> {
    if flows.is_empty() {
        return Ok(());
    }
    let mut note = conn.prepare_cached("INSERT OR IGNORE INTO analysis_waiting VALUES (?1)")?;
    for flow in flows {
        note.execute([flow])?;
    }
    Ok(())
}

/// The first and the last key of the flows that are still to be noted.
fn backlog(conn: &Connection) -> rusqlite::Result<Option<[i64; 2]>> {
    let (from, to) = (total(conn, "analysis_from")?, total(conn, "analysis_to")?);
    Ok(from.zip(to).map(|(from, to)| [from, to]))
}

fn total(conn: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT value FROM totals WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}
