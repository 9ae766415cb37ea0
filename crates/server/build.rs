//! Builds the dashboard with npm when its sources changed, so that one `cargo build` makes it all.
//!
//! A stamp of every input lies beside the result; as long as it agrees, npm is not run at all.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

/// Everything the result depends on, inside `web/`; what does not exist does not count.
const INPUTS: [&str; 12] = [
    ".npmrc",
    "index.html",
    "package-lock.json",
    "package.json",
    "postcss.config.js",
    "public",
    "src",
    "tsconfig.app.json",
    "tsconfig.json",
    "tsconfig.node.json",
    "vite.config.mts",
    "vite.config.ts",
];
const STAMP: &str = "dist/.langley-inputs";
const COMPRESS: &str = "compress.mjs";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_DASHBOARD").is_none() {
        return ExitCode::SUCCESS;
    }
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let web = here.join("../../web");
    println!("cargo::rerun-if-changed={COMPRESS}");
    println!("cargo::rerun-if-changed={}", web.join(STAMP).display());
    for input in INPUTS {
        if web.join(input).exists() {
            println!("cargo::rerun-if-changed={}", web.join(input).display());
        }
    }
    match dashboard(&here, &web) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\n{message}\n");
            ExitCode::FAILURE
        }
    }
}

/// Makes `web/dist` agree with its inputs.
fn dashboard(here: &Path, web: &Path) -> Result<(), String> {
    let _one_at_a_time = lock(here)?;
    let inputs = Inputs::read(here, web)
        .map_err(|error| failed("its sources cannot be read", &error.to_string()))?;
    if fs::read_to_string(web.join(STAMP)).is_ok_and(|stamp| stamp == inputs.stamp)
        && web.join("dist/index.html").exists()
    {
        return Ok(());
    }
    if !web.join("package.json").exists() {
        return Err(failed("web/package.json is missing", "the checkout is incomplete"));
    }
    node()?;
    install(web)?;
    run(Command::new(npm()).args(["run", "build"]).current_dir(web))?;
    if !web.join("dist/index.html").exists() {
        return Err(failed("`npm run build` left no web/dist/index.html", "see its output above"));
    }
    run(Command::new("node").arg(here.join(COMPRESS)).arg(web.join("dist")))?;
    stamp(web, &inputs).map_err(|error| failed("its stamp cannot be written", &error.to_string()))
}

/// Two builds in two target folders share `web/`; the second waits and then finds the stamp. The lock
/// is on a file of the checkout that nothing here replaces, so that none is left behind.
fn lock(here: &Path) -> Result<File, String> {
    let locked = File::open(here.join(COMPRESS)).and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| failed("its lock cannot be taken", &error.to_string()))
}

/// Vite needs Node 20.19, 22.12 or newer.
fn node() -> Result<(), String> {
    let output = Command::new("node").arg("--version").output();
    let output = output.map_err(|error| {
        failed(
            &format!("`node` cannot be run ({error})"),
            "Node.js is not installed or not in PATH",
        )
    })?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut parts = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().ok());
    let fits = match (parts.next().flatten(), parts.next().flatten()) {
        (Some(20), Some(minor)) => minor >= 19,
        (Some(22), Some(minor)) => minor >= 12,
        (Some(major), _) => major > 22,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(failed(&format!("Node {version} is too old"), "the bundler needs 20.19, 22.12 or newer"))
}

/// Installs what the lock file names, unless that is what is there.
fn install(web: &Path) -> Result<(), String> {
    let changed = |path: &str| fs::metadata(web.join(path)).and_then(|file| file.modified()).ok();
    let lock = changed("package-lock.json");
    let verb = if lock.is_some() { "ci" } else { "install" };
    let wanted = lock.max(changed("package.json"));
    if changed("node_modules/.package-lock.json") >= wanted && wanted.is_some() {
        return Ok(());
    }
    run(Command::new(npm()).args([verb, "--no-audit", "--no-fund"]).current_dir(web))
}

const fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

/// Runs a command quietly; its output is shown when it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    let line = words.join(" ");
    let output = command
        .output()
        .map_err(|error| failed(&format!("`{line}` cannot be run"), &error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    eprintln!("{}", String::from_utf8_lossy(&output.stdout));
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    Err(failed(&format!("`{line}` failed ({})", output.status), "see its output above"))
}

fn failed(what: &str, why: &str) -> String {
    format!(
        "Langley's dashboard was not built: {what}.\n  Why:  {why}.\n  Next: install Node 20.19 or \
         newer with npm and build again, or build without the dashboard: \
         cargo build --no-default-features"
    )
}

/// What the inputs are at the moment.
struct Inputs {
    stamp: String,
    newest: Option<SystemTime>,
}

impl Inputs {
    fn read(here: &Path, web: &Path) -> std::io::Result<Self> {
        let mut files = vec![here.join(COMPRESS), here.join("build.rs")];
        for input in INPUTS {
            collect(&web.join(input), &mut files)?;
        }
        files.sort();
        let mut hasher = DefaultHasher::new();
        let mut newest = None;
        for file in &files {
            file.strip_prefix(web).unwrap_or(file).hash(&mut hasher);
            fs::read(file)?.hash(&mut hasher);
            newest = newest.max(fs::metadata(file)?.modified().ok());
        }
        Ok(Self { stamp: format!("{:016x}\n", hasher.finish()), newest })
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.exists() {
        files.push(path.to_owned());
    }
    Ok(())
}

/// Writes the stamp, dated like the newest input: cargo runs this script again when a file it
/// watches is younger than its last run, and the stamp must not be.
fn stamp(web: &Path, inputs: &Inputs) -> std::io::Result<()> {
    let path = web.join(STAMP);
    fs::write(&path, &inputs.stamp)?;
    match inputs.newest {
        Some(newest) => File::options().write(true).open(path)?.set_modified(newest),
        None => Ok(()),
    }
}
