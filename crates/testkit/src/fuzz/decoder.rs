//! Every decoder as damaged input meets it: what it reads, and what must hold whatever that is.

use std::fmt::Write;

use langley_protocol::anthropic::{Anthropic, Vertex};
use langley_protocol::bedrock::{Converse, Invoke};
use langley_protocol::dialect::{Dialect, ResponseDecoder};
use langley_protocol::encoding::ContentDecoder;
use langley_protocol::event_stream::EventStreamDecoder;
use langley_protocol::gemini::{Gemini, Interactions};
use langley_protocol::json_array::JsonArrayDecoder;
use langley_protocol::openai::{Chat, Responses};
use langley_protocol::sse::{SseDecoder, SseEvent};
use langley_protocol::transcript::{TEXT_CHARS, TranscriptFormat, UsageReader};
use langley_protocol::websocket::{Compression, FrameDecoder};
use langley_protocol::{bedrock, client_hello};

use super::random::Random;

/// The largest input, in bytes.
pub(super) const INPUT_MAX: usize = 64 * 1024;

/// A decoder, and what it is held to.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    /// What `cargo xtask fuzz --only` calls it.
    pub name: &'static str,
    read: Read,
    cuts: Cuts,
}

impl Decoder {
    /// The decoder of that name.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        *DECODERS.iter().find(|decoder| decoder.name == name).expect("a decoder of that name")
    }

    /// Reads `input` whole and in pieces that `random` cuts.
    ///
    /// # Panics
    ///
    /// Where the decoder does, or where it finds in the pieces what it did not find in the whole.
    pub fn check(&self, input: &[u8], random: &mut Random) {
        let whole = (self.read)(&[input]);
        let mut reads = Vec::new();
        let mut rest = input;
        while !rest.is_empty() && reads.len() < 40 {
            let (read, left) = rest.split_at((1 + random.below(200)).min(rest.len()));
            reads.push(read);
            rest = left;
        }
        reads.push(rest);
        let pieces = (self.read)(&reads);
        if self.cuts == Cuts::Agree {
            assert_eq!(pieces, whole, "in pieces: {:?}", String::from_utf8_lossy(input));
        }
    }
}

/// Reads input that came in these pieces, and says all it has found.
type Read = fn(&[&[u8]]) -> String;

/// Whether what is found must not depend on the pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cuts {
    Agree,
    /// The library below finds some damage at the end of one piece and not of another.
    MayDiffer,
}

/// All of them.
pub const DECODERS: [Decoder; 26] = [
    agreeing("anthropic stream", |reads| stream(reads, &Anthropic)),
    agreeing("chat stream", |reads| stream(reads, &Chat)),
    agreeing("responses stream", |reads| stream(reads, &Responses)),
    agreeing("gemini stream", |reads| stream(reads, &Gemini)),
    agreeing("gemini array", array),
    agreeing("interactions stream", |reads| stream(reads, &Interactions)),
    agreeing("converse stream", |reads| messages(reads, &Converse)),
    agreeing("invoke stream", |reads| messages(reads, &Invoke::ANTHROPIC)),
    agreeing("anthropic bodies", |reads| bodies(reads, &Anthropic)),
    agreeing("vertex bodies", |reads| bodies(reads, &Vertex)),
    agreeing("chat bodies", |reads| bodies(reads, &Chat)),
    agreeing("responses bodies", |reads| bodies(reads, &Responses)),
    agreeing("gemini bodies", |reads| bodies(reads, &Gemini)),
    agreeing("interactions bodies", |reads| bodies(reads, &Interactions)),
    agreeing("converse bodies", |reads| bodies(reads, &Converse)),
    agreeing("websocket", |reads| frames(reads, Compression::default())),
    agreeing("websocket deflate", deflated_frames),
    agreeing("gzip", |reads| encoded(reads, "gzip")),
    agreeing("deflate", |reads| encoded(reads, "deflate")),
    Decoder { name: "br", read: |reads| encoded(reads, "br"), cuts: Cuts::MayDiffer },
    agreeing("zstd", |reads| encoded(reads, "zstd")),
    agreeing("client hello", hello),
    agreeing("hello message", hello_message),
    agreeing("claude transcript", |reads| transcript(reads, TranscriptFormat::ClaudeCode)),
    agreeing("codex transcript", |reads| transcript(reads, TranscriptFormat::Codex)),
    agreeing("gemini transcript", |reads| transcript(reads, TranscriptFormat::GeminiCli)),
];

const fn agreeing(name: &'static str, read: Read) -> Decoder {
    Decoder { name, read, cuts: Cuts::Agree }
}

fn event(found: &mut String, decoder: &mut dyn ResponseDecoder, event: &SseEvent<'_>) {
    let mut deltas = String::new();
    let facts = decoder.event(event, &mut |delta| write!(deltas, "{delta:?}").expect("room"));
    for text in &facts.texts {
        // Whoever redacts cuts here.
        let place = event.data.get(text.start..text.end).expect("a place within the data");
        std::str::from_utf8(place).expect("whole characters");
    }
    writeln!(found, "{facts:?} {deltas}").expect("room");
}

fn stream(reads: &[&[u8]], dialect: &dyn Dialect) -> String {
    let (mut found, mut decoder) = (String::new(), dialect.response());
    let mut framer = SseDecoder::new(INPUT_MAX / 4);
    for read in reads {
        framer.feed(read, &mut |it: SseEvent<'_>| event(&mut found, &mut *decoder, &it));
    }
    framer.finish(&mut |it: SseEvent<'_>| event(&mut found, &mut *decoder, &it));
    found
}

fn array(reads: &[&[u8]]) -> String {
    let (mut found, mut decoder) = (String::new(), Gemini.response());
    let mut framer = JsonArrayDecoder::new(INPUT_MAX / 4);
    let mut take = |data: &[u8]| {
        let it = SseEvent { name: "", data, id: None, retry: None };
        event(&mut found, &mut *decoder, &it);
    };
    for read in reads {
        framer.feed(read, &mut take);
    }
    framer.finish(&mut take);
    found
}

fn messages(reads: &[&[u8]], dialect: &dyn Dialect) -> String {
    let (mut found, mut decoder) = (String::new(), dialect.response());
    let mut framer = EventStreamDecoder::new(INPUT_MAX / 4);
    let mut scratch = Vec::new();
    for read in reads {
        framer.feed(read, &mut |message| {
            event(&mut found, &mut *decoder, &bedrock::event(&message, &mut scratch));
        });
    }
    let is_cut = framer.finish();
    format!("{found}{is_cut} {} {}", framer.corrupt(), framer.oversized())
}

fn bodies(reads: &[&[u8]], dialect: &dyn Dialect) -> String {
    let body = reads.concat();
    let mut found = format!("{:?}\n", dialect.request(&body));
    let known =
        dialect.response().json(&body, &mut |delta| write!(found, "{delta:?}").expect("room"));
    format!("{found}{known}")
}

fn frames(reads: &[&[u8]], compression: Compression) -> String {
    let mut decoder = FrameDecoder::new(compression, INPUT_MAX);
    let mut found = String::new();
    for read in reads {
        decoder.feed(read, &mut |message| write!(found, "{message:?}").expect("room"));
    }
    format!("{found}{:?}", decoder.error())
}

fn deflated_frames(reads: &[&[u8]]) -> String {
    frames(reads, Compression { deflate: true, no_context_takeover: false })
}

fn encoded(reads: &[&[u8]], encoding: &str) -> String {
    let mut decoder = ContentDecoder::for_header(Some(encoding), 1 << 20).expect("an encoding");
    let mut out = Vec::new();
    let fed = reads.iter().try_for_each(|read| decoder.feed(read, &mut out));
    let ended = fed.and_then(|()| decoder.finish()).is_ok();
    // How much of a damaged block comes out before it is given up may depend on the pieces.
    if ended { format!("{:?}", blake(&out)) } else { String::from("damaged") }
}

fn blake(bytes: &[u8]) -> (usize, u64) {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (bytes.len(), sum)
}

fn hello(reads: &[&[u8]]) -> String {
    format!("{:?}", client_hello::peek(&reads.concat()))
}

/// What was taken apart must be what it was, once it is put together.
fn hello_message(reads: &[&[u8]]) -> String {
    let Some(message) = client_hello::HelloMessage::in_records(&reads.concat()) else {
        return String::from("none");
    };
    let encoded = message.encode().expect("what was read fits");
    assert_eq!(client_hello::HelloMessage::parse(&encoded).as_ref(), Some(&message));
    let (shares, groups) = (message.key_shares(), message.groups());
    format!("{message:?} {shares:?} {groups:?} {:?}", message.certificate_compression())
}

/// Lines are handed in as soon as they are whole.
fn transcript(reads: &[&[u8]], format: TranscriptFormat) -> String {
    let (mut found, mut kept) = (String::new(), Vec::new());
    let mut reader = UsageReader::new(format);
    let (mut telling, mut unreadable) = (0, 0);
    let mut read = |reader: &mut UsageReader, found: &mut String, lines: &[u8]| {
        let count = reader.read(lines, &mut |line| writeln!(found, "{line:?}").expect("room"));
        telling += count.telling;
        unreadable += count.unreadable;
    };
    for part in reads {
        kept.extend_from_slice(part);
        if let Some(end) = kept.iter().rposition(|byte| *byte == b'\n') {
            read(&mut reader, &mut found, &kept[..=end]);
            kept.drain(..=end);
        }
    }
    read(&mut reader, &mut found, &kept);
    reader.rest(&mut |line| writeln!(found, "{line:?}").expect("room"));
    let envelopes = envelopes(&reads.concat(), format);
    format!("{found}{telling} {unreadable} {reader:?} {envelopes}")
}

/// Every line as the importer reads it, one at a time. What is told of it stays within bounds.
fn envelopes(text: &[u8], format: TranscriptFormat) -> String {
    let (mut found, mut reader) = (String::new(), UsageReader::new(format));
    for line in text.split(|byte| *byte == b'\n') {
        reader.read(line, &mut |_| ());
        let facts = reader.facts(line);
        let text = facts.text.as_deref().unwrap_or_default();
        assert!(text.chars().count() <= TEXT_CHARS, "{text}");
        writeln!(found, "{facts:?}").expect("room");
    }
    found
}
