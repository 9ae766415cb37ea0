//! `cargo xtask seed-db`: a store as months of use leave it, written through the store's own writer.
//!
//! For measuring how queries scale, and how large the file becomes. What is in it is made up, but its
//! shape is that of real traffic. What was assumed:
//!
//! - Sessions of 20 to 200 turns whose conversations grow, in pieces, until they are summed up at 200 KB.
//!   The system's words and the tools are those of the agent, the same in all of its sessions. A turn adds
//!   the last answer, without its thoughts, and a tool's result (1 KB on average) or a prompt.
//! - Events are what providers send: Anthropic's deltas have some 80 bytes of JSON around 10 to 110 bytes
//!   of text, `OpenAI`'s some 200 (ids, a sequence number, padding that nothing can pack) around a token,
//!   Gemini's some 450 (usage in every chunk) around 40 to 200 bytes; so the one answers in few events and
//!   the other in many. Thoughts end in a signature, and `OpenAI` repeats a text in the four events that
//!   end it. That makes 220 bytes an event on average.
//! - A third of the text is prose by Zipf's law; the rest is what agents read and write: files of a
//!   project, some of them again and again, changes to them, and what commands print. How small zstd
//!   makes it is measured and told at the end: real text of agents becomes four to five times smaller.
//! - Headers are as many as agents and providers send; ids, dates and limits in them are new each time.

mod answer;
mod profile;
mod project;
mod random;
mod ratio;
mod said;
mod session;
mod stream;
mod traffic;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, ensure};
use clap::Args;
use langley_engine::analyse;
use langley_model::{Micros, Record, Redacted, Redactor, RedactorOptions, SearchText};
use langley_store::{IndexEntry, Store, StoreOptions};
use ratio::Measured;

pub(crate) use random::Random;
pub(crate) use traffic::{Made, Plan, Traffic};

use crate::ground::optimised;

/// Days that the flows are spread over.
const DAYS: u64 = 90;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Flows that are indexed together.
const TOGETHER: usize = 256;

/// Flows that are handed over together: few, so that the writer takes the time to pack them as it does when
/// agents work, and not as in a flood.
const AT_ONCE: usize = 32;

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
    let traffic = Traffic::new(plan, Arc::clone(&redactor));
    let measured = write(&store, &redactor, traffic, options.flows)?;
    let wall = began.elapsed();
    store.checkpoint()?;
    tell(&store, &measured, wall)?;
    store.close();
    Ok(())
}

/// Writes all of it; returns what it measured. One thread makes, another hands over.
fn write(
    store: &Store,
    redactor: &Arc<Redactor>,
    traffic: Traffic,
    flows: u64,
) -> Result<Measured> {
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
    let (mut written, mut measured, mut told) = (0, Measured::new()?, Instant::now());
    for some in take {
        let mut texts = Vec::with_capacity(some.len());
        measured.see(&some)?;
        for made in some {
            submit(store, made.records);
            texts.push(made.text);
            written += 1;
            if texts.len().is_multiple_of(AT_ONCE) {
                store.flush()?;
            }
        }
        // Of what the index is told the rows must be there.
        store.flush()?;
        index(store, texts)?;
        // As the server does it; of sessions that go on nothing is overdue.
        analyse(store, redactor, Micros(0))?;
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            eprintln!("{written} of {flows} flows");
        }
    }
    ensure!(maker.join().is_ok(), "the traffic ended by a panic");
    analyse(store, redactor, Micros::now())?;
    let counters = store.counters();
    ensure!(
        counters.records_dropped == 0 && written == counters.flows_total,
        "the store did not take everything: {counters:?}"
    );
    Ok(measured)
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
fn tell(store: &Store, measured: &Measured, wall: Duration) -> Result<()> {
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
    let flows = counters.flows_total as f64;
    println!(
        "events: {:.0} bytes of data each, {:.0} on disk ({:.1} to one); the whole file {:.0} bytes an event, {:.0} a flow",
        measured.event_bytes as f64 / counters.events_total as f64,
        blocks as f64 / counters.events_total as f64,
        measured.event_bytes as f64 / blocks.max(1) as f64,
        all as f64 / counters.events_total as f64,
        all as f64 / flows,
    );
    println!(
        "text: {:.0} bytes that are new in a flow; zstd -3 makes it {:.2} times smaller all together",
        measured.text_bytes as f64 / flows,
        measured.text.ratio(),
    );
    println!("events' data with their JSON: {:.2} times smaller", measured.events.ratio());
    Ok(())
}
