//! A page of flows where a part of their table cannot be read: what can be is listed, what cannot is counted.

use langley_model::{Flow, Stored};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params_from_iter};

use super::flows::{Keys, Page};
use crate::cursor::cursor;
use crate::damage::{Fault, Keyed};
use crate::error::StoreError;
use crate::filter::{Common, Condition, FlowFilter, Order, stretch};
use crate::flow_row::{FlowSql, read};
use crate::store::Store;

/// Flows that are looked at for one page: each look goes through a whole index.
const LOOKED_AT: usize = 20_000;

/// Which page.
pub(super) struct Stretch {
    position: Option<i64>,
    order: Order,
    limit: usize,
    /// Flows that are looked at for it at most.
    looked_at: usize,
}

impl Stretch {
    pub(super) const fn new(position: Option<i64>, order: Order, limit: usize) -> Self {
        Self { position, order, limit, looked_at: LOOKED_AT }
    }
}

/// The page, as far as it can be read.
pub(super) struct Salvaged {
    pub(super) page: Page<Stored<Flow>>,
    /// Whether any flow could be read for it, also one that is not on it.
    is_sound: bool,
}

impl Salvaged {
    /// Whether something could be read, or may be on a page behind this one.
    pub(super) const fn goes_on(&self) -> bool {
        self.is_sound || self.page.next_cursor.is_some()
    }
}

/// What is found of it.
#[derive(Default)]
struct Found {
    rows: Vec<(i64, Stored<Flow>)>,
    /// Keys of flows whose rows cannot be read, before the last of `rows`, and behind it.
    before: Vec<i64>,
    behind: Vec<i64>,
    is_sound: bool,
}

impl Store {
    /// The page that a walk through the table could not read.
    pub(super) fn salvaged(
        &self,
        filter: &FlowFilter,
        stretch: &Stretch,
    ) -> Result<Salvaged, StoreError> {
        let salvaged = match self.by_own_index(filter, stretch) {
            Ok(page) => Salvaged { is_sound: page.damaged == 0 || !page.items.is_empty(), page },
            Err(_) => self.one_by_one(filter, stretch)?,
        };
        let damaged = salvaged.page.damaged;
        tracing::warn!(flows = damaged, "flows are damaged and left out of a list");
        Ok(salvaged)
    }

    /// The same by the index of what is asked for, which stands apart from the table: it says which flows
    /// these are, also those that cannot be read. An error where the table is needed to know that.
    fn by_own_index(
        &self,
        filter: &FlowFilter,
        asked: &Stretch,
    ) -> Result<Page<Stored<Flow>>, StoreError> {
        let keys = self.readers().read(|conn| {
            let condition = Condition::among(filter, Common::of(conn, filter)?);
            let limit = i64::try_from(asked.limit + 1).unwrap_or(i64::MAX);
            let (sql, parameters) = stretch(condition, asked.position, asked.order, limit);
            let mut statement = conn.prepare_cached(&sql)?;
            let keys = statement.query_map(params_from_iter(parameters), |row| row.get(0))?;
            Ok(keys.collect::<Result<_, _>>()?)
        })?;
        Ok(self.page(&Keys::cut(keys, asked.limit))?.map(|(_, flow)| flow))
    }

    /// The same, put together flow by flow: which there are is known by the index of their ids. A flow that
    /// cannot be read counts whatever is asked for, since nothing says whether it is of that. After so many
    /// flows the page ends, full or not.
    fn one_by_one(&self, filter: &FlowFilter, stretch: &Stretch) -> Result<Salvaged, StoreError> {
        let keys = self.keys_by_id(filter, stretch)?;
        let mut found = Found::default();
        let is_full = self.look_up(filter, &keys, stretch.limit, &mut found)?;
        if !is_full {
            found.before.append(&mut found.behind);
        }
        self.note_read(found.rows.iter().map(|(key, _)| *key), &found.before);
        // One row more than fits says that there is a next page.
        let mut page = Page::cut(found.rows, stretch.limit);
        if !is_full && keys.len() == stretch.looked_at {
            page.next_cursor = keys.last().map(|key| cursor([*key]));
        }
        page.damaged = found.before.len() as u64;
        Ok(Salvaged { page, is_sound: found.is_sound })
    }

    /// Keys of flows that may be on the page, by the index of their ids: it stands apart from their rows.
    fn keys_by_id(&self, filter: &FlowFilter, stretch: &Stretch) -> Result<Vec<i64>, StoreError> {
        let (beyond, _) = stretch.order.words();
        let mut condition = Condition::of_keys(filter);
        if let Some(position) = stretch.position {
            condition.and(&format!("n {beyond} ?"), [position.into()]);
        }
        self.readers().read(|conn| {
            Ok(Keyed::Flows.keys(conn, &condition, stretch.order, stretch.looked_at)?)
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
                let parameters = condition.parameters.iter().cloned().chain([Value::from(*key)]);
                let row = statement.query_row(params_from_iter(parameters), read).optional();
                found.is_sound |= row.is_ok();
                match row {
                    Ok(None) => {}
                    Ok(Some(row)) => {
                        found.rows.push(row);
                        if found.rows.len() > limit {
                            return Ok(true);
                        }
                        found.before.append(&mut found.behind);
                    }
                    Err(error) if error.is_of_one_place() => found.behind.push(*key),
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(false)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use langley_model::{ConnectionId, FlowId, Micros, Outcome, Record, Redactor, RedactorOptions};

    use super::*;
    use crate::cursor::position;
    use crate::options::StoreOptions;
    use crate::upkeep::Retention;

    /// Every tenth of a hundred flows is of the host `rare`, and every seventh cannot be read.
    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let records = (1..=100).map(|at| {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at));
            flow.host = String::from(if at % 10 == 0 { "rare" } else { "common" });
            flow.outcome = Some(Outcome::Completed);
            redactor.seal(Record::Flow(Arc::new(flow)))
        });
        store.submit(records.collect()).unwrap();
        store.flush().unwrap();
        let damage = "UPDATE flows SET port = 'x' WHERE n % 7 = 0";
        store.job(|site| site.conn.execute(damage, ())).unwrap();
        (folder, store)
    }

    #[test]
    fn what_has_an_index_of_its_own_is_listed_by_it_however_many_others_there_are() {
        let (_folder, store) = store();
        let rare = FlowFilter { host: Some(String::from("rare")), ..FlowFilter::default() };
        let (position, order) = (None, Order::NewestFirst);
        let stretch = Stretch { position, order, limit: 500, looked_at: 5 };
        let page = store.salvaged(&rare, &stretch).unwrap().page;
        assert_eq!((page.items.len(), page.damaged), (9, 1), "the seventieth");
        assert_eq!(page.next_cursor, None);
        assert_eq!(store.counters().damaged_flows, 1);
    }

    #[test]
    fn a_page_ends_after_so_many_flows_and_the_next_goes_on() {
        let (_folder, store) = store();
        let wanted = FlowFilter { since: Some(Micros(41)), ..FlowFilter::default() };
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let (mut from, mut times, mut damaged, mut pages) = (None, Vec::new(), 0, 0);
            loop {
                let stretch = Stretch { position: from, order, limit: 8, looked_at: 5 };
                let page = store.one_by_one(&wanted, &stretch).unwrap().page;
                assert!(page.items.len() as u64 + page.damaged <= 5);
                times.extend(page.items.iter().map(|flow| flow.started_at.0));
                (damaged, pages) = (damaged + page.damaged, pages + 1);
                from = page.next_cursor.map(|cursor| position::<1>(&cursor).unwrap()[0]);
                if from.is_none() {
                    break;
                }
            }
            times.sort_unstable();
            let sound: Vec<i64> = (41..=100).filter(|at| at % 7 > 0).collect();
            assert_eq!((times, damaged, pages), (sound, 9, 13), "none before the time asked for");
        }
    }

    #[test]
    fn where_nothing_can_be_read_the_page_says_so() {
        let (_folder, store) = store();
        let (all, stretch) = (FlowFilter::default(), Stretch::new(None, Order::NewestFirst, 8));
        assert!(store.one_by_one(&all, &stretch).unwrap().goes_on());
        store.job(|site| site.conn.execute("UPDATE flows SET port = 'x'", ())).unwrap();
        let salvaged = store.one_by_one(&all, &stretch).unwrap();
        assert_eq!((salvaged.goes_on(), salvaged.page.damaged), (false, 100));
    }

    #[test]
    fn a_stretch_of_which_nothing_can_be_read_does_not_end_the_list() {
        let (_folder, store) = store();
        let damage = "UPDATE flows SET port = 'x' WHERE n > 90";
        store.job(|site| site.conn.execute(damage, ())).unwrap();
        let all = FlowFilter::default();
        let newest = Stretch { looked_at: 5, ..Stretch::new(None, Order::NewestFirst, 8) };
        let salvaged = store.one_by_one(&all, &newest).unwrap();
        assert_eq!((salvaged.page.items.len(), salvaged.page.damaged), (0, 5));
        assert!(salvaged.goes_on() && salvaged.page.next_cursor.is_some());
        let last = Stretch { looked_at: 5, ..Stretch::new(Some(98), Order::OldestFirst, 8) };
        assert!(!store.one_by_one(&all, &last).unwrap().goes_on(), "nothing comes behind it");
    }

    #[test]
    fn a_flow_that_is_removed_or_can_be_read_again_is_no_damaged_one() {
        let (_folder, store) = store();
        let all = FlowFilter::default();
        assert_eq!(store.flows(&all, None, 500).unwrap().damaged, 14);
        assert_eq!(store.counters().damaged_flows, 14);
        let mend = "UPDATE flows SET port = 443 WHERE n = 7";
        store.job(|site| site.conn.execute(mend, ())).unwrap();
        store.flows(&FlowFilter { until: Some(Micros(10)), ..all.clone() }, None, 9).unwrap();
        assert_eq!(store.counters().damaged_flows, 13, "it was listed");
        let rare = FlowFilter { host: Some(String::from("rare")), ..all.clone() };
        assert_eq!(store.delete_flows(&rare).unwrap(), 10);
        assert_eq!(store.counters().damaged_flows, 12, "the seventieth is gone");
        let mend = "UPDATE flows SET port = 443 WHERE n = 14";
        store.job(|site| site.conn.execute(mend, ())).unwrap();
        store.maintain(&Retention::default(), Micros(200)).unwrap();
        assert_eq!(store.counters().damaged_flows, 11, "maintenance looks again");
        store.delete_flows(&all).unwrap();
        assert!(!store.has_damage());
    }
}
