//! The file as a whole: is it sound, and what does it hold once nothing is compressed?

use std::collections::HashSet;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::codec::pack::unpack;
use crate::content::{odd, readable, unpacked};
use crate::error::StoreError;
use crate::readers::ReadError;
use crate::store::Store;
use crate::stored_block::StoredBlock;

/// The table whose packed content is laid out as events.
const EVENTS: &str = "event_blocks";

/// Where a text of the file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// Number of the row, from 1, in the order of the table; of a content its id.
    pub row: i64,
    /// Whether these are header lines.
    pub headers: bool,
}

/// What of the file does not decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Contents: bodies, headers, messages and the pieces they are made of.
    pub contents: u64,
    /// Stream events.
    pub events: u64,
}

/// A table of the file.
struct Table {
    name: String,
    columns: Vec<String>,
}

impl Table {
    fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.columns.iter().any(|column| column == name))
    }

    /// Packed content stands in columns of these names, in whatever table.
    fn is_packed(&self) -> bool {
        self.has(&["id", "codec", "raw_len", "bytes"])
    }
}

impl Store {
    /// What is damaged, as `SQLite`'s `quick_check` words it (at most ten lines); empty when nothing is.
    /// Reads the whole file.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn damage(&self) -> Result<Vec<String>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare("PRAGMA quick_check(10)")?;
            let lines = statement.query_map((), |row| row.get::<_, String>(0))?;
            let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }

    /// Bytes of every table and index in the file, the largest first. Reads the whole file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sizes(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare(
                "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC, name",
            )?;
            let sizes = statement
                .query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
            Ok(sizes.collect::<Result<_, _>>()?)
        })
    }

    /// Shows every text of every table to `see`: columns as they are, packed content unpacked, events one
    /// by one, and the words of the index. For those who search the store for what must not be in it, and
    /// cannot find it in the file's compressed bytes. Tables are taken from the file itself, so that a new
    /// one is not forgotten. Returns what could not be shown because it is damaged.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn texts(&self, mut see: impl FnMut(&Spot<'_>, &[u8])) -> Result<Unseen, StoreError> {
        let mut unseen = Unseen::default();
        self.readers().read(|conn| {
            let headers = header_blobs(conn)?;
            for table in tables(conn)? {
                plain(conn, &table, &mut see)?;
                if table.name == EVENTS {
                    unseen.events += events(conn, &mut see)?;
                } else if table.is_packed() {
                    unseen.contents += packed(conn, &table.name, &headers, &mut see)?;
                }
            }
            Ok(unseen)
        })
    }
}

/// Every table that holds rows of its own; what the index keeps is seen through its list of words.
fn tables(conn: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut statement = conn.prepare(
        "SELECT name FROM pragma_table_list
         WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND name <> 'search'
         ORDER BY name",
    )?;
    let names: Vec<String> =
        statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut columns = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let with = |name: String| {
        let columns = columns.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Table { name, columns })
    };
    names.into_iter().map(with).collect()
}

fn plain(
    conn: &Connection,
    table: &Table,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<(), ReadError> {
    let packed = table.is_packed();
    let mut statement = conn.prepare(&format!("SELECT * FROM \"{}\"", table.name))?;
    let mut rows = statement.query(())?;
    let mut number = 0;
    while let Some(row) = rows.next()? {
        number += 1;
        for (position, column) in table.columns.iter().enumerate() {
            let text = match row.get_ref(position)? {
                ValueRef::Text(text) => text,
                // A blob of a packed table is looked at unpacked.
                ValueRef::Blob(bytes) if !packed => bytes,
                _ => continue,
            };
            see(&Spot { table: &table.name, column, row: number, headers: false }, text);
        }
    }
    Ok(())
}

fn packed(
    conn: &Connection,
    table: &str,
    headers: &HashSet<i64>,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<u64, ReadError> {
    let sql = format!("SELECT id, codec, raw_len, bytes FROM \"{table}\"");
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query(())?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let is_content = table == "blobs";
        let content = if is_content {
            unpacked(conn, id).map(|(_, bytes)| bytes)
        } else {
            let bytes = row.get_ref(3)?.as_blob().map_err(odd)?;
            unpack(row.get(1)?, row.get(2)?, bytes).map_err(ReadError::from)
        };
        let Some(content) = readable(content)? else {
            damaged += 1;
            continue;
        };
        let headers = is_content && headers.contains(&id);
        see(&Spot { table, column: "bytes", row: id, headers }, &content);
    }
    Ok(damaged)
}

fn events(conn: &Connection, see: &mut impl FnMut(&Spot<'_>, &[u8])) -> Result<u64, ReadError> {
    let columns = StoredBlock::COLUMNS;
    let mut statement =
        conn.prepare(&format!("SELECT {columns}, id, flow, events FROM event_blocks"))?;
    let mut damaged = 0;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let spot = Spot { table: EVENTS, column: "bytes", row: row.get(5)?, headers: false };
        let stored = StoredBlock::read(conn, row.get(6)?, row)?;
        let mut left = row.get::<_, i64>(7)?.cast_unsigned();
        let Some(mut block) = stored.as_ref().and_then(StoredBlock::events) else {
            damaged += left;
            continue;
        };
        while let Some((event, _)) = block.next() {
            left = left.saturating_sub(1);
            see(&spot, event.data);
        }
        if !block.is_whole() {
            damaged += left;
        }
    }
    Ok(damaged)
}

/// The contents that are header lines.
fn header_blobs(conn: &Connection) -> rusqlite::Result<HashSet<i64>> {
    let mut statement = conn.prepare(
        "SELECT request_headers, request_trailers, response_headers, response_trailers FROM flows",
    )?;
    let mut rows = statement.query(())?;
    let mut blobs = HashSet::new();
    while let Some(row) = rows.next()? {
        for column in 0..4 {
            blobs.extend(row.get::<_, Option<i64>>(column)?);
        }
    }
    Ok(blobs)
}
