//! Stream events on their way to memory: a secret that spans any number of them appears in none.
//!
//! Events are held, whole and in order, only while the text of some block ends in what may still
//! become a secret (or is in the middle of one). An event without an anchor and without a
//! suspicious end costs one search and one copy.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;

use super::anchor::next_hit;
use super::block::{BlockText, Decided, unescape};
use super::scan;
use super::{Redacted, Redactor};
use crate::record::{EventRun, EventSpan, LiveKind};

/// Most events, and most bytes of them, that are held.
const HELD_EVENTS: usize = 256;
const HELD_BYTES: usize = 64 * 1024;
/// Most blocks whose text is followed; the oldest gives way.
const BLOCKS: usize = 64;

/// Where the text of a delta lies in its event's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventText {
    /// The content block.
    pub block: u32,
    /// What kind of text it is.
    pub kind: LiveKind,
    /// First byte behind the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
}

/// A stream event as it came; nothing of it is redacted.
#[derive(Clone, Copy)]
pub struct IncomingEvent<'a> {
    /// Position in the flow, from 0.
    pub seq: u64,
    /// Microseconds since the flow started.
    pub offset_us: u64,
    /// Its type.
    pub kind: &'a str,
    /// Its data.
    pub data: &'a [u8],
    /// The text it adds to a block, when it is a delta.
    pub text: Option<EventText>,
}

impl fmt::Debug for IncomingEvent<'_> {
    /// Without the data: it is not redacted yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingEvent")
            .field("seq", &self.seq)
            .field("kind", &self.kind)
            .field("len", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// Bytes that are searched for anchors once, for all the events that lie in them.
///
/// Most of a search's price is its beginning, and one read often brings several events.
#[derive(Clone, Copy)]
pub struct Survey<'a> {
    bytes: &'a [u8],
    /// From here up to `hit` no anchor starts; `usize::MAX` before the first search.
    from: usize,
    hit: usize,
}

impl<'a> Survey<'a> {
    /// A survey of these bytes; nothing is searched yet.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, from: usize::MAX, hit: 0 }
    }

    /// Whether no anchor is in `data`, which may or may not be a part of the surveyed bytes.
    fn is_clean(&mut self, data: &[u8]) -> bool {
        // Both are borrowed here, so equal addresses are the same bytes.
        let start = data.as_ptr().addr().checked_sub(self.bytes.as_ptr().addr());
        let room = |start: &usize| {
            start.checked_add(data.len()).is_some_and(|end| end <= self.bytes.len())
        };
        let Some(start) = start.filter(room) else { return next_hit(data, 0).is_none() };
        if start < self.from || start > self.hit {
            self.from = start;
            self.hit = next_hit(self.bytes, start).map_or(self.bytes.len(), |hit| hit.start);
        }
        start + data.len() <= self.hit
    }
}

impl fmt::Debug for Survey<'_> {
    /// Without the bytes: they are not redacted yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Survey").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Takes newly safe text of a block.
type Live<'a> = &'a mut dyn FnMut(u32, LiveKind, Redacted<String>);

/// Redacts the events of one direction of one flow, in order.
#[derive(Default)]
pub struct EventRedactor {
    blocks: Vec<BlockText>,
    held: VecDeque<Held>,
    held_bytes: usize,
    serial: u64,
    is_muted: bool,
}

/// An event that waits.
struct Held {
    seq: u64,
    offset_us: u64,
    kind: String,
    data: Vec<u8>,
    original_len: usize,
    place: Option<Place>,
    /// Replacements in `data`, in order.
    cuts: Vec<(usize, usize, Cow<'static, str>)>,
}

/// Where the text of a held event lies.
#[derive(Clone, Copy)]
struct Place {
    serial: u64,
    /// Offset in the block's text.
    offset: u64,
    /// Position in the event's data.
    at: usize,
    len: usize,
}

impl EventRedactor {
    /// For a flow that starts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether somebody wants the newly safe text; from the start, yes. While nobody does, `live` is
    /// never called.
    pub const fn set_watched(&mut self, is_watched: bool) {
        self.is_muted = !is_watched;
    }

    /// Appends every event that is now safe to `run` (possibly none, possibly several earlier ones),
    /// and calls `live` with newly safe text.
    pub fn push(
        &mut self,
        redactor: &Redactor,
        event: IncomingEvent<'_>,
        run: &mut EventRun,
        live: Live<'_>,
    ) {
        self.push_surveyed(redactor, event, &mut Survey::new(event.data), run, live);
    }

    /// As [`Self::push`], for an event that may be one of several in surveyed bytes.
    pub fn push_surveyed(
        &mut self,
        redactor: &Redactor,
        event: IncomingEvent<'_>,
        survey: &mut Survey<'_>,
        run: &mut EventRun,
        live: Live<'_>,
    ) {
        let place = event.text.filter(|text| text.start < text.end && text.end <= event.data.len());
        let piece = place.map_or(&[][..], |text| &event.data[text.start..text.end]);
        if redactor.rules().none() {
            self.show(place, piece, live);
            return append(
                run,
                event.seq,
                event.offset_us,
                event.kind,
                event.data,
                event.data.len(),
            );
        }
        let clean = survey.is_clean(event.data);
        let index = place.map(|text| self.block(redactor, text, run, live));
        if let Some(block) = index.map(|index| &mut self.blocks[index]) {
            if !clean {
                block.append(piece);
            } else if block.append_clean(piece) {
                self.show(place, piece, live);
                if self.held.is_empty() {
                    return append_whole(run, event);
                }
                self.hold(event, event.data.to_vec(), None);
                return self.keep_bound(redactor, run, live);
            }
        } else if clean && self.held.is_empty() {
            return append_whole(run, event);
        }
        let (data, at) = if clean {
            (event.data.to_vec(), place.map_or(0, |text| text.start))
        } else {
            envelope(redactor, event.data, place)
        };
        let placed = index.map(|index| {
            let block = &self.blocks[index];
            let offset = block.len() - piece.len() as u64;
            Place { serial: block.serial, offset, at, len: piece.len() }
        });
        self.hold(event, data, placed);
        if let Some(index) = index {
            let decided = self.blocks[index].step(false, redactor.rules());
            self.settle(redactor, index, decided, live);
        }
        self.release(run);
        self.keep_bound(redactor, run, live);
    }

    /// A block ended: what was held back of it is decided.
    pub fn end_block(
        &mut self,
        redactor: &Redactor,
        block: u32,
        run: &mut EventRun,
        live: Live<'_>,
    ) {
        while let Some(index) = self.blocks.iter().position(|known| known.block == block) {
            self.end(redactor, index, live);
        }
        self.release(run);
    }

    /// The stream ended: everything is decided.
    pub fn finish(&mut self, redactor: &Redactor, run: &mut EventRun, live: Live<'_>) {
        while !self.blocks.is_empty() {
            self.end(redactor, 0, live);
        }
        self.release(run);
    }

    /// Position of the text that `text` continues, begun when it is new.
    fn block(
        &mut self,
        redactor: &Redactor,
        text: EventText,
        run: &mut EventRun,
        live: Live<'_>,
    ) -> usize {
        let is = |known: &BlockText| known.block == text.block && known.kind == text.kind;
        if let Some(index) = self.blocks.iter().position(is) {
            return index;
        }
        if self.blocks.len() == BLOCKS {
            self.end(redactor, 0, live);
            self.release(run);
        }
        self.serial += 1;
        self.blocks.push(BlockText::new(self.serial, text.block, text.kind));
        self.blocks.len() - 1
    }

    fn end(&mut self, redactor: &Redactor, index: usize, live: Live<'_>) {
        let decided = self.blocks[index].step(true, redactor.rules());
        self.settle(redactor, index, decided, live);
        self.blocks.remove(index);
    }

    fn hold(&mut self, event: IncomingEvent<'_>, data: Vec<u8>, place: Option<Place>) {
        self.held_bytes += data.len();
        self.held.push_back(Held {
            seq: event.seq,
            offset_us: event.offset_us,
            kind: event.kind.to_owned(),
            original_len: event.data.len(),
            data,
            place,
            cuts: Vec::new(),
        });
    }

    /// Carries what a block has decided over to the held events, and shows it.
    fn settle(&mut self, redactor: &Redactor, index: usize, decided: Decided, live: Live<'_>) {
        let BlockText { serial, block, kind, .. } = self.blocks[index];
        for (start, end, rule, text) in decided.cuts {
            if !text.is_empty() {
                redactor.count(rule);
            }
            let mut text = text;
            for held in &mut self.held {
                let Some(place) = held.place.filter(|place| place.serial == serial) else {
                    continue;
                };
                let from = start.max(place.offset);
                let to = end.min(place.offset + place.len as u64);
                if from < to {
                    // Both are inside the event's text, whose length fits.
                    let position = |offset: u64| place.at + (offset - place.offset) as usize;
                    held.cuts.push((position(from), position(to), std::mem::take(&mut text)));
                }
            }
        }
        if !decided.live.is_empty() && !self.is_muted {
            live(block, kind, Redacted::new(decided.live));
        }
    }

    /// Shows a piece that is safe as it is.
    fn show(&self, place: Option<EventText>, piece: &[u8], live: Live<'_>) {
        if let Some(text) = place.filter(|_| !self.is_muted) {
            let mut shown = String::with_capacity(piece.len());
            unescape(piece, &mut shown);
            live(text.block, text.kind, Redacted::new(shown));
        }
    }

    /// Hands out the events at the front whose text is decided.
    fn release(&mut self, run: &mut EventRun) {
        while let Some(held) = self.held.front() {
            let waits = held.place.is_some_and(|place| {
                let block = self.blocks.iter().find(|block| block.serial == place.serial);
                block.is_some_and(|block| block.decided() < place.offset + place.len as u64)
            });
            if waits {
                return;
            }
            let Some(held) = self.held.pop_front() else { return };
            self.held_bytes -= held.data.len();
            held.append_to(run);
        }
    }

    /// Decides the oldest until what is held is within its bound.
    fn keep_bound(&mut self, redactor: &Redactor, run: &mut EventRun, live: Live<'_>) {
        while self.held.len() > HELD_EVENTS || self.held_bytes > HELD_BYTES {
            let serial = self.held.front().and_then(|held| held.place).map(|place| place.serial);
            let Some(index) = self.blocks.iter().position(|block| Some(block.serial) == serial)
            else {
                return self.release(run);
            };
            let decided = self.blocks[index].force();
            self.settle(redactor, index, decided, live);
            self.release(run);
        }
    }
}

impl fmt::Debug for EventRedactor {
    /// Without the held events: they are not redacted yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRedactor")
            .field("blocks", &self.blocks)
            .field("held", &self.held.len())
            .field("held_bytes", &self.held_bytes)
            .finish_non_exhaustive()
    }
}

impl Held {
    fn append_to(self, run: &mut EventRun) {
        let Self { seq, offset_us, kind, data, original_len, cuts, .. } = self;
        if cuts.is_empty() {
            return append(run, seq, offset_us, &kind, &data, original_len);
        }
        let mut redacted = Vec::with_capacity(data.len());
        let mut at = 0;
        for (start, end, text) in cuts {
            redacted.extend_from_slice(&data[at..start]);
            redacted.extend_from_slice(text.as_bytes());
            at = end;
        }
        redacted.extend_from_slice(&data[at..]);
        append(run, seq, offset_us, &kind, &redacted, original_len);
    }
}

fn append_whole(run: &mut EventRun, event: IncomingEvent<'_>) {
    append(run, event.seq, event.offset_us, event.kind, event.data, event.data.len());
}

fn append(
    run: &mut EventRun,
    seq: u64,
    offset_us: u64,
    kind: &str,
    data: &[u8],
    original_len: usize,
) {
    let length = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    let kind = run.kind(kind);
    run.text.buffer().extend_from_slice(data);
    run.spans.push(EventSpan {
        seq,
        offset_us,
        kind,
        len: length(data.len()),
        original_len: length(original_len),
    });
}

/// Redacts what lies around an event's text, and says where the text starts then. The text itself
/// is its block's.
fn envelope(redactor: &Redactor, data: &[u8], text: Option<EventText>) -> (Vec<u8>, usize) {
    let (start, end) = text.map_or((data.len(), data.len()), |text| (text.start, text.end));
    let mut cuts = scan::cuts(data, redactor.rules());
    cuts.retain(|cut| cut.end <= start || cut.start >= end);
    let before = cuts.iter().filter(|cut| cut.end <= start);
    let shift = |at: usize, cut: &scan::Cut| at + cut.text.len() - (cut.end - cut.start);
    let start = before.fold(start, shift);
    (redactor.replace(data, &cuts), start)
}
