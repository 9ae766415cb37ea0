//! A stored run of stream events: spans as varint deltas, then the events' data, packed as one.
//!
//! Layout before packing: count of types, each as length and name; count of events; per event the
//! step of its sequence number, the step of its time, its type, its length, and how much longer it
//! was before redaction (steps and differences zigzag-coded); then all data.

use std::borrow::Cow;

use langley_model::{EventRun, EventSpan};

use crate::error::StoreError;

/// Raw bytes at which a block is complete.
pub(crate) const FULL_BYTES: usize = 64 * 1024;

/// A block being filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockBuilder {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) first_us: u64,
    pub(crate) last_us: u64,
    pub(crate) events: u64,
    kinds: Vec<(Cow<'static, str>, u64)>,
    spans: Vec<u8>,
    text: Vec<u8>,
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
        let (mut event, start) = from;
        let mut end = start;
        let names: Vec<u64> = run.kinds.iter().map(|kind| self.kind(kind)).collect();
        let other = if names.is_empty() { self.kind("") } else { 0 };
        while let Some(span) = run.spans.get(event) {
            if self.spans.len() + self.text.len() + (end - start) >= FULL_BYTES {
                break;
            }
            let kind = names.get(usize::from(span.kind)).copied().unwrap_or(other);
            end = (end + span.len as usize).min(text.len());
            self.span(span, kind);
            event += 1;
        }
        self.text.extend_from_slice(&text[start..end]);
        (event, end)
    }

    /// Appends a single event.
    pub(crate) fn push(&mut self, event: &BlockEvent<'_>, kind: &str) {
        let kind = self.kind(kind);
        self.span(&event.span, kind);
        self.text.extend_from_slice(event.data);
    }

    fn kind(&mut self, kind: &str) -> u64 {
        let known = self.kinds.iter().position(|(name, _)| name == kind);
        let position = known.unwrap_or_else(|| {
            self.kinds.push((Cow::Owned(kind.to_owned()), 0));
            self.kinds.len() - 1
        });
        position as u64
    }

    fn span(&mut self, span: &EventSpan, kind: u64) {
        if self.events == 0 {
            self.first_seq = span.seq;
            self.last_seq = span.seq;
            self.first_us = span.offset_us;
            self.last_us = span.offset_us;
        }
        let out = &mut self.spans;
        put_signed(out, span.seq.wrapping_sub(self.last_seq));
        put_signed(out, span.offset_us.wrapping_sub(self.last_us));
        put(out, kind);
        put(out, u64::from(span.len));
        put_signed(out, u64::from(span.original_len).wrapping_sub(u64::from(span.len)));
        self.last_seq = span.seq;
        self.last_us = span.offset_us;
        self.events += 1;
        if let Some((_, count)) = self.kinds.get_mut(kind as usize) {
            *count += 1;
        }
    }

    /// Writes the layout into `out`, replacing what it held.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        out.reserve(self.raw_len() + 64);
        put(out, self.kinds.len() as u64);
        for (kind, _) in &self.kinds {
            put(out, kind.len() as u64);
            out.extend_from_slice(kind.as_bytes());
        }
        put(out, self.events);
        out.extend_from_slice(&self.spans);
        out.extend_from_slice(&self.text);
    }

    /// Counts by type as a JSON object.
    pub(crate) fn counts(&self) -> String {
        let counted = self.kinds.iter().filter(|(_, count)| *count > 0);
        let counts: serde_json::Map<String, serde_json::Value> =
            counted.map(|(kind, count)| (kind.to_string(), (*count).into())).collect();
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
        let room = self.raw_len() * 2 + 512;
        if self.spans.capacity() + self.text.capacity() > room {
            self.spans.shrink_to_fit();
            self.text.shrink_to_fit();
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
    kinds: Vec<&'a str>,
    spans: &'a [u8],
    text: &'a [u8],
    events: u64,
    seq: u64,
    us: u64,
}

impl<'a> Block<'a> {
    /// Reads the layout; `first_seq` and `first_us` are those of the block's row.
    pub(crate) fn decode(raw: &'a [u8], first_seq: u64, first_us: u64) -> Result<Self, StoreError> {
        Self::parse(raw, first_seq, first_us).ok_or(StoreError::Decode { what: "event block" })
    }

    fn parse(mut raw: &'a [u8], seq: u64, us: u64) -> Option<Self> {
        let mut kinds = Vec::new();
        for _ in 0..take(&mut raw)? {
            let len = usize::try_from(take(&mut raw)?).ok()?;
            let (name, rest) = raw.split_at_checked(len)?;
            kinds.push(std::str::from_utf8(name).ok()?);
            raw = rest;
        }
        let events = take(&mut raw)?;
        // The data begins where the last span ends.
        let spans = raw;
        for _ in 0..events.checked_mul(5)? {
            take(&mut raw)?;
        }
        Some(Self { kinds, spans, text: raw, events, seq, us })
    }

    /// The next event with its type.
    pub(crate) fn next(&mut self) -> Option<(BlockEvent<'a>, &'a str)> {
        if self.events == 0 {
            return None;
        }
        self.events -= 1;
        let spans = &mut self.spans;
        self.seq = self.seq.wrapping_add(take_signed(spans)?);
        self.us = self.us.wrapping_add(take_signed(spans)?);
        let kind = usize::try_from(take(spans)?).ok()?;
        let len = u32::try_from(take(spans)?).ok()?;
        let original = u64::from(len).wrapping_add(take_signed(spans)?);
        let (data, rest) = self.text.split_at_checked(len as usize)?;
        self.text = rest;
        let span = EventSpan {
            seq: self.seq,
            offset_us: self.us,
            kind: u16::try_from(kind).unwrap_or(u16::MAX),
            len,
            original_len: u32::try_from(original).unwrap_or(u32::MAX),
        };
        Some((BlockEvent { span, data }, self.kinds.get(kind).copied().unwrap_or("")))
    }
}

/// LEB128.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A two's-complement difference, zigzag-coded so that small ones of either sign are short.
fn put_signed(out: &mut Vec<u8>, difference: u64) {
    let value = difference.cast_signed();
    put(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take_signed(bytes: &mut &[u8]) -> Option<u64> {
    let value = take(bytes)?;
    Some((value >> 1) ^ (value & 1).wrapping_neg())
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

    fn event() -> impl Strategy<Value = Event> {
        // Digits: text that no redaction rule can match.
        let data = prop::collection::vec(b'0'..=b'9', 0..300);
        (0..u64::MAX, 0..u64::MAX, 0..9_u8, data, 0..u32::MAX)
    }

    proptest! {
        #[test]
        fn any_run_reads_back_as_it_was(events in prop::collection::vec(event(), 0..200)) {
            let run = run(&events);
            let mut builder = BlockBuilder::default();
            let (mut at, mut raw, mut read) = ((0, 0), Vec::new(), Vec::new());
            while at.0 < run.spans.len() {
                at = builder.fill(&run, at);
                builder.encode(&mut raw);
                let mut block = Block::decode(&raw, builder.first_seq, builder.first_us).unwrap();
                while let Some((event, kind)) = block.next() {
                    let span = EventSpan { kind: 0, ..event.span };
                    read.push((span, kind.to_owned(), event.data.to_vec()));
                }
                builder.clear();
            }
            let written: Vec<_> = run
                .iter()
                .map(|(span, kind, data)| {
                    (EventSpan { kind: 0, ..*span }, kind.to_owned(), data.to_vec())
                })
                .collect();
            prop_assert_eq!(read, written);
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
        let events: Vec<Event> =
            (0..1000).map(|seq| (seq, seq * 10, 0, vec![b'7'; 220], 0)).collect();
        let run = run(&events);
        let mut builder = BlockBuilder::default();
        let (event, byte) = builder.fill(&run, (0, 0));
        assert_eq!(byte, event * 220);
        assert!(builder.raw_len() >= FULL_BYTES && builder.raw_len() < FULL_BYTES + 300);
        assert_eq!(builder.counts(), format!(r#"{{"kind_0":{event}}}"#));
    }
}
