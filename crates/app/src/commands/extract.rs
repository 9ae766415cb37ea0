//! `langley extract`: questions that agents' own files answer, as JSON or as a table.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use langley_engine::{
    ExtractMode, ExtractOut, ExtractQuery, Extracted, UsageOf, extract_reference,
};
use serde_json::{Map, Value};

use super::flows::parse_since;
use super::transcripts::{agent, left_behind, scanned, threads};
use crate::cli::{ExtractArgs, GlobalArgs, IdleForm};
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::opening::prices;
use crate::table::Table;
use crate::wire::redactor;

/// Rows of a table that is shown without `-n`: more is nothing to read on a terminal.
const ROWS_MAX: usize = 200;

/// Bytes that are written at a time: whole pages, which are not read before they are written.
const BUFFER: usize = 256 << 10;

/// The same where there are many files: what waits for all of them has room in the processor's cache.
const BUFFER_OF_MANY: usize = 48 << 10;

/// Characters of a cell.
const CELL: usize = 100;

/// What stands in every record before its mode's fields.
const HEAD: [&str; 8] = ["mode", "v", "agent", "session_id", "agent_id", "turn", "ts", "src"];

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
    query.since = args.since.as_deref().map(|it| parse_since(it, Timestamp::now())).transpose()?;
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
            let (done, written) = to_files(folder, &modes, &tell).map_err(|error| {
                AppError::failed(format!("{} cannot be written", folder.display()))
                    .why(error.to_string())
                    .next("name another folder with --out-dir, or leave it out: records go to the output")
            })?;
            if !global.quiet {
                eprintln!("{written} records in {}", folder.display());
            }
            done
        }
        None if is_table => {
            let mut rows = Vec::new();
            let done = tell(&mut |mode, line| {
                rows.extend(row(mode, &line));
                Ok(())
            });
            print!("{}", table(rows, args.latest.is_none()));
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
    if !global.quiet {
        warn(&done, &walked.refused);
    }
    let Some(asked) = unmatched(args, &done) else { return Ok(()) };
    // A session that there is may have nothing of what was asked.
    let mut known = ExtractQuery::new(&[ExtractMode::Sessions]);
    known.session.clone_from(&args.session);
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

/// What could not be read.
fn warn(done: &Extracted, refused: &[(std::path::PathBuf, io::Error)]) {
    for (path, error) in refused.iter().chain(&done.refused) {
        eprintln!("warning: {} could not be read: {error}", path.display());
    }
    for (count, what) in [
        (done.unreadable, "lines are no JSON, and were left out"),
        (done.torn, "last lines are being written, and cannot be read yet"),
        (done.too_long, "lines are too long to be held, and were left out"),
        (done.mended, "lines have bytes that are no UTF-8; they are told with � in their place"),
    ] {
        if count > 0 {
            eprintln!("warning: {count} {what}");
        }
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

/// Writes a file for each mode, which has its name once it is complete; how many records there are.
fn to_files(folder: &Path, modes: &[ExtractMode], tell: Tell<'_>) -> io::Result<(Extracted, u64)> {
    fs::create_dir_all(folder)?;
    let place = |mode: ExtractMode, end: &str| folder.join(format!("{}.ndjson{end}", mode.name()));
    let mut files: [Option<BufWriter<File>>; ExtractMode::ALL.len()] = [const { None }; _];
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
        fs::rename(place(mode, ".part"), place(mode, ""))?;
    }
    let records = done.records;
    Ok((done, records))
}

/// A record as a row: when, whose, where, of what mode, and its fields.
fn row(mode: ExtractMode, line: &[u8]) -> Option<[String; 6]> {
    let record: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let word = |name: &str| match record.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    let mut session = word("session_id");
    session.truncate(session.floor_char_boundary(8));
    let fields = record.iter().filter(|(name, it)| !HEAD.contains(&name.as_str()) && !it.is_null());
    let told: Vec<String> = fields
        .map(|(name, value)| match value {
            Value::String(text) if name == "text" => text.clone(),
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        })
        .collect();
    let told = told.join("  ").replace('\n', " ");
    let mut cut: String = told.chars().take(CELL).collect();
    if cut.len() < told.len() {
        cut.push('…');
    }
    Some([word("ts"), word("agent"), session, word("turn"), mode.name().to_owned(), cut])
}

fn table(rows: Vec<[String; 6]>, is_cut: bool) -> String {
    if rows.is_empty() {
        return "nothing of that is in the agents' files\n".to_owned();
    }
    let is_full = is_cut && rows.len() >= ROWS_MAX;
    let mut table = Table::new(["TIME", "AGENT", "SESSION", "TURN", "MODE", "WHAT"]);
    for row in rows {
        table.row(row);
    }
    let more = format!("… the latest {ROWS_MAX} of a mode: -n N for others, --json for all\n");
    table.to_string() + if is_full { &more } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_whose_it_is_also_of_what_an_agents_files_cannot_tell() {
        let line = br#"{"mode":"requests","v":1,"agent":"codex","session_id":null,"turn":null,"ts":null,"src":null,"available":false}"#;
        let row = row(ExtractMode::Requests, line).unwrap();
        assert_eq!(row, ["-", "codex", "-", "-", "requests", "available=false"]);
        let table = table(vec![row], false);
        assert!(table.starts_with("TIME") && table.contains("AGENT"), "{table}");
    }
}
