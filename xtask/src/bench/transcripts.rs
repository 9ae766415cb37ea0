//! `cargo xtask bench transcripts`: how quickly costs are told from agents' own files, beside other programs that read
//! the same files in the same run.
//!
//! Each program is started anew for each round, one after the other in rotated order, and everything is in the page
//! cache. What counts is the ratio within a round, and that all come to the same tokens.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use super::corpus::{Corpus, CorpusChoice};
use super::figure::median;
use crate::ground::{Ground, Subject};
use crate::memory::resident_kib;

/// How often a program's memory is looked at.
const LOOK: Duration = Duration::from_millis(2);

#[derive(Args, Clone, Debug)]
pub(super) struct TranscriptsOptions {
    #[command(flatten)]
    corpus: CorpusChoice,
    /// Rounds; medians are printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The native ccusage of the 20th series; `ccusage` of the path where none is named
    #[arg(long, value_name = "FILE")]
    ccusage: Option<PathBuf>,
    #[command(flatten)]
    subject: Subject,
}

/// A program that reads the corpus.
struct Reader {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(&'static str, PathBuf)>,
    /// A file that goes before each run.
    without: Option<PathBuf>,
    /// The sum of all output tokens, of what it prints.
    output: fn(&str) -> Option<u64>,
}

/// What one run took, and what it came to.
#[derive(Clone, Copy)]
struct Run {
    wall: Duration,
    output: Option<u64>,
}

pub(super) fn transcripts(options: &TranscriptsOptions) -> Result<()> {
    let Some(Ground { binary, .. }) = Ground::prepare(&options.subject, "the reading failed")?
    else {
        return Ok(());
    };
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let home = folder.path().join("home");
    std::fs::create_dir(&home)?;
    let corpus = Corpus::of(&options.corpus, folder.path())?;
    let readers = readers(options, &binary, &corpus, &home);
    // The first round brings the files into the page cache, and tells the memory: to look at it takes time from a program
    // that has all cores.
    let peaks = readers.iter().map(Reader::peak_kib).collect::<Result<Vec<_>>>()?;
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); readers.len()];
    for round in 0..options.rounds.max(1) {
        // Each begins a round in its turn: who runs behind another finds the processor's cache full of that one's.
        for step in 0..readers.len() {
            let place = (round + step) % readers.len();
            runs[place].push(readers[place].run()?);
        }
    }
    print!("{}", table(&readers, &runs, &peaks, corpus.bytes));
    let told = runs.first().and_then(|runs| runs.first()).and_then(|run| run.output);
    match corpus.output {
        Some(expected) if told != Some(expected) => {
            bail!("{told:?} output tokens were told, and {expected} were made")
        }
        _ => Ok(()),
    }
}

/// All that are on this machine, Langley first.
fn readers(
    options: &TranscriptsOptions,
    binary: &Path,
    corpus: &Corpus,
    home: &Path,
) -> Vec<Reader> {
    let langley = |name, without| Reader {
        name,
        program: binary.to_owned(),
        arguments: words("cost --from transcripts --by day,model --limit 10000 --json"),
        variables: corpus.variables(home),
        without,
        output: |text| {
            serde_json::from_str::<Value>(text).ok()?["totals"]["usage"]["output"].as_u64()
        },
    };
    let mut readers = vec![
        langley("langley", Some(home.join("transcripts.cache"))),
        langley("langley, again", None),
    ];
    let ccusage = options.ccusage.clone().or_else(|| on_path("ccusage"));
    readers.extend(ccusage.map(|program| Reader {
        name: "ccusage",
        program,
        arguments: words("daily --offline --json"),
        variables: vec![("CLAUDE_CONFIG_DIR", corpus.folder.clone()), ("HOME", home.to_owned())],
        without: None,
        output: |text| serde_json::from_str::<Value>(text).ok()?["totals"]["outputTokens"].as_u64(),
    }));
    let files = corpus.folder.join("projects").display().to_string();
    // The same question, by typed columns; of the lines of a response the greatest output, as all others count.
    readers.extend(on_path("duckdb").map(|program| Reader {
        name: "duckdb",
        program,
        arguments: ["-noheader", "-csv", "-c", &typed(&files)].map(str::to_owned).to_vec(),
        variables: vec![("HOME", home.to_owned())],
        without: None,
        output: output_of_rows,
    }));
    // Its newest version may be there as a package of Python's alone.
    readers.extend(on_path("python3").filter(|python| has_duckdb(python)).map(|program| Reader {
        name: "duckdb, python",
        program,
        arguments: vec!["-c".to_owned(), SCRIPT.to_owned(), typed(&files)],
        variables: vec![("HOME", home.to_owned())],
        without: None,
        output: output_of_rows,
    }));
    let both = on_path("rg").is_some() && on_path("jq").is_some();
    readers.extend(on_path("sh").filter(|_| both).map(|program| Reader {
        name: "rg and jq",
        program,
        arguments: vec![
            "-c".to_owned(),
            format!(
                "rg --no-filename --no-ignore --text '\"usage\":' -g '*.jsonl' '{files}' | \
             jq -Rn '[inputs | fromjson? | select(.message.usage.output_tokens) | \
             {{k: (.message.id + \" \" + .requestId), o: .message.usage.output_tokens}}] | \
             group_by(.k) | map(map(.o) | max) | add'"
            ),
        ],
        variables: Vec::new(),
        without: None,
        output: |text| text.trim().parse().ok(),
    }));
    readers
}

impl Reader {
    fn run(&self) -> Result<Run> {
        let started = Instant::now();
        let (output, wall) = self.end(self.begin()?, started)?;
        Ok(Run { wall, output: (self.output)(&output) })
    }

    /// The most memory that it has while it runs.
    fn peak_kib(&self) -> Result<u64> {
        let child = self.begin()?;
        let id = child.id();
        thread::scope(|scope| {
            let reading = scope.spawn(|| self.end(child, Instant::now()));
            let mut peak = 0;
            while !reading.is_finished() {
                peak = resident_kib(id, "VmHWM:").unwrap_or(peak).max(peak);
                thread::sleep(LOOK);
            }
            let Ok(ended) = reading.join() else { bail!("{} could not be read", self.name) };
            ended.map(|_| peak)
        })
    }

    fn begin(&self) -> Result<Child> {
        if let Some(file) = &self.without {
            // The first run has none.
            let _ = std::fs::remove_file(file);
        }
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("TZ", "UTC").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().with_context(|| format!("{} could not be started", self.name))
    }

    /// What it printed, and how long it took.
    fn end(&self, mut child: Child, started: Instant) -> Result<(String, Duration)> {
        let mut output = String::new();
        let mut out = child.stdout.take().context("its output is not there")?;
        let read = out.read_to_string(&mut output);
        let status = child.wait()?;
        let wall = started.elapsed();
        read.with_context(|| format!("{} could not be read", self.name))?;
        ensure!(status.success(), "{} ended with {status}", self.name);
        Ok((output, wall))
    }
}

fn table(readers: &[Reader], runs: &[Vec<Run>], peaks: &[u64], bytes: u64) -> String {
    let mut text = format!(
        "{:.2} GB, medians\n{:<16}{:>10}{:>10}{:>12}{:>10}  output tokens\n",
        bytes as f64 / 1e9,
        "",
        "ms",
        "GB/s",
        "of langley",
        "MB"
    );
    for ((reader, own), peak_kib) in readers.iter().zip(runs).zip(peaks) {
        let middle = |of: &dyn Fn(usize) -> f64| {
            let values: Vec<f64> = (0..own.len()).map(of).collect();
            median(&values).unwrap_or(0.0)
        };
        let wall = |place: usize| own[place].wall.as_secs_f64();
        let ratio = |place: usize| wall(place) / runs[0][place].wall.as_secs_f64();
        let output = own.first().and_then(|run| run.output);
        let _infallible = writeln!(
            text,
            "{:<16}{:>10.1}{:>10.2}{:>12.2}{:>10.1}  {}",
            reader.name,
            middle(&wall) * 1000.0,
            middle(&|place| bytes as f64 / 1e9 / wall(place)),
            middle(&ratio),
            *peak_kib as f64 / 1024.0,
            output.map_or_else(|| "-".to_owned(), |output| output.to_string()),
        );
    }
    text
}

/// Usage by day and model, asked of DuckDB. The columns come as day, model, input, output and what the cache took.
fn typed(files: &str) -> String {
    const USAGE: &str = "STRUCT(input_tokens BIGINT, output_tokens BIGINT, cache_read_input_tokens BIGINT, \
         cache_creation STRUCT(ephemeral_5m_input_tokens BIGINT, ephemeral_1h_input_tokens BIGINT))";
    format!(
        "WITH lines AS (SELECT timestamp, requestId, message.id AS id, message.model AS model, message.usage AS u \
           FROM read_json('{files}/**/*.jsonl', format='newline_delimited', ignore_errors=true, \
             maximum_object_size=67108864, columns={{timestamp:'VARCHAR', requestId:'VARCHAR', \
             message:'STRUCT(id VARCHAR, model VARCHAR, usage {USAGE})'}}) \
           WHERE message.usage.output_tokens IS NOT NULL), \
         responses AS (SELECT arg_max(substr(timestamp, 1, 10), u.output_tokens) AS day, \
             arg_max(model, u.output_tokens) AS model, arg_max(u, u.output_tokens) AS u \
           FROM lines GROUP BY id, requestId) \
         SELECT day, model, sum(u.input_tokens), sum(u.output_tokens), sum(u.cache_read_input_tokens), \
           sum(u.cache_creation.ephemeral_5m_input_tokens), sum(u.cache_creation.ephemeral_1h_input_tokens) \
         FROM responses GROUP BY day, model ORDER BY day, model"
    )
}

/// Asks DuckDB within Python, and prints what it answers as its command line does.
const SCRIPT: &str =
    "import sys, duckdb\nfor row in duckdb.sql(sys.argv[1]).fetchall(): print(*row, sep=',')";

fn has_duckdb(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import duckdb"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The sum of the fourth column.
fn output_of_rows(text: &str) -> Option<u64> {
    text.lines().map(|row| row.split(',').nth(3)?.parse::<u64>().ok()).sum()
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}
