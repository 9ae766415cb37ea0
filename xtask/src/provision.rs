//! Installs what the tests need and a fresh machine lacks; says how, where it may not.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::run;
use crate::workspace::{has, npm, web};

/// Where a Chromium may be, by name.
const CHROMIUMS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Makes sure that Node, the dashboard's packages, OpenSSL and a Chromium are there.
pub(crate) fn provision() -> Result<()> {
    if !has("npm", &["--version"]) {
        bail!("npm was not found; install Node 20 or newer, which brings it");
    }
    packages()?;
    if !has("openssl", &["version"]) {
        let why = "no `openssl` was found, which the tests of TLS need";
        install("openssl", why, "")?;
    }
    if chromium().is_none() {
        install_chromium()?;
    }
    Ok(())
}

/// The Chromium to test with: `CHROMIUM`, else the first found on the path.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| CHROMIUMS.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// `npm ci`, when the installed packages are not those of the lock file.
pub(crate) fn packages() -> Result<()> {
    let installed = web().join("node_modules/.package-lock.json");
    let lock = web().join("package-lock.json");
    let modified = |path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    if modified(installed) >= modified(lock) && web().join("node_modules").is_dir() {
        return Ok(());
    }
    let mut command = npm();
    command.args(["ci", "--no-audit", "--no-fund"]);
    if run(command)?.ok { Ok(()) } else { bail!("npm ci failed in web/") }
}

fn install_chromium() -> Result<()> {
    let why = "no Chromium was found for the browser tests";
    install("chromium", why, ", or name one in CHROMIUM")?;
    chromium().context("chromium was installed and is still not found").map(drop)
}

/// Installs a package of Debian and Ubuntu; `or` ends the advice where that cannot be done.
fn install(package: &str, why: &str, or: &str) -> Result<()> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
    if !root || !has("apt-get", &["--version"]) {
        bail!("{why}; install it (Debian and Ubuntu: `sudo apt-get install {package}`){or}");
    }
    for words in [&["update"][..], &["install", "--yes", "--no-install-recommends", package]] {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        if !run(command)?.ok {
            bail!("apt-get could not install {package}; install it by hand{or}");
        }
    }
    Ok(())
}
