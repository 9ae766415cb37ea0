//! Options of `langley import`: which files.

use std::path::PathBuf;

use clap::Args;

/// Options of `import`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportArgs {
    /// Files and folders [default: `transcripts.roots`, else the agents' own folders]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Read the files from their beginnings, and bring conversations in again that were deleted
    #[arg(long)]
    pub(crate) again: bool,

    /// Print JSON, as `POST /api/import` does
    #[arg(long)]
    pub(crate) json: bool,
}
