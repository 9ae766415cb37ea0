//! Flows: one by its id, many by a filter, newest first.

use langley_model::{Flow, FlowId, Revision, Stored};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::salvage::Stretch;
use crate::cursor::{cursor, position};
use crate::damage::Fault;
use crate::error::StoreError;
use crate::filter::{Common, Condition, FlowFilter, Order, stretch};
use crate::flow_row::{Bytes, FlowSql, read};
use crate::search::{Purpose, READINGS};
use crate::store::Store;

/// The most rows of one page.
const PAGE_MAX: usize = 500;

/// A flow's key is at most about so far from the time that its id tells, in microseconds.
const NEAR_US: i64 = 120_000_000;

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows: no more than were asked for. There may be fewer, and none, before the end: a page of words
    /// ends after some texts are read, and one among damaged flows after some of them.
    pub items: Vec<T>,
    /// Continues where this page ends; none at the end.
    pub next_cursor: Option<String>,
    /// Rows in this stretch that cannot be read, and are left out.
    pub damaged: u64,
}

impl<T> Page<T> {
    /// A page of `limit` from rows with their keys, of which one more than `limit` was asked for.
    pub(crate) fn cut(mut rows: Vec<(i64, T)>, limit: usize) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|(key, _)| cursor([*key]));
        let items = rows.into_iter().map(|(_, item)| item).collect();
        Self { items, next_cursor, damaged: 0 }
    }

    /// The same page, of what `of` makes of each row.
    pub(crate) fn map<U>(self, of: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, next_cursor, damaged } = self;
        Page { items: items.into_iter().map(of).collect(), next_cursor, damaged }
    }
}

/// The keys of a page's flows, in order.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) keys: Vec<i64>,
    /// How far was looked, where more may be found behind it.
    pub(crate) rest: Option<i64>,
    /// Flows up to there whose rows could not be read when it was looked whether they belong to these.
    pub(crate) damaged: Vec<i64>,
}

impl Keys {
    /// At most `limit` of keys, of which one more than that was asked for.
    pub(crate) fn cut(mut keys: Vec<i64>, limit: usize) -> Self {
        let is_more = keys.len() > limit;
        keys.truncate(limit);
        Self { rest: keys.last().filter(|_| is_more).copied(), keys, damaged: Vec::new() }
    }
}

/// What SQLite is asked for, for a page of `limit`: one more, to know whether there is a next page.
pub(crate) fn page_limit(limit: usize) -> (usize, i64) {
    let limit = limit.clamp(1, PAGE_MAX);
    (limit, i64::try_from(limit + 1).unwrap_or(i64::MAX))
}

impl Store {
    /// Flows that `filter` names, newest first: at most `limit` (1 to 500), after `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn flows(
        &self,
        filter: &FlowFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Stored<Flow>>, StoreError> {
        self.listed(filter, cursor, limit, Order::NewestFirst)
    }

    /// The same, oldest first.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn flows_oldest_first(
        &self,
        filter: &FlowFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Stored<Flow>>, StoreError> {
        self.listed(filter, cursor, limit, Order::OldestFirst)
    }

    fn listed(
        &self,
        filter: &FlowFilter,
        cursor: Option<&str>,
        limit: usize,
        order: Order,
    ) -> Result<Page<Stored<Flow>>, StoreError> {
        let (limit, asked) = page_limit(limit);
        let position = cursor.map(position).transpose()?.map(|[key]| key);
        if let Some(worded) = self.worded(filter, Purpose::Show, order)? {
            return Ok(self
                .page(&worded.keys(self, position, limit, READINGS)?)?
                .map(|(_, flow)| flow));
        }
        if filter.starred && filter.session.is_none() {
            let keys = self.starred(filter, position, order, limit + 1)?;
            return Ok(self.page(&Keys::cut(keys, limit))?.map(|(_, flow)| flow));
        }
        let walked = self.readers().read(|conn| {
            let condition = Condition::among(filter, Common::of(conn, filter)?);
            let (keys, parameters) = stretch(condition, position, order, asked);
            let (select, (_, order)) = (FlowSql::select(), order.words());
            let sql = format!("{select} WHERE n IN ({keys}) ORDER BY n {order}");
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(&parameters), read)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        match walked {
            Err(error) if error.is_of_one_place() => {
                match self.salvaged(filter, &Stretch::new(position, order, limit)) {
                    Ok(salvaged) if salvaged.goes_on() || !error.is_of_disk() => Ok(salvaged.page),
                    // Where nothing at all can be read, that is what is wrong.
                    _ => Err(error),
                }
            }
            walked => walked.map(|rows| {
                self.note_read(rows.iter().map(|(key, _)| *key), &[]);
                Page::cut(rows, limit)
            }),
        }
    }

    /// The keys of a page of starred flows: each session's own page, which its index has in order, put
    /// together.
    fn starred(
        &self,
        filter: &FlowFilter,
        position: Option<i64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let mut keys = Vec::new();
        for star in self.stars()? {
            let filter =
                FlowFilter { session: Some(star.session), starred: false, ..filter.clone() };
            keys.extend(self.readers().read(|conn| {
                let condition = Condition::among(&filter, Common::of(conn, &filter)?);
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let (sql, parameters) = stretch(condition, position, order, limit);
                let mut statement = conn.prepare_cached(&sql)?;
                let keys = statement.query_map(params_from_iter(&parameters), |row| row.get(0))?;
                Ok(keys.collect::<Result<Vec<i64>, _>>()?)
            })?);
        }
        order.sort(&mut keys);
        keys.truncate(limit);
        Ok(keys)
    }

    /// The page of `keys`, each flow with its key. Whether there are more was settled when the keys were
    /// read: a flow that went meanwhile ends no listing.
    pub(crate) fn page(&self, keys: &Keys) -> Result<Page<(i64, Stored<Flow>)>, StoreError> {
        let mut damaged = keys.damaged.clone();
        let items = self.of_keys(&keys.keys, &mut damaged)?;
        damaged.sort_unstable();
        damaged.dedup();
        self.note_read(items.iter().map(|(key, _)| *key), &damaged);
        let damaged = damaged.len() as u64;
        Ok(Page { items, next_cursor: keys.rest.map(|key| cursor([key])), damaged })
    }

    /// The flows of `keys`, in that order; one that is gone meanwhile is left out, and so is one that cannot be
    /// read, whose key is told.
    pub(crate) fn of_keys(
        &self,
        keys: &[i64],
        damaged: &mut Vec<i64>,
    ) -> Result<Vec<(i64, Stored<Flow>)>, StoreError> {
        self.readers().read(|conn| {
            let mut statement =
                conn.prepare_cached(&format!("{} WHERE n = ?1", FlowSql::select()))?;
            let mut flows = Vec::with_capacity(keys.len());
            for key in keys {
                match statement.query_row([key], read).optional() {
                    Err(error) if error.is_of_one_place() => damaged.push(*key),
                    flow => flows.extend(flow?),
                }
            }
            Ok(flows)
        })
    }

    /// A flow.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn flow(&self, id: FlowId) -> Result<Option<Stored<Flow>>, StoreError> {
        self.readers().read(|conn| {
            let Some((key, _)) = found_key(conn, id)? else { return Ok(None) };
            let sql = format!("{} WHERE n = ?1", FlowSql::select());
            let flow = conn.prepare_cached(&sql)?.query_row([key], read).optional()?;
            Ok(flow.map(|(key, flow)| {
                self.note_read([key], &[]);
                flow
            }))
        })
    }
}

/// The key and the revision of a flow.
pub(crate) fn key(conn: &Connection, id: FlowId) -> rusqlite::Result<Option<(i64, Revision)>> {
    conn.prepare_cached("SELECT n, revision FROM flows WHERE flow_id = ?1")?
        .query_row([Bytes(id.as_bytes())], key_of)
        .optional()
}

/// The same for who only reads: where the index of ids cannot be read, the flow is looked for among the rows, first
/// around the time that its id tells. A transaction that writes is lost where it meets such a page.
pub(crate) fn found_key(
    conn: &Connection,
    id: FlowId,
) -> rusqlite::Result<Option<(i64, Revision)>> {
    match key(conn, id) {
        Err(error) if error.is_of_one_place() => {}
        found => return found,
    }
    let made_at = id.made_at().0;
    let near = [made_at.saturating_sub(NEAR_US), made_at.saturating_add(NEAR_US)];
    for [first, last] in [near, [i64::MIN, i64::MAX]] {
        let found = conn
            .prepare_cached(
                "SELECT n, revision FROM flows NOT INDEXED
                 WHERE flow_id = ?1 AND n BETWEEN ?2 AND ?3",
            )?
            .query_row((Bytes(id.as_bytes()), first, last), key_of)
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn key_of(row: &Row<'_>) -> rusqlite::Result<(i64, Revision)> {
    Ok((row.get(0)?, Revision(row.get::<_, i64>(1)?.cast_unsigned())))
}
