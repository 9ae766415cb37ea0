//! A stored block of events, read back; how it is laid out stands in [`super::event_block`].

use langley_model::EventSpan;

use super::number::{take, take_len, take_signed};
use super::shared::{self, Holes, MOST_HOLES};
use crate::error::StoreError;

/// Tells this layout from the first one, which had at least one type.
pub(super) const MARK: u64 = 0;
pub(super) const LAYOUT: u64 = 2;

/// Columns of numbers.
const HEADS: usize = 0;
const LOWER: usize = 1;
const UPPER: usize = 2;
const LENGTHS: usize = 3;
const OTHERS: usize = 4;
pub(super) const COLUMNS: usize = 5;

/// In the column of upper halves: the step of the time is longer, or backwards.
pub(super) const LONG: u8 = u8::MAX;

/// In a head: the sequence number is not the next one.
pub(super) const STEPS: u64 = 1;
/// In a head: the event was not as long before redaction.
pub(super) const REDACTED: u64 = 2;
/// In a head: what is shared changes.
pub(super) const SHARES: u64 = 4;

/// One event of a decoded block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockEvent<'a> {
    pub(crate) span: EventSpan,
    pub(crate) data: &'a [u8],
}

/// A block read back.
pub(crate) struct Block<'a> {
    kinds: Vec<ReadKind<'a>>,
    /// One column in the first layout.
    numbers: Vec<&'a [u8]>,
    texts: Vec<&'a [u8]>,
    /// Columns of text that are in use.
    used: usize,
    events: u64,
    /// Whether an event could not be read.
    is_broken: bool,
    seq: u64,
    us: u64,
}

/// A type of events in a block being read: its last event, and where the next one has its own.
struct ReadKind<'a> {
    name: &'a str,
    holes: Holes,
    columns: Vec<usize>,
    last: Vec<u8>,
    /// Room for the next one.
    next: Vec<u8>,
}

impl<'a> Block<'a> {
    /// Reads the layout; `first_seq` and `first_us` are those of the block's row.
    pub(crate) fn decode(raw: &'a [u8], first_seq: u64, first_us: u64) -> Result<Self, StoreError> {
        Self::parse(raw, first_seq, first_us).ok_or(StoreError::Decode { what: "event block" })
    }

    pub(super) fn parse(mut raw: &'a [u8], first_seq: u64, us: u64) -> Option<Self> {
        let raw = &mut raw;
        let mut count = take(raw)?;
        let is_first = count != MARK;
        if !is_first {
            if take(raw)? != LAYOUT {
                return None;
            }
            count = take(raw)?;
        }
        let mut kinds = Vec::new();
        for _ in 0..count {
            let len = take_len(raw)?;
            let name = std::str::from_utf8(part(raw, len)?).ok()?;
            let (holes, columns) = (shared::all(), Vec::new());
            kinds.push(ReadKind { name, holes, columns, last: Vec::new(), next: Vec::new() });
        }
        let events = take(raw)?;
        let (numbers, texts) = if is_first {
            let len = take_len(raw)?;
            (vec![part(raw, len)?], vec![*raw])
        } else {
            let numbers = columns(raw, COLUMNS)?;
            let texts = take_len(raw)?;
            (numbers, columns(raw, texts)?)
        };
        let seq = first_seq.wrapping_sub(1);
        Some(Self { kinds, numbers, texts, used: 0, events, is_broken: false, seq, us })
    }

    const fn is_first(&self) -> bool {
        self.numbers.len() == 1
    }

    /// The column of numbers that has them.
    fn of(&mut self, column: usize) -> Option<&mut &'a [u8]> {
        let column = if self.is_first() { 0 } else { column };
        self.numbers.get_mut(column)
    }

    /// Whether the events that came are all there are, when there is no next one.
    pub(crate) const fn is_whole(&self) -> bool {
        !self.is_broken
    }

    /// The next event with its type.
    pub(crate) fn next(&mut self) -> Option<(BlockEvent<'_>, &'a str)> {
        // Until it is known that the block goes on, it breaks off here.
        let left = std::mem::take(&mut self.events).checked_sub(1)?;
        self.is_broken = true;
        let head = take(self.of(HEADS)?)?;
        let number = usize::try_from(head >> 3).ok()?;
        self.us = self.us.wrapping_add(self.time()?);
        let only = if self.is_first() { Some(take_len(self.of(LENGTHS)?)?) } else { None };
        let step = if head & STEPS == 0 { 1 } else { take_signed(self.of(OTHERS)?)? };
        self.seq = self.seq.wrapping_add(step);
        let longer = if head & REDACTED == 0 { 0 } else { take_signed(self.of(OTHERS)?)? };
        let holes = if head & SHARES == 0 { None } else { Some(self.holes(number)?) };
        let Self { kinds, numbers, texts, used, .. } = self;
        let kind = kinds.get_mut(number)?;
        if let Some(holes) = holes {
            kind.holes = holes;
        }
        kind.next.clear();
        let mut at = 0;
        for (place, hole) in kind.holes.iter_mut().enumerate() {
            kind.next.extend_from_slice(kind.last.get(at..hole.start)?);
            at = hole.end;
            let start = kind.next.len();
            let len = match only {
                Some(len) => Some(len),
                None => take_len(numbers.get_mut(LENGTHS)?)?.checked_sub(1),
            };
            match len {
                None => {
                    let next = shared::after(kind.last.get(hole.clone())?)?;
                    kind.next.extend_from_slice(next.to_string().as_bytes());
                }
                Some(0) => {}
                Some(len) => {
                    while only.is_none() && kind.columns.len() <= place {
                        kind.columns.push(*used);
                        *used += 1;
                    }
                    let column = kind.columns.get(place).copied().unwrap_or(0);
                    kind.next.extend_from_slice(part(texts.get_mut(column)?, len)?);
                }
            }
            *hole = start..kind.next.len();
        }
        kind.next.extend_from_slice(kind.last.get(at..)?);
        std::mem::swap(&mut kind.last, &mut kind.next);
        let len = u32::try_from(kind.last.len()).ok()?;
        let original = u64::from(len).wrapping_add(longer);
        (self.events, self.is_broken) = (left, false);
        let span = EventSpan {
            seq: self.seq,
            offset_us: self.us,
            kind: u16::try_from(number).unwrap_or(u16::MAX),
            len,
            original_len: u32::try_from(original).unwrap_or(u32::MAX),
        };
        Some((BlockEvent { span, data: &kind.last }, kind.name))
    }

    /// The step of the time.
    fn time(&mut self) -> Option<u64> {
        if self.is_first() {
            return take_signed(self.of(OTHERS)?);
        }
        match part(self.of(UPPER)?, 1)?[0] {
            LONG => take_signed(self.of(OTHERS)?),
            high => Some(u64::from(u16::from_be_bytes([high, part(self.of(LOWER)?, 1)?[0]]))),
        }
    }

    /// Where the last event of a type has holes from now on.
    fn holes(&mut self, number: usize) -> Option<Holes> {
        let count = if self.is_first() { 1 } else { take_len(self.of(OTHERS)?)? };
        let len = self.kinds.get(number)?.last.len();
        let (mut holes, mut at) = (Holes::new(), 0_usize);
        for left in (0..count.min(MOST_HOLES)).rev() {
            let start = at.checked_add(take_len(self.of(OTHERS)?)?)?;
            let more = take_len(self.of(OTHERS)?)?;
            at = if left > 0 { start.checked_add(more)? } else { len.checked_sub(more)? };
            if start > at || at > len {
                return None;
            }
            holes.push(start..at);
        }
        (!holes.is_empty()).then_some(holes)
    }
}

/// So many columns: their lengths, then they themselves.
fn columns<'a>(raw: &mut &'a [u8], count: usize) -> Option<Vec<&'a [u8]>> {
    if count > raw.len() {
        return None;
    }
    let lengths: Vec<usize> = (0..count).map(|_| take_len(raw)).collect::<Option<_>>()?;
    lengths.into_iter().map(|len| part(raw, len)).collect()
}

/// The next `len` bytes.
fn part<'a>(raw: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (part, rest) = raw.split_at_checked(len)?;
    *raw = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_the_first_layout_stay_readable() {
        // Two types; heads, steps of the time, lengths, and what follows as the heads say.
        let mut raw = vec![2, 1, b'a', 2, b'b', b'c', 5];
        let spans = [
            &[0, 20, 11][..],
            // The same around a word, two longer before redaction.
            &[REDACTED as u8 | SHARES as u8, 2, 3, 4, 4, 4],
            &[0, 2, 1],
            // Of the other type, three later.
            &[1 << 3 | STEPS as u8, 1, 2, 6],
            &[0, 0, 0],
        ]
        .concat();
        raw.push(spans.len() as u8);
        raw.extend(spans);
        raw.extend(b"{\"t\":\"one\"}twoxhi");
        let mut block = Block::decode(&raw, 7, 100).unwrap();
        let mut seen = Vec::new();
        while let Some((event, kind)) = block.next() {
            let EventSpan { seq, offset_us, original_len, .. } = event.span;
            let data = String::from_utf8(event.data.to_vec()).unwrap();
            seen.push((seq, offset_us, original_len, kind, data));
        }
        let event = |seq, us, len, kind, data: &str| (seq, us, len, kind, data.to_owned());
        let expected = [
            event(7, 110, 11, "a", r#"{"t":"one"}"#),
            event(8, 111, 13, "a", r#"{"t"twone"}"#),
            event(9, 112, 9, "a", r#"{"t"xne"}"#),
            event(12, 111, 2, "bc", "hi"),
            event(13, 111, 8, "a", r#"{"t"ne"}"#),
        ];
        assert_eq!(seen, expected);
    }
}
