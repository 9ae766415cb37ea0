//! `langley run`: one command with proxy and trust set up for it alone, otherwise as without us.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use langley_model::Project;
use langley_proxy::HostList;
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::ca;
use crate::agent_env::{AgentEnvironment, project_of, reverse_url};
use crate::cli::{EnvForm, GlobalArgs, RunArgs, RunMode};
use crate::clients::Registration;
use crate::config::{self, Config, Environment};
use crate::detach;
use crate::env_form::written;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::preset::{PRESETS, Preset, Reverse, URL};
use crate::run_hints::Hints;
use crate::runtime;
use crate::served;
use crate::state::State;
use crate::table::Table;
use crate::token::Token;

/// Runs the command and returns its exit code; or only tells what it would be given.
///
/// # Errors
/// The server does not start, or the environment cannot be made.
pub(crate) fn run(global: &GlobalArgs, args: RunArgs) -> Result<ExitCode> {
    if args.list {
        print!("{}", list(args.json));
        return Ok(ExitCode::SUCCESS);
    }
    let environment = Environment::of_process();
    let lenient = config::load_leniently(global, &environment)?.sure_of_home()?;
    let runtime = runtime::small()?;
    let home = Home::at(&lenient.usable().config.home);
    // A server that runs goes by its own configuration; one that would be started needs all of it.
    let is_served =
        lenient.problem().is_some() && runtime.block_on(detach::healthy(&home)).is_some();
    let loaded = if is_served { lenient.told() } else { lenient.strict()? };
    let preset = Preset::of(&args.command);
    if let Some(form) = args.print_env {
        return print_env(global, &args, form, &loaded.config, &environment);
    }
    let home = Home::create(&loaded.config.home)?;
    // Registered before looking for a server, so that one about to end sees us (see `idle`).
    let _client = Registration::new(&home).map_err(|error| {
        AppError::failed("this client could not be registered")
            .because(&error)
            .next("make the home writable for you, or name another with --home")
    })?;
    runtime.block_on(async {
        let state = detach::server(&home, global).await?;
        let project = project_of(&environment.folder);
        let agent = agent(&home, &state, args.mode, project.as_ref(), &environment)?;
        if !global.quiet {
            let hosts = HostList::parse(&loaded.config.intercept_hosts).ok();
            let told = Hints { mode: args.mode, preset, environment: &environment };
            let hints = told.all(&state, hosts.as_ref()).into_iter();
            for hint in hints.chain(served::told(&home, &loaded, &state).await) {
                eprintln!("langley: {hint}");
            }
        }
        let mut extra = arguments(args.mode, preset, &state);
        let mut words = args.command.into_iter();
        let program = words.next().unwrap_or_default();
        if let Some(preset) = preset.filter(|_| !extra.is_empty()) {
            // What a command is given is never changed without a word.
            let added = extra.join(" ");
            if preset.is_command(&program) {
                eprintln!("langley: {} gets the arguments {added}", preset.name);
            } else {
                eprintln!("langley: {} passes by unless you add to it: {added}", preset.name);
                extra.clear();
            }
        }
        let mut command = Command::new(&program);
        command.args(extra).args(words).envs(agent.iter());
        follow(command, &program).await
    })
}

/// The environment of a command.
fn agent(
    home: &Home,
    state: &State,
    mode: RunMode,
    project: Option<&Project>,
    environment: &Environment,
) -> Result<AgentEnvironment> {
    let password = match (state.proxy.ip().is_loopback(), Token::read(home)?) {
        (false, token) => token,
        (true, _) => None,
    };
    let agent = match (mode, password) {
        (RunMode::Forward, password) => {
            AgentEnvironment::new(home, state.proxy, password.as_ref(), environment)?
        }
        (RunMode::Reverse, None) => AgentEnvironment::reverse(state.proxy, environment),
        (RunMode::Reverse, Some(_)) => {
            let said = AppError::wrong_use("reverse mode does not work with this listener");
            let why = "it is open to other machines and asks for a password, which a base URL cannot carry";
            let next = "use `--mode forward`, or let the proxy listen on loopback";
            return Err(said.why(why).next(next));
        }
    };
    Ok(agent.naming(project, environment))
}

/// Arguments that a client needs in front of its own to take our base URL.
fn arguments(mode: RunMode, preset: Option<&Preset>, state: &State) -> Vec<String> {
    match (mode, preset.map(|preset| preset.reverse)) {
        (RunMode::Reverse, Some(Reverse::Arguments(words))) => {
            let url = reverse_url(state.proxy);
            words.iter().map(|word| word.replace(URL, &url)).collect()
        }
        _ => Vec::new(),
    }
}

/// Prints the environment of the running server, or of the one that would run.
fn print_env(
    global: &GlobalArgs,
    args: &RunArgs,
    form: EnvForm,
    config: &Config,
    environment: &Environment,
) -> Result<ExitCode> {
    let home = Home::at(&config.home);
    let running = runtime::small()?.block_on(detach::healthy(&home));
    let state = match running {
        Some(state) => state,
        None => State::planned(config)?,
    };
    if !home.ca_certificate().exists() {
        ca::make(&Home::create(home.root())?, &config.intercept_hosts)?;
    }
    // What is printed is for whatever folder a shell goes to.
    let agent = agent(&home, &state, args.mode, None, environment)?;
    print!("{}", written(form, agent.iter()));
    if !global.quiet {
        if state.pid == 0 {
            eprintln!("langley: no server runs at the moment; start one: `langley`");
        }
        let extra = arguments(args.mode, Preset::of(&args.command), &state);
        if !extra.is_empty() {
            eprintln!("langley: it also needs the arguments {}", extra.join(" "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The table of clients.
fn list(as_json: bool) -> String {
    if as_json {
        let items: Vec<_> = PRESETS.iter().map(Preset::as_json).collect();
        return format!("{:#}\n", json!({ "items": items }));
    }
    let mut table = Table::new(["COMMAND", "CLIENT", "AS A PROXY, BY", "BY BASE URL, IN"]);
    for preset in PRESETS {
        table.row([
            preset.name.to_owned(),
            preset.client.to_owned(),
            preset.forward.to_string(),
            preset.reverse.to_string(),
        ]);
    }
    format!("{table}\nany other command gets the same environment\n")
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
