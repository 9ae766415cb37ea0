//! More than the recorder or the store can take: everything is either stored or counted.

use bytes::Bytes;
use langley_engine::{Intake, IntakeOptions, RecorderOptions};
use langley_model::{
    Capture, CaptureSink, Chunk, Closed, ConnectionId, DropReason, Ending, FlowId, Gap, Micros,
    Outcome, Part, Record, Tick, Tokens, Tunnel, TunnelReason,
};
use langley_store::Store;

use crate::kit::{self, Rig, Script};
use crate::stored::Home;

const ASK: &str = r#"{"model":"m","stream":true,"messages":[]}"#;

/// Offers `events` text events one by one, as a tap would, and ends the flow.
fn stream(intake: &Intake, script: &Script, events: usize) -> Box<Closed> {
    assert!(intake.open(Box::new(script.opened.clone())));
    let mut closed = script.closed();
    let mut tail: Vec<u8> = Vec::new();
    let mut offer = |data: String, must: bool| {
        let bytes = Bytes::from(data);
        closed.response_bytes += bytes.len() as u64;
        let part = Part::Data(bytes.clone());
        let piece = Capture::Response(Chunk { flow: script.flow, at: Tick(20 * kit::MS), part });
        if intake.offer(piece) {
            tail.clear();
        } else {
            assert!(!must);
            closed.response_gap.chunks += 1;
            closed.response_gap.bytes += bytes.len() as u64;
            tail.extend_from_slice(&bytes);
            tail.drain(..tail.len().saturating_sub(langley_model::KEPT_TAIL));
        }
    };
    for piece in &script.pieces {
        assert!(intake.offer(piece.clone()));
    }
    offer(kit::start() + &kit::text_start(0), true);
    for _ in 0..events {
        offer(kit::text(0, "0123456789"), false);
    }
    offer(kit::block_stop(0) + &kit::stop("end_turn", 99), false);
    closed.response_tail = (!tail.is_empty()).then(|| Bytes::from(tail));
    closed.at = Tick(30 * kit::MS);
    closed.ending = Ending::Whole;
    closed
}

#[test]
fn ten_thousand_pieces_against_a_full_intake_are_stored_or_counted() {
    let intake = IntakeOptions { max_items: 4, ..IntakeOptions::default() };
    let rig = Rig::with(RecorderOptions::default(), intake, &kit::no_live_feed());
    let script = Script::messages(ASK).sse();
    let closed = stream(&rig.intake, &script, 10_000);
    let gap = closed.response_gap;
    CaptureSink::close(&*rig.intake, closed);
    let stats = rig.intake.stats();
    assert_eq!((stats.gaps_total, stats.gap_bytes_total), (gap.chunks, gap.bytes));
    let rows = rig.finish();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.usage.output, Some(Tokens(99)), "the ending survives");
    assert_eq!(flow.response_gap, gap);
    assert_eq!(
        rows.dropped(DropReason::CaptureQueueFull, Some(script.flow)),
        (gap.chunks, gap.bytes)
    );
    assert_eq!(rows.events(script.flow).len() as u64, flow.event_count);
    assert!(flow.event_count <= 10_005);
    // A piece is an event here; a decoder may lose the one after a gap, and finds some in the tail.
    if gap == Gap::default() {
        assert_eq!(flow.event_count, 10_005);
    }
}

#[test]
fn while_the_store_takes_nothing_deltas_go_first_and_all_are_counted() {
    let options = RecorderOptions {
        backlog_max_bytes: 200_000,
        patience: std::time::Duration::from_secs(30),
        ..RecorderOptions::default()
    };
    let rig = Rig::with(
        options,
        IntakeOptions { lanes: 1, ..IntakeOptions::default() },
        &kit::no_live_feed(),
    );
    rig.shelf.stall(true);
    let fat = Script::messages(ASK).sse();
    let thin = Script::messages(ASK).sse().data(kit::answer(&["small"]).as_bytes()).end();
    rig.play(&thin);
    let closed = stream(&rig.intake, &fat, 9_000);
    assert_eq!(closed.response_gap, Gap::default());
    CaptureSink::close(&*rig.intake, closed);
    rig.until(|rig| rig.intake.stats().items == 0 && rig.recorder.stats().open_flows == 0);
    rig.until(|rig| rig.recorder.stats().events_dropped > 0);
    let stats = rig.recorder.stats();
    assert!(stats.high_water_backlog_bytes < 4_000_000);
    assert!(!stats.backlog_lag.is_zero(), "the first of what waits has waited for a while");
    rig.shelf.stall(false);
    rig.until(|rig| {
        let stats = rig.recorder.stats();
        stats.backlog_bytes == 0 && stats.backlog_lag.is_zero()
    });
    let rows = rig.finish();

    let flow = rows.flow(fat.flow);
    let stored = rows.events(fat.flow);
    assert_eq!(flow.event_count, 9_005);
    assert!(flow.dropped_events > 0);
    assert_eq!(stored.len() as u64 + flow.dropped_events, 9_005, "sent = stored + dropped");
    let dropped = rows.dropped(DropReason::WriterQueueFull, Some(fat.flow));
    assert_eq!(dropped.0, flow.dropped_events);
    assert!(dropped.1 > 0);
    for kind in ["message_start", "content_block_stop", "message_delta", "message_stop"] {
        assert!(stored.iter().any(|event| event.kind == kind), "{kind} is never a first victim");
    }
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.usage.output, Some(Tokens(99)));
    assert!(rows.message(fat.flow).is_some());

    let other = rows.flow(thin.flow);
    assert_eq!(
        (other.dropped_events, rows.events(thin.flow).len()),
        (0, 6),
        "the thin flow is spared"
    );
}

/// Stored events of a flow, read one by one.
fn stored_events(store: &Store, flow: FlowId) -> u64 {
    let (mut count, mut after) = (0, None);
    loop {
        let page = store.events(flow, after, 500, None).unwrap().unwrap();
        count += page.items.len() as u64;
        after = page.next_after;
        if after.is_none() {
            assert_eq!(count, page.total);
            return count;
        }
    }
}

#[test]
fn behind_a_writer_that_stands_still_what_is_sent_is_what_is_stored_and_what_is_dropped() {
    let options = RecorderOptions {
        // Room for what must survive: the messages alone are 150 KB.
        backlog_max_bytes: 500_000,
        patience: std::time::Duration::from_secs(30),
        ..RecorderOptions::default()
    };
    let (go, gate) = std::sync::mpsc::sync_channel::<()>(0);
    let gate = parking_lot::Mutex::new(gate);
    // After its first commit the writer stands still until it is let go for good.
    let announce = move |_: &[langley_store::Change]| {
        let _ = gate.lock().recv();
    };
    let home = Home::with(options, |store| store.queue_max_bytes = 100_000, Box::new(announce));
    let sent = [12_000, 3_000, 1];
    let scripts = sent.map(|_| Script::messages(ASK).sse());
    for (script, events) in scripts.iter().zip(sent) {
        let closed = stream(&home.intake, script, events);
        assert_eq!(closed.response_gap, Gap::default());
        CaptureSink::close(&*home.intake, closed);
    }
    home.until(|home| home.recorder.stats().open_flows == 0 && home.intake.stats().items == 0);
    home.until(|home| home.recorder.stats().events_dropped > 0);
    drop(go);
    let (store, _folder) = home.finish();

    let (mut stored, mut dropped) = (0, 0);
    let rows = store.drops(None, 500).unwrap().items;
    for (script, texts) in scripts.iter().zip(sent) {
        let flow = store.flow(script.flow).unwrap().unwrap();
        let kept = stored_events(&store, flow.id);
        assert_eq!(flow.event_count, texts as u64 + 5);
        assert_eq!(kept + flow.dropped_events, flow.event_count, "sent = stored + dropped");
        let of_flow = rows.iter().filter(|row| row.flow == Some(flow.id));
        assert!(of_flow.clone().all(|row| row.reason == DropReason::WriterQueueFull));
        assert_eq!(of_flow.map(|row| row.count).sum::<u64>(), flow.dropped_events);
        assert_eq!(flow.outcome, Some(Outcome::Completed), "the ending survives");
        assert_eq!(flow.usage.output, Some(Tokens(99)), "usage survives");
        assert!(store.message(flow.id).unwrap().is_some());
        stored += kept;
        dropped += flow.dropped_events;
    }
    assert!(dropped > 0);
    let counters = store.counters();
    assert_eq!(counters.events_total, stored);
    for (reason, count) in counters.drops {
        let expected = if reason == DropReason::WriterQueueFull { dropped } else { 0 };
        assert_eq!(count, expected, "{reason:?}");
    }
    store.close();
}

#[test]
fn a_store_that_is_dead_for_ever_costs_bounded_memory() {
    let options = RecorderOptions {
        backlog_max_bytes: 100_000,
        backlog_max_records: 400,
        patience: std::time::Duration::ZERO,
        ..RecorderOptions::default()
    };
    let rig = Rig::with(options, IntakeOptions::default(), &kit::no_live_feed());
    rig.shelf.stall(true);
    for _ in 0..40 {
        for _ in 0..25 {
            let body = format!("{{\"x\":\"{}\"}}", "y ".repeat(2_000));
            let script = Script::messages(&body).sse().data(kit::answer(&["z"]).as_bytes()).end();
            rig.play(&script);
        }
        rig.until(|rig| rig.intake.stats().items == 0);
    }
    rig.until(|rig| rig.recorder.stats().open_flows == 0);
    let stats = rig.recorder.stats();
    assert!(stats.backlog_bytes <= 100_000 + 25 * 12_000, "{stats:?}");
    assert!(stats.records_dropped > 0);
    assert!(rig.finish().records.is_empty());
}

#[test]
fn a_refused_flow_is_counted_as_a_drop_of_no_flow() {
    let intake = IntakeOptions { max_open_flows: 1, ..IntakeOptions::default() };
    let rig = Rig::with(RecorderOptions::default(), intake, &kit::no_live_feed());
    let first = Script::messages(ASK);
    rig.start(&first);
    let second = Script::messages(ASK);
    assert!(!rig.intake.open(Box::new(second.opened.clone())));
    CaptureSink::close(&*rig.intake, first.closed());
    let rows = rig.finish();
    assert_eq!(rows.dropped(DropReason::TooManyOpenFlows, None), (1, 0));
    let flows = rows.records.iter().filter(|record| matches!(record, Record::Flow(_)));
    assert_eq!(flows.count(), 1);
}

#[test]
fn a_flow_whose_opening_finds_no_room_is_told_from_one_too_many() {
    let intake = IntakeOptions { max_items: 0, max_bytes: 0, ..IntakeOptions::default() };
    let rig = Rig::with(RecorderOptions::default(), intake, &kit::no_live_feed());
    assert!(!rig.intake.open(Box::new(Script::messages(ASK).opened)));
    let tunnel = Tunnel {
        connection: ConnectionId::new(),
        started_at: Micros(1),
        ended_at: None,
        host: String::from("example.test"),
        port: 443,
        client_addr: String::from("127.0.0.1:5"),
        bytes_up: 0,
        bytes_down: 0,
        why: TunnelReason::NotListed,
        reason: None,
    };
    rig.intake.tunnel(tunnel.clone());
    rig.intake.tunnel(tunnel);
    let rows = rig.finish();
    assert_eq!(rows.dropped(DropReason::TooManyOpenFlows, None), (0, 0));
    assert_eq!(rows.dropped(DropReason::NoRoomForFlow, None), (1, 0));
    assert_eq!(rows.dropped(DropReason::TunnelLost, None), (2, 0), "nor from a tunnel");
}

#[test]
fn a_steady_trickle_costs_few_wake_ups() {
    let rig = Rig::new();
    let script = Script::messages(ASK).sse();
    rig.start(&script);
    rig.until(|rig| rig.intake.stats().items == 0);
    let before = rig.intake.stats().wakeups;
    for _ in 0..2_000 {
        let part = Part::Data(Bytes::from(kit::text(0, "x")));
        let chunk = Chunk { flow: script.flow, at: Tick(20 * kit::MS), part };
        while !rig.intake.offer(Capture::Response(chunk.clone())) {
            std::thread::yield_now();
        }
    }
    rig.until(|rig| rig.intake.stats().items == 0);
    let woken = rig.intake.stats().wakeups - before;
    assert!(woken < 1_000, "{woken} wake-ups for 2,000 pieces");
    CaptureSink::close(&*rig.intake, script.closed());
    rig.finish();
}
