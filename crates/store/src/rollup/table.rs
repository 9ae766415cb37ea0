//! The tables of sums, and a row of theirs.

use std::sync::LazyLock;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement};

use super::group::Group;
use super::spread::Spread;
use super::sums::{Costs, NUMBERS, Sums};

/// A table of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Hourly,
    Daily,
    Sessions,
    Tasks,
    Agents,
}

/// What a row is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key<'a> {
    Group(&'a Group),
    Name(&'a str),
    Names(&'a str, &'a str),
}

struct Sql {
    read: String,
    write: String,
    delete: String,
    select: String,
    select_costs: String,
}

impl Sql {
    fn of(table: Table) -> Self {
        let (name, key) = (table.name(), table.key());
        let columns: Vec<String> = Sums::columns().collect();
        let marks: Vec<_> = (1..=key.len() + columns.len()).map(|i| format!("?{i}")).collect();
        let set: Vec<_> = columns.iter().map(|it| format!("{it} = excluded.{it}")).collect();
        let of: Vec<_> = key.iter().zip(1..).map(|(it, i)| format!("{it} = ?{i}")).collect();
        let costs = Sums::COSTS.map(|place| columns[place].clone());
        let newest = if matches!(table, Table::Hourly | Table::Daily) { "" } else { ", newest" };
        let (marks, set, of) = (marks.join(", "), set.join(", "), of.join(" AND "));
        let (key, columns, costs) = (key.join(", "), columns.join(", "), costs.join(", "));
        Self {
            read: format!("SELECT {columns} FROM {name} WHERE {of}"),
            write: format!(
                "INSERT INTO {name} ({key}, {columns}) VALUES ({marks})
                 ON CONFLICT DO UPDATE SET {set}"
            ),
            delete: format!("DELETE FROM {name} WHERE {of}"),
            select: format!("SELECT {key}, {columns} FROM {name}"),
            select_costs: format!("SELECT {key}, {costs}{newest} FROM {name}"),
        }
    }
}

impl Table {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hourly => "rollups_hourly",
            Self::Daily => "rollups_daily",
            Self::Sessions => "sessions",
            Self::Tasks => "tasks",
            Self::Agents => "session_agents",
        }
    }

    /// The columns that name what a row is of; by time first where it is by time.
    pub(super) const fn key(self) -> &'static [&'static str] {
        match self {
            Self::Hourly => &["hour", "host", "provider", "model", "agent"],
            Self::Daily => &["day", "host", "provider", "model", "agent"],
            Self::Sessions => &["session_id"],
            Self::Tasks => &["task_id"],
            Self::Agents => &["session_id", "agent_id"],
        }
    }

    fn sql(self) -> &'static Sql {
        static HOURLY: LazyLock<Sql> = LazyLock::new(|| Sql::of(Table::Hourly));
        static DAILY: LazyLock<Sql> = LazyLock::new(|| Sql::of(Table::Daily));
        static SESSIONS: LazyLock<Sql> = LazyLock::new(|| Sql::of(Table::Sessions));
        static TASKS: LazyLock<Sql> = LazyLock::new(|| Sql::of(Table::Tasks));
        static AGENTS: LazyLock<Sql> = LazyLock::new(|| Sql::of(Table::Agents));
        match self {
            Self::Hourly => &HOURLY,
            Self::Daily => &DAILY,
            Self::Sessions => &SESSIONS,
            Self::Tasks => &TASKS,
            Self::Agents => &AGENTS,
        }
    }

    /// `SELECT` of the key and the sums of every row.
    pub(super) fn select(self) -> &'static str {
        &self.sql().select
    }

    /// The same of what was used and what it cost alone.
    pub(super) fn select_costs(self) -> &'static str {
        &self.sql().select_costs
    }

    /// Changes the sums of a row; what adds up to nothing has none.
    pub(super) fn change(
        self,
        conn: &Connection,
        key: Key<'_>,
        change: &Sums,
    ) -> rusqlite::Result<()> {
        let sql = self.sql();
        let mut read = conn.prepare_cached(&sql.read)?;
        bind(&mut read, key)?;
        let mut rows = read.raw_query();
        let mut sums = match rows.next()? {
            Some(row) => read_sums(row, 0)?,
            None => Sums::default(),
        };
        drop(rows);
        sums.merge(change);
        if sums.is_empty() {
            let mut delete = conn.prepare_cached(&sql.delete)?;
            bind(&mut delete, key)?;
            delete.raw_execute()?;
            return Ok(());
        }
        let mut write = conn.prepare_cached(&sql.write)?;
        bind(&mut write, key)?;
        let first = 1 + self.key().len();
        for (place, number) in (first..).zip(sums.numbers()) {
            write.raw_bind_parameter(place, number.cast_signed())?;
        }
        for (place, spread) in (first + NUMBERS..).zip(sums.spreads()) {
            write.raw_bind_parameter(place, spread.encode())?;
        }
        write.raw_execute()?;
        Ok(())
    }

    /// Notes in a row that flows with these keys, the lowest and the highest, have become a part of it;
    /// whether the highest is so by inference. A row that is gone needs none of this.
    pub(super) fn mark(
        self,
        conn: &Connection,
        key: Key<'_>,
        (oldest, newest): (i64, i64),
        is_inferred: bool,
    ) -> rusqlite::Result<()> {
        let mut statement = match self {
            Self::Hourly | Self::Daily => return Ok(()),
            Self::Sessions => conn.prepare_cached(
                "UPDATE sessions SET newest = ?2 WHERE session_id = ?1 AND newest < ?2",
            )?,
            Self::Tasks => conn.prepare_cached(
                "UPDATE tasks SET newest = ?2, inferred = ?3
                 WHERE task_id = ?1 AND ifnull(newest <= ?2, 1)",
            )?,
            Self::Agents => conn.prepare_cached(
                "UPDATE session_agents SET newest = max(ifnull(newest, ?3), ?3),
                     oldest = min(ifnull(oldest, ?4), ?4)
                 WHERE session_id = ?1 AND agent_id = ?2",
            )?,
        };
        bind(&mut statement, key)?;
        let next = self.key().len() + 1;
        statement.raw_bind_parameter(next, newest)?;
        match self {
            Self::Tasks => statement.raw_bind_parameter(next + 1, is_inferred)?,
            Self::Agents => statement.raw_bind_parameter(next + 1, oldest)?,
            Self::Hourly | Self::Daily | Self::Sessions => {}
        }
        statement.raw_execute()?;
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, key: Key<'_>) -> rusqlite::Result<()> {
    let group = match key {
        Key::Group(group) => group,
        Key::Name(name) => return statement.raw_bind_parameter(1, name),
        Key::Names(one, other) => {
            statement.raw_bind_parameter(1, one)?;
            return statement.raw_bind_parameter(2, other);
        }
    };
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

/// The sums of a row of [`Table::select_costs`]; behind them the key of the newest flow, unless the table is by time.
pub(super) fn read_costs(row: &Row<'_>, first: usize) -> rusqlite::Result<Costs> {
    let mut costs = Costs::default();
    for (column, number) in (first..).zip(&mut costs.0) {
        *number = row.get::<_, i64>(column)?.cast_unsigned();
    }
    Ok(costs)
}

/// Whose a row of a table by time is, of [`Table::select`] or [`Table::select_costs`].
pub(super) fn read_group(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        at: row.get(0)?,
        host: row.get(1)?,
        provider: row.get(2)?,
        model: row.get(3)?,
        agent: row.get(4)?,
    })
}
