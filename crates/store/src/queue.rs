//! The writer's queue: bounded in records and bytes, never blocking the sender, waking the writer
//! once per batch and not once per record.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use langley_model::{EventSpan, Flow, Record, Redacted, Strain};
use parking_lot::{Condvar, Mutex};

use crate::packed::{Benches, Item, Packed, worth_packing};
use crate::writer::{Command, Job};

/// A transaction takes at most this much, so that its memory and its repetition stay small.
const TRANSACTION_BYTES: usize = 8 << 20;
const TRANSACTION_ITEMS: usize = 4096;

/// When waiting for more company ends early.
const EARLY_BYTES: usize = 2 << 20;
const EARLY_ITEMS: usize = 1024;

/// How often the log may tell that the queue fills up; each time is counted.
const WARN_AGAIN: Duration = Duration::from_secs(60);

/// Limits of a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
    /// Longest wait of a record, and of one that is not urgent.
    pub(crate) batch: Duration,
    pub(crate) event_batch: Duration,
}

/// The queue.
pub(crate) struct Queue {
    limits: Limits,
    benches: Benches,
    state: Mutex<State>,
    work: Condvar,
    settled: Condvar,
    closed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Parcel>,
    commands: VecDeque<Command>,
    /// Done between two batches, none of which they make come sooner.
    jobs: VecDeque<Job>,
    /// Including what is being written.
    items: usize,
    bytes: usize,
    high_items: usize,
    high_bytes: usize,
    /// Whether it was more than 80 % full since it was last less than half full.
    strained: bool,
    strains: u64,
    /// When the log last told of it: a flood fills the queue many times a second.
    warned: Option<Instant>,
    /// Oldest arrival among what is being written.
    writing_since: Option<Instant>,
    /// When the waiting records must be written.
    due: Option<Instant>,
    /// When the writer will wake by itself; none while it sleeps without a limit.
    wakes: Option<Instant>,
    asleep: bool,
    /// Senders that are packing what was accepted of them.
    packing: usize,
    submitted: u64,
    settled: u64,
    flush_to: u64,
    closing: bool,
    gone: bool,
}

struct Parcel {
    items: Vec<Item>,
    bytes: usize,
    arrived: Instant,
    due: Instant,
}

/// A sender that packs; one that fails there must not be waited for.
struct Accepted<'a>(&'a Queue);

impl Drop for Accepted<'_> {
    fn drop(&mut self) {
        self.0.state.lock().packing -= 1;
        self.0.work.notify_one();
    }
}

/// What the writer takes at once.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) items: Vec<Item>,
    pub(crate) commands: Vec<Command>,
    pub(crate) job: Option<Job>,
    /// The queue was more than half full: speed counts before room on the disk.
    pub(crate) hurry: bool,
    /// More waits than a writer that gives way to everybody would write soon.
    pub(crate) pressed: bool,
    bytes: usize,
}

/// Figures of the queue.
pub(crate) struct Depth {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
    pub(crate) high_items: usize,
    pub(crate) high_bytes: usize,
    pub(crate) lag: Duration,
    pub(crate) strain: Strain,
    pub(crate) strains: u64,
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            benches: Benches::default(),
            state: Mutex::new(State::default()),
            work: Condvar::new(),
            settled: Condvar::new(),
            closed: Condvar::new(),
        }
    }

    /// Takes the records over, or hands them back when there is no room. Never blocks.
    ///
    /// An empty queue takes any batch, so that one larger than the limits cannot be stuck for ever.
    /// Long runs of events are packed here, by the sender; room is asked for them as they come.
    pub(crate) fn submit(
        &self,
        records: Vec<Redacted<Record>>,
    ) -> Result<(), Vec<Redacted<Record>>> {
        if records.is_empty() {
            return Ok(());
        }
        let bytes: usize = records.iter().map(|record| record_weight(record)).sum();
        let urgent = records.iter().any(|record| urgent(record));
        let arrived = Instant::now();
        let wait = if urgent { self.limits.batch } else { self.limits.event_batch };
        let due = arrived + wait;
        let pressed = self.is_pressed(&self.state.lock());
        let flows = worth_packing(&records, pressed);
        let mut state = self.state.lock();
        let is_full = state.items + records.len() > self.limits.items
            || state.bytes + bytes > self.limits.bytes;
        if state.closing || state.gone || (state.items > 0 && is_full) {
            return Err(records);
        }
        let (batch, bytes) = if flows.is_empty() {
            (records.into_iter().map(Item::Record).collect(), bytes)
        } else {
            // The writer does not end before what was accepted has come.
            state.packing += 1;
            let hurry = self.is_crowded(&state);
            drop(state);
            let accepted = Accepted(self);
            let batch = self.benches.pack(records, &flows, hurry);
            let bytes = batch.iter().map(weight).sum();
            state = self.state.lock();
            state.packing -= 1;
            std::mem::forget(accepted);
            if state.gone {
                tracing::error!(
                    items = batch.len(),
                    "the writer ended while a batch was packed for it"
                );
                return Ok(());
            }
            (batch, bytes)
        };
        let (items, total) = (state.items + batch.len(), state.bytes + bytes);
        state.items = items;
        state.bytes = total;
        state.high_items = state.high_items.max(items);
        state.high_bytes = state.high_bytes.max(total);
        state.submitted += batch.len() as u64;
        state.due = Some(state.due.map_or(due, |earlier| earlier.min(due)));
        state.waiting.push_back(Parcel { items: batch, bytes, arrived, due });
        let begins = !state.strained && self.strain(&state) > Strain::Calm;
        if begins {
            state.strained = true;
            state.strains += 1;
        }
        let warns =
            begins && state.warned.is_none_or(|at| arrived.duration_since(at) >= WARN_AGAIN);
        if warns {
            state.warned = Some(arrived);
        }
        let sooner = state.wakes.is_none_or(|wakes| due < wakes);
        if state.asleep && (sooner || self.ready(&state, arrived)) {
            state.asleep = false;
            drop(state);
            self.work.notify_one();
        } else {
            drop(state);
        }
        if warns {
            tracing::warn!(
                records = items,
                bytes = total,
                "more than 80 % of the room for the database's writer is taken; what finds none waits in the \
                 recorder, and is dropped and counted where that has none either"
            );
        }
        Ok(())
    }

    /// Asks the writer to do something between two batches, after all that waits now.
    pub(crate) fn command(&self, command: Command) -> bool {
        let mut state = self.state.lock();
        if state.closing || state.gone {
            return false;
        }
        state.commands.push_back(command);
        self.work.notify_one();
        true
    }

    /// Asks the writer to do a small piece of work when no batch is due, or else after the next one.
    pub(crate) fn job(&self, job: Job) -> bool {
        let mut state = self.state.lock();
        if state.closing || state.gone {
            return false;
        }
        state.jobs.push_back(job);
        self.work.notify_one();
        true
    }

    /// For the writer: waits for a batch that is due, or a job; none when the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Taken> {
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            if self.ready(&state, now) {
                let mut taken = self.collect(&mut state);
                taken.job = state.jobs.pop_front();
                return Some(taken);
            }
            if let Some(job) = state.jobs.pop_front().filter(|_| !state.closing) {
                return Some(Taken { job: Some(job), ..Taken::default() });
            }
            if state.closing && state.waiting.is_empty() && state.packing == 0 {
                return None;
            }
            state.wakes = state.due;
            state.asleep = true;
            match state.due {
                Some(due) => drop(self.work.wait_until(&mut state, due)),
                None => self.work.wait(&mut state),
            }
            state.asleep = false;
        }
    }

    fn ready(&self, state: &State, now: Instant) -> bool {
        if !state.commands.is_empty() {
            return true;
        }
        if state.waiting.is_empty() {
            return false;
        }
        // A quarter of a small limit comes first: a queue must be emptied before it is full, and one that
        // nearly is does not wait for company.
        let early_items = EARLY_ITEMS.min(self.limits.items / 4);
        let early_bytes = EARLY_BYTES.min(self.limits.bytes / 4);
        state.closing
            || state.flush_to > state.settled
            || state.items >= early_items
            || state.bytes >= early_bytes
            || state.due.is_some_and(|due| due <= now)
    }

    fn strain(&self, state: &State) -> Strain {
        let items = Strain::of(state.items, self.limits.items);
        items.max(Strain::of(state.bytes, self.limits.bytes))
    }

    /// What finds no room is lost; room on the disk comes back.
    const fn is_crowded(&self, state: &State) -> bool {
        state.bytes > self.limits.bytes / 2
    }

    /// More waits than a writer that gives way to everybody would write soon.
    const fn is_pressed(&self, state: &State) -> bool {
        state.bytes > self.limits.bytes / 4 || state.items > self.limits.items / 4
    }

    fn collect(&self, state: &mut State) -> Taken {
        let mut taken = Taken {
            hurry: self.is_crowded(state),
            pressed: self.is_pressed(state),
            ..Taken::default()
        };
        while let Some(parcel) = state.waiting.front() {
            let fits = taken.bytes + parcel.bytes <= TRANSACTION_BYTES
                && taken.items.len() + parcel.items.len() <= TRANSACTION_ITEMS;
            if !fits && !taken.items.is_empty() {
                break;
            }
            let Some(parcel) = state.waiting.pop_front() else { break };
            state.writing_since.get_or_insert(parcel.arrived);
            taken.bytes += parcel.bytes;
            if taken.items.is_empty() {
                taken.items = parcel.items;
            } else {
                taken.items.extend(parcel.items);
            }
        }
        state.due = state.waiting.iter().map(|parcel| parcel.due).min();
        if state.waiting.is_empty() {
            taken.commands = state.commands.drain(..).collect();
        }
        taken
    }

    /// For the writer: what was taken is committed, or given up.
    pub(crate) fn settle(&self, items: usize, taken_bytes: usize) {
        let mut state = self.state.lock();
        state.items = state.items.saturating_sub(items);
        state.bytes = state.bytes.saturating_sub(taken_bytes);
        state.settled += items as u64;
        if state.items < self.limits.items / 2 && state.bytes < self.limits.bytes / 2 {
            state.strained = false;
        }
        state.writing_since = None;
        if state.items == 0 && state.waiting.capacity() > 256 {
            state.waiting = VecDeque::new();
        }
        drop(state);
        self.settled.notify_all();
    }

    /// Waits until all that was submitted so far is committed or given up; `false` when the writer
    /// has ended before.
    pub(crate) fn flush(&self) -> bool {
        let mut state = self.state.lock();
        let target = state.submitted;
        while state.settled < target {
            if state.gone {
                return false;
            }
            state.flush_to = state.flush_to.max(target);
            self.work.notify_one();
            self.settled.wait(&mut state);
        }
        true
    }

    /// For the writer: waits before a repetition; `false` at once when the queue is closed.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.closing {
            self.closed.wait_for(&mut state, pause);
        }
        !state.closing
    }

    /// Takes no more; the writer ends when it has written what waits.
    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.work.notify_all();
        self.closed.notify_all();
    }

    /// For the writer's end, whatever way it came.
    pub(crate) fn gone(&self) {
        let mut state = self.state.lock();
        state.gone = true;
        state.waiting.clear();
        state.commands.clear();
        state.jobs.clear();
        drop(state);
        self.settled.notify_all();
    }

    pub(crate) fn depth(&self) -> Depth {
        let state = self.state.lock();
        let waiting = state.waiting.front().map(|parcel| parcel.arrived);
        let oldest = state.writing_since.or(waiting);
        Depth {
            items: state.items,
            bytes: state.bytes,
            high_items: state.high_items,
            high_bytes: state.high_bytes,
            strain: self.strain(&state),
            strains: state.strains,
            lag: oldest.map_or(Duration::ZERO, |since| since.elapsed()),
        }
    }
}

impl Taken {
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Whether someone waits to see it: not the events of a stream, nor the progress of an open flow.
fn urgent(record: &Record) -> bool {
    match record {
        Record::Events(_) => false,
        Record::Flow(flow) => flow.outcome.is_some() || flow.event_count == 0,
        _ => true,
    }
}

/// About how many bytes an item holds.
pub(crate) fn weight(item: &Item) -> usize {
    match item {
        Item::Record(record) => record_weight(record),
        Item::Block(block) => block.bytes.len() + 48 * block.kinds.len() + size_of::<Packed>(),
    }
}

fn record_weight(record: &Record) -> usize {
    let payload = match record {
        Record::Flow(flow) => {
            // Its other texts are some ten short ones.
            let preview = flow.preview.as_ref().map_or(0, String::len);
            size_of::<Flow>() + 512 + flow.path.len() + preview
        }
        Record::Headers(headers) => headers.lines.as_bytes().len(),
        Record::Body(body) => body.bytes.len() + size_of_val(&*body.pieces),
        Record::Events(run) => run.text.len() + run.spans.capacity() * size_of::<EventSpan>() + 128,
        Record::Message(_, message) => message.weight(),
        Record::Tunnel(_) | Record::Drop(_) | Record::Loss(..) => 0,
    };
    payload + 128
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::tests::answered;

    #[test]
    fn answered_events_come_as_blocks_once_much_waits() {
        let wait = Duration::from_secs(60);
        let limits = Limits { items: 1000, bytes: 400_000, batch: wait, event_batch: wait };
        let queue = Queue::new(limits);
        for expected in [[2, 0], [2, 0], [1, 1]] {
            assert!(queue.submit(answered(60_000)).is_ok());
            let state = queue.state.lock();
            let items = &state.waiting.back().unwrap().items;
            let blocks = items.iter().filter(|item| matches!(item, Item::Block(_))).count();
            assert_eq!([items.len() - blocks, blocks], expected);
        }
    }
}
