//! How a store is opened, resolved from the configuration by the caller.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::reprice::Reprice;

/// Options of [`crate::Store::open`].
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The database file; its folder must exist.
    pub path: PathBuf,
    /// Most records waiting for the writer, those being written included.
    pub queue_max_items: usize,
    /// Most bytes waiting for the writer, those being written included.
    pub queue_max_bytes: usize,
    /// Open flows whose state the writer keeps in memory, those touched last; the others are read back
    /// when they change.
    pub open_flows: usize,
    /// How long a record may wait for company before its transaction starts.
    pub batch: Duration,
    /// The same for stream events and the progress of open flows, which are worth more company.
    pub event_batch: Duration,
    /// How long one attempt waits for another connection's lock.
    pub busy_timeout: Duration,
    /// Pause before the first repetition of a failed write; the next ones wait 4 and 16 times that.
    pub retry_pause: Duration,
    /// Pages in the write-ahead log that trigger a checkpoint.
    pub wal_checkpoint_pages: u32,
    /// The largest size of the database file in bytes; beyond it the store behaves like a full disk.
    pub max_bytes: Option<u64>,
    /// Prices flows that an earlier run left open, by what is known of their usage; none: they stay without
    /// a cost.
    pub price_lost: Option<PriceLost>,
}

/// Makes what prices the flows that are found lost when a store is opened.
#[derive(Clone)]
pub struct PriceLost(Arc<dyn Fn() -> Reprice + Send + Sync>);

impl PriceLost {
    /// Prices by what `make` makes.
    pub fn new(make: impl Fn() -> Reprice + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(crate) fn make(&self) -> Reprice {
        (self.0)()
    }
}

impl fmt::Debug for PriceLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PriceLost")
    }
}

impl StoreOptions {
    /// The defaults of the configuration, for the file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            queue_max_items: 10_000,
            queue_max_bytes: 24 << 20,
            open_flows: 1000,
            batch: Duration::from_millis(200),
            event_batch: Duration::from_millis(500),
            busy_timeout: Duration::from_secs(5),
            retry_pause: Duration::from_millis(50),
            wal_checkpoint_pages: 1000,
            max_bytes: None,
            price_lost: None,
        }
    }
}
