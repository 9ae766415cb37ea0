//! A batch, sorted by flow: the row of a flow is written once, whatever happened to it in between.

use std::collections::HashMap;
use std::sync::Arc;

use langley_model::{
    Body, Drop as Dropped, EventRun, Flow, FlowId, HeaderBlock, Message, Record, Redacted, Side,
    Tunnel,
};

/// All that a batch says about one flow; of several states the last one counts.
#[derive(Default)]
pub(super) struct Touched<'a> {
    pub(super) flow: Option<&'a Arc<Flow>>,
    /// Request headers and trailers, response headers and trailers.
    pub(super) heads: [Option<&'a HeaderBlock>; 4],
    /// Request, response.
    pub(super) bodies: [Option<&'a Body>; 2],
    pub(super) message: Option<&'a Message>,
    pub(super) runs: Vec<&'a EventRun>,
}

/// A batch by flow, in order of first mention.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) flows: Vec<(FlowId, Touched<'a>)>,
    pub(super) tunnels: Vec<&'a Tunnel>,
    pub(super) drops: Vec<&'a Dropped>,
}

impl<'a> Batch<'a> {
    pub(super) fn sort(records: &'a [Redacted<Record>]) -> Self {
        let mut batch = Self::default();
        let Self { flows, tunnels, drops } = &mut batch;
        let mut places: HashMap<FlowId, usize> = HashMap::with_capacity(records.len());
        let mut touch = |id: FlowId, change: &mut dyn FnMut(&mut Touched<'a>)| {
            let place = *places.entry(id).or_insert_with(|| {
                flows.push((id, Touched::default()));
                flows.len() - 1
            });
            change(&mut flows[place].1);
        };
        for record in records {
            match &**record {
                Record::Flow(flow) => touch(flow.id, &mut |it| it.flow = Some(flow)),
                Record::Headers(headers) => {
                    let place = side_number(headers.side) * 2 + usize::from(headers.trailers);
                    touch(headers.flow, &mut |it| it.heads[place] = Some(&headers.lines));
                }
                Record::Body(body) => {
                    let place = side_number(body.side);
                    touch(body.flow, &mut |it| it.bodies[place] = Some(body));
                }
                Record::Message(id, message) => touch(*id, &mut |it| it.message = Some(message)),
                Record::Events(run) => {
                    if let Some(id) = run.flow
                        && !run.spans.is_empty()
                    {
                        touch(id, &mut |it| it.runs.push(run));
                    }
                }
                Record::Tunnel(tunnel) => tunnels.push(tunnel),
                Record::Drop(dropped) => drops.push(dropped),
            }
        }
        batch
    }
}

impl Touched<'_> {
    /// Records and events in here.
    pub(super) fn count(&self) -> u64 {
        let heads = self.heads.iter().flatten().count();
        let bodies = self.bodies.iter().flatten().count();
        let events: usize = self.runs.iter().map(|run| run.spans.len()).sum();
        (heads + bodies + usize::from(self.message.is_some()) + events) as u64
    }

    /// Payload bytes in here.
    pub(super) fn bytes(&self) -> u64 {
        let heads: usize = self.heads.iter().flatten().map(|head| head.as_bytes().len()).sum();
        let bodies: usize = self.bodies.iter().flatten().map(|body| body.bytes.len()).sum();
        let events: usize = self.runs.iter().map(|run| run.text.len()).sum();
        (heads + bodies + events) as u64
    }
}

/// Place of a side: request, response.
const fn side_number(side: Side) -> usize {
    match side {
        Side::Client => 0,
        Side::Upstream => 1,
    }
}
