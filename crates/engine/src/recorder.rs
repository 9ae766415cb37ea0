//! The recorder's thread: takes captures out of the intake, and hands records to the store.
//!
//! A thread of the operating system and not a task, so that decoding a large body never sits between
//! two pieces of an agent's traffic.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use langley_model::{Capture, Micros, Redactor, Tick};
use parking_lot::Mutex;

use crate::bench::Bench;
use crate::intake::{Entry, Intake, Released, share};
use crate::live::LiveFeed;
use crate::notebook::Notebook;
use crate::options::RecorderOptions;
use crate::outbox::{Outbox, RecordSink};

/// How soon the store is asked again after it took nothing.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Room is given back to the senders each time this much was worked off.
const RELEASE_ITEMS: usize = 64;
const RELEASE_BYTES: usize = 1 << 20;

/// The sentence on a flow that was open when the recorder ended.
const STOPPED: &str = "Langley stopped before the answer ended";

/// The recorder's figures; totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderStats {
    /// Flows being recorded.
    pub open_flows: usize,
    /// Captures worked off.
    pub captures_total: u64,
    /// Captures of a flow that is not open: a fault of the sender.
    pub strays_total: u64,
    /// Flows that ended with something not decoded.
    pub decode_errors: u64,
    /// Faults in decoding that were contained in their flow.
    pub panics_total: u64,
    /// Flows ended as lost because the recorder ended.
    pub flows_lost: u64,
    /// Records that the store took.
    pub records_submitted: u64,
    /// Records given up because the store took none.
    pub records_dropped: u64,
    /// Stream events given up because the store took none.
    pub events_dropped: u64,
    /// Times the store took nothing.
    pub refusals_total: u64,
    /// Bytes of records that wait for the store.
    pub backlog_bytes: usize,
    /// The most bytes that ever waited.
    pub high_water_backlog_bytes: usize,
}

/// The recorder.
#[derive(Debug)]
pub struct Recorder;

/// A running recorder. Dropping it stops the recorder without waiting; [`Self::join`] waits.
#[derive(Debug)]
pub struct RecorderHandle {
    intake: Arc<Intake>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stats: Mutex<RecorderStats>,
    stop: AtomicBool,
}

impl Recorder {
    /// Starts the recorder's thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(
        options: RecorderOptions,
        intake: Arc<Intake>,
        sink: impl RecordSink,
        redactor: Arc<Redactor>,
        live: Arc<dyn LiveFeed>,
    ) -> std::io::Result<RecorderHandle> {
        let shared = Arc::new(Shared::default());
        let outbox =
            Outbox::new(Box::new(sink), options.backlog_max_records, options.backlog_max_bytes);
        let notebook = Notebook::new(Bench::new(options, redactor, live), outbox);
        let thread = std::thread::Builder::new().name(String::from("recorder")).spawn({
            let (intake, shared) = (Arc::clone(&intake), Arc::clone(&shared));
            move || Loop { notebook, intake, shared, refused: (0, 0) }.run()
        })?;
        Ok(RecorderHandle { intake, shared, thread: Some(thread) })
    }
}

impl RecorderHandle {
    /// The present figures.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        *self.shared.stats.lock()
    }

    /// A way to read the figures that outlives the handle.
    #[must_use]
    pub fn stats_reader(&self) -> RecorderStatsReader {
        RecorderStatsReader { shared: Arc::clone(&self.shared) }
    }

    /// Closes the intake, works off what waits in it, ends the flows that are still open, and waits
    /// for the store to take everything, within [`RecorderOptions::patience`].
    pub fn join(mut self) {
        self.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the recorder ended in a panic; what it had not handed on is lost");
        }
    }

    fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.intake.close();
    }
}

impl Drop for RecorderHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads the recorder's figures.
#[derive(Clone, Debug)]
pub struct RecorderStatsReader {
    shared: Arc<Shared>,
}

impl RecorderStatsReader {
    /// The present figures.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        *self.shared.stats.lock()
    }
}

struct Loop {
    notebook: Notebook,
    intake: Arc<Intake>,
    shared: Arc<Shared>,
    /// Flows and tunnels refused by the intake, as far as they were counted.
    refused: (u64, u64),
}

impl Loop {
    fn run(mut self) {
        let mut entries = VecDeque::new();
        let mut busy = false;
        loop {
            let is_open = self.intake.take(&mut entries, busy, self.sleep());
            busy = !entries.is_empty();
            self.work_off(&mut entries);
            self.count_refused();
            self.notebook.turn(Tick::now());
            self.publish();
            if !is_open && !busy {
                break;
            }
        }
        self.end();
    }

    /// How long the recorder may sleep; none for as long as nothing happens.
    fn sleep(&self) -> Option<Duration> {
        let due = self.notebook.due_in(Tick::now());
        let again = (!self.notebook.outbox.is_empty()).then_some(ASK_AGAIN);
        match (due, again) {
            (Some(due), Some(again)) => Some(due.min(again)),
            (one, other) => one.or(other),
        }
    }

    fn work_off(&mut self, entries: &mut VecDeque<Entry>) {
        let mut done = Released::default();
        for entry in entries.drain(..) {
            if let Entry::Capture(capture) = &entry {
                let weight = Capture::weight(capture);
                done.items += 1;
                done.shares += share(weight);
                done.bytes += weight;
            }
            done.endings += usize::from(self.notebook.take(entry));
            if done.items >= RELEASE_ITEMS || done.bytes >= RELEASE_BYTES {
                self.intake.release(std::mem::take(&mut done));
            }
        }
        self.intake.release(done);
    }

    fn count_refused(&mut self) {
        let stats = self.intake.stats();
        let refused = (stats.flows_refused, stats.tunnels_refused);
        if refused != self.refused {
            self.notebook.refused(refused.0 - self.refused.0, refused.1 - self.refused.1);
            self.refused = refused;
        }
    }

    fn publish(&self) {
        let (seen, sent) = (self.notebook.figures(), self.notebook.outbox.figures());
        *self.shared.stats.lock() = RecorderStats {
            open_flows: self.notebook.open_flows(),
            captures_total: seen.captures,
            strays_total: seen.strays,
            decode_errors: seen.decode_errors,
            panics_total: seen.panics,
            flows_lost: seen.flows_lost,
            records_submitted: sent.records_submitted,
            records_dropped: sent.records_dropped,
            events_dropped: sent.events_dropped,
            refusals_total: sent.refusals,
            backlog_bytes: self.notebook.outbox.bytes(),
            high_water_backlog_bytes: sent.high_water_bytes,
        };
    }

    fn end(&mut self) {
        self.intake.shut();
        self.count_refused();
        self.notebook.end_all(Tick::now(), Micros::now(), STOPPED);
        let patience = self.notebook.bench.options.patience;
        let since = Instant::now();
        while !self.notebook.outbox.is_empty() && since.elapsed() < patience {
            std::thread::park_timeout(ASK_AGAIN);
            self.notebook.turn(Tick::now());
        }
        self.notebook.outbox.abandon();
        self.publish();
    }
}
