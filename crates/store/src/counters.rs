//! What the store has done so far: read often, hence kept in memory beside the totals on disk.

use std::sync::atomic::{AtomicU64, Ordering};

use langley_model::{Drop as Dropped, DropReason, Strain};
use parking_lot::Mutex;

/// Counters of the store, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreCounters {
    /// Flows committed since the file was made; deleting flows does not lower it.
    pub flows_total: u64,
    /// Stream events committed since the file was made.
    pub events_total: u64,
    /// Tunnels committed since the file was made.
    pub tunnels_total: u64,
    /// Committed flows of this process that have not ended.
    pub open_flows: u64,
    /// Those of them whose state the writer keeps in memory; the others are read back when they change.
    pub held_flows: u64,
    /// Times the state of an open flow was left to its rows, in this process.
    pub rested_flows: u64,
    /// Records waiting for the writer, those being written included.
    pub queue_items: u64,
    /// Bytes waiting for the writer, those being written included.
    pub queue_bytes: u64,
    /// Most records that ever waited, in this process.
    pub high_water_items: u64,
    /// Most bytes that ever waited, in this process.
    pub high_water_bytes: u64,
    /// How full the writer's queue is.
    pub queue_strain: Strain,
    /// Times it became more than 80 % full, in this process.
    pub queue_strains: u64,
    /// Age of the oldest record that is not committed yet, in milliseconds.
    pub writer_lag_ms: u64,
    /// Batches committed by this process.
    pub batches: u64,
    /// Repetitions of failed writes by this process.
    pub write_retries: u64,
    /// Batches given up after their repetitions by this process.
    pub batches_failed: u64,
    /// Stream events in the batches that were given up by this process.
    pub events_dropped: u64,
    /// All records in the batches that were given up by this process.
    pub records_dropped: u64,
    /// Whether the last write failed; `false` again as soon as one succeeds.
    pub failing: bool,
    /// What was dropped, by reason, since the file was made: those reported to the store and its own.
    pub drops: Vec<(DropReason, u64)>,
    /// Size of the database file in bytes.
    pub db_bytes: u64,
    /// Size of the write-ahead log in bytes.
    pub wal_bytes: u64,
    /// Unfinished flows of an earlier run, marked lost when this store was opened.
    pub lost_flows_at_open: u64,
    /// Times a flow's text could not be read when it was searched or shown, in this process.
    pub unreadable_texts: u64,
    /// Flows that could not be read when this process last listed or exported them, and that are still there;
    /// counted up to 10,000.
    pub damaged_flows: u64,
    /// The newest committed revision.
    pub revision: u64,
}

/// The same, shared between the writer and the handles.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) flows: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) tunnels: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) held: AtomicU64,
    pub(crate) rested: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) events_dropped: AtomicU64,
    pub(crate) records_dropped: AtomicU64,
    /// 1 while the last write failed.
    pub(crate) failing: AtomicU64,
    pub(crate) drops: [AtomicU64; DropReason::ALL.len()],
    /// Rows about drops that wait for a write that succeeds.
    pub(crate) unwritten: Mutex<Vec<Dropped>>,
    pub(crate) lost_at_open: AtomicU64,
    pub(crate) unreadable: AtomicU64,
    pub(crate) revision: AtomicU64,
}

impl Counters {
    pub(crate) fn set(cell: &AtomicU64, value: u64) {
        cell.store(value, Ordering::Relaxed);
    }

    pub(crate) fn add(cell: &AtomicU64, value: u64) {
        cell.fetch_add(value, Ordering::Relaxed);
    }

    /// The cell of a reason.
    pub(crate) fn dropped(&self, reason: DropReason) -> &AtomicU64 {
        &self.drops[reason as usize]
    }

    /// How much was dropped, for whatever reason.
    pub(crate) fn all_dropped(&self) -> u64 {
        self.drops.iter().map(|cell| cell.load(Ordering::Relaxed)).sum()
    }

    /// What the writer has counted; the queue's and the files' figures are added by the store.
    pub(crate) fn read(&self) -> StoreCounters {
        let of = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        StoreCounters {
            flows_total: of(&self.flows),
            events_total: of(&self.events),
            tunnels_total: of(&self.tunnels),
            open_flows: of(&self.open),
            held_flows: of(&self.held),
            rested_flows: of(&self.rested),
            batches: of(&self.batches),
            write_retries: of(&self.retries),
            batches_failed: of(&self.failed),
            events_dropped: of(&self.events_dropped),
            records_dropped: of(&self.records_dropped),
            failing: of(&self.failing) != 0,
            drops: DropReason::ALL
                .into_iter()
                .map(|reason| (reason, of(self.dropped(reason))))
                .collect(),
            lost_flows_at_open: of(&self.lost_at_open),
            unreadable_texts: of(&self.unreadable),
            revision: of(&self.revision),
            ..StoreCounters::default()
        }
    }
}
