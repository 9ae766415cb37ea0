//! `cargo xtask bench extract`: how long `langley extract` takes for each mode, for all in one pass beside the dearest
//! of them, and for the latest prompts.
//!
//! Everything is in the page cache; the dearest mode and all of them take turns, and what counts is the ratio within a
//! round.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::corpus::{Corpus, CorpusChoice, size_of};
use super::figure::median;
use crate::ground::{Ground, Subject};
use crate::memory::{Busy, busy};

#[derive(Args, Clone, Debug)]
pub(super) struct ExtractOptions {
    #[command(flatten)]
    corpus: CorpusChoice,
    /// Rounds; medians are printed
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    subject: Subject,
}

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    wall: Duration,
    /// Of all processors together.
    busy: Duration,
    /// Bytes that were told.
    told: u64,
}

impl Run {
    fn middle(runs: &[Self]) -> Self {
        let of = |of: fn(&Self) -> Duration| {
            let values: Vec<f64> = runs.iter().map(|run| of(run).as_secs_f64()).collect();
            Duration::from_secs_f64(median(&values).unwrap_or(0.0))
        };
        let told = runs.first().map_or(0, |run| run.told);
        Self { wall: of(|run| run.wall), busy: of(|run| run.busy), told }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |span: Duration| span.as_secs_f64() * 1000.0;
        write!(f, "{:>8.0} ms, {:>6.0} ms of processor time", ms(self.wall), ms(self.busy))?;
        if self.told == 0 {
            return Ok(());
        }
        write!(f, ", {:>6.1} MB", self.told as f64 / 1e6)
    }
}

/// Where Langley is run, and on what.
struct Runner<'a> {
    binary: &'a Path,
    corpus: &'a Corpus,
    home: &'a Path,
    out: &'a Path,
}

pub(super) fn extract(options: &ExtractOptions) -> Result<()> {
    let Some(Ground { binary, .. }) = Ground::prepare(&options.subject, "the reading failed")?
    else {
        return Ok(());
    };
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let home = folder.path().join("home");
    std::fs::create_dir(&home)?;
    let corpus = Corpus::of(&options.corpus, folder.path())?;
    let out = folder.path().join("out");
    let runner = Runner { binary: &binary, corpus: &corpus, home: &home, out: &out };
    // The first run brings the files into the page cache, and what they used into Langley's own.
    let all = runner.run("all")?;
    let size = |bytes: u64| bytes as f64 / 1e9;
    println!("{:.2} GB, of which all modes tell {:.2} GB", size(corpus.bytes), size(all.told));
    let mut modes = Vec::new();
    for mode in runner.modes()? {
        let run = runner.run(&mode)?;
        println!("{mode:<18}{run}");
        modes.push((run.wall, mode));
    }
    let (_, dearest) = modes.into_iter().max().context("there is no mode")?;
    let rounds = options.rounds.max(1);
    let [mut one, mut whole, mut latest] = [(); 3].map(|()| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        one.push(runner.run(&dearest)?);
        whole.push(runner.run("all")?);
        latest.push(runner.latest("user-prompts", 5)?);
    }
    let ratio = |of: fn(&Run) -> Duration| {
        let ratios: Vec<f64> = whole
            .iter()
            .zip(&one)
            .map(|(whole, one)| of(whole).as_secs_f64() / of(one).as_secs_f64())
            .collect();
        median(&ratios).unwrap_or(f64::NAN)
    };
    println!("\n{rounds} rounds, medians");
    for (name, runs) in [(&*dearest, &one), ("all", &whole), ("user-prompts -n 5", &latest)] {
        println!("{name:<18}{}", Run::middle(runs));
    }
    let (wall, busy) = (ratio(|run| run.wall), ratio(|run| run.busy));
    println!(
        "all modes take {wall:.2} times as long as {dearest}, and {busy:.2} of its processor time"
    );
    Ok(())
}

impl Runner<'_> {
    fn command(&self, mode: &str) -> Command {
        let mut command = Command::new(self.binary);
        command.args(["extract", mode, "--quiet"]).envs(self.corpus.variables(self.home));
        command.env("TZ", "UTC").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs a mode, whose records go into a folder that is made anew.
    fn run(&self, mode: &str) -> Result<Run> {
        if self.out.exists() {
            std::fs::remove_dir_all(self.out)?;
        }
        let mut command = self.command(mode);
        command.arg("--out-dir").arg(self.out);
        let run = time(command, mode)?;
        Ok(Run { told: size_of(self.out)?, ..run })
    }

    /// Tells the latest records of a mode.
    fn latest(&self, mode: &str, most: usize) -> Result<Run> {
        let mut command = self.command(mode);
        command.args(["-n", &most.to_string()]);
        time(command, mode)
    }

    /// The modes that read files, as the program names them.
    fn modes(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.out)? {
            let path = entry?.path();
            if path.metadata()?.len() > 0 {
                names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

fn time(mut command: Command, mode: &str) -> Result<Run> {
    let (busy, started) = (busy_so_far()?, Instant::now());
    let status = command.status().with_context(|| format!("{mode} could not be started"))?;
    let wall = started.elapsed();
    ensure!(status.success(), "{mode} ended with {status}");
    Ok(Run { wall, busy: busy_so_far()?.saturating_sub(busy), told: 0 })
}

/// The processor time of the programs that ended so far.
fn busy_so_far() -> Result<Duration> {
    busy("self", Busy::Children).context("processor time is unknown; this needs Linux")
}
