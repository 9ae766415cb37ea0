//! Deleting flows in small transactions, between which recording goes on; then the content that
//! nothing refers to any more.

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::SyncSender;

use rusqlite::{Connection, Row, TransactionBehavior, params_from_iter};

use super::pieces;
use super::tails::Memory;
use crate::error::StoreError;
use crate::filter::{Condition, FlowFilter};

/// Flows per transaction.
const AT_ONCE: i64 = 200;

/// A deletion under way.
pub(super) struct Deletion {
    condition: Condition,
    deleted: u64,
    /// Blobs that deleted flows referred to.
    blobs: HashSet<i64>,
    reply: SyncSender<Result<u64, StoreError>>,
}

impl Deletion {
    /// Deletes what `filter` names, open flows excepted: they are still being written.
    pub(super) fn new(filter: &FlowFilter, reply: SyncSender<Result<u64, StoreError>>) -> Self {
        let mut condition = Condition::of(filter);
        condition.and("outcome IS NOT NULL", []);
        Self { condition, deleted: 0, blobs: HashSet::new(), reply }
    }

    /// Does one transaction; returns itself while there is more to do.
    pub(super) fn step(
        mut self,
        conn: &Connection,
        path: &Path,
        memory: &mut Memory,
    ) -> Option<Self> {
        let outcome = match self.chunk(conn) {
            Ok(0) => self.sweep(conn, memory).map(|()| self.deleted),
            Ok(flows) => {
                self.deleted += flows;
                return Some(self);
            }
            Err(error) => Err(error),
        };
        // The asker may have gone.
        let _ = self.reply.try_send(outcome.map_err(|error| StoreError::of(error, path)));
        None
    }

    fn chunk(&mut self, conn: &Connection) -> rusqlite::Result<u64> {
        let change = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
        let keys: Vec<i64> = {
            let sql = format!("SELECT n FROM flows{} LIMIT {AT_ONCE}", self.condition.sql());
            let mut statement = change.prepare(&sql)?;
            let parameters = params_from_iter(&self.condition.parameters);
            statement.query_map(parameters, |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for key in &keys {
            let mut refers = change.prepare_cached(
                "SELECT request_headers, request_trailers, response_headers, response_trailers,
                     request_body, response_body, message
                 FROM flows WHERE n = ?1",
            )?;
            let mut rows = refers.query([key])?;
            while let Some(row) = rows.next()? {
                each_blob(row, |blob| {
                    self.blobs.insert(blob);
                })?;
            }
            drop(rows);
            // Everything else of the flow goes with its row.
            change.prepare_cached("DELETE FROM flows WHERE n = ?1")?.execute([key])?;
        }
        change.commit()?;
        Ok(keys.len() as u64)
    }

    /// Deletes the blobs that no flow refers to any more.
    fn sweep(&mut self, conn: &Connection, memory: &mut Memory) -> rusqlite::Result<()> {
        memory.forget();
        if self.blobs.is_empty() {
            return Ok(());
        }
        let change = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
        pieces::expand(&change, &mut self.blobs)?;
        {
            let mut contents = change.prepare(
                "SELECT request_headers, request_trailers, response_headers, response_trailers,
                     request_body, response_body, message
                 FROM flows",
            )?;
            let mut rows = contents.query(())?;
            while let Some(row) = rows.next()? {
                each_blob(row, |blob| {
                    self.blobs.remove(&blob);
                })?;
            }
            pieces::spare(&change, &mut self.blobs)?;
            let mut delete = change.prepare("DELETE FROM blobs WHERE id = ?1")?;
            for blob in &self.blobs {
                delete.execute([blob])?;
            }
        }
        change.commit()
    }
}

/// The blobs that a row of contents refers to.
fn each_blob(row: &Row<'_>, mut visit: impl FnMut(i64)) -> rusqlite::Result<()> {
    for column in 0..7 {
        if let Some(blob) = row.get(column)? {
            visit(blob);
        }
    }
    Ok(())
}
