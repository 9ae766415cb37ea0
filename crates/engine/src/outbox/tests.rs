//! What waits before the store, when the store takes nothing.

use langley_model::{ConnectionId, EventRun, EventSpan, Flow, RedactorOptions};

use super::*;

/// A store that takes nothing.
struct Full;

impl RecordSink for Full {
    fn submit(&self, batch: Vec<Redacted<Record>>) -> Result<(), Vec<Redacted<Record>>> {
        Err(batch)
    }
}

/// The events of a call with many small blocks.
fn run(redactor: &Redactor, flow: FlowId, blocks: u64) -> EventRun {
    let mut run = EventRun::new(flow);
    let parts = ["content_block_start", "content_block_delta", "content_block_stop"];
    let inner = (0..blocks).flat_map(|_| parts);
    let kinds = ["message_start"].into_iter().chain(inner);
    for (seq, kind) in (0..).zip(kinds.chain(["message_delta", "message_stop"])) {
        let kind = run.kind(kind);
        run.text.append(&redactor.body(vec![b'x'; 100]));
        run.spans.push(EventSpan { seq, offset_us: seq, kind, len: 100, original_len: 100 });
    }
    run
}

#[test]
fn block_starts_go_before_usage_and_endings_and_what_went_is_counted() {
    let redactor = Redactor::new(RedactorOptions::default()).unwrap();
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
    let run = run(&redactor, flow.id, 50);
    let sent = run.spans.len() as u64;
    flow.event_count = sent;
    let id = flow.id;
    // Room for the flow's row and a few events, not for those that start and end blocks.
    let mut outbox = Outbox::new(Arc::new(Full), 100, 4_000);
    let records = [Record::Events(run), Record::Flow(Arc::new(flow))];
    outbox.put(Some(id), records.into_iter().map(|record| redactor.seal(record)).collect());
    let mut lost = 0;
    outbox.trim(&redactor, &mut |flow, what| {
        let only = Loss { events: what.parts.events, ..Loss::default() };
        assert_eq!((flow, *what), (id, Lost { parts: only, state: false }));
        lost += what.parts.events;
        false
    });
    let (mut kept, mut told) = (Vec::new(), 0);
    for record in outbox.groups.iter().flat_map(|group| &group.records) {
        match &**record {
            Record::Events(run) => kept.extend(run.iter().map(|(_, kind, _)| kind.to_owned())),
            Record::Flow(flow) => told = flow.dropped_events,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kept, ["message_start", "message_delta", "message_stop"]);
    assert_eq!(kept.len() as u64 + lost, sent, "sent = stored + dropped");
    assert_eq!(told, lost);
    assert_eq!(outbox.figures().events_dropped, lost);
    let rows = outbox.losses.take(&redactor, Micros(2));
    let counted: u64 = rows
        .iter()
        .map(|row| match &**row {
            Record::Drop(row) => {
                assert_eq!((row.flow, row.reason), (Some(id), DropReason::WriterQueueFull));
                row.count
            }
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(counted, lost);
}

/// Records of an ended flow, which nobody else has any more, and what is handed over once they were given up.
fn given_up(room: usize) -> (Vec<Redacted<Record>>, FlowId) {
    let redactor = Redactor::new(RedactorOptions::default()).unwrap();
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
    flow.outcome = Some(langley_model::Outcome::Completed);
    let id = flow.id;
    let body = langley_model::Body {
        flow: id,
        side: langley_model::Side::Client,
        bytes: redactor.body(vec![b'x'; 3_000]),
        media_type: None,
        original_len: 3_000,
        truncated: false,
        pieces: Vec::new(),
    };
    let mut outbox = Outbox::new(Arc::new(Full), 100, room);
    let records = [Record::Body(body), Record::Flow(Arc::new(flow))];
    outbox.put(Some(id), records.into_iter().map(|record| redactor.seal(record)).collect());
    outbox.trim(&redactor, &mut |_, _| false);
    let waiting = std::mem::take(&mut outbox.groups).into_iter().flat_map(|it| it.records);
    (waiting.chain(outbox.losses.take(&redactor, Micros(2))).collect(), id)
}

#[test]
fn a_body_that_is_given_up_is_told_by_the_state_that_waits() {
    let (left, _) = given_up(2_000);
    let [Record::Flow(flow), Record::Drop(_)] = [&*left[0], &*left[1]] else { panic!("{left:?}") };
    assert!(flow.body_truncated);
    assert_eq!((flow.request_gap.chunks, flow.request_gap.bytes), (1, 3_000));
    assert_eq!(left.len(), 2);
}

#[test]
fn the_end_of_a_flow_that_is_given_up_is_told_once_the_store_takes_something_again() {
    let (left, id) = given_up(500);
    let owed: Vec<_> = left
        .iter()
        .filter_map(|record| match &**record {
            Record::Loss(flow, loss) => Some((*flow, loss.end, loss.body)),
            _ => None,
        })
        .collect();
    assert_eq!(owed, [(id, true, true)]);
}
