//! `cargo xtask bench`: provider, proxy and client on loopback; what counts is the ratio to none.
//!
//! Client and provider share this process and the machine's cores with the proxy, so absolute
//! figures are this machine's. Every scenario runs direct and through Langley in turn, round by
//! round, and a ratio is taken within its round.

mod capture;
mod corpus;
mod extract;
mod figure;
mod load;
mod memory;
mod queries;
mod stream;
mod transcripts;

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use langley_fixture::FixtureOptions;
use langley_testkit::Client;

use crate::ground::{Ground, Subject};
use crate::stand::Stand;
use capture::Delivered;
use figure::{Figures, Measured};

/// Options of `bench`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchOptions {
    #[command(subcommand)]
    of: Option<Of>,
    /// Rounds; medians are printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds per scenario and way
    #[arg(long, default_value_t = 3)]
    secs: u64,
    /// Run these scenarios only
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Open streams, and MiB of the big bodies, are divided by this; for a quick look
    #[arg(long, default_value_t = 1)]
    shrink: u64,
    #[command(flatten)]
    subject: Subject,
}

/// What else can be measured than traffic.
#[derive(Clone, Debug, Subcommand)]
enum Of {
    /// How long the API takes to answer from a store, such as one that seed-db wrote
    Queries(queries::QueriesOptions),
    /// How quickly costs are told from agents' own transcripts, beside what else is on this machine for it
    Transcripts(transcripts::TranscriptsOptions),
    /// How long each record type of agents' own transcripts takes to be told, and all of them in one pass
    Extract(extract::ExtractOptions),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// 32 connections, small answers
    Small,
    /// A new connection per request
    Handshake,
    /// Time to first byte on one connection
    Ttfb,
    /// 8 calm streams: delay of each event
    Light,
    /// 200 streams, 10,000 events a second: delay of each event
    Stream,
    /// 8 streams as fast as they are taken
    Burst,
    /// A big body down
    Download,
    /// A big body up
    Upload,
    /// Memory: idle, per open stream, growth on big bodies
    Memory,
}

impl Scenario {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    async fn run(self, client: &Client, scale: Scale) -> Result<Measured> {
        match self {
            Self::Small => load::small(client, scale).await,
            Self::Handshake => load::handshake(client, scale).await,
            Self::Ttfb => load::first_byte(client, scale).await,
            Self::Light => stream::delays(client, scale, 8).await,
            Self::Stream => stream::delays(client, scale, scale.streams(200)).await,
            Self::Burst => stream::burst(client, scale).await,
            Self::Download => load::download(client, scale).await,
            Self::Upload => load::upload(client, scale).await,
            Self::Memory => Ok(Measured::default()),
        }
    }
}

/// How long and how much.
#[derive(Clone, Copy, Debug)]
struct Scale {
    span: Duration,
    shrink: u64,
}

impl Scale {
    fn streams(self, full: u64) -> u64 {
        (full / self.shrink.max(1)).max(1)
    }

    /// Bytes of a big body: 256 MiB at full scale.
    fn big(self) -> u64 {
        (256 * 1024 * 1024 / self.shrink.max(1)).max(1024 * 1024)
    }
}

/// Runs the benchmark.
pub(crate) fn bench(options: &BenchOptions) -> Result<()> {
    match &options.of {
        Some(Of::Queries(options)) => return queries::queries(options),
        Some(Of::Transcripts(options)) => return transcripts::transcripts(options),
        Some(Of::Extract(options)) => return extract::extract(options),
        None => {}
    }
    match Ground::prepare(&options.subject, "the benchmark failed")? {
        Some(Ground { binary, runtime }) => runtime.block_on(rounds(options, &binary)),
        None => Ok(()),
    }
}

async fn rounds(options: &BenchOptions, binary: &std::path::Path) -> Result<()> {
    let options_of_provider = FixtureOptions { keep_exchanges: 0, ..FixtureOptions::default() };
    let bench = Stand::start(binary, options_of_provider).await?;
    let scale = Scale { span: Duration::from_secs(options.secs), shrink: options.shrink };
    let wanted: Vec<_> = Scenario::value_variants()
        .iter()
        .copied()
        .filter(|scenario| options.only.is_empty() || options.only.contains(scenario))
        .collect();
    let langley = bench.langley()?;
    let (direct, through) = (bench.direct(), bench.through(&langley)?);
    let mut figures = Figures::default();
    let mut delivered = Delivered::default();
    for round in 0..options.rounds.max(1) {
        for scenario in wanted.iter().filter(|scenario| **scenario != Scenario::Memory) {
            eprintln!("round {} of {}: {}", round + 1, options.rounds.max(1), scenario.name());
            let mut results = [Measured::default(), Measured::default()];
            // Who goes first changes with the round.
            for way in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                let client = if way == 0 { &direct } else { &through };
                let cpu = langley.cpu();
                results[way] = scenario.run(client, scale).await?;
                if way == 1 {
                    delivered.add(&results[1]);
                    let used = langley.cpu().zip(cpu).map(|(after, before)| after - before);
                    figures.cpu(&scenario.name(), &results[1], used);
                }
            }
            let [direct, langley] = results;
            figures.round(&scenario.name(), &direct, &langley);
        }
    }
    let captured = capture::captured(&langley, &delivered).await?;
    drop(langley);
    println!("{}", figures.table());
    println!("{captured}");
    if wanted.contains(&Scenario::Memory) {
        println!("{}", memory::memory(&bench, scale).await?);
    }
    bench.fixture.stop().await;
    Ok(())
}
