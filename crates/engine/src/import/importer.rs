//! Looks at folders and brings what is new into the store, a small batch at a time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use langley_model::{Micros, Redactor};
use langley_store::{
    KnownTranscript, KnownTranscripts, Store, StoreError, TranscriptBatch, TranscriptPlace,
    TranscriptWriter,
};

use super::plan::{Mode, Plan, Scope, goes_on, plan};
use super::reading::Reading;
use super::report::{Counted, ImportReport};
use crate::inference_key::InferenceKey;
use crate::price::{PriceBook, Pricer};
use crate::transcripts::{Till, TranscriptRoot, walk};

/// Bytes of lines that are kept at once where nobody else writes: a transaction for each batch takes longer than its
/// lines.
const ALONE_BYTES: u64 = 1 << 20;

/// Batches that are kept at once at most, of files that say little.
const BATCHES: usize = 256;

/// Brings transcripts into a store.
#[derive(Debug)]
pub struct Importer {
    store: Store,
    writer: TranscriptWriter,
    redactor: Arc<Redactor>,
    key: InferenceKey,
    till: Till,
    known: Vec<KnownTranscript>,
    /// Digests of the paths of known files whose rows cannot be read.
    damaged: HashSet<[u8; 16]>,
    waiting: VecDeque<Plan>,
    open: Option<Reading>,
    /// How many files were opened.
    opened: u64,
    /// Which known one a new file is since its first batch was kept, by its number.
    begun: HashMap<u64, usize>,
    /// What was read and not brought to the store yet, and what was and is not known to be kept.
    read: Vec<(Read, TranscriptBatch)>,
    brought: Vec<Read>,
    /// Bytes of lines that are brought at once.
    at_once: u64,
    /// When the folders were looked at.
    looked_at: Micros,
    report: ImportReport,
}

/// A batch, for who keeps the books.
#[derive(Debug)]
struct Read {
    /// The number of its file.
    file: u64,
    /// Its place among the known ones.
    known: Option<usize>,
    place: TranscriptPlace,
    lines: Vec<Counted>,
}

impl Importer {
    /// For a store, with what it knows. Each batch is kept by itself, so that what passes does not wait for it. `key` is its
    /// home's: with another one, what is read anew is taken for new.
    ///
    /// # Errors
    /// What is known cannot be read.
    pub fn new(
        store: Store,
        redactor: Arc<Redactor>,
        key: InferenceKey,
        book: Arc<PriceBook>,
    ) -> Result<Self, StoreError> {
        let KnownTranscripts { files, damaged } = store.transcripts()?;
        let there = files.iter().filter(|file| file.deleted_at.is_none());
        let there: HashSet<[u8; 16]> = there.map(|file| file.place.path_key).collect();
        Ok(Self {
            known: files,
            damaged: damaged.into_iter().filter(|path| !there.contains(path)).collect(),
            writer: TranscriptWriter::new(store.clone()),
            store,
            redactor,
            key,
            till: Till::new(Pricer::new(book)),
            waiting: VecDeque::new(),
            open: None,
            opened: 0,
            begun: HashMap::new(),
            read: Vec::new(),
            brought: Vec::new(),
            at_once: 0,
            looked_at: Micros(0),
            report: ImportReport::default(),
        })
    }

    /// For a store that nobody else writes to.
    #[must_use]
    pub const fn alone(mut self) -> Self {
        self.at_once = ALONE_BYTES;
        self
    }

    /// Looks at folders at `now`, and plans what is to be read. Files that are known and not found are missed from
    /// then on where these are all the folders.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn look(
        &mut self,
        roots: &[TranscriptRoot],
        is_all: bool,
        now: Micros,
    ) -> Result<(), StoreError> {
        self.look_for(Scope { is_all, is_again: false }, roots, now)
    }

    /// The same, and reads every file from its beginning: conversations that somebody deleted come in again.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn look_again(
        &mut self,
        roots: &[TranscriptRoot],
        is_all: bool,
        now: Micros,
    ) -> Result<(), StoreError> {
        self.look_for(Scope { is_all, is_again: true }, roots, now)
    }

    fn look_for(
        &mut self,
        scope: Scope,
        roots: &[TranscriptRoot],
        now: Micros,
    ) -> Result<(), StoreError> {
        self.keep_all()?;
        self.looked_at = now;
        let mut walked = walk(roots);
        self.report.files += walked.files.len() as u64;
        let plans = plan(&mut walked, (&self.known, &self.damaged), scope);
        self.report.refused.append(&mut walked.refused);
        self.open = None;
        self.waiting = plans.plans.into();
        if !plans.missed.is_empty() {
            let missed = plans.missed.iter().map(|place| self.known[*place].id).collect();
            self.store.miss_transcripts(missed, now)?;
            for place in plans.missed {
                self.known[place].deleted_at = Some(now);
                self.report.deleted += 1;
            }
        }
        Ok(())
    }

    /// Reads and keeps some lines; whether there was anything to do.
    ///
    /// # Errors
    /// The store is closed or cannot be written: what was planned is given up, and the next look plans it anew.
    pub fn step(&mut self) -> Result<bool, StoreError> {
        let done = self.try_step();
        if done.is_err() {
            self.give_up();
        }
        done
    }

    fn try_step(&mut self) -> Result<bool, StoreError> {
        let mut reading = match self.open.take() {
            Some(reading) => reading,
            None => match self.waiting.pop_front() {
                Some(plan) => match self.begin(plan)? {
                    Some(reading) => reading,
                    None => return Ok(true),
                },
                None => return self.end(),
            },
        };
        let tools = (&*self.redactor, &self.key, &mut self.till);
        let portion = match reading.portion(tools, &mut self.report) {
            Ok(portion) => portion,
            Err(error) => {
                self.refuse(reading.plan.file.path, error);
                return Ok(true);
            }
        };
        let batch = portion.batch;
        let read = Read {
            file: reading.number,
            known: reading.plan.known,
            place: batch.place.clone(),
            lines: batch.lines.iter().map(Counted::from).collect(),
        };
        self.read.push((read, batch));
        if !portion.is_last {
            self.open = Some(reading);
        }
        let lines = self.read.iter().flat_map(|(_, batch)| &batch.lines);
        let is_enough = lines.map(|line| line.len).sum::<u64>() >= self.at_once;
        if is_enough || self.read.len() >= BATCHES {
            self.bring()?;
        }
        Ok(true)
    }

    /// Keeps what was read last; whether there was anything.
    fn end(&mut self) -> Result<bool, StoreError> {
        let is_more = !self.read.is_empty() || !self.brought.is_empty();
        self.keep_all()?;
        self.begun.clear();
        self.writer.rest();
        Ok(is_more)
    }

    /// Brings what was read to the store, once it is known that what was brought before is kept.
    fn bring(&mut self) -> Result<(), StoreError> {
        self.keep()?;
        let mut batches = Vec::with_capacity(self.read.len());
        for (read, mut batch) in self.read.drain(..) {
            // One that was forgotten meanwhile is another since.
            let known = read.known.or_else(|| self.begun.get(&read.file).copied());
            batch.transcript = known.and_then(|place| self.known.get(place)).map(|known| known.id);
            batches.push(self.redactor.seal(batch));
            self.brought.push(read);
        }
        self.writer.bring(batches, self.looked_at)
    }

    /// Notes what is kept of what was brought.
    fn keep(&mut self) -> Result<(), StoreError> {
        let kept = self.writer.kept()?;
        for (read, kept) in self.brought.drain(..).zip(kept) {
            self.report.responses += kept.new_responses;
            self.report.count(&read.lines, &kept.left_out);
            let place = read.known.or_else(|| self.begun.get(&read.file).copied());
            let place = place.unwrap_or_else(|| {
                let (id, place) = (kept.transcript, read.place.clone());
                self.known.push(KnownTranscript { id, place, records: 0, deleted_at: None });
                self.begun.insert(read.file, self.known.len() - 1);
                self.known.len() - 1
            });
            let known = &mut self.known[place];
            (known.id, known.place, known.deleted_at) = (kept.transcript, read.place, None);
            known.records += (read.lines.len() - kept.left_out.len()) as u64;
        }
        Ok(())
    }

    /// Keeps all that was read.
    fn keep_all(&mut self) -> Result<(), StoreError> {
        let done = if self.read.is_empty() { Ok(()) } else { self.bring() };
        let done = done.and_then(|()| self.keep());
        if done.is_err() {
            self.give_up();
        }
        done
    }

    /// Forgets what was read and is not kept, and what was to be read.
    fn give_up(&mut self) {
        self.waiting.clear();
        self.open = None;
        self.read.clear();
        self.brought.clear();
        self.begun.clear();
    }

    /// Opens a file; none where it cannot be.
    fn begin(&mut self, mut plan: Plan) -> Result<Option<Reading>, StoreError> {
        if plan.mode == Mode::Anew {
            // What was read of it before it is held against what is kept.
            self.keep_all()?;
        }
        let known = plan.known.and_then(|place| self.known.get(place));
        let opened = match (File::open(&plan.file.path), known) {
            // Since it was looked at it may have been cut or replaced.
            (Ok(file), Some(known)) if plan.mode == Mode::On => {
                goes_on(&file, known).map(|goes_on| {
                    plan.mode = if goes_on { Mode::On } else { Mode::Anew };
                    file
                })
            }
            (opened, _) => opened,
        };
        let kept = match known {
            Some(known) => {
                let kept = match plan.mode {
                    Mode::Anew => self.store.transcript_digests(known.id),
                    // What was cut off may be written once more.
                    Mode::On => self.store.transcript_gone(known.id),
                };
                match kept {
                    Err(error) if error.is_of_one_place() => {
                        self.refuse(plan.file.path, io::Error::other(error));
                        return Ok(None);
                    }
                    kept => kept?,
                }
            }
            None => HashMap::new(),
        };
        let (is_new, is_anew) = (known.is_none(), plan.mode == Mode::Anew);
        let is_grown = known.is_some_and(|known| plan.file.size > known.place.offset);
        // One that is read from its beginning because somebody asked for that was not written anew.
        let is_rewritten = is_anew && !plan.is_again;
        let (path, is_renamed) = (plan.file.path.clone(), plan.is_renamed);
        self.opened += 1;
        let now = (self.opened, self.looked_at);
        match opened.and_then(|file| Reading::of(file, plan, known, kept, now)) {
            Ok(reading) => {
                self.report.new_files += u64::from(is_new);
                self.report.rewritten += u64::from(is_rewritten);
                self.report.grown += u64::from(!is_new && !is_rewritten && is_grown);
                self.report.renamed += u64::from(is_renamed);
                Ok(Some(reading))
            }
            Err(error) => {
                self.refuse(path, error);
                Ok(None)
            }
        }
    }

    /// A file that is gone meanwhile is missed at the next look.
    fn refuse(&mut self, path: PathBuf, error: io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.report.refused.push((path, error));
        }
    }

    /// Files that wait to be read, the open one included.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        (self.waiting.len() + usize::from(self.open.is_some())) as u64
    }

    /// What came of it since this was asked last.
    pub fn report(&mut self) -> ImportReport {
        std::mem::take(&mut self.report)
    }
}
