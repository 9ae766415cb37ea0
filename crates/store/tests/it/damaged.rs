//! What is damaged in the file: what can be read is read, what cannot is counted, and recording goes on.

use langley_model::{DropReason, Flow, FlowId, Side, Stored};
use langley_store::{EventPage, FlowFilter, Page, Store, StoreError, Unseen};
use rusqlite::Connection;

use crate::earlier::first_layout;
use crate::given::{Fixture, body, ended, leaf, noise, of, page_of_contents, run, spoil};

const DELTA: &str = "content_block_delta";

/// A flow with two blocks of eight events, of which the first has lost the texts of its last three: 0 to 4
/// and 8 to 15 can be read.
fn damaged() -> (Fixture, Flow) {
    let fixture = Fixture::new();
    let flow = ended(10);
    fixture.write(vec![of(&flow), run(flow.id, 0, 8, 40)]);
    let whole = page(&fixture, &flow, None, 500, None);
    assert_eq!((whole.items.len(), whole.damaged), (8, 0));
    let mut raw = first_layout(&whole.items, DELTA);
    let conn = Connection::open(fixture.store.path()).unwrap();
    let set = |block: &str, raw: &[u8]| {
        let sql = format!(
            "UPDATE event_blocks SET raw_len = ?1, codec = 0, bytes = ?2, first_us = 0 WHERE {block}"
        );
        assert_eq!(conn.execute(&sql, (raw.len() as i64, raw)).unwrap(), 1);
    };
    conn.execute_batch(
        "INSERT INTO event_blocks (flow, first_seq, last_seq, first_us, last_us, events, kinds, codec, raw_len, bytes)
         SELECT flow, 8, 15, 0, last_us, events, kinds, 0, 0, x'' FROM event_blocks",
    )
    .unwrap();
    set("first_seq = 8", &raw);
    raw.truncate(raw.len() - 2 * 40 - 1);
    set("first_seq = 0", &raw);
    (fixture, flow)
}

fn page(
    fixture: &Fixture,
    flow: &Flow,
    after: Option<u64>,
    limit: usize,
    kind: Option<&str>,
) -> EventPage {
    fixture.store.events(flow.id, after, limit, kind).unwrap().unwrap().into_inner()
}

fn seqs(page: &EventPage) -> Vec<u64> {
    page.items.iter().map(|event| event.seq).collect()
}

#[test]
fn events_that_a_damaged_block_has_lost_are_counted_and_those_behind_it_read() {
    let (fixture, flow) = damaged();
    let readable: Vec<u64> = (0..5).chain(8..16).collect();
    for kind in [None, Some(DELTA)] {
        let all = page(&fixture, &flow, None, 500, kind);
        assert_eq!((seqs(&all), all.total, all.damaged), (readable.clone(), 16, 3));
    }
    let other = page(&fixture, &flow, None, 500, Some("ping"));
    assert_eq!((other.items.len(), other.damaged), (0, 0));
}

#[test]
fn what_is_damaged_is_counted_once_however_the_pages_fall() {
    let (fixture, flow) = damaged();
    for limit in 1..16 {
        let (mut after, mut damaged, mut seen) = (None, 0, Vec::new());
        loop {
            let page = page(&fixture, &flow, after, limit, None);
            damaged += page.damaged;
            seen.extend(seqs(&page));
            after = page.next_after;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), damaged), (13, 3), "pages of {limit}");
    }
}

#[test]
fn who_looks_through_all_texts_is_told_how_many_events_are_damaged() {
    let (fixture, _) = damaged();
    let mut seen = 0;
    let damaged = fixture.store.texts(|spot, _| {
        seen += u64::from(spot.table == "event_blocks" && spot.column == "bytes");
    });
    assert_eq!((damaged.unwrap(), seen), (Unseen { events: 3, ..Unseen::default() }, 13));
}

#[test]
fn a_block_that_cannot_be_unpacked_is_counted_whole_and_those_behind_it_read() {
    for damage in [
        "bytes = CAST(x'ff' || substr(bytes, 2) AS BLOB)",
        "raw_len = raw_len + 1",
        "codec = 0, bytes = x'ff'",
        "codec = 99",
    ] {
        let fixture = Fixture::new();
        let flow = ended(10);
        fixture.write(vec![of(&flow), run(flow.id, 0, 8, 400)]);
        let conn = Connection::open(fixture.store.path()).unwrap();
        let again = "INSERT INTO event_blocks
                (flow, first_seq, last_seq, first_us, last_us, events, kinds, codec, raw_len, bytes)
            SELECT flow, 8, 15, first_us, last_us, events, kinds, codec, raw_len, bytes FROM event_blocks";
        assert_eq!(conn.execute(again, ()).unwrap(), 1);
        assert_eq!(page(&fixture, &flow, None, 500, None).items.len(), 16);
        let sql = format!("UPDATE event_blocks SET {damage} WHERE first_seq = 0 AND codec <> 0");
        assert_eq!(conn.execute(&sql, ()).unwrap(), 1);
        for limit in [3, 500] {
            let found = page(&fixture, &flow, None, limit, None);
            let readable: Vec<u64> = (8..16).take(limit).collect();
            assert_eq!((seqs(&found), found.damaged), (readable, 8), "{damage}");
            let behind = page(&fixture, &flow, Some(8), limit, None);
            assert_eq!((behind.items[0].seq, behind.damaged), (9, 0), "{damage}");
        }
        let unseen = fixture.store.texts(|_, _| {}).unwrap();
        assert_eq!(unseen, Unseen { events: 8, ..Unseen::default() }, "{damage}");
    }
}

#[test]
fn events_whose_types_cannot_be_read_from_their_row_are_read_all_the_same() {
    let (fixture, flow) = damaged();
    let conn = Connection::open(fixture.store.path()).unwrap();
    for unreadable in ["x'ff'", "x'ff01'", "'{'", "7"] {
        let sql = format!("UPDATE event_blocks SET kinds = {unreadable} WHERE first_seq = 8");
        assert_eq!(conn.execute(&sql, ()).unwrap(), 1);
        let readable: Vec<u64> = (0..5).chain(8..16).collect();
        for kind in [None, Some(DELTA)] {
            let all = page(&fixture, &flow, None, 500, kind);
            assert_eq!(seqs(&all), readable, "{unreadable} {kind:?}");
            assert_eq!(all.kinds, [(DELTA.to_owned(), 8)], "{unreadable}");
        }
        let other = page(&fixture, &flow, None, 500, Some("ping"));
        assert!(other.items.is_empty(), "{unreadable}");
    }
}

#[test]
fn contents_on_a_page_that_cannot_be_read_are_stored_anew_and_cost_no_record() {
    let fixture = Fixture::new();
    let sends = |fixture: &Fixture, at: i64| -> Vec<FlowId> {
        let flows: Vec<_> = (at..at + 12).map(ended).collect();
        let records = flows.iter().flat_map(|flow| {
            let bytes = noise((flow.started_at.0 - at).cast_unsigned());
            [of(flow), body(flow.id, Side::Client, bytes)]
        });
        fixture.write(records.collect());
        flows.into_iter().map(|flow| flow.id).collect()
    };
    let before = sends(&fixture, 100);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    spoil(&path, page_of_contents(&path));
    let mut fixture = fixture.after_close();
    let mut contents = None;
    for at in [200, 300, 400] {
        let flows = sends(&fixture, at);
        let counters = fixture.store.counters();
        assert_eq!((counters.records_dropped, counters.failing), (0, false));
        for (seed, flow) in (0..).zip(flows) {
            assert_eq!(fixture.store.body(flow, Side::Client).unwrap().unwrap().bytes, noise(seed));
        }
        let conn = Connection::open(&path).unwrap();
        let count =
            conn.query_row("SELECT count(*) FROM blobs", (), |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(*contents.get_or_insert(count), count, "once more, and not each time");
        drop(conn);
        fixture = fixture.after_close();
    }
    assert!(matches!(fixture.store.body(before[0], Side::Client), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_record_that_meets_a_damaged_page_costs_itself_and_nothing_else() {
    let fixture = Fixture::new();
    let first = ended(1);
    fixture.write(vec![of(&first)]);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let conn = Connection::open(&path).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'retries'";
    let root = conn.query_row(root, (), |row| row.get::<_, i64>(0)).unwrap();
    drop(conn);
    spoil(&path, root.cast_unsigned());
    let fixture = fixture.after_close();
    let flows: Vec<Flow> = (2..22)
        .map(|at| {
            let mut flow = ended(at);
            flow.retry_of = (at == 7).then_some(first.id);
            flow
        })
        .collect();
    fixture.write(flows.iter().map(of).collect());
    let counters = fixture.store.counters();
    assert_eq!((counters.flows_total, counters.records_dropped), (20, 1));
    assert!(counters.failing);
    fixture.write(vec![of(&ended(30))]);
    assert!(!fixture.store.counters().failing);
    let lost = fixture.store.drops(None, 10).unwrap().items;
    assert_eq!((lost[0].flow, lost[0].reason), (Some(flows[5].id), DropReason::WriteFailed));
}

#[test]
fn flows_on_a_page_that_cannot_be_read_are_counted_and_the_others_listed() {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (1..=400).map(ended).collect();
    fixture.write(flows.iter().map(of).collect());
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    spoil(&path, leaf(&path, "flows", 2));
    let fixture = fixture.after_close();
    let store = &fixture.store;
    assert!(!store.has_damage());
    let of_host = FlowFilter { host: Some(String::from("api.example")), ..FlowFilter::default() };
    let nobody = FlowFilter { host: Some(String::from("nobody")), ..FlowFilter::default() };
    type Listing =
        fn(&Store, &FlowFilter, Option<&str>, usize) -> Result<Page<Stored<Flow>>, StoreError>;
    let both: [Listing; 2] = [Store::flows, Store::flows_oldest_first];
    for (filter, limit) in [(FlowFilter::default(), 7), (FlowFilter::default(), 500), (of_host, 90)]
    {
        for (at, listing) in both.into_iter().enumerate() {
            let (mut cursor, mut damaged, mut times) = (None, 0, Vec::new());
            loop {
                let page = listing(store, &filter, cursor.as_deref(), limit).unwrap();
                assert!(page.items.len() <= limit);
                damaged += page.damaged;
                times.extend(page.items.iter().map(|flow| flow.started_at.0));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert!((10..200).contains(&damaged), "{damaged}");
            assert_eq!(times.len() as u64 + damaged, 400, "each once, in pages of {limit}");
            assert!(if at == 0 { times.is_sorted_by(|a, b| a > b) } else { times.is_sorted() });
            assert_eq!(store.counters().damaged_flows, damaged);
        }
    }
    let page = store.flows(&nobody, None, 5).unwrap();
    assert_eq!((page.items.len(), page.next_cursor, page.damaged), (0, None, 0));
    assert!(store.has_damage());
}
