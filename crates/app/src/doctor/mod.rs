//! `langley doctor`: is everything as it must be? Each finding says what, why and what to do next.

mod agents;
mod certificates;
mod check;
mod database;
mod environment;
mod folder;
mod hello;
mod network;
mod recent;
mod recorder;
mod round_trip;
mod trust;

use std::process::ExitCode;

use serde_json::json;

use crate::alarm;
use crate::cli::GlobalArgs;
use crate::config::{self, Environment};
use crate::error::Result;
use crate::home::Home;
use crate::runtime;
use crate::state::State;

use check::{Check, Verdict};

/// Runs every check and prints them; exit code 1 when one fails.
///
/// # Errors
/// The runtime does not start; anything else is a finding.
pub(crate) fn doctor(args: &GlobalArgs, as_json: bool) -> Result<ExitCode> {
    let mut checks = Vec::new();
    let shell = Environment::of_process();
    match config::load(args, &shell) {
        Err(error) => checks.push(Check::failed("configuration", &error)),
        Ok(loaded) => {
            checks.push(configuration(&loaded));
            checks.push(hello::check(&loaded.config.tls));
            let home = Home::at(&loaded.config.home);
            checks.extend(folder::checks(&home));
            checks.extend(certificates::checks(&home, &loaded.config));
            checks.extend(trust::checks(&loaded.config));
            checks.push(database::check(&home));
            let runtime = runtime::server()?;
            runtime.block_on(async {
                let running = network::running(&home).await;
                checks.extend(network::checks(&home, &loaded.config, running.as_ref()).await);
                let state = running.clone().or_else(|| State::planned(&loaded.config).ok());
                let proxy = state.map(|state| state.proxy);
                let hosts = &loaded.config.intercept_hosts;
                checks.push(agents::check(&shell));
                checks.extend(environment::checks(&shell, hosts, proxy));
                checks.extend(recent::checks(&home));
                if let Some(state) = &running {
                    checks.push(recorder::check(&home, state).await);
                    checks.extend(trust::asked(&home, state, &loaded.config).await);
                }
                checks.push(round_trip::check(&home, running.as_ref()).await);
            });
            runtime.shutdown_timeout(std::time::Duration::from_millis(500));
        }
    }
    let any = |verdict| checks.iter().any(|check| check.verdict == verdict);
    let failed = any(Verdict::Fail);
    if as_json {
        let checks: Vec<_> = checks.iter().map(Check::as_json).collect();
        println!("{:#}", json!({ "ok": !failed, "checks": checks }));
    } else {
        for check in &checks {
            let text = check.to_string();
            print!("{}", if check.is_red() { alarm::red(&text) } else { text });
        }
        println!();
        println!(
            "{}",
            match (failed, any(Verdict::Warn)) {
                (true, _) => "something is wrong; see `next` above",
                (false, true) => "it works; `warn` and `next` above say what to look at",
                (false, false) => "all is well",
            }
        );
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
