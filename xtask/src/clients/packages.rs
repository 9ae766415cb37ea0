//! Installs the clients into the build folder, and knows their versions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::case::{Case, Package};
use crate::run::run;
use crate::workspace::{has, metadata, root};

/// What the drivers for Node need beside the clients.
const NODE_DRIVERS: [&str; 1] = ["undici"];

/// The installed clients.
#[derive(Debug)]
pub(crate) struct Packages {
    folder: PathBuf,
    versions: BTreeMap<&'static str, String>,
}

impl Packages {
    /// Installs what `cases` need and the folder lacks.
    pub(crate) fn install(cases: &[Case]) -> Result<Self> {
        let folder = metadata()?.target_directory.into_std_path_buf().join("clients");
        let mut packages = Self { folder, versions: BTreeMap::new() };
        packages.npm(cases)?;
        packages.pypi(cases)?;
        packages.copy_drivers()?;
        for case in cases {
            let (name, version) = packages.look_up(case.package)?;
            packages.versions.insert(name, version);
        }
        Ok(packages)
    }

    /// npm's programs.
    pub(crate) fn bin(&self) -> PathBuf {
        self.folder.join("npm/node_modules/.bin")
    }

    /// The drivers, where Node finds the packages.
    pub(crate) fn drivers(&self) -> PathBuf {
        self.folder.join("npm/drivers")
    }

    /// The programs of a Python environment.
    pub(crate) fn python(&self, environment: &str) -> PathBuf {
        self.folder.join("py").join(environment).join("bin")
    }

    /// The version of a package.
    pub(crate) fn version(&self, package: Package) -> &str {
        self.versions.get(name(package)).map_or("?", String::as_str)
    }

    fn npm(&self, cases: &[Case]) -> Result<()> {
        let folder = self.folder.join("npm");
        let missing: Vec<&str> = cases
            .iter()
            .filter_map(|case| match case.package {
                Package::Npm(name, with) => Some([name].into_iter().chain(with.iter().copied())),
                _ => None,
            })
            .flatten()
            .chain(NODE_DRIVERS)
            .filter(|name| !folder.join("node_modules").join(name).is_dir())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        ensure!(has("npm", &["--version"]), "npm was not found; install Node 20.19 or newer");
        fs::create_dir_all(&folder)?;
        if !folder.join("package.json").exists() {
            fs::write(folder.join("package.json"), r#"{"name":"clients","private":true}"#)?;
        }
        let mut command = Command::new("npm");
        command.current_dir(&folder).args(["install", "--no-audit", "--no-fund"]).args(missing);
        ensure!(run(command)?.ok, "npm could not install the clients");
        Ok(())
    }

    fn pypi(&self, cases: &[Case]) -> Result<()> {
        for case in cases {
            let Package::PyPi(package, environment) = case.package else { continue };
            let programs = self.python(environment);
            if !programs.join("pip").exists() {
                let mut command = Command::new("python3");
                command.args(["-m", "venv"]).arg(self.folder.join("py").join(environment));
                ensure!(
                    run(command)?.ok,
                    "python3 could not make an environment; install python3-venv"
                );
            }
            if self.look_up(case.package).is_err() {
                let mut command = Command::new(programs.join("pip"));
                command.args(["install", "--quiet", package, "httpx[http2]"]);
                ensure!(run(command)?.ok, "pip could not install {package}");
            }
        }
        Ok(())
    }

    fn copy_drivers(&self) -> Result<()> {
        let to = self.drivers();
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(root().join("xtask/clients"))? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    }

    fn look_up(&self, package: Package) -> Result<(&'static str, String)> {
        let version = match package {
            Package::Npm(name, _) => {
                let path = self.folder.join("npm/node_modules").join(name).join("package.json");
                let text = fs::read(&path).with_context(|| format!("{name} is not installed"))?;
                let package: Value = serde_json::from_slice(&text)?;
                package["version"].as_str().unwrap_or("?").to_owned()
            }
            Package::PyPi(name, environment) => {
                let code = format!("import importlib.metadata as m; print(m.version('{name}'))");
                first_line(&self.python(environment).join("python"), &["-c", &code])?
            }
            Package::System(name) => {
                let line = first_line(Path::new(name), &["--version"])?;
                line.split_whitespace().nth(1).unwrap_or("?").to_owned()
            }
        };
        Ok((name(package), version))
    }
}

const fn name(package: Package) -> &'static str {
    match package {
        Package::Npm(name, _) | Package::PyPi(name, _) | Package::System(name) => name,
    }
}

fn first_line(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{} could not be started", program.display()))?;
    if !output.status.success() {
        bail!("{} {arguments:?} failed", program.display());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}
