//! Langley is killed again and again under load, and its store must be whole each time: the test of the
//! binary's own, with more kills and a stricter bound.

use anyhow::{Result, ensure};

use super::SoakOptions;
use crate::run::run;
use crate::workspace::cargo;

/// The test.
const TEST: &str = "kills::a_server_killed_at_any_moment_opens_again_and_has_lost_a_second_at_most";

pub(super) fn kill(options: &SoakOptions) -> Result<String> {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "langley", "--test", "it"]);
    if !options.subject.unoptimised {
        command.arg("--release");
    }
    command.args(["--", "--exact", TEST, "--nocapture"]);
    command.env("LANGLEY_KILLS", options.kills.to_string());
    command.env("LANGLEY_KILL_SEED", options.seed.to_string());
    if !options.subject.unoptimised {
        command.env("LANGLEY_KILL_LOSS_MS", "1000");
    }
    ensure!(run(command)?.ok, "see above; the same --seed kills after as many events again");
    Ok(format!("{} kills", options.kills))
}
