//! `langley doctor`: is everything as it must be? Each finding says what, why and what to do next.

mod certificates;
mod check;
mod database;
mod folder;
mod hello;
mod network;
mod recorder;
mod round_trip;

use std::process::ExitCode;

use serde_json::json;

use crate::cli::GlobalArgs;
use crate::config::{self, Environment};
use crate::error::Result;
use crate::home::Home;
use crate::runtime;

use check::{Check, Verdict};

/// Runs every check and prints them; exit code 1 when one fails.
///
/// # Errors
/// The runtime does not start; anything else is a finding.
pub(crate) fn doctor(args: &GlobalArgs, as_json: bool) -> Result<ExitCode> {
    let mut checks = Vec::new();
    match config::load(args, &Environment::of_process()) {
        Err(error) => checks.push(Check::failed("configuration", &error)),
        Ok(loaded) => {
            checks.push(configuration(&loaded));
            checks.push(hello::check(&loaded.config.tls));
            let home = Home::at(&loaded.config.home);
            checks.extend(folder::checks(&home));
            checks.extend(certificates::checks(&home, &loaded.config));
            checks.push(database::check(&home));
            let runtime = runtime::server()?;
            runtime.block_on(async {
                let running = network::running(&home).await;
                checks.extend(network::checks(&home, &loaded.config, running.as_ref()));
                if let Some(state) = &running {
                    checks.push(recorder::check(&home, state).await);
                }
                checks.push(round_trip::check(&home, running.as_ref()).await);
            });
            runtime.shutdown_timeout(std::time::Duration::from_millis(500));
        }
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    if as_json {
        let checks: Vec<_> = checks.iter().map(Check::as_json).collect();
        println!("{:#}", json!({ "ok": !failed, "checks": checks }));
    } else {
        for check in &checks {
            print!("{check}");
        }
        println!();
        println!("{}", if failed { "something is wrong; see `next` above" } else { "all is well" });
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn configuration(loaded: &config::Loaded) -> Check {
    let source = if loaded.file.exists {
        loaded.file.path.display().to_string()
    } else {
        "defaults, environment and flags; no file".to_owned()
    };
    match loaded.warnings.as_slice() {
        [] => Check::passed("configuration", source),
        warnings => Check::warned("configuration", warnings.join("; "))
            .next("correct the spelling, or remove the variable"),
    }
}
