//! Hits of the index, in the order of flows, no more of them than a page shows.

use std::collections::HashMap;

use langley_model::{Flow, Place, Stored};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::beginning;
use super::query::{SearchQuery, Within};
use super::slot::{self, Reorder};
use super::texts::Stands;
use crate::cursor::position;
use crate::damage::{Fault, sound_among};
use crate::error::StoreError;
use crate::filter::{Common, Condition, FEW, FlowFilter, Order, how_many};
use crate::query::{Keys, Page, page_limit};
use crate::store::Store;

/// So few flows may be looked up in the index one by one, instead of being waited for among all hits.
const SINGLE: i64 = 200;

/// So many rows of the index are gone through in the time that it takes to look one up.
const WALKED_PER_LOOK: i64 = 50;

/// Flows that are taken from the index at once, to look into their texts.
const AT_ONCE: usize = 100;

/// Most texts that are read for a page, or for a count.
pub(crate) const READINGS: usize = 32;

/// A flow in whose new text everything was found.
#[derive(Clone, Debug)]
pub struct SearchHit {
    /// The flow.
    pub flow: Stored<Flow>,
    /// Whether the whole conversation of its request was indexed, and not only its end.
    pub whole: bool,
}

/// What is done with the flows that are found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// They are shown or counted; also those of whose text nobody can tell, because it cannot be read.
    Show,
    /// They go, if this condition holds for them as well and their text says what is asked for.
    Remove(&'static str),
}

impl Purpose {
    /// Adds what must hold for the flows besides.
    pub(crate) fn narrow(self, condition: &mut Condition) {
        if let Self::Remove(also) = self {
            condition.and(also, []);
        }
    }
}

/// What is looked for, and among which flows.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) query: &'a SearchQuery,
    pub(crate) within: Within,
    /// Narrows the flows; its own words are not looked at.
    pub(crate) filter: &'a FlowFilter,
    pub(crate) purpose: Purpose,
    pub(crate) order: Order,
}

/// A row of the index, by the key of its flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) flow: i64,
    pub(crate) whole: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In order.
    pub(crate) hits: Vec<Hit>,
    /// How far was looked, where more may be found behind it.
    pub(crate) rest: Option<i64>,
    /// Flows up to there that have the words, and whose rows cannot be read to tell how these stand.
    pub(crate) damaged: Vec<i64>,
}

impl Store {
    /// Flows in whose new text everything asked for stands (in `place`, when one is given) and that
    /// `filter` names: the newest first, at most `limit` (1 to 500), after `cursor`. Where texts have to be
    /// read for it, a page ends after some of them: it may hold fewer flows, and none, and still go on.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file; words in quotes where nobody reads texts back.
    pub fn search(
        &self,
        query: &SearchQuery,
        place: Option<Place>,
        filter: &FlowFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<SearchHit>, StoreError> {
        let (limit, _) = page_limit(limit);
        let within = place.map_or(Within::Said, Within::Place);
        let (purpose, order) = (Purpose::Show, Order::NewestFirst);
        let wanted = Wanted { query, within, filter, purpose, order };
        let before = cursor.map(position).transpose()?.map(|[key]| key);
        let Found { hits, rest, damaged } = self.found(&wanted, before, limit, READINGS)?;
        let whole: HashMap<i64, bool> = hits.iter().map(|hit| (hit.flow, hit.whole)).collect();
        let keys = hits.iter().map(|hit| hit.flow).collect();
        let hit = |(key, flow)| SearchHit { flow, whole: whole.get(&key) == Some(&true) };
        Ok(self.page(&Keys { keys, rest, damaged })?.map(hit))
    }

    /// At most `limit` flows after `position` in which all stands that is wanted. No more than `readings`
    /// texts are read for it.
    pub(crate) fn found(
        &self,
        wanted: &Wanted<'_>,
        position: Option<i64>,
        limit: usize,
        readings: usize,
    ) -> Result<Found, StoreError> {
        let mut damaged = Vec::new();
        let ask = |position, limit, damaged: &mut Vec<i64>| {
            self.readers().read(|conn| match hits(conn, wanted, position, limit) {
                Err(error) if error.is_of_one_place() => {
                    Ok(sound_hits(conn, wanted, position, limit, damaged)?)
                }
                found => Ok(found?),
            })
        };
        if wanted.query.is_of_single_words() {
            let mut hits = ask(position, limit.saturating_add(1), &mut damaged)?;
            let is_more = hits.len() > limit;
            hits.truncate(limit);
            let rest = hits.last().filter(|_| is_more).map(|hit| hit.flow);
            // Those behind the end are met again on the next page.
            damaged.retain(|key| rest.is_none_or(|end| wanted.order.is_up_to(*key, end)));
            return Ok(Found { hits, rest, damaged });
        }
        let mut found = Vec::new();
        let (mut position, mut readings) = (position, readings);
        loop {
            let some = ask(position, AT_ONCE, &mut damaged)?;
            let is_last = some.len() < AT_ONCE;
            for hit in some {
                if found.len() == limit || readings == 0 {
                    return Ok(Found { hits: found, rest: position, damaged });
                }
                position = Some(hit.flow);
                let read = self.of_keys(&[hit.flow], &mut damaged)?.pop();
                let Some((_, flow)) = read else { continue };
                match self.stands_in(&flow, hit.whole, wanted)? {
                    Stands::Stated => found.push(hit),
                    Stands::Read { says } => {
                        readings -= 1;
                        found.extend(says.then_some(hit));
                    }
                }
            }
            if is_last {
                return Ok(Found { hits: found, rest: None, damaged });
            }
        }
    }
}

/// At most `limit` rows that have all words that are wanted, by the flows' keys.
fn hits(
    conn: &Connection,
    wanted: &Wanted<'_>,
    position: Option<i64>,
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let filter = FlowFilter { q: None, ..wanted.filter.clone() };
    let mut condition = Condition::among(&filter, Common::of(conn, &filter)?);
    wanted.purpose.narrow(&mut condition);
    let words_of = |beginning: &str| beginning::words(conn, beginning);
    let expression = wanted.query.expression(wanted.within, words_of)?;
    let shift = slot::shift(conn)?;
    let slots = slot::bounds(position, wanted.order, shift);
    let mut scan = Scan { conn, expression, position, order: wanted.order, limit, shift, slots };
    if condition.sql().is_empty() {
        return scan.walk("", &[]);
    }
    let (sql, filters) = (condition.sql(), condition.parameters.as_slice());
    let few = Few::of(conn, sql, filters)?;
    let is_common = few.count > FEW;
    if !is_common {
        // What few flows have in common they often have in a short time, as those of a session do.
        let Some(ends) = few.ends else { return Ok(Vec::new()) };
        scan.slots = slot::within(scan.slots, ends, shift);
    } else if let Some(ends) = ends_of_host(conn, &filter)? {
        // Many, and yet all of them may be of one week.
        scan.slots = slot::within(scan.slots, ends, shift);
    }
    if is_common || !scan.holds_over(few.count * WALKED_PER_LOOK)? {
        // Each hit is looked at: a page of them is found soon.
        scan.walk(&format!(" AND EXISTS (SELECT 1 FROM flows{sql} AND n = flow)"), filters)
    } else if few.count <= SINGLE {
        scan.each(sql, filters)
    } else {
        scan.walk(&format!(" AND flow IN (SELECT n FROM flows{sql})"), filters)
    }
}

/// The same where a page of flows cannot be read: the index says which have the words, and each of these is asked
/// by itself whether it is one of those that are wanted.
fn sound_hits(
    conn: &Connection,
    wanted: &Wanted<'_>,
    position: Option<i64>,
    limit: usize,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Vec<Hit>> {
    let filter = FlowFilter { q: None, ..wanted.filter.clone() };
    let mut condition = Condition::of(&filter);
    wanted.purpose.narrow(&mut condition);
    let (order, shift) = (wanted.order, slot::shift(conn)?);
    let expression =
        wanted.query.expression(wanted.within, |beginning| beginning::words(conn, beginning))?;
    let (mut position, mut found) = (position, Vec::new());
    loop {
        let slots = slot::bounds(position, order, shift);
        let expression = expression.clone();
        let scan = Scan { conn, expression, position, order, limit: AT_ONCE, shift, slots };
        let some = scan.walk("", &[])?;
        let missing = limit - found.len();
        let keys = some.iter().map(|hit| hit.flow).collect();
        let holds = sound_among(conn, keys, &condition, missing, damaged)?;
        found.extend(some.iter().filter(|hit| holds.contains(&hit.flow)).copied());
        position = some.last().map(|hit| hit.flow);
        if some.len() < AT_ONCE || found.len() == limit {
            return Ok(found);
        }
    }
}

/// The first and the last flow of the host that is asked for, by the index of hosts; none where none is.
fn ends_of_host(conn: &Connection, filter: &FlowFilter) -> rusqlite::Result<Option<(i64, i64)>> {
    let Some(host) = &filter.host else { return Ok(None) };
    let end =
        |order: &str| format!("(SELECT n FROM flows WHERE host = ?1 ORDER BY n {order} LIMIT 1)");
    let sql = format!("SELECT {}, {}", end("ASC"), end("DESC"));
    conn.prepare_cached(&sql)?
        .query_row([host], |row| Ok(row.get::<_, Option<_>>(0)?.zip(row.get(1)?)))
}

/// The flows for which a condition holds, where they are few.
struct Few {
    /// Counted up to one more than a few.
    count: i64,
    /// The first and the last of those counted.
    ends: Option<(i64, i64)>,
}

impl Few {
    fn of(conn: &Connection, condition: &str, filters: &[Value]) -> rusqlite::Result<Self> {
        let sql = format!(
            "SELECT count(*), min(n), max(n) FROM (SELECT n FROM flows{condition} LIMIT {})",
            FEW + 1
        );
        conn.prepare_cached(&sql)?.query_row(params_from_iter(filters), |row| {
            let ends = row.get::<_, Option<_>>(1)?.zip(row.get(2)?);
            Ok(Self { count: row.get(0)?, ends })
        })
    }
}

/// A way through the index.
struct Scan<'c> {
    conn: &'c Connection,
    expression: String,
    position: Option<i64>,
    order: Order,
    limit: usize,
    shift: i64,
    /// The first and the last slot that are looked at.
    slots: (i64, i64),
}

impl Scan<'_> {
    /// Whether the index has more rows than this where the scan looks.
    fn holds_over(&self, rows: i64) -> rusqlite::Result<bool> {
        let among = "search_flows WHERE slot BETWEEN ? AND ?";
        let slots = [self.slots.0.into(), self.slots.1.into()];
        Ok(how_many(self.conn, among, &slots, rows + 1)? > rows)
    }

    fn is_beyond(&self, flow: i64) -> bool {
        self.position.is_none_or(|position| match self.order {
            Order::NewestFirst => flow < position,
            Order::OldestFirst => flow > position,
        })
    }

    /// Goes through the hits from the position on until there are enough.
    fn walk(&self, narrowed: &str, filters: &[Value]) -> rusqlite::Result<Vec<Hit>> {
        let (first, last) = self.slots;
        let (_, order) = self.order.words();
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT slot, flow, whole FROM search CROSS JOIN search_flows ON slot = search.rowid
             WHERE search MATCH ? AND search.rowid BETWEEN ? AND ?{narrowed}
             ORDER BY search.rowid {order}"
        ))?;
        let own: [Value; 3] = [self.expression.clone().into(), first.into(), last.into()];
        let mut rows = statement.query(params_from_iter(own.iter().chain(filters)))?;
        let (mut reorder, mut hits) = (Reorder::new(self.order, self.shift), Vec::new());
        while let Some(row) = rows.next()? {
            let flow = row.get(1)?;
            if self.is_beyond(flow) {
                reorder.put(flow, row.get(2)?);
            }
            let slot = row.get(0)?;
            while let Some((flow, whole)) = reorder.next(slot) {
                hits.push(Hit { flow, whole });
                if hits.len() == self.limit {
                    return Ok(hits);
                }
            }
        }
        let rest = std::iter::from_fn(|| reorder.rest());
        hits.extend(rest.map(|(flow, whole)| Hit { flow, whole }));
        hits.truncate(self.limit);
        Ok(hits)
    }

    /// Looks the few flows for which `condition` holds up one by one.
    fn each(&self, condition: &str, filters: &[Value]) -> rusqlite::Result<Vec<Hit>> {
        let mut few = self.conn.prepare_cached(&format!(
            "SELECT slot, flow, whole FROM (SELECT n FROM flows{condition} LIMIT {SINGLE})
             CROSS JOIN search_flows ON flow = n"
        ))?;
        let rows = few.query_map(params_from_iter(filters), |row| {
            Ok((row.get(0)?, Hit { flow: row.get(1)?, whole: row.get(2)? }))
        })?;
        let mut few: Vec<(i64, Hit)> = rows.collect::<Result<_, _>>()?;
        few.retain(|(_, hit)| self.is_beyond(hit.flow));
        few.sort_unstable_by_key(|(_, hit)| match self.order {
            Order::NewestFirst => -hit.flow,
            Order::OldestFirst => hit.flow,
        });
        let mut is_hit = self
            .conn
            .prepare_cached("SELECT 1 FROM search WHERE search MATCH ?1 AND rowid = ?2")?;
        let mut hits = Vec::new();
        for (slot, hit) in few {
            if is_hit.exists((&self.expression, slot))? {
                hits.push(hit);
                if hits.len() == self.limit {
                    break;
                }
            }
        }
        Ok(hits)
    }
}
