//! `langley doctor --fidelity`: the proof that an agent's bytes pass unchanged.
//!
//! The same requests go directly and through the running proxy to an origin on loopback that
//! registers itself under a reserved name. What the origin saw and what the client saw are compared
//! byte for byte; nothing leaves this machine.

mod case;
mod compare;
mod end;
mod frames;
mod front;
mod h1;
mod h2;
mod latency;
mod report;
mod seen;
mod way;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use langley_fixture::{Ended, Exchange, Fixture, FixtureOptions};
use langley_proxy::PROBE_HOST;
use serde_json::json;
use tokio::time::Instant;

use crate::api::Api;
use crate::cli::GlobalArgs;
use crate::config::{self, Environment, Layers, TLS_KEYS};
use crate::detach;
use crate::doctor::{InForce, hello_words};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::runtime;
use crate::state::State;
use crate::temporary::Temporary;
use crate::token::Token;

use case::{CASES, Case, Version};
use compare::{Difference, differences};
use end::End;
use front::Front;
use latency::Latency;
use report::{Ja4, Outcome, Report};
use seen::{Recording, Seen};
use way::Way;

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the recorder is left alone before it is asked again.
const SETTLE: Duration = Duration::from_millis(100);

/// Proves it and prints the report; exit code 1 when one byte differs.
///
/// # Errors
/// The origin does not start, or the running server does not take its registration.
pub(crate) fn fidelity(args: &GlobalArgs, as_json: bool) -> Result<ExitCode> {
    let loaded = config::load_leniently(args, &Environment::of_process())?.told();
    let home = Home::at(&loaded.config.home);
    let runtime = runtime::server()?;
    let report = runtime.block_on(async {
        match detach::healthy(&home).await {
            Some(state) => prove(&state, Token::read(&home)?, false).await,
            None => with_temporary(&loaded.layers).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(500));
    let report = report?;
    if as_json {
        println!("{:#}", report.as_json());
    } else {
        print!("{report}");
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// No server runs: the proof needs none of the user's data, so a temporary one serves.
async fn with_temporary(layers: &Layers) -> Result<Report> {
    let mut wanted = Layers::default();
    // Whose hello is sent is part of what is proved.
    wanted.take_over(layers, &TLS_KEYS);
    let stage = Temporary::start(&wanted, Duration::ZERO).await?;
    let report = match stage.token() {
        Ok(token) => prove(&stage.server.state, token, true).await,
        Err(error) => Err(error),
    };
    stage.end(std::future::pending()).await?;
    report
}

async fn prove(state: &State, token: Option<Token>, temporary: bool) -> Result<Report> {
    let options = FixtureOptions { fixed_ids: true, ..FixtureOptions::default() };
    let broken = |what: &str, error: &dyn std::error::Error| {
        AppError::failed(what.to_owned())
            .because(error)
            .next("see `langley doctor` for what may be in the way")
    };
    let fixture = Fixture::start(options)
        .await
        .map_err(|error| broken("the built-in origin did not start", &error))?;
    let front = Front::open(fixture.https_addr(), fixture.http_addr())
        .await
        .map_err(|error| broken("the built-in origin has no port", &error))?;
    let origin = Origin { fixture, front };
    let api = Api::new(state.api, token.clone());
    let hello = InForce::of(&api).await.map(|settings| hello_words(&settings.tls()));
    let ways = origin.register(&api, state, token.as_ref()).await?;
    let mut outcomes = Vec::with_capacity(CASES.len());
    for case in CASES {
        outcomes.push(origin.outcome(case, &ways).await);
    }
    let ja4 = origin.hellos(&ways).await;
    // What is left is short, but a slow machine may have used up the minute.
    let ways = origin.register(&api, state, token.as_ref()).await?;
    let mut latency = Vec::new();
    for version in [Version::Http1, Version::Http2] {
        latency.extend(latency::measure(version, &ways.direct, &ways.proxied).await);
    }
    let carried = outcomes.iter().filter(|outcome| outcome.is_carried()).count();
    let sent = carried + latency.len() * Latency::REQUESTS;
    let taken_out = take_out(&api, sent).await;
    let Origin { fixture, front } = origin;
    drop(front);
    fixture.stop().await;
    Ok(Report { state: state.clone(), temporary, hello, outcomes, latency, ja4, sent, taken_out })
}

/// Takes the proof's own flows out of the record again, `sent` of them: they would stand among the
/// user's as errors and uploads of nobody. How many were there, which proves that recording went on.
async fn take_out(api: &Api, sent: usize) -> usize {
    let path = format!("/api/flows?host={PROBE_HOST}");
    let deadline = Instant::now() + PATIENCE;
    let mut taken = 0;
    // What was seen last is written a moment later, and only what has ended can be deleted.
    while taken < sent && Instant::now() < deadline {
        tokio::time::sleep(SETTLE).await;
        let Ok(answer) = api.delete(&path).await else { break };
        taken += usize::try_from(answer["deleted"].as_u64().unwrap_or(0)).unwrap_or(0);
    }
    taken
}

/// The origin, and the listener before it that looks at hellos.
struct Origin {
    fixture: Fixture,
    front: Front,
}

/// Both ways to the origin.
struct Ways {
    direct: Way,
    proxied: Way,
}

impl Origin {
    /// Registers with the running server for a minute.
    async fn register(&self, api: &Api, state: &State, token: Option<&Token>) -> Result<Ways> {
        let refused = |why: &dyn std::error::Error| {
            AppError::failed("the running server does not take the origin's registration")
                .because(why)
                .next("start it again with this version: `langley stop`, then `langley`")
        };
        let ca = self.fixture.ca_pem();
        let origin = json!({ "address": self.front.address(), "ca_pem": ca });
        let answer = api.post("/api/fidelity", &origin).await.map_err(|error| refused(&error))?;
        let certificate = answer["certificate_pem"].as_str().unwrap_or_default();
        let password = token.filter(|_| !state.proxy.ip().is_loopback());
        Ok(Ways {
            direct: Way::direct(self.front.address(), ca).map_err(|error| refused(&error))?,
            proxied: Way::through(state.proxy, password, certificate)
                .map_err(|error| refused(&error))?,
        })
    }

    /// One case, both ways.
    async fn outcome(&self, case: &'static Case, ways: &Ways) -> Outcome {
        let direct = self.recorded(case, &ways.direct).await;
        let proxied = self.recorded(case, &ways.proxied).await;
        let differences = match (direct, proxied) {
            (Ok(direct), Ok(proxied)) => differences(&direct, &proxied),
            (direct, proxied) => vec![Difference::failed(direct.err(), proxied.err())],
        };
        Outcome { case, differences }
    }

    /// The exchange as both ends saw it; else in words why there was none.
    async fn recorded(&self, case: &Case, way: &Way) -> Result<Recording, String> {
        self.fixture.clear();
        let carried = async {
            match case.version {
                Version::Http1 => h1::exchange(case, way).await,
                Version::Http2 => h2::exchange(case, way).await,
            }
        };
        let answer = tokio::time::timeout(PATIENCE, carried)
            .await
            .map_err(|_| format!("no whole answer within {} s", PATIENCE.as_secs()))?
            .map_err(|error| error.to_string())?;
        let ended = |seen: &[Exchange]| seen.last().filter(|e| e.ended != Ended::Open).cloned();
        let exchange = self.fixture.wait_for(PATIENCE, ended).await;
        let exchange = exchange.ok_or("the origin did not see the request's end")?;
        let fits = match answer.end {
            End::Whole => !case.is_broken,
            End::Closed => true,
            End::Unannounced | End::Reset | End::StreamReset(_) => case.is_broken,
        };
        if !fits {
            return Err(format!("the answer's end: {}", answer.end));
        }
        Ok(Recording { request: Seen::of_request(&exchange, case), answer })
    }

    /// The JA4 of the client's hello, and of the one that the proxy made of it.
    async fn hellos(&self, ways: &Ways) -> Vec<Ja4> {
        let mut found = Vec::new();
        for version in [Version::Http1, Version::Http2] {
            let client = self.hello(&ways.direct, version).await;
            let proxy = self.hello(&ways.proxied, version).await;
            if let (Some(client), Some(proxy)) = (client, proxy) {
                found.push(Ja4 { version, client, proxy });
            }
        }
        found
    }

    /// What the origin is greeted with on this way.
    async fn hello(&self, way: &Way, version: Version) -> Option<String> {
        self.front.forget();
        let opening = way.open(version);
        tokio::time::timeout(PATIENCE, opening).await.ok()?.ok()?;
        self.front.last_ja4()
    }
}
