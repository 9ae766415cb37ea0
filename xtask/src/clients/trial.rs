//! One run of one client: a provider, a Langley and a working folder of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use langley_fixture::{Exchange, Fixture, FixtureOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::case::{Case, Package, Proof, Reverse};
use super::judge::is_request;
use super::packages::Packages;
use super::reconciled::Reconciled;
use crate::langley::Langley;

/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long the record of its last flow may take.
const SETTLING: Duration = Duration::from_secs(10);
/// A key that no provider knows.
const KEY: &str = "sk-test-000000000000";

/// How the client reaches Langley.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `langley run`.
    Forward,
    /// A base URL.
    Reverse,
}

/// What every run shares.
#[derive(Debug)]
pub(crate) struct Stage {
    binary: PathBuf,
    runtime: Runtime,
    is_mirroring: bool,
}

/// What was seen of one run.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The client's exit code; none when it was ended for taking too long.
    pub(crate) exit: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
    /// Whether what proves the client's own success is there.
    pub(crate) is_proven: bool,
    /// Every flow, oldest first, as the API shows it.
    pub(crate) flows: Vec<Value>,
    /// Every request as the provider received it.
    pub(crate) exchanges: Vec<Exchange>,
    /// What passed held against the client's own transcript, where it writes one.
    pub(crate) ledger: Option<Reconciled>,
}

impl Stage {
    pub(crate) fn new(binary: PathBuf, is_mirroring: bool) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("no runtime")?;
        Ok(Self { binary, runtime, is_mirroring })
    }

    /// Runs `case` once.
    pub(crate) fn run(&self, case: &Case, mode: Mode, packages: &Packages) -> Result<Trial> {
        let options = FixtureOptions { script: (case.script)(), ..FixtureOptions::default() };
        let fixture = self.runtime.block_on(Fixture::start(options))?;
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let ca = folder.path().join("provider-ca.pem");
        fs::write(&ca, fixture.ca_pem())?;
        // Langley finds the client's transcripts as it would anybody's: by its home, here that of the trial.
        let home = folder.path().join("work/home").display().to_string();
        let settings = [
            ("HOME", home.clone()),
            ("CODEX_HOME", home),
            ("CLAUDE_CONFIG_DIR", String::new()),
            ("LANGLEY_UPSTREAM_CA", ca.display().to_string()),
            ("LANGLEY_PROXY__UPSTREAM_PROXY", fixture.connect_url()),
            (
                "LANGLEY_TLS_PROVIDER",
                if self.is_mirroring { "mirror" } else { "native" }.to_owned(),
            ),
        ];
        let langley = Langley::start(&self.binary, &settings)?;
        let work = Work::new(folder, case.settings)?;
        let places = Places { packages, case, work: work.path(), langley: &langley };
        let command = places.command(&self.binary, mode);
        let (exit, output, errors) = work.run(command)?;
        let flows = self.runtime.block_on(settled(&langley, &fixture))?;
        let ledger = if case.writes_transcripts {
            self.runtime.block_on(Reconciled::of(&langley, case, &flows))?
        } else {
            None
        };
        let exchanges = fixture.exchanges();
        drop(langley);
        self.runtime.block_on(fixture.stop());
        let is_proven = match case.proof {
            Proof::Says(text) => output.contains(text),
            Proof::Leaves(name, text) => {
                fs::read_to_string(work.path().join(name)).is_ok_and(|found| found.contains(text))
            }
        };
        Ok(Trial { exit, output, errors, is_proven, flows, exchanges, ledger })
    }
}

impl Trial {
    /// What the client printed and what was recorded, for a person.
    pub(crate) fn transcript(&self) -> String {
        let mut text =
            format!("  stdout: {}\n  stderr: {}\n", tail(&self.output), tail(&self.errors));
        for exchange in &self.exchanges {
            let host = exchange.authority.as_deref().unwrap_or_default();
            text += &format!(
                "  provider: {} {} {host}{} {} B\n",
                exchange.version.as_str(),
                exchange.method,
                exchange.target,
                exchange.body_bytes
            );
        }
        for flow in &self.flows {
            let shown = [
                "version_in",
                "method",
                "path",
                "status",
                "outcome",
                "model",
                "usage",
                "tool_names",
                "session_id",
                "stop_reason",
                "decode_note",
            ];
            let facts: Vec<String> =
                shown.iter().map(|key| format!("{key}={}", flow[*key])).collect();
            text += &format!("  flow: {}\n", facts.join(" "));
        }
        if let Some(Reconciled(ledger)) = &self.ledger {
            text += &format!("  ledger: {ledger}\n");
        }
        text
    }
}

fn tail(text: &str) -> &str {
    let start = text.char_indices().rev().nth(1500).map_or(0, |(at, _)| at);
    text[start..].trim_end()
}

/// The client's working folder, with something in it to work on.
#[derive(Debug)]
struct Work {
    folder: TempDir,
}

impl Work {
    fn new(folder: TempDir, settings: Option<(&str, &str)>) -> Result<Self> {
        let work = Self { folder };
        let home = work.path().join("home");
        fs::create_dir_all(&home)?;
        if let Some((name, text)) = settings {
            let path = home.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&home))?;
            fs::write(path, text)?;
        }
        fs::write(work.path().join("langley-note.txt"), "Before.\n")?;
        Ok(work)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Runs to the end, or to the end of patience.
    fn run(&self, mut command: Command) -> Result<(Option<i32>, String, String)> {
        let (out, err) = (self.folder.path().join("stdout"), self.folder.path().join("stderr"));
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
        let mut child = command.spawn().context("the client could not be started")?;
        let started = Instant::now();
        let exit = loop {
            if let Some(status) = child.try_wait()? {
                break status.code();
            }
            if started.elapsed() > PATIENCE {
                let _ = child.kill();
                child.wait()?;
                break None;
            }
            thread::sleep(Duration::from_millis(20));
        };
        let read = |path: &Path| fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned());
        Ok((exit, read(&out)?, read(&err)?))
    }
}

/// What the places in a command stand for.
struct Places<'a> {
    packages: &'a Packages,
    case: &'a Case,
    work: PathBuf,
    langley: &'a Langley,
}

impl Places<'_> {
    fn command(&self, binary: &Path, mode: Mode) -> Command {
        let client = self.case.command.iter().map(|word| self.fill(word));
        let mut command = match mode {
            Mode::Forward => {
                let mut command = Command::new(binary);
                command.arg("--home").arg(self.langley.home()).args(["run", "--"]).args(client);
                command
            }
            Mode::Reverse => {
                let mut words = client;
                let mut command = Command::new(words.next().unwrap_or_default());
                command.args(words);
                command
            }
        };
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_ascii_lowercase());
        }
        command.current_dir(&self.work).env("PWD", &self.work).env("HOME", self.work.join("home"));
        command.env("MODEL", self.case.model);
        for (name, value) in KEYS.iter().chain(self.case.environment) {
            command.env(name, self.fill(value));
        }
        if let (Mode::Reverse, Reverse::By(variables, arguments)) = (mode, self.case.reverse) {
            command.envs(variables.iter().map(|(name, value)| (name, self.fill(value))));
            command.args(arguments.iter().map(|word| self.fill(word)));
        }
        command
    }

    fn fill(&self, text: &str) -> String {
        let environment = match self.case.package {
            Package::PyPi(_, environment) => environment,
            _ => "",
        };
        let show = |path: PathBuf| path.display().to_string();
        text.replace("{bin}", &show(self.packages.bin()))
            .replace("{py}", &show(self.packages.python(environment)))
            .replace("{drivers}", &show(self.packages.drivers()))
            .replace("{work}", &show(self.work.clone()))
            .replace("{entry}", &format!("http://{}", self.langley.proxy))
            .replace("{model}", self.case.model)
            .replace("{key}", KEY)
    }
}

/// Keys that every client is given.
const KEYS: [(&str, &str); 8] = [
    ("ANTHROPIC_API_KEY", "{key}"),
    ("OPENAI_API_KEY", "{key}"),
    ("GEMINI_API_KEY", "{key}"),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "{key}"),
    ("AWS_REGION", "us-east-1"),
    ("NO_COLOR", "1"),
    ("XDG_CONFIG_HOME", "{work}/home/.config"),
];

/// Every flow, once there is one for each request and none is open.
async fn settled(langley: &Langley, fixture: &Fixture) -> Result<Vec<Value>> {
    let started = Instant::now();
    loop {
        let flows = flows(langley).await?;
        let is_open = flows.iter().any(|flow| flow["outcome"].is_null());
        let requests = flows.iter().filter(|flow| is_request(flow)).count();
        if requests >= fixture.exchanges().len() && !is_open || started.elapsed() > SETTLING {
            return Ok(flows);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn flows(langley: &Langley) -> Result<Vec<Value>> {
    let mut body = langley.get("/api/flows?limit=500").await?;
    let mut flows = body["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    flows.reverse();
    Ok(flows)
}
