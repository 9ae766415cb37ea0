//! Bodies kept unredacted, in a file of their own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use langley_model::{FlowId, Micros, Side};
use langley_store::{
    FlowFilter, RawBody, RawCounters, RawFile, RawRemoved, RawStore, Retention, Store, StoreError,
    holds_raw_bodies, remove_raw_bodies,
};

use crate::given::{Fixture, ended, of, options, session};

#[test]
fn bodies_are_read_as_they_travelled_and_holes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("langley-raw.db");
    let raw = RawStore::open(&path).unwrap();
    let (flow, other) = (FlowId::new(), FlowId::new());
    let secret = "sk-ant-api03-".repeat(400);
    raw.piece(flow, Side::Client, 0, Bytes::from_static(b"hello "));
    raw.piece(flow, Side::Client, 6, Bytes::from_static(b"world"));
    raw.piece(flow, Side::Upstream, 0, Bytes::from(secret.clone()));
    raw.piece(flow, Side::Upstream, 6_000, Bytes::from_static(b"end"));
    raw.piece(other, Side::Client, 0, Bytes::from_static(b"open"));
    raw.end(flow, 11, 6_010);
    raw.close();
    let bytes = 11 + secret.len() as u64 + 3 + 4;
    assert_eq!(raw.counters(), RawCounters { bytes, ..RawCounters::default() });
    raw.piece(flow, Side::Client, 11, Bytes::from_static(b"late"));
    assert_eq!(raw.counters().bytes_dropped, 4, "nothing vanishes uncounted");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let request = kept_of(&path, flow, Side::Client).unwrap();
    assert_eq!((request.0.as_slice(), request.1.missing.len()), (&b"hello world"[..], 0));
    assert!(request.1.ended);
    let answer = kept_of(&path, flow, Side::Upstream).unwrap();
    assert_eq!(answer.0, [secret.as_bytes(), b"end"].concat());
    assert_eq!(answer.1.missing, [5_200..6_000, 6_003..6_010]);
    let open = kept_of(&path, other, Side::Client).unwrap();
    assert_eq!((open.0.as_slice(), open.1.ended), (&b"open"[..], false));
    assert_eq!(kept_of(&path, other, Side::Upstream), None);

    let kept = RawFile::open(&path).unwrap().bodies().unwrap();
    assert_eq!(kept.len(), 3);
    for body in [(flow, Side::Client), (flow, Side::Upstream), (other, Side::Client)] {
        assert!(kept.contains(&body), "{body:?}");
    }

    let removed = RawRemoved { bodies: 3, is_log_in_use: false };
    assert_eq!(remove_raw_bodies(&path).unwrap(), removed);
    assert_eq!(kept_of(&path, flow, Side::Client), None);
    assert_eq!(remove_raw_bodies(&path).unwrap().bodies, 0);
    for name in ["langley-raw.db", "langley-raw.db-wal"] {
        let left = std::fs::read(folder.path().join(name)).unwrap_or_default();
        assert!(!left.windows(13).any(|some| some == b"sk-ant-api03-"), "{name}: removed is gone");
    }
}

/// A kept body and what is missing of it.
fn kept_of(path: &Path, flow: FlowId, side: Side) -> Option<(Vec<u8>, RawBody)> {
    let mut bytes = Vec::new();
    let known = RawFile::open(path).unwrap().body(flow, side, |piece| {
        bytes.extend_from_slice(piece);
        true
    });
    known.unwrap().map(|known| (bytes, known))
}

#[test]
fn bodies_go_with_their_flow_and_with_their_age() {
    let given = Fixture::new();
    let path = given.folder.path().join("langley-raw.db");
    let kept = ["a", "b", "c"].map(|name| {
        let mut flow = ended(Micros::now().0);
        flow.session = session(name);
        given.write(vec![of(&flow)]);
        flow.id
    });
    let unknown = FlowId::new();
    let raw = RawStore::open(&path).unwrap();
    for flow in kept.iter().chain([&unknown]) {
        raw.piece(*flow, Side::Client, 0, Bytes::from_static(b"said"));
        raw.end(*flow, 4, 0);
    }
    raw.close();
    let left = || {
        let all = kept.iter().chain([&unknown]);
        all.map(|flow| kept_of(&path, *flow, Side::Client).is_some()).collect::<Vec<_>>()
    };
    // What has just ended may not be stored yet.
    let forever =
        Retention { flows_days: 0, events_days: 0, bodies_days: 0, ..Retention::default() };
    given.store.maintain(&forever, Micros::now()).unwrap();
    assert_eq!(left(), [true, true, true, true]);
    let later = Micros(Micros::now().0 + 120_000_000);
    given.store.maintain(&forever, later).unwrap();
    assert_eq!(left(), [true, true, true, false], "a body without a flow goes");
    let second = FlowFilter { session: Some(String::from("b")), ..FlowFilter::default() };
    assert_eq!(given.store.delete_flows(&second).unwrap(), 1);
    assert_eq!(left(), [true, false, true, false], "a body goes with its flow");
    let days = Retention { bodies_days: 3, ..forever };
    given.store.maintain(&days, Micros(Micros::now().0 + 2 * 86_400_000_000)).unwrap();
    assert_eq!(left(), [true, false, true, false]);
    given.store.maintain(&days, Micros(Micros::now().0 + 4 * 86_400_000_000)).unwrap();
    assert_eq!(left(), [false; 4], "and with its age");
}

#[test]
fn bodies_of_a_flow_whose_end_was_never_told_go_with_it_too() {
    let given = Fixture::new();
    let path = given.folder.path().join("langley-raw.db");
    let flow = ended(Micros::now().0);
    given.write(vec![of(&flow)]);
    let unknown = FlowId::new();
    let raw = RawStore::open(&path).unwrap();
    for id in [flow.id, unknown] {
        raw.piece(id, Side::Client, 0, Bytes::from_static(b"said"));
    }
    raw.flush();
    let left = || [flow.id, unknown].map(|id| kept_of(&path, id, Side::Client).is_some());
    let forever =
        Retention { flows_days: 0, events_days: 0, bodies_days: 0, ..Retention::default() };
    given.store.maintain(&forever, Micros::now()).unwrap();
    assert_eq!(left(), [true, true], "it may still come");
    given.store.maintain(&forever, Micros(Micros::now().0 + 120_000_000)).unwrap();
    assert_eq!(left(), [true, false]);
}

#[test]
fn what_waits_to_be_written_goes_with_its_flow_as_well() {
    let given = Fixture::new();
    let path = given.folder.path().join("langley-raw.db");
    let raw = std::sync::Arc::new(RawStore::open(&path).unwrap());
    given.store.goes_with(std::sync::Arc::clone(&raw));
    // Within the time in which what comes is gathered.
    for _ in 0..3 {
        let flow = ended(Micros::now().0);
        given.write(vec![of(&flow)]);
        raw.piece(flow.id, Side::Client, 0, Bytes::from_static(b"said"));
        raw.end(flow.id, 4, 0);
        assert_eq!(given.store.delete_flows(&FlowFilter::default()).unwrap(), 1);
        raw.flush();
        assert_eq!(kept_of(&path, flow.id, Side::Client), None);
    }
}

/// Without its locks another program that looks in takes itself for the last user, and folds the log away.
#[test]
#[cfg(target_os = "linux")]
fn whoever_opens_a_database_once_more_leaves_its_process_the_locks() {
    use std::os::unix::fs::MetadataExt;
    let given = Fixture::new();
    given.write(vec![of(&ended(1))]);
    let path = given.folder.path().join("langley-raw.db");
    let raw = RawStore::open(&path).unwrap();
    let files = [&path, given.store.path()].map(|path| std::fs::metadata(path).unwrap().ino());
    let locked = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let process = std::process::id().to_string();
        files.map(|file| {
            let is_of_file = |word: &str| word.ends_with(&format!(":{file}"));
            locks.lines().any(|lock| {
                let words: Vec<&str> = lock.split_whitespace().collect();
                words.contains(&"POSIX")
                    && words.contains(&process.as_str())
                    && words.iter().any(|word| is_of_file(word))
            })
        })
    };
    assert_eq!(locked(), [true, true]);
    // As maintenance, a deletion and a second server do.
    let beside = RawStore::open(&path).unwrap();
    let second = Store::open(options(given.folder.path()), Box::new(|_| ())).unwrap();
    assert_eq!(locked(), [true, true]);
    beside.close();
    second.close();
    assert_eq!(locked(), [true, true]);
    raw.close();
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_none_is_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("langley-raw.db");
    assert_eq!(remove_raw_bodies(&path).unwrap(), RawRemoved::default());
    assert!(!path.exists());
    assert!(matches!(RawFile::open(&path), Err(StoreError::Missing { .. })));
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 9).unwrap();
    let newer = |error| matches!(error, StoreError::Newer { found: 9, .. });
    assert!(RawStore::open(&path).is_err_and(newer));
    assert!(RawFile::open(&path).is_err_and(newer));
    assert!(remove_raw_bodies(&path).is_err_and(newer));
    // One whose making was cut short is empty.
    conn.pragma_update(None, "user_version", 0).unwrap();
    assert_eq!(kept_of(&path, FlowId::new(), Side::Client), None);
    assert_eq!(remove_raw_bodies(&path).unwrap().bodies, 0);
}

#[test]
fn where_nobody_can_look_there_may_be_raw_bodies() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!holds_raw_bodies(&folder.path().join("langley-raw.db")));
    // A folder that leads to itself: unlike one without permissions, nobody at all can look into it.
    let endless = folder.path().join("endless");
    std::os::unix::fs::symlink(&endless, &endless).unwrap();
    assert!(holds_raw_bodies(&endless.join("langley-raw.db")));
}
