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
use super::field::Credential;
use super::scan;
use super::{Redacted, Redactor};
use crate::few::Few;
use crate::record::{EventRun, EventSpan, LiveKind};

/// Most events, and most bytes of them, that are held.
const HELD_EVENTS: usize = 256;
const HELD_BYTES: usize = 64 * 1024;
/// Most blocks whose text is followed; the oldest gives way.
const BLOCKS: usize = 64;

/// Where a text that an event adds to a block lies in the event's data.
///
/// `start..end` are the bytes between the quotes of a JSON string, still JSON-escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventText {
    /// The content block.
    pub block: u32,
    /// What kind of text it is.
    pub kind: LiveKind,
    /// As what the block's text is to be judged, when the whole of it is the value of a member that
    /// names a credential, and the name stands elsewhere. Taken from the block's first text.
    pub credential: Option<Credential>,
    /// First byte behind the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
}

impl EventText {
    /// What lies there; nothing when the place is none.
    fn piece<'d>(&self, data: &'d [u8]) -> &'d [u8] {
        data.get(self.start..self.end).unwrap_or_default()
    }
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
    /// The texts it adds to blocks, when it is a delta. They do not overlap.
    pub texts: &'a [EventText],
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
    places: Few<Place>,
    /// Replacements in `data`; those of one text in order.
    cuts: Vec<(usize, usize, Cow<'static, str>)>,
}

/// Where a text of a held event lies.
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
        if redactor.rules().none() {
            for text in event.texts {
                self.show(*text, text.piece(event.data), live);
            }
            return append_whole(run, event);
        }
        let clean = survey.is_clean(event.data);
        let texts = match event.texts {
            [text] if text.piece(event.data).is_empty() => &[],
            texts => texts,
        };
        match texts {
            [] if clean && self.held.is_empty() => return append_whole(run, event),
            [text] if clean => {
                let index = self.block(redactor, *text, live);
                let piece = text.piece(event.data);
                if self.blocks[index].append_clean(piece) {
                    self.show(*text, piece, live);
                    if self.held.is_empty() {
                        return append_whole(run, event);
                    }
                    self.hold(event, event.data.to_vec());
                } else {
                    self.hold(event, event.data.to_vec());
                    self.place(redactor, index, text.start, piece.len(), live);
                }
            }
            _ => self.push_texts(redactor, event, clean, live),
        }
        self.release(run);
        self.keep_bound(redactor, run, live);
    }

    /// Holds an event, and appends each of its texts to its block.
    fn push_texts(
        &mut self,
        redactor: &Redactor,
        event: IncomingEvent<'_>,
        clean: bool,
        live: Live<'_>,
    ) {
        let around = if clean { Vec::new() } else { envelope(redactor, event.data, event.texts) };
        let data = if around.is_empty() {
            event.data.to_vec()
        } else {
            redactor.replace(event.data, &around)
        };
        // Held first: a block that gives way to another is decided at once, also its text in here.
        self.hold(event, data);
        for text in event.texts {
            let piece = text.piece(event.data);
            if piece.is_empty() {
                continue;
            }
            let index = self.block(redactor, *text, live);
            self.blocks[index].append(piece);
            let shift = |at: usize, cut: &scan::Cut| at + cut.text.len() - (cut.end - cut.start);
            let before = around.iter().filter(|cut| cut.end <= text.start);
            self.place(redactor, index, before.fold(text.start, shift), piece.len(), live);
        }
    }

    /// Notes where in the event held last the latest piece of a block's text lies, and decides what
    /// of the block can be decided.
    fn place(&mut self, redactor: &Redactor, index: usize, at: usize, len: usize, live: Live<'_>) {
        let block = &self.blocks[index];
        let place = Place { serial: block.serial, offset: block.len() - len as u64, at, len };
        if let Some(held) = self.held.back_mut() {
            held.places.push(place);
        }
        let decided = self.blocks[index].step(false, redactor.rules());
        self.settle(redactor, index, decided, live);
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
    fn block(&mut self, redactor: &Redactor, text: EventText, live: Live<'_>) -> usize {
        let is = |known: &BlockText| known.block == text.block && known.kind == text.kind;
        if let Some(index) = self.blocks.iter().position(is) {
            return index;
        }
        if self.blocks.len() == BLOCKS {
            self.end(redactor, 0, live);
        }
        self.serial += 1;
        self.blocks.push(BlockText::new(self.serial, &text));
        self.blocks.len() - 1
    }

    fn end(&mut self, redactor: &Redactor, index: usize, live: Live<'_>) {
        let decided = self.blocks[index].step(true, redactor.rules());
        self.settle(redactor, index, decided, live);
        self.blocks.remove(index);
    }

    fn hold(&mut self, event: IncomingEvent<'_>, data: Vec<u8>) {
        self.held_bytes += data.len();
        self.held.push_back(Held {
            seq: event.seq,
            offset_us: event.offset_us,
            kind: event.kind.to_owned(),
            original_len: event.data.len(),
            data,
            places: Few::None,
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
                for place in held.places.iter().filter(|place| place.serial == serial) {
                    let from = start.max(place.offset);
                    let to = end.min(place.offset + place.len as u64);
                    if from < to {
                        // Both are inside the event's text, whose length fits.
                        let position = |offset: u64| place.at + (offset - place.offset) as usize;
                        held.cuts.push((position(from), position(to), std::mem::take(&mut text)));
                    }
                }
            }
        }
        if !decided.live.is_empty() && !self.is_muted {
            live(block, kind, Redacted::new(decided.live));
        }
    }

    /// Shows a piece that is safe as it is.
    fn show(&self, text: EventText, piece: &[u8], live: Live<'_>) {
        if !self.is_muted && !piece.is_empty() {
            let mut shown = String::with_capacity(piece.len());
            unescape(piece, &mut shown);
            live(text.block, text.kind, Redacted::new(shown));
        }
    }

    /// Hands out the events at the front whose text is decided.
    fn release(&mut self, run: &mut EventRun) {
        while let Some(held) = self.held.front() {
            if self.awaited(held).is_some() {
                return;
            }
            let Some(held) = self.held.pop_front() else { return };
            self.held_bytes -= held.data.len();
            held.append_to(run);
        }
    }

    /// The block for whose decision an event waits.
    fn awaited(&self, held: &Held) -> Option<usize> {
        held.places.iter().find_map(|place| {
            let index = self.blocks.iter().position(|block| block.serial == place.serial)?;
            let is_open = self.blocks[index].decided() < place.offset + place.len as u64;
            is_open.then_some(index)
        })
    }

    /// Decides the oldest until what is held is within its bound.
    fn keep_bound(&mut self, redactor: &Redactor, run: &mut EventRun, live: Live<'_>) {
        while self.held.len() > HELD_EVENTS || self.held_bytes > HELD_BYTES {
            let Some(index) = self.held.front().and_then(|held| self.awaited(held)) else {
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
        let Self { seq, offset_us, kind, data, original_len, mut cuts, .. } = self;
        // The texts are decided in any order.
        cuts.sort_by_key(|(start, ..)| *start);
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

/// What is to be redacted around an event's texts. The texts themselves are their blocks'.
fn envelope(redactor: &Redactor, data: &[u8], texts: &[EventText]) -> Vec<scan::Cut> {
    let mut cuts = scan::cuts(data, redactor.rules());
    cuts.retain(|cut| {
        let is_apart = |text: &EventText| cut.end <= text.start || cut.start >= text.end;
        texts.iter().filter(|text| text.start < text.end).all(is_apart)
    });
    cuts
}
