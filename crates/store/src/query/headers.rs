//! Which contents are header lines, as the flows say: for who looks through all contents.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::damage::{Fault, Keyed, told_apart};
use crate::error::StoreError;
use crate::filter::Order;
use crate::store::Store;

/// Flows that are read at one moment.
const PORTION: usize = 2_000;

const COLUMNS: &str =
    "n, outcome IS NULL, request_headers, request_trailers, response_headers, response_trailers";

/// The contents that are header lines, so far.
#[derive(Default)]
pub(super) struct Headers {
    blobs: HashSet<i64>,
    /// The last flow that was read.
    last: Option<i64>,
    /// Flows that were open then, and so may have come to others.
    open: Vec<i64>,
}

impl Headers {
    pub(super) fn contains(&self, blob: i64) -> bool {
        self.blobs.contains(&blob)
    }

    /// Reads all flows that are new, a portion at each moment.
    pub(super) fn catch_up(&mut self, store: &Store) -> Result<(), StoreError> {
        while store.readers().read(|conn| Ok(self.read_on(conn)?))? {}
        Ok(())
    }

    /// Reads the flows that are new at this moment, and those that were open: few, after the others.
    pub(super) fn read_rest(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let open = std::mem::take(&mut self.open);
        self.read_again(conn, &open)?;
        while self.read_on(conn)? {}
        Ok(())
    }

    fn read_again(&mut self, conn: &Connection, open: &[i64]) -> rusqlite::Result<()> {
        let sql = format!("SELECT {COLUMNS} FROM flows WHERE n = ?1");
        let mut statement = conn.prepare_cached(&sql)?;
        for flow in open {
            let read = statement.query_row([flow], |row| self.note(row)).optional();
            told_apart(read)?;
        }
        Ok(())
    }

    /// Reads some flows that are new; whether there may be more.
    fn read_on(&mut self, conn: &Connection) -> rusqlite::Result<bool> {
        match self.read_portion(conn) {
            Err(error) if error.is_of_one_place() => {
                let last = self.last.unwrap_or(i64::MIN);
                let next = Keyed::Flows.keys_after(conn, last, Order::OldestFirst, PORTION)?;
                self.read_again(conn, &next)?;
                self.last = next.last().copied().or(self.last);
                Ok(next.len() == PORTION)
            }
            more => more,
        }
    }

    fn read_portion(&mut self, conn: &Connection) -> rusqlite::Result<bool> {
        let sql = format!("SELECT {COLUMNS} FROM flows WHERE n > ?1 ORDER BY n LIMIT {PORTION}");
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query([self.last.unwrap_or(i64::MIN)])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            self.last = Some(row.get(0)?);
            self.note(row)?;
            seen += 1;
        }
        Ok(seen == PORTION)
    }

    fn note(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        if row.get(1)? {
            self.open.push(row.get(0)?);
        }
        for column in 2..6 {
            self.blobs.extend(row.get::<_, Option<i64>>(column)?);
        }
        Ok(())
    }
}
