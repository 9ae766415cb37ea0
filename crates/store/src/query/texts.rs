//! Every text of the file, once nothing is compressed.

use std::collections::BTreeSet;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::headers::Headers;
use crate::codec::pack::unpack;
use crate::content::{odd, unpacked};
use crate::damage::{Patience, told_apart};
use crate::error::StoreError;
use crate::readers::ReadError;
use crate::search::{behind, word_from};
use crate::store::Store;
use crate::stored_block::StoredBlock;

/// The table whose packed content is laid out as events.
const EVENTS: &str = "event_blocks";

/// The words of the index: each as often as it stands in a flow.
const WORDS: &str = "search_words";

/// The key of a table that has none of its own.
const ROWID: &str = "rowid";

/// Rows of a table that are read at one moment. While one is held, the write-ahead log cannot begin anew.
const PORTION: usize = 200;

/// Where a text of the file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row's number in its table, which stays the same whatever becomes of others; of a table without such numbers
    /// the place in its order, from 1.
    pub row: i64,
    /// Whether these are header lines.
    pub headers: bool,
}

/// What of the file could not be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Contents that do not decode: bodies, headers, messages and the pieces they are made of.
    pub contents: u64,
    /// Stream events that do not decode.
    pub events: u64,
    /// Tables a part of which cannot be read, so that nobody knows how many rows are there.
    pub tables: BTreeSet<String>,
}

/// How far a walk through a table has come.
#[derive(Default)]
struct Walk {
    /// Key of the last row that was shown.
    last: Option<Vec<Value>>,
    /// Set while it comes back from the end: the last row that was shown on the way there, if any.
    until: Option<Option<Vec<Value>>>,
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
            if !self.plain_texts(table, &mut see)? {
                unseen.tables.insert(table.name.clone());
            }
            if table.name == EVENTS || table.is_packed() {
                headers.catch_up(self)?;
                self.packed_texts(table, &mut headers, &mut unseen, &mut see)?;
            }
        }
        Ok(unseen)
    }

    /// Shows what stands in columns as it is, around what cannot be read. Whether that was all of it.
    fn plain_texts(
        &self,
        table: &Table,
        see: &mut impl FnMut(&Spot<'_>, &[u8]),
    ) -> Result<bool, StoreError> {
        let (mut walk, mut number, mut whole) = (Walk::default(), 0, true);
        let (mut from, mut patience) = (String::new(), Patience::default());
        loop {
            let more = self.readers().read(|conn| match table.name.as_str() {
                WORDS => words(conn, &mut from, &mut number, see),
                _ => plain(conn, table, &mut walk, &mut number, see),
            });
            match more {
                Ok(true) => {}
                Ok(false) => return Ok(whole),
                Err(error) if patience.goes_on(&error) => {
                    whole = false;
                    if !self.step_over(table, &mut walk)? {
                        return Ok(whole);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Brings a walk that met damage to where rows can be read again: behind it where keys are numbers, and else
    /// to the end of the table, from where it comes back. Whether there may be such rows.
    fn step_over(&self, table: &Table, walk: &mut Walk) -> Result<bool, StoreError> {
        if let [key] = table.key.as_slice()
            && key == ROWID
        {
            let last = match walk.last.as_deref() {
                Some([Value::Integer(last)]) => *last,
                _ => 0,
            };
            let next = self.behind_damage((&table.name, ROWID), last)?;
            walk.last = next.map(|next| vec![Value::Integer(next)]);
            return Ok(next.is_some());
        }
        let is_first = walk.until.is_none() && !table.key.is_empty();
        *walk = Walk { last: None, until: Some(walk.last.take()) };
        Ok(is_first)
    }

    /// The least number behind which rows of a table can be read again, which those next to `last` cannot.
    fn behind_damage(
        &self,
        (table, key): (&str, &str),
        last: i64,
    ) -> Result<Option<i64>, StoreError> {
        let sql = format!("SELECT * FROM \"{table}\" WHERE {key} > ?1 ORDER BY {key} LIMIT 1");
        let is_sound = |from: i64| {
            let read = self.readers().read(|conn| Ok(conn.prepare_cached(&sql)?.exists([from])?));
            told_apart(read).map(|read| read.is_some())
        };
        let (mut damaged, mut step) = (last, 1);
        let mut next = loop {
            let Some(place) = damaged.checked_add(step) else { return Ok(None) };
            if is_sound(place)? {
                break place;
            }
            (damaged, step) = (place, step.saturating_mul(2));
        };
        while next - damaged > 1 {
            let middle = damaged + (next - damaged) / 2;
            if is_sound(middle)? {
                next = middle;
            } else {
                damaged = middle;
            }
        }
        Ok(Some(next))
    }

    /// Shows what is packed, or laid out as events, around what cannot be read.
    fn packed_texts(
        &self,
        table: &Table,
        headers: &mut Headers,
        unseen: &mut Unseen,
        see: &mut impl FnMut(&Spot<'_>, &[u8]),
    ) -> Result<(), StoreError> {
        let (mut last, mut patience) = (0, Patience::default());
        loop {
            let more = self.readers().read(|conn| {
                if table.name == EVENTS {
                    return events(conn, &mut last, &mut unseen.events, see);
                }
                headers.read_rest(conn)?;
                packed(conn, (&table.name, &mut last), headers, &mut unseen.contents, see)
            });
            match more {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) if patience.goes_on(&error) => {
                    unseen.tables.insert(table.name.clone());
                    let Some(next) = self.behind_damage((&table.name, "id"), last)? else {
                        return Ok(());
                    };
                    last = next;
                }
                Err(error) => return Err(error),
            }
        }
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
            (_, false) => vec![String::from(ROWID)],
        };
        Ok(Table { name, columns, key })
    };
    found.into_iter().map(with).collect()
}

/// Shows a portion of the words of the index, each once, from `from` on, where the next portion is read then.
/// Whether there may be more.
fn words(
    conn: &Connection,
    from: &mut String,
    number: &mut i64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<bool, ReadError> {
    for _ in 0..PORTION {
        let Some(word) = word_from(conn, from)? else { return Ok(false) };
        *number += 1;
        see(&Spot { table: WORDS, column: "term", row: *number, headers: false }, word.as_bytes());
        *from = behind(&word);
    }
    Ok(true)
}

/// Shows the next portion of a table's rows; whether there may be more. `number` counts rows, for a table that does not
/// number them itself.
fn plain(
    conn: &Connection,
    table: &Table,
    walk: &mut Walk,
    number: &mut i64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<bool, ReadError> {
    let packed = table.is_packed();
    let (sql, bounds) = portion(table, walk);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(bounds))?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        *number += 1;
        seen += 1;
        let first = table.columns.len();
        let key = (first..first + table.key.len()).map(|place| row.get(place));
        let key: Vec<Value> = key.collect::<Result<_, _>>()?;
        // One word of another kind of table may be a number as well.
        let stated = match key.as_slice() {
            [Value::Integer(id)] if table.key == [ROWID] => *id,
            _ => *number,
        };
        for (position, column) in table.columns.iter().enumerate() {
            let text = match row.get_ref(position)? {
                ValueRef::Text(text) => text,
                // A blob of a packed table is looked at unpacked.
                ValueRef::Blob(bytes) if !packed => bytes,
                _ => continue,
            };
            see(&Spot { table: &table.name, column, row: stated, headers: false }, text);
        }
        walk.last = Some(key);
    }
    Ok(seen == PORTION && !table.key.is_empty())
}

/// The next rows of a table: their columns and then their key.
fn portion(table: &Table, walk: &Walk) -> (String, Vec<Value>) {
    let name = &table.name;
    if table.key.is_empty() {
        return (format!("SELECT * FROM \"{name}\""), Vec::new());
    }
    let key: Vec<String> = table.key.iter().map(|column| format!("\"{column}\"")).collect();
    let (listed, places) = (key.join(", "), vec!["?"; key.len()].join(", "));
    let (beyond, order) = if walk.until.is_some() { ("<", "DESC") } else { (">", "ASC") };
    let bounds =
        [(beyond, walk.last.as_ref()), (">", walk.until.as_ref().and_then(Option::as_ref))];
    let bounds = bounds.into_iter().filter_map(|(beyond, bound)| Some((beyond, bound?)));
    let (conditions, values): (Vec<_>, Vec<_>) = bounds
        .map(|(beyond, bound)| (format!("({listed}) {beyond} ({places})"), bound.clone()))
        .unzip();
    let condition = match conditions.as_slice() {
        [] => String::new(),
        conditions => format!(" WHERE {}", conditions.join(" AND ")),
    };
    let order = key.iter().map(|column| format!("{column} {order}")).collect::<Vec<_>>().join(", ");
    let sql =
        format!("SELECT *, {listed} FROM \"{name}\"{condition} ORDER BY {order} LIMIT {PORTION}");
    (sql, values.concat())
}

/// Shows a portion of packed content, that behind the id `last`, which becomes that of the last one; whether there
/// may be more.
fn packed(
    conn: &Connection,
    (table, last): (&str, &mut i64),
    headers: &Headers,
    damaged: &mut u64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<bool, ReadError> {
    let sql = format!(
        "SELECT id, codec, raw_len, bytes FROM \"{table}\" WHERE id > ?1 ORDER BY id LIMIT {PORTION}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([*last])?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        seen += 1;
        *last = id;
        let is_content = table == "blobs";
        let content = if is_content {
            unpacked(conn, id).map(|(_, bytes)| bytes)
        } else {
            let packed = || -> Result<_, ReadError> {
                let bytes = row.get_ref(3)?.as_blob().map_err(odd)?;
                Ok(unpack(row.get(1)?, row.get(2)?, bytes)?)
            };
            packed()
        };
        let Some(content) = told_apart(content)? else {
            *damaged += 1;
            continue;
        };
        let headers = is_content && headers.contains(id);
        see(&Spot { table, column: "bytes", row: id, headers }, &content);
    }
    Ok(seen == PORTION)
}

/// Shows the events of a portion of blocks, those behind the id `last`, which becomes that of the last one; whether
/// there may be more.
fn events(
    conn: &Connection,
    last: &mut i64,
    damaged: &mut u64,
    see: &mut impl FnMut(&Spot<'_>, &[u8]),
) -> Result<bool, ReadError> {
    let columns = StoredBlock::COLUMNS;
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {columns}, id, flow, events FROM event_blocks WHERE id > ?1 ORDER BY id LIMIT {PORTION}"
    ))?;
    let mut rows = statement.query([*last])?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let id = row.get(5)?;
        seen += 1;
        *last = id;
        let spot = Spot { table: EVENTS, column: "bytes", row: id, headers: false };
        let mut left = row.get::<_, i64>(7)?.cast_unsigned();
        let stored = StoredBlock::read(conn, row.get(6)?, row);
        let stored = told_apart(stored)?.flatten();
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
    Ok(seen == PORTION)
}
