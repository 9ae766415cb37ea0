//! Removing raw bodies: in small transactions, so that writing goes on in between, and so that nothing of
//! them is left in the file or its log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use langley_model::{FlowId, Micros};
use rusqlite::{Connection, OptionalExtension};

use super::open;
use crate::connect::beside;
use crate::error::StoreError;
use crate::store::Store;
use crate::upkeep::give_back;

/// Rows removed in one transaction; each holds [`super::writer::ROW_BYTES`] and one captured piece at most.
const ROWS: i64 = 8;

/// Pages given back in one transaction.
const PAGES: i64 = 1_000;

/// Flows that are looked up at once.
const FLOWS: usize = 500;

/// A flow that ended so lately may not be in the store yet.
const LATELY_US: i64 = 60_000_000;

/// How often, and after which pauses, the log is tried to be emptied while somebody has it in use.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawRemoved {
    /// Bodies of which something was removed.
    pub bodies: u64,
    /// Whether parts of them are still in the log, because somebody has it in use; a later removal, or the
    /// end of the server, empties it.
    pub is_log_in_use: bool,
}

/// Removes all raw bodies. Without a file there is nothing to do.
///
/// # Errors
/// The file cannot be written, or is one of a newer program.
pub fn remove_raw_bodies(path: &Path) -> Result<RawRemoved, StoreError> {
    let Some(mut removal) = RawRemoval::begin(path)? else { return Ok(RawRemoved::default()) };
    removal.before(Micros(i64::MAX))?;
    removal.finish()
}

impl Store {
    /// Begins to remove raw bodies; none where there is no file of them.
    pub(crate) fn raw_removal(&self) -> Result<Option<RawRemoval>, StoreError> {
        RawRemoval::begin(&self.path().with_file_name("langley-raw.db"))
    }

    /// The flows with these keys.
    pub(crate) fn ids_of(&self, keys: &[i64]) -> Result<Vec<FlowId>, StoreError> {
        self.readers().read(|conn| {
            let mut find = conn.prepare_cached("SELECT flow_id FROM flows WHERE n = ?1")?;
            let mut flows = Vec::new();
            for key in keys {
                flows.extend(find.query_row([key], |row| row.get::<_, [u8; 16]>(0)).optional()?);
            }
            Ok(flows.into_iter().map(FlowId::from_bytes).collect())
        })
    }

    /// Removes the raw bodies that were written before a time, and those whose flow is gone.
    pub(crate) fn retire_raw(&self, before: Option<Micros>, now: Micros) -> Result<(), StoreError> {
        let Some(mut removal) = self.raw_removal()? else { return Ok(()) };
        if let Some(before) = before {
            removal.before(before)?;
        }
        let mut after = Vec::new();
        while let Some((last, silent)) = removal.silent(&after, Micros(now.0 - LATELY_US))? {
            after = last.as_bytes().to_vec();
            removal.of_gone(self, silent)?;
        }
        removal.finish().map(drop)
    }

    /// Those of some flows that are not stored.
    fn unknown_of(&self, mut flows: Vec<FlowId>) -> Result<Vec<FlowId>, StoreError> {
        self.readers().read(|conn| {
            let mut find = conn.prepare_cached("SELECT 1 FROM flows WHERE flow_id = ?1")?;
            let mut known = Vec::new();
            for flow in &flows {
                known.push(find.exists([&flow.as_bytes()[..]])?);
            }
            let mut known = known.into_iter();
            flows.retain(|_| !known.next().unwrap_or(true));
            Ok(flows)
        })
    }
}

/// A removal under way: the file is opened once, and made smaller once.
#[derive(Debug)]
pub(crate) struct RawRemoval {
    conn: Connection,
    path: PathBuf,
    bodies: u64,
}

impl RawRemoval {
    fn begin(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Self { conn: open(path)?, path: path.to_owned(), bodies: 0 }))
    }

    fn before(&mut self, time: Micros) -> Result<(), StoreError> {
        self.rows("at < ?1", &time.0)
    }

    /// Removes the bodies of those of some flows that are not stored any more.
    pub(crate) fn of_gone(&mut self, store: &Store, flows: Vec<FlowId>) -> Result<(), StoreError> {
        for flow in store.unknown_of(flows)? {
            self.rows("flow = ?1", &&flow.as_bytes()[..])?;
        }
        Ok(())
    }

    /// Those of some flows of which nothing was written since a time, also where nothing says that they ended; with
    /// the last one that was looked at. None at the end.
    fn silent(
        &self,
        after: &[u8],
        since: Micros,
    ) -> Result<Option<(FlowId, Vec<FlowId>)>, StoreError> {
        let read = || -> rusqlite::Result<Option<(FlowId, Vec<FlowId>)>> {
            let mut next = self.conn.prepare_cached(
                "SELECT min(flow) FROM (
                     SELECT min(flow) AS flow FROM raw_pieces WHERE flow > ?1
                     UNION ALL SELECT min(flow) FROM raw_flows WHERE flow > ?1)",
            )?;
            let mut spoke = self.conn.prepare_cached(
                "SELECT 1 FROM raw_pieces WHERE flow = ?1 AND at >= ?2
                 UNION ALL SELECT 1 FROM raw_flows WHERE flow = ?1 AND at >= ?2",
            )?;
            let (mut last, mut silent) = (None::<FlowId>, Vec::new());
            for _ in 0..FLOWS {
                let after = last.as_ref().map_or(after, |last| &last.as_bytes()[..]);
                let flow: Option<[u8; 16]> = next.query_row([after], |row| row.get(0))?;
                let Some(flow) = flow.map(FlowId::from_bytes) else { break };
                if !spoke.exists((flow.as_bytes(), since.0))? {
                    silent.push(flow);
                }
                last = Some(flow);
            }
            Ok(last.map(|last| (last, silent)))
        };
        read().map_err(|error| StoreError::of(error, &self.path))
    }

    /// Removes the rows that a condition names.
    fn rows(&mut self, condition: &str, value: &dyn rusqlite::ToSql) -> Result<(), StoreError> {
        let remove = || -> rusqlite::Result<i64> {
            let bodies = self
                .conn
                .prepare_cached(&format!(
                    "SELECT count(*)
                     FROM (SELECT DISTINCT flow, side FROM raw_pieces WHERE {condition})"
                ))?
                .query_row([value], |row| row.get(0))?;
            for (table, key) in [("raw_pieces", "flow, side, offset"), ("raw_flows", "flow")] {
                let mut delete = self.conn.prepare_cached(&format!(
                    "DELETE FROM {table} WHERE ({key}) IN (
                         SELECT {key} FROM {table} WHERE {condition} LIMIT {ROWS})"
                ))?;
                while delete.execute([value])? > 0 {}
            }
            Ok(bodies)
        };
        let bodies = remove().map_err(|error| StoreError::of(error, &self.path))?;
        self.bodies += bodies.unsigned_abs();
        Ok(())
    }

    /// Gives the room back, and empties the log: also where nothing was removed now, because a removal
    /// that was killed may have left it.
    pub(crate) fn finish(self) -> Result<RawRemoved, StoreError> {
        let Self { conn, path, bodies } = self;
        let settle = || {
            give_all_back(&conn)?;
            empty_log(&conn, &path)
        };
        let is_empty = settle().map_err(|error| StoreError::of(error, &path))?;
        let removed = RawRemoved { bodies, is_log_in_use: !is_empty };
        if bodies > 0 {
            let in_use = removed.is_log_in_use;
            tracing::info!(bodies, is_log_in_use = in_use, "unredacted bodies were removed");
        }
        Ok(removed)
    }
}

/// Gives free pages back to the disk, some at a time.
fn give_all_back(conn: &Connection) -> rusqlite::Result<()> {
    let free = || conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
    let mut left = free()?;
    while left > 0 {
        give_back(conn, PAGES)?;
        let now = free()?;
        if now >= left {
            break;
        }
        left = now;
    }
    Ok(())
}

/// Folds the log back and empties it; whether that could be done.
fn empty_log(conn: &Connection, path: &Path) -> rusqlite::Result<bool> {
    for _ in 0..TRIES {
        let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
        let left = std::fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
        if busy == 0 && left == 0 {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}
