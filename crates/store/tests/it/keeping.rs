//! The file stays bounded: what is too old goes, in small pieces, and nothing else does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use langley_model::{Drop as Dropped, DropReason, Flow, Micros, Outcome, Record, Side};
use langley_store::{FlowFilter, Retention, Store, StoreError, Upkeep};
use rusqlite::Connection;

use crate::given::{
    Fixture, body, data, ended, flow, headers, message, of, options, run, seal, session, tunnel,
};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Some day, at noon.
const NOW: Micros = Micros(20_000 * DAY + DAY / 2);

fn keep() -> Retention {
    Retention::default()
}

fn all() -> FlowFilter {
    FlowFilter::default()
}

/// A flow that ended `days` ago, with everything a flow can have. What it carries is its own, but for
/// the headers, which all share.
fn whole(days: i64) -> (Flow, Vec<Record>) {
    let mut flow = ended(NOW.0 - days * DAY);
    flow.model_requested = Some(String::from("model-a"));
    flow.event_count = 30;
    let seed = flow.started_at.0.cast_unsigned();
    let records = vec![
        of(&flow),
        headers(flow.id, Side::Client, false, &[("accept", "*/*")]),
        body(flow.id, Side::Client, data(seed, 3_000)),
        body(flow.id, Side::Upstream, data(seed + 1, 3_000)),
        message(flow.id),
        run(flow.id, 0, 30, 40),
    ];
    (flow, records)
}

fn count(store: &Store, sql: &str) -> i64 {
    Connection::open(store.path()).unwrap().query_row(sql, (), |row| row.get(0)).unwrap()
}

fn has(store: &Store, flow: &Flow) -> (bool, usize, bool, bool) {
    let events = store.events(flow.id, None, 500, None).unwrap().map_or(0, |page| page.items.len());
    let body = |side| store.body(flow.id, side).unwrap().is_some();
    (store.flow(flow.id).unwrap().is_some(), events, body(Side::Client), body(Side::Upstream))
}

#[test]
fn each_kind_of_record_goes_at_its_own_age_and_the_rest_stays() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows: Vec<Flow> = [31, 29, 8, 6, 4, 2]
        .into_iter()
        .map(|days| {
            let (flow, records) = whole(days);
            fixture.write(records);
            flow
        })
        .collect();
    // Not a model's call: its request says nothing that is read.
    let mut plain = ended(NOW.0 - 4 * DAY - 1);
    plain.provider = None;
    fixture.write(vec![of(&plain), body(plain.id, Side::Client, b"unread".to_vec())]);

    let done = store.maintain(&keep(), NOW).unwrap();
    let found: Vec<_> = flows.iter().map(|flow| has(store, flow)).collect();
    assert_eq!(
        found,
        [
            (false, 0, false, false),
            (true, 0, true, false),
            (true, 0, true, false),
            (true, 30, true, false),
            (true, 30, true, false),
            (true, 30, true, true),
        ]
    );
    assert_eq!(has(store, &plain), (true, 0, false, false));
    assert!(store.message(flows[1].id).unwrap().is_some());
    let expected = Upkeep { flows: 1, events: 90, bodies: 5, ..done };
    assert_eq!(done, expected);
    // What went can be told from what never was.
    let retired = store.retired(flows[1].id).unwrap();
    assert!(retired.events && retired.response_body && !retired.request_body, "{retired:?}");
    let young = store.retired(flows[5].id).unwrap();
    assert!(!young.events && !young.response_body, "{young:?}");
    // The contents went as well: two bodies of the flow, four others of the answers, and the one unread.
    assert_eq!(done.contents, 7);
    assert_eq!(
        store.maintain(&keep(), NOW).unwrap(),
        Upkeep {
            ended_at: store.upkeep().last.unwrap().ended_at,
            started_at: NOW,
            ..Upkeep::default()
        }
    );
}

#[test]
fn zero_days_keep_for_ever() {
    let fixture = Fixture::new();
    let (flow, records) = whole(5_000);
    fixture.write(records);
    let forever = Retention { flows_days: 0, events_days: 0, bodies_days: 0, ..keep() };
    assert_eq!(fixture.store.maintain(&forever, NOW).unwrap().flows, 0);
    assert_eq!(has(&fixture.store, &flow), (true, 30, true, true));
}

#[test]
fn starred_sessions_and_open_flows_are_left_alone() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let (mut starred, records) = whole(100);
    starred.session = session("dear");
    fixture.write(records);
    fixture.write(vec![of(&starred)]);
    let mut open = flow(NOW.0 - 90 * DAY);
    fixture.write(vec![of(&open), run(open.id, 0, 20, 10)]);

    assert_eq!(store.star("unknown", NOW).unwrap(), None);
    assert_eq!(store.star("dear", NOW).unwrap(), Some(NOW));
    assert_eq!(store.star("dear", Micros(NOW.0 + 1)).unwrap(), Some(NOW));
    assert_eq!(store.stars().unwrap().len(), 1);
    store.maintain(&keep(), NOW).unwrap();
    assert_eq!(has(store, &starred), (true, 30, true, true));
    assert_eq!(has(store, &open).1, 20);

    assert!(store.unstar("dear").unwrap());
    assert!(!store.unstar("dear").unwrap());
    open.outcome = Some(Outcome::Completed);
    fixture.write(vec![of(&open)]);
    assert_eq!(store.maintain(&keep(), NOW).unwrap().flows, 2);
    assert_eq!(count(store, "SELECT count(*) FROM event_blocks"), 0);
    assert_eq!(count(store, "SELECT count(*) FROM blobs"), 0);
}

#[test]
fn old_tunnels_and_drops_go_and_their_sums_stay() {
    let fixture = Fixture::new();
    let dropped = |at| {
        let reason = DropReason::WriterQueueFull;
        Record::Drop(Dropped { at: Micros(at), flow: None, reason, count: 3, bytes: 1 })
    };
    let old = NOW.0 - 40 * DAY;
    fixture.write(vec![tunnel(old, Some(old + 1)), tunnel(old, None), tunnel(NOW.0, None)]);
    fixture.write(vec![dropped(old), dropped(NOW.0)]);
    let done = fixture.store.maintain(&keep(), NOW).unwrap();
    assert_eq!((done.tunnels, done.drops), (1, 1));
    assert_eq!(fixture.store.tunnels(10).unwrap().len(), 2);
    let counters = fixture.after_close().store.counters();
    assert_eq!(counters.tunnels_total, 3);
    assert!(counters.drops.contains(&(DropReason::WriterQueueFull, 6)));
}

#[test]
fn a_drop_of_a_clock_that_was_ahead_keeps_no_older_ones() {
    let fixture = Fixture::new();
    let dropped = |at| {
        let reason = DropReason::WriterQueueFull;
        Record::Drop(Dropped { at: Micros(at), flow: None, reason, count: 3, bytes: 1 })
    };
    fixture.write(vec![dropped(NOW.0 + 40 * DAY)]);
    fixture.write((0..450).map(|at| dropped(NOW.0 - 40 * DAY + at)).collect());
    assert_eq!(fixture.store.maintain(&keep(), NOW).unwrap().drops, 450);
    let left = fixture.store.drops(None, 10).unwrap().items;
    assert_eq!(left.iter().map(|row| row.at.0).collect::<Vec<_>>(), [NOW.0 + 40 * DAY]);
}

#[test]
fn a_row_that_does_not_decode_stops_neither_retention_nor_a_deletion() {
    let fixture = Fixture::new();
    let old: Vec<_> = (0..3).map(|at| ended(NOW.0 - 40 * DAY + at)).collect();
    let new: Vec<_> = (0..3).map(|at| ended(NOW.0 + at)).collect();
    fixture.write(old.iter().chain(&new).map(of).collect());
    let conn = Connection::open(fixture.store.path()).unwrap();
    for flow in [&old[1], &new[1]] {
        let sql = "UPDATE flows SET port = 'x' WHERE n = ?1";
        assert_eq!(conn.execute(sql, [flow.started_at.0]).unwrap(), 1);
    }
    assert_eq!(fixture.store.maintain(&keep(), NOW).unwrap().flows, 3);
    assert_eq!(fixture.store.delete_flows(&all()).unwrap(), 3);
}

#[test]
fn a_deletion_leaves_room_for_recording_between_its_pieces() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let old: Vec<Record> = (0..4_000).map(|n| of(&ended(n))).collect();
    fixture.write(old);
    let before = FlowFilter { until: Some(Micros(1_000_000)), ..all() };
    let over = Arc::new(AtomicBool::new(false));
    let deleting = {
        let (store, over, before) = (store.clone(), Arc::clone(&over), before.clone());
        std::thread::spawn(move || {
            let deleted = store.delete_flows(&before).unwrap();
            over.store(true, Ordering::Release);
            deleted
        })
    };
    let (mut written, mut left) = (0, Vec::new());
    while !over.load(Ordering::Acquire) {
        fixture.write(vec![of(&ended(2_000_000 + written))]);
        written += 1;
        left.push(store.count_flows(&before).unwrap());
    }
    assert_eq!(deleting.join().unwrap(), 4_000);
    left.dedup();
    // Commits of records fell between those of the deletion, which was not one.
    assert!(left.iter().any(|left| (1..4_000).contains(left)), "{left:?}");
    assert_eq!(store.count_flows(&all()).unwrap(), written.cast_unsigned());
}

#[test]
fn a_content_goes_with_the_last_that_refers_to_it() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let flows = [ended(1), ended(2_000_000)];
    for flow in &flows {
        fixture.write(vec![of(flow), body(flow.id, Side::Client, data(7, 5_000))]);
    }
    let until = |at| FlowFilter { until: Some(Micros(at)), ..all() };
    assert_eq!(store.delete_flows(&until(1_000_000)).unwrap(), 1);
    assert_eq!(store.body(flows[1].id, Side::Client).unwrap().unwrap().bytes, data(7, 5_000));
    assert_eq!(store.delete_flows(&until(3_000_000)).unwrap(), 1);
    assert_eq!(count(store, "SELECT count(*) FROM blobs"), 0);
    // And is stored anew when it comes again.
    let again = ended(5);
    fixture.write(vec![of(&again), body(again.id, Side::Client, data(7, 5_000))]);
    assert_eq!(store.body(again.id, Side::Client).unwrap().unwrap().bytes, data(7, 5_000));
}

#[test]
fn what_a_killed_deletion_left_behind_is_swept_by_the_next_run() {
    let fixture = Fixture::new();
    let (_, records) = whole(1);
    fixture.write(records);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "PRAGMA foreign_keys = ON; DELETE FROM flows;
         INSERT INTO totals VALUES ('unswept', 1);",
    )
    .unwrap();
    drop(conn);
    let again = fixture.after_close();
    assert!(again.store.maintain(&keep(), NOW).unwrap().contents > 0);
    assert_eq!(count(&again.store, "SELECT count(*) FROM blobs"), 0);
    // Told again by a later process, with the time.
    let last = again.after_close().store.upkeep().last.unwrap();
    assert_eq!(last.started_at, NOW);
    assert!(last.contents > 0);
}

#[test]
fn the_file_becomes_smaller_only_when_enough_of_it_is_free() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    for n in 0..20 {
        let (flow, _) = whole(40);
        let flow = Flow { started_at: Micros(flow.started_at.0 + n), ..flow };
        let noise =
            (0..25_000_u32).flat_map(|i| (i ^ n as u32).wrapping_mul(2_654_435_761).to_le_bytes());
        fixture.write(vec![of(&flow), body(flow.id, Side::Client, noise.collect())]);
    }
    store.checkpoint().unwrap();
    let large = store.counters().db_bytes;
    let unwilling = Retention { vacuum_free_percent: 99, ..keep() };
    assert_eq!(store.maintain(&unwilling, NOW).unwrap().freed_bytes, 0);
    assert_eq!(store.counters().db_bytes, large);
    assert!(store.pages().unwrap().free_percent() > 20);
    let done = store.maintain(&keep(), NOW).unwrap();
    assert_eq!(done.freed_bytes, large - store.counters().db_bytes);
    assert!(done.freed_bytes > large / 2, "{done:?} of {large}");
    assert_eq!(store.pages().unwrap().free, 0);
}

#[test]
fn a_file_that_another_program_made_is_vacuumed_only_by_writing_it_anew() {
    let fixture = Fixture::new();
    let (flow, records) = whole(1);
    fixture.write(records);
    fixture.store.clone().close();
    let conn = Connection::open(fixture.store.path()).unwrap();
    conn.execute_batch("PRAGMA auto_vacuum = NONE; VACUUM").unwrap();
    drop(conn);
    let again = fixture.after_close();
    let store = &again.store;
    assert!(!store.pages().unwrap().incremental);
    store.maintain(&Retention { vacuum_free_percent: 0, ..keep() }, NOW).unwrap();
    let refused = store.vacuum().unwrap_err();
    assert!(matches!(refused, StoreError::NotIncremental { .. }), "{refused:?}");
    store.rebuild().unwrap();
    assert!(store.pages().unwrap().incremental);
    assert_eq!(store.vacuum().unwrap(), 0);
    assert_eq!(has(store, &flow), (true, 30, true, true));
}

#[test]
fn a_checkpoint_waits_for_no_reader() {
    let fixture =
        Fixture::with(|options| options.busy_timeout = std::time::Duration::from_secs(60));
    fixture.write(vec![of(&ended(1))]);
    let reader = Connection::open(fixture.store.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM flows").unwrap();
    fixture.write(vec![of(&ended(2))]);
    assert!(fixture.store.checkpoint().unwrap().busy);
    reader.execute_batch("COMMIT").unwrap();
    assert!(!fixture.store.checkpoint().unwrap().busy);
    assert_eq!(fixture.store.counters().wal_bytes, 0);
}

#[test]
fn a_copy_is_whole_private_and_never_replaces_a_file() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let (flow, records) = whole(1);
    fixture.write(records);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("langley.db");
    let part = Store::backup_part(&target);
    assert_ne!(part, Store::backup_part(&target));
    fixture.store.backup(&target, &part).unwrap();
    assert!(!part.exists());
    let mode = std::fs::metadata(&target).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = std::fs::read(&target).unwrap();
    assert!(matches!(fixture.store.backup(&target, &part), Err(StoreError::Taken { .. })));
    assert_eq!(std::fs::read(&target).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let copy = Store::open(options(folder.path()), Box::new(|_| {})).unwrap();
    assert_eq!(has(&copy, &flow), (true, 30, true, true));
    assert!(copy.pages().unwrap().incremental);
    copy.close();
}

/// Days of traffic in seconds: the clock is the test's.
#[test]
fn sustained_traffic_under_retention_reaches_a_size_and_stays_there() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let retention = Retention { flows_days: 3, events_days: 2, bodies_days: 1, ..keep() };
    let hour = DAY / 24;
    let (mut at_half, mut largest_wal) = (0, 0);
    for n in 0..24 * 8_i64 {
        let now = Micros(NOW.0 + n * hour);
        for minute in 0..6 {
            let mut flow = ended(now.0 + minute);
            flow.event_count = 40;
            let seed = flow.started_at.0.cast_unsigned();
            store
                .submit(seal(vec![
                    of(&flow),
                    body(flow.id, Side::Upstream, data(seed, 6_000)),
                    run(flow.id, 0, 40, 100),
                ]))
                .unwrap();
        }
        store.flush().unwrap();
        largest_wal = largest_wal.max(store.counters().wal_bytes);
        store.maintain(&retention, Micros(now.0 + hour)).unwrap();
        let flows = store.count_flows(&all()).unwrap();
        assert!(flows <= 3 * 24 * 6, "{flows} after {n} hours");
        assert_eq!(store.counters().wal_bytes, 0, "after {n} hours");
        if n == 24 * 4 {
            at_half = store.counters().db_bytes;
        }
    }
    let at_end = store.counters().db_bytes;
    assert!(at_end <= at_half + at_half / 4, "{at_half} then {at_end}");
    // A thousand pages, and one transaction beyond them.
    assert!(largest_wal < 6 << 20, "{largest_wal}");
    let blocks = count(store, "SELECT count(DISTINCT flow) FROM event_blocks");
    let contents = count(store, "SELECT count(*) FROM blobs");
    assert!(blocks <= 2 * 24 * 6 && contents <= 24 * 6, "{blocks} blocks, {contents} contents");
    assert_eq!(store.counters().flows_total, 24 * 8 * 6);
    assert_eq!(store.upkeep_runs().unwrap().len(), 100);
}
