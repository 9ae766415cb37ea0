//! `langley doctor`: is everything as it must be? Each finding says what, why and what to do next.

mod agents;
mod certificates;
mod check;
mod database;
mod environment;
mod failures;
mod folder;
mod hello;
mod in_force;
mod network;
mod recent;
mod recorder;
mod redaction;
mod round_trip;
mod trust;
mod unreached;
mod upstream;

use std::process::ExitCode;

use serde_json::json;

use crate::alarm;
use crate::cli::GlobalArgs;
use crate::config::{self, Environment};
use crate::error::Result;
use crate::hint::at_home;
use crate::home::Home;
use crate::preflight;
use crate::reading;
use crate::runtime;
use crate::state::State;

use check::{Check, Verdict};
pub(crate) use in_force::InForce;

pub(crate) use upstream::leads_to;

pub(crate) use hello::words as hello_words;
pub(crate) use redaction::of_server as weakened_server;

/// Runs every check and prints them; exit code 1 when one fails.
///
/// # Errors
/// The runtime does not start; anything else is a finding.
pub(crate) fn doctor(args: &GlobalArgs, as_json: bool) -> Result<ExitCode> {
    let mut checks = Vec::new();
    let shell = Environment::of_process();
    let lenient = config::load_leniently(args, &shell)?;
    checks.extend(lenient.problem().map(|problem| Check::failed("configuration", problem)));
    if lenient.problem().is_none() {
        checks.push(configuration(lenient.usable()));
    }
    let (config, home) = (&lenient.usable().config, &Home::at(&lenient.usable().config.home));
    let runtime = runtime::server()?;
    runtime.block_on(async {
        let running = network::running(home).await;
        let running = running.as_ref();
        let in_force = match running {
            Some(state) => InForce::ask(home, state).await,
            None => None,
        };
        let in_force = in_force.as_ref();
        checks.push(redaction::check(&lenient.usable().layers, in_force, home));
        checks.push(hello::check(&config.tls, in_force.map(InForce::tls).as_ref()));
        checks.extend(folder::checks(home));
        checks.extend(certificates::checks(home, config));
        checks.extend(trust::checks(config, &lenient.usable().layers));
        checks.extend(network::checks(home, config, running));
        checks.extend(upstream::check(lenient.usable(), running.zip(in_force)).await);
        let state = running.cloned().or_else(|| State::planned(config).ok());
        let proxy = state.map(|state| state.proxy);
        checks.push(agents::check(&shell));
        checks.extend(environment::checks(&shell, &config.intercept_hosts, proxy));
        if let Some(state) = running {
            reading::committed(home, state).await;
        }
        checks.push(database::check(home));
        checks.extend(recent::checks(home));
        if let Some(state) = running {
            checks.push(recorder::check(home, state).await);
            checks.extend(trust::asked(home, state, config).await);
        }
        checks.push(round_trip::check(home, running).await);
    });
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    let any = |verdict| checks.iter().any(|check| check.verdict == verdict);
    let failed = any(Verdict::Fail);
    if as_json {
        let checks: Vec<_> = checks.iter().map(Check::as_json).collect();
        println!("{:#}", json!({ "ok": !failed, "checks": checks }));
    } else {
        for check in &checks {
            let text = check.to_string();
            let text = at_home(&text, args.home.as_deref());
            print!("{}", if check.is_red() { alarm::red(&text) } else { text.into_owned() });
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
    if let Err(error) = preflight::reverse(&loaded.config) {
        return Check::failed("configuration", &error);
    }
    if !loaded.warnings.is_empty() {
        return Check::warned("configuration", loaded.warnings.join("\n"))
            .next("correct the spelling, or remove the variable");
    }
    let unused = loaded.unused();
    if unused.is_empty() {
        return Check::passed("configuration", source);
    }
    Check::warned("configuration", unused.join("\n"))
        .next("take them out, or leave them for a version that uses them")
}
