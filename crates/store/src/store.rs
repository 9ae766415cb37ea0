//! The store's handle: cheap to clone, shared by the recorder that writes and the doors that read.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use langley_model::{DropReason, Record, Redacted, Strain};
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::connect::{self, WriterMark};
use crate::counters::{Counters, StoreCounters};
use crate::damage::{Fault, Keyed};
use crate::error::StoreError;
use crate::filter::Order;
use crate::interest::{Asking, Interest};
use crate::lost;
use crate::options::StoreOptions;
use crate::query::Answered;
use crate::queue::{Limits, Queue};
use crate::raw::RawStore;
use crate::readers::{ReadError, Readers, Reading};
use crate::schema;
use crate::search::Texts;
use crate::totals::Totals;
use crate::upkeep::Board;
use crate::writer::{Announce, Command, Manner, Patience, Site, Writer};

/// A store: one file, read and written through this handle and its clones.
///
/// When the last clone is dropped, the writer finishes what waits in the background; [`Self::close`]
/// waits for it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// For whom this handle reads; none when nobody waits.
    interest: Option<Interest>,
}

struct Inner {
    path: PathBuf,
    readers: Readers,
    counters: Arc<Counters>,
    writer: Option<Writing>,
    board: Board,
    texts: OnceLock<Arc<dyn Texts>>,
    raw: OnceLock<Arc<RawStore>>,
    /// Keys of flows that could not be read when something was done with them, at most [`DAMAGED`].
    damaged: Mutex<BTreeSet<i64>>,
    /// The last answer about flows that are not recorded at all.
    unrecorded: Mutex<Option<Answered>>,
}

/// Flows that are remembered as damaged.
const DAMAGED: usize = 10_000;

struct Writing {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store for writing and starts its writer; creates or migrates the file as needed,
    /// marks the flows that an earlier run left open as lost, and ends its tunnels.
    ///
    /// `announce` is called on the writer's thread after each commit.
    ///
    /// # Errors
    /// Everything that keeps the file from being written; nothing is deleted, and what is there
    /// stays as it is.
    pub fn open(options: StoreOptions, announce: Announce) -> Result<Self, StoreError> {
        let mut conn = connect::writer(&options)?;
        let path = options.path;
        let fail = |error| StoreError::of(error, &path);
        schema::migrate(&mut conn, &path)?;
        let mark = WriterMark::set(&path);
        let counters = Arc::new(Counters::default());
        if mark.alone {
            let lost = lost::mark(&mut conn, options.price_lost.as_ref());
            let lost = unless_damaged("flows", lost).map_err(fail)?;
            unless_damaged("tunnels", end_tunnels(&conn)).map_err(fail)?;
            Counters::set(&counters.lost_at_open, lost.unwrap_or(0));
        }
        let is_alone = mark.alone;
        mark.share();
        load(&conn, &counters).map_err(fail)?;
        let queue = Arc::new(Queue::new(Limits {
            items: options.queue_max_items,
            bytes: options.queue_max_bytes,
            batch: options.batch,
            event_batch: options.event_batch.max(options.batch),
        }));
        let patience = Patience { retry_pause: options.retry_pause, busy: options.busy_timeout };
        let writer = Writer::new(
            conn,
            path.clone(),
            Arc::clone(&queue),
            Arc::clone(&counters),
            announce,
            Manner {
                patience,
                open_flows: options.open_flows,
                checkpoint_pages: options.wal_checkpoint_pages,
            },
            mark,
        );
        let thread = std::thread::Builder::new()
            .name(String::from("store-writer"))
            .spawn(move || writer.run())
            .map_err(StoreError::Thread)?;
        let writer = Some(Writing { queue, thread: Mutex::new(Some(thread)) });
        let readers = Readers::new(path.clone(), connect::reader);
        let store = Self::of(path, readers, counters, writer);
        if is_alone {
            store.go_on_settling();
        }
        Ok(store)
    }

    /// Ends what pricing anew left undone that broke off in an earlier run. What fails is tried again at the next start.
    fn go_on_settling(&self) {
        let is_left = self.has_repriced_days();
        let done =
            is_left.and_then(|is_left| if is_left { self.settle_repriced() } else { Ok(()) });
        if let Err(error) = done {
            tracing::warn!(%error, "findings of what was priced anew cannot be brought up to date");
        }
    }

    /// Opens the store for reading only; its writer may be another process.
    ///
    /// # Errors
    /// A missing, damaged or newer file.
    pub fn open_read_only(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let readers = Readers::new(path.clone(), connect::reader_of_others);
        let counters = Arc::new(Counters::default());
        readers.read(None, |conn| {
            let found = schema::check(conn, &path)?;
            if found < schema::SCHEMA {
                return Err(StoreError::Outdated { path: path.clone(), found }.into());
            }
            Ok(load(conn, &counters)?)
        })?;
        Ok(Self::of(path, readers, counters, None))
    }

    fn of(
        path: PathBuf,
        readers: Readers,
        counters: Arc<Counters>,
        writer: Option<Writing>,
    ) -> Self {
        let inner = Inner {
            path,
            readers,
            counters,
            writer,
            board: Board::default(),
            texts: OnceLock::new(),
            raw: OnceLock::new(),
            damaged: Mutex::default(),
            unrecorded: Mutex::default(),
        };
        Self { inner: Arc::new(inner), interest: None }
    }

    /// Hands records to the writer. Never blocks.
    ///
    /// # Errors
    /// The records come back when the queue is full, the store is closed or only read.
    pub fn submit(&self, batch: Vec<Redacted<Record>>) -> Result<(), Vec<Redacted<Record>>> {
        match &self.inner.writer {
            Some(writing) => writing.queue.submit(batch),
            None => Err(batch),
        }
    }

    /// Waits until all that was submitted so far is committed, or given up and counted.
    ///
    /// # Errors
    /// The writer has ended before.
    pub fn flush(&self) -> Result<(), StoreError> {
        let written = self.inner.writer.as_ref().is_none_or(|writing| writing.queue.flush());
        if written { Ok(()) } else { Err(StoreError::Closed) }
    }

    /// Writes what waits, and ends the writer. Other clones can still read.
    pub fn close(self) {
        self.inner.readers.rest();
        if let Some(writing) = &self.inner.writer {
            writing.queue.close();
            let thread = writing.thread.lock().take();
            if thread.is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the store's writer ended by a panic");
            }
        }
    }

    /// The counters, at this moment. A read-only store reads the totals from the file anew.
    #[must_use]
    pub fn counters(&self) -> StoreCounters {
        let inner = &*self.inner;
        let mut counters = self.counted().read();
        if let Some(writing) = &inner.writer {
            let depth = writing.queue.depth();
            counters.queue_items = depth.items as u64;
            counters.queue_bytes = depth.bytes as u64;
            counters.high_water_items = depth.high_items as u64;
            counters.high_water_bytes = depth.high_bytes as u64;
            counters.queue_strain = depth.strain;
            counters.queue_strains = depth.strains;
            counters.writer_lag_ms = u64::try_from(depth.lag.as_millis()).unwrap_or(u64::MAX);
        }
        counters.damaged_flows = inner.damaged.lock().len() as u64;
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        counters.db_bytes = size(&inner.path);
        counters.wal_bytes = size(&connect::beside(&inner.path, "-wal"));
        counters
    }

    /// What was counted; of a store that another process writes, the totals of its file.
    pub(crate) fn counted(&self) -> &Counters {
        let inner = &*self.inner;
        if inner.writer.is_none() {
            // Stale figures are better than none.
            let _ = inner.readers.read(None, |conn| Ok(load(conn, &inner.counters)?));
        }
        &inner.counters
    }

    /// Whether the last write failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.inner.counters.read().failing
    }

    /// Whether flows could not be read when they were listed, in this process.
    #[must_use]
    pub fn has_damage(&self) -> bool {
        !self.inner.damaged.lock().is_empty()
    }

    /// How full the writer's queue is.
    #[must_use]
    pub fn strain(&self) -> Strain {
        let writing = self.inner.writer.as_ref();
        writing.map_or(Strain::Calm, |writing| writing.queue.depth().strain)
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Keeps a setting, after all that was submitted so far; returns when it is committed.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn put_setting(&self, key: &str, value: Redacted<String>) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.ask(|reply| Command::PutSetting { key, value, reply })
    }

    /// Takes a setting away; what it said is overwritten in the file.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn remove_setting(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.job(move |site| {
            site.conn.pragma_update(None, "secure_delete", "ON")?;
            let removed = site.conn.execute("DELETE FROM settings WHERE key = ?1", [key]);
            site.conn.pragma_update(None, "secure_delete", "OFF")?;
            removed.map(drop)
        })
    }

    /// A handle whose queries run only until the [`Asking`] is dropped: for those who may lose interest
    /// in an answer before it is found.
    pub fn asking(&self) -> (Self, Asking) {
        let interest = Interest::default();
        let store = Self { inner: Arc::clone(&self.inner), interest: Some(interest.clone()) };
        (store, Asking(interest))
    }

    pub(crate) fn readers(&self) -> Reading<'_> {
        Reading { readers: &self.inner.readers, interest: self.interest.as_ref() }
    }

    /// The last answer about flows that are not recorded at all.
    pub(crate) fn last_unrecorded(&self) -> &Mutex<Option<Answered>> {
        &self.inner.unrecorded
    }

    /// Remembers flows that could not be read, and forgets those that could.
    pub(crate) fn note_read(&self, sound: impl IntoIterator<Item = i64>, damaged: &[i64]) {
        let mut known = self.inner.damaged.lock();
        if !known.is_empty() {
            for key in sound {
                known.remove(&key);
            }
        }
        let room = DAMAGED.saturating_sub(known.len());
        known.extend(damaged.iter().take(room));
    }

    /// Runs a query that leaves out flows that cannot be read, and remembers these.
    pub(crate) fn read_sound<T>(
        &self,
        query: impl FnOnce(&Connection, &mut Vec<i64>) -> Result<T, ReadError>,
    ) -> Result<T, StoreError> {
        let mut damaged = Vec::new();
        let answer = self.readers().read(|conn| query(conn, &mut damaged));
        self.note_read([], &damaged);
        answer
    }

    /// Looks again at the flows that are remembered as damaged, after some were removed.
    pub(crate) fn look_at_damaged(&self) -> Result<(), StoreError> {
        let before: Vec<i64> = self.inner.damaged.lock().iter().copied().collect();
        if before.is_empty() {
            return Ok(());
        }
        let mut damaged = Vec::new();
        self.of_keys(&before, &mut damaged)?;
        self.note_read(before, &damaged);
        Ok(())
    }

    pub(crate) fn count_unreadable(&self) {
        Counters::add(&self.inner.counters.unreadable, 1);
    }

    pub(crate) fn reader_of_texts(&self) -> &OnceLock<Arc<dyn Texts>> {
        &self.inner.texts
    }

    /// Names the one who keeps raw bodies beside this store, for all handles of it: what waits there goes with its
    /// flow too. The first one stays.
    pub fn goes_with(&self, raw: Arc<RawStore>) {
        self.inner.raw.get_or_init(|| raw);
    }

    pub(crate) fn raw_store(&self) -> &OnceLock<Arc<RawStore>> {
        &self.inner.raw
    }

    pub(crate) fn board(&self) -> &Board {
        &self.inner.board
    }

    /// Has the writer do a small piece of work between two batches; returns what came of it.
    pub(crate) fn job<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Site<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.begin_job(work)?.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// The same, without waiting: what came of it is told where that is asked.
    pub(crate) fn begin_job<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Site<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = sync_channel(1);
        let writing = self.inner.writer.as_ref().ok_or(StoreError::Closed)?;
        let taken = writing.queue.job(Box::new(move |site| {
            let done = work(site).map_err(|error| StoreError::of(error, site.path));
            // The asker may have gone.
            let _ = reply.try_send(done);
        }));
        if taken { Ok(answer) } else { Err(StoreError::Closed) }
    }

    pub(crate) fn ask<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        let (reply, answer): (_, Receiver<Result<T, StoreError>>) = sync_channel(1);
        let writing = self.inner.writer.as_ref().ok_or(StoreError::Closed)?;
        if !writing.queue.command(command(reply)) {
            return Err(StoreError::Closed);
        }
        answer.recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(writing) = &self.writer {
            writing.queue.close();
        }
    }
}

/// What came of ending what an earlier run left open; none where damage keeps it from that, which must not keep
/// the store from being opened.
fn unless_damaged<T>(
    what: &'static str,
    ended: rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    match ended {
        Err(error) if error.is_of_one_place() => {
            tracing::error!(%error, "{what} that an earlier run left open stay open, because the record is damaged");
            Ok(None)
        }
        ended => ended.map(Some),
    }
}

/// Ends the tunnels that an earlier run left open. When is not known: at the start of the newest flow or
/// tunnel, which they outlived, so that none seems longer than it was.
fn end_tunnels(conn: &Connection) -> rusqlite::Result<usize> {
    let newest = Keyed::Flows.keys_after(conn, i64::MAX, Order::NewestFirst, 1)?;
    let newest = newest.first().copied().unwrap_or(0);
    conn.execute(
        "UPDATE tunnels SET ended_at = max(started_at,
             ifnull((SELECT max(started_at) FROM tunnels), 0), ?1)
         WHERE ended_at IS NULL",
        [newest],
    )
}

/// Brings the totals of the file into memory.
fn load(conn: &Connection, counters: &Counters) -> rusqlite::Result<()> {
    let totals = Totals::read(conn)?;
    Counters::set(&counters.flows, totals.flows);
    Counters::set(&counters.events, totals.events);
    Counters::set(&counters.tunnels, totals.tunnels);
    Counters::set(&counters.revision, totals.revision);
    for reason in DropReason::ALL {
        Counters::set(counters.dropped(reason), totals.drops[reason as usize]);
    }
    Ok(())
}
