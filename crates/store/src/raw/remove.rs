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

/// Which rows.
enum Which<'a> {
    All,
    Before(Micros),
    Of(&'a [FlowId]),
}

/// Removes all raw bodies. Without a file there is nothing to do.
///
/// # Errors
/// The file cannot be written, or is one of a newer program.
pub fn remove_raw_bodies(path: &Path) -> Result<RawRemoved, StoreError> {
    remove(path, &Which::All)
}

impl Store {
    /// The file of raw bodies beside the store's.
    fn raw_bodies(&self) -> PathBuf {
        self.path().with_file_name("langley-raw.db")
    }

    /// The flows with these keys, where there are raw bodies at all.
    pub(crate) fn with_raw_bodies(&self, keys: &[i64]) -> Result<Vec<FlowId>, StoreError> {
        if !self.raw_bodies().exists() {
            return Ok(Vec::new());
        }
        self.readers().read(|conn| {
            let mut find = conn.prepare_cached("SELECT flow_id FROM flows WHERE n = ?1")?;
            let mut flows = Vec::new();
            for key in keys {
                flows.extend(find.query_row([key], |row| row.get::<_, [u8; 16]>(0)).optional()?);
            }
            Ok(flows.into_iter().map(FlowId::from_bytes).collect())
        })
    }

    /// Removes the raw bodies of those of some flows that are not stored any more.
    pub(crate) fn remove_raw_of_gone(&self, flows: Vec<FlowId>) -> Result<(), StoreError> {
        let gone = self.unknown_of(flows)?;
        if !gone.is_empty() {
            tell(remove(&self.raw_bodies(), &Which::Of(&gone))?);
        }
        Ok(())
    }

    /// Removes the raw bodies that were written before a time, and those whose flow is gone.
    pub(crate) fn retire_raw(&self, before: Option<Micros>, now: Micros) -> Result<(), StoreError> {
        let path = self.raw_bodies();
        if !path.exists() {
            return Ok(());
        }
        if let Some(before) = before {
            tell(remove(&path, &Which::Before(before))?);
        }
        let mut after = Vec::new();
        loop {
            let ended = ended(&path, &after, Micros(now.0 - LATELY_US))?;
            let Some(last) = ended.last() else { break };
            after = last.as_bytes().to_vec();
            self.remove_raw_of_gone(ended)?;
        }
        Ok(())
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

fn tell(RawRemoved { bodies, is_log_in_use }: RawRemoved) {
    if bodies > 0 {
        tracing::info!(bodies, is_log_in_use, "unredacted bodies were removed");
    }
}

/// Some flows that ended before a time, by their ids.
fn ended(path: &Path, after: &[u8], before: Micros) -> Result<Vec<FlowId>, StoreError> {
    let conn = open(path)?;
    let read = || -> rusqlite::Result<Vec<FlowId>> {
        let mut statement = conn.prepare_cached(&format!(
            "SELECT flow FROM raw_flows WHERE flow > ?1 AND at < ?2 ORDER BY flow LIMIT {FLOWS}"
        ))?;
        let rows = statement.query_map((after, before.0), |row| row.get(0))?;
        rows.map(|id| id.map(FlowId::from_bytes)).collect()
    };
    read().map_err(|error| StoreError::of(error, path))
}

fn remove(path: &Path, which: &Which<'_>) -> Result<RawRemoved, StoreError> {
    if !path.exists() {
        return Ok(RawRemoved::default());
    }
    let conn = open(path)?;
    let removed = || -> rusqlite::Result<RawRemoved> {
        let bodies = match which {
            Which::All => rows(&conn, "at < ?1", &i64::MAX)?,
            Which::Before(time) => rows(&conn, "at < ?1", &time.0)?,
            Which::Of(flows) => {
                let mut bodies = 0;
                for flow in *flows {
                    bodies += rows(&conn, "flow = ?1", &&flow.as_bytes()[..])?;
                }
                bodies
            }
        };
        give_back(&conn)?;
        // Also where nothing was removed now: a removal that was killed may have left its log.
        Ok(RawRemoved { bodies, is_log_in_use: !empty_log(&conn, path)? })
    };
    removed().map_err(|error| StoreError::of(error, path))
}

/// Removes the rows that a condition names; returns of how many bodies.
fn rows(conn: &Connection, condition: &str, value: &dyn rusqlite::ToSql) -> rusqlite::Result<u64> {
    let bodies: i64 = conn
        .prepare_cached(&format!(
            "SELECT count(*) FROM (SELECT DISTINCT flow, side FROM raw_pieces WHERE {condition})"
        ))?
        .query_row([value], |row| row.get(0))?;
    for (table, key) in [("raw_pieces", "flow, side, offset"), ("raw_flows", "flow")] {
        let mut delete = conn.prepare_cached(&format!(
            "DELETE FROM {table} WHERE ({key}) IN (
                 SELECT {key} FROM {table} WHERE {condition} LIMIT {ROWS})"
        ))?;
        while delete.execute([value])? > 0 {}
    }
    Ok(bodies.unsigned_abs())
}

/// Gives free pages back to the disk, some at a time.
fn give_back(conn: &Connection) -> rusqlite::Result<()> {
    let free = || conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
    let mut left = free()?;
    while left > 0 {
        let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        // Each step frees a page.
        let mut steps = statement.query(())?;
        while steps.next()?.is_some() {}
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
