//! Flows: one by its id, many by a filter, newest first.

use langley_model::{Flow, FlowId, Revision, Stored};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::error::StoreError;
use crate::filter::{Common, Condition, FlowFilter, cursor, position};
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
        self.listed(filter, cursor, limit, ("n < ?", "DESC"))
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
        self.listed(filter, cursor, limit, ("n > ?", "ASC"))
    }

    fn listed(
        &self,
        filter: &FlowFilter,
        cursor: Option<&str>,
        limit: usize,
        (beyond, order): (&str, &str),
    ) -> Result<Page<Stored<Flow>>, StoreError> {
        let (limit, asked) = page_limit(limit);
        let from = cursor.map(position).transpose()?;
        self.readers().read(|conn| {
            let mut condition = Condition::among(filter, Common::of(conn, filter)?);
            if let Some(from) = from {
                condition.and(beyond, [from.into()]);
            }
            let select = FlowSql::select();
            let sql = format!("{select}{} ORDER BY n {order} LIMIT {asked}", condition.sql());
            let mut statement = conn.prepare_cached(&sql)?;
            let parameters = params_from_iter(&condition.parameters);
            let rows = statement.query_map(parameters, read)?;
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
