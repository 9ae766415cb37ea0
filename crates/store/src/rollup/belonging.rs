//! What flows belong to, a session or a task: listed newest first, each with what its flows add up to.

use langley_model::{ConnectionId, Flow, FlowId, Micros, Stored};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::fill::{Filled, Scope};
use super::sums::Sums;
use super::table::{Table, read_sums};
use crate::cursor;
use crate::damage::{Keyed, sound, sound_flow, sound_flows, told_apart};
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::query::page_limit;

/// Flows that are looked through for a preview.
const LOOKED_THROUGH: usize = 8;

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
        damaged: &mut Vec<i64>,
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
            let sums = self.sound_sums(conn, &id, damaged)?;
            items.extend(self.describe(conn, id, sums, damaged)?);
        }
        let filling = self.scope().filled(conn)? != Filled::Wholly;
        Ok(Listing { items, next_cursor, filling })
    }

    /// One of them; none when it has no flows.
    pub(super) fn one(
        self,
        conn: &Connection,
        id: &str,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<Option<Belongings>> {
        let sums = match self.scope().filled(conn)? {
            Filled::Wholly => self.sound_sums(conn, id, damaged)?,
            Filled::UpTo { .. } => self.sums_of_flows(conn, id, damaged)?,
        };
        self.describe(conn, id.to_owned(), sums, damaged)
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

    /// The same; from the flows where the sums lie on a page that cannot be read.
    pub(super) fn sound_sums(
        self,
        conn: &Connection,
        id: &str,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<Sums> {
        match told_apart(self.sums(conn, id))? {
            Some(sums) => Ok(sums),
            None => self.sums_of_flows(conn, id, damaged),
        }
    }

    /// The same from the flows, while not all of them are part of the sums.
    fn sums_of_flows(
        self,
        conn: &Connection,
        id: &str,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<Sums> {
        let mut sums = Sums::default();
        let all = (Order::OldestFirst, usize::MAX);
        for (_, flow) in sound_flows(conn, &self.of(id), &Condition::default(), all, damaged)? {
            if !flow.is_own_check() {
                sums.add(&flow);
            }
        }
        Ok(sums)
    }

    /// Its flows.
    fn of(self, id: &str) -> Condition {
        let mut of = Condition::default();
        of.and(&format!("{} = ?", self.column()), [id.to_owned().into()]);
        of
    }

    /// What is told of it beside its sums: by its first flow and its newest ones that can be read.
    fn describe(
        self,
        conn: &Connection,
        id: String,
        sums: Sums,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<Option<Belongings>> {
        let of = self.of(&id);
        let first = Keyed::Flows.keys(conn, &of, Order::OldestFirst, 1)?;
        let last = Keyed::Flows.keys(conn, &of, Order::NewestFirst, LOOKED_THROUGH)?;
        let (Some(first), Some(newest)) = (first.first(), last.first()) else { return Ok(None) };
        let began = conn
            .prepare_cached("SELECT started_at FROM flows WHERE n = ?1")?
            .query_row([first], |row| row.get(0));
        // The key is about the same.
        let first_at = sound(("a flow's beginning", *first), began)?.unwrap_or(*first);
        let mut flows = Vec::new();
        for key in &last {
            flows.extend(sound_flow(conn, *key, damaged)?.map(Stored::into_inner));
        }
        let preview = flows.iter().find_map(|flow| flow.preview.clone());
        let agent = flows.iter().find_map(|flow| flow.agent.clone());
        let newest = flows.into_iter().next().unwrap_or_else(|| unread(*newest));
        // What says nothing of who asked (a request without a `User-Agent`) takes nothing away.
        let newest = Flow { agent, ..newest };
        Ok(Some(Belongings { id, newest, first_at: Micros(first_at), preview, sums }))
    }

    /// Its newest flow that can be read, of some; none where there is none at all.
    pub(super) fn newest(
        self,
        conn: &Connection,
        id: &str,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<Option<Flow>> {
        let keys = Keyed::Flows.keys(conn, &self.of(id), Order::NewestFirst, LOOKED_THROUGH)?;
        for key in &keys {
            if let Some(flow) = sound_flow(conn, *key, damaged)? {
                return Ok(Some(flow.into_inner()));
            }
        }
        Ok(keys.first().map(|key| unread(*key)))
    }
}

/// Stands for a flow of which nothing but about when it began is known.
fn unread(key: i64) -> Flow {
    Flow::new(FlowId::from_bytes([0; 16]), ConnectionId::from_bytes([0; 16]), Micros(key))
}

/// The opaque text of a position in the listing.
fn cursor_at(newest: i64, id: &str) -> String {
    let mut bytes = newest.to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    cursor::text(&bytes)
}

/// The position that [`cursor_at`] wrote.
fn position(cursor: &str) -> Result<After, StoreError> {
    let bytes = cursor::bytes(cursor)?;
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
