//! The answer on its way: a stream of events, a body, or bytes that are only counted.

use langley_model::{Body, Flow, Message, ResponseHead, Side, add_note};
use langley_protocol::dialect::Dialect;

use crate::assemble::Assembly;
use crate::bench::Bench;
use crate::body::Collector;
use crate::framing::Framing;
use crate::media::{Media, is_json};
use crate::outcome::Answer;
use crate::request::limits;
use crate::stream::Stream;

/// Where the answer stands.
pub(crate) enum Response {
    /// No head was seen yet.
    Waiting,
    /// Events.
    Stream(Box<Stream>),
    /// Anything else that is kept.
    Whole(Box<ResponseBody>),
    /// Bytes are counted and not looked at.
    Counted,
    /// It ended.
    Done,
}

/// A body that is not a stream of events.
pub(crate) struct ResponseBody {
    collector: Collector,
    media: Media,
    media_type: Option<String>,
    encoded: bool,
}

/// What a finished answer leaves to be stored.
#[derive(Default)]
pub(crate) struct Remains {
    pub(crate) answer: Answer,
    pub(crate) message: Option<Message>,
    pub(crate) body: Option<Body>,
}

impl Response {
    /// The answer that `head` announces.
    pub(crate) fn of_head(
        head: &ResponseHead,
        flow: &Flow,
        dialect: Option<&'static dyn Dialect>,
        bench: &Bench,
    ) -> Self {
        let headers = &head.headers;
        let media_type = headers.value("content-type");
        let media = Media::of(media_type);
        let encoding = headers.value("content-encoding");
        // A refusal is one body, whatever was asked for.
        let is_array = head.status < 400
            && dialect.is_some_and(|dialect| {
                dialect.has_array_streams() && dialect.streams(&flow.path) == Some(true)
            });
        if let Some(framing) = Framing::of(media, is_array) {
            let decoder = dialect.map(Dialect::response);
            let message_max = bench.options.message_max_bytes;
            let stream = Stream::new(flow.id, framing, encoding, decoder, message_max);
            return Self::Stream(Box::new(stream));
        }
        let kept = bench.options.body_max_bytes;
        let limits = limits(media, headers, dialect.is_some(), kept);
        Self::Whole(Box::new(ResponseBody {
            collector: Collector::new(encoding, limits).stating(headers.value("content-length")),
            media,
            media_type: media_type.map(str::to_owned),
            encoded: encoding.is_some(),
        }))
    }

    /// The messages of a WebSocket, as events.
    pub(crate) fn log(flow: &Flow, bench: &Bench) -> Self {
        let message_max = bench.options.message_max_bytes;
        Self::Stream(Box::new(Stream::new(flow.id, Framing::sse(), None, None, message_max)))
    }

    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, data: &[u8], offset_us: u64, bench: &mut Bench) {
        match self {
            Self::Stream(stream) => stream.feed(data, offset_us, bench),
            Self::Whole(body) => {
                body.collector.feed(data, &mut bench.allowance);
            }
            Self::Waiting | Self::Counted | Self::Done => {}
        }
    }

    /// Whether nothing that may follow will be kept or read.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Whole(body) if body.collector.is_full())
    }

    /// Bytes are missing here.
    pub(crate) fn gap(&mut self) {
        match self {
            Self::Stream(stream) => stream.gap(),
            Self::Whole(body) => body.collector.gap(),
            Self::Waiting | Self::Counted | Self::Done => {}
        }
    }

    /// Whether bytes can be read without any decoding of those before them.
    pub(crate) fn can_resume(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.can_resume(),
            Self::Whole(body) => !body.encoded && body.collector.is_whole(),
            Self::Waiting | Self::Counted | Self::Done => false,
        }
    }

    /// Ends the answer: what it said goes into the flow, what it was is handed out.
    pub(crate) fn finish(
        &mut self,
        whole: bool,
        offset_us: u64,
        dialect: Option<&'static dyn Dialect>,
        flow: &mut Flow,
        bench: &mut Bench,
    ) -> Remains {
        match self {
            Self::Stream(stream) => {
                stream.finish(whole, offset_us, bench);
                // The stream itself stays: its last events are taken by the caller.
                Remains { answer: stream.answer(), ..Remains::default() }
            }
            Self::Whole(_) => match std::mem::replace(self, Self::Done) {
                Self::Whole(body) => body.finish(whole, dialect, flow, bench),
                _ => Remains::default(),
            },
            Self::Waiting | Self::Counted | Self::Done => Remains::default(),
        }
    }

    /// Gives the memory back without keeping anything.
    pub(crate) fn discard(self, bench: &mut Bench) {
        if let Self::Whole(body) = self {
            body.collector.discard(&mut bench.allowance);
        }
    }
}

impl ResponseBody {
    fn finish(
        mut self,
        whole: bool,
        dialect: Option<&'static dyn Dialect>,
        flow: &mut Flow,
        bench: &mut Bench,
    ) -> Remains {
        self.collector.finish(whole);
        if let Some(note) = self.collector.take_note() {
            add_note(&mut flow.decode_note, &note);
        }
        let mut remains = Remains::default();
        let bytes = self.collector.bytes();
        if self.media == Media::Json && self.collector.is_whole() && !bytes.is_empty() {
            if let Some(dialect) = dialect {
                let mut assembly = Assembly::new(bench.options.message_max_bytes);
                let is_known = dialect.response().json(bytes, &mut |delta| assembly.apply(delta));
                if !is_known && !is_json(bytes) {
                    add_note(&mut flow.decode_note, "the answer could not be read: no JSON");
                }
                assembly.describe(flow);
                remains.answer = match assembly.answer() {
                    Answer::Open => Answer::Whole,
                    said => said,
                };
                remains.message = assembly.finish();
            }
            if flow.error_message.is_none() && flow.status.is_some_and(|status| status >= 400) {
                let (kind, message) = stated_error(bytes);
                flow.error_kind = flow.error_kind.take().or(kind);
                flow.error_message = message;
            }
        }
        let is_page =
            self.media_type.as_deref().is_some_and(|media| media.starts_with("text/html"));
        if is_page && dialect.is_some() && flow.status.is_some_and(|status| status < 400) {
            add_note(&mut flow.decode_note, "the answer is a page for people, not the API's");
        }
        let (redactor, media_type) = (&bench.redactor, self.media_type.as_deref());
        remains.body = self.collector.seal(
            flow.id,
            Side::Upstream,
            media_type,
            &[],
            redactor,
            &mut bench.allowance,
        );
        flow.body_truncated |= remains.body.as_ref().is_some_and(|body| body.truncated);
        remains
    }
}

/// Class and sentence of an error body, at the places where most JSON APIs put them.
fn stated_error(body: &[u8]) -> (Option<String>, Option<String>) {
    use serde_json::Value;
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return (None, None) };
    let text = |value: &Value, keys: &[&str]| {
        keys.iter().find_map(|key| value.get(key)?.as_str()).map(str::to_owned)
    };
    match value.get("error") {
        Some(Value::String(sentence)) => (None, Some(sentence.clone())),
        Some(error) => (text(error, &["type", "status", "code"]), text(error, &["message"])),
        None => (
            text(&value, &["type", "__type", "code"]),
            text(&value, &["message", "Message", "detail"]),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_at_the_usual_places() {
        let error = |body: &str| {
            let (kind, message) = stated_error(body.as_bytes());
            (kind.unwrap_or_default(), message.unwrap_or_default())
        };
        let pair = |kind: &str, message: &str| (kind.to_owned(), message.to_owned());
        assert_eq!(error(r#"{"error":{"type":"a","message":"b"}}"#), pair("a", "b"));
        assert_eq!(error(r#"{"error":{"status":"a","message":"b","code":3}}"#), pair("a", "b"));
        assert_eq!(error(r#"{"error":"b"}"#), pair("", "b"));
        assert_eq!(error(r#"{"message":"b"}"#), pair("", "b"));
        assert_eq!(error("<html>"), pair("", ""));
    }
}
