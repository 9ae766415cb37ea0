//! What flows belong to, a session or a task: listed newest first, each with what its flows add up to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use langley_model::{Flow, Micros};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::fill::{Filled, Scope};
use super::sums::Sums;
use super::table::{Table, read_sums};
use crate::error::StoreError;
use crate::filter::Condition;
use crate::flow_row::{FlowSql, read};
use crate::query::page_limit;

/// Flows that are looked through for a preview.
const LOOKED_THROUGH: i64 = 8;

/// What flows belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belonging {
    Session,
    Task,
}

/// One of them, with what its flows say of it.
pub(super) struct Belongings {
    pub(super) id: String,
    pub(super) newest: Flow,
    pub(super) first_at: Micros,
    /// First characters of the newest flow that has some.
    pub(super) preview: Option<String>,
    pub(super) sums: Sums,
}

/// Where a page begins: behind what has this newest flow, and this id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct After(i64, String);

impl After {
    /// What a cursor says.
    pub(super) fn read(cursor: Option<&str>) -> Result<Option<Self>, StoreError> {
        cursor.map(position).transpose()
    }
}

/// A page of them.
pub(super) struct Listing {
    pub(super) items: Vec<Belongings>,
    pub(super) next_cursor: Option<String>,
    pub(super) filling: bool,
}

impl Belonging {
    pub(super) const fn table(self) -> Table {
        match self {
            Self::Session => Table::Sessions,
            Self::Task => Table::Tasks,
        }
    }

    /// The column of the flow and of the table.
    const fn column(self) -> &'static str {
        match self {
            Self::Session => "session_id",
            Self::Task => "task_id",
        }
    }

    const fn scope(self) -> Scope {
        match self {
            Self::Session => Scope::Rollups,
            Self::Task => Scope::Tasks,
        }
    }

    /// A page of those that meet `condition`, the one with the newest flow first.
    pub(super) fn list(
        self,
        conn: &Connection,
        mut condition: Condition,
        after: Option<After>,
        limit: usize,
    ) -> rusqlite::Result<Listing> {
        let (limit, asked) = page_limit(limit);
        let (name, column) = (self.table().name(), self.column());
        if let Some(After(newest, after)) = after {
            let bounds: [Value; 2] = [newest.into(), after.into()];
            condition.and(&format!("(newest, {column}) < (?, ?)"), bounds);
        }
        let sql = format!(
            "SELECT {column}, newest FROM {name}{} ORDER BY newest DESC, {column} DESC LIMIT {asked}",
            condition.sql()
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(&condition.parameters), |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut found = rows.collect::<Result<Vec<_>, _>>()?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(|(id, newest)| cursor_at(*newest, id));
        let mut items = Vec::with_capacity(found.len());
        for (id, _) in found {
            let sums = self.sums(conn, &id)?;
            items.extend(self.describe(conn, id, sums)?);
        }
        let filling = self.scope().filled(conn)? != Filled::Wholly;
        Ok(Listing { items, next_cursor, filling })
    }

    /// One of them; none when it has no flows.
    pub(super) fn one(self, conn: &Connection, id: &str) -> rusqlite::Result<Option<Belongings>> {
        let sums = match self.scope().filled(conn)? {
            Filled::Wholly => self.sums(conn, id)?,
            Filled::UpTo { .. } => self.sums_of_flows(conn, id)?,
        };
        self.describe(conn, id.to_owned(), sums)
    }

    /// What its flows add up to, as the writer keeps it.
    fn sums(self, conn: &Connection, id: &str) -> rusqlite::Result<Sums> {
        let table = self.table();
        let sql = format!("{} WHERE {} = ?1", table.select(), self.column());
        let key = table.key().len();
        let row =
            conn.prepare_cached(&sql)?.query_row([id], |row| read_sums(row, key)).optional()?;
        Ok(row.unwrap_or_default())
    }

    /// The same from the flows, while not all of them are part of the sums.
    fn sums_of_flows(self, conn: &Connection, id: &str) -> rusqlite::Result<Sums> {
        let mut sums = Sums::default();
        let sql = format!("{} WHERE {} = ?1", FlowSql::select(), self.column());
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            let (_, flow) = read(row)?;
            if !flow.is_own_check() {
                sums.add(&flow);
            }
        }
        Ok(sums)
    }

    /// What is told of it beside its sums: by its first flow and its newest ones.
    fn describe(
        self,
        conn: &Connection,
        id: String,
        sums: Sums,
    ) -> rusqlite::Result<Option<Belongings>> {
        let column = self.column();
        let first = format!("SELECT started_at FROM flows WHERE {column} = ?1 ORDER BY n LIMIT 1");
        let first: Option<i64> =
            conn.prepare_cached(&first)?.query_row([&id], |row| row.get(0)).optional()?;
        let sql = format!(
            "{} WHERE {column} = ?1 ORDER BY n DESC LIMIT {LOOKED_THROUGH}",
            FlowSql::select()
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let flows = statement.query_map([&id], |row| Ok(read(row)?.1.into_inner()))?;
        let mut flows = flows.collect::<Result<Vec<Flow>, _>>()?.into_iter();
        let (Some(first), Some(newest)) = (first, flows.next()) else { return Ok(None) };
        let preview = newest.preview.clone().or_else(|| flows.find_map(|flow| flow.preview));
        Ok(Some(Belongings { id, newest, first_at: Micros(first), preview, sums }))
    }
}

/// The opaque text of a position in the listing.
fn cursor_at(newest: i64, id: &str) -> String {
    let mut bytes = newest.to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that [`cursor_at`] wrote.
fn position(cursor: &str) -> Result<After, StoreError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::Cursor)?;
    let (newest, id) = bytes.split_first_chunk().ok_or(StoreError::Cursor)?;
    let id = std::str::from_utf8(id).map_err(|_| StoreError::Cursor)?;
    Ok(After(i64::from_be_bytes(*newest), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_only_accepted_as_it_was_given() {
        assert_eq!(position(&cursor_at(-7, "s/1")).unwrap(), After(-7, String::from("s/1")));
        for wrong in ["", "x", "AAAA", "!!!!!!!!!!!"] {
            assert!(matches!(position(wrong), Err(StoreError::Cursor)), "{wrong}");
        }
    }
}
