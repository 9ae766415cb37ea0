//! Every decoder on damaged input: cassettes are mutated, cut anywhere, and must neither end in a panic,
//! nor read differently by how they are cut, nor take long, nor much memory.
//!
//! A short run is part of the tests; `cargo xtask fuzz` runs each target for as long as it is told.

use std::time::{Duration, Instant};

use langley_testkit::fuzz::{DECODERS, Random, damaged, seeds};

/// Inputs a decoder gets in the short run.
const SHORT: u32 = 1_000;

/// The longest that one input may take in a long run: a hang, and not a slow machine.
const LONGEST: Duration = Duration::from_secs(10);

/// By how much the process may grow in a long run of one target, in KiB.
const GROWTH_MAX: u64 = 64 * 1024;

/// Seconds for each target; set by `cargo xtask fuzz`.
const SECONDS: &str = "LANGLEY_FUZZ_SECONDS";

/// Only targets whose name holds this; set by `cargo xtask fuzz`.
const ONLY: &str = "LANGLEY_FUZZ_ONLY";

/// Memory of the process in KiB; none where the system does not tell.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

#[test]
fn damaged_input_is_read_alike_however_it_is_cut() {
    let seeds = seeds();
    for decoder in DECODERS {
        let name = decoder.name;
        let mut random = Random::from(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
        for turn in 0..SHORT {
            let input = damaged(&mut random, &seeds);
            let caught = std::panic::catch_unwind(|| decoder.check(&input, &mut random.clone()));
            assert!(caught.is_ok(), "{name}, input {turn}: {:?}", String::from_utf8_lossy(&input));
        }
    }
}

#[test]
#[ignore = "runs as long as it is told: cargo xtask fuzz"]
fn for_a_long_time() {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let only = std::env::var(ONLY).unwrap_or_default();
    let seeds = seeds();
    let wanted = DECODERS.iter().filter(|decoder| decoder.name.contains(&only));
    assert!(wanted.clone().count() > 0, "no target's name holds {only:?}");
    for decoder in wanted {
        let name = decoder.name;
        let begun = Instant::now();
        let seed = begun.elapsed().as_nanos() ^ std::process::id() as u128;
        let mut random = Random::from(u64::try_from(seed).unwrap_or(1));
        let (mut inputs, before) = (0_u64, resident());
        while begun.elapsed() < Duration::from_secs(seconds) {
            let input = damaged(&mut random, &seeds);
            let started = Instant::now();
            decoder.check(&input, &mut random);
            assert!(started.elapsed() < LONGEST, "{name} hangs: {input:?}");
            inputs += 1;
        }
        let growth = resident().zip(before).map(|(after, before)| after.saturating_sub(before));
        assert!(growth.is_none_or(|growth| growth < GROWTH_MAX), "{name} grew by {growth:?} KiB");
        println!("{name}: {inputs} inputs, {} KiB more memory", growth.unwrap_or(0));
    }
}
