//! `cargo xtask bench queries`: how long each door takes to answer from a given store.
//!
//! The parameters are taken from the store itself, by chance: hosts, sessions, moments and flows from all
//! over it. What is told is what a client on loopback waits.

mod doors;

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use langley_fixture::FixtureOptions;
use langley_testkit::{Client, Connection, Request};
use tokio::task::JoinSet;

use super::figure::percentile;
use super::stream::{GAP, one_stream};
use crate::ground::{Ground, Subject};
use crate::langley::Langley;
use crate::seed::Random;
use crate::stand::Stand;
use doors::{DOORS, Known};

/// Deltas of one stream of those that write: five seconds of them.
const DELTAS: u64 = 250;
/// Starts that are timed.
const STARTS: usize = 5;

#[derive(Args, Clone, Debug)]
pub(super) struct QueriesOptions {
    /// The home folder whose store is asked; it is brought up to date, some sessions are starred, and
    /// --writing records into it
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Questions to each door
    #[arg(long, default_value_t = 300)]
    rounds: usize,
    /// Stream events a second that are recorded meanwhile
    #[arg(long, value_name = "EVENTS", default_value_t = 0)]
    writing: u64,
    /// The same seed asks the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only doors whose name holds this
    #[arg(long)]
    only: Option<String>,
    #[command(flatten)]
    subject: Subject,
}

pub(super) fn queries(options: &QueriesOptions) -> Result<()> {
    ensure!(
        options.home.join("langley.db").is_file(),
        "{} holds no store; make one with `cargo xtask seed-db`",
        options.home.display()
    );
    match Ground::prepare(&options.subject, "the questions failed")? {
        Some(Ground { binary, runtime }) => runtime.block_on(ask(options, &binary)),
        None => Ok(()),
    }
}

async fn ask(options: &QueriesOptions, binary: &std::path::Path) -> Result<()> {
    let provider = FixtureOptions { keep_exchanges: 0, ..FixtureOptions::default() };
    let stand = Stand::start(binary, provider).await?;
    // The first start may have to migrate.
    drop(stand.langley_in(&options.home)?);
    let (mut opened, mut found) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let started = Instant::now();
        let (langley, open) = stand.langley_timed(&options.home)?;
        found.push(u64::try_from(started.elapsed().as_micros())?);
        opened.push(u64::try_from(open.as_micros())?);
        drop(langley);
    }
    let middle = |times: &mut Vec<u64>| percentile(times, 0.5) / 1000.0;
    println!("start to open port         {:>9.1} ms (goal 18)", middle(&mut opened));
    println!("start to a record in use   {:>9.1} ms", middle(&mut found));
    let langley = stand.langley_in(&options.home)?;
    let mut door = Door::open(&langley).await?;
    let mut random = Random::new(options.seed);
    let known = Known::gather(&mut door, &mut random).await?;
    let writer = Writer::start(&stand, &langley, options.writing)?;
    println!("{}", table(options, &mut door, &known, &mut random).await?);
    if let Some(rate) = writer.end().await? {
        println!("meanwhile {rate:.0} events/s passed");
    }
    stand.fixture.stop().await;
    Ok(())
}

/// A connection to the API, signed in.
struct Door {
    connection: Connection,
    bearer: String,
}

impl Door {
    async fn open(langley: &Langley) -> Result<Self> {
        let connection = Client::direct(&format!("http://{}", langley.api)).connect().await?;
        Ok(Self { connection, bearer: format!("Bearer {}", langley.token) })
    }

    /// What a path answers.
    async fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        self.ask(Request::get(path), path).await
    }

    /// Does what a path is for.
    async fn post(&mut self, path: &str) -> Result<Vec<u8>> {
        self.ask(Request::post(path, ""), path).await
    }

    async fn ask(&mut self, request: Request, path: &str) -> Result<Vec<u8>> {
        let answer = self.connection.fetch(request.header("Authorization", &self.bearer)).await?;
        ensure!(answer.status == 200, "{path} answered {}: {}", answer.status, answer.text());
        Ok(answer.body.to_vec())
    }
}

/// Asks every door so many times.
async fn table(
    options: &QueriesOptions,
    door: &mut Door,
    known: &Known,
    random: &mut Random,
) -> Result<String> {
    let mut out =
        format!("{:<26} {:>9} {:>9} {:>9} {:>9}  ms\n", "door", "first", "p50", "p95", "max");
    for question in DOORS {
        if options.only.as_deref().is_some_and(|only| !question.name.contains(only)) {
            continue;
        }
        let mut times = Vec::with_capacity(options.rounds);
        for _ in 0..options.rounds.max(1) {
            let paths = (question.paths)(known, random);
            let started = Instant::now();
            for path in &paths {
                door.get(path).await?;
            }
            times.push(u64::try_from(started.elapsed().as_micros())?);
        }
        let first = times.first().copied().unwrap_or(0) as f64;
        let [p50, p95, max] = [0.5, 0.95, 1.0].map(|share| percentile(&mut times, share));
        let over = if p95 > question.goal_ms * 1000.0 { "over its goal" } else { "" };
        let [first, p50, p95, max] = [first, p50, p95, max].map(|micros| micros / 1000.0);
        let _ = writeln!(
            out,
            "{:<26} {first:>9.2} {p50:>9.2} {p95:>9.2} {max:>9.2}  {over}",
            question.name
        );
    }
    Ok(out)
}

/// Streams that pass, and are to be recorded, while doors are asked.
struct Writer {
    streams: JoinSet<Result<()>>,
    stop: Arc<AtomicBool>,
    events: Arc<AtomicU64>,
    started: Instant,
}

impl Writer {
    fn start(stand: &Stand, langley: &Langley, rate: u64) -> Result<Self> {
        let client = stand.through(langley)?;
        let (stop, events) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut streams = JoinSet::new();
        let each = 1000 / u64::try_from(GAP.as_millis())?;
        for number in 0..rate / each {
            let (client, stop, events) = (client.clone(), Arc::clone(&stop), Arc::clone(&events));
            streams.spawn(async move {
                // Spread over a stream's time, so that not all of them begin at once.
                tokio::time::sleep(Duration::from_millis(number * 17 % 5_000)).await;
                while !stop.load(Ordering::Relaxed) {
                    let (_, seen) = one_stream(&client, DELTAS).await?;
                    events.fetch_add(seen, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        Ok(Self { streams, stop, events, started: Instant::now() })
    }

    /// Lets the streams end; events a second, when any were written.
    async fn end(mut self) -> Result<Option<f64>> {
        self.stop.store(true, Ordering::Relaxed);
        let any = !self.streams.is_empty();
        while let Some(done) = self.streams.join_next().await {
            done.context("a stream ended by a panic")??;
        }
        let events = self.events.load(Ordering::Relaxed) as f64;
        Ok(any.then(|| events / self.started.elapsed().as_secs_f64()))
    }
}
