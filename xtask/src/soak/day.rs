//! A day of traffic under retention, in minutes: the clock is ours. File, log and memory must have a
//! size at which they stay.

use std::time::Duration;

use anyhow::{Result, ensure};
use langley_model::Micros;
use langley_store::{FlowFilter, Retention, Store, StoreOptions};

use crate::memory::resident_kib;
use crate::seed::{Made, Plan, Traffic, index, redactor, submit};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What an hour brings at full size: a busy team's worth.
const FLOWS: u64 = 1_500;
const EVENTS: u64 = 75_000;

/// Keeps a day: what is written in the second one takes the place of the first one's.
const KEEP: Retention = Retention {
    flows_days: 1,
    events_days: 1,
    bodies_days: 1,
    transcripts_days: 0,
    vacuum_free_percent: 20,
};

/// Largest log: a thousand pages, and a transaction beyond them.
const WAL_MAX: u64 = 24 << 20;
/// Growth of memory over the second day, in KiB.
const GROWTH_MAX: u64 = 32 * 1024;

/// A day to fill the store, and a day that must not make it larger; a line of figures.
pub(super) fn day(seed: u64, shrink: u64) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreOptions::new(folder.path().join("langley.db")), Box::new(|_| {}))?;
    let from = Micros(1_800_000_000_000_000);
    let flows = (FLOWS / shrink.max(1)).max(20);
    let plan = Plan {
        flows: 48 * flows,
        events: 48 * (EVENTS / shrink.max(1)).max(200),
        from,
        span: HOUR * 48,
        seed,
    };
    let mut traffic = Traffic::new(plan, redactor()?).peekable();
    let (mut written, mut retired) = (0, 0);
    let (mut at_noon, mut largest, mut wal, mut memory) = (0, 0, 0, (0, 0));
    for hour in 0..48 {
        let until = Micros(from.0 + (HOUR * (hour + 1)).as_micros() as i64);
        let mut texts = Vec::new();
        while let Some(made) = traffic.next_if(|made| made.started_at < until) {
            let Made { records, text, .. } = made;
            submit(&store, records);
            texts.push(text);
            written += 1;
            if texts.len() == 64 {
                store.flush()?;
                index(&store, std::mem::take(&mut texts))?;
                wal = wal.max(store.counters().wal_bytes);
            }
        }
        store.flush()?;
        index(&store, texts)?;
        let counters = store.counters();
        wal = wal.max(counters.wal_bytes);
        retired += store.maintain(&KEEP, until)?.flows;
        let (bytes, kib) = (store.counters().db_bytes, resident_kib("self", "VmRSS:").unwrap_or(0));
        if hour == 27 {
            (at_noon, memory) = (bytes, (kib, kib));
        }
        if hour > 27 {
            largest = largest.max(bytes);
            memory.1 = memory.1.max(kib);
        }
    }
    let counters = store.counters();
    ensure!(counters.records_dropped == 0 && counters.flows_total == written, "{counters:?}");
    let left = store.count_flows(&FlowFilter::default())?;
    ensure!(
        retired > written / 4 && left + retired == written,
        "of {written} flows {retired} were retired and {left} are left"
    );
    ensure!(
        largest <= at_noon + at_noon / 2,
        "the file grew from {at_noon} bytes to {largest} while it kept a day"
    );
    ensure!(wal <= WAL_MAX, "the log grew to {wal} bytes");
    let grown = memory.1.saturating_sub(memory.0);
    ensure!(grown <= GROWTH_MAX, "memory grew by {grown} KiB over the second day");
    store.close();
    Ok(format!(
        "{} flows, {} events; file {:.1} MB, then {:.1} MB at most; log {:.1} MB at most; memory +{:.1} MB",
        counters.flows_total,
        counters.events_total,
        at_noon as f64 / 1e6,
        largest as f64 / 1e6,
        wal as f64 / 1e6,
        grown as f64 / 1024.0,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_under_retention_leaves_file_log_and_memory_bounded() {
        let said = day(3, 60).unwrap();
        assert!(said.contains("log ") && said.contains("memory +"), "{said}");
    }
}
