//! `cargo xtask clients`: real clients, from their registries, through a real Langley to the
//! loopback provider; what was seen is written to `docs/clients.md`.
//!
//! Not part of `cargo xtask test`: it downloads some hundred megabytes of other people's programs.

mod case;
mod catalog;
mod judge;
mod packages;
mod page;
mod reconciled;
mod scripts;
mod trial;

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::catalog::catalog;
use self::judge::{Finding, judge, unlike};
use self::packages::Packages;
use self::trial::{Mode, Stage};
use crate::langley::build;
use crate::workspace::root;

#[derive(Debug, Args)]
pub(crate) struct ClientsOptions {
    /// Only clients whose name holds this; the page is then left as it is
    #[arg(long)]
    only: Option<String>,
    /// Let providers see the clients' own TLS hellos, and demand that they do; the page is left as it is
    #[arg(long)]
    mirror: bool,
    /// Show what every client printed
    #[arg(long)]
    verbose: bool,
}

/// Runs every client in both modes, prints a line for each, and writes the page.
pub(crate) fn clients(options: &ClientsOptions) -> Result<()> {
    let wanted = |name: &str| {
        let only = options.only.as_deref().map(str::to_lowercase);
        only.is_none_or(|only| name.to_lowercase().contains(&only))
    };
    let cases: Vec<_> = catalog().into_iter().filter(|case| wanted(&case.title())).collect();
    ensure!(
        !cases.is_empty(),
        "no client's name holds {:?}",
        options.only.as_deref().unwrap_or("")
    );
    let packages = Packages::install(&cases)?;
    let stage = Stage::new(build(false)?, options.mirror)?;
    let mut findings: Vec<Finding> = Vec::new();
    for case in &cases {
        for mode in [Mode::Forward, Mode::Reverse] {
            if case.excused(mode).is_some() {
                continue;
            }
            let trial = stage.run(case, mode, &packages)?;
            let mut finding = judge(case, mode, &trial);
            if options.mirror && mode == Mode::Forward {
                finding.problems.extend(trial.flows.iter().filter_map(unlike));
            }
            println!("{}", finding.line(&case.title()));
            if options.verbose || !finding.problems.is_empty() {
                println!("{}", trial.transcript());
            }
            findings.push(finding);
        }
    }
    let failed = findings.iter().filter(|finding| !finding.problems.is_empty()).count();
    if options.only.is_none() && !options.mirror {
        let path = root().join("docs/clients.md");
        fs::write(&path, page::page(&cases, &findings, &packages))
            .with_context(|| format!("{} could not be written", path.display()))?;
    }
    println!("{} runs, {failed} with problems", findings.len());
    ensure!(failed == 0, "{failed} of {} runs had problems", findings.len());
    Ok(())
}
