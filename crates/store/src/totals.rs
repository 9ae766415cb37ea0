//! Single numbers of the file, by name.

use langley_model::DropReason;
use rusqlite::{Connection, OptionalExtension};

use crate::flow_row::signed;

/// A number; none where it was never set.
pub(crate) fn total(conn: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT value FROM totals WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Adds to a number.
pub(crate) fn add_to_total(conn: &Connection, name: &str, added: i64) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO totals (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = value + ?2",
    )?
    .execute((name, added))?;
    Ok(())
}

/// Running totals of the file, or how much a transaction adds to them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) revision: u64,
    pub(crate) flows: u64,
    pub(crate) events: u64,
    pub(crate) tunnels: u64,
    pub(crate) lost: u64,
    pub(crate) drops: [u64; DropReason::ALL.len()],
}

impl Totals {
    /// The totals of the file.
    pub(crate) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let mut totals = Self::default();
        let mut statement = conn.prepare_cached("SELECT name, value FROM totals")?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let value = row.get::<_, i64>(1)?.cast_unsigned();
            let name = row.get_ref(0)?.as_str()?;
            if let Some(cell) = totals.cells().find(|(known, _)| *known == name) {
                *cell.1 = value;
            }
        }
        Ok(totals)
    }

    /// Adds these to the totals of the file.
    pub(crate) fn add(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        for (name, value) in self.cells().filter(|(_, value)| **value > 0) {
            add_to_total(conn, name, signed(*value))?;
        }
        Ok(())
    }

    fn cells(&mut self) -> impl Iterator<Item = (&'static str, &mut u64)> {
        let drops = DropReason::ALL.map(DropReason::as_str).into_iter().zip(&mut self.drops);
        let others = [
            ("revision", &mut self.revision),
            ("flows", &mut self.flows),
            ("events", &mut self.events),
            ("tunnels", &mut self.tunnels),
            ("lost", &mut self.lost),
        ];
        others.into_iter().chain(drops)
    }
}
