//! Looks at folders and brings what is new into the store, a small batch at a time.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use langley_model::{Micros, Redactor};
use langley_store::{KnownTranscript, Store, StoreError};

use super::plan::{Mode, Plan, Scope, goes_on, plan};
use super::reading::Reading;
use super::report::{Counted, ImportReport};
use crate::inference_key::InferenceKey;
use crate::price::{PriceBook, Pricer};
use crate::transcripts::{Till, TranscriptRoot, walk};

/// Brings transcripts into a store.
#[derive(Debug)]
pub struct Importer {
    store: Store,
    redactor: Arc<Redactor>,
    key: InferenceKey,
    till: Till,
    known: Vec<KnownTranscript>,
    waiting: VecDeque<Plan>,
    open: Option<Reading>,
    /// When the folders were looked at.
    looked_at: Micros,
    report: ImportReport,
}

impl Importer {
    /// For a store, with what it knows. `key` is its home's: with another one, what is read anew is taken for new.
    ///
    /// # Errors
    /// What is known cannot be read.
    pub fn new(
        store: Store,
        redactor: Arc<Redactor>,
        key: InferenceKey,
        book: Arc<PriceBook>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            known: store.transcripts()?,
            store,
            redactor,
            key,
            till: Till::new(Pricer::new(book)),
            waiting: VecDeque::new(),
            open: None,
            looked_at: Micros(0),
            report: ImportReport::default(),
        })
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
        self.looked_at = now;
        let mut walked = walk(roots);
        self.report.files += walked.files.len() as u64;
        let plans = plan(&mut walked, &self.known, scope);
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
            self.waiting.clear();
            self.open = None;
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
                None => return Ok(false),
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
        let place = portion.batch.place.clone();
        let lines: Vec<Counted> = portion.batch.lines.iter().map(Counted::from).collect();
        let batch = self.redactor.seal(portion.batch);
        let kept = self.store.import(batch, self.looked_at)?;
        self.report.responses += kept.new_responses;
        self.report.count(&lines, &kept.left_out);
        reading.is_kept_as(kept.transcript);
        let place_of_known = *reading.plan.known.get_or_insert_with(|| {
            let (id, place) = (kept.transcript, place.clone());
            self.known.push(KnownTranscript { id, place, records: 0, deleted_at: None });
            self.known.len() - 1
        });
        let known = &mut self.known[place_of_known];
        (known.id, known.place, known.deleted_at) = (kept.transcript, place, None);
        known.records += (lines.len() - kept.left_out.len()) as u64;
        if !portion.is_last {
            self.open = Some(reading);
        }
        Ok(true)
    }

    /// Opens a file; none where it cannot be.
    fn begin(&mut self, mut plan: Plan) -> Result<Option<Reading>, StoreError> {
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
            Some(known) if plan.mode == Mode::Anew => self.store.transcript_digests(known.id)?,
            _ => HashMap::new(),
        };
        let (is_new, is_anew) = (known.is_none(), plan.mode == Mode::Anew);
        let is_grown = known.is_some_and(|known| plan.file.size > known.place.offset);
        // One that is read from its beginning because somebody asked for that was not written anew.
        let is_rewritten = is_anew && !plan.is_again;
        self.report.new_files += u64::from(is_new);
        self.report.rewritten += u64::from(is_rewritten);
        self.report.grown += u64::from(!is_new && !is_rewritten && is_grown);
        self.report.renamed += u64::from(plan.is_renamed);
        let path = plan.file.path.clone();
        match opened.and_then(|file| Reading::of(file, plan, known, kept, self.looked_at)) {
            Ok(reading) => Ok(Some(reading)),
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
