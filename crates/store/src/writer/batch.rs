//! A batch, sorted by flow: the row of a flow is written once, whatever happened to it in between.

use std::collections::HashMap;
use std::sync::Arc;

use langley_model::{
    Body, Drop as Dropped, EventRun, Flow, FlowId, HeaderBlock, Loss, Message, Record, Side, Tunnel,
};

use crate::packed::{Item, Packed};

/// All that a batch says about one flow; of several states the last one counts.
#[derive(Default)]
pub(super) struct Touched<'a> {
    pub(super) flow: Option<&'a Arc<Flow>>,
    /// Request headers and trailers, response headers and trailers.
    pub(super) heads: [Option<&'a HeaderBlock>; 4],
    /// Request, response.
    pub(super) bodies: [Option<&'a Body>; 2],
    pub(super) message: Option<&'a Message>,
    /// What was given up, for its row to say.
    pub(super) loss: Option<Loss>,
    /// In the order of the events.
    pub(super) events: Vec<Events<'a>>,
}

/// Events of a flow: as they came, or as a block.
#[derive(Clone, Copy)]
pub(super) enum Events<'a> {
    Run(&'a EventRun),
    Block(&'a Packed),
}

impl Events<'_> {
    fn first_seq(&self) -> Option<u64> {
        match self {
            Self::Run(run) => run.spans.first().map(|span| span.seq),
            Self::Block(block) => Some(block.first_seq),
        }
    }

    /// Position of the last one.
    pub(super) fn last_seq(&self) -> Option<u64> {
        match self {
            Self::Run(run) => run.spans.last().map(|span| span.seq),
            Self::Block(block) => Some(block.last_seq),
        }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u64 {
        match self {
            Self::Run(run) => run.spans.len() as u64,
            Self::Block(block) => block.events,
        }
    }

    /// Bytes of their data, or of what is left of it in a block.
    const fn bytes(&self) -> usize {
        match self {
            Self::Run(run) => run.text.len(),
            Self::Block(block) => block.bytes.len(),
        }
    }
}

/// A batch by flow, in order of first mention.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) flows: Vec<(FlowId, Touched<'a>)>,
    pub(super) tunnels: Vec<&'a Tunnel>,
    pub(super) drops: Vec<&'a Dropped>,
}

impl<'a> Batch<'a> {
    /// That the row of a flow is to say this.
    pub(super) fn of_loss(flow: FlowId, loss: Loss) -> Self {
        let touched = Touched { loss: Some(loss), ..Touched::default() };
        Self { flows: vec![(flow, touched)], ..Self::default() }
    }

    pub(super) fn sort(items: &'a [Item]) -> Self {
        let mut batch = Self::default();
        let Self { flows, tunnels, drops } = &mut batch;
        let mut places: HashMap<FlowId, usize> = HashMap::with_capacity(items.len());
        let mut touch = |id: FlowId, change: &mut dyn FnMut(&mut Touched<'a>)| {
            let place = *places.entry(id).or_insert_with(|| {
                flows.push((id, Touched::default()));
                flows.len() - 1
            });
            change(&mut flows[place].1);
        };
        let mut has_blocks = false;
        for item in items {
            let record = match item {
                Item::Record(record) => record,
                Item::Block(block) => {
                    has_blocks = true;
                    touch(block.flow, &mut |it| it.events.push(Events::Block(block)));
                    continue;
                }
            };
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
                Record::Loss(id, loss) => {
                    touch(*id, &mut |it| it.loss.get_or_insert_default().add(loss));
                }
                Record::Events(run) => {
                    if let Some(id) = run.flow
                        && !run.spans.is_empty()
                    {
                        touch(id, &mut |it| it.events.push(Events::Run(run)));
                    }
                }
                Record::Tunnel(tunnel) => tunnels.push(tunnel),
                Record::Drop(dropped) => drops.push(dropped),
            }
        }
        if has_blocks {
            // What is left of a batch's last block stands behind the runs that came after it.
            for (_, touched) in &mut batch.flows {
                touched.events.sort_by_key(Events::first_seq);
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
        let events: u64 = self.events.iter().map(Events::count).sum();
        (heads + bodies + usize::from(self.message.is_some())) as u64 + events
    }

    /// Payload bytes in here.
    pub(super) fn bytes(&self) -> u64 {
        let heads: usize = self.heads.iter().flatten().map(|head| head.as_bytes().len()).sum();
        let bodies: usize = self.bodies.iter().flatten().map(|body| body.bytes.len()).sum();
        let events: usize = self.events.iter().map(Events::bytes).sum();
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
