//! The channel from the tap to the recorder: bounded in items and bytes, and it never blocks a sender.
//!
//! A full queue refuses; the refusal becomes the flow's gap, counted here and marked at its place in
//! the flow's order, so that a decoder learns of the hole before it reads past it. What must not be
//! lost has room of its own: an opening needs only a free slot, and the slot it takes is kept until
//! the recorder has seen the flow's ending. So the queue holds at most `max_items` pieces, and two
//! entries more for each of `max_open_flows` flows.
//!
//! The bound in pieces stands for memory and work, and a small piece is little of both: one of less
//! than [`WHOLE_PIECE`] bytes counts as that part of a piece, so that a burst of small pieces has the
//! room in bytes that one of large pieces has.
//!
//! Waking a sleeping thread costs the sender a system call. So a sender wakes the recorder only when
//! it is parked with nothing to do; after that it gathers for [`GATHER`] and takes everything at once,
//! unless the queue passes a sixteenth of its bound.
//!
//! The queue has lanes, one for each thread of the recorder. All of a flow goes through one lane, in
//! order; the bounds are those of all lanes together.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use langley_model::{
    Capture, CaptureSink, Closed, FlowId, Gap, Opened, Part, Side, Strain, Tunnel,
};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::intake_stats::IntakeStats;

/// How long the recorder lets captures gather before it takes them. 10 ms keeps a steady sender below 100
/// wake-ups a second; nobody sees events come that much later, and what one wake-up costs is shared by more of
/// them.
const GATHER: Duration = Duration::from_millis(10);

/// How long a sender steps aside that is twice as far ahead as when it began to yield: that only helps threads
/// on the same processor, while a processor that has nothing to do takes over what waits for another one.
const STEP_ASIDE: Duration = Duration::from_micros(50);

/// Bytes of a piece that counts as one: what the default bounds allow on average.
const WHOLE_PIECE: usize = (64 << 20) / 10_000;

/// What a waiting piece costs beside its payload, in bytes: its entry, and the head of its buffer.
const PIECE_COST: usize = 256;

/// Room in the queue's buffers that is kept while nothing happens.
const IDLE_ENTRIES: usize = 256;

/// The queue's bounds.
#[derive(Clone, Copy, Debug)]
pub struct IntakeOptions {
    /// Captured pieces that may wait; one of less than 6,710 bytes (256 of them for the piece itself)
    /// counts as that part of a piece.
    pub max_items: usize,
    /// Bytes of captured pieces that may wait. Openings may use an eighth more.
    pub max_bytes: usize,
    /// Flows that may be open or have an ending on its way.
    pub max_open_flows: usize,
    /// Lanes, of which each has a thread of the recorder; at least 1.
    pub lanes: usize,
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self { max_items: 10_000, max_bytes: 64 << 20, max_open_flows: 16_384, lanes: 2 }
    }
}

/// Which way a piece travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// To the provider.
    Request,
    /// To the agent.
    Response,
    /// To the provider, after a protocol switch.
    FramesUp,
    /// To the agent, after a protocol switch.
    FramesDown,
}

impl Direction {
    const ALL: [Self; 4] = [Self::Request, Self::Response, Self::FramesUp, Self::FramesDown];
}

/// What the recorder takes out.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A capture.
    Capture(Capture),
    /// Pieces of this flow were refused here.
    Gap(FlowId, Direction, Gap),
}

/// Where the tap offers its observations.
#[derive(Debug)]
pub struct Intake {
    options: IntakeOptions,
    lanes: Box<[Lane]>,
    // Raised by senders under the lock, lowered by the recorder without it.
    items: AtomicUsize,
    /// Sum of the [`share`] of every item.
    shares: AtomicUsize,
    bytes: AtomicUsize,
    slots: AtomicUsize,
    /// Threads of the recorder that wait for the store.
    resting: AtomicUsize,
    /// Whether the queue was more than 80 % full since it was last less than half full.
    strained: AtomicBool,
    strains: AtomicU64,
}

/// What a piece with `weight` bytes of payload counts towards the bound in pieces, of
/// [`WHOLE_PIECE`] for a whole one.
pub(crate) fn share(weight: usize) -> usize {
    weight.saturating_add(PIECE_COST).min(WHOLE_PIECE)
}

/// Room that was given back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Released {
    pub(crate) items: usize,
    pub(crate) shares: usize,
    pub(crate) bytes: usize,
    pub(crate) endings: usize,
}

/// What waits for one thread of the recorder.
#[derive(Debug, Default)]
struct Lane {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    /// Refused pieces whose place is not yet marked in `entries`.
    gaps: HashMap<(FlowId, Direction), Gap>,
    recorder: RecorderState,
    door: Door,
    figures: IntakeStats,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum RecorderState {
    #[default]
    Working,
    /// Asleep until something arrives.
    Parked,
    /// Asleep until its clock wakes it, or the queue fills.
    Gathering,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Door {
    #[default]
    Open,
    /// Only endings come in.
    Closing,
    /// Nobody takes anything out any more.
    Shut,
}

impl Intake {
    /// An empty queue with these bounds.
    #[must_use]
    pub fn new(options: IntakeOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            lanes: (0..options.lanes.max(1)).map(|_| Lane::default()).collect(),
            items: AtomicUsize::new(0),
            shares: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            slots: AtomicUsize::new(0),
            resting: AtomicUsize::new(0),
            strained: AtomicBool::new(false),
            strains: AtomicU64::new(0),
        })
    }

    /// The present figures.
    #[must_use]
    pub fn stats(&self) -> IntakeStats {
        let mut figures = IntakeStats::default();
        for lane in &self.lanes {
            figures.add(&lane.queue.lock().figures);
        }
        figures.items = self.items.load(Ordering::Relaxed);
        figures.bytes = self.bytes.load(Ordering::Relaxed);
        figures.strain = self.strain();
        figures.strains_total = self.strains.load(Ordering::Relaxed);
        figures
    }

    /// Refuses openings and pieces from now on; endings still come in until the recorder is gone.
    pub fn close(&self) {
        for lane in &self.lanes {
            let mut queue = lane.queue.lock();
            if queue.door == Door::Open {
                queue.door = Door::Closing;
            }
            drop(queue);
            lane.arrived.notify_one();
        }
    }

    /// Number of lanes.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The lane of everything that is said of a flow.
    fn lane(&self, flow: FlowId) -> &Lane {
        // The end of an id is random (RFC 9562 §5.7).
        &self.lanes[usize::from(flow.as_bytes()[15]) % self.lanes.len()]
    }

    /// Takes everything that waits in a lane. Sleeps first: while there is nothing and `busy` is false until
    /// something arrives or `until` has passed, then (or when `busy`) for [`GATHER`]. Returns whether
    /// more can come.
    pub(crate) fn take(
        &self,
        lane: usize,
        into: &mut VecDeque<Entry>,
        busy: bool,
        until: Option<Duration>,
    ) -> bool {
        let Lane { queue, arrived } = &self.lanes[lane];
        let mut queue = queue.lock();
        if queue.entries.is_empty() && !busy && queue.door == Door::Open {
            queue.entries.shrink_to(IDLE_ENTRIES);
            into.shrink_to(IDLE_ENTRIES);
            queue.recorder = RecorderState::Parked;
            match until {
                Some(until) => drop(arrived.wait_for(&mut queue, until)),
                None => arrived.wait(&mut queue),
            }
            queue.figures.wakeups += 1;
        }
        let worth_waiting = busy || !queue.entries.is_empty();
        if worth_waiting && queue.door == Door::Open && !self.is_urgent() {
            queue.recorder = RecorderState::Gathering;
            arrived.wait_for(&mut queue, GATHER);
            queue.figures.wakeups += 1;
        }
        queue.recorder = RecorderState::Working;
        debug_assert!(into.is_empty(), "the recorder finishes a batch before it takes another");
        std::mem::swap(&mut queue.entries, into);
        queue.door == Door::Open
    }

    /// Gives back the room of entries that were worked off.
    pub(crate) fn release(&self, Released { items, shares, bytes, endings }: Released) {
        self.items.fetch_sub(items, Ordering::Relaxed);
        self.shares.fetch_sub(shares, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let fewer = |slots: usize| Some(slots.saturating_sub(endings));
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        // Always `Ok`: the closure never declines. A sender that ends a flow twice must not wrap it.
        let _ = self.slots.fetch_update(set, get, fewer);
        if self.strained.load(Ordering::Relaxed) && !self.holds_over(2) {
            self.strained.store(false, Ordering::Relaxed);
        }
    }

    /// The thread of this lane is gone: nothing will be taken out of it any more.
    pub(crate) fn shut(&self, lane: usize) {
        let mut queue = self.lanes[lane].queue.lock();
        queue.door = Door::Shut;
        queue.entries = VecDeque::new();
        queue.gaps = HashMap::new();
    }

    const fn max_shares(&self) -> usize {
        WHOLE_PIECE.saturating_mul(self.options.max_items)
    }

    fn is_urgent(&self) -> bool {
        self.holds_over(16)
    }

    fn strain(&self) -> Strain {
        let pieces = Strain::of(self.shares.load(Ordering::Relaxed), self.max_shares());
        pieces.max(Strain::of(self.bytes.load(Ordering::Relaxed), self.options.max_bytes))
    }

    /// Whether the queue holds more than this part of its bounds.
    fn holds_over(&self, part: usize) -> bool {
        self.shares.load(Ordering::Relaxed) > self.max_shares() / part
            || self.bytes.load(Ordering::Relaxed) > self.options.max_bytes / part
    }

    /// Puts `entry` in the queue, whatever its bounds, and wakes the recorder when it must be.
    fn put(&self, lane: &Lane, mut queue: MutexGuard<'_, Queue>, capture: Capture, weight: usize) {
        queue.entries.push_back(Entry::Capture(capture));
        let items = self.items.fetch_add(1, Ordering::Relaxed) + 1;
        self.shares.fetch_add(share(weight), Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(weight, Ordering::Relaxed) + weight;
        let figures = &mut queue.figures;
        figures.taken_total += 1;
        figures.high_water_items = figures.high_water_items.max(items);
        figures.high_water_bytes = figures.high_water_bytes.max(bytes);
        let wake = match queue.recorder {
            RecorderState::Working => false,
            RecorderState::Parked => true,
            RecorderState::Gathering => self.is_urgent(),
        };
        if wake {
            queue.recorder = RecorderState::Working;
        }
        drop(queue);
        if wake {
            lane.arrived.notify_one();
        }
        // Only noted here: whoever reads the figures may log it, a sender must not.
        if self.strain() > Strain::Calm && !self.strained.swap(true, Ordering::Relaxed) {
            self.strains.fetch_add(1, Ordering::Relaxed);
        }
        // So far ahead, a sender lets the recorder have the processor first, or the store that it rests for;
        // but for a store that takes ever less, the processor is not what is missing.
        let is_resting = self.resting.load(Ordering::Relaxed) > 0;
        if self.is_urgent() && !(is_resting && self.holds_over(2)) {
            if self.holds_over(8) {
                std::thread::sleep(STEP_ASIDE);
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Whether more waits than a recorder that gives way to everybody would work off soon.
    pub(crate) fn is_pressing(&self) -> bool {
        self.holds_over(64)
    }

    /// A thread of the recorder rests, or goes on.
    pub(crate) fn rests(&self, resting: bool) {
        if resting {
            self.resting.fetch_add(1, Ordering::Relaxed);
        } else {
            self.resting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether the queue is open and less than three quarters full.
    pub(crate) fn can_wait(&self) -> bool {
        let is_open = self.lanes.iter().all(|lane| lane.queue.lock().door == Door::Open);
        is_open
            && self.shares.load(Ordering::Relaxed) < self.max_shares() / 4 * 3
            && self.bytes.load(Ordering::Relaxed) < self.options.max_bytes / 4 * 3
    }

    fn has_room(&self, weight: usize) -> bool {
        self.shares.load(Ordering::Relaxed).saturating_add(share(weight)) <= self.max_shares()
            && self.bytes.load(Ordering::Relaxed).saturating_add(weight) <= self.options.max_bytes
    }
}

impl Queue {
    /// Marks refused pieces of one direction at this place in the order.
    fn mark_gap(&mut self, flow: FlowId, direction: Direction) {
        if !self.gaps.is_empty()
            && let Some(gap) = self.gaps.remove(&(flow, direction))
        {
            self.entries.push_back(Entry::Gap(flow, direction, gap));
        }
    }
}

impl CaptureSink for Intake {
    fn open(&self, opened: Box<Opened>) -> bool {
        let lane = self.lane(opened.flow);
        let capture = Capture::Opened(opened);
        let weight = capture.weight();
        let mut queue = lane.queue.lock();
        let bound = self.options.max_bytes.saturating_add(self.options.max_bytes / 8);
        let fits = self.bytes.load(Ordering::Relaxed).saturating_add(weight) <= bound;
        if queue.door != Door::Open || !fits {
            queue.figures.flows_without_room += 1;
            return false;
        }
        if self.slots.load(Ordering::Relaxed) >= self.options.max_open_flows {
            queue.figures.flows_refused += 1;
            return false;
        }
        self.slots.fetch_add(1, Ordering::Relaxed);
        queue.figures.open_flows += 1;
        self.put(lane, queue, capture, weight);
        true
    }

    fn offer(&self, capture: Capture) -> bool {
        let (direction, chunk) = match &capture {
            Capture::Request(chunk) => (Direction::Request, chunk),
            Capture::Response(chunk) => (Direction::Response, chunk),
            Capture::Frame(Side::Client, chunk) => (Direction::FramesUp, chunk),
            Capture::Frame(Side::Upstream, chunk) => (Direction::FramesDown, chunk),
            Capture::Opened(_) | Capture::Closed(_) | Capture::Tunnel(_) => {
                return self.misplaced(capture);
            }
        };
        let flow = chunk.flow;
        let weight = capture.weight();
        let lane = self.lane(flow);
        let mut queue = lane.queue.lock();
        if queue.door == Door::Open && self.has_room(weight) {
            queue.mark_gap(flow, direction);
            self.put(lane, queue, capture, weight);
            return true;
        }
        let body = match &chunk.part {
            Part::Data(data) => data.len() as u64,
            Part::Head(_) | Part::Trailers(_) | Part::End => 0,
        };
        queue.figures.gaps_total += 1;
        queue.figures.gap_bytes_total += body;
        if queue.door == Door::Open {
            let gap = queue.gaps.entry((flow, direction)).or_default();
            gap.chunks += 1;
            gap.bytes += body;
        }
        false
    }

    fn close(&self, closed: Box<Closed>) {
        let flow = closed.flow;
        let capture = Capture::Closed(closed);
        let weight = capture.weight();
        let lane = self.lane(flow);
        let mut queue = lane.queue.lock();
        queue.figures.open_flows = queue.figures.open_flows.saturating_sub(1);
        if queue.door == Door::Shut {
            return;
        }
        for direction in Direction::ALL {
            queue.mark_gap(flow, direction);
        }
        self.put(lane, queue, capture, weight);
    }

    fn tunnel(&self, tunnel: Tunnel) {
        let capture = Capture::Tunnel(Box::new(tunnel));
        let lane = &self.lanes[0];
        let mut queue = lane.queue.lock();
        if queue.door == Door::Open && self.has_room(0) {
            self.put(lane, queue, capture, 0);
        } else {
            queue.figures.tunnels_refused += 1;
        }
    }
}

impl Intake {
    /// A capture that has a method of its own, offered as if it were a piece.
    fn misplaced(&self, capture: Capture) -> bool {
        match capture {
            Capture::Opened(opened) => CaptureSink::open(self, opened),
            Capture::Closed(closed) => {
                CaptureSink::close(self, closed);
                true
            }
            Capture::Tunnel(tunnel) => {
                CaptureSink::tunnel(self, *tunnel);
                true
            }
            piece @ (Capture::Request(_) | Capture::Response(_) | Capture::Frame(..)) => {
                self.offer(piece)
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
