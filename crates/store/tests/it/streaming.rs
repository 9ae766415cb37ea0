//! Stream events come back as they were, however they arrived and wherever a page begins.

use langley_model::{FlowId, Micros, Outcome};
use langley_store::{Store, StoredEvent};
use proptest::prelude::*;

use crate::given::{Fixture, data, ended, flow, kind, of, run};

fn blocks(fixture: &Fixture) -> Vec<(i64, i64)> {
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    let mut statement =
        conn.prepare("SELECT raw_len, events FROM event_blocks ORDER BY flow, first_seq").unwrap();
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn all(store: &Store, id: FlowId, limit: usize) -> Vec<StoredEvent> {
    let (mut after, mut events) = (None, Vec::new());
    loop {
        let page = store.events(id, after, limit, None).unwrap().unwrap().into_inner();
        events.extend(page.items);
        match page.next_after {
            Some(next) => after = Some(next),
            None => return events,
        }
    }
}

fn check(events: &[StoredEvent], len: usize) {
    for (seq, event) in (0_u64..).zip(events) {
        assert_eq!(event.seq, seq);
        assert_eq!(event.offset_us, seq * 1000);
        assert_eq!(event.kind, kind(seq));
        assert_eq!(event.data, data(seq, len));
        assert_eq!(event.original_len as usize, event.data.len() + 3);
    }
}

#[test]
fn a_page_may_begin_and_end_anywhere() {
    let fixture = Fixture::new();
    let flow = ended(1);
    // Seven blocks of some 290 events each.
    fixture.write(vec![of(&flow), run(flow.id, 0, 2000, 220)]);
    assert_eq!(blocks(&fixture).len(), 7);
    let boundaries = blocks(&fixture).into_iter().scan(0, |sum, (_, events)| {
        *sum += events.cast_unsigned();
        Some(*sum)
    });
    for boundary in boundaries.collect::<Vec<_>>() {
        for after in [boundary.saturating_sub(2), boundary - 1, boundary] {
            let page = fixture.store.events(flow.id, Some(after), 3, None).unwrap().unwrap();
            let seqs: Vec<u64> = page.items.iter().map(|event| event.seq).collect();
            let expected: Vec<u64> = (after + 1..(after + 4).min(2000)).collect();
            assert_eq!(seqs, expected, "after {after}");
            assert_eq!(page.total, 2000);
        }
    }
    for limit in [1, 7, 290, 500] {
        let events = all(&fixture.store, flow.id, limit);
        assert_eq!(events.len(), 2000);
        check(&events, 220);
    }
    assert!(fixture.store.events(FlowId::new(), None, 10, None).unwrap().is_none());
}

#[test]
fn one_type_alone_can_be_read() {
    let fixture = Fixture::new();
    let flow = ended(1);
    fixture.write(vec![of(&flow), run(flow.id, 0, 1000, 100)]);
    let pings = fixture.store.events(flow.id, Some(9), 500, Some("ping")).unwrap().unwrap();
    let seqs: Vec<u64> = pings.items.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (19..1000).step_by(10).collect::<Vec<u64>>());
    assert_eq!(pings.total, 100);
    for unknown in ["unknown", "", "\"", "$.ping", "ping\""] {
        let page = fixture.store.events(flow.id, None, 10, Some(unknown)).unwrap().unwrap();
        assert!(page.items.is_empty(), "{unknown}");
    }
}

#[test]
fn a_slow_stream_does_not_make_a_row_per_event() {
    let fixture = Fixture::new();
    let mut flow = flow(1);
    fixture.write(vec![of(&flow)]);
    for seq in 0..600 {
        fixture.write(vec![run(flow.id, seq, 1, 220)]);
    }
    // Two blocks, and pieces of 4 KB that wait to become one.
    let open = blocks(&fixture);
    assert!(open.len() <= 18, "{open:?}");
    check(&all(&fixture.store, flow.id, 500), 220);

    flow.outcome = Some(Outcome::Completed);
    fixture.write(vec![of(&flow)]);
    assert_eq!(blocks(&fixture).len(), 2);
    let events = all(&fixture.store, flow.id, 500);
    assert_eq!(events.len(), 600);
    check(&events, 220);
    assert_eq!(fixture.store.counters().events_total, 600);
}

#[test]
fn committed_events_of_an_open_flow_survive_a_kill() {
    let fixture = Fixture::new();
    let flow = flow(1);
    fixture.write(vec![of(&flow)]);
    for first in 0..20 {
        fixture.write(vec![run(flow.id, first * 10, 10, 220)]);
    }
    let after = fixture.after_a_kill();
    let events = all(&after.store, flow.id, 500);
    assert_eq!(events.len(), 200);
    check(&events, 220);
    let lost = after.store.flow(flow.id).unwrap().unwrap();
    assert_eq!(lost.outcome, Some(Outcome::Lost));
    assert!(lost.reason.is_some());
    assert_eq!(lost.event_count, 200);
    assert_eq!(lost.ended_at, Some(Micros(flow.started_at.0 + 199_000)), "at its last event");
    assert_eq!(lost.duration, None, "how long it would have taken is not known");
    let counters = after.store.counters();
    assert_eq!((counters.lost_flows_at_open, counters.open_flows), (1, 0));
}

#[test]
fn events_that_were_counted_but_not_committed_before_a_kill_are_told_as_dropped() {
    let fixture = Fixture::new();
    let mut ahead = flow(1);
    ahead.event_count = 9;
    let mut bare = flow(2);
    bare.event_count = 3;
    bare.dropped_events = 1;
    fixture.write(vec![of(&ahead), run(ahead.id, 0, 4, 30), of(&bare)]);
    let after = fixture.after_a_kill();
    let dropped = |id| after.store.flow(id).unwrap().unwrap().dropped_events;
    assert_eq!((dropped(ahead.id), dropped(bare.id)), (5, 3));
    // Nobody takes them for events whose time was up.
    assert!(!after.store.retired(bare.id).unwrap().events);
}

#[test]
fn the_writer_counts_events_that_the_flow_does_not_know_of_yet() {
    let fixture = Fixture::new();
    let flow = flow(1);
    fixture.write(vec![of(&flow)]);
    fixture.write(vec![run(flow.id, 0, 42, 10)]);
    assert_eq!(fixture.store.flow(flow.id).unwrap().unwrap().event_count, 42);
    assert_eq!(fixture.heard.lock().last().unwrap().flow.event_count, 42);
}

#[test]
fn a_flood_between_trickles_keeps_its_place() {
    let fixture = Fixture::new();
    let mut flow = flow(1);
    fixture.write(vec![of(&flow), run(flow.id, 0, 7, 220)]);
    fixture.write(vec![run(flow.id, 7, 3, 220)]);
    // Long runs become blocks before they are queued; what is short stands before and behind them.
    fixture.write(vec![
        run(flow.id, 10, 5, 220),
        run(flow.id, 15, 700, 220),
        run(flow.id, 715, 5, 220),
    ]);
    fixture.write(vec![run(flow.id, 720, 4, 220)]);
    fixture.write(vec![run(flow.id, 724, 300, 220)]);
    fixture.write(vec![run(flow.id, 1024, 6, 220)]);
    let events = all(&fixture.store, flow.id, 100);
    assert_eq!(events.len(), 1030);
    check(&events, 220);
    flow.outcome = Some(Outcome::Completed);
    fixture.write(vec![of(&flow)]);
    let events = all(&fixture.store, flow.id, 100);
    assert_eq!(events.len(), 1030);
    check(&events, 220);
    let stored: i64 = blocks(&fixture).iter().map(|(_, events)| events).sum();
    assert_eq!(stored, 1030);
    assert_eq!(fixture.store.flow(flow.id).unwrap().unwrap().event_count, 1030);
}

#[test]
fn an_event_larger_than_a_block_is_kept_whole() {
    let fixture = Fixture::new();
    let flow = ended(1);
    fixture.write(vec![of(&flow), run(flow.id, 0, 3, 300_000)]);
    check(&all(&fixture.store, flow.id, 2), 300_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn runs_of_any_size_in_any_batches_read_back_in_order(
        batches in prop::collection::vec(
            prop::collection::vec((0..2_usize, 1..400_u64), 1..4), 1..12),
        len in 1..400_usize,
        end in any::<bool>(),
    ) {
        let fixture = Fixture::new();
        let mut flows = [flow(1), flow(2)];
        fixture.write(flows.iter().map(of).collect());
        let mut counts = [0, 0];
        for batch in batches {
            let runs = batch.into_iter().map(|(which, count)| {
                let record = run(flows[which].id, counts[which], count, len);
                counts[which] += count;
                record
            });
            fixture.write(runs.collect());
        }
        if end {
            for flow in &mut flows {
                flow.outcome = Some(Outcome::Completed);
            }
            fixture.write(flows.iter().map(of).collect());
        }
        for (flow, count) in flows.iter().zip(counts) {
            let events = all(&fixture.store, flow.id, 333);
            prop_assert_eq!(events.len() as u64, count);
            check(&events, len);
        }
        prop_assert_eq!(fixture.store.counters().events_total, counts[0] + counts[1]);
    }
}
