//! Ended flows that wait for the analysis: noted by the writer, read oldest first, so that calls come before
//! their results.

use langley_model::{FlowId, Revision};
use rusqlite::Connection;

use crate::damage::Keyed;
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::store::Store;
use crate::totals::total;
use crate::waiting::{NOTED, Waiting};

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

/// How far the counting of tokens is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountingState {
    /// Flows whose tokens, estimated by bytes, are still to be counted.
    pub waiting: u64,
    /// Times a flow was given up because it could not be read, as long as the file is there: its estimate stays.
    pub given_up: u64,
}

impl Store {
    /// Ended flows that were not analysed yet, oldest first. Those of a session that has earlier flows which
    /// are still to be noted wait for these: what is told of a session rests on their order.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn unread(&self, limit: usize) -> Result<Vec<Unread>, StoreError> {
        let backlog = self.readers().read(|conn| Ok(backlog(conn)?))?;
        let held = backlog.map_or_else(String::new, |[from, to]| {
            format!(
                "AND NOT EXISTS (SELECT 1 FROM flows AS earlier
                     WHERE earlier.session_id = flows.session_id
                         AND earlier.n >= {from} AND earlier.n <= {to} AND earlier.n < flows.n)"
            )
        });
        let sql = format!("SELECT n, flow_id, revision FROM flows WHERE n = ?1 {held}");
        self.waiting(Waiting::Analysis, &sql, limit, |row| {
            Ok(Unread {
                key: row.get(0)?,
                flow: FlowId::from_bytes(row.get(1)?),
                revision: Revision(row.get::<_, i64>(2)?.cast_unsigned()),
            })
        })
    }

    /// The oldest flow whose tokens are still to be counted, by its key; those whose rows are damaged are given up.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn next_uncounted(&self) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT n FROM flows WHERE n = ?1";
        Ok(self.waiting(Waiting::Tokens, sql, 1, |row| row.get(0))?.pop())
    }

    /// Ends the waiting of a flow whose tokens were counted, or cannot be.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn is_counted(&self, key: i64) -> Result<(), StoreError> {
        self.job(move |site| {
            site.conn.execute("DELETE FROM tokens_waiting WHERE flow = ?1", [key]).map(drop)
        })
    }

    /// How far the counting of tokens is behind.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn counting_state(&self) -> Result<CountingState, StoreError> {
        self.readers().read(|conn| {
            let [waiting, given_up] = Waiting::Tokens.count(conn, None)?;
            Ok(CountingState { waiting, given_up })
        })
    }

    /// How far the analysis is behind.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn analysis_state(&self) -> Result<AnalysisState, StoreError> {
        self.readers().read(|conn| {
            let earlier = backlog(conn)?.map(between);
            let [waiting, given_up] = Waiting::Analysis.count(conn, earlier)?;
            Ok(AnalysisState { waiting, given_up })
        })
    }

    /// Notes some flows that ended before there was an analysis, oldest first; whether there may be more.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn note_unread(&self) -> Result<bool, StoreError> {
        let found = self.readers().read(|conn| {
            let Some(backlog) = backlog(conn)? else { return Ok(None) };
            let keys = Keyed::Flows.keys(conn, &between(backlog), Order::OldestFirst, NOTED)?;
            Ok(Some((Waiting::Analysis.among(conn, &keys)?, keys.last().copied())))
        })?;
        let Some((waiting, last)) = found else { return Ok(false) };
        self.job(move |site| {
            let change = site.change()?;
            Waiting::Analysis.note_earlier(&change, &waiting)?;
            match last {
                Some(last) => change.execute(
                    "UPDATE totals SET value = ?1 WHERE name = 'analysis_from'",
                    [last.saturating_add(1)],
                )?,
                None => change.execute(
                    "DELETE FROM totals WHERE name IN ('analysis_from', 'analysis_to')",
                    (),
                )?,
            };
            change.commit()
        })?;
        Ok(last.is_some())
    }

    /// Gives a flow up that cannot be read: it does not wait any longer, and is counted.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn leave_unread(&self, flow: FlowId) -> Result<(), StoreError> {
        self.leave(Waiting::Analysis, flow)
    }
}

/// The first and the last key of the flows that are still to be noted.
fn backlog(conn: &Connection) -> rusqlite::Result<Option<[i64; 2]>> {
    let (from, to) = (total(conn, "analysis_from")?, total(conn, "analysis_to")?);
    Ok(from.zip(to).map(|(from, to)| [from, to]))
}

fn between([from, to]: [i64; 2]) -> Condition {
    let mut condition = Condition::default();
    condition.and("n >= ? AND n <= ?", [from.into(), to.into()]);
    condition
}
