//! The file as a whole: is it sound, and what takes the room?

use std::fmt;

use crate::error::StoreError;
use crate::search::is_of_index;
use crate::store::Store;

/// What of a table is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The table.
    pub table: String,
    /// What is, as `SQLite`'s `quick_check` words it.
    pub detail: String,
}

impl Damage {
    /// Whether this is of the index for searches, which can be made anew ([`Store::reindex`]).
    #[must_use]
    pub fn is_of_index(&self) -> bool {
        is_of_index(&self.table)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.table, self.detail)
    }
}

impl Store {
    /// What is damaged, at most ten places; empty when nothing is.
    /// Reads the whole file, one table at a time, so that the write-ahead log does not grow meanwhile by what
    /// is written in all that time; pages that belong to no table are not looked for.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn damage(&self) -> Result<Vec<Damage>, StoreError> {
        self.damage_of(|_| true)
    }

    /// The same of the tables that `of` names.
    pub(crate) fn damage_of(&self, of: impl Fn(&str) -> bool) -> Result<Vec<Damage>, StoreError> {
        const LINES: usize = 10;
        let tables = self.names(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'view' ORDER BY name",
        )?;
        let mut damage = Vec::new();
        for table in tables.into_iter().filter(|table| of(table)) {
            let of = |detail| Damage { table: table.clone(), detail };
            let lines = self.readers().read(|conn| {
                let mut statement = conn.prepare(&format!("PRAGMA quick_check(\"{table}\")"))?;
                let lines = statement.query_map((), |row| row.get::<_, String>(0))?;
                Ok(lines.take(LINES).collect::<Result<Vec<_>, _>>()?)
            });
            match lines {
                Ok(lines) => {
                    let lines = lines.into_iter().filter(|line| line != "ok");
                    damage.extend(lines.map(of));
                }
                // Some of it ends the check itself, and the other tables are still to be looked at.
                Err(StoreError::Corrupt { detail, .. } | StoreError::Disk { detail, .. }) => {
                    damage.push(of(detail));
                }
                Err(error) => return Err(error),
            }
            if damage.len() >= LINES {
                damage.truncate(LINES);
                break;
            }
        }
        Ok(damage)
    }

    /// Bytes of every table and index in the file, the largest first. Reads the whole file, one of them at a
    /// time.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sizes(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let names = self.names(
            "SELECT 'sqlite_schema' UNION ALL SELECT name FROM sqlite_schema WHERE rootpage > 0",
        )?;
        let mut sizes = Vec::new();
        for name in names {
            let bytes = self.readers().read(|conn| {
                let sql = "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name = ?1";
                Ok(conn.query_row(sql, [&name], |row| row.get::<_, Option<i64>>(0))?)
            })?;
            // None where it has been removed meanwhile.
            sizes.extend(bytes.map(|bytes| (name, bytes.cast_unsigned())));
        }
        sizes.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
        Ok(sizes)
    }

    fn names(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare(sql)?;
            let names = statement.query_map((), |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }
}
