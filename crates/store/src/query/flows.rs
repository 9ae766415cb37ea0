//! Flows: one by its id, many by a filter, newest first.

use langley_model::{Flow, FlowId, Revision, Stored};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::error::StoreError;
use crate::filter::{Common, Condition, FlowFilter, Order, cursor, position, stretch};
use crate::flow_row::{Bytes, FlowSql, read};
use crate::store::Store;

/// The most rows of one page.
const PAGE_MAX: usize = 500;

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Continues after the last row; none at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of `limit` from rows with their keys, of which one more than `limit` was asked for.
    pub(crate) fn cut(mut rows: Vec<(i64, T)>, limit: usize) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|(key, _)| cursor(*key));
        Self { items: rows.into_iter().map(|(_, item)| item).collect(), next_cursor }
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
        let position = cursor.map(position).transpose()?;
        self.readers().read(|conn| {
            let common = Common::of(conn, filter)?;
            let (keys, parameters) = stretch(filter, common, None, position, order, asked);
            let (select, (_, order)) = (FlowSql::select(), order.words());
            let sql = format!("{select} WHERE n IN ({keys}) ORDER BY n {order}");
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(&parameters), read)?;
            Ok(Page::cut(rows.collect::<Result<_, _>>()?, limit))
        })
    }

    /// How many flows `filter` names.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn count_flows(&self, filter: &FlowFilter) -> Result<u64, StoreError> {
        let (count, condition) = match (Condition::of_groups(filter), Condition::of_tool(filter)) {
            (Some(condition), _) => ("SELECT ifnull(sum(flows), 0) FROM flow_groups", condition),
            (None, Some(condition)) => ("SELECT count(DISTINCT flow) FROM tool_calls", condition),
            (None, None) => ("SELECT count(*) FROM flows", Condition::of(filter)),
        };
        self.readers().read(|conn| {
            let sql = format!("{count}{}", condition.sql());
            let mut statement = conn.prepare_cached(&sql)?;
            let parameters = params_from_iter(&condition.parameters);
            Ok(statement.query_row(parameters, |row| row.get::<_, i64>(0))?.cast_unsigned())
        })
    }

    /// A flow.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn flow(&self, id: FlowId) -> Result<Option<Stored<Flow>>, StoreError> {
        self.readers().read(|conn| {
            let sql = format!("{} WHERE flow_id = ?1", FlowSql::select());
            let mut statement = conn.prepare_cached(&sql)?;
            let flow = statement.query_row([Bytes(id.as_bytes())], read).optional()?;
            Ok(flow.map(|(_, flow)| flow))
        })
    }
}

/// The key and the revision of a flow.
pub(super) fn key(conn: &Connection, id: FlowId) -> rusqlite::Result<Option<(i64, Revision)>> {
    conn.prepare_cached("SELECT n, revision FROM flows WHERE flow_id = ?1")?
        .query_row([Bytes(id.as_bytes())], |row| {
            Ok((row.get(0)?, Revision(row.get::<_, i64>(1)?.cast_unsigned())))
        })
        .optional()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use langley_model::{
        ConnectionId, Micros, Outcome, Passage, Place, Record, Redactor, RedactorOptions,
        SearchText,
    };
    use rusqlite::StatementStatus;

    use super::*;
    use crate::options::StoreOptions;
    use crate::search::IndexEntry;

    /// What a page costs must not grow with what else matches.
    #[test]
    fn a_page_of_words_looks_at_no_more_than_it_shows() {
        const FLOWS: i64 = 1_500;
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        for at in 1..=FLOWS {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at));
            flow.outcome = Some(Outcome::Completed);
            // Every other one says it in a fact as well.
            flow.path = String::from(if at % 2 == 0 { "/needle" } else { "/" });
            let passages = vec![Passage { place: Place::Prompt, text: String::from("a needle") }];
            let text = redactor.seal(SearchText { flow: flow.id, whole: false, passages });
            entries.push(IndexEntry { revision: Revision(0), text });
            records.push(redactor.seal(Record::Flow(Arc::new(flow))));
        }
        store.submit(records).unwrap();
        store.flush().unwrap();
        store.index(entries).unwrap();
        let filter = FlowFilter { q: Some("needle".into()), ..FlowFilter::default() };
        for (order, position) in [(Order::NewestFirst, None), (Order::OldestFirst, Some(700))] {
            let (sql, parameters) = stretch(&filter, Common::default(), None, position, order, 20);
            let (keys, steps) = store
                .readers()
                .read(|conn| {
                    let mut statement = conn.prepare(&sql)?;
                    let keys =
                        statement.query_map(params_from_iter(parameters), |row| row.get(0))?;
                    let keys: Vec<i64> = keys.collect::<Result<_, _>>()?;
                    Ok((keys, statement.get_status(StatementStatus::VmStep)))
                })
                .unwrap();
            let wanted: Vec<i64> = match order {
                Order::NewestFirst => (FLOWS - 19..=FLOWS).rev().collect(),
                Order::OldestFirst => (701..=720).collect(),
            };
            assert_eq!(keys, wanted);
            assert!(steps < 3_000, "{steps}");
        }
        // Pages one after the other show each flow once.
        let (mut cursor, mut seen) = (None, 0);
        loop {
            let page = store.flows(&filter, cursor.as_deref(), 400).unwrap();
            seen += page.items.len();
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, FLOWS as usize);
    }
}
