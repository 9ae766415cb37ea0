//! Flows that an earlier version recorded are added up afterwards, in small steps between two batches.
//!
//! What is summed already can be told from two numbers, so that no flow needs a mark: the last revision of
//! the earlier version, and the key up to which its flows have been added. A flow that was written since
//! has a newer revision and is part of the sums from then on. There are two such pairs, because the sums
//! of tasks are younger than the others.

use langley_model::{Flow, Revision, Stored};
use rusqlite::{Connection, OptionalExtension};

use super::gather::Gathered;
use crate::damage::{Keyed, decoded_flow};
use crate::error::StoreError;
use crate::filter::Order;
use crate::flow_row::{FlowSql, read_what_decodes};
use crate::store::Store;
use crate::writer::Budget;

/// Flows of one step.
const ROWS: usize = 500;

/// Sums that came with the same version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// By hour and day, and by session.
    Rollups,
    /// By task, and by subagent.
    Tasks,
}

impl Scope {
    pub(super) const ALL: [Self; 2] = [Self::Rollups, Self::Tasks];

    const fn table(self) -> &'static str {
        match self {
            Self::Rollups => "rollups_filled",
            Self::Tasks => "tasks_filled",
        }
    }

    /// How far these sums are filled.
    pub(crate) fn filled(self, conn: &Connection) -> rusqlite::Result<Filled> {
        let sql = format!("SELECT revision, key FROM {}", self.table());
        let mut statement = conn.prepare_cached(&sql)?;
        let row = statement
            .query_row((), |row| Ok(Filled::UpTo { revision: row.get(0)?, key: row.get(1)? }));
        Ok(row.optional()?.unwrap_or(Filled::Wholly))
    }
}

/// Which flows are part of some sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// All.
    Wholly,
    /// Those with a later revision, and those with a key up to this one.
    UpTo {
        /// The last revision of the version that had no such sums.
        revision: i64,
        /// The key.
        key: i64,
    },
}

impl Filled {
    /// Whether the flow with the key `n` is part of the sums, as the revision left it.
    const fn holds(self, n: i64, revision: Revision) -> bool {
        match self {
            Self::Wholly => true,
            Self::UpTo { revision: last, key } => revision.0.cast_signed() > last || n <= key,
        }
    }
}

/// How far each of the sums is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held([Filled; 2]);

impl Held {
    /// As the file has it.
    pub(crate) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        Ok(Self([Scope::Rollups.filled(conn)?, Scope::Tasks.filled(conn)?]))
    }

    /// The sums that a flow is part of.
    pub(super) fn of(self, n: i64, revision: Revision) -> impl Iterator<Item = Scope> {
        let each = self.0.into_iter().zip(Scope::ALL);
        each.filter(move |(filled, _)| filled.holds(n, revision)).map(|(_, scope)| scope)
    }
}

/// Sees to the sums of a flow that is about to be removed: those by time outlive it, and where it is no part
/// of them yet it becomes one. Only its session's, its task's and its subagent's shrink.
pub(crate) fn before_removal(conn: &Connection, n: i64) -> rusqlite::Result<()> {
    let flow = match decoded_flow(conn, n)? {
        Some(flow) => flow,
        // It was summed when it decoded; what it is taken out by is what still does.
        None => match what_decodes(conn, n)? {
            Some(flow) => flow,
            None => return Ok(()),
        },
    };
    let mut gathered = Gathered::default();
    gathered.remove(Held::read(conn)?.of(n, flow.revision()), &flow);
    gathered.write(conn)
}

fn what_decodes(conn: &Connection, n: i64) -> rusqlite::Result<Option<Stored<Flow>>> {
    let sql = format!("{} WHERE n = ?1", FlowSql::select());
    let row = conn.prepare_cached(&sql)?.query_row([n], read_what_decodes).optional()?;
    Ok(row.map(|(_, flow)| flow))
}

impl Store {
    /// Adds up the flows of an earlier version, in small steps; at once when there are none. Returns how
    /// many were added. Recording goes on meanwhile, and what was done stays done.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn sum_older_flows(&self) -> Result<u64, StoreError> {
        let mut added = [0; 2];
        for (scope, added) in Scope::ALL.into_iter().zip(&mut added) {
            while let Some(flows) = self.fill(scope)? {
                *added += flows;
            }
        }
        Ok(added.into_iter().max().unwrap_or(0))
    }
}

impl Store {
    /// One step; how many flows it added, none when all are part of the sums.
    fn fill(&self, scope: Scope) -> Result<Option<u64>, StoreError> {
        let keys = self.readers().read(|conn| {
            let Filled::UpTo { key, .. } = scope.filled(conn)? else { return Ok(None) };
            Ok(Some(Keyed::Flows.keys_after(conn, key, Order::OldestFirst, ROWS)?))
        })?;
        let Some(keys) = keys else { return Ok(None) };
        let Some(&last) = keys.last() else {
            return self.job(move |site| {
                site.conn.execute(&format!("DELETE FROM {}", scope.table()), ())?;
                Ok(None)
            });
        };
        let added = self.of_sound(&keys, |keys| {
            self.job(move |site| {
                let change = site.change()?;
                let added = fill(&change, scope, &keys, last)?;
                change.commit()?;
                Ok(added)
            })
        })?;
        Ok(Some(added))
    }
}

/// Adds flows as far as the budget lets, all up to `last` if it does; how many. One that does not decode adds
/// nothing.
fn fill(conn: &Connection, scope: Scope, keys: &[i64], last: i64) -> rusqlite::Result<u64> {
    let Filled::UpTo { revision, .. } = scope.filled(conn)? else { return Ok(0) };
    let mut budget = Budget::new(u32::MAX);
    let mut gathered = Gathered::default();
    let (mut added, mut reached) = (0, last);
    for n in keys {
        if let Some(flow) = decoded_flow(conn, *n)?
            && flow.revision().0.cast_signed() <= revision
        {
            gathered.add(scope, *n, &flow);
            added += 1;
        }
        if !budget.spend(1) {
            reached = *n;
            break;
        }
    }
    gathered.write(conn)?;
    conn.execute(&format!("UPDATE {} SET key = ?1", scope.table()), [reached])?;
    Ok(added)
}
