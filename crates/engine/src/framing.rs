//! How a streamed answer is cut into events: each provider's form in one place, so that a stream need
//! not know which it is.

use langley_protocol::bedrock;
use langley_protocol::event_stream::EventStreamDecoder;
use langley_protocol::json_array::JsonArrayDecoder;
use langley_protocol::sse::{SseDecoder, SseEvent};

use crate::media::Media;

/// The largest event that is decoded, in bytes.
const EVENT_MAX: usize = 4 << 20;

/// A framer of events.
pub(crate) enum Framing {
    /// Server-sent events.
    Sse(SseDecoder),
    /// The objects of a JSON array: events without a name.
    JsonArray(JsonArrayDecoder),
    /// Binary messages, and room for what is unwrapped from one.
    Binary(Box<EventStreamDecoder>, Vec<u8>),
}

impl Framing {
    /// Whether some bytes from the middle of an answer look like server-sent events.
    pub(crate) fn looks_like_sse(bytes: &[u8]) -> bool {
        bytes.windows(6).any(|window| window == b"\ndata:")
    }

    /// Server-sent events.
    pub(crate) fn sse() -> Self {
        Self::Sse(SseDecoder::new(EVENT_MAX))
    }

    /// The framing of a media type; none when it is not one of events. `is_array`: the provider streams
    /// a JSON array here.
    pub(crate) fn of(media: Media, is_array: bool) -> Option<Self> {
        match media {
            Media::EventStream => Some(Self::sse()),
            Media::Json if is_array => Some(Self::JsonArray(JsonArrayDecoder::new(EVENT_MAX))),
            Media::BinaryEvents => {
                Some(Self::Binary(Box::new(EventStreamDecoder::new(EVENT_MAX)), Vec::new()))
            }
            Media::Json | Media::Text | Media::Binary => None,
        }
    }

    /// Takes the next bytes and hands out every event that ends in them.
    pub(crate) fn feed(&mut self, data: &[u8], each: &mut impl FnMut(SseEvent<'_>)) {
        match self {
            Self::Sse(decoder) => decoder.feed(data, each),
            Self::JsonArray(objects) => objects.feed(data, &mut |object| each(unnamed(object))),
            Self::Binary(decoder, unwrapped) => {
                decoder.feed(data, &mut |message| each(bedrock::event(&message, unwrapped)));
            }
        }
    }

    /// The stream ended. Hands out the event that only lacked its end, if the framing can tell;
    /// returns whether another was cut off.
    pub(crate) fn finish(&mut self, each: &mut impl FnMut(SseEvent<'_>)) -> bool {
        match self {
            Self::Sse(decoder) => {
                decoder.finish(each);
                false
            }
            Self::JsonArray(objects) => {
                objects.finish(&mut |object| each(unnamed(object)));
                false
            }
            Self::Binary(decoder, _) => decoder.finish(),
        }
    }

    /// Bytes were lost before the next ones.
    pub(crate) fn resync(&mut self) {
        match self {
            Self::Sse(decoder) => decoder.resync(),
            Self::JsonArray(objects) => objects.resync(),
            Self::Binary(decoder, _) => decoder.resync(),
        }
    }

    /// What could not be handed out so far, in sentences.
    pub(crate) fn losses(&self) -> Vec<String> {
        let (oversized, corrupt) = match self {
            Self::Sse(decoder) => (decoder.oversized(), 0),
            Self::JsonArray(objects) => (objects.oversized(), 0),
            Self::Binary(decoder, _) => (decoder.oversized(), decoder.corrupt()),
        };
        let mut losses = Vec::new();
        if oversized > 0 {
            losses.push(format!("{oversized} events of more than {EVENT_MAX} bytes were skipped"));
        }
        if corrupt > 0 {
            losses.push(format!("{corrupt} damaged events were skipped"));
        }
        losses
    }
}

const fn unnamed(data: &[u8]) -> SseEvent<'_> {
    SseEvent { name: "", data, id: None, retry: None }
}
