//! How many events of each type a block has, as its row says it: numbers of types and counts. The types'
//! names are long, few, and the same in all flows, so they have a table of their own.
//!
//! Rows of an earlier version have a JSON object, and so do those whose types are too many to be named.

use std::collections::HashMap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql};

use crate::codec::number::{put, take};
use crate::error::StoreError;
use crate::names::Names;
use crate::readers::ReadError;

/// Names that are given numbers; a server that invents one for each event must not fill the table.
const MOST: usize = 512;

/// Longer names stay in the rows that have them.
const LONGEST_NAME: usize = 96;

/// Events by type, in the order in which the types came first.
pub(crate) type Counts = Vec<(String, u64)>;

/// The names that have numbers, as the writer knows them.
#[derive(Debug)]
pub(crate) struct KindNames(Names);

impl Default for KindNames {
    fn default() -> Self {
        Self(Names::of("event_kinds", MOST, LONGEST_NAME))
    }
}

/// What stands in a block's row.
pub(crate) enum KindColumn {
    Numbers(Vec<u8>),
    Json(String),
}

impl ToSql for KindColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Numbers(bytes) => ValueRef::Blob(bytes),
            Self::Json(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl KindNames {
    /// Forgets what a transaction that failed may have named.
    pub(crate) fn forget(&mut self) {
        self.0.forget();
    }

    /// The column for these counts; new names are given numbers.
    pub(crate) fn column(
        &mut self,
        conn: &Connection,
        counts: &[(String, u64)],
    ) -> rusqlite::Result<KindColumn> {
        let mut bytes = Vec::with_capacity(counts.len() * 3);
        for (name, count) in counts {
            let Some(number) = self.0.number(conn, name)? else {
                let counts = counts.iter().map(|(name, count)| (name.clone(), (*count).into()));
                let json = serde_json::Value::Object(counts.collect());
                return Ok(KindColumn::Json(json.to_string()));
            };
            put(&mut bytes, number.cast_unsigned());
            put(&mut bytes, *count);
        }
        Ok(KindColumn::Numbers(bytes))
    }
}

/// The names of numbers, as a reader has come to know them.
#[derive(Debug, Default)]
pub(crate) struct ReadNames(HashMap<u64, String>);

impl ReadNames {
    /// The counts of a block's row.
    pub(crate) fn counts(
        &mut self,
        conn: &Connection,
        column: ValueRef<'_>,
    ) -> Result<Counts, ReadError> {
        match column {
            ValueRef::Text(json) => {
                let counts: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_slice(json).map_err(|_| DAMAGED)?;
                let count = |(name, count): (String, serde_json::Value)| {
                    count.as_u64().map(|count| (name, count)).ok_or(DAMAGED.into())
                };
                counts.into_iter().map(count).collect()
            }
            ValueRef::Blob(mut bytes) => {
                let mut counts = Counts::new();
                while !bytes.is_empty() {
                    let number = take(&mut bytes).ok_or(DAMAGED)?;
                    let count = take(&mut bytes).ok_or(DAMAGED)?;
                    counts.push((self.name(conn, number)?, count));
                }
                Ok(counts)
            }
            _ => Err(DAMAGED.into()),
        }
    }

    fn name(&mut self, conn: &Connection, number: u64) -> Result<String, ReadError> {
        if let Some(name) = self.0.get(&number) {
            return Ok(name.clone());
        }
        let name: String = conn
            .prepare_cached("SELECT name FROM event_kinds WHERE id = ?1")?
            .query_row([number.cast_signed()], |row| row.get(0))
            .optional()?
            .ok_or(DAMAGED)?;
        self.0.insert(number, name.clone());
        Ok(name)
    }
}

const DAMAGED: StoreError = StoreError::Decode { what: "types of events" };

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(conn: &Connection, names: &mut KindNames, counts: &Counts) -> bool {
        let column = names.column(conn, counts).unwrap();
        let is_short = matches!(column, KindColumn::Numbers(_));
        let read: Result<Counts, ReadError> = conn
            .query_row("SELECT ?1", [column], |row| {
                Ok(ReadNames::default().counts(conn, row.get_ref(0)?))
            })
            .unwrap();
        let mut read = read.unwrap_or_default();
        let mut counts = counts.clone();
        if !is_short {
            read.sort();
            counts.sort();
        }
        assert_eq!(read, counts);
        is_short
    }

    #[test]
    fn names_have_numbers_until_they_are_too_many() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../migrations/0001_first.sql")).unwrap();
        conn.execute_batch("CREATE INDEX blobs_recipes ON blobs (codec)").unwrap();
        conn.execute_batch(include_str!("../migrations/0013_based.sql")).unwrap();
        let mut names = KindNames::default();
        let usual = vec![("message_start".to_owned(), 1), ("content_block_delta".to_owned(), 300)];
        assert!(there_and_back(&conn, &mut names, &usual));
        assert!(!there_and_back(&conn, &mut names, &vec![("x".repeat(LONGEST_NAME + 1), 2)]));
        for number in 0..2 * MOST {
            let short = there_and_back(&conn, &mut names, &vec![(format!("kind {number}"), 7)]);
            assert_eq!(short, number + 2 < MOST, "{number}");
        }
        names.forget();
        assert!(there_and_back(&conn, &mut names, &usual));
        assert!(!there_and_back(&conn, &mut names, &vec![("another".to_owned(), 1)]));
    }
}
