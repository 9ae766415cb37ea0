//! What goes to the store, and what is given up when the store cannot keep up.
//!
//! Records of one flow that belong together travel together, so that a reader never finds a flow
//! ended and its answer missing. While the store takes nothing, they wait here, up to a bound; beyond
//! it the least worthy go first, oldest first, of the flow that holds most of them: deltas and pings,
//! then events that neither tell usage nor end anything, then those, then bodies, and headers and
//! messages only when nothing else is left. A flow's own row goes last. Every loss is counted by flow.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use langley_model::{DropReason, FlowId, Loss, Micros, Record, Redacted, Redactor};

use crate::losses::Losses;
use crate::worth::{Worth, droppable, weight, without};

/// Where records go. The store is one; a test's own is another.
pub trait RecordSink: Send + Sync + 'static {
    /// Takes the batch, or hands all of it back when there is no room. Must not block.
    ///
    /// # Errors
    /// The batch, when it was not taken.
    fn submit(&self, batch: Vec<Redacted<Record>>) -> Result<(), Vec<Redacted<Record>>>;
}

impl RecordSink for langley_store::Store {
    fn submit(&self, batch: Vec<Redacted<Record>>) -> Result<(), Vec<Redacted<Record>>> {
        Self::submit(self, batch)
    }
}

/// A batch is not made larger than this, so that it fits a queue that has some room.
const BATCH_RECORDS: usize = 512;
const BATCH_BYTES: usize = 1 << 20;

/// What a flow lost on its way to the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) parts: Loss,
    /// Whether a state of it is among it: the store may not know the flow.
    pub(crate) state: bool,
}

/// The queue before the store's queue.
pub(crate) struct Outbox {
    sink: Arc<dyn RecordSink>,
    groups: VecDeque<Group>,
    records: usize,
    bytes: usize,
    max_records: usize,
    max_bytes: usize,
    pub(crate) losses: Losses,
    figures: OutboxFigures,
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutboxFigures {
    pub(crate) records_submitted: u64,
    pub(crate) records_dropped: u64,
    pub(crate) events_dropped: u64,
    pub(crate) refusals: u64,
    pub(crate) high_water_bytes: usize,
}

struct Group {
    flow: Option<FlowId>,
    records: Vec<Redacted<Record>>,
    bytes: usize,
    /// When it came.
    since: Instant,
}

impl Outbox {
    pub(crate) fn new(sink: Arc<dyn RecordSink>, max_records: usize, max_bytes: usize) -> Self {
        Self {
            sink,
            groups: VecDeque::new(),
            records: 0,
            bytes: 0,
            max_records,
            max_bytes,
            losses: Losses::default(),
            figures: OutboxFigures::default(),
        }
    }

    /// Adds records that belong together.
    pub(crate) fn put(&mut self, flow: Option<FlowId>, records: Vec<Redacted<Record>>) {
        if records.is_empty() {
            return;
        }
        let bytes = records.iter().map(|record| weight(record)).sum();
        self.records += records.len();
        self.bytes += bytes;
        self.figures.high_water_bytes = self.figures.high_water_bytes.max(self.bytes);
        self.groups.push_back(Group { flow, records, bytes, since: Instant::now() });
    }

    /// How long the first that waits has waited.
    pub(crate) fn lag(&self) -> Duration {
        self.groups.front().map_or(Duration::ZERO, |group| group.since.elapsed())
    }

    /// Bytes that wait.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether something waits for the store.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.losses.is_empty()
    }

    pub(crate) const fn figures(&self) -> OutboxFigures {
        self.figures
    }

    /// Hands everything to the store until it takes no more. Returns whether it took all.
    pub(crate) fn send(&mut self, redactor: &Redactor) -> bool {
        while !self.groups.is_empty() {
            if !self.send_batch() {
                self.figures.refusals += 1;
                return false;
            }
        }
        if self.groups.capacity() > 1_024 {
            self.groups = VecDeque::new();
        }
        if !self.losses.is_empty() {
            let losses = self.losses.take(redactor, Micros::now());
            self.put(None, losses);
            return self.send_batch();
        }
        true
    }

    /// Gives up what is beyond the bounds. Calls `lost` with what each flow lost, to hear whether its state will be
    /// written again.
    pub(crate) fn trim(
        &mut self,
        redactor: &Redactor,
        lost: &mut dyn FnMut(FlowId, &Lost) -> bool,
    ) {
        if self.records <= self.max_records && self.bytes <= self.max_bytes {
            return;
        }
        self.forget_old_states();
        // Down to seven eighths, so that the next record does not start it all over.
        let goal = Bounds {
            records: self.max_records - self.max_records / 8,
            bytes: self.max_bytes - self.max_bytes / 8,
        };
        // What states that wait say of flows of which no other state will come.
        let mut told = HashMap::new();
        for worth in [
            Worth::MinorEvents,
            Worth::PlainEvents,
            Worth::Events,
            Worth::Bodies,
            Worth::HeadersAndMessages,
            Worth::All,
        ] {
            self.trim_worth(worth, &goal, redactor, &mut told, lost);
        }
    }

    /// Gives everything up, because the store will take nothing any more.
    pub(crate) fn abandon(&mut self) {
        let (mut flows, mut events) = (HashSet::new(), 0);
        let (records, bytes) = (self.records, self.bytes);
        for group in self.groups.drain(..) {
            flows.extend(group.flow);
            for record in &group.records {
                self.figures.records_dropped += 1;
                if let Record::Events(run) = &**record {
                    events += run.spans.len() as u64;
                }
            }
        }
        self.figures.events_dropped += events;
        (self.records, self.bytes) = (0, 0);
        let untold = self.losses.len();
        if records > 0 || untold > 0 {
            tracing::error!(
                records,
                bytes,
                events,
                flows = flows.len(),
                untold,
                "the store takes nothing any more: what waited for it is not recorded; free disk space, or look \
                 for what holds the file"
            );
        }
    }

    fn send_batch(&mut self) -> bool {
        let mut batch = Vec::new();
        let mut bounds = Vec::new();
        let mut bytes = 0;
        while let Some(group) = self.groups.front() {
            let grown = batch.len() + group.records.len();
            if !bounds.is_empty() && (grown > BATCH_RECORDS || bytes + group.bytes > BATCH_BYTES) {
                break;
            }
            let Some(group) = self.groups.pop_front() else { break };
            bytes += group.bytes;
            bounds.push((group.flow, group.records.len(), group.bytes, group.since));
            if batch.is_empty() {
                batch = group.records;
            } else {
                batch.extend(group.records);
            }
        }
        let count = batch.len();
        match self.sink.submit(batch) {
            Ok(()) => {
                self.records -= count;
                self.bytes -= bytes;
                self.figures.records_submitted += count as u64;
                true
            }
            Err(mut batch) => {
                for (flow, records, bytes, since) in bounds.into_iter().rev() {
                    let records = batch.split_off(batch.len().saturating_sub(records));
                    self.groups.push_front(Group { flow, records, bytes, since });
                }
                false
            }
        }
    }

    /// Of several states of a flow only the last one counts.
    fn forget_old_states(&mut self) {
        let mut newer: HashMap<FlowId, Redacted<Record>> = HashMap::new();
        for group in self.groups.iter_mut().rev() {
            for record in group.records.iter_mut().rev() {
                let Record::Flow(flow) = &**record else { continue };
                match newer.get(&flow.id) {
                    // The place of the first is kept: the store must know a flow before its parts.
                    Some(last) => *record = last.clone(),
                    None => drop(newer.insert(flow.id, record.clone())),
                }
            }
        }
        let mut known = HashSet::new();
        for group in &mut self.groups {
            group.records.retain(|record| match &**record {
                Record::Flow(flow) => known.insert(flow.id),
                _ => true,
            });
        }
        self.recount();
    }

    fn trim_worth(
        &mut self,
        worth: Worth,
        goal: &Bounds,
        redactor: &Redactor,
        told: &mut HashMap<FlowId, Loss>,
        lost: &mut dyn FnMut(FlowId, &Lost) -> bool,
    ) {
        if self.is_within(goal) {
            return;
        }
        let mut holdings: HashMap<Option<FlowId>, Holding> = HashMap::new();
        for (index, group) in self.groups.iter().enumerate() {
            let holding = holdings.entry(group.flow).or_default();
            holding.groups.push(index);
            holding.bytes +=
                group.records.iter().map(|record| droppable(record, worth)).sum::<usize>();
        }
        let mut fattest: Vec<_> = holdings.into_iter().filter(|(_, held)| held.bytes > 0).collect();
        fattest.sort_by_key(|(flow, held)| (std::cmp::Reverse(held.bytes), *flow));
        for (flow, holding) in fattest {
            let mut gone = Lost::default();
            for &index in &holding.groups {
                if self.is_within(goal) {
                    break;
                }
                self.thin(index, worth, redactor, &mut gone);
            }
            if let Some(flow) = flow
                && gone != Lost::default()
            {
                let is_told = self.correct(&holding.groups, &gone.parts, redactor);
                let is_open = lost(flow, &gone);
                if !is_open {
                    let told = told.entry(flow).or_default();
                    told.add(&gone.parts);
                    // What the state said that went is to be said all the same.
                    if !is_told {
                        self.losses.owe(flow, &std::mem::take(told));
                    }
                }
            }
            if self.is_within(goal) {
                break;
            }
        }
        self.groups.retain(|group| !group.records.is_empty());
    }

    /// Drops what is worth no more than `worth` from one group, and adds it to what is `gone`.
    fn thin(&mut self, index: usize, worth: Worth, redactor: &Redactor, gone: &mut Lost) {
        let Some(group) = self.groups.get_mut(index) else { return };
        let (mut events, mut records, mut count, mut bytes) = (0, 0, 0, 0);
        let mut kept = Vec::with_capacity(group.records.len());
        for record in std::mem::take(&mut group.records) {
            if droppable(&record, worth) == 0 {
                kept.push(record);
                continue;
            }
            let before = weight(&record);
            gone.state |= matches!(&*record, Record::Flow(_));
            if !matches!(&*record, Record::Events(_))
                && let Some((_, part)) = Loss::of(&record)
            {
                gone.parts.add(&part);
            }
            match record.into_inner() {
                Record::Events(run) => {
                    let (rest, dropped) = without(&run, worth);
                    events += dropped;
                    count += dropped;
                    let rest = redactor.seal(Record::Events(rest));
                    let empty = matches!(&*rest, Record::Events(run) if run.spans.is_empty());
                    bytes += before - if empty { 0 } else { weight(&rest) };
                    if empty {
                        records += 1;
                    } else {
                        kept.push(rest);
                    }
                }
                _ => {
                    records += 1;
                    count += 1;
                    bytes += before;
                }
            }
        }
        let flow = group.flow;
        group.records = kept;
        group.bytes -= bytes;
        self.records -= records;
        self.bytes -= bytes;
        self.figures.records_dropped += records as u64;
        self.figures.events_dropped += events;
        // Of what belongs to no flow only tunnels are dropped.
        let reason = flow.map_or(DropReason::TunnelLost, |_| DropReason::WriterQueueFull);
        self.losses.add(flow, reason, count, bytes as u64);
        gone.parts.events += events;
    }

    /// Has the last waiting state among these groups of one flow say what it lost; whether there is one.
    fn correct(&mut self, groups: &[usize], lost: &Loss, redactor: &Redactor) -> bool {
        for &index in groups.iter().rev() {
            let Some(group) = self.groups.get_mut(index) else { continue };
            for record in group.records.iter_mut().rev() {
                if let Record::Flow(flow) = &**record {
                    let mut flow = Arc::clone(flow);
                    lost.mark(Arc::make_mut(&mut flow));
                    *record = redactor.seal(Record::Flow(flow));
                    return true;
                }
            }
        }
        false
    }

    const fn is_within(&self, goal: &Bounds) -> bool {
        self.records <= goal.records && self.bytes <= goal.bytes
    }

    fn recount(&mut self) {
        for group in &mut self.groups {
            group.bytes = group.records.iter().map(|record| weight(record)).sum();
        }
        self.groups.retain(|group| !group.records.is_empty());
        self.records = self.groups.iter().map(|group| group.records.len()).sum();
        self.bytes = self.groups.iter().map(|group| group.bytes).sum();
    }
}

/// What a flow holds in the queue.
#[derive(Default)]
struct Holding {
    groups: Vec<usize>,
    bytes: usize,
}

struct Bounds {
    records: usize,
    bytes: usize,
}

#[cfg(test)]
mod tests;
