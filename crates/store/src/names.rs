//! Names that are long, few, and the same in many rows: each stands once in a table of its own, and its
//! number in the rows.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

/// Names that are remembered; more are looked up again.
const REMEMBERED: usize = 1024;

/// A table of names (`id`, `name`), as the writer knows it. Names are never removed from it.
#[derive(Debug)]
pub(crate) struct Names {
    find: String,
    insert: String,
    /// Names that are given numbers; whoever invents a new one each time must not fill the file.
    most: usize,
    /// Longer names stay in the rows that have them.
    longest: usize,
    known: HashMap<String, i64>,
    /// Whether the table has as many as it may.
    is_full: bool,
}

impl Names {
    /// Those of a table.
    pub(crate) fn of(table: &'static str, most: usize, longest: usize) -> Self {
        Self {
            find: format!("SELECT id FROM {table} WHERE name = ?1"),
            insert: format!(
                "INSERT INTO {table} (name)
                 SELECT ?1 WHERE ifnull((SELECT max(id) FROM {table}), 0) < ?2 RETURNING id"
            ),
            most,
            longest,
            known: HashMap::new(),
            is_full: false,
        }
    }

    /// Forgets what a transaction that failed may have named.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.is_full = false;
    }

    /// The number of a name, which is given one if there is room.
    pub(crate) fn number(
        &mut self,
        conn: &Connection,
        name: &str,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.known.get(name) {
            return Ok(Some(*number));
        }
        if name.len() > self.longest {
            return Ok(None);
        }
        let find = |row: &rusqlite::Row<'_>| row.get(0);
        let mut number = conn.prepare_cached(&self.find)?.query_row([name], find).optional()?;
        if number.is_none() && !self.is_full {
            let most = i64::try_from(self.most).unwrap_or(i64::MAX);
            number = conn.prepare_cached(&self.insert)?.query_row((name, most), find).optional()?;
            self.is_full = number.is_none();
        }
        if let Some(number) = number {
            if self.known.len() >= REMEMBERED {
                self.known.clear();
            }
            self.known.insert(name.to_owned(), number);
        }
        Ok(number)
    }
}
