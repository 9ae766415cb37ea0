//! The two tables, and a group's row in them.

use std::sync::LazyLock;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement};

use super::group::Group;
use super::spread::Spread;
use super::sums::{NUMBERS, Sums};

/// A table of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Hourly,
    Daily,
}

/// Columns that name a group, behind its time.
const KEY: [&str; 4] = ["host", "provider", "model", "agent"];

struct Sql {
    read: String,
    write: String,
    delete: String,
    scan: String,
}

impl Sql {
    fn of(table: Table) -> Self {
        let (name, at) = table.names();
        let columns: Vec<String> = Sums::columns().collect();
        let (columns, count) = (columns.join(", "), columns.len());
        let marks = (1..=1 + KEY.len() + count).map(|i| format!("?{i}")).collect::<Vec<_>>();
        let key = KEY.join(", ");
        let group = "host = ?2 AND provider = ?3 AND model = ?4 AND agent = ?5";
        Self {
            read: format!("SELECT {columns} FROM {name} WHERE {at} = ?1 AND {group}"),
            write: format!(
                "INSERT OR REPLACE INTO {name} ({at}, {key}, {columns}) VALUES ({})",
                marks.join(", ")
            ),
            delete: format!("DELETE FROM {name} WHERE {at} = ?1 AND {group}"),
            scan: format!("SELECT {at}, {key}, {columns} FROM {name}"),
        }
    }
}

impl Table {
    /// The table, and its column of time.
    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Hourly => ("rollups_hourly", "hour"),
            Self::Daily => ("rollups_daily", "day"),
        }
    }

    fn sql(self) -> &'static Sql {
        static HOURLY: LazyLock<Sql> = LazyLock::new(|| Sql::of(Table::Hourly));
        static DAILY: LazyLock<Sql> = LazyLock::new(|| Sql::of(Table::Daily));
        match self {
            Self::Hourly => &HOURLY,
            Self::Daily => &DAILY,
        }
    }

    /// `SELECT` of every group with its sums, to be read by [`read_group`].
    pub(super) fn select(self) -> &'static str {
        &self.sql().scan
    }

    /// Changes the sums of a group; a group of nothing has no row.
    pub(super) fn change(
        self,
        conn: &Connection,
        group: &Group,
        change: &Sums,
    ) -> rusqlite::Result<()> {
        let sql = self.sql();
        let mut read = conn.prepare_cached(&sql.read)?;
        bind(&mut read, group)?;
        let mut rows = read.raw_query();
        let mut sums = match rows.next()? {
            Some(row) => read_sums(row, 0)?,
            None => Sums::default(),
        };
        drop(rows);
        sums.merge(change);
        if sums.is_empty() {
            let mut delete = conn.prepare_cached(&sql.delete)?;
            bind(&mut delete, group)?;
            delete.raw_execute()?;
            return Ok(());
        }
        let mut write = conn.prepare_cached(&sql.write)?;
        bind(&mut write, group)?;
        let first = 2 + KEY.len();
        for (place, number) in (first..).zip(sums.numbers()) {
            write.raw_bind_parameter(place, number.cast_signed())?;
        }
        for (place, spread) in (first + NUMBERS..).zip(sums.spreads()) {
            write.raw_bind_parameter(place, spread.encode())?;
        }
        write.raw_execute()?;
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, group: &Group) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, group.at)?;
    let texts = [&group.host, &group.provider, &group.model, &group.agent];
    for (place, text) in (2..).zip(texts) {
        statement.raw_bind_parameter(place, text.as_str())?;
    }
    Ok(())
}

/// The sums of a row, from the column `first` on. A spread that is damaged is empty.
pub(super) fn read_sums(row: &Row<'_>, first: usize) -> rusqlite::Result<Sums> {
    let mut sums = Sums::default();
    for (place, number) in (first..).zip(sums.numbers_mut()) {
        *number = row.get::<_, i64>(place)?.cast_unsigned();
    }
    for (place, spread) in (first + NUMBERS..).zip(sums.spreads_mut()) {
        if let ValueRef::Blob(bytes) = row.get_ref(place)? {
            *spread = Spread::decode(bytes).unwrap_or_default();
        }
    }
    Ok(sums)
}

/// A row of [`Table::select`].
pub(super) fn read_group(row: &Row<'_>) -> rusqlite::Result<(Group, Sums)> {
    let group = Group {
        at: row.get(0)?,
        host: row.get(1)?,
        provider: row.get(2)?,
        model: row.get(3)?,
        agent: row.get(4)?,
    };
    Ok((group, read_sums(row, 1 + KEY.len())?))
}
