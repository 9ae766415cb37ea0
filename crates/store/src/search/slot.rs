//! Slots: the keys of the index's rows, by the time of their flows.
//!
//! What a posting costs is the distance to the next, so rows are numbered by slots of time and not by the
//! flows' own keys, which count microseconds. A flow whose slot is taken gets a later one: slots are nearly
//! in the order of flows, and [`Reorder`] makes it exact.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use crate::filter::Order;

/// Microseconds of a slot are two to the power of this.
const WIDTH: u32 = 12;

/// After so many taken slots one more is skipped.
const HURRY: i64 = 8;

/// The name of the total that says how far a flow lies behind its own slot, at most.
const SHIFT: &str = "search_shift";

/// The slot of a flow's own time.
pub(super) const fn own(flow: i64) -> i64 {
    flow >> WIDTH
}

/// The first key whose own slot this is.
const fn first_of(slot: i64) -> i64 {
    slot.saturating_mul(1 << WIDTH)
}

/// A slot for a flow: its own, or one behind it that is free. What is skipped grows with the crowd, so that
/// in one a place is found soon.
pub(super) fn take(conn: &Connection, flow: i64) -> rusqlite::Result<i64> {
    let own = own(flow);
    let mut is_taken = conn.prepare_cached("SELECT 1 FROM search_flows WHERE slot = ?1")?;
    let (mut slot, mut tries) = (own, 0);
    while is_taken.exists([slot])? {
        tries += 1;
        slot += 1 + tries / HURRY;
    }
    if slot > own {
        conn.prepare_cached(
            "INSERT INTO totals (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute((SHIFT, slot - own))?;
    }
    Ok(slot)
}

/// How far a flow lies behind its own slot, at most.
pub(super) fn shift(conn: &Connection) -> rusqlite::Result<i64> {
    let shift: Option<i64> = conn
        .prepare_cached("SELECT value FROM totals WHERE name = ?1")?
        .query_row([SHIFT], |row| row.get(0))
        .optional()?;
    Ok(shift.unwrap_or(0))
}

/// The slots, first and last, in which flows behind `position` may lie.
pub(super) fn bounds(position: Option<i64>, order: Order, shift: i64) -> (i64, i64) {
    match (position, order) {
        (None, _) => (i64::MIN, i64::MAX),
        (Some(before), Order::NewestFirst) => {
            (i64::MIN, own(before.saturating_sub(1)).saturating_add(shift))
        }
        (Some(after), Order::OldestFirst) => (own(after.saturating_add(1)), i64::MAX),
    }
}

/// Of these slots, first and last, those in which flows from one to another may lie.
pub(super) fn within(
    (first, last): (i64, i64),
    (oldest, newest): (i64, i64),
    shift: i64,
) -> (i64, i64) {
    (first.max(own(oldest)), last.min(own(newest).saturating_add(shift)))
}

/// Puts what comes in the order of slots into the order of flows.
pub(super) struct Reorder<T> {
    order: Order,
    shift: i64,
    waiting: BTreeMap<i64, T>,
}

impl<T> Reorder<T> {
    pub(super) const fn new(order: Order, shift: i64) -> Self {
        Self { order, shift, waiting: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, flow: i64, item: T) {
        self.waiting.insert(flow, item);
    }

    /// The next flow before which none can come any more, now that all slots up to `slot` are read.
    pub(super) fn next(&mut self, slot: i64) -> Option<(i64, T)> {
        // A flow never lies before its own slot, and never further behind it than the shift.
        match self.order {
            Order::NewestFirst => {
                let is_due = *self.waiting.last_key_value()?.0 >= first_of(slot);
                is_due.then(|| self.waiting.pop_last())?
            }
            Order::OldestFirst => {
                let due = first_of(slot.saturating_add(1).saturating_sub(self.shift));
                let is_due = *self.waiting.first_key_value()?.0 < due;
                is_due.then(|| self.waiting.pop_first())?
            }
        }
    }

    /// The next one, when no slot is left to be read.
    pub(super) fn rest(&mut self) -> Option<(i64, T)> {
        match self.order {
            Order::NewestFirst => self.waiting.pop_last(),
            Order::OldestFirst => self.waiting.pop_first(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE search_flows (slot INTEGER PRIMARY KEY, flow INTEGER NOT NULL UNIQUE);
             CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL);",
        )
        .unwrap();
        conn
    }

    #[test]
    fn a_crowd_in_one_slot_is_read_back_in_the_order_of_flows_from_any_place() {
        let conn = index();
        // A thousand flows in two slots, some long before and behind; put in any order.
        let mut flows: Vec<i64> = (0..1_000).map(|n| 1_000_000 + n * 8).collect();
        flows.extend([3, 900_000, 1_500_000, 9_000_000]);
        let mut put = flows.clone();
        put.sort_by_key(|flow| flow.wrapping_mul(0x9e37_79b9) % 1_009);
        for flow in put {
            let slot = take(&conn, flow).unwrap();
            assert!(slot >= own(flow));
            conn.execute("INSERT INTO search_flows VALUES (?1, ?2)", (slot, flow)).unwrap();
        }
        flows.sort_unstable();
        let shift = shift(&conn).unwrap();
        assert!((500..100_000).contains(&shift), "{shift}");
        // Flows from one to another are found between these slots, whatever slots they have.
        for (oldest, newest) in [(3, 9_000_000), (1_000_000, 1_004_000), (1_007_992, 1_007_992)] {
            let (first, last) = within((i64::MIN, i64::MAX), (oldest, newest), shift);
            let count = "SELECT count(*) FROM search_flows WHERE flow BETWEEN ?1 AND ?2";
            let all: i64 = conn.query_row(count, (oldest, newest), |row| row.get(0)).unwrap();
            let there = format!("{count} AND slot BETWEEN ?3 AND ?4");
            let sought = (oldest, newest, first, last);
            let found: i64 = conn.query_row(&there, sought, |row| row.get(0)).unwrap();
            assert!(all > 0 && found == all, "{oldest} to {newest}");
        }
        assert_eq!(within((5, 9), (0, i64::MAX), shift), (5, 9));
        for (order, position) in [
            (Order::NewestFirst, None),
            (Order::OldestFirst, None),
            (Order::NewestFirst, Some(1_004_000)),
            (Order::OldestFirst, Some(1_004_000)),
            (Order::NewestFirst, Some(900_000)),
        ] {
            let (first, last) = bounds(position, order, shift);
            let sql = format!(
                "SELECT slot, flow FROM search_flows WHERE slot BETWEEN ?1 AND ?2
                 ORDER BY slot {}",
                order.words().1
            );
            let mut statement = conn.prepare(&sql).unwrap();
            let mut rows = statement.query((first, last)).unwrap();
            let (mut reorder, mut read) = (Reorder::new(order, shift), Vec::new());
            while let Some(row) = rows.next().unwrap() {
                reorder.put(row.get(1).unwrap(), ());
                while let Some((flow, ())) = reorder.next(row.get(0).unwrap()) {
                    read.push(flow);
                }
            }
            read.extend(std::iter::from_fn(|| reorder.rest()).map(|(flow, ())| flow));
            let beyond = |flow: &i64| match (position, order) {
                (None, _) => true,
                (Some(before), Order::NewestFirst) => *flow < before,
                (Some(after), Order::OldestFirst) => *flow > after,
            };
            read.retain(beyond);
            let mut wanted: Vec<i64> = flows.iter().copied().filter(beyond).collect();
            if matches!(order, Order::NewestFirst) {
                wanted.reverse();
            }
            assert_eq!(read, wanted, "{order:?} from {position:?}");
        }
    }
}
