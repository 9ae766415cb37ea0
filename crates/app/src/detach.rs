//! A server of its own session, for `langley run`: started when none runs, found when one does.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::allocator;
use crate::api::Api;
use crate::cli::GlobalArgs;
use crate::error::{AppError, Result};
use crate::home::{Home, private_folder};
use crate::lock::Claim;
use crate::state::State;
use crate::upgrade::{self, Patience};
use crate::wire::DRAIN;

/// Seconds without a client after which a server that `run` started ends.
const IDLE_EXIT: u64 = 600;
/// A server that ends may hold the home for as long as its exchanges run; then ours must start.
const PATIENCE: Duration = DRAIN.saturating_add(Duration::from_secs(15));
const POLL: Duration = Duration::from_millis(5);

/// The running server of `home`; started when there is none.
///
/// # Errors
/// It does not start, with its own words.
pub(crate) async fn server(home: &Home, args: &GlobalArgs) -> Result<State> {
    if let Some(state) = healthy(home).await {
        return Ok(state);
    }
    let mut child = if Claim::is_held(home) { None } else { Some(spawn(home, args)?) };
    let mut patience = Patience::new(PATIENCE, Instant::now());
    loop {
        if let Some(state) = healthy(home).await {
            return Ok(state);
        }
        if let Some(running) = &mut child
            && let Ok(Some(status)) = running.try_wait()
        {
            // Success means that another server took the home first: wait for that one.
            if !status.success() {
                return Err(did_not_start(home));
            }
            child = None;
        }
        if child.is_none() && !Claim::is_held(home) {
            child = Some(spawn(home, args)?);
        }
        let tell = || eprintln!("langley: {}", upgrade::TOLD);
        if !patience.lasts(Instant::now(), || upgrade::goes_on(home), tell) {
            return Err(not_ready(home, child.is_some()));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The running server, when it holds the home and answers.
pub(crate) async fn healthy(home: &Home) -> Option<State> {
    if !Claim::is_held(home) {
        return None;
    }
    let state = State::read(home)?;
    Api::new(state.api, None).is_healthy().await.then_some(state)
}

fn spawn(home: &Home, args: &GlobalArgs) -> Result<Child> {
    let failed = |error: &std::io::Error| {
        AppError::failed("the server could not be started")
            .because(error)
            .next("start it in another terminal: `langley start`")
    };
    let log = log_file(home).map_err(|error| failed(&error))?;
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = Command::new(program);
    command.arg("start").arg("--detached").arg("--idle-exit").arg(IDLE_EXIT.to_string());
    command.arg("--no-open").arg("--quiet").arg("--home").arg(home.root());
    if let Some(config) = &args.config {
        command.arg("--config").arg(config);
    }
    for (flag, value) in [("--listen", &args.listen), ("--api", &args.api)] {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    let errors = log.try_clone().map_err(|error| failed(&error))?;
    allocator::set(&mut command);
    command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().map_err(|error| failed(&error))
}

fn log_file(home: &Home) -> std::io::Result<File> {
    private_folder(&home.logs())?;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(home.server_log())
}

/// Nobody answered in time: the server that we started, or one that holds the home.
fn not_ready(home: &Home, ours: bool) -> AppError {
    let seconds = PATIENCE.as_secs();
    if ours {
        return AppError::failed("the server did not become ready")
            .why(format!("it was given {seconds} seconds"))
            .next(format!("read {}", home.server_log().display()))
            .next("start it in another terminal to see what it says: `langley start`");
    }
    AppError::failed("another server holds the home, but does not answer")
        .why(format!("{} was locked for {seconds} seconds", home.lock().display()))
        .next("it may be ending, which running exchanges delay: `langley stop` ends them at once")
        .next("see what it is: `langley status`, `langley doctor`")
}

/// What the server said before it ended, as our own error.
fn did_not_start(home: &Home) -> AppError {
    let said = fs::read_to_string(home.server_log()).unwrap_or_default();
    let (reasons, hints) = parts(&said);
    let mut error = AppError::failed("the server did not start");
    error = error.why(if reasons.is_empty() { said.trim() } else { &reasons });
    for next in hints {
        error = error.next(next);
    }
    error
}

/// The errors in `said`, a line for each with its own reason, and what to do about them; warnings are none.
fn parts(said: &str) -> (String, Vec<&str>) {
    let (mut errors, mut hints) = (Vec::<String>::new(), Vec::new());
    let mut is_error = false;
    for line in said.lines() {
        let (name, text) = line.split_once(':').unwrap_or(("", line));
        match (name, is_error) {
            ("error", _) => {
                is_error = true;
                errors.push(text.trim().to_owned());
            }
            ("warning", _) => is_error = false,
            ("why", true) => {
                if let Some(error) = errors.last_mut() {
                    error.push_str(": ");
                    error.push_str(text.trim());
                }
            }
            ("next", true) => hints.push(text.trim()),
            _ => {}
        }
    }
    (errors.join("\n"), hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_ends_is_waited_for_longer_than_it_may_take() {
        assert!(PATIENCE > DRAIN);
        let home = Home::at(std::path::Path::new("/h"));
        assert!(not_ready(&home, false).what().contains("another server holds the home"));
        assert!(not_ready(&home, true).what().contains("did not become ready"));
    }

    #[test]
    fn each_error_of_a_server_keeps_its_own_reason() {
        let said = "warning: a; b\nwhy:   of no error\nnext:  nothing\n\
            error: one\nwhy:   its reason: so\nnext:  do this\n\
            error: two\nwhy:   another\nnext:  do that\nnext:  or that\n";
        assert_eq!(
            parts(said),
            ("one: its reason: so\ntwo: another".to_owned(), vec!["do this", "do that", "or that"])
        );
        assert_eq!(parts("a panic\n"), (String::new(), Vec::new()));
    }
}
