//! When the disk, a lock or the queue says no: nothing blocks, everything is counted, and recording
//! resumes by itself.

use std::sync::mpsc::sync_channel;

use langley_model::{Drop as Dropped, DropReason, FlowId, Micros, Outcome, Record, Side, Strain};
use langley_store::{FlowFilter, Store, Unrecorded};
use rusqlite::Connection;

use crate::given::{Fixture, body, ended, flow, of, options, run, seal, tunnel, until};

fn failed(store: &Store) -> u64 {
    let drops = store.counters().drops;
    drops.into_iter().find(|(reason, _)| *reason == DropReason::WriteFailed).unwrap().1
}

#[test]
fn a_lock_held_too_long_costs_a_batch_which_is_counted_and_recording_resumes() {
    let fixture = Fixture::new();
    let mut streaming = flow(1);
    fixture.write(vec![of(&streaming), run(streaming.id, 0, 5, 20)]);
    let other = Connection::open(fixture.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.store.submit(seal(vec![run(streaming.id, 5, 7, 20), of(&ended(2))])).unwrap();
    fixture.store.flush().unwrap();
    let counters = fixture.store.counters();
    assert_eq!((counters.batches_failed, counters.write_retries), (1, 3));
    assert_eq!((counters.events_dropped, counters.records_dropped), (7, 2));
    assert!(counters.failing);
    assert_eq!(failed(&fixture.store), 8);
    // Readers are not concerned.
    assert_eq!(fixture.store.count_flows(&FlowFilter::default()).unwrap(), 1);

    other.execute_batch("ROLLBACK").unwrap();
    streaming.outcome = Some(Outcome::Completed);
    fixture.write(vec![run(streaming.id, 12, 3, 20), of(&streaming)]);
    let counters = fixture.store.counters();
    assert!(!counters.failing);
    assert_eq!((counters.events_total, counters.open_flows), (8, 0));
    // The flow itself says what it lost, and its other events are where they were.
    let stored = fixture.store.flow(streaming.id).unwrap().unwrap();
    assert_eq!(stored.dropped_events, 7);
    let page = fixture.store.events(streaming.id, None, 500, None).unwrap().unwrap();
    let seqs: Vec<u64> = page.items.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [0, 1, 2, 3, 4, 12, 13, 14]);
    // The rows about it came with the first write that succeeded.
    let drops = fixture.store.drops(None, 10).unwrap().items;
    let mut rows: Vec<_> = drops.iter().map(|dropped| (dropped.reason, dropped.count)).collect();
    rows.sort_by_key(|row| row.1);
    assert_eq!(rows, [(DropReason::WriteFailed, 1), (DropReason::WriteFailed, 7)]);
    // And they are counted across a restart.
    assert_eq!(failed(&fixture.after_close().store), 8);
}

#[test]
fn a_short_lock_costs_nothing() {
    let fixture = Fixture::with(|options| {
        options.retry_pause = std::time::Duration::from_millis(500);
    });
    let other = Connection::open(fixture.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.store.submit(seal(vec![of(&ended(1))])).unwrap();
    until("a repetition", || {
        fixture.store.counters().write_retries > 0 || fixture.store.counters().failing
    });
    other.execute_batch("ROLLBACK").unwrap();
    fixture.store.flush().unwrap();
    let counters = fixture.store.counters();
    assert_eq!((counters.flows_total, counters.batches_failed), (1, 0));
}

#[test]
fn a_full_disk_costs_batches_which_are_counted_and_room_lets_recording_resume() {
    let fixture = Fixture::with(|options| options.max_bytes = Some(1_000_000));
    let noise = |seed: u32| -> Vec<u8> {
        (0..15_000_u32).flat_map(|i| (i ^ seed).wrapping_mul(2_654_435_761).to_le_bytes()).collect()
    };
    let mut seed = 0;
    while fixture.store.counters().batches_failed == 0 {
        seed += 1;
        let mut flow = ended(i64::from(seed));
        flow.user_agent = Some(format!("agent/{seed}"));
        fixture.write(vec![of(&flow), body(flow.id, Side::Client, noise(seed))]);
        assert!(seed < 100, "never full");
    }
    assert!(failed(&fixture.store) > 0);
    assert!(fixture.store.counters().failing);
    let kept = fixture.store.count_flows(&FlowFilter::default()).unwrap();
    assert_eq!(kept, u64::from(seed) - 1, "a failed batch leaves nothing of itself behind");

    assert_eq!(fixture.store.delete_flows(&FlowFilter::default()).unwrap(), kept);
    let mut flow = ended(1_000);
    // A name that the failed batch gave a number is given one again.
    flow.user_agent = Some(format!("agent/{seed}"));
    fixture.write(vec![of(&flow), body(flow.id, Side::Client, noise(1))]);
    assert_eq!(&*fixture.store.flow(flow.id).unwrap().unwrap(), &flow);
    assert_eq!(fixture.store.body(flow.id, Side::Client).unwrap().unwrap().bytes, noise(1));
    assert!(!fixture.store.counters().failing);
}

#[test]
fn flows_of_which_nothing_was_stored_are_counted_apart_and_deleted_ones_are_not() {
    let fixture = Fixture::new();
    let kept = ended(1);
    fixture.write(vec![of(&kept)]);
    assert_eq!(fixture.store.unrecorded().unwrap(), Unrecorded::default());
    let other = Connection::open(fixture.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lost = [ended(2), ended(3)];
    let mut records = vec![run(kept.id, 0, 3, 20)];
    records.extend(lost.iter().flat_map(|flow| [of(flow), run(flow.id, 0, 5, 20)]));
    fixture.write(records);
    // The rows about it come with the first write that succeeds.
    let told = fixture.store.unrecorded().unwrap();
    assert_eq!((told.flows, told.more), (2, false), "while nothing can be written");
    other.execute_batch("ROLLBACK").unwrap();
    fixture.write(vec![of(&ended(4))]);
    let found = fixture.store.unrecorded().unwrap();
    assert_eq!((found.flows, found.more), (2, false));
    assert!(found.last_at.is_some());
    // One of them is stored after all.
    fixture.write(vec![of(&lost[0])]);
    assert_eq!(fixture.store.unrecorded().unwrap().flows, 1);
    assert_eq!(fixture.store.delete_flows(&FlowFilter::default()).unwrap(), 3);
    assert_eq!(fixture.store.unrecorded().unwrap().flows, 1, "deleted is not unrecorded");
    assert!(failed(&fixture.store) >= 10, "the sums stay");
    // Refused ones have no id; each counts.
    fixture.write(vec![unnamed(DropReason::TooManyOpenFlows), unnamed(DropReason::NoRoomForFlow)]);
    assert_eq!(fixture.after_close().store.unrecorded().unwrap().flows, 9);
}

/// A row that names no flow.
pub(crate) fn unnamed(reason: DropReason) -> Record {
    Record::Drop(Dropped { at: Micros(7), flow: None, reason, count: 4, bytes: 0 })
}

#[test]
fn what_flows_lost_together_may_be_whole_flows_and_what_tunnels_lost_is_none() {
    let fixture = Fixture::new();
    fixture.write(vec![unnamed(DropReason::CaptureQueueFull), unnamed(DropReason::TunnelLost)]);
    assert_eq!(fixture.store.unrecorded().unwrap(), Unrecorded::default());
    for reason in [DropReason::WriteFailed, DropReason::WriterQueueFull] {
        let fixture = Fixture::new();
        fixture.write(vec![unnamed(reason)]);
        let may_be = Unrecorded { flows: 0, more: true, last_at: Some(Micros(7)) };
        assert_eq!(fixture.store.unrecorded().unwrap(), may_be);
    }
}

#[test]
fn a_tunnel_that_cannot_be_written_is_no_flow_that_is_missing() {
    let fixture = Fixture::new();
    fixture.write(vec![of(&ended(1))]);
    let other = Connection::open(fixture.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.write(vec![tunnel(2, None)]);
    assert_eq!(fixture.store.unrecorded().unwrap(), Unrecorded::default());
    other.execute_batch("ROLLBACK").unwrap();
    fixture.write(vec![of(&ended(3))]);
    assert_eq!(fixture.store.unrecorded().unwrap(), Unrecorded::default());
    let lost = &fixture.store.drops(None, 10).unwrap().items[0];
    assert_eq!((lost.reason, lost.count), (DropReason::TunnelLost, 1));
}

#[test]
fn a_frozen_writer_hands_records_back_and_loses_nothing_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.queue_max_items = 10;
    let (freeze, frozen) = sync_channel::<()>(0);
    let frozen = parking_lot::Mutex::new(frozen);
    // Each announcement waits until it is let go.
    let announce = move |_: &[langley_store::Change]| {
        let _ = frozen.lock().recv();
    };
    let store = Store::open(options, Box::new(announce)).unwrap();
    let mut taken = 0;
    let refused = loop {
        match store.submit(seal(vec![of(&ended(taken))])) {
            Ok(()) => taken += 1,
            Err(back) => break back,
        }
        assert!(taken < 1_000, "the queue has no bound");
    };
    assert_eq!(refused.len(), 1);
    let counters = store.counters();
    assert!(counters.queue_items <= 10 && counters.high_water_items <= 10, "{counters:?}");
    drop(freeze);
    store.flush().unwrap();
    assert_eq!(store.counters().flows_total, taken.cast_unsigned());
    store.submit(refused).unwrap();
    store.flush().unwrap();
    assert_eq!(store.counters().queue_items, 0);
}

#[test]
fn the_queue_is_bounded_in_bytes_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.queue_max_bytes = 10_000;
    let (freeze, frozen) = sync_channel::<()>(0);
    let frozen = parking_lot::Mutex::new(frozen);
    let announce = move |_: &[langley_store::Change]| {
        let _ = frozen.lock().recv();
    };
    let store = Store::open(options, Box::new(announce)).unwrap();
    let first = ended(0);
    // Larger than the bound, and taken all the same: the queue is empty.
    store.submit(seal(vec![of(&first), body(first.id, Side::Client, vec![b'1'; 20_000])])).unwrap();
    assert!(store.submit(seal(vec![of(&ended(1))])).is_err());
    drop(freeze);
    store.flush().unwrap();
    store.submit(seal(vec![of(&ended(1))])).unwrap();
    store.flush().unwrap();
    assert_eq!(store.counters().flows_total, 2);
}

#[test]
fn events_of_a_flow_that_was_never_stored_are_counted_as_dropped() {
    let fixture = Fixture::new();
    let unknown = FlowId::new();
    fixture.write(vec![run(unknown, 0, 4, 10), of(&ended(1))]);
    assert_eq!(fixture.store.counters().events_total, 0);
    let drops = fixture.store.drops(None, 10).unwrap().items;
    assert_eq!((drops[0].flow, drops[0].count), (Some(unknown), 4));
    assert_eq!(failed(&fixture.store), 4);
}

#[test]
fn a_flow_deleted_by_another_program_does_not_cost_its_neighbours() {
    let fixture = Fixture::new();
    let mut gone = flow(1);
    fixture.write(vec![of(&gone), run(gone.id, 0, 3, 10)]);
    let other = Connection::open(fixture.store.path()).unwrap();
    other.pragma_update(None, "foreign_keys", true).unwrap();
    other.execute("DELETE FROM flows", ()).unwrap();
    let neighbours: Vec<_> = (2..12).map(ended).collect();
    let mut records: Vec<_> = neighbours.iter().map(of).collect();
    records.insert(5, run(gone.id, 3, 3, 10));
    fixture.write(records);
    assert_eq!(fixture.store.count_flows(&FlowFilter::default()).unwrap(), 10);
    assert_eq!(failed(&fixture.store), 3);
    // Its next state is a new beginning.
    gone.outcome = Some(Outcome::Completed);
    fixture.write(vec![of(&gone), run(gone.id, 6, 2, 10)]);
    let page = fixture.store.events(gone.id, None, 10, None).unwrap().unwrap();
    assert_eq!(page.items.iter().map(|event| event.seq).collect::<Vec<_>>(), [6, 7]);
}

#[test]
fn a_queue_that_fills_up_says_so_once_until_it_was_half_empty() {
    let fixture = Fixture::with(|options| {
        options.queue_max_items = 100;
        options.busy_timeout = std::time::Duration::from_secs(60);
    });
    let store = &fixture.store;
    let told = || {
        let counters = store.counters();
        (counters.queue_strain, counters.queue_strains)
    };
    let mut at = 0;
    let mut fill = |records: i64| {
        let flows = (at..at + records).map(|at| of(&ended(at))).collect();
        at += records;
        store.submit(seal(flows)).unwrap();
        told()
    };
    for episode in 1..3 {
        // The writer waits for the lock, and all that comes waits for the writer.
        let other = Connection::open(store.path()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(fill(70), (Strain::Calm, episode - 1));
        assert_eq!(fill(15), (Strain::High, episode));
        assert_eq!(fill(12), (Strain::Full, episode));
        other.execute_batch("ROLLBACK").unwrap();
        store.flush().unwrap();
        assert_eq!(told(), (Strain::Calm, episode));
    }
    assert_eq!(store.counters().flows_total, 2 * 97);
}

#[test]
fn a_queue_that_is_nearly_full_is_emptied_whatever_its_records_wait_for() {
    let fixture = Fixture::with(|options| {
        options.queue_max_items = 100;
        options.batch = std::time::Duration::from_secs(3_600);
        options.event_batch = options.batch;
    });
    fixture.store.submit(seal((0..96).map(|at| of(&ended(at))).collect())).unwrap();
    until("what fills the queue is written", || fixture.store.counters().flows_total == 96);
}
