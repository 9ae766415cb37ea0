//! A temporary home, the binary in a clean environment, and servers that end with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use langley_fixture::{Fixture, FixtureOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Stage {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, variables: Vec::new() }
    }

    /// The same, with the fixture as the only provider there is.
    pub(crate) fn with_provider(provider: &Provider) -> Self {
        let mut stage = Self::new();
        let ca = stage.path("provider-ca.pem");
        std::fs::write(&ca, provider.fixture.ca_pem()).unwrap();
        stage.set("LANGLEY_UPSTREAM_CA", ca.to_str().unwrap());
        stage.set("LANGLEY_UPSTREAM_PROXY", &provider.fixture.connect_url());
        stage
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The binary, in an environment that holds nothing of ours.
    pub(crate) fn langley(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("langley"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("LANGLEY_HOME", self.home());
        command.env("LANGLEY_LISTEN", "127.0.0.1:0").env("LANGLEY_API", "127.0.0.1:0");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs to the end: (exit code, stdout, stderr), with the temporary folder written as `DIR`.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.shown(&self.langley(args).output().unwrap())
    }

    /// What curl gets when an agent's process posts `body`.
    pub(crate) fn curl(&self, url: &str, headers: &[&str], body: &Value) -> String {
        let body = body.to_string();
        let mut args = vec!["run", "--", "curl", "-sS", "--max-time", "20", "-d", &body];
        for header in ["content-type: application/json"].iter().chain(headers) {
            args.extend(["-H", header]);
        }
        args.push(url);
        let (code, out, err) = self.run(&args);
        assert_eq!(code, 0, "{err}");
        out
    }

    pub(crate) fn shown(&self, output: &Output) -> (i32, String, String) {
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(&self.folder.path().display().to_string(), "DIR")
        };
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Exit code and both outputs, for snapshots.
    pub(crate) fn transcript(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        format!("{out}{err}[exit {code}]")
    }

    /// Starts the server and waits until it can be found.
    pub(crate) fn server(&self) -> Server {
        self.server_with(&[])
    }

    /// As [`Self::server`], with more options.
    pub(crate) fn server_with(&self, options: &[&str]) -> Server {
        let child = self
            .langley(&[&["start", "--quiet", "--no-open"], options].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child };
        let path = self.home().join("state.json");
        wait(|| {
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended at its start");
            // An earlier server that was killed may have left its file.
            let state: Value = std::fs::read(&path)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .unwrap_or_default();
            state["pid"] == server.id()
        });
        server
    }

    pub(crate) fn state(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.home().join("state.json")).unwrap()).unwrap()
    }

    /// An answer of the API.
    pub(crate) fn api(&self, path: &str) -> Value {
        self.ask(&[], path)
    }

    /// Sends `body` with PUT and returns the answer.
    pub(crate) fn put(&self, path: &str, body: &str) -> Value {
        self.ask(&["-X", "PUT", "-d", body], path)
    }

    fn ask(&self, args: &[&str], path: &str) -> Value {
        let token = std::fs::read_to_string(self.home().join("token")).unwrap();
        let url = format!("http://{}{path}", self.state()["api"].as_str().unwrap());
        let output = Command::new("curl")
            .args(["-sS", "--max-time", "20", "-H"])
            .arg(format!("Authorization: Bearer {}", token.trim()))
            .args(args)
            .arg(url)
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
    }

    /// Waits for `count` ended flows and returns them, newest first.
    pub(crate) fn ended_flows(&self, count: usize) -> Vec<Value> {
        let mut flows = Vec::new();
        wait(|| {
            let page = self.api("/api/flows");
            flows = page["items"].as_array().unwrap().clone();
            flows.iter().filter(|flow| flow["outcome"].is_string()).count() >= count
        });
        flows
    }

    /// The message that a flow's answer was read as.
    pub(crate) fn message(&self, flow: &Value) -> Value {
        let id = flow["id"].as_str().unwrap();
        self.api(&format!("/api/flows/{id}/response"))["message"].take()
    }

    /// Ends the detached server that `run` started, if any.
    pub(crate) fn stop(&self) {
        let (code, _, err) = self.run(&["stop", "--quiet"]);
        assert_eq!(code, 0, "{err}");
    }
}

/// A server process; killed when the test ends early.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Waits for its own end.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        let mut code = None;
        wait(|| match self.child.try_wait().unwrap() {
            Some(status) => {
                code = status.code();
                true
            }
            None => false,
        });
        code
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The loopback provider, on a runtime of its own.
pub(crate) struct Provider {
    pub(crate) fixture: Fixture,
    _runtime: Runtime,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::with(FixtureOptions::default())
    }

    pub(crate) fn with(options: FixtureOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let fixture = runtime.block_on(Fixture::start(options)).unwrap();
        Self { fixture, _runtime: runtime }
    }
}

/// The calls of the agent's tools in a message.
pub(crate) fn tool_calls(message: &Value) -> Vec<&Value> {
    let blocks = message["blocks"].as_array().unwrap().iter();
    blocks.filter(|block| block["type"] == "tool_use").collect()
}

/// Polls until `done`.
pub(crate) fn wait(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it took too long");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Every file below `folder` whose bytes hold `needle`.
pub(crate) fn files_with(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
        {
            found.push(path);
        }
    }
    found
}
