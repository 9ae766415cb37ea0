//! Message framing: published vectors, every cut, damage, and bytes that are no stream at all.

use langley_protocol::event_stream::{
    EventStreamDecoder, EventStreamMessage, Header, HeaderValue, MessageType,
};
use proptest::prelude::*;

use crate::decoded::every_cut;

/// A message, kept: what its headers read as, and its payload.
type Kept = (Vec<String>, Vec<u8>);

fn keep(message: &EventStreamMessage<'_>) -> Kept {
    (message.headers().map(|header| format!("{header:?}")).collect(), message.payload.to_vec())
}

/// What a stream was.
#[derive(Debug, PartialEq)]
struct Framed {
    messages: Vec<Kept>,
    corrupt: u64,
    oversized: u64,
    is_cut: bool,
}

impl Framed {
    fn payloads(&self) -> Vec<&str> {
        self.messages.iter().filter_map(|(_, payload)| std::str::from_utf8(payload).ok()).collect()
    }
}

fn decode(reads: &[&[u8]], max: usize) -> Framed {
    let mut decoder = EventStreamDecoder::new(max);
    let mut messages = Vec::new();
    for read in reads {
        decoder.feed(read, &mut |message| messages.push(keep(&message)));
    }
    let is_cut = decoder.finish();
    Framed { messages, corrupt: decoder.corrupt(), oversized: decoder.oversized(), is_cut }
}

#[track_caller]
fn at_every_cut(stream: &[u8]) -> Framed {
    every_cut(stream, |reads| decode(reads, 1 << 20))
}

/// A message with these header bytes.
pub(crate) fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |len: usize| u32::try_from(len).expect("short").to_be_bytes();
    let mut message = [length(16 + headers.len() + payload.len()), length(headers.len())].concat();
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(headers);
    message.extend_from_slice(payload);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

fn header(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    let len = u8::try_from(name.len()).expect("short");
    [&[len], name.as_bytes(), &[kind], value].concat()
}

/// A header that is a string.
pub(crate) fn text(name: &str, value: &str) -> Vec<u8> {
    let len = u16::try_from(value.len()).expect("short").to_be_bytes();
    header(name, 7, &[&len, value.as_bytes()].concat())
}

fn plain(payload: &str) -> Vec<u8> {
    frame(&text(":message-type", "event"), payload.as_bytes())
}

#[test]
fn published_vectors_are_read() {
    // Vectors of the format's public test suites: the checksums are not ours.
    let bare = b"\x00\x00\x00\x1e\x00\x00\x00\x00\xba\xf2\xf6\x8a{\"foo\": \"bar\"}\xaerX\xe4";
    let typed = b"\x00\x00\x00\x3e\x00\x00\x00\x20\x40\x5d\xf9\x46\x0ccontent-type\x07\x00\x10\
                  application/json{\"foo\": \"bar\"}\x6f\xa2\xbf\x3b";
    let framed = at_every_cut(&[&bare[..], typed].concat());
    let content_type =
        Header { name: "content-type", value: HeaderValue::Text("application/json") };
    let payload = br#"{"foo": "bar"}"#.to_vec();
    let expected = [(vec![], payload.clone()), (vec![format!("{content_type:?}")], payload)];
    assert_eq!(framed.messages, expected);
    assert_eq!((framed.corrupt, framed.is_cut), (0, false));
}

#[test]
fn headers_of_every_type_are_read() {
    let headers = [
        header("yes", 0, &[]),
        header("no", 1, &[]),
        header("byte", 2, &[0xFF]),
        header("short", 3, &[0xFF, 0xFE]),
        header("int", 4, &[0, 0, 1, 0]),
        header("long", 5, &[0xFF; 8]),
        header("bytes", 6, &[0, 2, 7, 8]),
        text("text", "é"),
        header("time", 8, &[0, 0, 0, 0, 0, 0, 0, 9]),
        header("uuid", 9, &[5; 16]),
    ];
    let expected = [
        ("yes", HeaderValue::Bool(true)),
        ("no", HeaderValue::Bool(false)),
        ("byte", HeaderValue::Byte(-1)),
        ("short", HeaderValue::Int16(-2)),
        ("int", HeaderValue::Int32(256)),
        ("long", HeaderValue::Int64(-1)),
        ("bytes", HeaderValue::Bytes(&[7, 8])),
        ("text", HeaderValue::Text("é")),
        ("time", HeaderValue::Timestamp(9)),
        ("uuid", HeaderValue::Uuid([5; 16])),
    ];
    let expected = expected.map(|(name, value)| format!("{:?}", Header { name, value }));
    let framed = at_every_cut(&frame(&headers.concat(), b""));
    assert_eq!(framed.messages, [(expected.to_vec(), vec![])]);
    // A header of a type that is not known hides those after it, and not the message.
    let strange = [text("a", "1"), header("b", 10, &[1]), text("c", "3")].concat();
    let framed = at_every_cut(&frame(&strange, b"x"));
    assert_eq!((framed.messages[0].0.len(), &framed.messages[0].1[..]), (1, &b"x"[..]));
}

#[test]
fn a_message_says_what_it_is() {
    let said = |headers: &[Vec<u8>]| {
        let mut said = None;
        EventStreamDecoder::new(1 << 10).feed(&frame(&headers.concat(), b"{}"), &mut |message| {
            let content_type = message.content_type().map(str::to_owned);
            said = Some((message.message_type(), message.name().to_owned(), content_type));
        });
        said.expect("a message")
    };
    let json = text(":content-type", "application/json");
    let of = |kind: &str, name: &str, value: &str| {
        said(&[text(name, value), json.clone(), text(":message-type", kind)])
    };
    let expected = |kind, name: &str| (kind, name.to_owned(), Some("application/json".to_owned()));
    assert_eq!(of("event", ":event-type", "chunk"), expected(Some(MessageType::Event), "chunk"));
    assert_eq!(
        of("exception", ":exception-type", "throttlingException"),
        expected(Some(MessageType::Exception), "throttlingException")
    );
    assert_eq!(
        of("error", ":error-code", "InternalFailure"),
        expected(Some(MessageType::Error), "InternalFailure")
    );
    assert_eq!(of("new", ":event-type", "x"), expected(None, "x"));
    assert_eq!(said(&[]), (None, String::new(), None));
}

#[test]
fn a_damaged_message_costs_nothing_but_itself() {
    let parts = [plain("one"), plain("two"), plain("three")];
    let start = parts[0].len();
    for at in start..start + parts[1].len() {
        let mut stream = parts.concat();
        stream[at] ^= 0x40;
        let framed = at_every_cut(&stream);
        assert_eq!(framed.payloads(), ["one", "three"], "damage at {at}");
        assert_eq!((framed.corrupt, framed.is_cut), (1, false), "damage at {at}");
    }
}

#[test]
fn bytes_between_messages_are_skipped_and_counted_once() {
    for noise in [&b"x"[..], &[0; 11], &[0; 12], b"a longer stretch of something else", &[0xFF; 99]]
    {
        let framed = at_every_cut(&[&plain("one"), noise, &plain("two")].concat());
        assert_eq!((framed.payloads(), framed.corrupt), (vec!["one", "two"], 1), "{noise:?}");
    }
    // Sound checksums over lengths that cannot be.
    for (total, headers) in [(0_u32, 0_u32), (15, 0), (20, 5), (16, u32::MAX)] {
        let mut prelude = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        let framed = at_every_cut(&[prelude, plain("next")].concat());
        assert_eq!((framed.payloads(), framed.corrupt), (vec!["next"], 1), "{total}");
    }
}

#[test]
fn a_message_that_is_too_large_is_skipped_and_counted() {
    let stream = [plain("one"), plain(&"x".repeat(200)), plain("two")].concat();
    let framed = every_cut(&stream, |reads| decode(reads, 100));
    assert_eq!(framed.payloads(), ["one", "two"]);
    assert_eq!((framed.oversized, framed.corrupt, framed.is_cut), (1, 0, false));
    let largest = plain(&"x".repeat(200)).len();
    assert_eq!(decode(&[&stream], largest).oversized, 0);
    assert_eq!(decode(&[&stream], largest - 1).oversized, 1);
}

#[test]
fn a_stream_that_ends_in_a_message_says_so_and_hands_out_nothing_of_it() {
    let stream = [plain("one"), plain("two")].concat();
    let first = plain("one").len();
    for end in 0..=stream.len() {
        let framed = decode(&[&stream[..end]], 1 << 10);
        assert_eq!(
            framed.messages.len(),
            usize::from(end >= first) + usize::from(end == stream.len())
        );
        assert_eq!(framed.is_cut, end % first != 0, "end at {end}");
        assert_eq!(framed.corrupt, 0);
    }
}

#[test]
fn after_a_loss_the_next_whole_message_is_found() {
    let (one, two, three) = (plain("one"), plain("two"), plain("three"));
    let stream = [two.clone(), three.clone()].concat();
    for lost in 0..=two.len() {
        for cut in lost..=stream.len() {
            let mut decoder = EventStreamDecoder::new(1 << 10);
            let mut payloads = Vec::new();
            let mut each =
                |message: EventStreamMessage<'_>| payloads.push(message.payload.to_vec());
            decoder.feed(&one[..one.len() - 3], &mut each);
            decoder.resync();
            decoder.feed(&stream[lost..cut], &mut each);
            decoder.feed(&stream[cut..], &mut each);
            let expected: &[&[u8]] = if lost == 0 { &[b"two", b"three"] } else { &[b"three"] };
            assert_eq!(payloads, expected, "lost {lost}, cut at {cut}");
            assert_eq!(decoder.corrupt(), 0, "a known loss is no damage");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_framed_alike(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                (prop::collection::vec(any::<u8>(), 0..30), prop::collection::vec(any::<u8>(), 0..30))
                    .prop_map(|(headers, payload)| frame(&headers, &payload)),
                Just(plain("sound")),
            ],
            0..8,
        ),
        flip in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut stream = pieces.concat();
        if !stream.is_empty() {
            let at = flip.index(stream.len());
            stream[at] ^= 1;
        }
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let reads: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode(&reads, 64), decode(&[&stream], 64));
    }
}
