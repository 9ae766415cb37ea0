//! The file as a whole: is it sound, and what takes the room?

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// What is damaged, as `SQLite`'s `quick_check` words it (at most ten lines); empty when nothing is.
    /// Reads the whole file, one table at a time, so that the write-ahead log does not grow meanwhile by what
    /// is written in all that time; pages that belong to no table are not looked for.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn damage(&self) -> Result<Vec<String>, StoreError> {
        const LINES: usize = 10;
        let tables = self.names(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'view' ORDER BY name",
        )?;
        let mut damage = Vec::new();
        for table in tables {
            let lines = self.readers().read(|conn| {
                let mut statement = conn.prepare(&format!("PRAGMA quick_check(\"{table}\")"))?;
                let lines = statement.query_map((), |row| row.get::<_, String>(0))?;
                Ok(lines.take(LINES).collect::<Result<Vec<_>, _>>()?)
            });
            match lines {
                Ok(lines) => damage.extend(lines.into_iter().filter(|line| line != "ok")),
                // Some of it ends the check itself, and the other tables are still to be looked at.
                Err(StoreError::Corrupt { detail, .. } | StoreError::Disk { detail, .. }) => {
                    damage.push(format!("{table}: {detail}"));
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
