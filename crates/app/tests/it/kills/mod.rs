//! The server is killed at any moment, again and again, under load: each time its store opens, is whole,
//! and says what it lost.

mod load;
mod proof;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use langley_model::Micros;
use langley_store::Store;

use crate::stage::{Provider, Stage, wait};
use load::Load;
use proof::Found;

/// The most events that agents see before a kill.
const EVENTS_MAX: u64 = 4_000;

/// After how many kills the whole file is looked through, and after the last one: it grows with each of them, and what
/// a kill has damaged stays so.
const LOOK_EVERY: u32 = 10;

/// A number from the environment; `cargo xtask soak --only kill` asks for more than a test does.
fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Xorshift: the same seed kills after as many events.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn a_server_killed_at_any_moment_opens_again_and_has_lost_a_second_at_most() {
    let kills = u32::try_from(asked("LANGLEY_KILLS", 20)).unwrap();
    // A second is promised; a test that shares its machine with others asks for less.
    let bound = Duration::from_millis(asked("LANGLEY_KILL_LOSS_MS", 5_000));
    let mut random = asked("LANGLEY_KILL_SEED", 1) | 1 << 40;
    let most = if kills > 20 { EVENTS_MAX } else { EVENTS_MAX / 3 };
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let database = stage.home().join("langley.db");
    let mut server = stage.server();
    let ca = std::fs::read_to_string(stage.home().join("ca/ca.pem")).unwrap();
    let (mut flows, mut lost) = (0, 0);
    for round in 0..kills {
        let since = Micros::now();
        let proxy = stage.state()["proxy"].as_str().unwrap().parse().unwrap();
        let load = Load::start(proxy, [&ca, provider.fixture.ca_pem()], round);
        // Some are killed at once, before anything is committed.
        let events = if next(&mut random).is_multiple_of(8) { 1 } else { next(&mut random) % most };
        wait(|| load.events() >= events);
        let committed = stage.api("/api/stats")["events_total"].as_u64().unwrap();
        let killed = Instant::now();
        drop(server);
        let seen = load.end();

        server = stage.server();
        let stats = stage.api("/api/stats");
        if kills <= 20 || round % LOOK_EVERY == 0 || round + 1 == kills {
            assert_eq!(integrity(&database), "ok", "kill {round}");
        }
        assert_eq!(stats["open_flows"], 0, "{stats}");
        let total = stats["events_total"].as_u64().unwrap();
        assert!(total >= committed, "{total} of {committed} committed events, kill {round}");
        let store = Store::open_read_only(&database).unwrap();
        let found = Found::read(&store, since);
        found.holds(&seen, killed, bound);
        // What was lost is said, and by how many.
        assert_eq!(stats["lost_flows"], found.lost, "{stats}");
        let tunnels = store.tunnels(500).unwrap();
        assert!(tunnels.iter().all(|tunnel| tunnel.ended_at.is_some()), "kill {round}");
        flows += found.count();
        lost += found.lost;
        store.close();
    }
    let store = Store::open_read_only(&database).unwrap();
    proof::is_sound(&store);
    assert!(!store.tunnels(1).unwrap().is_empty());
    assert!(lost > 0 && flows > lost as usize, "{lost} of {flows} flows were open at a kill");
}

fn integrity(database: &Path) -> String {
    let check = Command::new("sqlite3").arg(database).arg("PRAGMA integrity_check").output();
    String::from_utf8(check.unwrap().stdout).unwrap().trim().to_owned()
}
