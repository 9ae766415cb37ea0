//! Reads many files side by side, from where an earlier reading left them.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use langley_model::{
    ConnectionId, CostShares, DialectName, ExactCost, Flow, FlowId, MicroUsd, Micros, Outcome,
    Provider, Redactor, ToldResponse, Usage,
};
use langley_protocol::transcript::{LinesRead, TranscriptFormat, UsageLine, UsageReader};
use serde::{Deserialize, Serialize};

use super::cache::TranscriptCache;
use super::digest::{digest_64, digest_128};
use super::file::{self, LongLine, PORTION};
use super::names::{Name, Names};
use super::roots::{TranscriptFile, named_session};
use super::spent::Spent;
use crate::price::{DayTerms, PriceBook, Pricer, Quote, day_of};

/// Where the records of responses are, of the file that is read.
type Places = HashMap<u128, usize, foldhash::fast::FixedState>;

/// Bytes of a file's beginning, and before the place where it was left, by which it is known again.
pub(crate) const PROBE: u64 = 4096;

/// Seed of the digest of a probe. It is part of the cache's format.
const SEED: u64 = 0x7072_6f62_6531;

/// What some files told.
#[derive(Debug, Default)]
pub struct Scanned {
    /// In the order of their paths.
    pub(super) files: Vec<FileSpent>,
    /// Files that could not be read, and why.
    pub refused: Vec<(PathBuf, io::Error)>,
    /// Bytes that were read, and not known from before.
    pub bytes_read: u64,
    /// Whether anything is not as it was at the last reading.
    pub is_news: bool,
}

/// What one file told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileSpent {
    /// Where it lies; the cache has a digest of it in `mark`, for names of folders may hold anything.
    #[serde(skip)]
    pub(super) path: PathBuf,
    pub(super) mark: FileMark,
    /// What is known of its bytes up to here.
    pub(super) end: u64,
    /// Digests of its beginning, and of the bytes before `end`.
    pub(super) probes: [u64; 2],
    pub(super) reader: UsageReader,
    pub(super) lines: LinesRead,
    pub(super) names: Names,
    pub(super) spent: Vec<Spent>,
    /// Of a last line without an end, which may be written on.
    pub(super) unfinished: Vec<Spent>,
}

/// By what a file is known to be as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileMark {
    pub(super) format: TranscriptFormat,
    pub(super) path: u128,
    inode: (u64, u64),
    size: u64,
    modified_ns: i64,
}

impl FileMark {
    fn of(file: &TranscriptFile) -> Self {
        let TranscriptFile { format, size, inode, modified_ns, .. } = *file;
        let path = digest_128(&[file.path.as_os_str().as_bytes()]);
        Self { format, path, inode, size, modified_ns }
    }
}

impl Scanned {
    /// Files that were read.
    #[must_use]
    pub const fn files(&self) -> usize {
        self.files.len()
    }

    /// Takes out what the files of a format told.
    pub(crate) fn take_of(&mut self, format: TranscriptFormat) -> Self {
        let files = self.files.extract_if(.., |file| file.mark.format == format).collect();
        Self { files, ..Self::default() }
    }

    /// Who served what was read, in the order of [`Provider::ALL`].
    pub fn providers(&self) -> impl Iterator<Item = Provider> {
        let met: HashSet<Provider> =
            self.files.iter().flat_map(FileSpent::records).map(Spent::provider).collect();
        Provider::ALL.into_iter().filter(move |provider| met.contains(provider))
    }

    /// Files with lines that should have told usage and could not be read.
    pub fn damaged(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter(|file| file.lines.unreadable > 0).map(|file| &*file.path)
    }

    /// Lines with usage, and lines that should have told it and could not be read.
    #[must_use]
    pub fn lines(&self) -> LinesRead {
        self.files.iter().fold(LinesRead::default(), |sum, file| LinesRead {
            telling: sum.telling + file.lines.telling,
            unreadable: sum.unreadable + file.lines.unreadable,
        })
    }
}

/// Reads files on `threads` threads and prices what they tell by `book`; what `known` tells of them is not read again.
#[must_use]
pub fn scan(
    files: &[TranscriptFile],
    known: TranscriptCache,
    (book, redactor): (&Arc<PriceBook>, &Redactor),
    threads: usize,
) -> Scanned {
    let mut known = known.by_path(book);
    let mut scanned = Scanned::default();
    let mut to_read = Vec::new();
    for file in files {
        let mark = FileMark::of(file);
        match known.remove(&mark.path) {
            Some(before) if before.mark == mark => {
                scanned.files.push(FileSpent { path: file.path.clone(), ..before });
            }
            before => to_read.push((file, before)),
        }
    }
    // Files that are gone, too.
    scanned.is_news = !to_read.is_empty() || !known.is_empty();
    // The largest first: nobody waits for one thread at the end.
    to_read.sort_by_key(|(file, _)| std::cmp::Reverse(file.size));
    let to_read: Vec<_> =
        to_read.into_iter().map(|(file, before)| (file, parking_lot::Mutex::new(before))).collect();
    let long = LongLine::default();
    let tools = || (Till::new(Pricer::new(Arc::clone(book))), vec![0; PORTION], Places::default());
    let done = side_by_side(threads.min(to_read.len()), tools, |(till, portion, places), place| {
        let (file, before) = to_read.get(place)?;
        let before = before.lock().take();
        let read = FileSpent::read(file, before, (till, redactor), (portion, &long, places));
        Some(read.map_err(|error| (file.path.clone(), error)))
    });
    for read in done {
        match read {
            Ok((file, bytes)) => {
                scanned.bytes_read += bytes;
                scanned.files.push(file);
            }
            Err(refused) => scanned.refused.push(refused),
        }
    }
    scanned.files.sort_by(|one, other| one.path.cmp(&other.path));
    scanned
}

/// What `work` makes of each place from 0 until it makes nothing, on `threads` threads, each with its own `tools`.
/// Which comes first is not said.
pub(crate) fn side_by_side<Tools, Made: Send>(
    threads: usize,
    tools: impl Fn() -> Tools + Sync,
    work: impl Fn(&mut Tools, usize) -> Option<Made> + Sync,
) -> Vec<Made> {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut tools, mut done) = (tools(), Vec::new());
        while let Some(made) = work(&mut tools, next.fetch_add(1, Ordering::Relaxed)) {
            done.push(made);
        }
        done
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}

impl FileSpent {
    /// Reads `file`, from where `before` ended if it is the same and was only written on; and how many bytes that were.
    fn read(
        file: &TranscriptFile,
        before: Option<Self>,
        (till, redactor): (&mut Till, &Redactor),
        (portion, long, places): (&mut [u8], &LongLine, &mut Places),
    ) -> io::Result<(Self, u64)> {
        let before = before.filter(|it| it.mark.format == file.format && file.size >= it.end);
        let mut it = match before {
            Some(before) if before.probes == probes(&File::open(&file.path)?, before.end)? => {
                before
            }
            _ => Self::new(file),
        };
        it.path = file.path.clone();
        it.mark = FileMark::of(file);
        let start = it.end;
        it.unfinished.clear();
        let session = named_session(&file.path, file.format);
        let known = it.spent.iter().enumerate().filter(|(_, spent)| spent.response() != 0);
        places.clear();
        places.extend(known.map(|(place, spent)| (spent.response(), place)));
        let mut reader = it.reader.clone();
        let mut beyond = 0;
        let told = file::read(
            &file.path,
            (it.end, file.size),
            &mut reader,
            (portion, long),
            &mut |line, is_whole| {
                let Some(spent) = Spent::of(&line, (&mut it.names, redactor), session.as_deref())
                else {
                    beyond += 1;
                    return;
                };
                if !is_whole {
                    it.unfinished.push(spent);
                    return;
                }
                let is_last =
                    |last: &Spent| last.response() == spent.response() && spent.response() != 0;
                if let Some(last) = it.spent.last_mut().filter(|last| is_last(last)) {
                    last.grow(&spent);
                    return;
                }
                if spent.response() != 0 {
                    let place = *places.entry(spent.response()).or_insert(it.spent.len());
                    if let Some(known) = it.spent.get_mut(place) {
                        known.grow(&spent);
                        return;
                    }
                }
                it.spent.push(spent);
            },
        )?;
        // What it remembers of the lines is kept, and told with the next ones.
        reader.names_mut().for_each(|name| redactor.scrub_text(name));
        it.reader = reader;
        it.end = told.end;
        it.lines.telling += told.lines.telling;
        it.lines.unreadable += told.lines.unreadable + beyond;
        it.names.close();
        it.price(till);
        it.spent.shrink_to_fit();
        it.probes = probes(&File::open(&file.path)?, it.end)?;
        Ok((it, file.size - start))
    }

    fn new(file: &TranscriptFile) -> Self {
        Self {
            path: PathBuf::new(),
            mark: FileMark::of(file),
            end: 0,
            probes: [0; 2],
            reader: UsageReader::new(file.format),
            lines: LinesRead::default(),
            names: Names::default(),
            spent: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    /// All that it told.
    pub(super) fn records(&self) -> impl Iterator<Item = &Spent> {
        self.spent.iter().chain(&self.unfinished)
    }

    /// Prices all anew.
    pub(super) fn price(&mut self, till: &mut Till) {
        for spent in self.spent.iter_mut().chain(&mut self.unfinished) {
            till.price(spent, (&self.names, &self.mark));
        }
    }
}

/// Prices responses by a book.
#[derive(Debug)]
pub(crate) struct Till {
    pricer: Pricer,
    /// What a pricer looks at; only what a transcript tells of it changes.
    flow: Flow,
    /// The prices of the last response, which are most likely those of the next.
    last: Option<(Kind, Option<Tariff>)>,
}

/// What the price of a response depends on beside what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    /// The file whose names these are.
    file: u128,
    provider: Provider,
    model: Name,
    tier: Name,
    day: i64,
}

/// The prices of a kind of responses, and in which sense their numbers are.
#[derive(Debug)]
struct Tariff {
    terms: DayTerms,
    dialect: Option<DialectName>,
    is_reasoning_apart: bool,
}

impl Till {
    pub(crate) fn new(pricer: Pricer) -> Self {
        let mut flow =
            Flow::new(FlowId::from_bytes([0; 16]), ConnectionId::from_bytes([0; 16]), Micros(0));
        flow.outcome = Some(Outcome::Completed);
        Self { pricer, flow, last: None }
    }

    fn price(&mut self, spent: &mut Spent, of: (&Names, &FileMark)) {
        spent.set_cost(self.exact(spent, of).map(|cost| cost.rounded()));
    }

    /// What a response costs that a line tells of; none where its price is not known, or its day.
    pub(crate) fn cost(
        &mut self,
        line: &UsageLine<'_>,
        format: TranscriptFormat,
    ) -> Option<MicroUsd> {
        let tier = Some(line.tier.as_str()).filter(|tier| !tier.is_empty());
        self.show(format, line.model.as_deref(), tier);
        self.ask(line.at?, line.provider, line.usage).map(|quote| quote.cost)
    }

    /// What a response costs that was kept; none where its price is not known, or who served it.
    pub(crate) fn cost_of_kept(&mut self, agent: &str, told: &ToldResponse) -> Option<MicroUsd> {
        self.show(TranscriptFormat::of_agent(agent)?, told.model.as_deref(), told.tier.as_deref());
        self.ask(told.at?, told.provider?, told.usage).map(|quote| quote.cost)
    }

    /// What a response costs; none where its price is not known, or its day: prices are those of a day.
    fn exact(&mut self, spent: &Spent, (names, mark): (&Names, &FileMark)) -> Option<ExactCost> {
        let (at, usage) = (spent.at()?, spent.usage());
        let (provider, model, tier) = (spent.provider(), spent.model, spent.tier);
        let kind = Kind { file: mark.path, provider, model, tier, day: day_of(at) };
        if self.last.as_ref().is_none_or(|(last, _)| *last != kind) {
            self.show(mark.format, names.name(model), names.name(tier));
            (self.flow.started_at, self.flow.provider) = (at, Some(provider));
            let (dialect, is_reasoning_apart) =
                (self.flow.dialect(), self.flow.is_reasoning_apart());
            let terms = self.pricer.of_day(&self.flow);
            let tariff = terms.map(|terms| Tariff { terms, dialect, is_reasoning_apart });
            self.last = Some((kind, tariff));
        }
        if usage.is_empty() {
            return None;
        }
        let Some((_, Some(tariff))) = &self.last else {
            // Of another price at each hour, or of none.
            self.show(mark.format, names.name(model), names.name(tier));
            return self.ask(at, provider, usage).map(|quote| quote.exact);
        };
        tariff.terms.cost(&usage.billed(tariff.dialect, tariff.is_reasoning_apart))
    }

    /// Makes the flow look like one of the agent's, to this model.
    fn show(&mut self, format: TranscriptFormat, model: Option<&str>, tier: Option<&str>) {
        let flow = &mut self.flow;
        if flow.path != format.path() {
            format.path().clone_into(&mut flow.path);
        }
        if flow.model.as_deref() != model {
            flow.model = model.map(str::to_owned);
        }
        if flow.service_tier.as_deref() != tier {
            flow.service_tier = tier.map(str::to_owned);
        }
    }

    fn ask(&mut self, at: Micros, provider: Provider, usage: Usage) -> Option<Quote> {
        (self.flow.started_at, self.flow.provider, self.flow.usage) = (at, Some(provider), usage);
        self.pricer.quote(&self.flow)
    }

    /// What each class of usage costs of a response; none where its price is not known.
    pub(super) fn shares(&mut self, spent: &Spent, file: &FileSpent) -> Option<CostShares> {
        self.exact(spent, (&file.names, &file.mark)).map(|cost| cost.shares())
    }
}

/// Digests of a file's beginning, and of what stands before `end`.
pub(crate) fn probes(file: &File, end: u64) -> io::Result<[u64; 2]> {
    let digest = |from: u64, to: u64| {
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0)];
        file.read_exact_at(&mut bytes, from)?;
        Ok::<_, io::Error>(digest_64(SEED, &bytes))
    };
    Ok([digest(0, end.min(PROBE))?, digest(end.saturating_sub(PROBE), end)?])
}

#[cfg(test)]
mod tests {
    use langley_model::{RedactorOptions, Tokens};

    use super::*;

    /// A till that remembers the prices of the last response costs each as one that looks them up.
    #[test]
    fn a_response_costs_the_same_after_any_other() {
        let pricer = Pricer::new(PriceBook::vendored());
        let (mut till, mut names) = (Till::new(pricer), Names::default());
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let format = TranscriptFormat::ClaudeCode;
        let mark = FileMark { format, path: 7, inode: (0, 0), size: 0, modified_ns: 0 };
        let hour = |day: i64, hour: i64| Micros((day * 24 + hour) * 3_600_000_000);
        let mut costs = HashSet::new();
        for (provider, model) in [
            (Provider::Anthropic, "claude-sonnet-4-5-20250929"),
            (Provider::Anthropic, "claude-opus-4-1-20250805"),
            (Provider::Bedrock, "anthropic.claude-sonnet-4-5-20250929-v1:0"),
            (Provider::Gemini, "gemini-2.5-pro"),
            (Provider::DeepSeek, "deepseek-v4-pro"),
            (Provider::Anthropic, "nobody-knows"),
        ] {
            for at in [hour(20_300, 3), hour(20_690, 3), hour(20_690, 20), hour(20_691, 3)] {
                for (tier, input) in
                    [("", 1_000), ("", 300_000), ("priority", 1_000), ("us", 199_999), ("", 0)]
                {
                    let usage = Usage {
                        input: (input > 0).then_some(Tokens(input)),
                        output: (input > 0).then_some(Tokens(1_001)),
                        reasoning: (input > 0).then_some(Tokens(77)),
                        ..Usage::default()
                    };
                    let line = UsageLine {
                        at: Some(at),
                        session: None,
                        agent_id: None,
                        folder: None,
                        message_id: None,
                        request_id: None,
                        provider,
                        model: Some(model.into()),
                        usage,
                        tier: tier.to_owned(),
                    };
                    let spent = Spent::of(&line, (&mut names, &redactor), None).unwrap();
                    let cost = till.exact(&spent, (&names, &mark)).map(|cost| cost.rounded());
                    let looked_up =
                        Till::new(Pricer::new(PriceBook::vendored())).cost(&line, format);
                    assert_eq!(cost, looked_up, "{model} {at:?} {tier} {input}");
                    costs.insert(cost);
                }
            }
        }
        assert!(costs.contains(&None) && costs.len() > 10, "{costs:?}");
    }
}
