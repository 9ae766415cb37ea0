//! Any dialect's answer, decoded and assembled as the contract of the deltas says.

use std::fmt::Debug;

use langley_model::{Block, Content, EventText, Few, Message, MicroUsd, ProviderError};
use langley_protocol::bedrock;
use langley_protocol::dialect::{Delta, EventFacts, ResponseDecoder};
use langley_protocol::event_stream::EventStreamDecoder;
use langley_protocol::sse::{SseDecoder, SseEvent};

/// What one event was: type, places of its texts, blocks that ended, known.
pub(crate) type Facts = (String, Few<EventText>, Few<u32>, bool);

pub(crate) fn facts(facts: &EventFacts<'_>) -> Facts {
    (facts.kind.to_owned(), facts.texts.clone(), facts.ends_blocks.clone(), facts.known)
}

/// What a stream was: facts of its events, and all deltas in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) events: Vec<Facts>,
    pub(crate) deltas: Vec<String>,
    pub(crate) message: Message,
    pub(crate) cost: Option<MicroUsd>,
    pub(crate) tiers: Vec<String>,
    pub(crate) ended: bool,
    pub(crate) unknown: Vec<String>,
}

pub(crate) fn decode(reads: &[&[u8]], mut decoder: impl ResponseDecoder) -> Decoded {
    decode_stream(reads, &mut decoder)
}

/// Decodes a stream of server-sent events that arrives in these reads.
pub(crate) fn decode_stream(reads: &[&[u8]], decoder: &mut dyn ResponseDecoder) -> Decoded {
    let mut decoded = Decoded::default();
    let mut framer = SseDecoder::new(1 << 20);
    let mut each = |event: SseEvent<'_>| decoded.take(&event, decoder);
    for read in reads {
        framer.feed(read, &mut each);
    }
    framer.finish(&mut each);
    assert_eq!(framer.oversized(), 0);
    decoded
}

/// Decodes the reads of a binary event stream.
pub(crate) fn decode_messages(reads: &[&[u8]], mut decoder: impl ResponseDecoder) -> Decoded {
    let mut decoded = Decoded::default();
    let mut framer = EventStreamDecoder::new(1 << 20);
    let mut scratch = Vec::new();
    for read in reads {
        framer.feed(read, &mut |message| {
            decoded.take(&bedrock::event(&message, &mut scratch), &mut decoder);
        });
    }
    assert!(!framer.finish());
    assert_eq!((framer.oversized(), framer.corrupt()), (0, 0));
    decoded
}

impl Decoded {
    /// Decodes one event.
    pub(crate) fn take(&mut self, event: &SseEvent<'_>, decoder: &mut dyn ResponseDecoder) {
        let mut texts = Vec::new();
        let read = decoder.event(event, &mut |delta| {
            self.deltas.push(format!("{delta:?}"));
            if let Delta::Text { index, text }
            | Delta::Thinking { index, text }
            | Delta::InputJson { index, json: text } = &delta
            {
                texts.push((*index, text.clone().into_owned()));
            }
            apply(self, delta);
        });
        // Whatever text has a place was handed out, and of a block that has a place nothing else was.
        // Values of arguments that are told by path are numbered from above, and stay escaped.
        let of_blocks = |text: &&EventText| text.block < u32::MAX / 2;
        let unescaped = |text: &EventText| {
            let escaped = std::str::from_utf8(&event.data[text.start..text.end]).expect("UTF-8");
            let quoted = escaped.replace("\\ud83d\\ude00", "😀").replace("\\ud83d", "\\ufffd");
            let text_of = serde_json::from_str(&format!("\"{quoted}\"")).expect("escaped");
            (text.block, text_of)
        };
        let mut placed: Vec<(u32, String)> =
            read.texts.iter().filter(of_blocks).map(unescaped).collect();
        texts.retain(|(index, text)| {
            text != "\n\n" && read.texts.iter().any(|text| text.block == *index)
        });
        texts.sort_by_key(|(block, _)| *block);
        placed.sort_by_key(|(block, _)| *block);
        assert_eq!(texts, placed, "the places are those of the texts");
        self.events.push(facts(&read));
    }
}

/// Assembles as the contract of [`Delta`] says.
fn apply(decoded: &mut Decoded, delta: Delta<'_>) {
    let message = &mut decoded.message;
    let content = |message: &mut Message, index: u32, change: &dyn Fn(&mut Content)| {
        let found = message.blocks.iter_mut().find(|block| block.index == index);
        change(&mut found.expect("a block that was started").content);
    };
    match delta {
        Delta::MessageStart { id, model, role } => {
            message.id = id.map(Into::into);
            message.model = model.map(Into::into);
            message.role = role.map(Into::into);
        }
        Delta::Usage(usage) => message.usage.update(&usage),
        Delta::BlockStart { index, content } => {
            message.blocks.push(Block { index, content, complete: false });
        }
        Delta::Text { index, text: new } => content(message, index, &|content| match content {
            Content::Text { text, .. } => text.push_str(&new),
            other => panic!("text in {other:?}"),
        }),
        Delta::Thinking { index, text: new } => content(message, index, &|content| match content {
            Content::Thinking { text, .. } => text.push_str(&new),
            other => panic!("thinking in {other:?}"),
        }),
        Delta::Signature { index, bytes } => content(message, index, &|content| match content {
            Content::Thinking { signature_bytes, .. } => *signature_bytes += bytes,
            other => panic!("a signature in {other:?}"),
        }),
        Delta::InputJson { index, json } => content(message, index, &|content| match content {
            Content::ToolUse { input, .. } | Content::ServerToolUse { input, .. } => {
                input.push_str(&json);
            }
            other => panic!("input in {other:?}"),
        }),
        Delta::Citation { index, json } => content(message, index, &|content| match content {
            Content::Text { citations, .. } => citations.push(json.clone().into_owned()),
            other => panic!("a citation in {other:?}"),
        }),
        Delta::BlockStop { index } => {
            let stopped = message.blocks.iter_mut().filter(|block| block.index == index);
            stopped.for_each(|block| block.complete = true);
        }
        Delta::Stop { reason, sequence } => {
            message.stop_reason = reason.map(Into::into);
            message.stop_sequence = sequence.map(Into::into);
        }
        Delta::StopDetails { json } => message.stop_details = Some(json.into()),
        Delta::MessageStop => decoded.ended = true,
        Delta::Error { kind, message: text } => {
            message.error =
                Some(ProviderError { kind: kind.map(Into::into), message: text.map(Into::into) });
        }
        Delta::Unknown { kind } => decoded.unknown.push(kind.into_owned()),
        Delta::Cost(cost) => decoded.cost = Some(cost),
        Delta::Tier(word) => decoded.tiers.push(word.into_owned()),
        Delta::Served { model } => message.model = model.map(Into::into),
        Delta::Ping | Delta::TokenCount(_) => {}
    }
}

/// Decodes whole, byte by byte and at every cut; all must agree.
#[track_caller]
pub(crate) fn each_cut<D: ResponseDecoder>(stream: &str, new: impl Fn() -> D) -> Decoded {
    every_cut(stream.as_bytes(), |reads| decode(reads, new()))
}

/// As [`each_cut`], for a binary event stream.
#[track_caller]
pub(crate) fn each_cut_of_messages<D: ResponseDecoder>(
    stream: &[u8],
    new: impl Fn() -> D,
) -> Decoded {
    every_cut(stream, |reads| decode_messages(reads, new()))
}

/// What `decode` makes of the bytes, read whole, byte by byte and cut in two anywhere: always the same.
#[track_caller]
pub(crate) fn every_cut<T: Debug + PartialEq>(bytes: &[u8], decode: impl Fn(&[&[u8]]) -> T) -> T {
    let whole = decode(&[bytes]);
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(decode(&single), whole, "byte by byte");
    for cut in 0..=bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(decode(&[a, b]), whole, "cut at {cut}");
    }
    whole
}

/// Decodes a whole body, and whether all of it was understood.
pub(crate) fn body(json: &str, mut decoder: impl ResponseDecoder) -> (Decoded, bool) {
    let mut decoded = Decoded::default();
    let understood = decoder.json(json.as_bytes(), &mut |delta| apply(&mut decoded, delta));
    (decoded, understood)
}

/// A call of one of the agent's tools.
pub(crate) fn call(id: &str, name: &str, input: &str) -> Content {
    Content::ToolUse { id: id.into(), name: name.into(), input: input.into() }
}

/// Reasoning with a signature of this length.
pub(crate) fn thinking(text: &str, signature_bytes: u32) -> Content {
    Content::Thinking { text: text.into(), signature_bytes }
}

pub(crate) fn text(text: &str) -> Content {
    Content::Text { text: text.into(), citations: Vec::new() }
}

pub(crate) fn contents(decoded: &Decoded) -> Vec<Content> {
    decoded.message.blocks.iter().map(|block| block.content.clone()).collect()
}
