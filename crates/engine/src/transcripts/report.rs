//! What transcripts tell of usage and cost, grouped. A response is counted once, however many lines and files have
//! it: an agent that resumes or forks a session copies what was said before into the new session's file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use langley_model::{CostClass, CostShares, MicroUsd, Micros, Provider, Usage};
use langley_protocol::transcript::TranscriptFormat;
use langley_store::{
    CostGroup, CostKey, CostReport, Figure, Measure, Sums, Tally, UnpricedModel, UsageGroup,
};

use super::names::Name;
use super::scan::{FileSpent, Scanned, Till, side_by_side};
use super::spent::Spent;
use crate::blocks::{BlockReport, HOUR_US};
use crate::price::{PriceBook, Pricer};

/// Microseconds of a minute.
const MINUTE_US: i64 = 60_000_000;

/// The most things that costs are told apart by at once.
pub const TRANSCRIPT_BY_MAX: usize = 4;

/// Parts in which files are added up, so that threads end at about the same time.
const PARTS: usize = 16;

/// What a key is where the record does not say.
const UNKNOWN: i64 = -1;

/// By what costs are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptBy {
    /// The hour.
    Hour,
    /// The day, in the zone that was asked for.
    Day,
    /// The agent.
    Agent,
    /// Who served it.
    Provider,
    /// The model that answered.
    Model,
    /// The session.
    Session,
    /// The subagent.
    Subagent,
    /// The folder the agent worked in.
    Project,
}

impl TranscriptBy {
    /// All.
    pub const ALL: [Self; 8] = [
        Self::Hour,
        Self::Day,
        Self::Agent,
        Self::Provider,
        Self::Model,
        Self::Session,
        Self::Subagent,
        Self::Project,
    ];

    /// Its word on the command line and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Agent => "agent",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Session => "session",
            Self::Subagent => "subagent",
            Self::Project => "project",
        }
    }

    /// What [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscriptQuery {
    /// By what costs are told apart, at most four things; by nothing: one group.
    pub by: Vec<TranscriptBy>,
    /// From then on; a response whose time is not known is in no span.
    pub since: Option<Micros>,
    /// Before then.
    pub until: Option<Micros>,
    /// Minutes by which the zone of the days is ahead of UTC.
    pub offset_minutes: i32,
    /// Of this session.
    pub session: Option<String>,
    /// In this folder, or in those that are called so.
    pub project: Option<String>,
    /// Served by this provider.
    pub provider: Option<Provider>,
    /// Of exactly this model.
    pub model: Option<String>,
    /// Of exactly this agent.
    pub agent: Option<String>,
    /// The most groups that are listed.
    pub groups_max: usize,
}

/// What responses add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    responses: u64,
    unpriced: u64,
    cost: Figure,
    /// In the order of [`MEASURES`].
    units: [Figure; MEASURES.len()],
    /// What each class costs.
    shares: [Figure; CostClass::ALL.len()],
}

/// What is summed of a response, in the order of [`figures`].
const MEASURES: [Measure; 9] = [
    Measure::Input,
    Measure::InputUncached,
    Measure::CacheRead,
    Measure::CacheWrite5m,
    Measure::CacheWrite1h,
    Measure::Output,
    Measure::Reasoning,
    Measure::ReasoningApart,
    Measure::WebSearches,
];

fn figures(format: TranscriptFormat, usage: &Usage) -> [Option<u64>; MEASURES.len()] {
    let uncached = usage.input_uncached(Some(format.dialect()));
    let tokens = [
        usage.input,
        uncached,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output,
        usage.reasoning,
        usage.reasoning.filter(|_| format == TranscriptFormat::GeminiCli),
    ];
    let mut figures = [usage.web_search_requests; MEASURES.len()];
    for (figure, tokens) in figures.iter_mut().zip(tokens) {
        *figure = tokens.map(|tokens| tokens.0);
    }
    figures
}

impl Total {
    fn add(&mut self, format: TranscriptFormat, spent: &Spent) {
        let put = |figure: &mut Figure, number: Option<u64>| {
            if let Some(number) = number {
                figure.sum = figure.sum.wrapping_add(number);
                figure.flows += 1;
            }
        };
        let figures = figures(format, &spent.usage());
        for (figure, number) in self.units.iter_mut().zip(figures) {
            put(figure, number);
        }
        let cost = spent.cost().map(|MicroUsd(cost)| cost.cast_unsigned());
        self.responses += 1;
        self.unpriced +=
            u64::from(cost.is_none() && figures.into_iter().flatten().any(|it| it > 0));
        put(&mut self.cost, cost);
    }

    fn share(&mut self, shares: Option<&CostShares>) {
        for (figure, share) in self.shares.iter_mut().zip(shares.into_iter().flatten()) {
            figure.sum = figure.sum.wrapping_add(share.0.cast_unsigned());
            figure.flows += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        let own = [&mut self.cost].into_iter().chain(&mut self.units).chain(&mut self.shares);
        let others = [&other.cost].into_iter().chain(&other.units).chain(&other.shares);
        for (figure, more) in own.zip(others) {
            figure.sum = figure.sum.wrapping_add(more.sum);
            figure.flows += more.flows;
        }
        self.responses += other.responses;
        self.unpriced += other.unpriced;
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        sums.count_more(Tally::Flows, self.responses);
        sums.count_more(Tally::Completed, self.responses);
        sums.count_more(Tally::Unpriced, self.unpriced);
        sums.add_figure(Measure::Cost, self.cost);
        for (measure, figure) in MEASURES.into_iter().zip(self.units) {
            sums.add_figure(measure, figure);
        }
        for (class, figure) in CostClass::ALL.into_iter().zip(self.shares) {
            sums.add_figure(Measure::of_class(class), figure);
        }
        sums
    }
}

/// The names of all files in one numbering, and those of agents and providers.
#[derive(Default)]
struct Catalogue<'a> {
    places: HashMap<&'a str, i64, foldhash::fast::FixedState>,
    names: Vec<&'a str>,
    /// Of each file the numbers of its names.
    of_files: Vec<Vec<i64>>,
}

impl<'a> Catalogue<'a> {
    fn of(files: &'a [FileSpent]) -> Self {
        let mut it = Self::default();
        it.of_files = files
            .iter()
            .map(|file| file.names.iter().map(|name| it.enter(name)).collect())
            .collect();
        TranscriptFormat::ALL.into_iter().for_each(|format| {
            it.enter(format.agent());
        });
        Provider::ALL.into_iter().for_each(|provider| {
            it.enter(provider.as_str());
        });
        it
    }

    fn enter(&mut self, name: &'a str) -> i64 {
        *self.places.entry(name).or_insert_with(|| {
            self.names.push(name);
            i64::try_from(self.names.len() - 1).unwrap_or(UNKNOWN)
        })
    }

    fn number(&self, name: &str) -> i64 {
        self.places.get(name).copied().unwrap_or(UNKNOWN)
    }

    fn name(&self, number: i64) -> Option<&'a str> {
        self.names.get(usize::try_from(number).ok()?).copied()
    }
}

/// Responses that more than one record tells of. Few are, so that most records are told apart by a bit of their
/// digest alone.
struct Doubled<'a> {
    /// A bit for each digest, as far as its first bits say; set where more than one record may have it.
    bits: Vec<u64>,
    /// The record that counts of each of those.
    counted: HashMap<u128, &'a Spent, foldhash::fast::FixedState>,
}

/// Parts of the files whose records are compared with each other first.
const HALVES: usize = 2;

/// Bits for each record: one in as many is looked up although it is alone.
const BITS: usize = 16;

impl<'a> Doubled<'a> {
    /// Of several records the one counts that tells the greatest output, and of equal ones that of the first file.
    fn of(files: &'a [FileSpent], threads: usize) -> Self {
        let told = |files: &'a [FileSpent]| {
            files.iter().flat_map(FileSpent::records).filter(|it| it.response() != 0)
        };
        let most: usize = files.iter().map(|file| file.records().count()).sum();
        let words = (most * BITS / 64).next_power_of_two();
        let halves: Vec<&[FileSpent]> = files.chunks(files.len().div_ceil(HALVES).max(1)).collect();
        let met = side_by_side(
            threads.clamp(1, HALVES),
            || (),
            |(), nth| {
                let (mut met, mut bits) = (vec![0; words], vec![0; words]);
                // Each file's records are gone through in a loop of their own, which one over all of them would not be.
                told(halves.get(nth)?).for_each(|spent| {
                    let (word, bit) = Self::place(words, spent.response());
                    bits[word] |= met[word] & bit;
                    met[word] |= bit;
                });
                Some((met, bits))
            },
        );
        let mut doubled = Self { bits: vec![0; words], counted: HashMap::default() };
        let mut all = vec![0; words];
        for (met, bits) in met {
            for (word, bits) in bits.into_iter().enumerate() {
                doubled.bits[word] |= bits | (met[word] & all[word]);
                all[word] |= met[word];
            }
        }
        let found = side_by_side(
            threads.clamp(1, HALVES),
            || (),
            |(), nth| {
                let of_half = told(halves.get(nth)?).filter(|spent| doubled.is_doubled(spent));
                Some((nth, of_half.collect::<Vec<_>>()))
            },
        );
        let mut found: Vec<_> = found;
        found.sort_by_key(|(nth, _)| *nth);
        for spent in found.into_iter().flat_map(|(_, found)| found) {
            let counted = doubled.counted.entry(spent.response()).or_insert(spent);
            if counted.is_less_than(spent) {
                *counted = spent;
            }
        }
        doubled
    }

    /// The word and the bit of a digest among so many words, of which there is a power of two.
    const fn place(words: usize, response: u128) -> (usize, u64) {
        let digest = response as u64;
        (((digest >> 6) as usize) & (words - 1), 1 << (digest & 63))
    }

    fn is_doubled(&self, spent: &Spent) -> bool {
        let (word, bit) = Self::place(self.bits.len(), spent.response());
        self.bits[word] & bit != 0
    }

    /// Whether it is the record that counts of its response.
    fn counts(&self, spent: &Spent) -> bool {
        spent.response() == 0
            || !self.is_doubled(spent)
            || self.counted.get(&spent.response()).is_none_or(|it| std::ptr::eq(*it, spent))
    }
}

/// Whether a folder is the one that is asked for, lies within it, or is called so.
pub(crate) fn is_of_project(folder: &str, asked: &str) -> bool {
    let folder = Path::new(folder);
    folder.starts_with(asked) || folder.file_name().is_some_and(|name| name == asked)
}

impl TranscriptQuery {
    /// Of what a file told what is asked for.
    fn of_file<'a>(&'a self, file: &'a FileSpent) -> impl Iterator<Item = &'a Spent> {
        let (session, project) = (self.session.as_deref(), self.project.as_deref());
        let model = self.model.as_deref();
        let is_of_agent =
            self.agent.as_deref().is_none_or(|agent| agent == file.mark.format.agent());
        let is_of = |folder: Option<&str>, project: &str| {
            folder.is_some_and(|folder| is_of_project(folder, project))
        };
        file.records().filter(move |spent| {
            let at = spent.at();
            is_of_agent
                && self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
                && self.until.is_none_or(|until| at.is_some_and(|at| at < until))
                && self.provider.is_none_or(|provider| spent.provider() == provider)
                && model.is_none_or(|model| file.names.name(spent.model) == Some(model))
                && session.is_none_or(|session| file.names.name(spent.session) == Some(session))
                && project.is_none_or(|project| is_of(file.names.name(spent.folder), project))
        })
    }

    /// By what a response is told apart, in a catalogue's numbers; `number` says that of a name of its file.
    fn keys(
        &self,
        (file, spent): (&FileSpent, &Spent),
        catalogue: &Catalogue<'_>,
        number: impl Fn(Name) -> i64,
    ) -> [i64; TRANSCRIPT_BY_MAX] {
        let mut keys = [UNKNOWN; TRANSCRIPT_BY_MAX];
        for (key, by) in keys.iter_mut().zip(&self.by) {
            *key = match by {
                TranscriptBy::Hour => spent.at().map_or(i64::MIN, |at| at.0.div_euclid(HOUR_US)),
                TranscriptBy::Day => spent.at().map_or(i64::MIN, |at| {
                    let local = at.0.saturating_add(i64::from(self.offset_minutes) * MINUTE_US);
                    local.div_euclid(24 * HOUR_US)
                }),
                TranscriptBy::Agent => catalogue.number(file.mark.format.agent()),
                TranscriptBy::Provider => catalogue.number(spent.provider().as_str()),
                TranscriptBy::Model => number(spent.model),
                TranscriptBy::Session => number(spent.session),
                TranscriptBy::Subagent => number(spent.agent_id),
                TranscriptBy::Project => number(spent.folder),
            };
        }
        keys
    }
}

/// What the responses of some files add up to.
#[derive(Default)]
struct Groups {
    by_keys: HashMap<[i64; TRANSCRIPT_BY_MAX], Total, foldhash::fast::FixedState>,
    unpriced: HashMap<(Provider, i64), Total>,
}

impl Groups {
    /// Takes in what a file told, its place among all.
    fn add(
        &mut self,
        (place, file): (usize, &FileSpent),
        query: &TranscriptQuery,
        (catalogue, doubled): (&Catalogue<'_>, &Doubled<'_>),
        mut till: Option<&mut Till>,
    ) {
        let of_file = &catalogue.of_files[place];
        let number = |name: Name| {
            name.place().and_then(|place| of_file.get(place).copied()).unwrap_or(UNKNOWN)
        };
        for spent in query.of_file(file).filter(|spent| doubled.counts(spent)) {
            let keys = query.keys((file, spent), catalogue, number);
            let group = self.by_keys.entry(keys).or_default();
            group.add(file.mark.format, spent);
            if let Some(till) = till.as_deref_mut() {
                group.share(till.shares(spent, file).as_ref());
            }
            if spent.cost().is_none() {
                let model = (spent.provider(), number(spent.model));
                self.unpriced.entry(model).or_default().add(file.mark.format, spent);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for (keys, total) in other.by_keys {
            self.by_keys.entry(keys).or_default().merge(&total);
        }
        for (model, total) in other.unpriced {
            self.unpriced.entry(model).or_default().merge(&total);
        }
    }
}

/// What the responses cost that `query` names, as the database tells it of flows; by `classes_by`, where that is
/// given, also what each class of usage has of it. It is added up on `threads` threads.
#[must_use]
pub fn transcript_costs(
    scanned: &Scanned,
    query: &TranscriptQuery,
    classes_by: Option<&Arc<PriceBook>>,
    threads: usize,
) -> CostReport {
    let files = &scanned.files;
    let (catalogue, doubled) = (Catalogue::of(files), Doubled::of(files, threads));
    let till = || classes_by.map(|book| Till::new(Pricer::new(Arc::clone(book))));
    let parts: Vec<&[FileSpent]> = files.chunks(files.len().div_ceil(PARTS).max(1)).collect();
    let added = side_by_side(threads.min(parts.len()).max(1), till, |till, nth| {
        let before: usize = parts[..nth.min(parts.len())].iter().map(|part| part.len()).sum();
        let mut groups = Groups::default();
        for (place, file) in parts.get(nth)?.iter().enumerate() {
            let place = (before + place, file);
            groups.add(place, query, (&catalogue, &doubled), till.as_mut());
        }
        Some(groups)
    });
    let mut groups = Groups::default();
    added.into_iter().for_each(|part| groups.merge(part));
    let Groups { by_keys: groups, unpriced } = groups;
    let told = |by: &TranscriptBy, key: i64| match by {
        TranscriptBy::Hour if key != i64::MIN => CostKey::Hour(Micros(key.saturating_mul(HOUR_US))),
        TranscriptBy::Day if key != i64::MIN => CostKey::Day(key),
        _ => CostKey::Name(catalogue.name(key).map(str::to_owned)),
    };
    let mut totals = Sums::default();
    for group in groups.values() {
        totals.merge(&group.sums());
    }
    let mut report = CostReport { totals, ..CostReport::default() };
    report.groups = groups
        .into_iter()
        .map(|(keys, total)| CostGroup {
            keys: query.by.iter().zip(keys).map(|(by, key)| told(by, key)).collect(),
            session: None,
            sums: total.sums(),
            tool: None,
        })
        .collect();
    report.unpriced = unpriced
        .into_iter()
        .filter(|(_, total)| total.unpriced > 0)
        .map(|((provider, model), total)| UnpricedModel {
            provider: provider.as_str().to_owned(),
            model: catalogue.name(model).unwrap_or_default().to_owned(),
            flows: total.unpriced,
        })
        .collect();
    let is_by_time = matches!(query.by.first(), Some(TranscriptBy::Hour | TranscriptBy::Day));
    report.put_in_order(is_by_time, query.groups_max);
    report
}

/// The blocks of five hours of the responses that `query` names, as it is `now`: those of the whole history of which a
/// part lies within the asked span, each of them whole.
#[must_use]
pub fn transcript_blocks(scanned: &Scanned, query: &TranscriptQuery, now: Micros) -> BlockReport {
    let whole = TranscriptQuery { since: None, until: None, ..query.clone() };
    let mut hours: BTreeMap<i64, Total> = BTreeMap::new();
    let doubled = Doubled::of(&scanned.files, 1);
    for file in &scanned.files {
        for spent in whole.of_file(file).filter(|spent| doubled.counts(spent)) {
            if let Some(at) = spent.at() {
                hours.entry(at.0.div_euclid(HOUR_US)).or_default().add(file.mark.format, spent);
            }
        }
    }
    let hours: Vec<UsageGroup> = hours
        .into_iter()
        .map(|(hour, total)| UsageGroup {
            hour: Some(Micros(hour.saturating_mul(HOUR_US))),
            sums: total.sums(),
            ..UsageGroup::default()
        })
        .collect();
    BlockReport::of_hours(&hours, (query.since, query.until), now)
}
