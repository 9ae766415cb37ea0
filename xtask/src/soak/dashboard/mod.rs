//! `cargo xtask soak dashboard`: what a dashboard that is left open must hold, in a real Chromium on a real
//! Langley.
//!
//! Beside 50 streams at 50 events a second each: no long task, no layout shift, at most ten render batches a
//! second, a heap that does not grow, revisions that never go backwards, and a killed server that is joined
//! again without a reload. On a store of months (`--home`, as `seed-db` makes it): first content within a
//! second on every screen, scrolling without a long task, search hits that open in place.

mod scale;
mod streams;
mod supervised;

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use langley_fixture::{Fixture, FixtureOptions};
use langley_testkit::Request;
use serde_json::{Value, json};
use supervised::Supervised;

use crate::e2e::{link, playwright};
use crate::ground::{Ground, Subject};
use crate::langley::{Langley, free_port};
use crate::provision::{chromium, packages};
use crate::workspace::web;

/// How long the built dashboard's own server may take to start.
const PREVIEW: Duration = Duration::from_secs(30);

#[derive(Args, Clone, Debug)]
pub(crate) struct DashboardOptions {
    /// Minutes that each screen is watched beside the streams; 0 leaves them out
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Only what has this in its name, such as `now`, `flows`, `flow` or `kill`
    #[arg(long)]
    only: Option<String>,
    /// A home with a large store, to open and scroll every screen on; a session of 2,000 turns and a message
    /// of 5 MB are added to it
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Show what `npm run build` left in web/dist in place of the binary's own dashboard
    #[arg(long)]
    built: bool,
    #[command(flatten)]
    subject: Subject,
}

/// Measures both; fails on a miss.
pub(super) fn dashboard(options: &DashboardOptions) -> Result<()> {
    packages()?;
    let Some(chromium) = chromium() else {
        bail!("no Chromium was found; run the provision step");
    };
    let Some(Ground { binary, runtime }) = Ground::prepare(&options.subject, "the soak failed")?
    else {
        return Ok(());
    };
    // It reads a request of 5 MB, and forgets what was asked: nobody looks it up here.
    let provider =
        FixtureOptions { keep_body: 16 << 20, keep_exchanges: 8, ..FixtureOptions::default() };
    let fixture = runtime.block_on(Fixture::start(provider))?;
    let set = Set { binary: &binary, chromium: &chromium, runtime: &runtime, fixture: &fixture };
    let mut missed = Vec::new();
    if options.minutes > 0.0 && !set.beside_streams(options)? {
        missed.push("beside the streams");
    }
    if let Some(home) = &options.home
        && !set.at_scale(options, home)?
    {
        missed.push("on the large store");
    }
    runtime.block_on(fixture.stop());
    ensure!(missed.is_empty(), "the dashboard missed its marks {}", missed.join(" and "));
    Ok(())
}

/// What both measurements run on.
struct Set<'a> {
    binary: &'a Path,
    chromium: &'a Path,
    runtime: &'a tokio::runtime::Runtime,
    fixture: &'a Fixture,
}

impl Set<'_> {
    fn beside_streams(&self, options: &DashboardOptions) -> Result<bool> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let places = Places::free()?;
        let settings = self.settings(folder.path())?;
        let start = {
            let (binary, home) = (self.binary.to_owned(), folder.path().to_owned());
            let at = (places.proxy, places.api);
            move || Langley::start_at(&binary, &home, &settings, at)
        };
        let langley = start()?;
        let load = self.runtime.spawn(streams::run(format!("http://{}", langley.proxy)));
        let (url, _preview) = self.opened(&langley, &places, options)?;
        let told = vec![
            ("LANGLEY_URL", url),
            ("LANGLEY_PID", langley.id().to_string()),
            ("LANGLEY_MINUTES", options.minutes.to_string()),
        ];
        let supervised = Supervised::new(langley, start);
        let held = self.browser("soak", told, options)?;
        load.abort();
        supervised.end()?;
        Ok(held)
    }

    fn at_scale(&self, options: &DashboardOptions, home: &Path) -> Result<bool> {
        let places = Places::free()?;
        let mut settings = self.settings(home)?;
        settings.extend(scale::SETTINGS.map(|(name, value)| (name, value.to_owned())));
        let at = (places.proxy, places.api);
        let langley = Langley::start_at(self.binary, home, &settings, at)?;
        self.runtime.block_on(scale::fill(&langley))?;
        let (url, _preview) = self.opened(&langley, &places, options)?;
        let told = vec![
            ("LANGLEY_URL", url),
            ("LANGLEY_LONG_SESSION", scale::LONG.to_owned()),
            ("LANGLEY_LARGE_SESSION", scale::LARGE.to_owned()),
            ("LANGLEY_NEEDLE", scale::NEEDLE.to_owned()),
        ];
        self.browser("scale", told, options)
    }

    fn browser(
        &self,
        tests: &str,
        mut told: Vec<(&'static str, String)>,
        options: &DashboardOptions,
    ) -> Result<bool> {
        told.extend(options.only.clone().map(|only| ("LANGLEY_TOUR", only)));
        Ok(playwright(self.chromium, &[tests], &told)?.0)
    }

    /// How the loopback provider is reached as api.anthropic.com.
    fn settings(&self, home: &Path) -> Result<Vec<(&'static str, String)>> {
        let ca = home.join("provider-ca.pem");
        std::fs::write(&ca, self.fixture.ca_pem())?;
        Ok(vec![
            ("LANGLEY_UPSTREAM_CA", ca.display().to_string()),
            ("LANGLEY_PROXY__UPSTREAM_PROXY", self.fixture.connect_url()),
        ])
    }

    /// A one-time link to the dashboard, and what serves it where that is not Langley itself.
    fn opened(
        &self,
        langley: &Langley,
        places: &Places,
        options: &DashboardOptions,
    ) -> Result<(String, Option<Preview>)> {
        let link = self.runtime.block_on(link(langley))?;
        if !options.built {
            return Ok((link, None));
        }
        let preview = Preview::start(places)?;
        Ok((link.replace(&places.api.to_string(), &places.pages.to_string()), Some(preview)))
    }
}

/// Where what is started listens.
struct Places {
    proxy: SocketAddr,
    api: SocketAddr,
    /// What serves web/dist.
    pages: SocketAddr,
}

impl Places {
    fn free() -> Result<Self> {
        Ok(Self { proxy: free_port()?, api: free_port()?, pages: free_port()? })
    }
}

/// What an agent sends of a session.
fn asked(session: &str, messages: &[Value]) -> Request {
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 64_000, "stream": true, "messages": messages,
    });
    Request::post("/v1/messages", body.to_string())
        .header("content-type", "application/json")
        .header("x-api-key", "sk-ant-api03-not-a-real-key")
        .header("anthropic-version", "2023-06-01")
        .header("user-agent", "claude-cli/2.1.329 (external, cli)")
        .header("X-Claude-Code-Session-Id", session)
        .header("X-Langley-Project", "/home/ada/parser")
}

/// What serves web/dist, and hands questions on to the API.
struct Preview(Child);

impl Preview {
    fn start(places: &Places) -> Result<Self> {
        let child = Command::new(web().join("node_modules/.bin/vite"))
            .args(["preview", "--strictPort", "--host", "127.0.0.1", "--port"])
            .arg(places.pages.port().to_string())
            .current_dir(web())
            .env("LANGLEY_API_URL", format!("http://{}", places.api))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("vite could not be started; run `npm ci` in web/")?;
        let preview = Self(child);
        let started = Instant::now();
        while TcpStream::connect(places.pages).is_err() {
            ensure!(
                started.elapsed() < PREVIEW,
                "web/dist is not served; run `npm run build` in web/"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(preview)
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
