//! The subagents of a session, each with what its flows add up to.

use std::collections::BTreeMap;

use langley_model::Micros;
use rusqlite::Connection;

use super::fill::{Filled, Scope};
use super::sums::Sums;
use super::table::{Table, read_sums};
use crate::damage::sound_flows;
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::store::Store;

/// A subagent of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAgent {
    /// Its id, as the agent states it.
    pub id: String,
    /// When the first of its flows began that ever was there.
    pub first_at: Micros,
    /// When the newest of them began.
    pub last_at: Micros,
    /// What its flows add up to that are there.
    pub sums: Sums,
}

impl Store {
    /// The subagents of a session, in the order in which they began. What is in none of them the session's
    /// own agent asked.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn session_agents(&self, session: &str) -> Result<Vec<SessionAgent>, StoreError> {
        self.read_sound(|conn, damaged| {
            let mut agents = match Scope::Tasks.filled(conn)? {
                Filled::Wholly => kept(conn, session)?,
                Filled::UpTo { .. } => of_flows(conn, session, damaged)?,
            };
            agents.sort_by(|one, other| (one.first_at, &one.id).cmp(&(other.first_at, &other.id)));
            Ok(agents)
        })
    }
}

/// As the writer keeps them.
fn kept(conn: &Connection, session: &str) -> rusqlite::Result<Vec<SessionAgent>> {
    let select = Table::Agents.select();
    let key = Table::Agents.key().len();
    // What is added to the row stands behind the sums.
    let sql = format!(
        "SELECT of.*, kept.oldest, kept.newest FROM ({select} WHERE session_id = ?1) AS of
         JOIN session_agents AS kept USING (session_id, agent_id)"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([session], |row| {
        Ok(SessionAgent {
            id: row.get(1)?,
            first_at: Micros(row.get(columns - 2)?),
            last_at: Micros(row.get(columns - 1)?),
            sums: read_sums(row, key)?,
        })
    })?;
    rows.collect()
}

/// The same from the flows, while not all of them are part of the sums.
fn of_flows(
    conn: &Connection,
    session: &str,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Vec<SessionAgent>> {
    let mut agents: BTreeMap<String, SessionAgent> = BTreeMap::new();
    let mut of = Condition::default();
    of.and("session_id = ?", [session.to_owned().into()]);
    let all = (Order::OldestFirst, usize::MAX);
    for (n, flow) in sound_flows(conn, &of, &Condition::default(), all, damaged)? {
        let Some(id) = flow.subagent().filter(|_| !flow.is_own_check()) else { continue };
        let agent = agents.entry(id.to_owned()).or_insert_with(|| SessionAgent {
            id: id.to_owned(),
            first_at: Micros(n),
            last_at: Micros(n),
            sums: Sums::default(),
        });
        agent.last_at = Micros(n);
        agent.sums.add(&flow);
    }
    Ok(agents.into_values().collect())
}
