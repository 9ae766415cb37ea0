//! The latest of a mode that a line tells by itself: the newest files first, each from its end.
//!
//! A file is read backwards in portions until it cannot have a later record than those that were found. Which line of
//! its file one is, and of which turn, is counted then, for the files of the few that are told.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use langley_model::{Micros, Redactor};
use langley_protocol::transcript::TranscriptFormat;
use parking_lot::Mutex;

use super::marks::Prompts;
use super::records::{Records, Told};
use super::run::{ExtractOut, ExtractQuery, Extracted};
use super::tail::{Tail, TailLine};
use super::teller::Teller;
use crate::import::{Lines, RawLine};
use crate::transcripts::{TranscriptFile, side_by_side};

/// By how much a line may be earlier than one that stands before it, in microseconds: what runs side by side is
/// written as it comes, and what was begun first ends last at times.
const DISORDER_US: i64 = 10 * 60 * 1_000_000;

/// Bytes of lines that may be passed over before one is asked for its time.
const UNDATED: usize = 256 << 10;

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

/// The latest so far.
struct Latest {
    most: usize,
    since: Option<Micros>,
    /// The earliest first.
    found: BTreeSet<Spot>,
}

impl Latest {
    fn take(&mut self, file: usize, told: &[Told]) {
        for (nth, line) in told.iter().enumerate() {
            self.found.insert(Spot { at: line.at, file, offset: line.offset, nth });
            if self.found.len() > self.most {
                self.found.pop_first();
            }
        }
    }

    /// Before then nothing is told.
    fn bound(&self) -> Option<Micros> {
        let is_full = self.found.len() >= self.most;
        self.since.max(self.found.first().filter(|_| is_full).and_then(|spot| spot.at))
    }
}

/// What is asked, of one mode, and what makes it fit to be told.
type Asked<'a> = (&'a ExtractQuery, &'a Redactor);

/// Tells the latest records of one mode, the earliest of them first.
pub(super) fn tell(
    files: &[TranscriptFile],
    asked @ (query, _): Asked<'_>,
    threads: usize,
    (told, out): (&mut Extracted, ExtractOut<'_>),
) -> io::Result<()> {
    let (Some(most), Some(mode)) = (query.latest, query.modes.first().copied()) else {
        return Ok(());
    };
    let mut newest: Vec<_> =
        files.iter().enumerate().filter(|(_, it)| mode.absent(it.format).is_none()).collect();
    newest.sort_by_key(|(_, file)| Reverse(file.modified_ns));
    let latest = Mutex::new(Latest { most, since: query.since, found: BTreeSet::new() });
    let next = AtomicUsize::new(0);
    let read = side_by_side(
        threads.min(newest.len()),
        || (),
        |(), _| {
            let (number, file) = *newest.get(next.fetch_add(1, Ordering::Relaxed))?;
            // Nothing of a file is younger than its last change.
            let changed = Micros(file.modified_ns / 1000);
            if latest.lock().bound().is_some_and(|bound| changed < bound) {
                return None;
            }
            let mut told = Extracted::default();
            let mut take = |lines: &[Told]| {
                let mut latest = latest.lock();
                latest.take(number, lines);
                latest.bound()
            };
            if let Err(error) = look_through(file, asked, &mut told, &mut take) {
                told.refused.push((file.path.clone(), error));
            }
            Some(told)
        },
    );
    for mut read in read {
        told.add(&mut read);
    }
    told.refused.sort_by(|(one, _), (other, _)| one.cmp(other));
    let found = latest.into_inner().found;
    let mut of_files: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for spot in &found {
        of_files.entry(spot.file).or_default().push(spot.offset);
    }
    let mut records: BTreeMap<usize, Records> = BTreeMap::new();
    for (number, mut offsets) in of_files {
        offsets.sort_unstable();
        offsets.dedup();
        records.insert(number, placed(&files[number], &offsets, asked)?);
    }
    for Spot { file, offset, nth, .. } in found {
        let of_file = records.get(&file);
        if let Some(line) = of_file.and_then(|records| records.of_line(offset, nth)) {
            told.records += 1;
            out(mode, line)?;
        }
    }
    Ok(())
}

/// Hands the records of each line to `take`, which answers before when nothing more is wanted.
fn look_through(
    file: &TranscriptFile,
    (query, redactor): Asked<'_>,
    told: &mut Extracted,
    take: &mut dyn FnMut(&[Told]) -> Option<Micros>,
) -> io::Result<()> {
    let source = File::open(&file.path)?;
    let mut teller = Teller::new(file, query, redactor);
    // The first line names the session of some, and by the second it shows whether a copy of another's follows.
    if file.format != TranscriptFormat::ClaudeCode {
        let mut first = Lines::new(source.try_clone()?, 0, file.size)?;
        for _ in 0..2 {
            first.next()?.iter().for_each(|line| teller.begin(line));
        }
    }
    if teller.is_of_one_line() {
        backwards(Tail::new(source, file.size), &mut teller, told, take)?;
    } else {
        teller = Teller::new(file, query, redactor);
        let mut lines = Lines::new(source, 0, file.size)?;
        while let Some(raw) = lines.next()? {
            teller.read(&raw);
            take(teller.desk.draft.told());
            teller.desk.draft.clear();
        }
    }
    told.count(&file.path, &teller.counts);
    Ok(())
}

/// From the last line on, until a line is earlier than `take` says.
fn backwards(
    mut tail: Tail,
    teller: &mut Teller<'_>,
    told: &mut Extracted,
    take: &mut dyn FnMut(&[Told]) -> Option<Micros>,
) -> io::Result<()> {
    let mut bound = take(&[]);
    // The last line says whether there can be anything late enough at all.
    let mut undated = usize::MAX;
    while let Some(TailLine { offset, bytes, is_ended }) = tail.next()? {
        if undated < UNDATED && !teller.may_tell(bytes) {
            undated += bytes.len();
            continue;
        }
        let raw = RawLine { offset, len: bytes.len() as u64, bytes, is_cut: false, is_ended };
        let at = teller.look(&raw);
        if at.is_some() {
            undated = 0;
        }
        let draft = &mut teller.desk.draft;
        if !draft.told().is_empty() {
            bound = take(draft.told());
            draft.clear();
        }
        let is_before = |(at, bound): (Micros, Micros)| at.0 < bound.0.saturating_sub(DISORDER_US);
        if at.zip(bound).is_some_and(is_before) {
            break;
        }
    }
    told.too_long += tail.too_long;
    Ok(())
}

/// Reads the lines at some places once more, with what stands before them counted, and what later ones tell of their
/// calls.
fn placed(
    file: &TranscriptFile,
    offsets: &[u64],
    (query, redactor): Asked<'_>,
) -> io::Result<Records> {
    let mut teller = Teller::new(file, query, redactor);
    let prompts = Prompts::of(file.format);
    // Which of its lines tells something new is known of no line alone.
    let is_whole = file.format == TranscriptFormat::GeminiCli || query.project.is_some();
    let mut lines = Lines::new(File::open(&file.path)?, 0, file.size)?;
    let mut offsets = offsets.iter().peekable();
    while offsets.peek().is_some() || teller.desk.draft.waits() {
        let Some(raw) = lines.next()? else { break };
        if offsets.next_if_eq(&&raw.offset).is_some() {
            teller.read(&raw);
        } else {
            // Questions make turns.
            teller.pass_over(&raw, is_whole || prompts.may_be(raw.bytes));
        }
    }
    Ok(teller.desk.take_small())
}
