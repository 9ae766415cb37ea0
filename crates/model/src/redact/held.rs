//! Events that wait for the decision of their texts, in order, and where those texts lie in them.
//!
//! Each block knows its own places, in order, and each event how many of its places are open, so
//! that what a decision costs depends on what it decides and not on what else is held.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::event::IncomingEvent;
use crate::record::{EventRun, EventSpan};

/// A replacement: from where to where, and by what. A text of nothing continues an earlier one.
type Replacement<P> = (P, P, Cow<'static, str>);

/// Events that wait.
#[derive(Default)]
pub(super) struct HeldEvents {
    events: VecDeque<Held>,
    /// Number of the event at the front.
    front: u64,
    bytes: usize,
}

struct Held {
    seq: u64,
    offset_us: u64,
    kind: String,
    data: Vec<u8>,
    original_len: usize,
    /// How many of its places are not decided.
    open: usize,
    /// Replacements in `data`; those of one text in order.
    cuts: Vec<Replacement<usize>>,
}

/// Where the undecided text of one block lies in the held events, in order.
#[derive(Default)]
pub(super) struct Places(VecDeque<Place>);

#[derive(Clone, Copy)]
struct Place {
    /// Number of the event.
    event: u64,
    /// Offset in the block's text.
    offset: u64,
    /// Position in the event's data.
    at: usize,
    len: usize,
}

impl Place {
    const fn end(&self) -> u64 {
        self.offset + self.len as u64
    }
}

impl Places {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }
}

impl HeldEvents {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Bytes of their data.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds an event, whose data is now this.
    pub(super) fn push(&mut self, event: IncomingEvent<'_>, data: Vec<u8>) {
        self.bytes += data.len();
        self.events.push_back(Held {
            seq: event.seq,
            offset_us: event.offset_us,
            kind: event.kind.to_owned(),
            original_len: event.data.len(),
            data,
            open: 0,
            cuts: Vec::new(),
        });
    }

    /// Notes that a block's text goes on, at this offset of it, in the event held last.
    pub(super) fn place(&mut self, places: &mut Places, offset: u64, at: usize, len: usize) {
        let number = self.front + self.events.len() as u64;
        if let (Some(held), Some(event)) = (self.events.back_mut(), number.checked_sub(1)) {
            held.open += 1;
            places.0.push_back(Place { event, offset, at, len });
        }
    }

    /// Carries replacements in a block's text over to the events; up to `decided` there will be no
    /// others.
    pub(super) fn settle(
        &mut self,
        places: &mut Places,
        cuts: impl Iterator<Item = Replacement<u64>>,
        decided: u64,
    ) {
        let mut first = 0;
        for (start, end, mut text) in cuts {
            while places.0.get(first).is_some_and(|place| place.end() <= start) {
                work::step();
                first += 1;
            }
            for place in places.0.range(first..).take_while(|place| place.offset < end) {
                work::step();
                let (from, to) = (start.max(place.offset), end.min(place.end()));
                // Both are inside the event's text, whose length fits.
                let position = |offset: u64| place.at + (offset - place.offset) as usize;
                if let Some(held) = of(&mut self.events, self.front, place) {
                    held.cuts.push((position(from), position(to), std::mem::take(&mut text)));
                }
            }
        }
        while let Some(place) = places.0.front().filter(|place| place.end() <= decided) {
            work::step();
            if let Some(held) = of(&mut self.events, self.front, place) {
                held.open -= 1;
            }
            places.0.pop_front();
        }
    }

    /// Hands out the events at the front whose text is decided.
    pub(super) fn release(&mut self, run: &mut EventRun) {
        while let Some(held) = self.events.pop_front_if(|held| held.open == 0) {
            self.front += 1;
            self.bytes -= held.data.len();
            held.append_to(run);
        }
    }

    /// Whether the event at the front waits for the block with these places.
    pub(super) fn awaits(&self, places: &Places) -> bool {
        places.0.front().is_some_and(|place| place.event == self.front)
    }
}

/// The event that a place is in, when `front` is the number of the first.
fn of<'h>(events: &'h mut VecDeque<Held>, front: u64, place: &Place) -> Option<&'h mut Held> {
    events.get_mut(usize::try_from(place.event.checked_sub(front)?).ok()?)
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

/// Appends an event that never waited.
pub(super) fn append_whole(run: &mut EventRun, event: IncomingEvent<'_>) {
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

/// Counts, for tests, the steps that grow with what one event brings.
pub(super) mod work {
    #[cfg(test)]
    thread_local! {
        static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[cfg(not(test))]
    pub(in crate::redact) const fn step() {}

    #[cfg(test)]
    pub(in crate::redact) fn step() {
        STEPS.set(STEPS.get() + 1);
    }

    /// The steps since this was asked last.
    #[cfg(test)]
    pub(in crate::redact) fn steps() -> usize {
        STEPS.take()
    }
}
