//! Stream events on their way to memory: a secret that spans any number of them appears in none.
//!
//! Events are held, whole and in order, only while the text of some block ends in what may still
//! become a secret (or is in the middle of one). An event without an anchor and without a
//! suspicious end costs one search and one copy.

use std::fmt;

use super::anchor::next_hit;
use super::block::{BlockText, Decided, unescape};
use super::held::{HeldEvents, append_whole, work};
use super::name::Credential;
use super::scan;
use super::{Redacted, Redactor};
use crate::record::{EventRun, LiveKind};

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
    held: HeldEvents,
    is_muted: bool,
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
                    self.held.push(event, event.data.to_vec());
                } else {
                    self.held.push(event, event.data.to_vec());
                    self.place(redactor, index, text.start, piece.len(), live);
                }
            }
            _ => self.push_texts(redactor, event, clean, live),
        }
        self.held.release(run);
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
        let moved = Moved::by(&around);
        // Held first: a block that gives way to another is decided at once, also its text in here.
        self.held.push(event, data);
        for text in event.texts {
            let piece = text.piece(event.data);
            if piece.is_empty() {
                continue;
            }
            let index = self.block(redactor, *text, live);
            self.blocks[index].append(piece);
            self.place(redactor, index, moved.place(text.start), piece.len(), live);
        }
    }

    /// Notes where in the event held last the latest piece of a block's text lies, and decides what
    /// of the block can be decided.
    fn place(&mut self, redactor: &Redactor, index: usize, at: usize, len: usize, live: Live<'_>) {
        let block = &mut self.blocks[index];
        let offset = block.len() - len as u64;
        self.held.place(&mut block.places, offset, at, len);
        let decided = block.step(false, redactor.rules());
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
        self.held.release(run);
    }

    /// The stream ended: everything is decided.
    pub fn finish(&mut self, redactor: &Redactor, run: &mut EventRun, live: Live<'_>) {
        while !self.blocks.is_empty() {
            self.end(redactor, 0, live);
        }
        self.held.release(run);
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
        self.blocks.push(BlockText::new(&text));
        self.blocks.len() - 1
    }

    fn end(&mut self, redactor: &Redactor, index: usize, live: Live<'_>) {
        let decided = self.blocks[index].step(true, redactor.rules());
        self.settle(redactor, index, decided, live);
        let mut ended = self.blocks.remove(index);
        // Nothing waits for a text that is over.
        self.held.settle(&mut ended.places, std::iter::empty(), u64::MAX);
    }

    /// Carries what a block has decided over to the held events, and shows it.
    fn settle(&mut self, redactor: &Redactor, index: usize, decided: Decided, live: Live<'_>) {
        let text = &mut self.blocks[index];
        for (.., rule, _) in decided.cuts.iter().filter(|(.., placeholder)| !placeholder.is_empty())
        {
            redactor.count(*rule);
        }
        let cuts = decided.cuts.into_iter().map(|(start, end, _, by)| (start, end, by));
        let upto = text.decided();
        self.held.settle(&mut text.places, cuts, upto);
        let (block, kind) = (text.block, text.kind);
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

    /// Decides the oldest until what is held is within its bound.
    fn keep_bound(&mut self, redactor: &Redactor, run: &mut EventRun, live: Live<'_>) {
        while self.held.len() > HELD_EVENTS || self.held.bytes() > HELD_BYTES {
            let Some(index) = self.blocks.iter().position(|it| self.held.awaits(&it.places)) else {
                return self.held.release(run);
            };
            let decided = self.blocks[index].force();
            self.settle(redactor, index, decided, live);
            self.held.release(run);
        }
    }
}

impl fmt::Debug for EventRedactor {
    /// Without the held events: they are not redacted yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRedactor")
            .field("blocks", &self.blocks)
            .field("held", &self.held.len())
            .field("held_bytes", &self.held.bytes())
            .finish_non_exhaustive()
    }
}

/// What is to be redacted around an event's texts. The texts themselves are their blocks'.
fn envelope(redactor: &Redactor, data: &[u8], texts: &[EventText]) -> Vec<scan::Cut> {
    let mut cuts = scan::cuts(data, redactor.rules());
    let filled = texts.iter().filter(|text| text.start < text.end);
    let mut spans: Vec<(usize, usize)> = filled.map(|text| (text.start, text.end)).collect();
    // A dialect reads an object's members in an order of its own.
    spans.sort_unstable();
    cuts.retain(|cut| {
        let next = spans.partition_point(|(_, end)| {
            work::step();
            *end <= cut.start
        });
        spans.get(next).is_none_or(|(start, _)| cut.end <= *start)
    });
    cuts
}

/// How far the replacements around the texts moved what is behind them.
struct Moved {
    /// The end of each replacement, in order, and up to there the bytes that are gone and new.
    ends: Vec<(usize, usize, usize)>,
}

impl Moved {
    /// By these, which are in order.
    fn by(cuts: &[scan::Cut]) -> Self {
        let sum = |(gone, new): &mut (usize, usize), cut: &scan::Cut| {
            *gone += cut.end - cut.start;
            *new += cut.text.len();
            Some((cut.end, *gone, *new))
        };
        Self { ends: cuts.iter().scan((0, 0), sum).collect() }
    }

    /// Where it now lies.
    fn place(&self, at: usize) -> usize {
        let before = self.ends.partition_point(|(end, ..)| {
            work::step();
            *end <= at
        });
        let last = before.checked_sub(1).map(|last| self.ends[last]);
        last.map_or(at, |(_, gone, new)| at + new - gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::RedactorOptions;

    /// The steps taken for one event of this many texts, each a block's own with a key in it, and
    /// with a key beside it.
    fn steps(texts: u32) -> usize {
        const KEY: &str = "sk-ant-api03-q7Zk2Vw9Xy4Rt6Bn8Mc3Lp5Hd1Gs0Fj";
        let (mut data, mut places) = (String::new(), Vec::new());
        for block in 0..texts {
            data.push_str(KEY);
            data.push_str(" \"");
            let (start, end) = (data.len(), data.len() + KEY.len());
            let (kind, credential) = (LiveKind::Text, None);
            places.push(EventText { block, kind, credential, start, end });
            data.push_str(KEY);
            data.push_str("\" ");
        }
        let redactor = Redactor::new(RedactorOptions::default()).expect("a redactor");
        let (mut events, mut run) = (EventRedactor::new(), EventRun::default());
        let data = data.as_bytes();
        let event = IncomingEvent { seq: 0, offset_us: 0, kind: "", data, texts: &places };
        let _ = work::steps();
        events.push(&redactor, event, &mut run, &mut |_, _, _| {});
        events.finish(&redactor, &mut run, &mut |_, _, _| {});
        let stored = String::from_utf8_lossy(run.text.as_bytes());
        assert_eq!(stored.matches("[redacted:anthropic_key]").count(), 2 * texts as usize);
        assert!(!stored.contains("sk-ant"));
        work::steps()
    }

    #[test]
    fn the_work_grows_as_the_texts_of_an_event_do() {
        let (some, twice) = (steps(500), steps(1_000));
        assert!(some > 500 && twice < 3 * some, "{some} steps, then {twice}");
    }
}
