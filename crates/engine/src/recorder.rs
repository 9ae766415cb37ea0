//! The recorder's threads: each takes the captures of its lane out of the intake, and hands records
//! to the store.
//!
//! Threads of the operating system and not tasks, so that decoding a large body never sits between two
//! pieces of an agent's traffic. More than one, because an agent's flood is carried by several threads
//! too: each of the two sides gets its share of the processors.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use langley_model::{Capture, Courtesy, DropReason, Micros, Redactor, Tick};
use parking_lot::Mutex;

use crate::bench::Bench;
use crate::chains::{Chains, Rules};
use crate::intake::{Entry, Intake, Released, share};
use crate::live::LiveFeed;
use crate::notebook::Notebook;
use crate::options::RecorderOptions;
use crate::outbox::{Outbox, RecordSink};
use crate::project::Projects;

/// How soon the store is asked again after it took nothing.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Bytes of records that wait for the store before the recorder rests, and how long it does.
const BACKLOG: usize = 1 << 20;
const REST: Duration = Duration::from_millis(2);

/// Rests in a row. What is shown live, and endings, do not wait for a store that takes nothing.
const RESTS: u32 = 25;

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
    /// Captures of the intake that were worked off; what came of them has gone to the store, or waits
    /// in the backlog.
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
    /// Flows that Langley refused.
    pub refusals_total: u64,
    /// Times the store took nothing.
    pub store_refusals_total: u64,
    /// Bytes of records that wait for the store.
    pub backlog_bytes: usize,
    /// The most bytes that ever waited.
    pub high_water_backlog_bytes: usize,
    /// How long the first of them has waited.
    pub backlog_lag: Duration,
    /// Threads of the recorder that ended in a fault. What belongs to their lanes is no longer
    /// recorded, until Langley is started again.
    pub threads_failed: usize,
}

impl RecorderStats {
    fn add(&mut self, other: &Self) {
        self.open_flows += other.open_flows;
        self.captures_total += other.captures_total;
        self.strays_total += other.strays_total;
        self.decode_errors += other.decode_errors;
        self.panics_total += other.panics_total;
        self.flows_lost += other.flows_lost;
        self.records_submitted += other.records_submitted;
        self.records_dropped += other.records_dropped;
        self.events_dropped += other.events_dropped;
        self.refusals_total += other.refusals_total;
        self.store_refusals_total += other.store_refusals_total;
        self.backlog_bytes += other.backlog_bytes;
        self.high_water_backlog_bytes += other.high_water_backlog_bytes;
        self.backlog_lag = self.backlog_lag.max(other.backlog_lag);
        self.threads_failed += other.threads_failed;
    }
}

/// The recorder.
#[derive(Debug)]
pub struct Recorder;

/// A running recorder. Dropping it stops the recorder without waiting; [`Self::join`] waits.
#[derive(Debug)]
pub struct RecorderHandle {
    intake: Arc<Intake>,
    reader: RecorderStatsReader,
    threads: Vec<JoinHandle<()>>,
}

impl Recorder {
    /// Starts a thread for each lane of `intake`. What `options` bounds is divided among them.
    ///
    /// # Errors
    /// When the system gives no thread; those that were started end.
    pub fn spawn(
        mut options: RecorderOptions,
        intake: Arc<Intake>,
        sink: impl RecordSink,
        redactor: &Arc<Redactor>,
        live: &Arc<dyn LiveFeed>,
    ) -> std::io::Result<RecorderHandle> {
        let lanes = intake.lanes();
        options.bodies_max_bytes /= lanes;
        let (records, bytes) =
            (options.backlog_max_records / lanes, options.backlog_max_bytes / lanes);
        let sink: Arc<dyn RecordSink> = Arc::new(sink);
        let shared = (0..lanes).map(|_| Arc::default()).collect();
        let reader = RecorderStatsReader { shared };
        let rules = Rules {
            idle_gap: options.idle_gap,
            infers_tasks: options.infers_tasks,
            key: options.inference_key,
        };
        let recalled = std::mem::take(&mut options.recalled);
        let chains = Arc::new(Mutex::new(Chains::new(rules, &recalled)));
        let projects = Projects::new(options.inference_key, &recalled);
        let shared = (chains, Arc::default(), Arc::new(Mutex::new(projects)));
        let mut handle = RecorderHandle { intake, reader, threads: Vec::with_capacity(lanes) };
        for (lane, stats) in handle.reader.shared.iter().enumerate() {
            let outbox = Outbox::new(Arc::clone(&sink), records, bytes);
            let (redactor, live) = (Arc::clone(redactor), Arc::clone(live));
            let bench = Bench::new(options.clone(), redactor, live, shared.clone());
            let (intake, stats) = (Arc::clone(&handle.intake), Arc::clone(stats));
            let notebook = Notebook::new(bench, outbox);
            let thread =
                std::thread::Builder::new().name(format!("recorder-{lane}")).spawn(move || {
                    let _farewell =
                        Farewell { intake: Arc::clone(&intake), lane, stats: Arc::clone(&stats) };
                    Loop { notebook, intake, lane, stats, refused: [0; 3], strains: 0 }.run();
                })?;
            handle.threads.push(thread);
        }
        Ok(handle)
    }
}

impl RecorderHandle {
    /// The present figures of all threads together.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        self.reader.stats()
    }

    /// A way to read the figures that outlives the handle.
    #[must_use]
    pub fn stats_reader(&self) -> RecorderStatsReader {
        self.reader.clone()
    }

    /// Closes the intake, works off what waits in it, ends the flows that are still open, and waits
    /// for the store to take everything, within [`RecorderOptions::patience`].
    pub fn join(mut self) {
        self.intake.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(
                    "a recorder thread ended in a panic; what it had not handed on is lost"
                );
            }
        }
    }
}

impl Drop for RecorderHandle {
    fn drop(&mut self) {
        self.intake.close();
    }
}

/// Reads the recorder's figures.
#[derive(Clone, Debug)]
pub struct RecorderStatsReader {
    shared: Vec<Arc<Mutex<RecorderStats>>>,
}

impl RecorderStatsReader {
    /// The present figures of all threads together.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        let mut sum = RecorderStats::default();
        for stats in &self.shared {
            sum.add(&stats.lock());
        }
        sum
    }
}

/// Shuts the lane of a thread that ends, so that its senders are told and its pieces are counted as
/// gaps, and says when it ended in a fault.
struct Farewell {
    intake: Arc<Intake>,
    lane: usize,
    stats: Arc<Mutex<RecorderStats>>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.intake.shut(self.lane);
        if std::thread::panicking() {
            self.stats.lock().threads_failed = 1;
            tracing::error!(
                lane = self.lane,
                "a recorder thread ended in a fault; traffic goes on, but a part of it is no longer \
                 recorded until Langley is started again"
            );
        }
    }
}

struct Loop {
    notebook: Notebook,
    intake: Arc<Intake>,
    lane: usize,
    stats: Arc<Mutex<RecorderStats>>,
    /// What the intake refused, as far as it was counted: flows beyond those that may be open, flows that
    /// found no room, and tunnels.
    refused: [u64; 3],
    /// Times the intake became nearly full, as far as they were logged.
    strains: u64,
}

impl Loop {
    fn run(mut self) {
        let mut entries = VecDeque::new();
        let mut busy = false;
        loop {
            let is_open = self.intake.take(self.lane, &mut entries, busy, self.sleep());
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

    /// Takes nothing more for a while when the store is behind and the intake can hold what comes: what waits there
    /// is smaller, and is given up last.
    fn rest(&mut self) {
        self.intake.rests(true);
        for _ in 0..RESTS {
            if self.notebook.outbox.bytes() <= BACKLOG || !self.intake.can_wait() {
                break;
            }
            std::thread::park_timeout(REST);
            self.notebook.turn(Tick::now());
        }
        self.intake.rests(false);
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
        let (mut done, mut unsent) = (Released::default(), 0);
        let mut courtesy = Courtesy::default();
        for entry in entries.drain(..) {
            courtesy.step(self.intake.is_pressing());
            if let Entry::Capture(capture) = &entry {
                let weight = Capture::weight(capture);
                done.items += 1;
                done.shares += share(weight);
                done.bytes += weight;
            }
            done.endings += usize::from(self.notebook.take(entry));
            if done.items >= RELEASE_ITEMS || done.bytes >= RELEASE_BYTES {
                unsent += done.bytes;
                self.intake.release(std::mem::take(&mut done));
            }
            if unsent >= RELEASE_BYTES {
                unsent = 0;
                self.notebook.turn(Tick::now());
                self.rest();
            }
        }
        self.intake.release(done);
    }

    /// Tells what the intake refused, and that it fills up, which is counted over all lanes: the first
    /// thread's task.
    fn count_refused(&mut self) {
        if self.lane > 0 {
            return;
        }
        let stats = self.intake.stats();
        if stats.strains_total != self.strains {
            self.strains = stats.strains_total;
            tracing::warn!(
                pieces = stats.items,
                bytes = stats.bytes,
                "more than 80 % of the room for what is to be recorded is taken; what finds none is a gap \
                 in its flow"
            );
        }
        let refused = [
            (DropReason::TooManyOpenFlows, stats.flows_refused),
            (DropReason::NoRoomForFlow, stats.flows_without_room),
            (DropReason::TunnelLost, stats.tunnels_refused),
        ];
        for ((reason, count), told) in refused.into_iter().zip(&mut self.refused) {
            self.notebook.refused(reason, count - std::mem::replace(told, count));
        }
    }

    fn publish(&self) {
        let (seen, sent) = (self.notebook.figures(), self.notebook.outbox.figures());
        *self.stats.lock() = RecorderStats {
            open_flows: self.notebook.open_flows(),
            captures_total: seen.captures,
            strays_total: seen.strays,
            decode_errors: seen.decode_errors,
            panics_total: seen.panics,
            flows_lost: seen.flows_lost,
            records_submitted: sent.records_submitted,
            records_dropped: sent.records_dropped,
            events_dropped: sent.events_dropped,
            refusals_total: seen.refusals,
            store_refusals_total: sent.refusals,
            backlog_bytes: self.notebook.outbox.bytes(),
            high_water_backlog_bytes: sent.high_water_bytes,
            backlog_lag: self.notebook.outbox.lag(),
            threads_failed: 0,
        };
    }

    fn end(&mut self) {
        self.intake.shut(self.lane);
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
