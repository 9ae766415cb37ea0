//! Records of some lines: they are written one behind the other into one list, and redacted together.

use langley_model::{Micros, Redacted, RedactedBytes, Redactor, ToolOutcome};
use langley_protocol::transcript::TranscriptFormat;

use super::awaited::Awaited;
use super::mode::ExtractMode;
use super::record::{Head, Record};
use super::run::ExtractQuery;

/// Room that a portion begins with beyond what makes it one: for the record that makes it so.
const BEYOND: usize = 32 << 10;

/// Records that a portion has room for from the beginning.
const RECORDS: usize = 256;

/// Bytes of records that are handed on at once.
const PORTION: usize = 128 << 10;

/// What is known of a record beside its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) mode: ExtractMode,
    pub(super) at: Option<Micros>,
    /// Where the line begins that it was read of.
    pub(super) offset: u64,
    /// A digest of a response's ids: it is told once, whatever files have it.
    pub(super) response: Option<u64>,
}

/// Records as they are written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    told: Vec<Told>,
    /// Behind which byte each one ends.
    ends: Vec<usize>,
    bytes: Vec<u8>,
    /// What is told later of those that were written.
    awaited: Awaited,
    /// Where the line begins that is read.
    here: u64,
}

impl Draft {
    /// Writes one.
    pub(super) fn put(&mut self, told: Told, head: &Head, fields: impl FnOnce(&mut Record<'_>)) {
        self.write(told, head, |record| {
            fields(record);
            None
        });
    }

    /// Writes one of a call, by a digest of its id, that ends with what comes of it.
    pub(super) fn put_call(
        &mut self,
        told: Told,
        head: &Head,
        call: Option<u64>,
        fields: impl FnOnce(&mut Record<'_>),
    ) {
        const OUTCOME: &str = "outcome";
        self.write(told, head, |record| {
            fields(record);
            match call {
                Some(call) => Some((record.awaited(OUTCOME), call)),
                // Nobody can say whose result it is.
                None => {
                    record.text(OUTCOME, None);
                    None
                }
            }
        });
    }

    fn write(
        &mut self,
        told: Told,
        head: &Head,
        fields: impl FnOnce(&mut Record<'_>) -> Option<(usize, u64)>,
    ) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(PORTION + BEYOND);
            self.told.reserve(RECORDS);
            self.ends.reserve(RECORDS);
        }
        let mut record = Record::new(told.mode, head, &mut self.bytes);
        let awaited = fields(&mut record);
        record.close();
        if let Some((at, call)) = awaited {
            self.awaited.keep((at, self.told.len()), (call, told.offset));
        }
        self.told.push(told);
        self.ends.push(self.bytes.len());
    }

    /// What was written.
    pub(super) fn told(&self) -> &[Told] {
        &self.told
    }

    /// Bytes that were written.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Says that the line is read that begins there.
    pub(super) const fn go_to(&mut self, offset: u64) {
        self.here = offset;
    }

    /// Whether something is told later of what was written, as far as is known at the line that is read.
    pub(super) fn waits(&mut self) -> bool {
        self.awaited.waits(self.here)
    }

    /// Takes what came of a call.
    pub(super) fn end_call(&mut self, call: u64, outcome: impl FnOnce() -> ToolOutcome) {
        self.awaited.take(call, self.here, outcome);
    }

    /// Forgets what was written.
    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }

    /// Forgets what was written behind the first records.
    pub(super) fn truncate(&mut self, records: usize) {
        let end = match records.checked_sub(1).map(|last| self.ends.get(last)) {
            Some(Some(end)) => *end,
            Some(None) => return,
            None => 0,
        };
        self.bytes.truncate(end);
        self.told.truncate(records);
        self.ends.truncate(records);
        self.awaited.truncate(records);
    }

    /// Takes what was written.
    pub(super) fn take(&mut self, redactor: &Redactor) -> Records {
        let here = self.here;
        let Self { told, mut ends, mut bytes, mut awaited, .. } = std::mem::take(self);
        self.here = here;
        awaited.fill(&mut bytes, &mut ends);
        let bytes = redactor.lines(bytes, &mut ends);
        Records { told, ends, bytes }
    }
}

/// Takes records that are told; whether it wants more.
pub(super) type Hand<'h> = &'h mut dyn FnMut(Records) -> bool;

/// Takes the records that are asked for.
#[derive(Debug)]
pub(super) struct Desk<'q> {
    pub(super) query: &'q ExtractQuery,
    redactor: &'q Redactor,
    /// The modes that are asked for and that the agent's files can tell, a bit each.
    asked: u64,
    pub(super) draft: Draft,
}

impl<'q> Desk<'q> {
    pub(super) fn new(
        query: &'q ExtractQuery,
        redactor: &'q Redactor,
        format: TranscriptFormat,
    ) -> Self {
        let told = query.modes.iter().filter(|mode| mode.absent(format).is_none());
        let asked = told.fold(0, |asked, mode| asked | mode.bit());
        Self { query, redactor, asked, draft: Draft::default() }
    }

    /// The modes that are asked for, a bit each.
    pub(super) const fn asked(&self) -> u64 {
        self.asked
    }

    pub(super) const fn asks(&self, mode: ExtractMode) -> bool {
        self.asked & mode.bit() != 0
    }

    /// Whether a record of a mode is asked for that was told then, of this session in this folder.
    pub(super) fn takes(
        &self,
        mode: ExtractMode,
        at: Option<Micros>,
        of: (Option<&str>, Option<&str>),
    ) -> bool {
        self.asks(mode) && self.query.takes(at, of)
    }

    /// Writes a record of this session in this folder, if it is asked for.
    pub(super) fn put(
        &mut self,
        told: Told,
        of: (Option<&str>, Option<&str>),
        head: &Head,
        fields: impl FnOnce(&mut Record<'_>),
    ) {
        if self.takes(told.mode, told.at, of) {
            self.draft.put(told, head, fields);
        }
    }

    /// Takes what was told since the last time.
    pub(super) fn take(&mut self) -> Records {
        self.draft.take(self.redactor)
    }

    /// The same in no more room than it needs: for whoever keeps many that are short.
    pub(super) fn take_small(&mut self) -> Records {
        let Draft { told, ends, bytes, awaited, here } = &self.draft;
        let mut small = Draft {
            told: told.clone(),
            ends: ends.clone(),
            bytes: bytes.clone(),
            awaited: awaited.clone(),
            here: *here,
        };
        self.draft.clear();
        small.take(self.redactor)
    }

    /// Hands on what was told once it is a portion of which all is known; whether anybody still listens.
    pub(super) fn hand(&mut self, hand: Hand<'_>) -> bool {
        self.draft.len() < PORTION || self.draft.waits() || hand(self.take())
    }
}

/// Records, redacted.
#[derive(Debug, Default)]
pub(super) struct Records {
    told: Vec<Told>,
    ends: Vec<usize>,
    bytes: RedactedBytes,
}

impl Records {
    /// Each with its line, which has its end.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Told, Redacted<&[u8]>)> {
        (0..).map_while(|nth| self.get(nth))
    }

    /// One of them; none beyond the last.
    pub(super) fn get(&self, nth: usize) -> Option<(Told, Redacted<&[u8]>)> {
        let start = match nth.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let line = self.bytes.part(start..*self.ends.get(nth)?)?;
        Some((*self.told.get(nth)?, line))
    }

    /// One of those of the line that begins there; none beyond the last of them.
    pub(super) fn of_line(&self, offset: u64, nth: usize) -> Option<Redacted<&[u8]>> {
        let place = self.told.partition_point(|told| told.offset < offset) + nth;
        self.get(place).filter(|(told, _)| told.offset == offset).map(|(_, line)| line)
    }

    /// Bytes of all.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;

    use super::*;

    #[test]
    fn what_is_kept_of_one_line_takes_no_more_room_than_it() {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let query = ExtractQuery::new(&[ExtractMode::UserPrompts]);
        let mut desk = Desk::new(&query, &redactor, TranscriptFormat::ClaudeCode);
        for text in ["one", "two"] {
            let told = Told { mode: ExtractMode::UserPrompts, at: None, offset: 0, response: None };
            desk.put(told, (None, None), &Head::default(), |record| {
                record.text("text", Some(text));
            });
            let records = desk.take_small();
            assert!(records.ends.capacity() == 1 && records.told.capacity() == 1, "{records:?}");
            assert_eq!(records.iter().count(), 1);
            assert_eq!(desk.draft.len(), 0);
        }
    }

    #[test]
    fn records_are_told_apart_again_after_they_were_redacted_together() {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let key = format!("sk-ant-api03-{}", "a".repeat(40));
        let mut draft = Draft::default();
        for (offset, text) in (0..).zip(["first", &key, "last"]) {
            let told = Told { mode: ExtractMode::UserPrompts, at: None, offset, response: None };
            draft.put(told, &Head::default(), |record| record.text("text", Some(text)));
        }
        let records = draft.take(&redactor);
        assert_eq!(draft.len(), 0);
        let lines: Vec<_> = records
            .iter()
            .map(|(told, line)| (told.offset, String::from_utf8(line.to_vec()).unwrap()))
            .collect();
        let line = |text: &str| format!("{{\"mode\":\"user-prompts\",\"text\":\"{text}\"}}\n");
        assert_eq!(lines[0], (0, line("first")));
        assert!(lines[1].1.contains("[redacted") && !lines[1].1.contains(&key), "{lines:?}");
        assert_eq!(lines[2], (2, line("last")));
        assert_eq!(lines.iter().map(|(_, line)| line.len()).sum::<usize>(), records.len());
        // A file may have become shorter since its records were counted.
        assert!(records.get(3).is_none() && records.get(9).is_none());
    }
}
