//! Removing contents that nothing refers to any more, while records go on referring to contents.
//!
//! Mark and sweep: readers gather what the rows refer to, the writer marks meanwhile what new records
//! refer to. What is in neither set, and was there when the search began, is garbage. An index that
//! answered this without a search would cost every flow that is written.

use rusqlite::{Connection, OptionalExtension};

use super::report::Upkeep;
use crate::error::StoreError;
use crate::store::Store;
use crate::writer::{Budget, ContentSet};

/// Rows that one reading looks at; between two of them the write-ahead log can be folded back.
const ROWS_READ: i64 = 2_000;

/// Contents that are handed to the writer at once.
const CONTENTS: i64 = 256;

/// Where rows refer to contents.
const REFERENCES: &str = "SELECT n, request_headers, request_trailers, response_headers,
         response_trailers, request_body, response_body, message
     FROM flows WHERE n > ?1 ORDER BY n LIMIT ?2";

/// A sweep that has begun.
#[derive(Clone, Copy)]
struct Begun {
    /// The highest content there was.
    top: i64,
    /// Changes when somebody else writes to the file, whose records nobody marks.
    version: i64,
    /// Removals that may have left garbage so far.
    removals: i64,
}

impl Store {
    /// Removes the contents that no row refers to; for whoever has the turn.
    pub(super) fn sweep(
        &self,
        removed: &mut Upkeep,
        mut tell: impl FnMut(&Upkeep),
    ) -> Result<(), StoreError> {
        let begun = self.job(|site| {
            let top = site.begin_marking()?;
            let removals = garbage(site.conn)?;
            Ok(Begun { top, version: version(site.conn)?, removals })
        })?;
        let swept = self.sweep_marked(begun, removed, &mut tell);
        // Also after a failure: marking costs the writer something.
        let ended = self.job(move |site| {
            site.end_marking();
            Ok(())
        });
        if !swept? {
            return ended;
        }
        self.job(move |site| {
            site.conn.execute(
                "UPDATE totals SET value = max(0, value - ?1) WHERE name = 'unswept'",
                [begun.removals],
            )?;
            Ok(())
        })?;
        ended
    }

    /// Whether a removal may have left contents that nothing refers to.
    pub(super) fn has_garbage(&self) -> Result<bool, StoreError> {
        self.readers().read(|conn| Ok(garbage(conn)? > 0))
    }

    /// Whether the sweep came to its end; not when somebody else writes to the file as well.
    fn sweep_marked(
        &self,
        begun: Begun,
        removed: &mut Upkeep,
        tell: &mut impl FnMut(&Upkeep),
    ) -> Result<bool, StoreError> {
        let referred = self.referred()?;
        let mut after = 0;
        loop {
            let (last, garbage) = self.readers().read(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT id FROM blobs WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
                )?;
                let ids = statement.query_map((after, begun.top, CONTENTS), |row| row.get(0))?;
                let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
                let garbage: Vec<i64> =
                    ids.iter().copied().filter(|id| !referred.has(*id)).collect();
                Ok((ids.last().copied(), garbage))
            })?;
            let Some(last) = last else { return Ok(true) };
            after = last;
            let mut left = garbage;
            while !left.is_empty() {
                let count;
                let here = std::mem::take(&mut left);
                match self.remove_contents(begun, here)? {
                    Some(done) => (left, count) = done,
                    None => return Ok(false),
                }
                removed.contents += count;
                tell(removed);
            }
        }
    }

    /// All contents that rows refer to, read a stretch at a time.
    fn referred(&self) -> Result<ContentSet, StoreError> {
        let (mut set, mut after) = (ContentSet::default(), i64::MIN);
        loop {
            let last = self.readers().read(|conn| {
                let mut last = None;
                let mut statement = conn.prepare_cached(REFERENCES)?;
                let mut rows = statement.query((after, ROWS_READ))?;
                while let Some(row) = rows.next()? {
                    last = Some(row.get(0)?);
                    for column in 1..8 {
                        if let Some(id) = row.get(column)? {
                            set.add(id);
                        }
                    }
                }
                Ok(last)
            })?;
            match last {
                Some(last) => after = last,
                None => return Ok(set),
            }
        }
    }

    /// Removes what no record has referred to since the sweep began; returns what is left to look at and
    /// how many were removed, or none when somebody else has written to the file.
    fn remove_contents(
        &self,
        begun: Begun,
        mut left: Vec<i64>,
    ) -> Result<Option<(Vec<i64>, u64)>, StoreError> {
        self.job(move |site| {
            let mut budget = Budget::new(u32::MAX);
            let mut removed = 0;
            let change = site.change()?;
            if version(&change)? != begun.version {
                return Ok(None);
            }
            while let Some(id) = left.pop() {
                if !site.is_marked(id) {
                    let mut delete = change.prepare_cached("DELETE FROM blobs WHERE id = ?1")?;
                    removed += delete.execute([id])? as u64;
                }
                if !budget.spend(1) {
                    break;
                }
            }
            change.commit()?;
            Ok(Some((left, removed)))
        })
    }
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "data_version", |row| row.get(0))
}

fn garbage(conn: &Connection) -> rusqlite::Result<i64> {
    let value = conn
        .prepare_cached("SELECT value FROM totals WHERE name = 'unswept'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    Ok(value.unwrap_or(0))
}
