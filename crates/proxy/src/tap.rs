//! The tap: looks on as a flow's bytes pass, and accounts for its end.
//!
//! One [`FlowTap`] is shared by the bodies of a flow. When the last of them is gone, the flow is
//! closed with what was seen; a flow that nobody accounted for says so.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use langley_model::{
    Break, Capture, Chunk, Closed, Ending, FlowId, Gap, HeaderBlock, Interest, KEPT_TAIL, Micros,
    Opened, Part, ResponseHead, Side, Tick,
};
use parking_lot::Mutex;

use crate::observer::Observer;
use crate::refusal::Refusal;

/// Up to here a chunk is copied: a slice would keep the whole read buffer behind it alive.
const COPY_MAX: usize = 4096;

/// The sentence on a flow that Langley itself has cut.
const STOPPED: &str = "Langley stopped before the exchange ended, and its time to finish was over";

/// The tap on one flow.
pub(crate) struct FlowTap {
    flow: FlowId,
    observer: Arc<Observer>,
    /// Whether the sink took the flow; if not, nothing more is said of it.
    recording: bool,
    interest: Arc<Interest>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    request: Direction,
    response: Direction,
    status: Option<u16>,
    ending: Option<(Ending, Tick)>,
    reason: Option<String>,
    code: Option<&'static str>,
    broke: Option<Break>,
    left: Option<(Side, Tick)>,
    /// When the last of the answer was handed on: the flow has not ended before, whatever ended it.
    answered: Option<Tick>,
}

#[derive(Default)]
struct Direction {
    bytes: u64,
    gap: Gap,
    /// The last bytes since the last gap began, until something is taken again.
    tail: VecDeque<Bytes>,
    tail_bytes: usize,
    ended: bool,
}

impl FlowTap {
    /// Announces a flow.
    pub(crate) fn open(observer: &Arc<Observer>, opened: Opened) -> Arc<Self> {
        let flow = opened.flow;
        let interest = Arc::clone(&opened.interest);
        let recording = observer.sink().open(Box::new(opened));
        let observer = Arc::clone(observer);
        Arc::new(Self { flow, observer, recording, interest, state: Mutex::new(State::default()) })
    }

    /// The answer's head arrived.
    pub(crate) fn head(&self, status: u16, headers: HeaderBlock) {
        self.state.lock().status = Some(status);
        let head = Box::new(ResponseHead { status, headers });
        self.offer(Side::Upstream, Part::Head(head), 0);
    }

    /// A piece of body passed from `from` to the other side.
    pub(crate) fn data(&self, from: Side, data: &Bytes) {
        if !self.interest.wants(from) {
            self.state.lock().direction(from).bytes += data.len() as u64;
            return;
        }
        self.offer(from, Part::Data(kept(data)), data.len());
    }

    /// Trailers passed.
    pub(crate) fn trailers(&self, from: Side, trailers: HeaderBlock) {
        self.offer(from, Part::Trailers(Box::new(trailers)), 0);
    }

    /// Raw bytes passed after a protocol switch.
    pub(crate) fn frame(&self, from: Side, data: &Bytes) {
        let mut state = self.state.lock();
        state.direction(from).bytes += data.len() as u64;
        if !self.recording {
            return;
        }
        let part = Part::Data(kept(data));
        let at = Tick::now();
        if from == Side::Upstream {
            state.answered = Some(at);
        }
        let chunk = Chunk { flow: self.flow, at, part };
        if !self.observer.sink().offer(Capture::Frame(from, chunk)) {
            let gap = &mut state.direction(from).gap;
            gap.chunks += 1;
            gap.bytes += data.len() as u64;
        }
    }

    /// Bytes that have passed so far, in both directions.
    pub(crate) fn passed(&self) -> u64 {
        let state = self.state.lock();
        state.request.bytes + state.response.bytes
    }

    /// A direction ended cleanly. The answer's end is the flow's.
    pub(crate) fn end_of(&self, from: Side) {
        {
            let mut state = self.state.lock();
            let direction = state.direction(from);
            if direction.ended {
                return;
            }
            direction.ended = true;
            if from == Side::Upstream {
                state.ending.get_or_insert((Ending::Whole, Tick::now()));
            }
        }
        self.offer(from, Part::End, 0);
    }

    /// A direction ended, whole, with its connection, which broke off.
    pub(crate) fn ended_by(&self, from: Side, how: Break) {
        self.end_of(from);
        self.state.lock().broke.get_or_insert(how);
    }

    /// After a switch of protocols a side had nothing more to say at `at`, before the other side. Whether
    /// it was to say something first is for those to judge who read what it said.
    pub(crate) fn left(&self, side: Side, at: Tick) {
        let mut state = self.state.lock();
        let at = state.answered.map_or(at, |answered| answered.max(at));
        state.left = Some((side, at));
    }

    /// A side broke the flow off. The first word counts.
    pub(crate) fn broke(&self, side: Side, how: Break) {
        if self.observer.is_cutting() {
            // Neither side has gone away: it looks so because their connections are being dropped.
            return self.end_because(Ending::Unaccounted, STOPPED.to_owned());
        }
        let mut state = self.state.lock();
        if state.ending.is_none() {
            let ending = match side {
                Side::Client => Ending::ClientGone,
                Side::Upstream => Ending::UpstreamGone,
            };
            state.ending = Some((ending, Tick::now()));
            state.broke = Some(how);
        }
    }

    /// The flow ended by Langley's own hand.
    pub(crate) fn end_because(&self, ending: Ending, reason: String) {
        let mut state = self.state.lock();
        if state.ending.is_none() {
            state.ending = Some((ending, Tick::now()));
            state.reason = Some(reason);
        }
    }

    /// Langley answers in the provider's place.
    pub(crate) fn end_by(&self, refusal: &Refusal) {
        let mut state = self.state.lock();
        if state.ending.is_none() {
            state.ending = Some((refusal.ending, Tick::now()));
            state.reason = Some(refusal.message.clone());
            state.code = refusal.is_fault().then_some(refusal.code);
        }
    }

    fn offer(&self, from: Side, part: Part, bytes: usize) {
        let mut state = self.state.lock();
        state.direction(from).bytes += bytes as u64;
        if !self.recording {
            return;
        }
        let data = match &part {
            Part::Data(data) => Some(data.clone()),
            Part::Head(_) | Part::Trailers(_) | Part::End => None,
        };
        let at = Tick::now();
        if from == Side::Upstream {
            state.answered = Some(at);
        }
        let chunk = Chunk { flow: self.flow, at, part };
        let taken = self.observer.sink().offer(match from {
            Side::Client => Capture::Request(chunk),
            Side::Upstream => Capture::Response(chunk),
        });
        let direction = state.direction(from);
        if taken {
            // An end that was taken says nothing of the bytes before it.
            if data.is_some() && !direction.tail.is_empty() {
                direction.tail = VecDeque::new();
                direction.tail_bytes = 0;
            }
        } else {
            direction.gap.chunks += 1;
            direction.gap.bytes += bytes as u64;
            if let Some(data) = data {
                direction.keep(data);
            }
        }
    }
}

impl State {
    const fn direction(&mut self, from: Side) -> &mut Direction {
        match from {
            Side::Client => &mut self.request,
            Side::Upstream => &mut self.response,
        }
    }
}

impl Direction {
    fn keep(&mut self, data: Bytes) {
        let start = data.len().saturating_sub(KEPT_TAIL);
        // A copy, so that a kept slice does not hold a larger buffer.
        let data = if start > 0 { Bytes::copy_from_slice(&data[start..]) } else { data };
        self.tail_bytes += data.len();
        self.tail.push_back(data);
        while self.tail_bytes > KEPT_TAIL {
            let Some(oldest) = self.tail.pop_front() else { break };
            self.tail_bytes -= oldest.len();
            let surplus = KEPT_TAIL.saturating_sub(self.tail_bytes);
            if surplus > 0 {
                let rest = oldest.slice(oldest.len() - surplus..);
                self.tail_bytes += rest.len();
                self.tail.push_front(rest);
                break;
            }
        }
    }

    fn take_tail(&mut self) -> Option<Bytes> {
        (!self.tail.is_empty()).then(|| {
            let tail: Vec<u8> = self.tail.drain(..).flatten().collect();
            Bytes::from(tail)
        })
    }
}

impl Drop for FlowTap {
    fn drop(&mut self) {
        if !self.recording {
            return;
        }
        if self.observer.is_cutting() {
            self.end_because(Ending::Unaccounted, STOPPED.to_owned());
        }
        let state = self.state.get_mut();
        let (ending, at) = state.ending.unwrap_or((Ending::Unaccounted, Tick::now()));
        let at = state.answered.map_or(at, |answered| answered.max(at));
        self.observer.sink().close(Box::new(Closed {
            flow: self.flow,
            at,
            ended_at: Micros::now(),
            ending,
            reason: state.reason.take(),
            code: state.code,
            broke: state.broke.take(),
            left: state.left,
            request_bytes: state.request.bytes,
            response_bytes: state.response.bytes,
            request_gap: state.request.gap,
            response_gap: state.response.gap,
            request_tail: state.request.take_tail(),
            response_tail: state.response.take_tail(),
            status: state.status,
        }));
    }
}

/// A form of `data` that is safe to queue: small pieces are copied.
fn kept(data: &Bytes) -> Bytes {
    if data.len() <= COPY_MAX { Bytes::copy_from_slice(data) } else { data.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_tail_is_the_last_sixteen_kibibytes() {
        let mut direction = Direction::default();
        for byte in 0..40u8 {
            direction.keep(Bytes::from(vec![byte; 1000]));
        }
        let tail = direction.take_tail().unwrap();
        assert_eq!(tail.len(), KEPT_TAIL);
        assert_eq!(tail.last(), Some(&39));
        assert_eq!(tail[0], 23);
        direction.tail_bytes = 0;
        direction.keep(Bytes::from(vec![7; 3 * KEPT_TAIL]));
        assert_eq!(direction.take_tail().map(|tail| tail.len()), Some(KEPT_TAIL));
    }
}
