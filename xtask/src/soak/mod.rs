//! `cargo xtask soak`: what takes long to go wrong: huge bodies, kills at any moment, a day of traffic.

mod bulk;
mod dashboard;
mod day;
mod kill;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use dashboard::DashboardOptions;

use crate::ground::{Ground, Subject};

/// The case that kills, and the one that lets a day pass.
const KILL: &str = "kill at any moment";
const DAY: &str = "day under retention";

#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SoakOptions {
    #[command(subcommand)]
    other: Option<Other>,
    /// Only cases whose name holds this, such as `kill` or `day`
    #[arg(long)]
    only: Option<String>,
    /// Sizes are divided by this; for a quick look
    #[arg(long, default_value_t = 1)]
    shrink: u64,
    /// How often to kill; the test that kills is built by cargo, whatever --langley names
    #[arg(long, default_value_t = 500)]
    kills: u32,
    /// The same seed kills after as many events, and makes the same traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    subject: Subject,
}

/// What is run by its name only.
#[derive(Clone, Debug, Subcommand)]
enum Other {
    /// The dashboard in a real browser, beside 50 streams and before a million flows
    Dashboard(DashboardOptions),
}

/// Runs the cases.
pub(crate) fn soak(options: &SoakOptions) -> Result<()> {
    if let Some(Other::Dashboard(options)) = &options.other {
        return dashboard::dashboard(options);
    }
    let Some(Ground { binary, runtime }) = Ground::prepare(&options.subject, "the soak failed")?
    else {
        return Ok(());
    };
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| name.contains(only));
    let mut failed = 0_u32;
    let mut tell = |name: &str, done: Result<String>| match done {
        Ok(line) => println!("ok      {name}: {line}"),
        Err(error) => {
            failed += 1;
            println!("FAILED  {name}: {error:#}");
        }
    };
    for (name, case) in bulk::CASES.into_iter().filter(|(name, _)| wanted(name)) {
        tell(name, runtime.block_on(case.shrunk(options.shrink).run(&binary)));
    }
    if wanted(DAY) {
        tell(DAY, day::day(options.seed, options.shrink));
    }
    if wanted(KILL) {
        tell(KILL, kill::kill(options));
    }
    ensure!(failed == 0, "{failed} cases failed");
    Ok(())
}
