//! The browser tests: a real Chromium on a real Langley, with the loopback provider behind it.

use std::fs;

use anyhow::{Context, Result};
use langley_fixture::{Fixture, FixtureOptions};

use crate::langley::{Langley, build};
use crate::provision::chromium;
use crate::summary::Verdict;
use crate::test::tests;
use crate::workspace::npm;

/// Builds and starts everything, runs `npm run e2e`, and takes it down.
///
/// The tests find their way by environment: `LANGLEY_E2E_URL` (API and dashboard),
/// `LANGLEY_E2E_TOKEN`, `LANGLEY_E2E_PROXY` (also the reverse entry), `LANGLEY_E2E_CA` (Langley's
/// own), `LANGLEY_E2E_FIXTURE` (the provider's plain HTTP port) and `CHROMIUM`.
pub(crate) fn browser() -> Result<Verdict> {
    let Some(chromium) = chromium() else {
        return Ok(Verdict::Failed("no Chromium was found; run the provision step".to_owned()));
    };
    let binary = build(false)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("no runtime")?;
    let fixture = runtime.block_on(Fixture::start(FixtureOptions::default()))?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let ca = folder.path().join("provider-ca.pem");
    fs::write(&ca, fixture.ca_pem())?;
    let langley = Langley::start(
        &binary,
        &[
            ("LANGLEY_UPSTREAM_CA", ca.display().to_string()),
            ("LANGLEY_PROXY__UPSTREAM_PROXY", fixture.connect_url()),
        ],
    )?;
    let langley_ca = folder.path().join("langley-ca.pem");
    fs::write(&langley_ca, langley.ca_pem()?)?;

    let mut command = npm();
    command
        .args(["run", "e2e"])
        .env("CHROMIUM", chromium)
        .env("LANGLEY_E2E_CA", &langley_ca)
        .env("LANGLEY_E2E_FIXTURE", fixture.http_url())
        .env("LANGLEY_E2E_PROXY", format!("http://{}", langley.proxy))
        .env("LANGLEY_E2E_TOKEN", &langley.token)
        .env("LANGLEY_E2E_URL", format!("http://{}", langley.api));
    let verdict = tests(command);
    drop(langley);
    runtime.block_on(fixture.stop());
    verdict
}
