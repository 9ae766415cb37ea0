//! Stream events of a flow, a page at a time, out of the blocks they lie in.

use langley_model::{FlowId, Stored};
use rusqlite::{Connection, OptionalExtension};

use super::flows::{key, page_limit};
use super::parts::odd;
use crate::codec::event_block::Block;
use crate::content;
use crate::error::StoreError;
use crate::flow_row::signed;
use crate::store::Store;

/// One stream event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Position in the flow, from 0.
    pub seq: u64,
    /// Microseconds since the flow started.
    pub offset_us: u64,
    /// Its type.
    pub kind: String,
    /// Its data, redacted.
    pub data: Vec<u8>,
    /// Length of its data before redaction.
    pub original_len: u32,
}

/// Some events of a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The events, by position.
    pub items: Vec<StoredEvent>,
    /// Pass as `after` for the next page; none at the end.
    pub next_after: Option<u64>,
    /// Stored events of the flow (of the type asked for).
    pub total: u64,
    /// Stored events of the flow by type, in the order of their first blocks; only from the beginning.
    pub kinds: Vec<(String, u64)>,
}

impl Store {
    /// Events of a flow behind position `after` (none: from the beginning), at most `limit` (1 to
    /// 500), of one type when `kind` is given; none when the flow is unknown.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn events(
        &self,
        id: FlowId,
        after: Option<u64>,
        limit: usize,
        kind: Option<&str>,
    ) -> Result<Option<Stored<EventPage>>, StoreError> {
        let (limit, _) = page_limit(limit);
        self.readers().read(|conn| {
            let Some((n, revision)) = key(conn, id)? else { return Ok(None) };
            let mut page = EventPage::default();
            // The path of a type in the JSON object of counts; quotes cannot be part of a path.
            let path = kind.map(|kind| format!("$.\"{}\"", kind.replace('"', "")));
            let counted = match &path {
                None => conn
                    .prepare_cached("SELECT sum(events) FROM event_blocks WHERE flow = ?1")?
                    .query_row([n], |row| row.get::<_, Option<i64>>(0))
                    .optional()?,
                Some(path) => conn
                    .prepare_cached("SELECT sum(kinds ->> ?2) FROM event_blocks WHERE flow = ?1")?
                    .query_row((n, path), |row| row.get::<_, Option<i64>>(0))
                    .optional()?,
            };
            if after.is_none() {
                page.kinds = kinds(conn, n)?;
            }
            page.total = counted.flatten().unwrap_or(0).cast_unsigned();
            let mut blocks = conn.prepare_cached(
                "SELECT first_seq, first_us, codec, raw_len, bytes FROM event_blocks
                 WHERE flow = ?1 AND last_seq > ?2 AND (?3 IS NULL OR kinds ->> ?3 IS NOT NULL)
                 ORDER BY first_seq",
            )?;
            let least = after.map_or(-1, signed);
            let mut rows = blocks.query((n, least, &path))?;
            while let Some(row) = rows.next()? {
                let (seq, us): (i64, i64) = (row.get(0)?, row.get(1)?);
                let bytes = row.get_ref(4)?.as_blob().map_err(odd)?;
                let packed = (row.get(2)?, row.get(3)?, bytes);
                let raw = content::events(packed, || content::message(conn, n))?;
                let mut block = Block::decode(&raw, seq.cast_unsigned(), us.cast_unsigned())?;
                while let Some((event, name)) = block.next() {
                    let span = event.span;
                    if after.is_some_and(|after| span.seq <= after)
                        || kind.is_some_and(|kind| kind != name)
                    {
                        continue;
                    }
                    if page.items.len() == limit {
                        page.next_after = page.items.last().map(|event| event.seq);
                        return Ok(Some(Stored::read_back(page, revision)));
                    }
                    page.items.push(StoredEvent {
                        seq: span.seq,
                        offset_us: span.offset_us,
                        kind: name.to_owned(),
                        data: event.data.to_vec(),
                        original_len: span.original_len,
                    });
                }
            }
            Ok(Some(Stored::read_back(page, revision)))
        })
    }
}

/// How many stored events of each type a flow has.
fn kinds(conn: &Connection, flow: i64) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut statement = conn.prepare_cached(
        "SELECT each.key, sum(each.value) FROM event_blocks, json_each(kinds) AS each
         WHERE flow = ?1 GROUP BY 1 ORDER BY min(first_seq), min(each.id)",
    )?;
    let rows = statement
        .query_map([flow], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    rows.collect()
}
