//! A page of flows where a part of their table cannot be read: what can be is listed, what cannot is counted.

use langley_model::{Flow, Stored};
use rusqlite::{OptionalExtension, params_from_iter};

use super::flows::Page;
use crate::error::{StoreError, of_place, of_row};
use crate::filter::{Common, Condition, FlowFilter, Order};
use crate::flow_row::{FlowSql, read};
use crate::store::Store;

/// Keys that are looked up at once: each look goes through the whole index.
const KEYS: i64 = 20_000;

/// Which page.
pub(super) struct Stretch {
    pub(super) position: Option<i64>,
    pub(super) order: Order,
    pub(super) limit: usize,
}

/// What is found of it.
#[derive(Default)]
struct Found {
    rows: Vec<(i64, Stored<Flow>)>,
    /// Keys of flows whose rows cannot be read, before the last of `rows`, and behind it.
    before: Vec<i64>,
    behind: Vec<i64>,
}

impl Store {
    /// The page that a walk through the table could not read, put together flow by flow: which there are is
    /// known by another index. A flow that cannot be read counts whatever is asked for, since nothing says
    /// whether it is of that.
    pub(super) fn salvaged(
        &self,
        filter: &FlowFilter,
        stretch: &Stretch,
    ) -> Result<Page<Stored<Flow>>, StoreError> {
        let mut found = Found::default();
        let mut position = stretch.position;
        let is_more = loop {
            let keys = self.keys_by_id(position, stretch.order)?;
            let Some(last) = keys.last() else { break false };
            position = Some(*last);
            if self.look_up(filter, &keys, stretch.limit, &mut found)? {
                break true;
            }
        };
        if !is_more {
            found.before.append(&mut found.behind);
        }
        self.note_damaged(&found.before);
        // One row more than fits says that there is a next page.
        let page = Page::cut(found.rows, stretch.limit);
        tracing::warn!(flows = found.before.len(), "flows are damaged and left out of a list");
        Ok(Page { damaged: found.before.len() as u64, ..page })
    }

    /// Keys of flows after `position`, by the index of their ids: it stands apart from their rows.
    fn keys_by_id(&self, position: Option<i64>, order: Order) -> Result<Vec<i64>, StoreError> {
        let (beyond, order) = order.words();
        let (after, parameters) = match position {
            Some(position) => (format!("WHERE n {beyond} ?1"), vec![position]),
            None => (String::new(), Vec::new()),
        };
        let sql = format!(
            "SELECT n FROM flows INDEXED BY flows_by_id {after} ORDER BY n {order} LIMIT {KEYS}"
        );
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(&sql)?;
            let keys = statement.query_map(params_from_iter(parameters), |row| row.get(0))?;
            Ok(keys.collect::<Result<_, _>>()?)
        })
    }

    /// Reads those of `keys` that `filter` names until there is one more than `limit`; whether there is.
    fn look_up(
        &self,
        filter: &FlowFilter,
        keys: &[i64],
        limit: usize,
        found: &mut Found,
    ) -> Result<bool, StoreError> {
        self.readers().read(|conn| {
            // The key comes last: it is the parameter that changes.
            let mut condition = Condition::among(filter, Common::of(conn, filter)?);
            condition.and("n = ?", []);
            let sql = format!("{}{}", FlowSql::select(), condition.sql());
            let mut statement = conn.prepare_cached(&sql)?;
            for key in keys {
                let parameters = condition
                    .parameters
                    .iter()
                    .cloned()
                    .chain([rusqlite::types::Value::from(*key)]);
                let row = statement.query_row(params_from_iter(parameters), read).optional();
                match row {
                    Ok(None) => {}
                    Ok(Some(row)) => {
                        found.rows.push(row);
                        if found.rows.len() > limit {
                            return Ok(true);
                        }
                        found.before.append(&mut found.behind);
                    }
                    Err(error) if of_place(&error) || of_row(&error) => found.behind.push(*key),
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(false)
        })
    }
}
