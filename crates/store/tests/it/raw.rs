//! Bodies kept unredacted, in a file of their own.

use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use langley_model::{FlowId, Micros, Side};
use langley_store::{RawCounters, RawFile, RawStore, StoreError, remove_raw_before};

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
    assert_eq!(raw.counters(), RawCounters { bytes, bytes_dropped: 0 });
    raw.piece(flow, Side::Client, 11, Bytes::from_static(b"late"));
    assert_eq!(raw.counters().bytes_dropped, 4, "nothing vanishes uncounted");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let file = RawFile::open(&path).unwrap();
    let request = file.body(flow, Side::Client).unwrap().unwrap();
    assert_eq!((request.bytes.as_slice(), request.missing.len()), (&b"hello world"[..], 0));
    assert!(request.ended);
    let answer = file.body(flow, Side::Upstream).unwrap().unwrap();
    assert_eq!(answer.bytes, [secret.as_bytes(), b"end"].concat());
    assert_eq!(answer.missing, [5_200..6_000, 6_003..6_010]);
    let open = file.body(other, Side::Client).unwrap().unwrap();
    assert_eq!((open.bytes.as_slice(), open.ended), (&b"open"[..], false));
    assert_eq!(file.body(other, Side::Upstream).unwrap(), None);

    assert_eq!(remove_raw_before(&path, Micros(0)).unwrap(), 0);
    assert!(file.body(flow, Side::Client).unwrap().is_some());
    assert_eq!(remove_raw_before(&path, Micros(i64::MAX)).unwrap(), 4);
    assert_eq!(file.body(flow, Side::Client).unwrap(), None);
    drop(file);
    let left = std::fs::read(&path).unwrap();
    assert!(!left.windows(13).any(|some| some == b"sk-ant-api03-"), "removed is gone");
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_none_is_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("langley-raw.db");
    assert_eq!(remove_raw_before(&path, Micros(i64::MAX)).unwrap(), 0);
    assert!(!path.exists());
    assert!(matches!(RawFile::open(&path), Err(StoreError::Missing { .. })));
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(RawStore::open(&path), Err(StoreError::Newer { found: 9, .. })));
}
