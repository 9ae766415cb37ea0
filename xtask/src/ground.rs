//! The ground that measurements stand on: an optimised program, the binary under test, a runtime.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::runtime::Runtime;

use crate::langley::build;
use crate::workspace::cargo;

/// Which binary is measured, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Subject {
    /// Try this binary instead of building one
    #[arg(long, value_name = "FILE")]
    pub(crate) langley: Option<PathBuf>,
    /// With an unoptimised client and binary: shows that the verb works, nothing else
    #[arg(long, hide = true)]
    pub(crate) unoptimised: bool,
}

/// The binary, and where the client runs.
pub(crate) struct Ground {
    pub(crate) binary: PathBuf,
    pub(crate) runtime: Runtime,
}

impl Ground {
    /// Prepares both. None when the verb was run again, optimised, and is done: `failed` is what is said
    /// if that went wrong.
    pub(crate) fn prepare(subject: &Subject, failed: &'static str) -> Result<Option<Self>> {
        if cfg!(debug_assertions) && !subject.unoptimised {
            return optimised(failed).map(|()| None);
        }
        let binary = match &subject.langley {
            Some(binary) => binary.clone(),
            None => build(!subject.unoptimised)?,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no runtime")?;
        Ok(Some(Self { binary, runtime }))
    }
}

/// Runs this verb again, compiled as a load generator has to be.
pub(crate) fn optimised(failed: &'static str) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--release", "--quiet", "--package", "xtask", "--"]);
    command.args(std::env::args_os().skip(1));
    let status = command.status().context("cargo could not be started")?;
    if status.success() { Ok(()) } else { bail!("{failed}") }
}
