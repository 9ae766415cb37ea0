//! `langley` and `langley start`: the server in the foreground, until it is told to stop.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use crate::allocator;
use crate::api::Api;
use crate::browser;
use crate::cli::{GlobalArgs, StartArgs};
use crate::config::{self, Environment};
use crate::detach;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::idle;
use crate::lock::{Claim, Doing, Lock};
use crate::preflight;
use crate::runtime;
use crate::served;
use crate::state::reachable;
use crate::token::Token;
use crate::upgrade::{self, Patience};
use crate::wire::{Purpose, Server, program};

/// How long an end may take before it is said what is waited for.
const NOTICE: Duration = Duration::from_millis(300);

/// How long another server that holds the home may take to answer.
const COMING_UP: Duration = Duration::from_secs(5);

/// Starts, tells how to use it, and serves until a signal.
///
/// # Errors
/// It cannot start, or the end lost something.
pub(crate) fn start(global: &GlobalArgs, args: &StartArgs) -> Result<ExitCode> {
    allocator::settle();
    let loaded = config::load(global, &Environment::of_process())?;
    let weakened = preflight::weakened(&loaded.layers);
    for warning in loaded.warnings.iter().chain(&loaded.unused()).chain(&weakened) {
        eprintln!("warning: {warning}");
    }
    let home = Home::create(&loaded.config.home)?;
    let raw = asks_for_raw(args.store_raw, loaded.config.redaction.store_raw)?;
    let lock = match Claim::take(&home)? {
        Claim::Ours(lock) => lock,
        Claim::Theirs => return already_runs(global, args, &loaded, &home),
    };
    lock.tell(Doing::Serves);
    preflight::ready(&loaded.config, &loaded.layers)?;
    tell_of_raw(raw, loaded.config.redaction.store_raw, &home);
    if args.detached {
        leave_the_terminal(&home);
    }
    runtime::raise_open_files();
    let runtime = runtime::server()?;
    let purpose = Purpose::Record { raw };
    let served = runtime.block_on(serve(global, args, &loaded, (home, lock), purpose));
    // What still runs had its chance to drain.
    runtime.shutdown_timeout(Duration::from_millis(500));
    served.map(|()| ExitCode::SUCCESS)
}

/// Whether bodies are to be kept unredacted: only where both command and configuration say so.
fn asks_for_raw(by_flag: bool, by_setting: bool) -> Result<bool> {
    if by_flag && !by_setting {
        return Err(AppError::wrong_use(
            "unredacted bodies are not kept by --store-raw alone",
        )
        .why("they hold keys and whatever else the agent sends, so they are to be asked for twice")
        .next("also set `redaction.store_raw: true` in the configuration, or leave the flag out"));
    }
    Ok(by_flag)
}

/// Says what becomes of bodies in the server that is about to start.
fn tell_of_raw(raw: bool, by_setting: bool, home: &Home) {
    if raw {
        eprintln!(
            "warning: bodies are also kept unredacted, keys included, in {}; remove them with `langley db raw --remove-all`",
            home.raw_bodies().display()
        );
    } else if by_setting {
        eprintln!(
            "warning: `redaction.store_raw` is set, but no body is kept unredacted: that takes `langley start --store-raw` as well"
        );
    }
}

async fn serve(
    global: &GlobalArgs,
    args: &StartArgs,
    loaded: &config::Loaded,
    (home, lock): (Home, Lock),
    purpose: Purpose,
) -> Result<()> {
    let mut signals = Signals::catch()?;
    idle::forget_stay(&home);
    let held = (home.clone(), lock);
    let server =
        Server::start(&loaded.config, &loaded.layers, held, purpose, signals.next()).await?;
    if server.reissued {
        eprintln!(
            "warning: the intercept list changed, so the certificate was issued anew: restart agents that are running; where the old one is installed, install the new one (`langley ca install`)"
        );
    }
    if !global.quiet {
        let link = server.link()?;
        let program = program(&loaded.layers, &home);
        print!("{}", greeting(&server, &link, &program));
        if !global.no_open {
            browser::open(&link);
        }
    }
    let idle = async {
        match args.idle_exit {
            Some(seconds) => {
                let patience = Duration::from_secs(seconds);
                idle::without_clients(&home, &server.state, patience, server.is_busy()).await;
            }
            None => std::future::pending().await,
        }
    };
    let by_signal = tokio::select! {
        () = signals.next() => true,
        () = idle => {
            tracing::info!("no client for a while: ending");
            false
        }
    };
    let busy = server.is_busy();
    let stopping = server.stop(signals.next());
    tokio::pin!(stopping);
    let ended = tokio::select! {
        ended = &mut stopping => ended,
        () = tokio::time::sleep(NOTICE) => {
            if by_signal && !global.quiet && busy() {
                eprintln!("ending: running exchanges have 30 s; press Ctrl-C again to end them now");
            }
            stopping.await
        }
    };
    idle::forget_stay(&home);
    ended
}

/// The two signals that end a server.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn catch() -> Result<Self> {
        let catch = |kind| {
            signal(kind)
                .map_err(|error| AppError::failed("signals cannot be caught").because(&error))
        };
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
        })
    }

    /// Completes at the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn greeting(server: &Server, link: &str, program: &str) -> String {
    let proxy = reachable(server.state.proxy);
    format!(
        "Langley {version}\n\
         \n\
         dashboard  {link}\n\
         proxy      http://{proxy}\n\
         \n\
         Point an agent at it, in another terminal:\n\
         \n\
         \x20 {program} run -- claude\n\
         \x20 ANTHROPIC_BASE_URL=http://{proxy} claude\n\
         \n\
         Ctrl-C ends it.\n",
        version = server.state.version,
    )
}

/// What a running server does with bodies, where that is not what was asked for, or worth to be known.
async fn raw_differs(api: &Api, args: &StartArgs) -> Option<String> {
    let stats = api.get("/api/stats").await.ok()?;
    let line = match (stats["raw_bodies"].is_object(), args.store_raw) {
        (true, false) => {
            "the server that runs keeps bodies unredacted, as it was started with --store-raw; to end that, `langley stop` and start it again"
        }
        (false, true) => {
            "the server that runs keeps no bodies unredacted; for that, `langley stop` and run this again"
        }
        (true, true) | (false, false) => return None,
    };
    Some(line.to_owned())
}

/// Another process serves this home: say so, and hand out a new link.
fn already_runs(
    global: &GlobalArgs,
    args: &StartArgs,
    loaded: &config::Loaded,
    home: &Home,
) -> Result<ExitCode> {
    if args.detached {
        return Ok(ExitCode::SUCCESS);
    }
    let found = runtime::small()?.block_on(async {
        // It may be on its way up.
        let mut patience = Patience::new(COMING_UP, Instant::now());
        loop {
            if let Some(state) = detach::healthy(home).await {
                let api = Api::new(state.api, Token::read(home)?);
                let link = api.link().await;
                let mut differs = served::told(home, loaded, &state).await;
                differs.extend(raw_differs(&api, args).await);
                return Ok::<_, AppError>(Some((state, link, differs)));
            }
            let tell = || eprintln!("{}", upgrade::TOLD);
            if !patience.lasts(Instant::now(), || upgrade::goes_on(home), tell) {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })?;
    let Some((state, link, differs)) = found else {
        return Err(AppError::failed("another Langley holds this home, but does not answer")
            .why(format!("{} is locked", home.lock().display()))
            .next("it may be starting or ending: try again in a moment")
            .next("if it stays so, end it: `langley stop`"));
    };
    // One that `run` started would end with its last client; the person wants it to stay.
    let _ = idle::ask_to_stay(home);
    for line in differs {
        eprintln!("warning: {line}");
    }
    println!("Langley already runs (process {})", state.pid);
    println!();
    match link {
        Ok(link) => {
            println!("dashboard  {link}");
            println!("proxy      http://{}", reachable(state.proxy));
            if !global.no_open {
                browser::open(&link);
            }
        }
        Err(error) => {
            println!("dashboard  http://{}", reachable(state.api));
            println!("proxy      http://{}", reachable(state.proxy));
            eprintln!("warning: no sign-in link could be had: {error}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A session of its own, so that the terminal's end and its Ctrl-C do not reach the server.
fn leave_the_terminal(home: &Home) {
    if let Err(error) = rustix::process::setsid() {
        tracing::warn!(%error, "no session of its own");
    }
    // The folder we were started in can be removed or unmounted; all paths are absolute by now.
    let _ = std::env::set_current_dir(home.root());
}
