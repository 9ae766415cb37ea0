//! What was given up of a flow on its way to the record, for its row to say.

use crate::capture::Gap;
use crate::flow::Flow;
use crate::http::Side;
use crate::id::FlowId;
use crate::note::add_note;
use crate::record::Record;

/// What is said of a flow whose parts were given up.
const NOT_STORED: &str = "a part of it could not be stored";

/// What was given up of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Stream events.
    pub events: u64,
    /// Headers and bodies of the request.
    pub request: Gap,
    /// Headers and bodies of the answer, and the assembled message.
    pub response: Gap,
    /// Whether a body is among it.
    pub body: bool,
    /// Whether its last state is: how it ended is not known.
    pub end: bool,
}

impl Loss {
    /// What goes with a record, and the flow it is of; of a flow's row the end, if it says that.
    #[must_use]
    pub fn of(record: &Record) -> Option<(FlowId, Self)> {
        let part = |side: Side, bytes: usize| {
            let gap = Gap { chunks: 1, bytes: bytes as u64 };
            match side {
                Side::Client => Self { request: gap, ..Self::default() },
                Side::Upstream => Self { response: gap, ..Self::default() },
            }
        };
        Some(match record {
            Record::Flow(flow) => (flow.id, Self { end: !flow.is_open(), ..Self::default() }),
            Record::Headers(headers) => {
                (headers.flow, part(headers.side, headers.lines.as_bytes().len()))
            }
            Record::Body(body) => {
                (body.flow, Self { body: true, ..part(body.side, body.bytes.len()) })
            }
            Record::Events(run) => {
                (run.flow?, Self { events: run.spans.len() as u64, ..Self::default() })
            }
            Record::Message(flow, message) => (*flow, part(Side::Upstream, message.weight())),
            Record::Loss(flow, loss) => (*flow, *loss),
            Record::Tunnel(_) | Record::Drop(_) => return None,
        })
    }

    /// Whether nothing was given up.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what was given up as well.
    pub const fn add(&mut self, more: &Self) {
        self.events += more.events;
        add(&mut self.request, more.request);
        add(&mut self.response, more.response);
        self.body |= more.body;
        self.end |= more.end;
    }

    /// What of it is beyond `told`.
    #[must_use]
    pub const fn beyond(&self, told: &Self) -> Self {
        Self {
            events: self.events.saturating_sub(told.events),
            request: less(self.request, told.request),
            response: less(self.response, told.response),
            body: self.body,
            end: self.end,
        }
    }

    /// Has a flow say it, all but how it ended.
    pub fn mark(&self, flow: &mut Flow) {
        flow.dropped_events += self.events;
        add(&mut flow.request_gap, self.request);
        add(&mut flow.response_gap, self.response);
        flow.body_truncated |= self.body;
        if self.request.chunks + self.response.chunks > 0 {
            add_note(&mut flow.decode_note, NOT_STORED);
        }
    }
}

const fn add(gap: &mut Gap, more: Gap) {
    gap.chunks += more.chunks;
    gap.bytes += more.bytes;
}

const fn less(gap: Gap, told: Gap) -> Gap {
    Gap {
        chunks: gap.chunks.saturating_sub(told.chunks),
        bytes: gap.bytes.saturating_sub(told.bytes),
    }
}
