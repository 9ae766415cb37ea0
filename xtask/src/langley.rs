//! A Langley of our own: the built binary, as a child with a temporary home, on ports of its choice.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use langley_testkit::{Client, Request};
use serde_json::Value;
use tempfile::TempDir;

use crate::memory::{Busy, busy, resident_kib};
use crate::run::run;
use crate::workspace::{cargo, metadata};

/// How long a start may take.
const START: Duration = Duration::from_secs(20);
/// How long an end may take before it is forced.
const END: Duration = Duration::from_secs(10);
/// A port of the system's choice.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running Langley; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Langley {
    child: Child,
    home: PathBuf,
    /// Where its home goes with it.
    _temporary: Option<TempDir>,
    pub(crate) proxy: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) token: String,
}

/// Builds the binary and says where it is.
pub(crate) fn build(release: bool) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--package", "langley"]);
    if release {
        command.arg("--release");
    }
    if !run(command)?.ok {
        bail!("the langley binary could not be built");
    }
    let folder = metadata()?.target_directory.into_std_path_buf();
    Ok(folder.join(if release { "release" } else { "debug" }).join("langley"))
}

/// A place that was free a moment ago.
pub(crate) fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind(ANY_PORT)?.local_addr()?)
}

impl Langley {
    /// Starts `binary` on a home that ends with it; `settings` are environment variables.
    pub(crate) fn start(binary: &Path, settings: &[(&str, String)]) -> Result<Self> {
        let temporary = tempfile::tempdir().context("no temporary folder")?;
        let mut langley = Self::start_in(binary, temporary.path(), settings)?;
        langley._temporary = Some(temporary);
        Ok(langley)
    }

    /// The same on a home that stays.
    pub(crate) fn start_in(
        binary: &Path,
        home: &Path,
        settings: &[(&str, String)],
    ) -> Result<Self> {
        Self::start_at(binary, home, settings, (ANY_PORT, ANY_PORT))
    }

    /// The same with its proxy and its API at these places, so that it can be started again where it was.
    pub(crate) fn start_at(
        binary: &Path,
        home: &Path,
        settings: &[(&str, String)],
        places: (SocketAddr, SocketAddr),
    ) -> Result<Self> {
        let mut langley = Self::spawn(binary, home, settings, places)?;
        langley.wait_until_ready()?;
        Ok(langley)
    }

    /// The same, and how long it took until the proxy's port was open.
    pub(crate) fn start_timed(
        binary: &Path,
        home: &Path,
        settings: &[(&str, String)],
    ) -> Result<(Self, Duration)> {
        // Free a moment ago: the port has to be known before it can be asked.
        let port = free_port()?;
        let started = Instant::now();
        let mut langley = Self::spawn(binary, home, settings, (port, ANY_PORT))?;
        while TcpStream::connect(port).is_err() {
            langley.is_alive(started)?;
            thread::sleep(Duration::from_micros(200));
        }
        let open = started.elapsed();
        langley.wait_until_ready()?;
        Ok((langley, open))
    }

    fn spawn(
        binary: &Path,
        home: &Path,
        settings: &[(&str, String)],
        (proxy, api): (SocketAddr, SocketAddr),
    ) -> Result<Self> {
        // An earlier one that was killed may have left it.
        let _ = std::fs::remove_file(home.join("state.json"));
        let mut command = Command::new(binary);
        command
            .args(["start", "--no-open", "--api"])
            .arg(api.to_string())
            .arg("--listen")
            .arg(proxy.to_string())
            .arg("--home")
            .arg(home)
            .env("XDG_CONFIG_HOME", home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_ascii_lowercase());
        }
        for (name, value) in settings {
            command.env(name, value);
        }
        let child = command
            .spawn()
            .with_context(|| format!("{} could not be started", binary.display()))?;
        Ok(Self {
            child,
            home: home.to_owned(),
            _temporary: None,
            proxy: ANY_PORT,
            api: ANY_PORT,
            token: String::new(),
        })
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(ready) = self.ready() {
                (self.proxy, self.api, self.token) = ready;
                return Ok(());
            }
            self.is_alive(started)?;
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Fails when it has ended, or takes too long since it was started.
    fn is_alive(&mut self, started: Instant) -> Result<()> {
        if let Ok(Some(status)) = self.child.try_wait() {
            bail!("langley ended at once ({status}); run it by hand to see why");
        }
        if started.elapsed() > START {
            bail!("langley was not ready within {} s", START.as_secs());
        }
        Ok(())
    }

    fn ready(&self) -> Option<(SocketAddr, SocketAddr, String)> {
        let text = std::fs::read(self.home.join("state.json")).ok()?;
        let state: Value = serde_json::from_slice(&text).ok()?;
        let token = std::fs::read_to_string(self.home.join("token")).ok()?;
        let address = |key: &str| state[key].as_str()?.parse().ok();
        Some((address("proxy")?, address("api")?, token.trim().to_owned()))
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended, by itself or killed.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Its home.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Its certificate authority, as PEM.
    pub(crate) fn ca_pem(&self) -> Result<String> {
        std::fs::read_to_string(self.home.join("ca/ca.pem")).context("langley has no CA")
    }

    /// What the API answers to a GET.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let mut connection = Client::direct(&format!("http://{}", self.api)).connect().await?;
        let bearer = format!("Bearer {}", self.token);
        let answer = connection.fetch(Request::get(path).header("Authorization", &bearer)).await?;
        serde_json::from_slice(&answer.body)
            .with_context(|| format!("{path} answered {}", answer.status))
    }

    /// The most memory that was resident since [`Self::forget_peak`], in KiB.
    pub(crate) fn peak_kib(&self) -> Option<u64> {
        resident_kib(self.child.id(), "VmHWM:")
    }

    /// Lets the peak begin anew (`clear_refs` of proc(5)).
    pub(crate) fn forget_peak(&self) -> Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")
            .context("the peak of memory could not be reset; this needs Linux")
    }

    /// Resident memory in KiB; none where `/proc` does not tell.
    pub(crate) fn rss_kib(&self) -> Option<u64> {
        resident_kib(self.child.id(), "VmRSS:")
    }

    /// Processor time used so far, in clock ticks of 10 ms; none where `/proc` does not tell.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        busy(self.child.id(), Busy::Own)
    }
}

impl Drop for Langley {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // SIGTERM lets it drain; std can only kill.
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        let started = Instant::now();
        while asked.is_ok() && started.elapsed() < END {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
