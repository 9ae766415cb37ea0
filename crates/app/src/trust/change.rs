//! Installing and removing as steps that can be shown before they are taken.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use langley_server::shell_word;

use super::store::{Installed, Store};
use crate::error::{AppError, Result};

/// What is wanted of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// That it holds our certificate.
    Install,
    /// That it does not.
    Remove,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A file is written, readable for all.
    Copy { from: PathBuf, to: PathBuf },
    /// A file is deleted.
    Delete(PathBuf),
    /// A program is run.
    Run(Vec<String>),
    /// A program is run, with this line on its stdin.
    Tell { command: Vec<String>, line: &'static str },
}

/// The steps of one direction.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    store: &'a Store,
    direction: Direction,
    steps: Vec<Step>,
}

impl<'a> Change<'a> {
    /// What has to be done to `store`.
    pub(crate) fn plan(store: &'a Store, direction: Direction) -> Self {
        let mut steps = Vec::new();
        let installs = direction == Direction::Install;
        if let Some(anchor) = store.anchor() {
            if installs {
                steps.push(Step::Copy { from: store.certificate().to_owned(), to: anchor });
            } else {
                // First: should it fail, nothing has changed yet.
                steps.extend(store.copy().map(|(command, line)| Step::Tell { command, line }));
                steps.push(Step::Delete(anchor));
            }
        }
        let last = store.refresh(installs).or_else(|| store.command(installs));
        steps.extend(last.map(Step::Run));
        Self { store, direction, steps }
    }

    /// The steps, in order.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_done(&self) -> bool {
        let left_over = self.store.anchor().is_some_and(|anchor| anchor.exists());
        match self.direction {
            Direction::Install => self.store.installed() == Installed::Yes && self.is_anchored(),
            Direction::Remove => self.store.installed() == Installed::No && !left_over,
        }
    }

    /// Whether the file that the store is made of is ours too: a store may hold our certificate by
    /// somebody else's file, which `remove` would not take away.
    fn is_anchored(&self) -> bool {
        let ours = fs::read(self.store.certificate()).ok();
        self.store.anchor().is_none_or(|anchor| ours.is_some() && fs::read(anchor).ok() == ours)
    }

    /// Takes the steps and looks whether the store is now as wanted. After a failure in the middle,
    /// what was written is taken back.
    ///
    /// # Errors
    /// A step failed (`by_hand` says how to do it with the rights), or the store does not show it.
    pub(crate) fn apply(&self, by_hand: &str) -> Result<()> {
        let before = self.store.anchor().and_then(|anchor| fs::read(anchor).ok());
        for step in &self.steps {
            step.take().map_err(|error| {
                self.take_back(before.as_deref());
                refused(step, &error, by_hand)
            })?;
        }
        let held = self.store.installed() == Installed::Yes;
        if held == (self.direction == Direction::Install) {
            return Ok(());
        }
        let what = match self.direction {
            Direction::Install => "the store does not hold the certificate",
            Direction::Remove => "the store still holds the certificate",
        };
        Err(AppError::failed(what)
            .why("every step succeeded, but the store's own file does not show it")
            .next("look into the store: another file there may name the same certificate"))
    }

    fn take_back(&self, before: Option<&[u8]>) {
        let Some(anchor) = self.store.anchor() else { return };
        // As far as possible: the failure itself is what the person has to hear of.
        let _ = match before {
            Some(bytes) => fs::write(&anchor, bytes),
            None => fs::remove_file(&anchor),
        };
    }
}

impl Step {
    fn take(&self) -> io::Result<()> {
        match self {
            Self::Copy { from, to } => write_readable(to, &fs::read(from)?),
            Self::Delete(path) => match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            },
            Self::Run(words) => run(words, ""),
            Self::Tell { command, line } => run(command, &format!("{line}\n")),
        }
    }
}

/// Runs a program to its end; what it says goes with its failure only.
fn run(words: &[String], input: &str) -> io::Result<()> {
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(if said.is_empty() { output.status.to_string() } else { said }))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy { from, to } => write!(f, "cp {} {}", shell_word(from), shell_word(to)),
            Self::Delete(path) => write!(f, "rm {}", shell_word(path)),
            Self::Run(words) => f.write_str(&line_of(words)),
            Self::Tell { command, line } => write!(f, "echo {line} | {}", line_of(command)),
        }
    }
}

fn line_of(words: &[String]) -> String {
    words.iter().map(shell_word).collect::<Vec<_>>().join(" ")
}

fn refused(step: &Step, error: &io::Error, by_hand: &str) -> AppError {
    let said = AppError::failed(format!("this step did not succeed: {step}")).because(error);
    let said = said.next("nothing was changed, or it was taken back");
    if error.kind() == io::ErrorKind::PermissionDenied || !rustix::process::geteuid().is_root() {
        said.next(format!("it needs the administrator's rights: {by_hand}"))
    } else {
        said
    }
}

/// Writes a file that everybody may read, whole or not at all.
fn write_readable(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = fs::write(&beside, content)
        .and_then(|()| fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_rights_the_exact_command_is_named() {
        let step = Step::Delete("/x y/langley.crt".into());
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let said = refused(&step, &denied, "sudo langley ca remove").to_string();
        assert!(said.contains("rm '/x y/langley.crt'"), "{said}");
        assert!(said.ends_with("it needs the administrator's rights: sudo langley ca remove\n"));
    }
}
