//! Runs a program, shows its output as it comes, and keeps it to count tests in.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};

/// A finished program.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) ok: bool,
    pub(crate) output: String,
}

/// Runs `command` to its end.
pub(crate) fn run(mut command: Command) -> Result<Ran> {
    let name = describe(&command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} could not be started"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (out, err) = thread::scope(|scope| {
        let err = scope.spawn(|| stderr.map_or_else(String::new, |pipe| relay(pipe, true)));
        let out = stdout.map_or_else(String::new, |pipe| relay(pipe, false));
        (out, err.join().unwrap_or_default())
    });
    let status = child.wait().with_context(|| format!("{name} was lost"))?;
    Ok(Ran { ok: status.success(), output: out + &err })
}

/// As one would type it.
pub(crate) fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

fn relay(pipe: impl Read, to_stderr: bool) -> String {
    let mut kept = String::new();
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // A closed terminal does not stop the checks.
        let _ = if to_stderr {
            std::io::stderr().write_all(&line)
        } else {
            std::io::stdout().write_all(&line)
        };
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    kept
}
