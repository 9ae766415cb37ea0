//! Flows that an earlier version recorded are added up afterwards, in small steps between two batches.
//!
//! What is summed already can be told from two numbers, so that no flow needs a mark: the last revision of
//! the earlier version, and the key up to which its flows have been added. A flow that was written since
//! has a newer revision and is part of the sums from then on. There are two such pairs, because the sums
//! of tasks are younger than the others.

use langley_model::Revision;
use rusqlite::{Connection, OptionalExtension};

use super::gather::Gathered;
use crate::error::StoreError;
use crate::flow_row::{self, FlowSql};
use crate::store::Store;
use crate::writer::Budget;

/// Flows of one step.
const ROWS: u32 = 500;

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
    let sql = format!("{} WHERE n = ?1", FlowSql::select());
    let row = conn.prepare_cached(&sql)?.query_row([n], flow_row::read_sound).optional()?;
    let Some((_, flow)) = row.flatten() else { return Ok(()) };
    let mut gathered = Gathered::default();
    gathered.remove(Held::read(conn)?.of(n, flow.revision()), &flow);
    gathered.write(conn)
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
            loop {
                let step = self.job(move |site| {
                    let change = site.change()?;
                    let step = fill(&change, scope)?;
                    change.commit()?;
                    Ok(step)
                })?;
                match step {
                    Some(flows) => *added += flows,
                    None => break,
                }
            }
        }
        Ok(added.into_iter().max().unwrap_or(0))
    }
}

/// One step; how many flows it added, none when all are part of the sums.
fn fill(conn: &Connection, scope: Scope) -> rusqlite::Result<Option<u64>> {
    let Filled::UpTo { revision, key } = scope.filled(conn)? else { return Ok(None) };
    let mut budget = Budget::new(ROWS);
    let mut gathered = Gathered::default();
    let (mut added, mut last) = (0, None);
    let sql = format!("{} WHERE n > ?1 ORDER BY n", FlowSql::select());
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        last = Some(row.get::<_, i64>(0)?);
        if let Some((n, flow)) = flow_row::read_sound(row)?
            && flow.revision().0.cast_signed() <= revision
        {
            gathered.add(scope, n, &flow);
            added += 1;
        }
        if !budget.spend(1) {
            break;
        }
    }
    match last {
        Some(last) => {
            gathered.write(conn)?;
            conn.execute(&format!("UPDATE {} SET key = ?1", scope.table()), [last])?;
            Ok(Some(added))
        }
        None => {
            conn.execute(&format!("DELETE FROM {}", scope.table()), ())?;
            Ok(None)
        }
    }
}
