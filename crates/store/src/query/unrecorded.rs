//! Flows that passed and of which nothing is stored: known by the rows about what was dropped of them.

use std::time::{Duration, Instant};

use langley_model::{DropReason, Micros};
use rusqlite::Connection;

use crate::error::StoreError;
use crate::store::Store;

/// How far they are counted one by one.
const COUNTED: u64 = 10_000;

/// Flows that have no row, though rows about drops name or count them. What is older than those rows are kept is
/// forgotten; flows that were deleted are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unrecorded {
    /// So many.
    pub flows: u64,
    /// Whether there may be more: losses beyond a bound are summed without their flows.
    pub more: bool,
    /// When the last of them was given up.
    pub last_at: Option<Micros>,
}

impl Store {
    /// Flows that passed and are not recorded at all. Where nothing was ever dropped, nothing is read.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn unrecorded(&self) -> Result<Unrecorded, StoreError> {
        let dropped: u64 = self.counters().drops.iter().map(|(_, count)| count).sum();
        if dropped == 0 {
            return Ok(Unrecorded::default());
        }
        let known = *self.last_unrecorded().lock();
        if let Some(known) = known.filter(|known| known.dropped == dropped && known.is_fresh()) {
            return Ok(known.told);
        }
        let since = Instant::now();
        let told = self.readers().read(|conn| Ok(unrecorded(conn)?))?;
        let known = Known { told, dropped, since, took: since.elapsed() };
        *self.last_unrecorded().lock() = Some(known);
        Ok(told)
    }
}

/// An answer that took long, because many rows name flows: it is asked for each second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    told: Unrecorded,
    /// How much was dropped until then.
    dropped: u64,
    since: Instant,
    took: Duration,
}

/// What takes no longer is asked for anew.
const QUICK: Duration = Duration::from_millis(50);

impl Known {
    /// Whether it still holds: a hundredth of the time may go into it.
    fn is_fresh(&self) -> bool {
        self.took > QUICK && self.since.elapsed() < 100 * self.took
    }
}

pub(super) fn unrecorded(conn: &Connection) -> rusqlite::Result<Unrecorded> {
    let mut found = Unrecorded::default();
    // Newest first would need an order of its own: the index has them by flow.
    let mut named = conn.prepare_cached(
        "SELECT max(at) FROM drops WHERE flow_id IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM flows WHERE flows.flow_id = drops.flow_id)
         GROUP BY flow_id LIMIT ?1",
    )?;
    let mut rows = named.query([i64::try_from(COUNTED + 1).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        found.flows += 1;
        found.last_at = found.last_at.max(Some(Micros(row.get(0)?)));
    }
    if found.flows > COUNTED {
        (found.flows, found.more) = (COUNTED, true);
    }
    let mut summed = conn.prepare_cached(
        "SELECT reason, sum(count), max(at) FROM drops WHERE flow_id IS NULL GROUP BY reason",
    )?;
    let mut rows = summed.query(())?;
    while let Some(row) = rows.next()? {
        match DropReason::parse(row.get_ref(0)?.as_str()?) {
            // Each is a flow that was refused whole.
            Some(DropReason::TooManyOpenFlows) => {
                found.flows += row.get::<_, i64>(1)?.cast_unsigned();
                found.last_at = found.last_at.max(Some(Micros(row.get(2)?)));
            }
            Some(DropReason::WriteFailed) if found.flows > 0 => found.more = true,
            _ => {}
        }
    }
    Ok(found)
}
