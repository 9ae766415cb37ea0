//! The index, made anew where a part of it cannot be read: all it holds is said by the flows.

use rusqlite::Connection;

use super::index::BACKLOG;
use crate::error::StoreError;
use crate::store::Store;

/// The index and what is kept with it, with the tables that FTS5 makes.
const TABLES: [&str; 8] = [
    "search",
    "search_data",
    "search_idx",
    "search_docsize",
    "search_config",
    "search_words",
    "search_flows",
    "search_waiting",
];

/// Whether a table is the index, or kept with it.
pub(crate) fn is_of_index(table: &str) -> bool {
    TABLES.contains(&table)
}

impl Store {
    /// Makes the index empty, whatever its pages are, and lets all flows wait for it. The old pages stay in the file
    /// until it is written anew ([`Store::rebuild`]), which is to follow. Nothing is recorded meanwhile: not for a
    /// store that a server records to.
    ///
    /// # Errors
    /// The store is closed or cannot be written, or another table than those of the index is damaged, so that the
    /// file could not be written anew; then nothing has changed.
    pub fn empty_index(&self) -> Result<(), StoreError> {
        if let Some(damage) = self.damage_of(|table| !is_of_index(table))?.first() {
            let detail = damage.to_string();
            return Err(StoreError::Corrupt { path: self.path().to_owned(), detail });
        }
        self.job(|site| {
            let begun = site.conn.execute_batch("BEGIN IMMEDIATE; PRAGMA writable_schema = ON");
            let made = begun.and_then(|()| made_anew(site.conn));
            let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
            let ended = site.conn.execute_batch(&format!("{end}; PRAGMA writable_schema = RESET"));
            made.and(ended)
        })
    }
}

/// A table is removed by taking it out of the list of tables: `DROP` would read its pages.
fn made_anew(conn: &Connection) -> rusqlite::Result<()> {
    let tables = format!("'{}'", TABLES.join("', '"));
    // FTS5 makes its own tables when it is made, and they are made by nobody else.
    let sql = format!(
        "SELECT sql FROM sqlite_schema WHERE tbl_name IN ({tables}) AND type <> 'trigger'
             AND name NOT GLOB 'search_[dic]*' AND sql IS NOT NULL ORDER BY rowid"
    );
    let mut statement = conn.prepare(&sql)?;
    let made: Vec<String> = statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    drop(statement);
    conn.execute_batch(&format!(
        "DELETE FROM sqlite_schema WHERE tbl_name IN ({tables}) AND type <> 'trigger';
         PRAGMA writable_schema = RESET"
    ))?;
    for sql in made {
        conn.execute_batch(&sql)?;
    }
    conn.execute("DELETE FROM totals WHERE name = ?1", [BACKLOG])?;
    let backlog =
        "INSERT INTO totals (name, value) SELECT ?1, n + 1 FROM flows ORDER BY n DESC LIMIT 1";
    conn.execute(backlog, [BACKLOG]).map(|_| ())
}
