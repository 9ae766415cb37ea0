//! `cargo xtask seed-db`: a store as months of use leave it, written through the store's own writer.
//!
//! For measuring how queries scale, and how large the file becomes. What is in it is made up, but its
//! shape is that of real traffic: sessions whose conversations grow, in pieces; streamed answers whose
//! events hold text that compresses as real text does.

mod answer;
mod profile;
mod random;
mod session;
mod traffic;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, ensure};
use clap::Args;
use langley_model::{Micros, Record, Redacted, Redactor, RedactorOptions, SearchText};
use langley_store::{IndexEntry, Store, StoreOptions};

pub(crate) use random::Random;
pub(crate) use traffic::{Made, Plan, Traffic};

use crate::ground::optimised;

/// Days that the flows are spread over.
const DAYS: u64 = 90;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Flows that are handed over, and indexed, together.
const TOGETHER: usize = 256;

#[derive(Args, Clone, Debug)]
pub(crate) struct SeedOptions {
    /// How many flows
    #[arg(long)]
    flows: u64,
    /// How many stream events, shared out among the flows
    #[arg(long)]
    events: u64,
    /// The home folder to make; must not hold a store yet
    #[arg(long, value_name = "DIR", default_value = "seeded")]
    out: PathBuf,
    /// The same seed gives the same flows, on the same day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Unoptimised: to see that it works
    #[arg(long, hide = true)]
    unoptimised: bool,
}

/// Writes the store and tells what it came to.
pub(crate) fn seed_db(options: &SeedOptions) -> Result<()> {
    if cfg!(debug_assertions) && !options.unoptimised {
        return optimised("the store could not be seeded");
    }
    let path = options.out.join("langley.db");
    ensure!(!path.exists(), "{} exists; name another folder with --out", path.display());
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("{} cannot be made", options.out.display()))?;
    let mut settings = StoreOptions::new(&path);
    settings.queue_max_bytes = 64 << 20;
    let store = Store::open(settings, Box::new(|_| {}))?;
    let redactor = redactor()?;
    let day = DAY.as_micros() as i64;
    // Up to the beginning of today, so that a seed gives the same all day.
    let today = Micros(Micros::now().0 / day * day);
    let plan = Plan {
        flows: options.flows,
        events: options.events,
        from: Micros(today.0 - day * DAYS as i64),
        span: DAY * DAYS as u32,
        seed: options.seed,
    };
    let began = Instant::now();
    let event_bytes = write(&store, Traffic::new(plan, redactor), options.flows)?;
    let wall = began.elapsed();
    store.checkpoint()?;
    tell(&store, event_bytes, wall)?;
    store.close();
    Ok(())
}

/// Writes all of it; returns how long the events' data was. One thread makes, another hands over.
fn write(store: &Store, traffic: Traffic, flows: u64) -> Result<u64> {
    let (give, take) = sync_channel::<Vec<Made>>(4);
    let maker = std::thread::Builder::new().name(String::from("maker")).spawn(move || {
        let mut traffic = traffic;
        loop {
            let some: Vec<Made> = traffic.by_ref().take(TOGETHER).collect();
            // Nobody takes any more: the other side says why.
            if some.is_empty() || give.send(some).is_err() {
                break;
            }
        }
    })?;
    let (mut written, mut event_bytes, mut told) = (0, 0, Instant::now());
    for some in take {
        let mut texts = Vec::with_capacity(some.len());
        for made in some {
            submit(store, made.records);
            texts.push(made.text);
            written += 1;
            event_bytes += made.event_bytes;
        }
        // Of what the index is told the rows must be there.
        store.flush()?;
        index(store, texts)?;
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            eprintln!("{written} of {flows} flows");
        }
    }
    ensure!(maker.join().is_ok(), "the traffic ended by a panic");
    let counters = store.counters();
    ensure!(
        counters.records_dropped == 0 && written == counters.flows_total,
        "the store did not take everything: {counters:?}"
    );
    Ok(event_bytes)
}

/// The redactor that everything passes.
pub(crate) fn redactor() -> Result<Arc<Redactor>> {
    Redactor::new(RedactorOptions::default()).map(Arc::new).map_err(Error::msg)
}

/// Hands records over as soon as there is room.
pub(crate) fn submit(store: &Store, mut records: Vec<Redacted<Record>>) {
    while let Err(back) = store.submit(records) {
        records = back;
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Tells the index of flows that are stored.
pub(crate) fn index(store: &Store, texts: Vec<Redacted<SearchText>>) -> Result<()> {
    let mut entries = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(flow) = store.flow(text.flow)? else { continue };
        entries.push(IndexEntry { revision: flow.revision(), text });
    }
    Ok(store.index(entries)?)
}

/// Rows, bytes by table, and the rate.
fn tell(store: &Store, event_bytes: u64, wall: Duration) -> Result<()> {
    let counters = store.counters();
    let seconds = wall.as_secs_f64();
    println!(
        "{} flows, {} events in {seconds:.0} s: {:.0} flows/s, {:.0} events/s",
        counters.flows_total,
        counters.events_total,
        counters.flows_total as f64 / seconds,
        counters.events_total as f64 / seconds,
    );
    let sizes = store.sizes()?;
    let all: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    for (table, bytes) in sizes.iter().filter(|(_, bytes)| bytes * 500 > all) {
        println!(
            "  {table:<28} {:>9.1} MB {:>5.1} %",
            *bytes as f64 / 1e6,
            *bytes as f64 * 100.0 / all as f64
        );
    }
    let blocks = sizes.iter().find(|(table, _)| table == "event_blocks").map_or(0, |(_, b)| *b);
    println!("  {:<28} {:>9.1} MB", "all", all as f64 / 1e6);
    println!(
        "events: {:.0} bytes of data each, {:.0} on disk ({:.1} to one); the whole file {:.0} bytes an event",
        event_bytes as f64 / counters.events_total as f64,
        blocks as f64 / counters.events_total as f64,
        event_bytes as f64 / blocks.max(1) as f64,
        all as f64 / counters.events_total as f64,
    );
    Ok(())
}
