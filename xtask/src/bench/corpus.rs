//! Transcripts that readers are measured on: somebody's, or made ones.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use langley_testkit::{CorpusOptions, write_corpus};

#[derive(Args, Clone, Debug)]
pub(super) struct CorpusChoice {
    /// A folder that stands for ~/.claude, with `projects` in it; one is made where none is named
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Megabytes of the corpus that is made
    #[arg(long, default_value_t = 1_000)]
    megabytes: u64,
}

/// Transcripts of Claude Code.
pub(super) struct Corpus {
    /// What stands for ~/.claude.
    pub(super) folder: PathBuf,
    /// Bytes of all files.
    pub(super) bytes: u64,
    /// The sum of all output tokens, where they were made here.
    pub(super) output: Option<u64>,
}

impl Corpus {
    /// The corpus that was chosen, made within `place` where none is named.
    pub(super) fn of(choice: &CorpusChoice, place: &Path) -> Result<Self> {
        let (folder, output) = match &choice.corpus {
            Some(folder) => (folder.clone(), None),
            None => {
                let folder = place.join("claude");
                let bytes = choice.megabytes.saturating_mul(1_000_000);
                let wanted = CorpusOptions { sessions: 200, bytes, seed: 7, is_hard: true };
                let made = write_corpus(&folder, wanted)?;
                println!(
                    "{} files, {} lines, {} responses",
                    made.files, made.lines, made.responses
                );
                (folder, Some(made.used.values().map(|[.., output]| output).sum::<u64>()))
            }
        };
        let bytes = size_of(&folder.join("projects"))?;
        Ok(Self { folder, bytes, output })
    }

    /// What a program reads this corpus by, and nothing else of whoever starts it.
    pub(super) fn variables(&self, home: &Path) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("CLAUDE_CONFIG_DIR", self.folder.clone()),
            ("CODEX_HOME", home.to_owned()),
            ("HOME", home.to_owned()),
            ("LANGLEY_HOME", home.to_owned()),
            ("XDG_CONFIG_HOME", home.to_owned()),
        ]
    }
}

/// Bytes of all files beneath a folder.
pub(super) fn size_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let facts = entry.metadata()?;
        bytes += if facts.is_dir() { size_of(&entry.path())? } else { facts.len() };
    }
    Ok(bytes)
}
