//! A file that is being read: its lines, redacted and told apart, a batch at a time.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use langley_model::{LineFacts, LineRole, Micros, Redactor, ToldResponse, TranscriptLine};
use langley_protocol::transcript::{TranscriptFormat, UsageLine, UsageReader};
use langley_store::{KnownTranscript, TranscriptBatch, TranscriptPlace};

use super::lines::Lines;
use super::plan::{Mode, Plan, YOUNG_NS, path_key, settled};
use super::report::ImportReport;
use super::told_tools::told_tools;
use crate::inference_key::InferenceKey;
use crate::transcripts::{PROBE, Till, TranscriptFile, named_session, probes, sniffed};

/// Bytes and lines after which a batch is full: writing it takes a few milliseconds.
const BATCH_BYTES: usize = 64 << 10;
const BATCH_LINES: usize = 128;

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) plan: Plan,
    /// Its number among those that were opened.
    pub(super) number: u64,
    format: TranscriptFormat,
    place: TranscriptPlace,
    lines: Lines,
    reader: UsageReader,
    /// How often lines are kept, of a file that is read anew; else, of those that it does not have any more.
    kept: HashMap<u64, u32>,
    /// Whether one of these was written once more since that was told.
    is_back: bool,
    /// Up to where the probes are of.
    probed: u64,
    /// Whether the first line was begun before.
    goes_on: bool,
    /// When the folders were looked at.
    now: Micros,
    /// When the line before was written, as far as it tells.
    at: Option<Micros>,
}

/// A batch, and whether it is the last of its file.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) batch: TranscriptBatch,
    pub(super) is_last: bool,
}

impl Reading {
    /// Of an open file. `kept` tells how often which line is kept, of one that is read anew; else which it has lost.
    pub(super) fn of(
        file: File,
        plan: Plan,
        known: Option<&KnownTranscript>,
        kept: HashMap<u64, u32>,
        (number, now): (u64, Micros),
    ) -> io::Result<Self> {
        let on = known.filter(|_| plan.mode == Mode::On);
        let format = match known.and_then(|known| TranscriptFormat::of_agent(&known.place.agent)) {
            Some(format) => format,
            None => sniffed(&file)?.unwrap_or(plan.file.format),
        };
        // What begins anew remembers nothing.
        let on = on.filter(|known| known.place.offset > 0);
        let reader = on.and_then(|known| serde_json::from_str(&known.place.reader).ok());
        let mut place = known.map(|known| known.place.clone()).unwrap_or_default();
        if on.is_none() {
            (place.offset, place.lines, place.probes) = (0, 0, [0; 2]);
        }
        let probed = place.offset;
        let TranscriptFile { path, inode, size, .. } = &plan.file;
        place.agent = format.agent().to_owned();
        place.path = path.to_string_lossy().into_owned();
        (place.path_key, place.inode) = (path_key(path), *inode);
        let mut before = *b"\n";
        if place.offset > 0 {
            file.read_exact_at(&mut before, place.offset - 1)?;
        }
        let lines = Lines::new(file, place.offset, *size)?;
        Ok(Self {
            number,
            format,
            reader: reader.unwrap_or_else(|| UsageReader::new(format)),
            probed,
            goes_on: before != *b"\n",
            lines,
            place,
            kept,
            is_back: false,
            plan,
            now,
            at: None,
        })
    }

    /// The next batch. Of which transcript it is says who brings it.
    pub(super) fn portion(
        &mut self,
        (redactor, key, till): (&Redactor, &InferenceKey, &mut Till),
        report: &mut ImportReport,
    ) -> io::Result<Portion> {
        let mut batch =
            TranscriptBatch { is_again: self.plan.is_again, ..TranscriptBatch::default() };
        let (mut bytes, mut is_last) = (0, false);
        while bytes < BATCH_BYTES && batch.lines.len() < BATCH_LINES {
            let Some(raw) = self.lines.next()? else {
                is_last = true;
                break;
            };
            let digest = key.line(raw.bytes);
            let content = redactor.body(raw.bytes.to_vec());
            // One that lacks its end counts once it is whole: nothing can follow an object but white space.
            let before = (!raw.is_ended).then(|| self.reader.clone());
            let mut told = Vec::new();
            self.reader.read(content.as_bytes(), &mut |line| {
                told.push(response(&line, till, self.format));
            });
            let facts = if raw.is_cut {
                LineFacts { role: LineRole::Note, ..LineFacts::default() }
            } else {
                self.reader.facts(content.as_bytes())
            };
            if let Some(before) = before
                && (raw.is_cut || facts.role == LineRole::Unreadable)
            {
                self.reader = before;
                report.torn += 1;
                is_last = true;
                break;
            }
            self.place.offset = raw.offset + raw.len + u64::from(raw.is_ended);
            if !std::mem::take(&mut self.goes_on) {
                self.place.lines += 1;
            }
            if raw.bytes.trim_ascii().is_empty() {
                continue;
            }
            let line = TranscriptLine {
                number: self.place.lines,
                offset: raw.offset,
                len: raw.len,
                digest,
                is_cut: raw.is_cut,
                facts,
                content,
            };
            let kept = self.kept.get_mut(&line.digest).filter(|left| **left > 0);
            if let Some(left) = kept {
                *left -= 1;
                self.is_back = true;
                continue;
            }
            bytes += line.content.as_bytes().len();
            if !line.is_cut {
                self.at = line.facts.at.or(self.at);
                let told =
                    told_tools(&self.reader, (line.content.as_bytes(), &line.facts), self.at);
                let session = &line.facts.session;
                batch.tools.extend(told.into_iter().map(|told| (session.clone(), told)));
            }
            batch.responses.append(&mut told);
            batch.lines.push(line);
        }
        if is_last {
            self.settle(till, &mut batch);
        }
        self.close(&mut batch, is_last)?;
        Ok(Portion { batch, is_last })
    }

    /// Takes what the reader holds back, once nobody has written for a while.
    fn settle(&mut self, till: &mut Till, batch: &mut TranscriptBatch) {
        let age = self.now.0.saturating_mul(1000).saturating_sub(self.plan.file.modified_ns);
        if age >= YOUNG_NS {
            let format = self.format;
            self.reader.settle(&mut |line| batch.responses.push(response(&line, till, format)));
        }
    }

    /// Says in the batch where reading goes on from.
    fn close(&mut self, batch: &mut TranscriptBatch, is_last: bool) -> io::Result<()> {
        let first = |of: fn(&LineFacts) -> &Option<String>| {
            batch.lines.iter().find_map(|line| of(&line.facts).clone())
        };
        let named = named_session(&self.plan.file.path, self.format);
        let place = &mut self.place;
        place.session = place.session.take().or(first(|facts| &facts.session)).or(named);
        place.folder = place.folder.take().or(first(|facts| &facts.folder));
        if place.offset != self.probed {
            place.probes = probes(self.lines.file(), place.offset)?;
            self.probed = place.offset;
        }
        place.reader = serde_json::to_string(&self.reader).unwrap_or_default();
        (place.size, place.modified_ns) = (place.offset, 0);
        if is_last {
            place.size = self.plan.file.size;
            place.modified_ns = settled(&self.plan.file, self.reader.is_waiting(), self.now);
        }
        batch.place = place.clone();
        // Asked after the probes were taken, so that they are not those of what came in its place.
        let is_changed = !self.lines.is_as_read()?;
        // What of a file that is read anew was not met is gone; so is what was gone and did not come back.
        let is_told = match self.plan.mode {
            Mode::Anew => is_last,
            Mode::On => std::mem::take(&mut self.is_back),
        };
        batch.gone = is_told.then(|| self.kept.clone());
        if is_changed || (!is_last && self.plan.mode == Mode::Anew) {
            // Where this breaks off, it begins anew: what is kept of the rest is only known now.
            // By its beginning it is known again.
            let first = if place.offset >= PROBE { place.probes[0] } else { 0 };
            (batch.place.offset, batch.place.lines, batch.place.probes) = (0, 0, [first, 0]);
            batch.place.modified_ns = 0;
        }
        Ok(())
    }
}

/// What a line tells of a response, priced.
fn response(line: &UsageLine<'_>, till: &mut Till, format: TranscriptFormat) -> ToldResponse {
    let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    ToldResponse {
        message_id: owned(&line.message_id),
        request_id: owned(&line.request_id),
        session: owned(&line.session),
        agent_id: owned(&line.agent_id),
        at: line.at,
        model: owned(&line.model),
        usage: line.usage,
        cost: till.cost(line, format),
        provider: Some(line.provider),
        tier: Some(line.tier.clone()).filter(|tier| !tier.is_empty()),
    }
}
