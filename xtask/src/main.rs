//! Every verb of development; the continuous build runs the same verbs a developer runs.

mod arrows;
mod bench;
mod clients;
mod codegen;
mod e2e;
mod fuzz;
mod ground;
mod langley;
mod memory;
mod prices;
mod provision;
mod run;
mod screenshots;
mod seed;
mod soak;
mod stand;
mod summary;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::BenchOptions;
use crate::clients::ClientsOptions;
use crate::fuzz::FuzzOptions;
use crate::prices::PricesOptions;
use crate::screenshots::ScreenshotOptions;
use crate::seed::SeedOptions;
use crate::soak::SoakOptions;
use crate::test::TestOptions;

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Install what is needed, then run every check and every test
    Test(TestOptions),
    /// Check the mechanical points of the house style, and the arrows between the rooms
    Tidy,
    /// Write the OpenAPI document and the TypeScript types made from it
    Codegen {
        /// Change nothing; fail when they are stale
        #[arg(long)]
        check: bool,
    },
    /// Measure Langley against no proxy at all, on loopback; prints ratios
    Bench(BenchOptions),
    /// Run real clients through Langley and write docs/clients.md; by hand, it installs them
    Clients(ClientsOptions),
    /// Give every decoder damaged input; run by hand, it takes long
    Fuzz(FuzzOptions),
    /// Huge bodies, streams and messages through Langley: bytes intact, memory bounded; by hand
    Soak(SoakOptions),
    /// Check the price book, show a model of it, or compare it with another table
    Prices(PricesOptions),
    /// Write a store as months of use leave it, to measure how queries scale
    SeedDb(SeedOptions),
    /// Save each screen of the dashboard as a picture, in both themes at three widths; by hand, to look at
    Screenshots(ScreenshotOptions),
    /// Make one streamed exchange through a running Langley, by base URL (used by browser tests)
    #[command(hide = true)]
    Traffic {
        /// Such as http://127.0.0.1:9090
        entry: String,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Test(options) => test::test(&options),
        Verb::Tidy => tidy::tidy(),
        Verb::Codegen { check } => codegen::codegen(check),
        Verb::Bench(options) => bench::bench(&options),
        Verb::Clients(options) => clients::clients(&options),
        Verb::Fuzz(options) => fuzz::fuzz(&options),
        Verb::Soak(options) => soak::soak(&options),
        Verb::Prices(options) => prices::prices(&options),
        Verb::SeedDb(options) => seed::seed_db(&options),
        Verb::Screenshots(options) => screenshots::screenshots(&options),
        Verb::Traffic { entry } => e2e::traffic(&entry),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
