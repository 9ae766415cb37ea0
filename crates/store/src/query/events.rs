//! Stream events of a flow, a page at a time, out of the blocks they lie in.

use std::collections::HashMap;

use langley_model::{FlowId, Stored};
use rusqlite::Connection;

use super::flows::{found_key, page_limit};
use crate::content::readable;
use crate::error::StoreError;
use crate::flow_row::signed;
use crate::kinds::{Counts, ReadNames};
use crate::readers::ReadError;
use crate::store::Store;
use crate::stored_block::StoredBlock;

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
    /// Stored events (of the type asked for) between those of this page, and behind them at the end, that
    /// are damaged in the file.
    pub damaged: u64,
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
            let Some((n, revision)) = found_key(conn, id)? else { return Ok(None) };
            let mut page = EventPage::default();
            let wanted = if after.is_none() || kind.is_some() {
                let counted = counted(conn, n)?;
                page.total = counted.iter().map(|block| block.of(kind)).sum();
                if after.is_none() {
                    page.kinds = sums(&counted);
                }
                // Where nobody can tell of which types a block's events are, they are looked at.
                let may_have =
                    counted.iter().filter(|block| block.counts.is_none() || block.of(kind) > 0);
                Some(may_have.map(|block| (block.id, block.of(kind))).collect::<HashMap<_, _>>())
            } else {
                let events: Option<i64> = conn
                    .prepare_cached("SELECT sum(events) FROM event_blocks WHERE flow = ?1")?
                    .query_row([n], |row| row.get(0))?;
                page.total = events.unwrap_or(0).cast_unsigned();
                None
            };
            let mut blocks = conn.prepare_cached(&format!(
                "SELECT {}, id, events FROM event_blocks
                 WHERE flow = ?1 AND last_seq > ?2 ORDER BY first_seq",
                StoredBlock::COLUMNS
            ))?;
            let least = after.map_or(-1, signed);
            let mut rows = blocks.query((n, least))?;
            // What follows the page's last event is told with the next one.
            let mut damaged = 0;
            while let Some(row) = rows.next()? {
                let mut left = match &wanted {
                    None => row.get::<_, i64>(6)?.cast_unsigned(),
                    Some(wanted) => match wanted.get(&row.get(5)?) {
                        Some(count) => *count,
                        None => continue,
                    },
                };
                let stored = StoredBlock::read(conn, n, row)?;
                let Some(mut block) = stored.as_ref().and_then(StoredBlock::events) else {
                    damaged += left;
                    continue;
                };
                while let Some((event, name)) = block.next() {
                    let span = event.span;
                    if kind.is_some_and(|kind| kind != name) {
                        continue;
                    }
                    left = left.saturating_sub(1);
                    if after.is_some_and(|after| span.seq <= after) {
                        continue;
                    }
                    if page.items.len() == limit {
                        page.next_after = page.items.last().map(|event| event.seq);
                        return Ok(Some(Stored::read_back(page, revision)));
                    }
                    page.damaged += std::mem::take(&mut damaged);
                    page.items.push(StoredEvent {
                        seq: span.seq,
                        offset_us: span.offset_us,
                        kind: name.to_owned(),
                        data: event.data.to_vec(),
                        original_len: span.original_len,
                    });
                }
                if !block.is_whole() {
                    damaged += left;
                }
            }
            page.damaged += damaged;
            Ok(Some(Stored::read_back(page, revision)))
        })
    }
}

/// How many events a block has.
struct Counted {
    id: i64,
    events: u64,
    /// By type; none where that cannot be read.
    counts: Option<Counts>,
}

impl Counted {
    /// How many of this type, or of all. None of a type where nobody can tell.
    fn of(&self, kind: Option<&str>) -> u64 {
        match (kind, &self.counts) {
            (None, _) => self.events,
            (Some(_), None) => 0,
            (Some(kind), Some(counts)) => {
                counts.iter().filter(|(name, _)| kind == name).map(|(_, count)| count).sum()
            }
        }
    }
}

/// The blocks of a flow, in order.
fn counted(conn: &Connection, flow: i64) -> Result<Vec<Counted>, ReadError> {
    let mut names = ReadNames::default();
    let mut statement = conn.prepare_cached(
        "SELECT id, events, kinds FROM event_blocks WHERE flow = ?1 ORDER BY first_seq",
    )?;
    let mut rows = statement.query([flow])?;
    let mut counted = Vec::new();
    while let Some(row) = rows.next()? {
        let counts = readable(names.counts(conn, row.get_ref(2)?))?;
        let events = row.get::<_, i64>(1)?.cast_unsigned();
        counted.push(Counted { id: row.get(0)?, events, counts });
    }
    Ok(counted)
}

/// The same of all blocks together, by type.
fn sums(counted: &[Counted]) -> Counts {
    let mut sums: Counts = Vec::new();
    for (name, count) in counted.iter().filter_map(|block| block.counts.as_ref()).flatten() {
        match sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += count,
            None => sums.push((name.clone(), *count)),
        }
    }
    sums
}
