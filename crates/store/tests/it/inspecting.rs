//! The file looked through as a whole, while it is written: a portion at a time.

use std::collections::{BTreeMap, BTreeSet};

use langley_model::{Record, Side};

use crate::given::{Fixture, body, ended, headers, of, run, tunnel};

/// More than a portion has.
const MANY: i64 = 450;

#[test]
fn every_text_is_shown_once_and_what_comes_meanwhile_is_shown_too() {
    let fixture = Fixture::new();
    let mut records = Vec::new();
    for at in 1..=MANY {
        let mut flow = ended(at);
        flow.path = format!("/{at}");
        let text = format!("body {at}");
        let parts = [body(flow.id, Side::Client, text.into_bytes()), run(flow.id, 0, 2, 20)];
        records.push(of(&flow));
        records.extend(parts);
        let mut other = tunnel(at, Some(at + 1));
        if let Record::Tunnel(tunnel) = &mut other {
            tunnel.host = format!("host-{at}");
        }
        records.push(other);
    }
    fixture.write(records);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let (mut events, mut later) = (0, BTreeSet::new());
    let see = |spot: &langley_store::Spot<'_>, text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        match (spot.table, spot.column) {
            ("flows", "path") | ("tunnels", "host") => {}
            ("event_blocks", "bytes") => events += 1,
            ("blobs", "bytes") => assert_eq!(spot.headers, text.contains("late line"), "{text}"),
            _ => return,
        }
        if matches!(spot.table, "blobs" | "flows") && later.insert(spot.table.to_owned()) {
            // Behind the portion that is read.
            let late = (0..20).flat_map(|number| {
                let mut late = ended(10_000 + 100 * later.len() as i64 + number);
                late.path = format!("/late after {}", spot.table);
                let line = format!("late line {number}");
                [of(&late), headers(late.id, Side::Client, false, &[("x-late", &line)])]
            });
            fixture.write(late.collect());
        }
        *seen.entry(text).or_default() += 1;
    };
    let unseen = fixture.store.texts(see).unwrap();
    assert_eq!((unseen, events), (langley_store::Unseen::default(), 2 * MANY));
    for at in 1..=MANY {
        for text in [format!("/{at}"), format!("body {at}"), format!("host-{at}")] {
            assert_eq!(seen.get(&text), Some(&1), "{text}");
        }
    }
    assert_eq!(seen.get("/late after flows"), Some(&20));
    assert!(seen.keys().any(|text| text.contains("late line")));
}

#[test]
fn sizes_and_damage_are_told_of_each_table_and_index() {
    let fixture = Fixture::new();
    fixture.write((1..=MANY).map(|at| of(&ended(at))).collect());
    fixture.store.checkpoint().unwrap();
    let sizes = fixture.store.sizes().unwrap();
    assert!(sizes.is_sorted_by(|one, next| one.1 >= next.1));
    let all: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    let pages = std::fs::metadata(fixture.store.path()).unwrap().len();
    assert!(all <= pages && all > pages / 2, "{all} of {pages}");
    assert!(sizes.iter().any(|(name, _)| name == "flows_by_id"));
    assert_eq!(fixture.store.damage().unwrap(), []);
    let path = fixture.store.path().to_owned();
    let conn = rusqlite::Connection::open(&path).unwrap();
    let sql =
        "SELECT pgoffset FROM dbstat WHERE name = 'flows_by_id' AND pagetype = 'leaf' LIMIT 1";
    let leaf: i64 = conn.query_row(sql, (), |row| row.get(0)).unwrap();
    drop(conn);
    fixture.store.close();
    let sound = std::fs::read(&path).unwrap();
    // A page of an index, and how many pages are free.
    for at in [leaf as usize, 36] {
        let mut damaged = sound.clone();
        damaged[at..at + 4].copy_from_slice(&[0, 0, 0, 9]);
        std::fs::write(&path, &damaged).unwrap();
        let store = langley_store::Store::open_read_only(path.clone()).unwrap();
        let damage = store.damage().unwrap();
        assert!(damage.len() <= 10 && !damage.is_empty(), "{at}: {damage:?}");
    }
}
