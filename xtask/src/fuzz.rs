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
}

/// Where damaged input is read: package, words that choose its tests, the test.
const TARGETS: [(&str, &[&str], &str); 2] = [
    ("langley-protocol", &["--test", "it"], "fuzz::for_a_long_time"),
    ("langley-proxy", &["--lib"], "mirror::tests::damage::for_a_long_time"),
];

pub(crate) fn fuzz(options: &FuzzOptions) -> Result<()> {
    for (package, words, test) in TARGETS {
        let mut command = cargo();
        command
            .args(["test", "--release", "-p", package])
            .args(words)
            .args(["--", "--ignored", "--nocapture", "--exact", test])
            .env("LANGLEY_FUZZ_SECONDS", options.seconds.to_string());
        ensure!(run(command)?.ok, "a decoder failed; its input stands above");
    }
    Ok(())
}
