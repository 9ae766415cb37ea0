//! The browser tests: a real Chromium on a real Langley, with the loopback provider behind it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use langley_fixture::{Fixture, FixtureOptions};
use langley_testkit::{Client, Request, Whole};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::langley::{Langley, build};
use crate::provision::{chromium, packages};
use crate::run::run;
use crate::summary::{Tests, Verdict};
use crate::workspace::npm;

/// Exchanges the real run's list begins with, in turn.
const SEEDS: [&str; 6] = [
    "say=thinking",
    "say=tools",
    "say=unicode",
    "say=server",
    "status=529",
    "say=text;error_after=4",
];
/// How often each is made.
const SEED_ROUNDS: usize = 20;
/// Rounds that make a session.
const SEED_ROUNDS_OF_A_SESSION: usize = 5;

/// Builds and starts everything, runs `npm run e2e` twice, and takes it down.
///
/// Once against the dashboard's own stand-in for the API, which can be brought into any state, and
/// once against a real Langley: then `LANGLEY_URL` is a one-time link to it, and `LANGLEY_TRAFFIC`
/// a command that makes one streamed exchange through it.
pub(crate) fn browser() -> Result<Verdict> {
    packages()?;
    let Some(chromium) = chromium() else {
        return Ok(Verdict::Failed("no Chromium was found; run the provision step".to_owned()));
    };
    // Also builds the dashboard, which the stand-in serves.
    let binary = build(false)?;
    let (stand_in_ok, stand_in) = playwright(&chromium, &[], &[])?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("no runtime")?;
    let fixture = runtime.block_on(Fixture::start(FixtureOptions::default()))?;
    let real = against_langley(&binary, &chromium, &runtime, &fixture);
    runtime.block_on(fixture.stop());
    let (real_ok, real) = real?;

    for (name, tests) in [("stand-in", &stand_in), ("real", &real)] {
        if *tests == Tests::default() {
            return Ok(Verdict::Failed(format!("no browser test ran against the {name} API")));
        }
    }
    Ok(stand_in.and(real).verdict(stand_in_ok && real_ok))
}

fn against_langley(
    binary: &Path,
    chromium: &Path,
    runtime: &Runtime,
    fixture: &Fixture,
) -> Result<(bool, Tests)> {
    let set = Set::start(binary, fixture)?;
    let settings = runtime.block_on(async {
        seed(&set.entry).await?;
        set.settings().await
    })?;
    playwright(chromium, &[], &settings)
}

/// A Langley that reaches the loopback provider as api.anthropic.com, through its CONNECT sink.
pub(crate) struct Set {
    langley: Langley,
    /// Where its proxy is, for a client by base URL.
    pub(crate) entry: String,
    folder: TempDir,
}

impl Set {
    pub(crate) fn start(binary: &Path, fixture: &Fixture) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let home = folder.path().display().to_string();
        let ca = folder.path().join("provider-ca.pem");
        fs::write(&ca, fixture.ca_pem())?;
        let langley = Langley::start(
            binary,
            &[
                ("LANGLEY_UPSTREAM_CA", ca.display().to_string()),
                ("LANGLEY_PROXY__UPSTREAM_PROXY", fixture.connect_url()),
                // What somebody's own agents wrote here is nobody's business.
                ("HOME", home.clone()),
                ("CLAUDE_CONFIG_DIR", format!("{home}/.claude")),
                ("CODEX_HOME", format!("{home}/.codex")),
            ],
        )?;
        let entry = format!("http://{}", langley.proxy);
        Ok(Self { langley, entry, folder })
    }

    /// Where the files of Claude Code's sessions lie that it reads.
    pub(crate) fn transcripts(&self) -> PathBuf {
        self.folder.path().join(".claude/projects/-home-ada")
    }

    /// Has what was written there read at once.
    pub(crate) async fn bring_in(&self) -> Result<()> {
        let answer = post(&self.langley, "/api/import", "{}").await?;
        if answer.status != 200 {
            bail!("/api/import answered {}", answer.status);
        }
        Ok(())
    }

    /// What a test in a browser is told of it.
    pub(crate) async fn settings(&self) -> Result<Vec<(&'static str, String)>> {
        let this = std::env::current_exe().context("this program's own path is unknown")?;
        let traffic = format!("'{}' traffic {}", this.display(), self.entry);
        Ok(vec![("LANGLEY_URL", link(&self.langley).await?), ("LANGLEY_TRAFFIC", traffic)])
    }
}

/// Runs the tests whose file's name contains one of `only`, or all of them.
pub(crate) fn playwright(
    chromium: &Path,
    only: &[&str],
    settings: &[(&str, String)],
) -> Result<(bool, Tests)> {
    let mut command = npm();
    command.args(["run", "e2e", "--"]).args(only).env("CHROMIUM", chromium);
    command.env_remove("LANGLEY_URL").env_remove("LANGLEY_TRAFFIC");
    for (name, value) in settings {
        command.env(name, value);
    }
    let ran = run(command)?;
    Ok((ran.ok, Tests::count(&ran.output)))
}

async fn seed(entry: &str) -> Result<()> {
    let mut connection = Client::direct(entry).connect().await?;
    for round in 0..SEED_ROUNDS {
        let session = format!("0190f0c4-7e2a-7000-8000-{:012}", round / SEED_ROUNDS_OF_A_SESSION);
        for wish in SEEDS {
            let request = Request::messages(true).fixture(wish);
            connection.fetch(request.header("X-Claude-Code-Session-Id", &session)).await?;
        }
    }
    Ok(())
}

async fn post(langley: &Langley, path: &str, body: &str) -> Result<Whole> {
    let mut connection = Client::direct(&format!("http://{}", langley.api)).connect().await?;
    let bearer = format!("Bearer {}", langley.token);
    let request = Request::post(path, body.to_owned())
        .header("Authorization", &bearer)
        .header("Content-Type", "application/json")
        .header("Content-Length", &body.len().to_string());
    Ok(connection.fetch(request).await?)
}

/// A one-time link to the dashboard.
pub(crate) async fn link(langley: &Langley) -> Result<String> {
    let answer = post(langley, "/api/auth/link", "").await?;
    let body: Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("/api/auth/link answered {}", answer.status))?;
    match body["url"].as_str() {
        Some(url) if url.starts_with("http") => Ok(url.to_owned()),
        Some(path) => Ok(format!("http://{}{path}", langley.api)),
        None => bail!("/api/auth/link answered {} {body}", answer.status),
    }
}

/// `xtask traffic URL`: one streamed exchange of some six seconds by base URL.
pub(crate) fn traffic(entry: &str) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let mut connection = Client::direct(entry).connect().await?;
        let request = Request::messages(true).fixture("events=150;gap=40;size=30");
        let answer = connection.fetch(request).await?;
        if answer.status == 200 { Ok(()) } else { bail!("status {}", answer.status) }
    })
}
