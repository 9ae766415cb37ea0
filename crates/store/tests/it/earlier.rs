//! Rows of an earlier version stand beside new ones: read, found when they come again, and swept.

use std::path::Path;

use langley_model::{Flow, Side};
use langley_store::{FlowFilter, Store, StoredEvent};
use rusqlite::Connection;
use zstd::bulk::{Decompressor, compress};

use crate::based::{answer, events, number, words};
use crate::given::{Fixture, body, ended, headers, of, session};
use crate::opening::{SCHEMA_13, SCHEMA_15, without_estimates};
use crate::pieces::{conversation, pieced};

const SHAPES: &[u8] = include_bytes!("../../src/codec/shapes.txt");

/// What schema 13 has and the one before it had not.
const SCHEMA_12: &str = "
    ALTER TABLE blobs DROP COLUMN base; DROP TABLE event_kinds;
    CREATE INDEX blobs_recipes ON blobs (codec) WHERE codec >= 2;
    DELETE FROM schema_version WHERE version > 12; PRAGMA user_version = 12;";

/// A content's codec and what it packs.
pub(crate) fn unpacked(conn: &Connection, id: i64) -> (i64, Vec<u8>) {
    let sql = "SELECT codec, raw_len, bytes, base FROM blobs WHERE id = ?1";
    let (codec, len, bytes, base): (i64, i64, Vec<u8>, Option<i64>) = conn
        .query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap();
    if codec & 1 == 0 {
        return (codec, bytes);
    }
    let mut dictionary = if codec & 8 == 0 { Vec::new() } else { SHAPES.to_vec() };
    dictionary.extend(base.map(|base| unpacked(conn, base).1).unwrap_or_default());
    let mut frame = if codec & 8 == 0 { Vec::new() } else { vec![0x28, 0xb5, 0x2f, 0xfd] };
    frame.extend(bytes);
    let mut decompressor = Decompressor::with_dictionary(&dictionary).unwrap();
    (codec, decompressor.decompress(&frame, len.try_into().unwrap()).unwrap())
}

/// A block of the first layout: types, how many events, one column of numbers (type, time, length), texts.
pub(crate) fn first_layout(events: &[StoredEvent], kind: &str) -> Vec<u8> {
    let (mut numbers, mut texts, mut us) = (Vec::new(), Vec::new(), 0);
    for event in events {
        numbers.push(0);
        // Steps are zigzag-coded.
        put(&mut numbers, (event.offset_us - us) * 2);
        put(&mut numbers, event.data.len() as u64);
        us = event.offset_us;
        texts.extend_from_slice(&event.data);
    }
    let mut raw = vec![1, u8::try_from(kind.len()).unwrap()];
    raw.extend_from_slice(kind.as_bytes());
    put(&mut raw, events.len() as u64);
    put(&mut raw, numbers.len() as u64);
    raw.extend(numbers);
    raw.extend(texts);
    raw
}

/// Seven bits in a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes all contents and one flow's events as an earlier version did.
fn age(path: &Path, flow: &Flow, events: &[StoredEvent]) {
    let conn = Connection::open(path).unwrap();
    let mut ids = conn.prepare("SELECT id FROM blobs ORDER BY id").unwrap();
    let ids: Vec<i64> =
        ids.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let contents: Vec<_> = ids.iter().map(|id| (*id, unpacked(&conn, *id))).collect();
    for (id, (codec, raw)) in contents {
        let hash = match codec & 2 {
            0 => *blake3::hash(&raw).as_bytes(),
            _ => blake3::derive_key("langley store 2026 recipe of a body", &raw),
        };
        conn.execute(
            "UPDATE blobs SET hash = ?2, codec = ?3, bytes = ?4 WHERE id = ?1",
            (id, &hash[..], codec & 2 | 1, compress(&raw, 3).unwrap()),
        )
        .unwrap();
    }
    let raw = first_layout(events, "content_block_delta");
    let kinds = format!("{{\"content_block_delta\":{}}}", events.len());
    let changed = conn
        .execute(
            "UPDATE event_blocks SET kinds = ?2, raw_len = ?3, codec = 1, bytes = ?4, first_us = 0
             WHERE flow = ?1",
            (flow.started_at.0, kinds, raw.len() as i64, compress(&raw, 1).unwrap()),
        )
        .unwrap();
    assert_eq!(changed, 1);
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_15).unwrap();
    conn.execute_batch(SCHEMA_13).unwrap();
    conn.execute_batch(SCHEMA_12).unwrap();
}

fn deltas(store: &Store, flow: &Flow) -> Vec<StoredEvent> {
    let kind = Some("content_block_delta".to_owned());
    store.events(flow.id, None, 500, kind.as_deref()).unwrap().unwrap().into_inner().items
}

fn sent(store: &Store, flow: &Flow) -> Vec<u8> {
    store.body(flow.id, Side::Client).unwrap().unwrap().into_inner().bytes
}

#[test]
fn rows_of_an_earlier_version_are_read_found_again_and_swept() {
    let fixture = Fixture::new();
    let (mut old, mut other) = (ended(10), ended(20));
    (old.session, other.session) = (session("old"), session("old"));
    let (text, turns) = (words(1, 200), conversation("earlier", 6));
    let lines = [("content-type", "application/json"), ("x-request-id", "1")];
    let head = |flow: &Flow| headers(flow.id, Side::Client, false, &lines);
    let plain = format!("{{\"plain\":\"{}\"}}", words(2, 200)).into_bytes();
    fixture.write(vec![
        of(&old),
        head(&old),
        pieced(old.id, turns.clone()),
        answer(old.id, &text),
        events(old.id, &text, 0),
        of(&other),
        body(other.id, Side::Client, plain.clone()),
    ]);
    let written = deltas(&fixture.store, &old);
    let message = fixture.store.message(old.id).unwrap();
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    age(&path, &old, &written);

    let fixture = fixture.after_close();
    let store = &fixture.store;
    let forms = "SELECT count(*) FROM blobs
         WHERE length(hash) = 32 AND codec IN (1, 3) AND base IS NULL";
    let count = "SELECT count(*) FROM blobs";
    let blobs = number(store, count);
    assert_eq!(number(store, forms), blobs);
    assert_eq!(number(store, "SELECT count(*) FROM blobs WHERE codec = 3"), 1);
    assert!(deltas(store, &old) == written && written.len() > 100);
    assert_eq!(store.message(old.id).unwrap(), message);
    assert!(sent(store, &old) == turns.0 && sent(store, &other) == plain);

    // The same again is not stored twice, and what is like it is packed against it.
    let mut new = ended(30);
    new.session = session("new");
    fixture.write(vec![
        of(&new),
        head(&new),
        pieced(new.id, turns.clone()),
        body(new.id, Side::Upstream, plain.clone()),
        answer(new.id, &text),
        events(new.id, &text, 0),
    ]);
    assert_eq!(number(store, count), blobs);
    let like = [b" ", &plain[..]].concat();
    let mut last = ended(40);
    last.session = session("new");
    fixture.write(vec![of(&last), body(last.id, Side::Client, like.clone())]);
    assert_eq!(number(store, "SELECT count(*) FROM blobs WHERE base IS NOT NULL"), 1);

    // The earlier flows go, and what others need of them stays.
    let of_session =
        |id: &str| FlowFilter { session: Some(id.to_owned()), ..FlowFilter::default() };
    assert_eq!(store.delete_flows(&of_session("old")).unwrap(), 2);
    assert_eq!(number(store, count), blobs + 1);
    assert!(sent(store, &new) == turns.0 && sent(store, &last) == like);
    assert!(deltas(store, &new) == written);
    assert_eq!(store.delete_flows(&of_session("new")).unwrap(), 2);
    assert_eq!(number(store, count), 0);
}

#[test]
fn earlier_contents_that_nobody_needs_are_swept() {
    let fixture = Fixture::new();
    let flow = ended(10);
    let text = words(3, 40);
    fixture.write(vec![
        of(&flow),
        pieced(flow.id, conversation("swept", 3)),
        answer(flow.id, &text),
        events(flow.id, &text, 0),
    ]);
    let written = deltas(&fixture.store, &flow);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    age(&path, &flow, &written);
    let fixture = fixture.after_close();
    assert!(number(&fixture.store, "SELECT count(*) FROM blobs") > 4);
    assert_eq!(fixture.store.delete_flows(&FlowFilter::default()).unwrap(), 1);
    assert_eq!(number(&fixture.store, "SELECT count(*) FROM blobs"), 0);
}
