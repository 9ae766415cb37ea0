//! `langley stop`: ends the running server of this home, and waits for it.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::cli::GlobalArgs;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::{Claim, Holder};
use crate::runtime;
use crate::state::State;
use crate::wire::DRAIN;

/// A little longer than a server gives running streams to end.
const PATIENCE: Duration = DRAIN.saturating_add(Duration::from_secs(10));

/// Sends the signal and waits until the home is free.
///
/// # Errors
/// It is not sure which home is meant; the server cannot be reached, or does not end.
pub(crate) fn stop(global: &GlobalArgs) -> Result<()> {
    let home = Home::meant(global)?;
    let say = |text: &str| {
        if !global.quiet {
            println!("{text}");
        }
    };
    if !Claim::is_held(&home) {
        say("no server is running");
        return Ok(());
    }
    runtime::small()?.block_on(async {
        let deadline = Instant::now() + PATIENCE;
        let mut told = None;
        while Claim::is_held(&home) {
            // One that has just begun says who it is in a moment.
            if told.is_none() {
                told = holder(&home).map(end).transpose()?;
            }
            if Instant::now() >= deadline {
                return Err(AppError::failed("the server has not ended yet")
                    .why("streams are still running")
                    .next("run `langley stop` once more: a second signal ends them at once"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })?;
    say("stopped");
    Ok(())
}

/// The server that holds the home: it says so in the lock, and one of an earlier version in its state, which
/// whoever takes the lock removes.
fn holder(home: &Home) -> Option<Pid> {
    let pid = Holder::of(home).map(|holder| holder.pid);
    let pid = pid.or_else(|| State::read(home).map(|state| state.pid))?;
    Pid::from_raw(i32::try_from(pid).ok()?)
}

fn end(pid: Pid) -> Result<()> {
    kill_process(pid, Signal::TERM).map_err(|error| {
        AppError::failed(format!("the server (process {}) cannot be ended", pid.as_raw_nonzero()))
            .because(&std::io::Error::from(error))
            .next("end it as the user who started it")
    })
}
