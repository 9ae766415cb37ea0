//! `langley run`: one command with proxy and trust set up for it alone, otherwise as without us.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::agent_env::AgentEnvironment;
use crate::cli::{GlobalArgs, RunArgs};
use crate::clients::Registration;
use crate::config::{self, Environment};
use crate::detach;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::runtime;
use crate::token::Token;

/// Runs the command and returns its exit code.
///
/// # Errors
/// The server does not start, or the environment cannot be made.
pub(crate) fn run(global: &GlobalArgs, args: RunArgs) -> Result<ExitCode> {
    let environment = Environment::of_process();
    let loaded = config::load(global, &environment)?;
    let home = Home::create(&loaded.config.home)?;
    // Registered before looking for a server, so that one about to end sees us (see `idle`).
    let _client = Registration::new(&home).map_err(|error| {
        AppError::failed("this client could not be registered")
            .because(&error)
            .next("make the home writable for you, or name another with --home")
    })?;
    let runtime = runtime::small()?;
    runtime.block_on(async {
        let state = detach::server(&home, global).await?;
        let password = match (state.proxy.ip().is_loopback(), Token::read(&home)?) {
            (false, token) => token,
            (true, _) => None,
        };
        let agent = AgentEnvironment::new(&home, state.proxy, password.as_ref(), &environment)?;
        if environment
            .value("NO_PROXY")
            .is_some_and(|hosts| hosts.split(',').any(|h| h.trim() == "*"))
        {
            eprintln!("warning: NO_PROXY is `*`, so the command will pass the proxy by");
        }
        let mut words = args.command.into_iter();
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(words).envs(agent.iter());
        follow(command, &program).await
    })
}

/// Starts the command and waits for its end, passing on the signals that reach only us.
async fn follow(mut command: Command, program: &OsString) -> Result<ExitCode> {
    // Before the child starts: a signal in between must not end us and leave it alone.
    let mut passed_on = catch_signals()?;
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(not_started(program, &error)),
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (ended, mut end) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("wait".to_owned())
        .spawn(move || {
            let _ = ended.send(child.wait());
        })
        .map_err(|error| AppError::failed("no thread could be started").because(&error))?;
    loop {
        tokio::select! {
            status = &mut end => {
                return match status {
                    Ok(Ok(status)) => Ok(exit_code(status)),
                    _ => Err(AppError::failed("the command's end could not be learned")),
                };
            }
            Some(signal) = passed_on.recv() => {
                if let Some(pid) = pid {
                    // It may have ended this moment; its status follows.
                    let _ = kill_process(pid, signal);
                }
            }
        }
    }
}

/// Whether the terminal sends its signals to our process group, and so to the child as well. Asked
/// at each signal: a shell moves its jobs between foreground and background.
fn in_the_foreground() -> bool {
    std::fs::File::open("/dev/tty")
        .ok()
        .and_then(|terminal| tcgetpgrp(terminal).ok())
        .is_some_and(|group| group == getpgrp())
}

/// Signals to pass on. Those of the terminal reach the child by themselves while we are in the
/// foreground; otherwise nobody else would send them on.
fn catch_signals() -> Result<mpsc::Receiver<Signal>> {
    let (caught, passed_on) = mpsc::channel(16);
    let table = [
        (SignalKind::interrupt(), Signal::INT, false),
        (SignalKind::quit(), Signal::QUIT, false),
        (SignalKind::terminate(), Signal::TERM, true),
        (SignalKind::hangup(), Signal::HUP, true),
        (SignalKind::user_defined1(), Signal::USR1, true),
        (SignalKind::user_defined2(), Signal::USR2, true),
    ];
    for (kind, name, always) in table {
        let mut stream = signal(kind)
            .map_err(|error| AppError::failed("signals cannot be caught").because(&error))?;
        let caught = caught.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if (always || !in_the_foreground()) && caught.send(name).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(passed_on)
}

/// The child's code; 128 + the number of the signal that ended it, as shells say it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1))
}

/// 127 when there is no such command, 126 when it cannot be executed, as shells do.
fn not_started(program: &OsString, error: &std::io::Error) -> ExitCode {
    let name = program.to_string_lossy();
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let said = AppError::failed(format!("`{name}` could not be started")).because(error);
    let said = if missing {
        said.next("check the spelling, or give the whole path")
    } else {
        said.next("check that the file is a program you may execute")
    };
    said.print();
    ExitCode::from(if missing { 127 } else { 126 })
}
