//! Reads files side by side and tells their records in the order of their paths, with little held at a time.

use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use langley_model::{Micros, Redacted, RedactedBytes, Redactor};
use langley_protocol::transcript::TranscriptFormat;
use langley_store::{Measure, Sums};

use super::latest;
use super::mode::ExtractMode;
use super::queue::{Portion, Queue};
use super::record::{Head, Whose};
use super::records::{Draft, Hand, Records, Told};
use super::teller::{Counts, Teller};
use crate::import::Lines;
use crate::price::{PriceBook, Pricer};
use crate::transcripts::{
    Scanned, Till, TranscriptCache, TranscriptFile, TranscriptQuery, is_of_project, scan,
    transcript_blocks,
};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct ExtractQuery {
    pub(super) modes: Vec<ExtractMode>,
    /// The same, a bit each.
    pub(super) set: u64,
    /// Of each mode so many at most, the latest.
    pub latest: Option<usize>,
    /// Not before then.
    pub since: Option<Micros>,
    /// Before then.
    pub until: Option<Micros>,
    /// Of this session.
    pub session: Option<String>,
    /// Of this folder, or of those that are called so.
    pub project: Option<String>,
    /// Whether `user-idle` tells questions with the end of the work on them.
    pub is_paired: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Extracted {
    /// Records told.
    pub records: u64,
    /// Of these, those that say that an agent's files cannot answer.
    pub absent: u64,
    /// Lines that are no JSON.
    pub unreadable: u64,
    /// Last lines that are being written, and cannot be read yet.
    pub torn: u64,
    /// Lines with bytes that are no UTF-8.
    pub mended: u64,
    /// Lines that are longer than can be held.
    pub too_long: u64,
    /// Files with lines that were left out or have signs in the place of bytes, in the order of their paths.
    pub damaged: Vec<PathBuf>,
    /// Files that could not be read, and why.
    pub refused: Vec<(PathBuf, io::Error)>,
}

/// Where records go, each a line with its end.
pub type ExtractOut<'o> = &'o mut dyn FnMut(ExtractMode, Redacted<&[u8]>) -> io::Result<()>;

/// Tells what files used.
pub type UsageOf<'u> = &'u (dyn Fn() -> Scanned + Sync);

/// Takes a record on its way out.
type Take<'t> = &'t mut dyn FnMut(Told, Redacted<&[u8]>, &mut Extracted) -> io::Result<()>;

impl ExtractQuery {
    /// For these modes, each once.
    #[must_use]
    pub fn new(modes: &[ExtractMode]) -> Self {
        let mut query = Self::default();
        for mode in modes {
            if query.set & mode.bit() == 0 {
                query.set |= mode.bit();
                query.modes.push(*mode);
            }
        }
        query
    }

    fn with(&self, keep: impl Fn(ExtractMode) -> bool) -> Self {
        let modes: Vec<_> = self.modes.iter().copied().filter(|mode| keep(*mode)).collect();
        let set = modes.iter().fold(0, |set, mode| set | mode.bit());
        Self { modes, set, ..self.clone() }
    }

    /// Whether what was told then, of this session in this folder, is asked for.
    pub(super) fn takes(
        &self,
        at: Option<Micros>,
        (session, folder): (Option<&str>, Option<&str>),
    ) -> bool {
        let is_in_time = self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| at.is_some_and(|at| at < until));
        let is_of_session = self.session.as_deref().is_none_or(|asked| session == Some(asked));
        let is_of_project = self
            .project
            .as_deref()
            .is_none_or(|asked| folder.is_some_and(|folder| is_of_project(folder, asked)));
        is_in_time && is_of_session && is_of_project
    }
}

impl Extracted {
    pub(super) fn count(&mut self, path: &Path, counts: &Counts) {
        if counts.unreadable + counts.too_long + counts.mended > 0 {
            self.damaged.push(path.to_owned());
        }
        self.unreadable += counts.unreadable;
        self.torn += counts.torn;
        self.mended += counts.mended;
        self.too_long += counts.too_long;
    }

    /// Takes in what was read of the same files once more: what is wrong with a line counts once.
    fn see(&mut self, other: Self) {
        self.records += other.records;
        self.absent += other.absent;
        self.unreadable = self.unreadable.max(other.unreadable);
        self.torn = self.torn.max(other.torn);
        self.mended = self.mended.max(other.mended);
        self.too_long = self.too_long.max(other.too_long);
        let is_new =
            |(path, _): &(PathBuf, io::Error)| !self.refused.iter().any(|it| it.0 == *path);
        let new: Vec<_> = other.refused.into_iter().filter(is_new).collect();
        self.refused.extend(new);
        self.damaged.extend(other.damaged);
        self.damaged.sort();
        self.damaged.dedup();
    }

    /// Takes in what was read elsewhere.
    pub(super) fn add(&mut self, other: &mut Self) {
        self.records += other.records;
        self.absent += other.absent;
        self.unreadable += other.unreadable;
        self.torn += other.torn;
        self.mended += other.mended;
        self.too_long += other.too_long;
        self.damaged.append(&mut other.damaged);
        self.refused.append(&mut other.refused);
    }
}

/// Tells what `files` answer, read on `threads` threads, priced by `book`. What they used, which `blocks` tells, is
/// asked of `usage` beside that, and is read once more where there is none.
///
/// # Errors
/// `out` fails; a file that cannot be read is named in what is answered.
pub fn extract(
    (files, usage): (&[TranscriptFile], Option<UsageOf<'_>>),
    query: &ExtractQuery,
    (book, redactor): (&Arc<PriceBook>, &Redactor),
    threads: usize,
    out: ExtractOut<'_>,
) -> io::Result<Extracted> {
    let mut told = Extracted::default();
    for mode in &query.modes {
        for format in TranscriptFormat::ALL {
            if let Some(reason) = absence(*mode, format, query)
                && files.iter().any(|file| file.format == format)
            {
                let whose = Whose { agent: format.agent(), ..Whose::default() };
                let mut draft = Draft::default();
                let said = Told { mode: *mode, at: None, offset: 0, response: None };
                draft.put(said, &Head::of(whose, None), |record| {
                    record.flag("available", Some(false));
                    record.text("reason", Some(reason));
                });
                for (_, line) in draft.take(redactor).iter() {
                    out(*mode, line)?;
                }
                told.records += 1;
                told.absent += 1;
            }
        }
    }
    let from_the_end = |mode: ExtractMode| query.latest.is_some() && mode.is_of_one_line();
    let mut seen = Extracted::default();
    for mode in query.modes.iter().copied().filter(|mode| from_the_end(*mode)) {
        let query = query.with(|it| it == mode);
        let mut read = Extracted::default();
        latest::tell(files, (&query, redactor), threads, (&mut read, out))?;
        seen.see(read);
    }
    let forward = query.with(|mode| !from_the_end(mode) && mode != ExtractMode::Blocks);
    // Nothing of a file is younger than its last change.
    let young: Vec<_> = files
        .iter()
        .filter(|file| query.since.is_none_or(|Micros(since)| file.modified_ns / 1000 >= since))
        .filter(|file| forward.modes.iter().any(|mode| mode.absent(file.format).is_none()))
        .collect();
    let mut kept = Kept { most: query.latest, ..Kept::default() };
    let of = (book, redactor);
    let usage = || match usage {
        Some(usage) => usage(),
        None => scan(files, TranscriptCache::default(), of, threads),
    };
    let is_of_blocks = query.set & ExtractMode::Blocks.bit() != 0 && query.project.is_none();
    std::thread::scope(|scope| {
        // They are added up while files are read.
        let blocks =
            is_of_blocks.then(|| scope.spawn(|| blocks(files, usage(), (query, redactor))));
        if !young.is_empty() {
            side_by_side(&young, &forward, of, threads, &mut told, &mut |said, line, told| {
                kept.take(said, line, told, out)
            })?;
        }
        let Some(blocks) = blocks else { return Ok(()) };
        let blocks = blocks.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        for (said, line) in blocks.iter() {
            kept.take(said, line, &mut told, out)?;
        }
        Ok::<_, io::Error>(())
    })?;
    kept.close(&mut told, out)?;
    seen.see(told);
    Ok(seen)
}

/// Why an agent's files do not answer.
fn absence(
    mode: ExtractMode,
    format: TranscriptFormat,
    query: &ExtractQuery,
) -> Option<&'static str> {
    let whole = "blocks are of all that was used, not of one project: ask without --project";
    let is_whole = mode == ExtractMode::Blocks && query.project.is_some();
    mode.absent(format).or_else(|| is_whole.then_some(whole))
}

/// What passes on its way out: a response once, and of each mode the latest where these are asked for.
#[derive(Default)]
struct Kept {
    most: Option<usize>,
    /// By which modes a response was told.
    responses: HashMap<u64, u64, foldhash::fast::FixedState>,
    /// The response that was told last, and by which modes.
    last: (u64, u64),
    /// The latest, the earliest of them on top.
    heaps: HashMap<ExtractMode, BinaryHeap<Late>>,
    count: u64,
}

/// A record in the reverse order of time.
struct Late {
    /// When it was told, and as which of all.
    key: (Option<Micros>, u64),
    line: RedactedBytes,
}

impl PartialEq for Late {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Late {}

impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Late {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.key.cmp(&self.key)
    }
}

impl Kept {
    fn take(
        &mut self,
        said: Told,
        line: Redacted<&[u8]>,
        told: &mut Extracted,
        out: ExtractOut<'_>,
    ) -> io::Result<()> {
        let mode = said.mode;
        if said.response.is_some_and(|response| !self.is_first(response, mode)) {
            return Ok(());
        }
        let Some(most) = self.most else {
            told.records += 1;
            return out(mode, line);
        };
        let heap = self.heaps.entry(mode).or_default();
        self.count += 1;
        let mut kept = RedactedBytes::with_capacity(line.len());
        kept.push(&line);
        heap.push(Late { key: (said.at, self.count), line: kept });
        if heap.len() > most {
            heap.pop();
        }
        Ok(())
    }

    /// Whether this mode tells a response for the first time.
    fn is_first(&mut self, response: u64, mode: ExtractMode) -> bool {
        // Those of one response stand beside each other.
        if self.last.0 != response {
            let (last, modes) = std::mem::replace(&mut self.last, (response, 0));
            self.responses.insert(last, modes);
            self.last.1 = self.responses.get(&response).copied().unwrap_or(0);
        }
        let is_first = self.last.1 & mode.bit() == 0;
        self.last.1 |= mode.bit();
        is_first
    }

    fn close(self, told: &mut Extracted, out: ExtractOut<'_>) -> io::Result<()> {
        let mut heaps: Vec<_> = self.heaps.into_iter().collect();
        heaps.sort_by_key(|(mode, _)| *mode);
        for (mode, heap) in heaps {
            // The earliest is the greatest here.
            for Late { line, .. } in heap.into_sorted_vec().into_iter().rev() {
                told.records += 1;
                out(mode, line.whole())?;
            }
        }
        Ok(())
    }
}

fn side_by_side(
    files: &[&TranscriptFile],
    query: &ExtractQuery,
    (book, redactor): (&Arc<PriceBook>, &Redactor),
    threads: usize,
    told: &mut Extracted,
    take: Take<'_>,
) -> io::Result<()> {
    let queue = Queue::default();
    let next = AtomicUsize::new(0);
    let work = || {
        // Whoever waits for the rest would wait for ever if this ended in a panic.
        let _over = queue.over_when_panicking();
        let mut till = Till::new(Pricer::new(Arc::clone(book)));
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(place) else { break };
            let done = read(file, (query, redactor), &mut till, &mut |records| {
                queue.put(place, Portion::Records(records))
            });
            if !queue.put(place, Portion::End(done)) {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, files.len()) {
            scope.spawn(work);
        }
        // Whoever still reads finds that nobody listens.
        let _over = queue.over();
        for (place, file) in files.iter().enumerate() {
            drain(file, || queue.next_of(place), told, take)?;
        }
        Ok(())
    })
}

fn drain(
    file: &TranscriptFile,
    mut next: impl FnMut() -> Option<Portion>,
    told: &mut Extracted,
    take: Take<'_>,
) -> io::Result<()> {
    loop {
        match next() {
            Some(Portion::Records(records)) => {
                for (said, line) in records.iter() {
                    take(said, line, told)?;
                }
            }
            Some(Portion::End(Ok(counts))) => break told.count(&file.path, &counts),
            Some(Portion::End(Err(error))) => {
                break told.refused.push((file.path.clone(), error));
            }
            None => break,
        }
    }
    Ok(())
}

/// Reads a file; `hand` says whether anybody still listens.
fn read(
    file: &TranscriptFile,
    (query, redactor): (&ExtractQuery, &Redactor),
    till: &mut Till,
    hand: Hand<'_>,
) -> io::Result<Counts> {
    let mut lines = Lines::new(File::open(&file.path)?, 0, file.size)?;
    let mut teller = Teller::new(file, query, redactor);
    while let Some(raw) = lines.next()? {
        teller.read(&raw);
        if !teller.desk.hand(hand) {
            return Ok(teller.counts);
        }
    }
    teller.finish(till, hand);
    // Of a small file it is all, and may wait long.
    hand(teller.desk.take_small());
    Ok(teller.counts)
}

fn blocks(
    files: &[TranscriptFile],
    mut usage: Scanned,
    (query, redactor): (&ExtractQuery, &Redactor),
) -> Records {
    let mode = ExtractMode::Blocks;
    let mut draft = Draft::default();
    for format in TranscriptFormat::ALL {
        let scanned = usage.take_of(format);
        if files.iter().all(|file| file.format != format) {
            continue;
        }
        for provider in scanned.providers() {
            let asked = TranscriptQuery {
                since: query.since,
                until: query.until,
                session: query.session.clone(),
                provider: Some(provider),
                ..TranscriptQuery::default()
            };
            for block in transcript_blocks(&scanned, &asked, Micros::now()).blocks {
                let at = Some(block.start);
                let whose = Whose {
                    agent: format.agent(),
                    session: query.session.as_deref(),
                    at,
                    ..Whose::default()
                };
                let known = |measure| Sums::figure(&block.sums, measure).known();
                let told = Told { mode, at, offset: 0, response: None };
                draft.put(told, &Head::of(whose, None), |record| {
                    record.text("provider", Some(provider.as_str()));
                    record.time("started", at);
                    record.time("ended", Some(block.end));
                    record.flag("goes_on", Some(block.pace.is_some()));
                    record.number("input", known(Measure::InputUncached));
                    record.number("cache_read", known(Measure::CacheRead));
                    record.number("output", known(Measure::Output));
                    record.number("cost_micro_usd", known(Measure::Cost));
                });
            }
        }
    }
    draft.take(redactor)
}
