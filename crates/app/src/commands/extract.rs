//! `langley extract`: questions that agents' own files answer, as JSON or as a table.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use langley_engine::{
    ExtractMode, ExtractOut, ExtractQuery, Extracted, PriceBook, TranscriptFile, UsageOf,
    extract_reference,
};
use langley_model::Redactor;
use langley_protocol::transcript::TranscriptFormat;
use serde_json::Value;
use terminal_size::{Width, terminal_size};

use super::extract_table::Records;
use super::flows::parse_span;
use super::session_id;
use super::transcripts::{agent, left_behind, named, scanned};
use crate::cli::{ExtractArgs, GlobalArgs, IdleForm};
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::opening::prices;
use crate::table::counted;
use crate::told_usage::threads;
use crate::wire::redactor;

/// Rows of a table that is shown without `-n`: more is nothing to read on a terminal.
const ROWS_MAX: usize = 200;

/// Bytes that are written at a time: whole pages, which are not read before they are written.
const BUFFER: usize = 256 << 10;

/// The same where there are many files: what waits for all of them has room in the processor's cache.
const BUFFER_OF_MANY: usize = 48 << 10;

/// Characters of a line where the terminal does not say.
const WIDTH: usize = 160;

/// Tells what is asked.
///
/// # Errors
/// A word that is not understood; there is nothing to read, or no place to write.
pub(crate) fn extract(global: &GlobalArgs, args: &ExtractArgs) -> Result<()> {
    if args.reference {
        print!("{}", extract_reference());
        return Ok(());
    }
    let modes = modes(&args.modes)?;
    let mut query = ExtractQuery::new(&modes);
    query.latest = args.latest.map(|latest| latest as usize);
    (query.since, query.until) = parse_span(args.since.as_deref(), args.until.as_deref())?;
    query.session.clone_from(&args.session);
    query.project.clone_from(&args.project);
    query.is_paired = args.mode == IdleForm::Paired;
    if query.is_paired && !modes.contains(&ExtractMode::UserIdle) {
        return Err(AppError::wrong_use("--mode paired is of the mode user-idle")
            .next("`langley extract user-idle --mode paired`"));
    }
    let of = args.agent.as_deref().map(agent).transpose()?;
    let config = config::load_leniently(global, &Environment::of_process())?.told().config;
    let walked = left_behind(&config)?;
    let (book, redactor) = (prices(&config), redactor(&config)?);
    // Of all files, also of those that nobody asks about: so many the cache has.
    let usage = || scanned(&config, &walked, (&book, &redactor));
    let files: Vec<_> =
        walked.files.iter().filter(|file| of.is_none_or(|of| file.format == of)).cloned().collect();
    let threads = threads();
    if let Some(asked) = &args.session {
        let known = sessions((&files, asked), (&book, &redactor), threads)?;
        query.session = Some(session_id::whole(asked, known)?);
    }
    let is_table = args.out_dir.is_none() && !args.json && io::stdout().is_terminal();
    if is_table && query.latest.is_none() {
        // The first of all would be the oldest.
        query.latest = Some(ROWS_MAX);
    }
    let tell = |out: ExtractOut<'_>| {
        let asked = (&*files, Some(&usage as UsageOf<'_>));
        langley_engine::extract(asked, &query, (&book, &redactor), threads, out)
    };
    let done = match &args.out_dir {
        Some(folder) => {
            let (done, replaced) = to_files(folder, &modes, &tell).map_err(|error| {
                AppError::failed(format!("{} cannot be written", folder.display()))
                    .why(error.to_string())
                    .next("name another folder with --out-dir, or leave it out: records go to the output")
            })?;
            if !global.quiet {
                let replaced = if replaced == 0 {
                    String::new()
                } else {
                    format!(" ({} replaced)", counted(replaced, "file"))
                };
                let records = counted(done.records, "record");
                eprintln!("{records} in {}{replaced}", folder.display());
            }
            done
        }
        None if is_table => {
            let mut records = Records::default();
            let done = tell(&mut |mode, line| {
                records.take(mode, &line);
                Ok(())
            });
            let width = terminal_size().map_or(WIDTH, |(Width(width), _)| usize::from(width));
            print!("{}", records.tables(width, args.latest.is_none().then_some(ROWS_MAX)));
            done.map_err(|error| unwritten(&error))?
        }
        None => {
            let mut stdout = BufWriter::with_capacity(BUFFER, io::stdout().lock());
            let done = tell(&mut |_, line| stdout.write_all(&line));
            match done.and_then(|done| stdout.flush().map(|()| done)) {
                Ok(done) => done,
                // Whoever read it has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(unwritten(&error)),
            }
        }
    };
    warn(&done, &walked.refused, global.quiet);
    let Some(asked) = unmatched(args, &done) else {
        if done.records == 0 && !is_table && !global.quiet {
            let span =
                if (query.since, query.until) == (None, None) { "" } else { " of that time" };
            eprintln!("nothing of that is in {}{span}", counted(files.len() as u64, "file"));
        }
        return Ok(());
    };
    // A session that there is may have nothing of what was asked.
    let mut known = ExtractQuery::new(&[ExtractMode::Sessions]);
    known.session.clone_from(&query.session);
    known.project.clone_from(&args.project);
    let files = (&*files, None);
    let known =
        langley_engine::extract(files, &known, (&book, &redactor), threads, &mut |_, _| Ok(()))
            .map_err(|error| unwritten(&error))?;
    if known.records == known.absent {
        return Err(AppError::failed(format!("nothing matched {asked}"))
            .why("no file that was read is of it")
            .next("`langley extract sessions` tells those that there are"));
    }
    if !global.quiet {
        eprintln!("nothing matched {asked} in what was asked for");
    }
    Ok(())
}

/// Ids of sessions that begin so: by the names of their files, and of Gemini CLI's, which have another one, by what
/// stands in them.
fn sessions(
    (files, asked): (&[TranscriptFile], &str),
    of: (&Arc<PriceBook>, &Redactor),
    threads: usize,
) -> Result<Vec<String>> {
    let (unnamed, named): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| file.format == TranscriptFormat::GeminiCli);
    let named = named.into_iter().filter_map(|file| session_of_name(&file.path));
    let mut known: Vec<_> = named.filter(|id| id.starts_with(asked)).collect();
    if known.is_empty() && !unnamed.is_empty() {
        let unnamed: Vec<_> = unnamed.into_iter().cloned().collect();
        let query = ExtractQuery::new(&[ExtractMode::Sessions]);
        langley_engine::extract((&unnamed, None), &query, of, threads, &mut |_, line| {
            let record: Option<Value> = serde_json::from_slice(&line).ok();
            known.extend(record.and_then(|it| it["session_id"].as_str().map(str::to_owned)));
            Ok(())
        })
        .map_err(|error| unwritten(&error))?;
    }
    Ok(known)
}

/// `SESSION.jsonl` of Claude Code, `rollout-TIME-SESSION.jsonl` of Codex; none of a subagent's file.
fn session_of_name(path: &Path) -> Option<String> {
    /// Characters of a UUID.
    const UUID: usize = 36;
    let stem = path.file_stem()?.to_str()?;
    if stem.starts_with("agent-") {
        return None;
    }
    let id =
        stem.strip_prefix("rollout-").and_then(|rest| rest.get(rest.len().checked_sub(UUID)?..));
    Some(id.unwrap_or(stem).to_owned())
}

/// The session or project that was asked for, where nothing is of it: a name that is written wrong looks the same.
fn unmatched(args: &ExtractArgs, done: &Extracted) -> Option<String> {
    let asked = [("--session", &args.session), ("--project", &args.project)];
    let asked: Vec<String> = asked
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)))
        .collect();
    (done.records == done.absent && !asked.is_empty()).then(|| asked.join(" "))
}

fn unwritten(error: &io::Error) -> AppError {
    AppError::failed("the records cannot be written").why(error.to_string())
}

/// What could not be read: whole files always, for what they have is missing.
fn warn(done: &Extracted, refused: &[(PathBuf, io::Error)], is_quiet: bool) {
    for (path, error) in refused.iter().chain(&done.refused) {
        eprintln!("warning: {} could not be read: {error}", path.display());
    }
    if is_quiet {
        return;
    }
    for (count, what) in [
        (done.torn, "last lines are being written, and cannot be read yet"),
        (done.unreadable, "lines are no JSON, and were left out"),
        (done.too_long, "lines are too long to be held, and were left out"),
        (done.mended, "lines have bytes that are no UTF-8; they are told with � in their place"),
    ] {
        if count > 0 {
            eprintln!("warning: {count} {what}");
        }
    }
    if !done.damaged.is_empty() {
        eprintln!("         {}", named(done.damaged.iter().map(PathBuf::as_path)));
    }
}

fn modes(names: &[String]) -> Result<Vec<ExtractMode>> {
    let mut modes = Vec::new();
    for name in names {
        if name == "all" {
            modes.extend(ExtractMode::ALL);
            continue;
        }
        modes.push(ExtractMode::parse(name).ok_or_else(|| {
            let known: Vec<_> = ExtractMode::ALL.iter().map(|mode| mode.name()).collect();
            AppError::wrong_use(format!("`{name}` is no mode"))
                .why(format!("known are all, {}", known.join(", ")))
                .next("docs/extract.md says what each tells")
        })?);
    }
    Ok(modes)
}

/// How records are told to whoever takes them.
type Tell<'t> = &'t dyn Fn(ExtractOut<'_>) -> io::Result<Extracted>;

/// Writes a file for each mode, which has its name once it is complete; how many there were before.
fn to_files(folder: &Path, modes: &[ExtractMode], tell: Tell<'_>) -> io::Result<(Extracted, u64)> {
    fs::create_dir_all(folder)?;
    let place = |mode: ExtractMode, end: &str| folder.join(format!("{}.ndjson{end}", mode.name()));
    let mut files: [Option<BufWriter<File>>; ExtractMode::ALL.len()] = [const { None }; _];
    let mut replaced = 0;
    let buffer = if modes.len() > 4 { BUFFER_OF_MANY } else { BUFFER };
    for mode in modes {
        let file = File::create(place(*mode, ".part"))?;
        files[*mode as usize] = Some(BufWriter::with_capacity(buffer, file));
    }
    let done = tell(&mut |mode, line| {
        files[mode as usize].as_mut().map_or(Ok(()), |file| file.write_all(&line))
    })?;
    for (mode, file) in ExtractMode::ALL.iter().copied().zip(files) {
        let Some(mut file) = file else { continue };
        file.flush()?;
        let name = place(mode, "");
        replaced += u64::from(name.exists());
        fs::rename(place(mode, ".part"), name)?;
    }
    Ok((done, replaced))
}
