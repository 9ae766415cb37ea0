//! `cargo xtask test`: everything that must hold, in the order in which it fails fastest.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::run::{describe, run};
use crate::summary::{Line, Summary, Tests, Verdict};
use crate::workspace::{cargo, has, npm};
use crate::{codegen, e2e, provision, tidy};

/// Options of `test`.
#[derive(Args, Debug)]
pub(crate) struct TestOptions {
    /// Run these steps only
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Step>,
    /// Leave these steps out
    #[arg(long, value_enum, value_delimiter = ',')]
    skip: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    Provision,
    Fmt,
    Tidy,
    Codegen,
    Clippy,
    Rust,
    Doc,
    Deny,
    WebLint,
    WebTest,
    Browser,
}

impl Step {
    fn run(self) -> Result<Verdict> {
        match self {
            Self::Provision => provision::provision().map(|()| Verdict::Passed),
            Self::Fmt => check(arguments(cargo(), &["fmt", "--all", "--", "--check"])),
            Self::Tidy => tidy::tidy().map(|()| Verdict::Passed),
            Self::Codegen => codegen::codegen(true).map(|()| Verdict::Passed),
            Self::Clippy => {
                let words = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
                check(arguments(cargo(), &words))
            }
            Self::Rust => {
                let nextest = has("cargo", &["nextest", "--version"]);
                let words: &[&str] = if nextest {
                    &["nextest", "run", "--workspace", "--no-fail-fast"]
                } else {
                    &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]
                };
                tests(arguments(cargo(), words))
            }
            Self::Doc => tests(arguments(cargo(), &["test", "--workspace", "--doc"])),
            Self::Deny => {
                if !has("cargo", &["deny", "--version"]) {
                    let why = "cargo-deny is not installed; the arrows were checked by tidy";
                    return Ok(Verdict::Skipped(why.to_owned()));
                }
                // Advisories need the network; licences, bans and sources do not.
                check(arguments(cargo(), &["deny", "check", "licenses", "bans", "sources"]))
            }
            Self::WebLint => check(arguments(npm(), &["run", "lint"])),
            Self::WebTest => tests(arguments(npm(), &["test"])),
            Self::Browser => e2e::browser(),
        }
    }
}

/// Runs the steps and prints the summary.
pub(crate) fn test(options: &TestOptions) -> Result<()> {
    let mut summary = Summary::default();
    for step in Step::value_variants() {
        let wanted = options.only.is_empty() || options.only.contains(step);
        if !wanted || options.skip.contains(step) {
            continue;
        }
        let name = step.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned());
        println!("\n── {name}");
        let started = Instant::now();
        let verdict = step.run().unwrap_or_else(|error| Verdict::Failed(format!("{error:#}")));
        if let Verdict::Failed(why) = &verdict {
            println!("{name}: {why}");
        }
        summary.push(Line { name, verdict, took: started.elapsed() });
    }
    println!("{}", summary.text());
    // A chosen step may well be one without tests; the whole may not.
    let enough = summary.holds() || (!options.only.is_empty() && summary.totals().1 == 0);
    if enough { Ok(()) } else { bail!("not everything that must hold does") }
}

fn arguments(mut command: Command, words: &[&str]) -> Command {
    command.args(words);
    command
}

fn check(command: Command) -> Result<Verdict> {
    let name = describe(&command);
    let ran = run(command)?;
    Ok(if ran.ok { Verdict::Passed } else { Verdict::Failed(format!("{name} failed")) })
}

/// Runs a test runner and counts.
fn tests(command: Command) -> Result<Verdict> {
    let ran = run(command)?;
    Ok(Tests::count(&ran.output).verdict(ran.ok))
}
