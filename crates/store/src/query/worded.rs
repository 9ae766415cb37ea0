//! Flows by words: a listing by `q`, as streams that are each read in order and no further than a page goes.
//!
//! The index knows what was said and what facts say in words; hosts and models are few, and each has an
//! index. Parts of words are known to no index: they are looked for among the newest flows only.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::damage::{Fault, Keyed, sound_among};
use crate::error::StoreError;
use crate::filter::{Common, Condition, FlowFilter, Order, like, stretch};
use crate::query::Keys;
use crate::search::{Purpose, SearchQuery, Wanted, Within};
use crate::store::Store;

/// How many of the newest flows are looked through for parts of words.
const WALKED: usize = 2_000;

/// The flows that a filter by words names, in order.
pub(crate) struct Worded<'a> {
    q: &'a str,
    filter: &'a FlowFilter,
    purpose: Purpose,
    order: Order,
    /// From this flow on parts of words are looked for.
    newest: i64,
    query: Option<SearchQuery>,
}

impl Store {
    /// The flows that `filter` names by its words; none when it has no words.
    pub(crate) fn worded<'a>(
        &self,
        filter: &'a FlowFilter,
        purpose: Purpose,
        order: Order,
    ) -> Result<Option<Worded<'a>>, StoreError> {
        let Some(q) = &filter.q else { return Ok(None) };
        let walked = self.readers().read(|conn| {
            Ok(Keyed::Flows.keys_after(conn, i64::MAX, Order::NewestFirst, WALKED)?)
        })?;
        let newest = walked.get(WALKED - 1).copied().unwrap_or(i64::MIN);
        let query = SearchQuery::parse_free(q)?;
        Ok(Some(Worded { q, filter, purpose, order, newest, query }))
    }
}

impl Worded<'_> {
    /// At most `limit` keys after `position`, for which no more than `readings` texts are read.
    pub(crate) fn keys(
        &self,
        store: &Store,
        position: Option<i64>,
        limit: usize,
        readings: usize,
    ) -> Result<Keys, StoreError> {
        let (mut keys, mut rest, mut damaged) = (Vec::new(), None, Vec::new());
        if let Some(query) = &self.query {
            let wanted = Wanted {
                query,
                within: Within::Everything,
                filter: self.filter,
                purpose: self.purpose,
                order: self.order,
            };
            let said = store.found(&wanted, position, limit, readings)?;
            keys.extend(said.hits.iter().map(|hit| hit.flow));
            (rest, damaged) = (said.rest, said.damaged);
        }
        // What facts give goes as far as texts were looked into, and tells whether there is more.
        let first = First { order: self.order, limit: limit.saturating_add(1), keys, end: rest };
        let keys =
            store.readers().read(|conn| Ok(self.stated(conn, position, first, &mut damaged)?))?;
        let found = Keys::cut(keys, limit);
        let rest = found.rest.or(rest);
        // Those behind the end are met again on the next page.
        damaged.retain(|key| rest.is_none_or(|end| self.order.is_up_to(*key, end)));
        Ok(Keys { rest, damaged, ..found })
    }

    /// Adds the keys that facts give.
    fn stated(
        &self,
        conn: &Connection,
        position: Option<i64>,
        mut first: First,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<Vec<i64>> {
        let filter = FlowFilter { q: None, ..self.filter.clone() };
        let mut rest = Condition::among(&filter, Common::of(conn, &filter)?);
        self.purpose.narrow(&mut rest);
        let mut newest = rest.clone();
        newest.and("n >= ?", [self.newest.into()]);
        newest.and_states(self.q);
        first.add(conn, newest, position, damaged)?;
        for (column, fact) in [("host", "host"), ("model", "ifnull(model, model_requested)")] {
            let sql = format!(
                "SELECT DISTINCT {column} FROM flow_kinds
                 WHERE flows > 0 AND {column} <> '' AND {column} LIKE ?1 ESCAPE '\\'"
            );
            let mut names = conn.prepare_cached(&sql)?;
            let names = names.query_map([like(self.q)], |row| row.get::<_, String>(0))?;
            for name in names {
                let mut named = rest.clone();
                named.and(&format!("{fact} = ?"), [Value::from(name?)]);
                first.add(conn, named, position, damaged)?;
            }
        }
        Ok(first.sorted())
    }
}

/// The first keys of several streams, each of them in order.
struct First {
    order: Order,
    limit: usize,
    keys: Vec<i64>,
    /// Behind this one none is wanted.
    end: Option<i64>,
}

impl First {
    /// Adds the flows after `position` for which `condition` holds, as far as they may be among the first.
    fn add(
        &mut self,
        conn: &Connection,
        mut condition: Condition,
        position: Option<i64>,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<()> {
        if let Some(end) = self.end {
            condition.and(&format!("n {} ?", self.order.up_to()), [end.into()]);
        }
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let (sql, parameters) = stretch(condition.clone(), position, self.order, limit);
        let mut statement = conn.prepare_cached(&sql)?;
        let walked = statement
            .query_map(params_from_iter(&parameters), |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>();
        match walked {
            Err(error) if error.is_of_one_place() => {
                let start = position.unwrap_or(match self.order {
                    Order::NewestFirst => i64::MAX,
                    Order::OldestFirst => i64::MIN,
                });
                let mut keys = Keyed::Flows.keys_after(conn, start, self.order, usize::MAX)?;
                keys.retain(|key| self.end.is_none_or(|end| self.order.is_up_to(*key, end)));
                self.keys.extend(sound_among(conn, keys, &condition, self.limit, damaged)?);
            }
            walked => self.keys.extend(walked?),
        }
        if self.keys.len() >= self.limit.saturating_mul(2) {
            self.settle();
        }
        Ok(())
    }

    /// Keeps the first; the last of them is the end for what is added later.
    fn settle(&mut self) {
        self.order.sort(&mut self.keys);
        self.keys.dedup();
        if self.keys.len() >= self.limit {
            self.keys.truncate(self.limit);
            self.end = self.keys.last().copied();
        }
    }

    fn sorted(mut self) -> Vec<i64> {
        self.settle();
        self.keys
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use langley_model::{
        ConnectionId, Flow, FlowId, Micros, Outcome, Passage, Place, Record, Redactor,
        RedactorOptions, Revision, SearchText,
    };

    use super::*;
    use crate::options::StoreOptions;
    use crate::search::IndexEntry;

    /// A flow every few seconds; more than parts of words are looked for in.
    const FLOWS: i64 = WALKED as i64 + 2_000;
    const APART: i64 = 7_654_321;

    /// Steps of SQLite's machine that `work` takes.
    fn steps(store: &Store, work: impl FnOnce(&Store)) -> u64 {
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        let handle = |handler| {
            let set = |conn: &Connection| Ok(conn.progress_handler(1, handler)?);
            store.readers().read(set).unwrap();
        };
        handle(Some(Box::new(count) as Box<dyn FnMut() -> bool + Send>));
        work(store);
        handle(None);
        steps.load(Ordering::Relaxed)
    }

    /// All say `needle`; one of five hundred says `rare`, every other one has the path `/needle`, the first
    /// ones the host `haystack.test`, then some a host of their own, and one of a thousand was refused.
    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        for at in 1..=FLOWS {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at * APART));
            let refused = at % 1_000 == 0;
            flow.outcome = Some(if refused { Outcome::Refused } else { Outcome::Completed });
            flow.path = String::from(if at % 2 == 0 { "/needle" } else { "/" });
            flow.host = match at {
                ..=3 => String::from("haystack.test"),
                10..=259 => format!("tenant{at}.test"),
                _ => String::from("host.test"),
            };
            let text = String::from(if at % 500 == 0 { "a rare needle" } else { "a needle" });
            let passages = vec![Passage::new(Place::Prompt, text)];
            let text = redactor.seal(SearchText { flow: flow.id, whole: false, passages });
            entries.push(IndexEntry { revision: Revision(0), text });
            records.push(redactor.seal(Record::Flow(Arc::new(flow))));
        }
        store.submit(records).unwrap();
        store.flush().unwrap();
        store.index(entries).unwrap();
        (folder, store)
    }

    fn by(q: &str) -> FlowFilter {
        FlowFilter { q: Some(String::from(q)), ..FlowFilter::default() }
    }

    /// The places of flows in time.
    fn listed(store: &Store, filter: &FlowFilter, limit: usize) -> Vec<i64> {
        let page = store.flows(filter, None, limit).unwrap();
        page.items.iter().map(|flow| flow.started_at.0 / APART).collect()
    }

    #[test]
    fn a_page_of_words_looks_at_no_more_than_it_shows_and_at_the_newest_flows() {
        let (_folder, store) = store();
        let query = SearchQuery::parse("needle").unwrap();
        let newest: Vec<i64> = (FLOWS - 19..=FLOWS).rev().collect();
        let refused = FlowFilter {
            outcome: Some(crate::filter::OutcomeFilter::Ended(Outcome::Refused)),
            ..FlowFilter::default()
        };
        // Nothing looks at all of the flows, of which each would be ten steps and more.
        let few = 6_000;
        let taken = steps(&store, |store| {
            let page = store.search(&query, None, &FlowFilter::default(), None, 20).unwrap();
            let seen: Vec<i64> =
                page.items.iter().map(|hit| hit.flow.started_at.0 / APART).collect();
            assert_eq!(seen, newest);
        });
        assert!(taken < few, "{taken} steps for the newest hits");
        let taken = steps(&store, |store| {
            let page = store.search(&query, None, &refused, None, 20).unwrap();
            assert_eq!(page.items.len(), 4);
        });
        assert!(taken < few, "{taken} steps for hits among few flows");
        // The newest flows are looked through for parts of words.
        let walk = WALKED as u64 * 60;
        for (q, wanted) in [("needle", newest), ("rare", vec![]), ("nowhere", vec![])] {
            let taken = steps(&store, |store| {
                let seen = listed(store, &by(q), 20);
                assert!(wanted.is_empty() || seen == wanted, "{q}: {seen:?}");
            });
            assert!(taken < walk, "{taken} steps for `{q}`");
        }
        let taken = steps(&store, |store| {
            let count = store.count_some(&by("needle")).unwrap();
            assert_eq!((count.flows, count.more), (1_000, true));
            let count = store.count_some(&by("rare")).unwrap();
            assert_eq!((count.flows, count.more), (8, false));
        });
        assert!(taken < 3 * walk, "{taken} steps for counts");
    }

    #[test]
    fn of_many_hosts_that_have_the_words_none_is_left_out() {
        let (_folder, store) = store();
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            let page = store.flows(&by("enant"), cursor.as_deref(), 40).unwrap();
            seen.extend(page.items.iter().map(|flow| flow.started_at.0 / APART));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, (10..=259).rev().collect::<Vec<_>>());
        let count = store.count_some(&by("enant")).unwrap();
        assert_eq!((count.flows, count.more), (250, false));
        assert_eq!(store.count_flows(&by("enant")).unwrap(), 250);
        assert_eq!(store.delete_flows(&by("enant")).unwrap(), 250);
    }

    #[test]
    fn words_are_found_in_all_flows_and_their_parts_in_the_newest() {
        let (_folder, store) = store();
        let rare: Vec<i64> = (1..=8).rev().map(|n| n * 500).collect();
        assert_eq!(listed(&store, &by("rare"), 100), rare);
        let part = store.count_flows(&by("/needl")).unwrap();
        assert_eq!(part, WALKED as u64 / 2, "the path of every other flow");
        assert_eq!(listed(&store, &by("aystac"), 100), [3, 2, 1]);
        // Pages one after the other show each flow once.
        let (mut cursor, mut seen) = (None, 0);
        loop {
            let page = store.flows(&by("needle"), cursor.as_deref(), 400).unwrap();
            seen += page.items.len() as i64;
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, FLOWS);
        // What is deleted is what is listed, though others become the newest meanwhile.
        assert_eq!(store.delete_flows(&by("/needl")).unwrap(), part);
        assert_eq!(store.count_flows(&FlowFilter::default()).unwrap(), FLOWS as u64 - part);
    }
}
