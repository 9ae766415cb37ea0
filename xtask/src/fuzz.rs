//! `cargo xtask fuzz`: damaged input for every decoder, for as long as wished.

use anyhow::{Result, ensure};
use clap::Args;

use crate::run::run;
use crate::workspace::cargo;

#[derive(Debug, Args)]
pub(crate) struct FuzzOptions {
    /// Seconds for each decoder
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Only decoders whose name holds this
    #[arg(long, default_value = "")]
    only: String,
}

/// The rewriting of hellos has a test of its own, in the room that rewrites them.
const MIRROR: &str = "mirrored hello";

pub(crate) fn fuzz(options: &FuzzOptions) -> Result<()> {
    let is_mirror = MIRROR.contains(&options.only);
    if options.only.is_empty() || !is_mirror {
        long(options, "langley-protocol", &["--test", "it"], "fuzz::for_a_long_time")?;
    }
    if is_mirror {
        long(options, "langley-proxy", &["--lib"], "mirror::tests::damage::for_a_long_time")?;
    }
    Ok(())
}

fn long(options: &FuzzOptions, package: &str, which: &[&str], test: &str) -> Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--release", "-p", package])
        .args(which)
        .args(["--", "--ignored", "--nocapture", "--exact", test])
        .env("LANGLEY_FUZZ_SECONDS", options.seconds.to_string())
        .env("LANGLEY_FUZZ_ONLY", &options.only);
    ensure!(run(command)?.ok, "a decoder failed; its input stands above");
    Ok(())
}
