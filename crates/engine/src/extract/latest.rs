//! The latest of a mode that a line tells by itself: the newest files first, each from its end.
//!
//! A file is read backwards in portions until it cannot have a later record than those that were found. Which line of
//! its file one is, and of which turn, is counted then, for the files of the few that are told.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use langley_model::{Micros, Redactor};
use langley_protocol::transcript::TranscriptFormat;
use memchr::memmem;

use super::mode::ExtractMode;
use super::run::{ExtractQuery, Extracted, Out};
use super::teller::{Teller, Told};
use crate::import::{LINE_MAX, Lines, RawLine};
use crate::transcripts::TranscriptFile;

/// Bytes read at a time.
const PORTION: u64 = 64 << 10;

/// A record's time and place; in the order of the members.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    at: Option<Micros>,
    /// Its number among the files.
    file: usize,
    /// Where its line begins.
    offset: u64,
    /// Its place among those of the line.
    nth: usize,
}

/// Tells the latest records of one mode, the earliest of them first.
pub(super) fn tell(
    files: &[TranscriptFile],
    query: &ExtractQuery,
    redactor: &Redactor,
    (told, out): (&mut Extracted, Out<'_>),
) -> io::Result<()> {
    let (Some(most), Some(mode)) = (query.latest, query.modes.first().copied()) else {
        return Ok(());
    };
    let mut newest: Vec<_> = files.iter().filter(|it| mode.absent(it.format).is_none()).collect();
    newest.sort_by_key(|file| Reverse(file.modified_ns));
    // The latest so far, the earliest first.
    let mut found: BTreeSet<Spot> = BTreeSet::new();
    for (number, file) in newest.iter().enumerate() {
        let bound = |found: &BTreeSet<Spot>| {
            let full = found.len() >= most;
            full.then(|| found.first().and_then(|spot| spot.at)).flatten()
        };
        let changed = Micros(file.modified_ns / 1000);
        if query.since.max(bound(&found)).is_some_and(|bound| changed < bound) {
            break;
        }
        let read = backwards(file, (mode, query, redactor), told, &mut |lines| {
            for (nth, line) in lines.iter().enumerate() {
                found.insert(Spot { at: line.at, file: number, offset: line.offset, nth });
                if found.len() > most {
                    found.pop_first();
                }
            }
            query.since.max(bound(&found))
        });
        if let Err(error) = read {
            told.refused.push((file.path.clone(), error));
        }
    }
    let mut of_files: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for spot in &found {
        of_files.entry(spot.file).or_default().push(spot.offset);
    }
    let mut records: BTreeMap<(usize, u64), Vec<Option<Told>>> = BTreeMap::new();
    for (number, mut offsets) in of_files {
        offsets.sort_unstable();
        offsets.dedup();
        for (offset, lines) in placed(newest[number], &offsets, (query, redactor))? {
            records.insert((number, offset), lines.into_iter().map(Some).collect());
        }
    }
    for Spot { file, offset, nth, .. } in found {
        let lines = records.get_mut(&(file, offset));
        if let Some(line) = lines.and_then(|lines| lines.get_mut(nth)?.take()) {
            told.records += 1;
            out(mode, &line.line)?;
        }
    }
    Ok(())
}

/// Hands the records of each line to `take`, from the last line on, until a line is earlier than `take` says.
fn backwards(
    file: &TranscriptFile,
    (mode, query, redactor): (ExtractMode, &ExtractQuery, &Redactor),
    told: &mut Extracted,
    take: &mut dyn FnMut(Vec<Told>) -> Option<Micros>,
) -> io::Result<()> {
    let mut teller = Teller::new(file, query, redactor);
    let source = File::open(&file.path)?;
    // The first line names the session of some.
    if let Some(raw) = Lines::new(source.try_clone()?, 0, file.size)?.next()? {
        teller.begin(&raw);
    }
    let mut tail = Tail { source, start: file.size, room: Vec::new(), too_long: 0 };
    let mut bound = take(Vec::new());
    let mut is_last = true;
    while let Some(TailLine { offset, bytes, is_ended }) = tail.next()? {
        let len = bytes.len() as u64;
        let raw = RawLine { offset, len, bytes: &bytes, is_cut: false, is_ended };
        // The last line says whether there can be anything late enough at all.
        if !is_last && !may_tell(mode, file.format, raw.bytes) {
            continue;
        }
        let at = teller.look(&raw);
        is_last = is_last && at.is_none();
        let lines = std::mem::take(&mut teller.out);
        if !lines.is_empty() {
            bound = take(lines);
        }
        if at.zip(bound).is_some_and(|(at, bound)| at < bound) {
            break;
        }
    }
    told.count(&teller.counts);
    told.too_long += tail.too_long;
    Ok(())
}

/// A file's lines from the last one on.
struct Tail {
    source: File,
    /// Where in the file `room` begins; what lies behind the room was told.
    start: u64,
    room: Vec<u8>,
    too_long: u64,
}

impl Tail {
    fn next(&mut self) -> io::Result<Option<TailLine>> {
        let mut is_too_long = false;
        let from = loop {
            let end = self.room.len();
            // The feed at the end is the line's own.
            let within = end - usize::from(self.room.last() == Some(&b'\n'));
            if let Some(feed) = memchr::memrchr(b'\n', &self.room[..within]) {
                if !is_too_long {
                    break feed + 1;
                }
                self.room.truncate(feed + 1);
                is_too_long = false;
                continue;
            }
            if self.start == 0 {
                break if is_too_long { end } else { 0 };
            }
            if end > LINE_MAX {
                self.room.clear();
                self.too_long += u64::from(!is_too_long);
                is_too_long = true;
            }
            // Of a long line more is read at once, so that it is not moved often.
            let more = PORTION.max(self.room.len() as u64).min(self.start);
            let mut larger = vec![0; usize::try_from(more).unwrap_or(0)];
            self.source.read_exact_at(&mut larger, self.start - more)?;
            larger.append(&mut self.room);
            (self.room, self.start) = (larger, self.start - more);
        };
        let mut bytes = self.room.split_off(from);
        let is_ended = bytes.last() == Some(&b'\n');
        if bytes.is_empty() {
            return Ok(None);
        }
        bytes.truncate(bytes.len() - usize::from(is_ended));
        Ok(Some(TailLine { offset: self.start + from as u64, bytes, is_ended }))
    }
}

struct TailLine {
    offset: u64,
    bytes: Vec<u8>,
    is_ended: bool,
}

/// Reads the lines at some places once more, with what stands before them counted.
fn placed(
    file: &TranscriptFile,
    offsets: &[u64],
    (query, redactor): (&ExtractQuery, &Redactor),
) -> io::Result<BTreeMap<u64, Vec<Told>>> {
    let mut teller = Teller::new(file, query, redactor);
    let mut lines = Lines::new(File::open(&file.path)?, 0, file.size)?;
    let mut told = BTreeMap::new();
    let mut offsets = offsets.iter().peekable();
    while let (Some(offset), Some(raw)) = (offsets.peek(), lines.next()?) {
        if raw.offset == **offset {
            offsets.next();
            teller.read(&raw);
            told.insert(raw.offset, std::mem::take(&mut teller.out));
        } else {
            // Questions make turns, and some lines say of whom the ones behind them are.
            let mode = ExtractMode::UserPrompts;
            let is_needed = may_tell(mode, file.format, raw.bytes)
                || memmem::find(raw.bytes, b"\"turn_context\"").is_some();
            teller.pass_over(&raw, is_needed);
        }
    }
    Ok(told)
}

/// Whether a mode may tell something of a line, by what must stand in it: in a JSON text quotes are escaped, so that
/// these are names or values wherever they stand.
fn may_tell(mode: ExtractMode, format: TranscriptFormat, line: &[u8]) -> bool {
    use ExtractMode as Mode;
    let has = |mark: &str| memmem::find(line, mark.as_bytes()).is_some();
    match (format, mode) {
        (TranscriptFormat::ClaudeCode, Mode::UserPrompts) => {
            has("\"user\"") && !has("\"tool_use_id\"")
        }
        (TranscriptFormat::ClaudeCode, Mode::AssistantTexts) => has("\"assistant\""),
        (TranscriptFormat::ClaudeCode, Mode::Reasoning) => has("thinking\""),
        (TranscriptFormat::Codex, Mode::UserPrompts) => has("\"user\""),
        (TranscriptFormat::Codex, Mode::AssistantTexts) => has("\"assistant\""),
        (TranscriptFormat::Codex, Mode::Reasoning) => has("\"reasoning\""),
        (TranscriptFormat::GeminiCli, Mode::UserPrompts) => has("\"user\""),
        (
            TranscriptFormat::ClaudeCode,
            Mode::ToolCalls
            | Mode::Commands
            | Mode::FileReads
            | Mode::FileChanges
            | Mode::Subagents
            | Mode::McpCalls
            | Mode::Web
            | Mode::Plans,
        ) => has("tool_use\""),
        _ => true,
    }
}
