//! `langley completions`: a completion script for the shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

/// Prints the script.
pub(crate) fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "langley", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
}
