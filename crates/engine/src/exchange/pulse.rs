//! When the events of a streamed answer came: its first token, its last one, and how long it stood still.

use langley_model::{Flow, Tick};

use crate::stream::Stream;

/// What was seen of a stream when it was last looked at.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    events: u64,
    spoken: u64,
    /// When the last event came.
    last: Option<Tick>,
}

impl Pulse {
    /// Notes in the flow, which began at `opened`, what `stream` has read by `at`; whether the first token was
    /// in it.
    pub(super) fn beat(
        &mut self,
        flow: &mut Flow,
        stream: &Stream,
        opened: Tick,
        at: Tick,
    ) -> bool {
        if stream.seen() > self.events {
            self.events = stream.seen();
            self.pause(flow, at);
            self.last = Some(at);
        }
        let is_first = self.spoken == 0 && stream.spoken() > 0;
        if is_first {
            flow.ttft = Some(at.since(opened));
        }
        if stream.spoken() > self.spoken {
            self.spoken = stream.spoken();
            flow.ttlt = Some(at.since(opened));
        }
        forget(flow);
        is_first
    }

    /// The answer is over: one that never went on stood still until then.
    pub(super) fn rest(&self, flow: &mut Flow, at: Tick) {
        self.pause(flow, at);
        forget(flow);
    }

    fn pause(&self, flow: &mut Flow, at: Tick) {
        if let Some(last) = self.last {
            flow.stall = flow.stall.max(Some(at.since(last)));
        }
    }
}

/// Takes back what was told of an answer that was not captured whole, however it ends: nobody knows what came
/// meanwhile.
pub(super) const fn forget(flow: &mut Flow) {
    if flow.response_gap.chunks > 0 {
        flow.ttlt = None;
        flow.stall = None;
    }
}
