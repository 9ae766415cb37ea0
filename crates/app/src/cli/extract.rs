//! Options of `langley extract`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of `extract`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExtractArgs {
    /// What is asked: modes with commas between, or all; docs/extract.md says what each tells
    #[arg(value_name = "MODE", required_unless_present = "reference", value_delimiter = ',')]
    pub(crate) modes: Vec<String>,

    /// Of each mode the latest N
    #[arg(short = 'n', long = "latest", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) latest: Option<u32>,

    /// Since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Before then
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,

    /// Of this session: its id, or as much of its beginning as no other has
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,

    /// Of this folder, or of those that are called so
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,

    /// Of this agent: claude-code, codex or gemini-cli
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,

    /// Write a file for each mode there, DIR/MODE.ndjson; one that is there is replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,

    /// How `user-idle` tells
    #[arg(long, value_enum, value_name = "HOW", default_value = "idle")]
    pub(crate) mode: IdleForm,

    /// Print JSON, one record a line, on a terminal, too
    #[arg(long)]
    pub(crate) json: bool,

    /// Print docs/extract.md
    #[arg(long, hide = true)]
    pub(crate) reference: bool,
}

/// How `user-idle` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IdleForm {
    /// From when on the agent was idle.
    Idle,
    /// Each question with the time when the work on it ended.
    Paired,
}
