//! The file as a whole: is it sound, and what does it hold once nothing is compressed?

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::headers::Headers;
use crate::codec::pack::unpack;
use crate::content::{odd, readable, unpacked};
use crate::error::StoreError;
use crate::readers::ReadError;
use crate::search::{behind, word_from};
use crate::store::Store;
use crate::stored_block::StoredBlock;

/// The table whose packed content is laid out as events.
const EVENTS: &str = "event_blocks";

/// The words of the index: each as often as it stands in a flow.
const WORDS: &str = "search_words";

/// Rows of a table that are read at one moment. While one is held, the write-ahead log cannot begin anew.
const PORTION: usize = 200;

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
    /// The columns by which its rows are told apart and are in order; none of one that is read as a whole.
    key: Vec<String>,
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

    /// Shows every text of every table to `see`: columns as they are, packed content unpacked, events one
    /// by one, and the words of the index. For those who search the store for what must not be in it, and
    /// cannot find it in the file's compressed bytes. Tables are taken from the file itself, so that a new
    /// one is not forgotten. Returns what could not be shown because it is damaged.
    ///
    /// A table is read in portions, by its key, each of one moment: what comes and goes meanwhile may be seen
    /// or not.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn texts(&self, mut see: impl FnMut(&Spot<'_>, &[u8])) -> Result<Unseen, StoreError> {
        let mut unseen = Unseen::default();
        let mut headers = Headers::default();
        let tables = self.readers().read(|conn| Ok(tables(conn)?))?;
        for table in &tables {
            let (mut after, mut number) = (None, 0);
            if table.name == WORDS {
                let mut from = Some(String::new());
                while let Some(first) = from {
                    from = self.readers().read(|conn| words(conn, first, &mut number, &mut see))?;
                }
                continue;
            }
            loop {
                after = self
                    .readers()
                    .read(|conn| plain(conn, table, after.as_deref(), &mut number, &mut see))?;
                if after.is_none() {
                    break;
                }
            }
            if table.name != EVENTS && !table.is_packed() {
                continue;
            }
            headers.catch_up(self)?;
            let mut after = Some(i64::MIN);
            while let Some(id) = after {
                after = self.readers().read(|conn| {
                    if table.name == EVENTS {
                        return events(conn, id, &mut unseen.events, &mut see);
                    }
                    headers.read_rest(conn)?;
                    packed(conn, (&table.name, id), &headers, &mut unseen.contents, &mut see)
                })?;
            }
        }
        Ok(unseen)
    }
}

/// Every table that holds rows of its own; what the index keeps is seen through its list of words.
fn tables(conn: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut statement = conn.prepare(
        "SELECT name, type, wr FROM pragma_table_list
         WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND name <> 'search'
         ORDER BY name",
    )?;
    let found: Vec<(String, String, bool)> = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let mut columns = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let mut keys =
        conn.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?;
    let with = |(name, kind, is_without_rowid): (String, String, bool)| {
        let columns = columns.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let key = match (kind.as_str(), is_without_rowid) {
            ("virtual", _) => Vec::new(),
            (_, true) => keys.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?,
            (_, false) => vec![String::from("rowid")],
        };
        Ok(Table { name, columns, key })
    };
    found.into_iter().map(with).collect()
}

/// Shows a portion of the words of the index, each once, from the first of them on; from where the next portion is
/// read when there may be more.
fn words(
    conn: &Connection,
    mut from: String,
    number: &mut i64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<Option<String>, ReadError> {
    for _ in 0..PORTION {
        let Some(word) = word_from(conn, &from)? else { return Ok(None) };
        *number += 1;
        see(&Spot { table: WORDS, column: "term", row: *number, headers: false }, word.as_bytes());
        from = behind(&word);
    }
    Ok(Some(from))
}

/// Shows a portion of a table's rows, those behind the key `after`; the key of the last one when there may be
/// more. `number` counts rows.
fn plain(
    conn: &Connection,
    table: &Table,
    after: Option<&[Value]>,
    number: &mut i64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<Option<Vec<Value>>, ReadError> {
    let packed = table.is_packed();
    let key: Vec<String> = table.key.iter().map(|column| format!("\"{column}\"")).collect();
    let listed = key.join(", ");
    let mut sql = if key.is_empty() {
        format!("SELECT * FROM \"{}\"", table.name)
    } else {
        format!("SELECT *, {listed} FROM \"{}\"", table.name)
    };
    if after.is_some() {
        let places = vec!["?"; key.len()].join(", ");
        sql.push_str(&format!(" WHERE ({listed}) > ({places})"));
    }
    if !key.is_empty() {
        sql.push_str(&format!(" ORDER BY {listed} LIMIT {PORTION}"));
    }
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(after.unwrap_or_default()))?;
    let (mut seen, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        *number += 1;
        seen += 1;
        for (position, column) in table.columns.iter().enumerate() {
            let text = match row.get_ref(position)? {
                ValueRef::Text(text) => text,
                // A blob of a packed table is looked at unpacked.
                ValueRef::Blob(bytes) if !packed => bytes,
                _ => continue,
            };
            see(&Spot { table: &table.name, column, row: *number, headers: false }, text);
        }
        if seen == PORTION && !key.is_empty() {
            let first = table.columns.len();
            let key = (first..first + key.len()).map(|place| row.get(place));
            last = Some(key.collect::<Result<_, _>>()?);
        }
    }
    Ok(last)
}

/// Shows a portion of packed content, that behind the id `after`; the last id when there may be more.
fn packed(
    conn: &Connection,
    (table, after): (&str, i64),
    headers: &Headers,
    damaged: &mut u64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<Option<i64>, ReadError> {
    let sql = format!(
        "SELECT id, codec, raw_len, bytes FROM \"{table}\" WHERE id > ?1 ORDER BY id LIMIT {PORTION}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([after])?;
    let (mut seen, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        seen += 1;
        last = (seen == PORTION).then_some(id);
        let is_content = table == "blobs";
        let content = if is_content {
            unpacked(conn, id).map(|(_, bytes)| bytes)
        } else {
            let bytes = row.get_ref(3)?.as_blob().map_err(odd)?;
            unpack(row.get(1)?, row.get(2)?, bytes).map_err(ReadError::from)
        };
        let Some(content) = readable(content)? else {
            *damaged += 1;
            continue;
        };
        let headers = is_content && headers.contains(id);
        see(&Spot { table, column: "bytes", row: id, headers }, &content);
    }
    Ok(last)
}

/// Shows the events of a portion of blocks, those behind the id `after`; the last id when there may be more.
fn events(
    conn: &Connection,
    after: i64,
    damaged: &mut u64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<Option<i64>, ReadError> {
    let columns = StoredBlock::COLUMNS;
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {columns}, id, flow, events FROM event_blocks WHERE id > ?1 ORDER BY id LIMIT {PORTION}"
    ))?;
    let mut rows = statement.query([after])?;
    let (mut seen, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let id = row.get(5)?;
        seen += 1;
        last = (seen == PORTION).then_some(id);
        let spot = Spot { table: EVENTS, column: "bytes", row: id, headers: false };
        let stored = StoredBlock::read(conn, row.get(6)?, row)?;
        let mut left = row.get::<_, i64>(7)?.cast_unsigned();
        let Some(mut block) = stored.as_ref().and_then(StoredBlock::events) else {
            *damaged += left;
            continue;
        };
        while let Some((event, _)) = block.next() {
            left = left.saturating_sub(1);
            see(&spot, event.data);
        }
        if !block.is_whole() {
            *damaged += left;
        }
    }
    Ok(last)
}
