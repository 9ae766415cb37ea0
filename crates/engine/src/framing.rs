//! How a stream's bytes become events: each provider's form in one place, so that a stream need not
//! know which it is.

use langley_protocol::json_array::JsonArrayDecoder;
use langley_protocol::sse::{SseDecoder, SseEvent};

/// The largest event that is decoded, in bytes.
pub(crate) const EVENT_MAX: usize = 4 << 20;

/// A framer of one of the forms.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse(SseDecoder),
    /// The objects of a JSON array: events without a name.
    JsonArray(JsonArrayDecoder),
}

impl Framing {
    /// Server-sent events from their start.
    pub(crate) fn sse() -> Self {
        Self::Sse(SseDecoder::new(EVENT_MAX))
    }

    /// A JSON array from its start.
    pub(crate) const fn json_array() -> Self {
        Self::JsonArray(JsonArrayDecoder::new(EVENT_MAX))
    }

    /// Takes the next bytes and hands out every event that ends in them.
    pub(crate) fn feed(&mut self, data: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) {
        match self {
            Self::Sse(events) => events.feed(data, sink),
            Self::JsonArray(objects) => objects.feed(data, &mut |object| sink(unnamed(object))),
        }
    }

    /// The stream ended: hands out the event that this cut off.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) {
        match self {
            Self::Sse(events) => events.finish(sink),
            Self::JsonArray(objects) => objects.finish(&mut |object| sink(unnamed(object))),
        }
    }

    /// Bytes were lost before the next ones.
    pub(crate) fn resync(&mut self) {
        match self {
            Self::Sse(events) => events.resync(),
            Self::JsonArray(objects) => objects.resync(),
        }
    }

    /// Events that were skipped because of their size.
    pub(crate) const fn oversized(&self) -> u64 {
        match self {
            Self::Sse(events) => events.oversized(),
            Self::JsonArray(objects) => objects.oversized(),
        }
    }
}

const fn unnamed(data: &[u8]) -> SseEvent<'_> {
    SseEvent { name: "", data, id: None, retry: None }
}
