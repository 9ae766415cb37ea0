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

pub(crate) fn fuzz(options: &FuzzOptions) -> Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--release", "-p", "langley-protocol", "--test", "it", "--"])
        .args(["--ignored", "--nocapture", "--exact", "fuzz::for_a_long_time"])
        .env("LANGLEY_FUZZ_SECONDS", options.seconds.to_string())
        .env("LANGLEY_FUZZ_ONLY", &options.only);
    ensure!(run(command)?.ok, "a decoder failed; its input stands above");
    Ok(())
}
