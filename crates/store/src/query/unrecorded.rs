//! Flows that passed and of which nothing is stored: known by the rows about what was dropped of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use langley_model::{Drop as Dropped, DropReason, Micros};
use rusqlite::Connection;

use crate::error::StoreError;
use crate::flow_row::Bytes;
use crate::store::Store;

/// How far they are counted one by one.
const COUNTED: u64 = 10_000;

/// Flows that have no row, though rows about drops name or count them. What is older than those rows are kept is
/// forgotten; flows that were deleted are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unrecorded {
    /// So many.
    pub flows: u64,
    /// Whether there may be more, also where none is known: losses beyond a bound are summed without their
    /// flows.
    pub more: bool,
    /// When the last of them, or of those sums, was given up.
    pub last_at: Option<Micros>,
}

impl Store {
    /// Flows that passed and are not recorded at all; also those about which no row could be written yet.
    /// Where nothing was ever dropped, nothing is read.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn unrecorded(&self) -> Result<Unrecorded, StoreError> {
        let counters = self.counted();
        let dropped = counters.all_dropped();
        if dropped == 0 {
            return Ok(Unrecorded::default());
        }
        let last = *self.last_unrecorded().lock();
        if let Some(last) = last.filter(|last| last.dropped == dropped && last.is_fresh()) {
            return Ok(last.told);
        }
        let since = Instant::now();
        let told = self.readers().read(|conn| {
            let mut found = in_file(conn)?;
            let unwritten = counters.unwritten.lock().clone();
            found.add_unwritten(conn, &unwritten)?;
            Ok(found)
        })?;
        let answered = Answered { told, dropped, since, took: since.elapsed() };
        *self.last_unrecorded().lock() = Some(answered);
        Ok(told)
    }
}

/// An answer that took long, because many rows name flows: it is asked for each second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    told: Unrecorded,
    /// How much was dropped until then.
    dropped: u64,
    since: Instant,
    took: Duration,
}

/// What takes no longer is asked for anew.
const QUICK: Duration = Duration::from_millis(50);

impl Answered {
    /// Whether it still holds: a hundredth of the time may go into it.
    fn is_fresh(&self) -> bool {
        self.took > QUICK && self.since.elapsed() < 100 * self.took
    }
}

impl Unrecorded {
    /// Adds what is said of no flow by its id.
    fn add_unnamed(&mut self, reason: Option<DropReason>, count: u64, at: Micros) {
        match reason {
            // Each is a flow that was refused whole.
            Some(DropReason::TooManyOpenFlows | DropReason::NoRoomForFlow) => self.flows += count,
            // Beyond a bound what several flows have lost is summed: of some that may be all.
            Some(DropReason::WriteFailed | DropReason::WriterQueueFull) => self.more = true,
            // Pieces of flows that are open, and tunnels.
            Some(DropReason::CaptureQueueFull | DropReason::TunnelLost) | None => return,
        }
        self.last_at = self.last_at.max(Some(at));
    }

    /// Adds what rows tell that are not in the file yet.
    fn add_unwritten(&mut self, conn: &Connection, rows: &[Dropped]) -> rusqlite::Result<()> {
        let mut is_known = conn.prepare_cached(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM flows WHERE flow_id = ?1)
                 OR EXISTS (SELECT 1 FROM drops WHERE flow_id = ?1)",
        )?;
        // They are in the file a moment before they are taken away here.
        let mut is_written = conn.prepare_cached(
            "SELECT 1 FROM drops WHERE flow_id IS NULL AND reason = ?1 AND at = ?2",
        )?;
        let mut named = BTreeSet::new();
        for row in rows {
            match row.flow {
                Some(flow) if is_known.exists([Bytes(flow.as_bytes())])? => {}
                Some(flow) => {
                    named.insert(flow);
                    self.last_at = self.last_at.max(Some(row.at));
                }
                None if is_written.exists((row.reason.as_str(), row.at.0))? => {}
                None => self.add_unnamed(Some(row.reason), row.count, row.at),
            }
        }
        self.flows += named.len() as u64;
        Ok(())
    }
}

/// What the file tells. Sums of earlier versions are left out: what tunnels lost is in them too.
pub(super) fn in_file(conn: &Connection) -> rusqlite::Result<Unrecorded> {
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
        "SELECT reason, sum(count), max(at) FROM drops WHERE flow_id IS NULL AND unclear IS NULL
         GROUP BY reason",
    )?;
    let mut rows = summed.query(())?;
    while let Some(row) = rows.next()? {
        let reason = DropReason::parse(row.get_ref(0)?.as_str()?);
        found.add_unnamed(reason, row.get::<_, i64>(1)?.cast_unsigned(), Micros(row.get(2)?));
    }
    Ok(found)
}
