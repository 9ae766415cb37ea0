//! Contents whose keys begin alike are told apart by what they are.

use std::path::Path;

use langley_model::{FlowId, Side};
use langley_store::{FlowFilter, Store};
use rusqlite::{Connection, Params};

use crate::based::number;
use crate::earlier::unpacked;
use crate::given::{Fixture, body, ended, of, session};
use crate::pieces::{conversation, pieced};

/// The hashes of these two have the same first five bytes.
const ONE: &[u8] = b"content 00646659";
const OTHER: &[u8] = b"content 00673307";

const SHORT: &str = "SELECT count(*) FROM blobs WHERE length(hash) = 5";
const LONG: &str = "SELECT count(*) FROM blobs WHERE length(hash) = 16";

const COUNT: &str = "SELECT count(*) FROM blobs";

/// Writes a flow that carries this content.
fn send(fixture: &Fixture, at: i64, bytes: &[u8]) -> FlowId {
    let mut flow = ended(at);
    flow.session = session(if bytes == ONE { "one" } else { "other" });
    fixture.write(vec![of(&flow), body(flow.id, Side::Client, bytes.to_vec())]);
    flow.id
}

fn sent(store: &Store, flow: FlowId) -> Vec<u8> {
    store.body(flow, Side::Client).unwrap().unwrap().into_inner().bytes
}

/// Changes one row, while nobody else has the file open.
fn edit(path: &Path, sql: &str, parameters: impl Params) {
    let changed = Connection::open(path).unwrap().execute(sql, parameters).unwrap();
    assert_eq!(changed, 1, "{sql}");
}

#[test]
fn two_contents_that_share_a_key_are_both_stored_and_found_again() {
    assert_eq!(blake3::hash(ONE).as_bytes()[..5], blake3::hash(OTHER).as_bytes()[..5]);
    let mut fixture = Fixture::new();
    let mut flows = Vec::new();
    for at in [10, 30, 50] {
        for (at, bytes) in [(at, ONE), (at + 10, OTHER)] {
            flows.push((send(&fixture, at, bytes), bytes));
        }
        for (flow, bytes) in &flows {
            assert_eq!(sent(&fixture.store, *flow), *bytes);
        }
        let lengths = (number(&fixture.store, SHORT), number(&fixture.store, LONG));
        assert_eq!((lengths, number(&fixture.store, COUNT)), ((1, 1), 2));
        // Nothing is known of them any more but what the file says.
        fixture = fixture.after_close();
    }

    // Each goes with the last flow that has it.
    let of_one = FlowFilter { session: Some(String::from("one")), ..FlowFilter::default() };
    assert_eq!(fixture.store.delete_flows(&of_one).unwrap(), 3);
    assert_eq!((number(&fixture.store, SHORT), number(&fixture.store, LONG)), (0, 1));
    let again = (send(&fixture, 70, OTHER), send(&fixture, 80, ONE));
    assert_eq!((number(&fixture.store, SHORT), number(&fixture.store, LONG)), (1, 1));
    assert_eq!(sent(&fixture.store, again.0), OTHER);
    assert_eq!(sent(&fixture.store, again.1), ONE);
}

#[test]
fn a_list_of_pieces_is_not_taken_for_a_content_of_the_same_bytes_and_key() {
    let fixture = Fixture::new();
    let (first, text) = (ended(10), conversation("alike", 4));
    fixture.write(vec![of(&first), pieced(first.id, text.clone())]);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let conn = Connection::open(&path).unwrap();
    let recipe: i64 =
        conn.query_row("SELECT id FROM blobs WHERE codec & 2", (), |row| row.get(0)).unwrap();
    let (_, raw) = unpacked(&conn, recipe);
    // A content has its key instead.
    let key: Vec<u8> =
        conn.query_row("SELECT hash FROM blobs WHERE id = ?1", [recipe], |row| row.get(0)).unwrap();
    conn.execute("UPDATE blobs SET hash = x'00' WHERE id = ?1", [recipe]).unwrap();
    conn.execute(
        "INSERT INTO blobs (hash, raw_len, codec, bytes) VALUES (?1, ?2, 0, ?3)",
        (key, raw.len() as i64, &raw),
    )
    .unwrap();
    drop(conn);

    let fixture = fixture.after_close();
    let blobs = number(&fixture.store, COUNT);
    let again = ended(20);
    fixture.write(vec![of(&again), pieced(again.id, text.clone())]);
    assert_eq!(number(&fixture.store, COUNT), blobs + 1);
    assert_eq!(number(&fixture.store, "SELECT codec & 2 FROM blobs WHERE length(hash) = 16"), 2);
    for flow in [first.id, again.id] {
        assert_eq!(sent(&fixture.store, flow), text.0);
    }
}

#[test]
fn a_content_whose_row_cannot_be_read_is_stored_anew_and_one_of_an_earlier_version_is_not() {
    let fixture = Fixture::new();
    let old = send(&fixture, 10, ONE);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let hash = blake3::hash(ONE);
    edit(&path, "UPDATE blobs SET hash = ?1", [&hash.as_bytes()[..16]]);
    let fixture = fixture.after_close();
    send(&fixture, 20, ONE);
    assert_eq!(number(&fixture.store, COUNT), 1);

    fixture.store.clone().close();
    edit(&path, "UPDATE blobs SET hash = substr(hash, 1, 5), codec = 1, bytes = x'00'", ());
    let fixture = fixture.after_close();
    for at in [30, 40] {
        let flow = send(&fixture, at, ONE);
        assert_eq!(sent(&fixture.store, flow), ONE);
        assert_eq!((number(&fixture.store, SHORT), number(&fixture.store, LONG)), (1, 1));
    }
    assert!(fixture.store.body(old, Side::Client).is_err());
}
