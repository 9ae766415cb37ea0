//! Single numbers of the file, by name.

use rusqlite::{Connection, OptionalExtension};

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
