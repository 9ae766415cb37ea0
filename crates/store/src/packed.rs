//! Long runs of events are made into blocks on the thread that brings them: there may be several such
//! threads, but there is one writer, and a block takes a tenth of the room in its queue.

use std::collections::{HashMap, HashSet};

use langley_model::{EventRun, FlowId, Record, Redacted};
use parking_lot::Mutex;

use crate::codec::event_block::{BlockBuilder, FULL_BYTES};
use crate::codec::pack::{Effort, Packer};
use crate::kinds::Counts;

/// Events of one flow in one batch that are worth a block of their own, in bytes of their data.
const WORTH_BYTES: usize = 24 * 1024;

/// The same, where their message is in the batch as well and little waits.
const ANSWERED_BYTES: usize = 256 * 1024;

/// Packers that are kept for the next batch.
const IDLE_PACKERS: usize = 4;

/// What waits for the writer.
pub(crate) enum Item {
    Record(Redacted<Record>),
    Block(Packed),
}

/// A block of events, ready to be written.
pub(crate) struct Packed {
    pub(crate) flow: FlowId,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) first_us: u64,
    pub(crate) last_us: u64,
    pub(crate) events: u64,
    /// Counts by type.
    pub(crate) kinds: Counts,
    pub(crate) raw_len: usize,
    pub(crate) codec: i64,
    pub(crate) bytes: Vec<u8>,
}

/// Packs batches, on any thread.
#[derive(Default)]
pub(crate) struct Benches(Mutex<Vec<Bench>>);

struct Bench {
    packer: Packer,
    raw: Vec<u8>,
}

impl Benches {
    /// The batch as items, the runs of `flows` packed; in a `hurry` they are only put together.
    pub(crate) fn pack(
        &self,
        records: Vec<Redacted<Record>>,
        flows: &HashSet<FlowId>,
        hurry: bool,
    ) -> Vec<Item> {
        let idle = self.0.lock().pop();
        let mut bench = idle.unwrap_or_else(|| Bench { packer: Packer::new(), raw: Vec::new() });
        bench.packer.exert(if hurry { Effort::None } else { Effort::All });
        let mut open: HashMap<FlowId, BlockBuilder> = HashMap::new();
        let mut items = Vec::with_capacity(records.len());
        for record in records {
            match run_of(&record).filter(|(flow, _)| flows.contains(flow)) {
                None => items.push(Item::Record(record)),
                Some((flow, run)) => {
                    let block = open.entry(flow).or_default();
                    let mut at = (0, 0);
                    while at.0 < run.spans.len() {
                        at = block.fill(run, at);
                        if block.raw_len() >= FULL_BYTES {
                            items.push(Item::Block(bench.seal(flow, block)));
                            block.clear();
                        }
                    }
                }
            }
        }
        let left = open.into_iter().filter(|(_, block)| !block.is_empty());
        items.extend(left.map(|(flow, block)| Item::Block(bench.seal(flow, &block))));
        bench.packer.rest();
        if bench.raw.capacity() > 4 * FULL_BYTES {
            bench.raw = Vec::new();
        }
        let mut benches = self.0.lock();
        if benches.len() < IDLE_PACKERS {
            benches.push(bench);
        }
        items
    }
}

impl Bench {
    fn seal(&mut self, flow: FlowId, block: &BlockBuilder) -> Packed {
        block.encode(&mut self.raw);
        let (codec, bytes) = self.packer.pack(&self.raw);
        Packed {
            flow,
            first_seq: block.first_seq,
            last_seq: block.last_seq,
            first_us: block.first_us,
            last_us: block.last_us,
            events: block.events,
            kinds: block.counts(),
            raw_len: self.raw.len(),
            codec,
            bytes: bytes.to_vec(),
        }
    }
}

/// The flows whose runs in a batch are worth packing. Short ones that come with their message are left
/// to the writer, who packs them against it; not when it is `pressed`, because then it packs nothing so.
pub(crate) fn worth_packing(records: &[Redacted<Record>], pressed: bool) -> HashSet<FlowId> {
    let mut lengths: HashMap<FlowId, usize> = HashMap::new();
    let mut answered = HashSet::new();
    for record in records {
        if let Some((flow, run)) = run_of(record) {
            *lengths.entry(flow).or_default() += run.text.len();
        }
        if !pressed && let Record::Message(flow, _) = &**record {
            answered.insert(*flow);
        }
    }
    let worth = |flow: &FlowId, bytes: usize| {
        bytes >= if answered.contains(flow) { ANSWERED_BYTES } else { WORTH_BYTES }
    };
    lengths.into_iter().filter(|(flow, bytes)| worth(flow, *bytes)).map(|(flow, _)| flow).collect()
}

/// The run that a record is, with its flow.
fn run_of(record: &Record) -> Option<(FlowId, &EventRun)> {
    match record {
        Record::Events(run) if !run.spans.is_empty() => Some((run.flow?, run)),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use langley_model::{EventSpan, Redactor, RedactorOptions};

    use super::*;

    /// An event of so many bytes, and its flow's message.
    pub(crate) fn answered(bytes: u32) -> Vec<Redacted<Record>> {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let flow = FlowId::new();
        let mut run = EventRun::new(flow);
        run.text.append(&redactor.body(vec![b'.'; bytes as usize]));
        let (len, original_len) = (bytes, bytes);
        run.spans.push(EventSpan { seq: 0, offset_us: 0, kind: 0, len, original_len });
        let message = Record::Message(flow, Box::default());
        [Record::Events(run), message].map(|record| redactor.seal(record)).into()
    }

    #[test]
    fn answered_events_are_left_to_the_writer_while_it_has_time() {
        let (worth, answered_worth) = (WORTH_BYTES as u32, ANSWERED_BYTES as u32);
        for (bytes, calm, pressed) in
            [(worth - 1, 0, 0), (worth, 0, 1), (answered_worth - 1, 0, 1), (answered_worth, 1, 1)]
        {
            let batch = answered(bytes);
            assert_eq!(worth_packing(&batch, false).len(), calm, "{bytes}");
            assert_eq!(worth_packing(&batch, true).len(), pressed, "{bytes}");
        }
    }
}
