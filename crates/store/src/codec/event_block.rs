//! A stored run of stream events: each keeps only what differs from the one of its type before it,
//! because most of a text delta is the same JSON around a few words.
//!
//! Layout before packing: 0 and the layout's number; count of types, each as length and name; count of
//! events; lengths of five columns of numbers, and these; count of columns of text, their lengths, and
//! these. Columns pack better than events one after the other, and the words of an answer stand together
//! as they do in its message.
//!
//! The first column of numbers has a head for each event (its type, and which parts follow), the second
//! and the third the lower and the upper byte of the step of the time, the fourth the lengths of what is in
//! the event's holes (and one; 0 stands for the number after the one that was there), the fifth the step of
//! the time where two bytes do not hold it and, as the head says, the step of the sequence number when it
//! is not one, how much longer the event was before redaction, and where the event of its type before it
//! has holes: how many, for each but the last how many bytes are before it and in it, of the last how many
//! are before it, and how many are behind it. The holes stay the type's until the next such part. Steps and
//! differences are zigzag-coded. Each hole of a type has a column of text, in the order of their first use.
//!
//! The first layout, which is still read, began with its count of types, had all numbers in one column in
//! the order of events, one hole, and one column of text.

use std::borrow::Cow;
use std::ops::Range;

use langley_model::{EventRun, EventSpan};

use super::block::{Block, BlockEvent, COLUMNS, LAYOUT, LONG, MARK, REDACTED, SHARES, STEPS};
use super::number::{put, put_signed};
use super::shared::{self, Holes};
use crate::kinds::Counts;

/// Bytes before packing at which a block is complete.
pub(crate) const FULL_BYTES: usize = 64 * 1024;

/// Larger events are not remembered from one filling to the next.
const REMEMBERED_BYTES: usize = 1024;

/// A block being filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockBuilder {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) first_us: u64,
    pub(crate) last_us: u64,
    pub(crate) events: u64,
    kinds: Vec<Kind>,
    numbers: [Vec<u8>; COLUMNS],
    texts: Vec<Vec<u8>>,
    /// Room for the holes of an event.
    found: Holes,
}

/// A type of events in a block being filled.
#[derive(Clone, Debug)]
struct Kind {
    name: Cow<'static, str>,
    events: u64,
    /// Where its last event has its own.
    holes: Holes,
    /// The columns of its holes.
    columns: Vec<usize>,
    /// The last event of an earlier filling; empty when it was large, though a reader will have it.
    last: Vec<u8>,
}

impl BlockBuilder {
    pub(crate) const fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Bytes before packing, headings aside.
    pub(crate) fn raw_len(&self) -> usize {
        let lengths = self.numbers.iter().chain(&self.texts).map(Vec::len);
        lengths.sum()
    }

    /// Appends events of `run` from `from` (event, byte) on until the block is full; returns where
    /// it stopped.
    pub(crate) fn fill(&mut self, run: &EventRun, from: (usize, usize)) -> (usize, usize) {
        let text = run.text.as_bytes();
        let (mut event, mut start) = from;
        let mut numbers: Vec<usize> = run.kinds.iter().map(|kind| self.kind(kind)).collect();
        if numbers.is_empty() {
            numbers.push(self.kind(""));
        }
        // The last event of each type in this run.
        let mut last: Vec<Option<&[u8]>> = vec![None; self.kinds.len()];
        while let Some(span) = run.spans.get(event) {
            if self.raw_len() >= FULL_BYTES {
                break;
            }
            let kind = numbers.get(usize::from(span.kind)).copied().unwrap_or(numbers[0]);
            let end = (start + span.len as usize).min(text.len());
            let data = &text[start..end];
            self.event(span, kind, data, last[kind]);
            last[kind] = Some(data);
            event += 1;
            start = end;
        }
        for (kind, last) in self.kinds.iter_mut().zip(last) {
            if let Some(last) = last {
                kind.remember(last);
            }
        }
        (event, start)
    }

    /// Appends a single event.
    pub(crate) fn push(&mut self, event: &BlockEvent<'_>, kind: &str) {
        let kind = self.kind(kind);
        self.event(&event.span, kind, event.data, None);
        self.kinds[kind].remember(event.data);
    }

    fn kind(&mut self, name: &str) -> usize {
        let known = self.kinds.iter().position(|kind| kind.name == name);
        known.unwrap_or_else(|| {
            self.kinds.push(Kind {
                name: Cow::Owned(name.to_owned()),
                events: 0,
                holes: shared::all(),
                columns: Vec::new(),
                last: Vec::new(),
            });
            self.kinds.len() - 1
        })
    }

    /// Appends an event; `last` is the one of its type before it, unless that is the remembered one.
    fn event(&mut self, span: &EventSpan, number: usize, data: &[u8], last: Option<&[u8]>) {
        if self.events == 0 {
            self.first_seq = span.seq;
            self.last_seq = span.seq.wrapping_sub(1);
            self.first_us = span.offset_us;
            self.last_us = span.offset_us;
        }
        let Self { kinds, numbers, texts, found, .. } = self;
        let kind = &mut kinds[number];
        let last = last.unwrap_or(&kind.last);
        // Nothing fits around what a reader has and this builder does not.
        let forgotten = last.is_empty() && kind.events > 0;
        // A chance resemblance ends at the next event that lacks it; one that lasts is found by the
        // bytes just inside of what is shared.
        let fits = !forgotten
            && kind.holes.last().is_some_and(|hole| hole.end <= last.len())
            && shared::fit(last, &kind.holes, data, found)
            && !shared::resembles(last, &kind.holes, data, found);
        let mut changes = false;
        if !fits {
            let (old, new) = shared::look(last, data);
            changes = old != kind.holes || forgotten;
            (kind.holes, *found) = (old, new);
        }
        let step = span.seq.wrapping_sub(self.last_seq);
        let longer = u64::from(span.original_len).wrapping_sub(data.len() as u64);
        let head = (number as u64) << 3
            | if step == 1 { 0 } else { STEPS }
            | if longer == 0 { 0 } else { REDACTED }
            | if changes { SHARES } else { 0 };
        let [heads, lower, upper, lengths, others] = numbers;
        put(heads, head);
        let time = span.offset_us.wrapping_sub(self.last_us);
        match u16::try_from(time).map(u16::to_be_bytes) {
            Ok([high, low]) if high != LONG => {
                upper.push(high);
                lower.push(low);
            }
            _ => {
                upper.push(LONG);
                put_signed(others, time);
            }
        }
        if step != 1 {
            put_signed(others, step);
        }
        if longer != 0 {
            put_signed(others, longer);
        }
        if changes {
            put_holes(others, &kind.holes, last.len());
        }
        for (place, (old, new)) in kind.holes.iter().zip(&*found).enumerate() {
            let kept = &data[new.clone()];
            if shared::is_next(&last[old.clone()], kept) {
                put(lengths, 0);
                continue;
            }
            put(lengths, kept.len() as u64 + 1);
            if kept.is_empty() {
                continue;
            }
            while kind.columns.len() <= place {
                kind.columns.push(texts.len());
                texts.push(Vec::new());
            }
            extend(&mut texts[kind.columns[place]], kept);
        }
        std::mem::swap(&mut kind.holes, found);
        kind.events += 1;
        self.last_seq = span.seq;
        self.last_us = span.offset_us;
        self.events += 1;
    }

    /// Writes the layout into `out`, replacing what it held.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        out.reserve(self.raw_len() + 256);
        put(out, MARK);
        put(out, LAYOUT);
        put(out, self.kinds.len() as u64);
        for kind in &self.kinds {
            put(out, kind.name.len() as u64);
            out.extend_from_slice(kind.name.as_bytes());
        }
        put(out, self.events);
        put_columns(out, &self.numbers);
        put(out, self.texts.len() as u64);
        put_columns(out, &self.texts);
    }

    /// Appends the events of a stored block; whether those are all that it has. When not, what is here
    /// now is of no use.
    #[must_use]
    pub(crate) fn extend(&mut self, mut block: Block<'_>) -> bool {
        while let Some((event, kind)) = block.next() {
            self.push(&event, kind);
        }
        block.is_whole()
    }

    /// Appends these events to `whole`, by way of their layout in `raw`; whether all came there.
    #[must_use]
    pub(crate) fn copy_into(&self, raw: &mut Vec<u8>, whole: &mut Self) -> bool {
        self.encode(raw);
        let block = Block::parse(raw, self.first_seq, self.first_us);
        block.is_some_and(|block| whole.extend(block))
    }

    /// Counts by type.
    pub(crate) fn counts(&self) -> Counts {
        let counted = self.kinds.iter().filter(|kind| kind.events > 0);
        counted.map(|kind| (kind.name.to_string(), kind.events)).collect()
    }

    /// Empties the block and keeps its room.
    pub(crate) fn clear(&mut self) {
        self.events = 0;
        self.kinds.clear();
        self.numbers.iter_mut().for_each(Vec::clear);
        self.texts.clear();
    }

    /// Gives spare room back; for blocks that stay in memory between transactions.
    pub(crate) fn shrink(&mut self) {
        let room = self.raw_len() + self.raw_len() / 4 + 256;
        let columns = || self.numbers.iter().chain(&self.texts);
        if columns().map(Vec::capacity).sum::<usize>() > room {
            self.numbers.iter_mut().chain(&mut self.texts).for_each(Vec::shrink_to_fit);
        }
    }
}

impl Kind {
    fn remember(&mut self, last: &[u8]) {
        self.last.clear();
        if last.len() <= REMEMBERED_BYTES {
            self.last.extend_from_slice(last);
        }
    }
}

/// Appends to a column of text. One that grows past a part of a block gets the room of a whole one, where
/// doubling would ask for half as much again; one that is larger than a block is left to doubling.
fn extend(column: &mut Vec<u8>, kept: &[u8]) {
    let (len, room) = (column.len(), column.capacity() - column.len());
    if room < kept.len() && (FULL_BYTES / 4..FULL_BYTES).contains(&len) {
        column.reserve_exact(kept.len().max(FULL_BYTES - len));
    }
    column.extend_from_slice(kept);
}

fn put_columns(out: &mut Vec<u8>, columns: &[Vec<u8>]) {
    for column in columns {
        put(out, column.len() as u64);
    }
    for column in columns {
        out.extend_from_slice(column);
    }
}

/// Writes where the holes of an event of `len` bytes are.
fn put_holes(out: &mut Vec<u8>, holes: &[Range<usize>], len: usize) {
    put(out, holes.len() as u64);
    let mut at = 0;
    for (left, hole) in (0..holes.len()).rev().zip(holes) {
        put(out, (hole.start - at) as u64);
        put(out, if left > 0 { hole.len() } else { len - hole.end } as u64);
        at = hole.end;
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{FlowId, Redactor, RedactorOptions};
    use proptest::prelude::*;

    use super::*;

    type Event = (u64, u64, u8, Vec<u8>, u32);

    fn run(events: &[Event]) -> EventRun {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let mut run = EventRun::new(FlowId::new());
        for (seq, offset_us, kind, data, extra) in events {
            let kind = run.kind(&format!("kind_{kind}"));
            run.text.append(&redactor.body(data.clone()));
            let len = u32::try_from(data.len()).unwrap();
            let original_len = len.saturating_add(*extra);
            run.spans.push(EventSpan { seq: *seq, offset_us: *offset_us, kind, len, original_len });
        }
        run
    }

    /// Digits and dots: text that no redaction rule can match; with beginnings and ends that events
    /// share, overlap in, or do not have.
    fn data() -> impl Strategy<Value = Vec<u8>> {
        let random = || prop::collection::vec(b'0'..=b'9', 0..300);
        let framed = (0..60_usize, random(), 0..60_usize).prop_map(|(front, middle, back)| {
            let mut data = vec![b'.'; front];
            data.extend(middle);
            data.resize(data.len() + back, b'.');
            data
        });
        // A counter, words and padding between what is always there.
        let holed = (0..200_u32, random(), 0..20_usize, 0..3_usize).prop_map(
            |(counter, words, padding, other)| {
                let between = "............................1..........".split_at(other).1;
                let words = String::from_utf8_lossy(&words[..words.len().min(40)]).into_owned();
                let padding = "73".repeat(padding);
                format!("{counter}{between}{words}{between}{padding}..").into_bytes()
            },
        );
        let same = (0..90_usize).prop_map(|len| vec![b'.'; len]);
        let large = (1000..1100_usize).prop_map(|len| vec![b'.'; len]);
        prop_oneof![random(), framed, holed.clone(), holed, same, large]
    }

    /// Beginnings and ends of one text, around the length beyond which events are not remembered; some
    /// with a byte before them.
    fn part() -> impl Strategy<Value = Vec<u8>> {
        let text = |at: usize| b'0' + (at * 7 % 11 % 10) as u8;
        let len = prop_oneof![Just(0), 1..40_usize, 1000..1100_usize];
        (len, any::<bool>(), any::<bool>()).prop_map(move |(len, at_end, longer)| {
            let from = if at_end { 1100 - len } else { 0 };
            let mut data = if longer { vec![b'1'] } else { Vec::new() };
            data.extend((from..from + len).map(text));
            data
        })
    }

    /// Runs of few events, nearly all of one type, most of them parts of one another.
    fn parts() -> impl Strategy<Value = Vec<Vec<Event>>> {
        let event = (0..9_u64, 0..9_u64, 0..2_u8, part(), Just(0));
        prop::collection::vec(prop::collection::vec(event, 1..4), 1..12)
    }

    fn event() -> impl Strategy<Value = Event> {
        let extra = prop_oneof![Just(0), 0..u32::MAX];
        (0..u64::MAX, 0..u64::MAX, 0..4_u8, data(), extra)
    }

    /// Events with their type, as they are compared.
    type Seen = Vec<(EventSpan, String, Vec<u8>)>;

    fn seen(run: &EventRun) -> Seen {
        let event = |(span, kind, data): (&EventSpan, &str, &[u8])| {
            (EventSpan { kind: 0, ..*span }, kind.to_owned(), data.to_vec())
        };
        run.iter().map(event).collect()
    }

    fn read(builder: &BlockBuilder, into: &mut Seen) {
        let mut raw = Vec::new();
        builder.encode(&mut raw);
        let mut block = Block::decode(&raw, builder.first_seq, builder.first_us).unwrap();
        while let Some((event, kind)) = block.next() {
            let span = EventSpan { kind: 0, ..event.span };
            into.push((span, kind.to_owned(), event.data.to_vec()));
        }
    }

    /// What is read of `runs` after they were filled into one block after the other, and what they are.
    fn there_and_back(runs: &[Vec<Event>]) -> (Seen, Seen) {
        let mut builder = BlockBuilder::default();
        let (mut found, mut written) = (Seen::new(), Seen::new());
        for run in runs.iter().map(|events| run(events)) {
            let mut at = (0, 0);
            while at.0 < run.spans.len() {
                at = builder.fill(&run, at);
                if builder.raw_len() >= FULL_BYTES {
                    read(&builder, &mut found);
                    builder.clear();
                }
            }
            written.extend(seen(&run));
        }
        read(&builder, &mut found);
        (found, written)
    }

    proptest! {
        #[test]
        fn any_runs_read_back_as_they_were(
            runs in prop::collection::vec(prop::collection::vec(event(), 0..100), 0..8)
        ) {
            let (found, written) = there_and_back(&runs);
            prop_assert_eq!(found, written);
        }

        #[test]
        fn events_that_are_parts_of_one_another_read_back_as_they_were(runs in parts()) {
            let (found, written) = there_and_back(&runs);
            prop_assert_eq!(found, written);
        }

        #[test]
        fn events_pushed_one_by_one_read_back_as_they_were(
            events in prop::collection::vec(event(), 0..100)
        ) {
            let run = run(&events);
            let (mut builder, mut found) = (BlockBuilder::default(), Seen::new());
            for (span, kind, data) in run.iter() {
                builder.push(&BlockEvent { span: *span, data }, kind);
            }
            read(&builder, &mut found);
            prop_assert_eq!(found, seen(&run));
        }

        #[test]
        fn arbitrary_bytes_never_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(mut block) = Block::decode(&raw, 0, 0) {
                while block.next().is_some() {}
            }
        }
    }

    #[test]
    fn nothing_is_left_out_around_an_event_that_was_not_remembered() {
        let long = vec![b'7'; REMEMBERED_BYTES + 1];
        let longer = [b"1", &long[..]].concat();
        let event = |seq, data: &[u8]| (seq, seq, 0, data.to_vec(), 0);
        let runs = [vec![event(1, &longer), event(2, &long)], vec![event(3, b"5")]];
        let (found, written) = there_and_back(&runs);
        assert_eq!(found, written);
    }

    #[test]
    fn a_block_that_breaks_off_is_not_whole() {
        let events: Vec<Event> =
            (0..9).map(|seq| (seq, seq, 0, vec![b'0' + seq as u8; 20], 0)).collect();
        let (mut whole, mut raw) = (BlockBuilder::default(), Vec::new());
        whole.fill(&run(&events), (0, 0));
        whole.encode(&mut raw);
        let extend = |raw: &[u8]| {
            let mut builder = BlockBuilder::default();
            let is_whole = builder.extend(Block::decode(raw, 0, 0).unwrap());
            (is_whole, builder.events)
        };
        assert_eq!(extend(&raw), (true, 9));
        // After the mark, the layout and one type: how many events there are.
        let count = 3 + 1 + "kind_0".len();
        assert_eq!(raw[count], 9);
        raw[count] = 11;
        assert_eq!(extend(&raw), (false, 9));
    }

    #[test]
    fn a_block_stops_at_its_size_and_the_next_goes_on_there() {
        // Neighbours share neither beginning nor end.
        let digit = |seq: u64| b'0' + (seq % 10) as u8;
        let events: Vec<Event> =
            (0..1000).map(|seq| (seq, seq * 10, 0, vec![digit(seq); 220], 0)).collect();
        let run = run(&events);
        let mut builder = BlockBuilder::default();
        let (event, byte) = builder.fill(&run, (0, 0));
        assert_eq!(byte, event * 220);
        assert!(builder.raw_len() >= FULL_BYTES && builder.raw_len() < FULL_BYTES + 300);
        assert_eq!(builder.counts(), [("kind_0".to_owned(), event as u64)]);
    }

    #[test]
    fn a_delta_keeps_its_words_and_not_the_json_around_them() {
        let delta = |seq: u64, block: u64| {
            let word = ["several", "words", "of", "an", "answer"][seq as usize % 5];
            let head = r#"{"type":"content_block_delta","index":"#;
            format!(r#"{head}{block},"delta":{{"type":"text_delta","text":"{word} {seq}"}}}}"#)
        };
        let events: Vec<Event> = (0..500)
            .map(|seq| (seq, seq * 1000, 0, delta(seq, seq / 100).into_bytes(), 0))
            .collect();
        let mut builder = BlockBuilder::default();
        builder.fill(&run(&events), (0, 0));
        // Words of 6 bytes and numbers of 3 on average, and spans of 4.
        assert!(builder.raw_len() < 500 * 16, "{}", builder.raw_len());
    }
}
