//! Names that are long, few, and the same in many rows: each stands once in a table of its own, and its
//! number in the rows.

use std::collections::HashMap;

use langley_model::Micros;
use rusqlite::{Connection, OptionalExtension};

use crate::hours::{DAY_HOURS, HOUR_US};
use crate::totals::total;

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
        if name.len() > self.longest {
            return Ok(None);
        }
        let mut number = self.known(conn, name)?;
        if number.is_none() && !self.is_full {
            let most = i64::try_from(self.most).unwrap_or(i64::MAX);
            number = conn
                .prepare_cached(&self.insert)?
                .query_row((name, most), |row| row.get(0))
                .optional()?;
            self.is_full = number.is_none();
            self.remember(name, number);
        }
        Ok(number)
    }

    /// The number that a name has.
    fn known(&mut self, conn: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.known.get(name) {
            return Ok(Some(*number));
        }
        let mut find = conn.prepare_cached(&self.find)?;
        let number = find.query_row([name], |row| row.get(0)).optional()?;
        self.remember(name, number);
        Ok(number)
    }

    fn remember(&mut self, name: &str, number: Option<i64>) {
        if let Some(number) = number {
            if self.known.len() >= REMEMBERED {
                self.known.clear();
            }
            self.known.insert(name.to_owned(), number);
        }
    }
}

/// What stands for all names beyond those that are given numbers in a day.
pub(crate) const OTHER: &str = "(other)";

/// New names that are given numbers in a day, of projects and of tools: sums by hour stay for ever, and whoever
/// invents a name for each request must not grow them with each.
const EACH_DAY: i64 = 1_000;

/// Names of which so many are new each day, and the others one: [`OTHER`].
#[derive(Debug)]
pub(crate) struct DailyNames {
    names: Names,
    table: &'static str,
    /// The day, and how many it had so far; none before that was read.
    given: Option<(i64, i64)>,
}

impl DailyNames {
    /// Those of a table.
    pub(crate) fn of(table: &'static str, longest: usize) -> Self {
        Self { names: Names::of(table, usize::MAX, longest), table, given: None }
    }

    /// Forgets what a transaction that failed may have named.
    pub(crate) fn forget(&mut self) {
        self.names.forget();
        self.given = None;
    }

    /// The number of a name, or of [`OTHER`]; none where it is too long. `at` is when the flow began that has it.
    pub(crate) fn number(
        &mut self,
        conn: &Connection,
        name: &str,
        at: Micros,
    ) -> rusqlite::Result<Option<i64>> {
        let name = self.admitted(conn, name, at)?;
        self.names.number(conn, name)
    }

    /// The name, or [`OTHER`] where it is new and the day has had enough of these.
    pub(crate) fn admitted<'n>(
        &mut self,
        conn: &Connection,
        name: &'n str,
        at: Micros,
    ) -> rusqlite::Result<&'n str> {
        let is_beyond_numbers = name == OTHER || name.len() > self.names.longest;
        if is_beyond_numbers || self.names.known(conn, name)?.is_some() {
            return Ok(name);
        }
        let (known_day, given) = match self.given {
            Some(given) => given,
            None => (self.total(conn, "day")?, self.total(conn, "given")?),
        };
        let day = day_of(at.0);
        let mut now = if day > known_day { (day, 0) } else { (known_day, given) };
        if now.1 >= EACH_DAY && known_day > day_of(Micros::now().0) {
            // A clock that was ahead must not close the list until its day has come.
            now = (day, 0);
        }
        if now.1 >= EACH_DAY {
            self.given = Some(now);
            return Ok(OTHER);
        }
        now.1 += 1;
        if now.1 == EACH_DAY {
            tracing::warn!(
                table = self.table,
                "so many new names came in a day that what else comes of them is told as {OTHER}"
            );
        }
        self.put(conn, "day", now.0)?;
        self.put(conn, "given", now.1)?;
        self.given = Some(now);
        // At once, so that it is counted once.
        self.names.number(conn, name)?;
        Ok(name)
    }

    fn total(&self, conn: &Connection, what: &str) -> rusqlite::Result<i64> {
        Ok(total(conn, &format!("{}_{what}", self.table))?.unwrap_or(0))
    }

    fn put(&self, conn: &Connection, what: &str, value: i64) -> rusqlite::Result<()> {
        conn.prepare_cached("INSERT OR REPLACE INTO totals (name, value) VALUES (?1, ?2)")?
            .execute((format!("{}_{what}", self.table), value))?;
        Ok(())
    }
}

fn day_of(at: i64) -> i64 {
    at.div_euclid(DAY_HOURS * HOUR_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = DAY_HOURS * HOUR_US;

    fn names() -> (Connection, DailyNames) {
        let conn = Connection::open_in_memory().unwrap();
        let tables =
            "CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
             CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);";
        conn.execute_batch(tables).unwrap();
        (conn, DailyNames::of("projects", 64))
    }

    #[test]
    fn so_many_new_names_are_told_apart_in_a_day_and_the_others_are_one() {
        let (conn, mut names) = names();
        let first = names.number(&conn, "first", Micros(0)).unwrap();
        for number in 1..EACH_DAY {
            let name = format!("name {number}");
            assert_eq!(names.admitted(&conn, &name, Micros(number)).unwrap(), name);
            names.number(&conn, &name, Micros(number)).unwrap();
        }
        let other = names.number(&conn, OTHER, Micros(0)).unwrap();
        for late in ["late", "later"] {
            assert_eq!(names.number(&conn, late, Micros(7)).unwrap(), other);
        }
        // As after a restart, or a transaction that failed.
        names.forget();
        assert_eq!(names.number(&conn, "late", Micros(DAY - 1)).unwrap(), other);
        assert_eq!(names.number(&conn, "first", Micros(8)).unwrap(), first, "it is known");
        assert_ne!(names.number(&conn, "late", Micros(DAY)).unwrap(), other, "another day");
        let rows: i64 =
            conn.query_row("SELECT count(*) FROM projects", (), |row| row.get(0)).unwrap();
        assert_eq!(rows, EACH_DAY + 2);
    }

    #[test]
    fn a_day_that_has_not_come_closes_no_list() {
        let (conn, mut names) = names();
        let ahead = Micros(Micros::now().0 + 400 * DAY);
        for number in 0..EACH_DAY {
            names.number(&conn, &format!("name {number}"), ahead).unwrap();
        }
        assert_eq!(names.admitted(&conn, "now", Micros::now()).unwrap(), "now");
    }
}
