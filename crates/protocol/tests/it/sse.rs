//! Event framing: the standard's examples, every cut, damage, and an independent implementation.

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use langley_protocol::sse::{SseDecoder, SseEvent};
use proptest::prelude::*;

/// An event, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<u64>,
}

impl Kept {
    fn of(event: &SseEvent<'_>) -> Self {
        Self {
            name: event.name.to_owned(),
            data: event.data.to_vec(),
            id: event.id.map(str::to_owned),
            retry: event.retry,
        }
    }
}

fn kept(name: &str, data: &str) -> Kept {
    Kept { name: name.into(), data: data.into(), id: None, retry: None }
}

/// Decodes reads, then the end; also how many events were too large.
fn decode(reads: &[&[u8]], max: usize) -> (Vec<Kept>, u64) {
    let mut decoder = SseDecoder::new(max);
    let mut events = Vec::new();
    for read in reads {
        decoder.feed(read, &mut |event| events.push(Kept::of(&event)));
    }
    decoder.finish(&mut |event| events.push(Kept::of(&event)));
    (events, decoder.oversized())
}

/// Decodes whole, byte by byte and at every cut; all must agree.
#[track_caller]
fn at_every_cut(stream: &[u8], max: usize) -> (Vec<Kept>, u64) {
    let whole = decode(&[stream], max);
    let bytes: Vec<_> = stream.chunks(1).collect();
    assert_eq!(decode(&bytes, max), whole, "byte by byte");
    for cut in 0..=stream.len() {
        let (a, b) = stream.split_at(cut);
        assert_eq!(decode(&[a, b], max), whole, "cut at {cut}");
    }
    whole
}

#[track_caller]
fn events(stream: impl AsRef<[u8]>) -> Vec<Kept> {
    at_every_cut(stream.as_ref(), 1 << 20).0
}

#[test]
fn lines_may_end_in_lf_crlf_or_cr() {
    let lines = "event: a\ndata: 1\n\nevent: b\ndata: 2\ndata: 3\n\n";
    let expected = [kept("a", "1"), kept("b", "2\n3")];
    assert_eq!(events(lines), expected);
    assert_eq!(events(lines.replace('\n', "\r\n")), expected);
    assert_eq!(events(lines.replace('\n', "\r")), expected);
    assert_eq!(
        events("event: a\r\ndata: 1\n\rdata: 2\r\r\ndata: 3\n\n"),
        [kept("a", "1"), kept("", "2"), kept("", "3")]
    );
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    assert_eq!(events("\u{feff}data: 1\n\n"), [kept("", "1")]);
    assert_eq!(events("\u{feff}\u{feff}data: 1\n\n"), []);
    assert_eq!(events(b"\xef\xbbdata: 1\n\ndata: 2\n\n"), [kept("", "2")]);
    assert_eq!(events("data: \u{feff}\n\n\u{feff}data: 2\n\n"), [kept("", "\u{feff}")]);
}

#[test]
fn comments_and_unknown_fields_say_nothing() {
    assert_eq!(
        events(": hi\n\n:\nfoo: bar\ndata: 1\n: in between\ndatax: no\ndata\n\n:end"),
        [kept("", "1\n")]
    );
}

#[test]
fn one_space_after_the_colon_is_not_data() {
    assert_eq!(events("data:a\ndata: b\ndata:  c\ndata:\n\n"), [kept("", "a\nb\n c\n")]);
}

#[test]
fn an_event_without_data_is_none_and_an_empty_one_is_one() {
    assert_eq!(events("event: a\n\n\n\ndata:\n\nid: 7\n\ndata\n\n"), [kept("", ""), kept("", "")]);
}

#[test]
fn ids_and_retries_are_those_of_the_event_itself() {
    let stream = "id: 7\nretry: 250\ndata: 1\n\ndata: 2\nid: x\0y\nretry: 2s\n\nid\ndata: 3\n\n";
    let first = Kept { id: Some("7".into()), retry: Some(250), ..kept("", "1") };
    let third = Kept { id: Some(String::new()), ..kept("", "3") };
    assert_eq!(events(stream), [first, kept("", "2"), third]);
}

#[test]
fn the_last_name_counts_and_need_not_be_utf8() {
    assert_eq!(events("event: a\nevent: b\ndata: 1\n\n"), [kept("b", "1")]);
    assert_eq!(events(b"event: \xff\ndata: 1\n\n"), [kept("\u{fffd}", "1")]);
}

#[test]
fn a_code_point_may_be_cut() {
    assert_eq!(events("data: é漢😀\n\n"), [kept("", "é漢😀")]);
}

#[test]
fn what_the_end_cuts_off_is_handed_out() {
    assert_eq!(events("event: a\ndata: 1\n"), [kept("a", "1")]);
    assert_eq!(events("data: 0\n\nevent: a\ndata: 1"), [kept("", "0"), kept("a", "1")]);
    assert_eq!(events("event: a"), []);
    assert_eq!(events(""), []);
}

#[test]
fn an_event_over_the_bound_is_skipped_and_counted() {
    let stream = "data: 12345\n\ndata: 123456\n\n: a long comment is nothing\ndata: 1\ndata: 2\n\n\
                  foo: bar baz\ndata: 1\n\ndata: 3\n\n";
    let (events, oversized) = at_every_cut(stream.as_bytes(), 11);
    assert_eq!(events, [kept("", "12345"), kept("", "3")]);
    assert_eq!(oversized, 3);
    let (events, oversized) = at_every_cut(b"data: 1234567890\ndata: 1", 11);
    assert_eq!((events, oversized), (Vec::new(), 1));
}

#[test]
fn an_endless_line_is_given_up_at_the_bound_and_not_at_its_end() {
    let mut decoder = SseDecoder::new(1000);
    let mut events = 0;
    decoder.feed(b"data: ", &mut |_| events += 1);
    for fed in 1..=2000 {
        decoder.feed(b"x", &mut |_| events += 1);
        assert_eq!(decoder.oversized(), u64::from(fed > 994), "{fed}");
    }
    decoder.feed(b"\n\ndata: y\n\n", &mut |_| events += 1);
    assert_eq!((decoder.oversized(), events), (1, 1));
}

#[test]
fn after_lost_bytes_the_next_whole_event_is_the_first() {
    let stream: &[u8] = b"event: a\r\ndata: one\r\n\r\nevent: b\r\ndata: two\r\n\r\n\
                          event: c\r\ndata: three\r\n\r\n";
    let all = decode(&[stream], 100).0;
    for from in 0..stream.len() {
        for to in from..stream.len() {
            let mut decoder = SseDecoder::new(100);
            let mut events = Vec::new();
            decoder.feed(&stream[..from], &mut |event| events.push(Kept::of(&event)));
            let before = events.len();
            decoder.resync();
            decoder.feed(&stream[to..], &mut |event| events.push(Kept::of(&event)));
            assert_eq!(events[..before], all[..before], "{from}..{to}");
            assert!(all.ends_with(&events[before..]), "{from}..{to}: {events:?}");
            if to <= 23 {
                assert!(events.contains(&all[2]), "{from}..{to}");
            }
        }
    }
}

/// What `eventsource-stream` makes of the same reads; its names and ids are the browser's.
fn theirs(reads: &[&[u8]]) -> Vec<(String, String)> {
    let reads: Vec<Result<Vec<u8>, ()>> = reads.iter().map(|read| Ok(read.to_vec())).collect();
    let stream = futures_util::stream::iter(reads).eventsource();
    let events = stream.map(|event| event.expect("valid UTF-8"));
    let events: Vec<_> = blocking(events.collect());
    events.into_iter().map(|event| (event.event, event.data)).collect()
}

/// Polls a future that never waits for anything.
fn blocking<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

fn ours(reads: &[&[u8]]) -> Vec<(String, String)> {
    let mut decoder = SseDecoder::new(1 << 20);
    let mut events = Vec::new();
    for read in reads {
        decoder.feed(read, &mut |event| {
            let name = if event.name.is_empty() { "message" } else { event.name };
            let data = String::from_utf8(event.data.to_vec()).expect("valid UTF-8");
            events.push((name.to_owned(), data));
        });
    }
    events
}

fn line() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        4 => Just("data".to_owned()),
        2 => Just("event".to_owned()),
        1 => Just("id".to_owned()),
        1 => Just("retry".to_owned()),
        1 => "[a-z]{0,3}",
    ];
    let value = "[ :a-z0-9é漢😀{}\"]{0,12}";
    let content = prop_oneof![
        6 => (field.clone(), value).prop_map(|(field, value)| format!("{field}: {value}")),
        1 => (field, value).prop_map(|(field, value)| format!("{field}:{value}")),
        1 => value.prop_map(|value| format!(": {value}")),
        4 => Just(String::new()),
    ];
    (content, prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")])
        .prop_map(|(content, end)| format!("{content}{end}"))
}

proptest! {
    #[test]
    fn an_independent_implementation_frames_the_same_events(
        lines in prop::collection::vec(line(), 0..24),
    ) {
        // The final blank line keeps a CR at the very end from being ambiguous for theirs.
        let stream = lines.concat() + "\n\n";
        prop_assert_eq!(ours(&[stream.as_bytes()]), theirs(&[stream.as_bytes()]), "{:?}", stream);
    }

    #[test]
    fn any_cutting_of_any_bytes_gives_the_same_events(
        stream in prop::collection::vec(
            prop_oneof![
                3 => Just(b"data: x".to_vec()),
                3 => Just(b"\n".to_vec()),
                2 => Just(b"\r".to_vec()),
                1 => Just(b"event: y".to_vec()),
                1 => Just(b"id:".to_vec()),
                1 => Just(b":".to_vec()),
                1 => Just(b"\xef\xbb\xbf".to_vec()),
                1 => prop::collection::vec(0_u8.., 0..4),
            ],
            0..24,
        ),
        cuts in prop::collection::vec(0_usize..200, 0..6),
        max in prop_oneof![Just(10_usize), Just(1000)],
    ) {
        let stream = stream.concat();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.sort_unstable();
        let mut reads = Vec::new();
        let mut from = 0;
        for cut in cuts {
            reads.push(&stream[from..cut]);
            from = cut;
        }
        reads.push(&stream[from..]);
        prop_assert_eq!(decode(&reads, max), decode(&[&stream], max));
    }
}
