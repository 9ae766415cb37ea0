//! A stored run of stream events: each keeps only what differs from the one of its type before it,
//! because most of a text delta is the same JSON around a few words.
//!
//! Layout before packing: count of types, each as length and name; count of events; length of the
//! spans; per event its span; then what is kept of the events' data, one after the other.
//!
//! A span: a head (the type, and which of three parts follow), the step of the time, the length of
//! what is kept; then, as the head says, the step of the sequence number when it is not one, how much
//! longer the event was before redaction, and how many bytes of its beginning and of its end are those
//! of the event of its type before it. These two stay valid for the type until the next such part.
//! Steps and differences are zigzag-coded.

use std::borrow::Cow;

use langley_model::{EventRun, EventSpan};

use super::number::{put, put_signed, take, take_len, take_signed};
use super::shared::Shared;
use crate::error::StoreError;

/// Bytes before packing at which a block is complete.
pub(crate) const FULL_BYTES: usize = 64 * 1024;

/// Larger events are not remembered from one filling to the next.
const REMEMBERED_BYTES: usize = 1024;

/// In a head: the sequence number is not the next one.
const STEPS: u64 = 1;
/// In a head: the event was not as long before redaction.
const REDACTED: u64 = 2;
/// In a head: what is shared changes.
const SHARES: u64 = 4;

/// A block being filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockBuilder {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) first_us: u64,
    pub(crate) last_us: u64,
    pub(crate) events: u64,
    kinds: Vec<Kind>,
    spans: Vec<u8>,
    text: Vec<u8>,
}

/// A type of events in a block being filled.
#[derive(Clone, Debug)]
struct Kind {
    name: Cow<'static, str>,
    events: u64,
    shared: Shared,
    /// The last event of an earlier filling; empty when it was large.
    last: Vec<u8>,
}

impl BlockBuilder {
    pub(crate) const fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Bytes before packing, headings aside.
    pub(crate) const fn raw_len(&self) -> usize {
        self.spans.len() + self.text.len()
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
            let (name, shared) = (Cow::Owned(name.to_owned()), Shared::default());
            self.kinds.push(Kind { name, events: 0, shared, last: Vec::new() });
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
        let kind = &mut self.kinds[number];
        let shared = kind.shared.with(last.unwrap_or(&kind.last), data);
        let kept = shared.cut(data);
        let step = span.seq.wrapping_sub(self.last_seq);
        let longer = u64::from(span.original_len).wrapping_sub(data.len() as u64);
        let changes = shared != kind.shared;
        let head = (number as u64) << 3
            | if step == 1 { 0 } else { STEPS }
            | if longer == 0 { 0 } else { REDACTED }
            | if changes { SHARES } else { 0 };
        let out = &mut self.spans;
        put(out, head);
        put_signed(out, span.offset_us.wrapping_sub(self.last_us));
        put(out, kept.len() as u64);
        if step != 1 {
            put_signed(out, step);
        }
        if longer != 0 {
            put_signed(out, longer);
        }
        if changes {
            put(out, shared.front as u64);
            put(out, shared.back as u64);
        }
        self.text.extend_from_slice(kept);
        kind.shared = shared;
        kind.events += 1;
        self.last_seq = span.seq;
        self.last_us = span.offset_us;
        self.events += 1;
    }

    /// Writes the layout into `out`, replacing what it held.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        out.reserve(self.raw_len() + 256);
        put(out, self.kinds.len() as u64);
        for kind in &self.kinds {
            put(out, kind.name.len() as u64);
            out.extend_from_slice(kind.name.as_bytes());
        }
        put(out, self.events);
        put(out, self.spans.len() as u64);
        out.extend_from_slice(&self.spans);
        out.extend_from_slice(&self.text);
    }

    /// Appends these events to `whole`, by way of their layout in `raw`.
    pub(crate) fn copy_into(&self, raw: &mut Vec<u8>, whole: &mut Self) {
        self.encode(raw);
        if let Some(mut block) = Block::parse(raw, self.first_seq, self.first_us) {
            while let Some((event, kind)) = block.next() {
                whole.push(&event, kind);
            }
        }
    }

    /// Counts by type as a JSON object.
    pub(crate) fn counts(&self) -> String {
        let counted = self.kinds.iter().filter(|kind| kind.events > 0);
        let counts: serde_json::Map<String, serde_json::Value> =
            counted.map(|kind| (kind.name.to_string(), kind.events.into())).collect();
        serde_json::Value::Object(counts).to_string()
    }

    /// Empties the block and keeps its room.
    pub(crate) fn clear(&mut self) {
        self.events = 0;
        self.kinds.clear();
        self.spans.clear();
        self.text.clear();
    }

    /// Gives spare room back; for blocks that stay in memory between transactions.
    pub(crate) fn shrink(&mut self) {
        let room = self.raw_len() + self.raw_len() / 4 + 256;
        if self.spans.capacity() + self.text.capacity() > room {
            self.spans.shrink_to_fit();
            self.text.shrink_to_fit();
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

/// One event of a decoded block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockEvent<'a> {
    pub(crate) span: EventSpan,
    pub(crate) data: &'a [u8],
}

/// A block read back.
pub(crate) struct Block<'a> {
    kinds: Vec<ReadKind<'a>>,
    spans: &'a [u8],
    text: &'a [u8],
    events: u64,
    seq: u64,
    us: u64,
}

/// A type of events in a block being read: its last event, and what the next one shares with it.
struct ReadKind<'a> {
    name: &'a str,
    shared: Shared,
    last: Vec<u8>,
}

impl<'a> Block<'a> {
    /// Reads the layout; `first_seq` and `first_us` are those of the block's row.
    pub(crate) fn decode(raw: &'a [u8], first_seq: u64, first_us: u64) -> Result<Self, StoreError> {
        Self::parse(raw, first_seq, first_us).ok_or(StoreError::Decode { what: "event block" })
    }

    fn parse(mut raw: &'a [u8], first_seq: u64, us: u64) -> Option<Self> {
        let mut kinds = Vec::new();
        for _ in 0..take(&mut raw)? {
            let len = take_len(&mut raw)?;
            let (name, rest) = raw.split_at_checked(len)?;
            let name = std::str::from_utf8(name).ok()?;
            kinds.push(ReadKind { name, shared: Shared::default(), last: Vec::new() });
            raw = rest;
        }
        let events = take(&mut raw)?;
        let len = take_len(&mut raw)?;
        let (spans, text) = raw.split_at_checked(len)?;
        Some(Self { kinds, spans, text, events, seq: first_seq.wrapping_sub(1), us })
    }

    /// The next event with its type.
    pub(crate) fn next(&mut self) -> Option<(BlockEvent<'_>, &'a str)> {
        if self.events == 0 {
            return None;
        }
        self.events -= 1;
        let spans = &mut self.spans;
        let head = take(spans)?;
        let number = usize::try_from(head >> 3).ok()?;
        let kind = self.kinds.get_mut(number)?;
        self.us = self.us.wrapping_add(take_signed(spans)?);
        let kept = take_len(spans)?;
        let step = if head & STEPS == 0 { 1 } else { take_signed(spans)? };
        self.seq = self.seq.wrapping_add(step);
        let longer = if head & REDACTED == 0 { 0 } else { take_signed(spans)? };
        if head & SHARES != 0 {
            kind.shared = Shared { front: take_len(spans)?, back: take_len(spans)? };
        }
        let (kept, rest) = self.text.split_at_checked(kept)?;
        self.text = rest;
        kind.last.splice(kind.shared.between(&kind.last)?, kept.iter().copied());
        let len = u32::try_from(kind.last.len()).ok()?;
        let original = u64::from(len).wrapping_add(longer);
        let span = EventSpan {
            seq: self.seq,
            offset_us: self.us,
            kind: u16::try_from(number).unwrap_or(u16::MAX),
            len,
            original_len: u32::try_from(original).unwrap_or(u32::MAX),
        };
        Some((BlockEvent { span, data: &kind.last }, kind.name))
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
        let same = (0..90_usize).prop_map(|len| vec![b'.'; len]);
        let large = (1000..1100_usize).prop_map(|len| vec![b'.'; len]);
        prop_oneof![random(), framed, same, large]
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

    proptest! {
        #[test]
        fn any_runs_read_back_as_they_were(
            runs in prop::collection::vec(prop::collection::vec(event(), 0..100), 0..8)
        ) {
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
        assert_eq!(builder.counts(), format!(r#"{{"kind_0":{event}}}"#));
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
