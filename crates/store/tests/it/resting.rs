//! Open flows beyond those that the writer keeps in memory: read back from their rows, and none the worse.

use langley_model::{Flow, Outcome, Record, Tokens};
use langley_store::{Store, StoredEvent};

use crate::given::{Fixture, data, ended, flow, kind, of, run};

const EVENTS: u64 = 60;

fn keeping(open_flows: usize) -> Fixture {
    Fixture::with(|options| options.open_flows = open_flows)
}

fn events(store: &Store, flow: &Flow) -> Vec<StoredEvent> {
    store.events(flow.id, None, 500, None).unwrap().unwrap().into_inner().items
}

fn blocks(store: &Store) -> i64 {
    let conn = rusqlite::Connection::open(store.path()).unwrap();
    conn.query_row("SELECT count(*) FROM event_blocks", (), |row| row.get(0)).unwrap()
}

#[test]
fn many_slow_streams_keep_the_writers_memory_bounded_and_lose_nothing() {
    let fixture = keeping(4);
    let store = &fixture.store;
    let mut flows: Vec<Flow> = (0..20).map(|number| flow(1_000 + number)).collect();
    fixture.write(flows.iter().map(of).collect());
    // One event of each in turn, so that each is at rest when its next one comes.
    for seq in 0..EVENTS {
        for flow in &flows {
            fixture.write(vec![run(flow.id, seq, 1, 40)]);
            assert!(store.counters().held_flows <= 4);
        }
    }
    let counters = store.counters();
    assert_eq!((counters.open_flows, counters.held_flows), (20, 4));
    assert!(counters.rested_flows >= 20 * EVENTS - 4, "{}", counters.rested_flows);
    // A row for each some events: their tails were taken up again.
    assert_eq!(blocks(store), 20);

    for flow in &mut flows {
        flow.outcome = Some(Outcome::Completed);
        flow.usage.output = Some(Tokens(7));
        flow.event_count = EVENTS;
    }
    fixture.write(flows.iter().map(of).collect());
    for flow in &flows {
        assert_eq!(&*store.flow(flow.id).unwrap().unwrap(), flow);
        let events = events(store, flow);
        assert_eq!(events.len() as u64, EVENTS);
        for (seq, event) in (0..).zip(&events) {
            assert_eq!((event.seq, event.kind.as_str()), (seq, kind(seq)));
            assert_eq!(event.data, data(seq, 40));
        }
    }
    let counters = store.counters();
    assert_eq!((counters.open_flows, counters.held_flows), (0, 0));
    assert_eq!((counters.flows_total, counters.events_total), (20, 20 * EVENTS));
}

#[test]
fn pieces_of_a_stream_at_rest_are_joined_like_any_others() {
    let written = |open_flows| {
        let fixture = keeping(open_flows);
        let mut flows = [flow(1), flow(2), flow(3)];
        fixture.write(flows.iter().map(of).collect());
        for turn in 0..60 {
            for flow in &flows {
                // Some 2 KB: two of them make a piece, and some thirty a block.
                fixture.write(vec![run(flow.id, turn * 10, 10, 200)]);
            }
        }
        flows.iter_mut().for_each(|flow| flow.outcome = Some(Outcome::Completed));
        fixture.write(flows.iter().map(of).collect());
        for flow in &flows {
            let told = events(&fixture.store, flow).len();
            assert_eq!(told, 500, "a page of them");
            assert_eq!(fixture.store.flow(flow.id).unwrap().unwrap().event_count, 600);
        }
        blocks(&fixture.store)
    };
    assert_eq!(written(1), written(1_000));
}

#[test]
fn a_failed_write_leaves_a_flow_at_rest_as_it_was() {
    let fixture = keeping(1);
    let store = &fixture.store;
    let mut resting = flow(1);
    fixture.write(vec![of(&resting), run(resting.id, 0, 3, 20)]);
    fixture.write(vec![of(&flow(2))]);
    // A row that no transaction can take: its batch is given up, one half after the other.
    let conn = rusqlite::Connection::open(store.path()).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER no BEFORE INSERT ON flows WHEN NEW.host = 'refused' BEGIN
             SELECT raise(ABORT, 'no'); END",
    )
    .unwrap();
    let mut refused = ended(3);
    refused.host = String::from("refused");
    resting.outcome = Some(Outcome::Completed);
    resting.event_count = 5;
    let records: Vec<Record> = vec![run(resting.id, 3, 2, 20), of(&resting), of(&refused)];
    fixture.write(records);
    assert!(store.flow(refused.id).unwrap().is_none());
    assert_eq!(&*store.flow(resting.id).unwrap().unwrap(), &resting);
    let told: Vec<u64> = events(store, &resting).iter().map(|event| event.seq).collect();
    assert_eq!(told, [0, 1, 2, 3, 4]);
    assert_eq!(store.counters().open_flows, 1);
}

/// Says that the flow's first block has an event more than it has: it breaks off behind the last.
fn break_off(store: &Store) -> Vec<u8> {
    let conn = rusqlite::Connection::open(store.path()).unwrap();
    let (id, codec, raw_len, packed): (i64, i64, i64, Vec<u8>) = conn
        .query_row(
            "SELECT id, codec, raw_len, bytes FROM event_blocks ORDER BY first_seq LIMIT 1",
            (),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    let mut raw = match codec {
        0 => packed,
        _ => zstd::bulk::decompress(&packed, raw_len.try_into().unwrap()).unwrap(),
    };
    // The layout's mark and number, the count of types, and each as length and name.
    let count = (0..raw[2]).fold(3, |at, _| at + 1 + usize::from(raw[at]));
    raw[count] += 1;
    conn.execute("UPDATE event_blocks SET codec = 0, bytes = ?2 WHERE id = ?1", (id, &raw))
        .unwrap();
    raw
}

#[test]
fn a_block_that_breaks_off_stays_as_it_is_beside_the_events_that_come_after_it() {
    // At rest it is a tail that would go on, or one of the pieces that would become one block.
    for (open_flows, count) in [(0, 20), (0, 45), (4, 45)] {
        let fixture = keeping(open_flows);
        let store = &fixture.store;
        let mut going = flow(1_000);
        fixture.write(vec![of(&going)]);
        fixture.write(vec![run(going.id, 0, count, 110)]);
        let damaged = break_off(store);
        fixture.write(vec![run(going.id, count, 45, 110)]);
        fixture.write(vec![run(going.id, count + 45, 5, 110)]);
        going.outcome = Some(Outcome::Completed);
        fixture.write(vec![of(&going)]);
        let conn = rusqlite::Connection::open(store.path()).unwrap();
        let first = "SELECT bytes FROM event_blocks ORDER BY first_seq LIMIT 1";
        let kept: Vec<u8> = conn.query_row(first, (), |row| row.get(0)).unwrap();
        assert!(kept == damaged, "{open_flows} {count}");
        let rest =
            store.events(going.id, Some(count - 1), 500, None).unwrap().unwrap().into_inner();
        let seen: Vec<u64> = rest.items.iter().map(|event| event.seq).collect();
        assert_eq!(seen, (count..count + 50).collect::<Vec<_>>());
    }
}
