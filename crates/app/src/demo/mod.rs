//! `langley demo`: scripted agent sessions against the built-in provider, through the real proxy.

mod agent;
mod answer;
mod play;
mod summary;

use std::time::Duration;

use crate::browser;
use crate::cli::GlobalArgs;
use crate::commands::start::Signals;
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::runtime;
use crate::state::reachable;
use crate::temporary::Temporary;

use play::{PLAYS, Pace};

/// Plays until Ctrl-C; with `once`, plays each session once and prints what was recorded.
///
/// # Errors
/// The temporary server does not start, or (with `once`) a session was not recorded as played.
pub(crate) fn demo(args: &GlobalArgs, once: bool) -> Result<()> {
    if args.home.is_some() {
        return Err(AppError::wrong_use("`langley demo` takes no --home")
            .why("its data is temporary: what it recorded is gone when it ends")
            .next("leave --home out; or start a server there: `langley --home DIR`"));
    }
    runtime::raise_open_files();
    let runtime = runtime::server()?;
    let played = runtime.block_on(perform(args, once));
    runtime.shutdown_timeout(Duration::from_millis(500));
    played
}

async fn perform(args: &GlobalArgs, once: bool) -> Result<()> {
    let mut signals = Signals::catch()?;
    let pace = if once { Pace::Brisk } else { Pace::Human };
    let wanted = config::addresses(args, &Environment::of_process());
    let stage = Temporary::start(&wanted, pace.between_events()).await?;
    let road = stage.road()?;
    if once {
        let mut flows = 0;
        for play in PLAYS {
            flows += play.perform(&road, pace).await?;
        }
        let summary = summary::wait(&stage.api()?, flows).await?;
        stage.end(signals.next()).await?;
        print!("{summary}");
        return Ok(());
    }

    let link = stage.server.link()?;
    println!("Langley demo: everything is made up, nothing leaves this machine\n");
    println!("dashboard  {link}");
    println!("proxy      http://{}\n", reachable(stage.server.state.proxy));
    println!("Ctrl-C ends it and removes its data.");
    if !args.no_open {
        browser::open(&link);
    }
    // Three lanes, so that several sessions run at once.
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..3 {
        let road = road.clone();
        lanes.spawn(async move {
            tokio::time::sleep(Duration::from_secs(lane * 3)).await;
            for play in PLAYS.iter().cycle().skip(usize::try_from(lane).unwrap_or(0) * 2) {
                if let Err(error) = play.perform(&road, pace).await {
                    tracing::warn!(%error, "a session of the demo was cut short");
                }
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
        });
    }
    signals.next().await;
    lanes.shutdown().await;
    stage.end(signals.next()).await
}
