//! Secrets that come in pieces.

use langley_model::{EventRedactor, EventRun, EventText, IncomingEvent, LiveKind, Redactor};

use crate::corpus::{Canary, all, escaped, finds, redactor};

/// A stream as the recorder drives it, and everything that came out.
pub(crate) struct Stream {
    redactor: Redactor,
    events: EventRedactor,
    pub(crate) run: EventRun,
    pub(crate) live: String,
    pub(crate) other_live: String,
    pushed: Vec<usize>,
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self {
            redactor: redactor(),
            events: EventRedactor::new(),
            run: EventRun::default(),
            live: String::new(),
            other_live: String::new(),
            pushed: Vec::new(),
        }
    }

    pub(crate) fn push_data(&mut self, kind: &str, data: &str, texts: &[EventText]) {
        let event = IncomingEvent {
            seq: self.pushed.len() as u64,
            offset_us: 7 * self.pushed.len() as u64,
            kind,
            data: data.as_bytes(),
            texts,
        };
        self.pushed.push(data.len());
        let Self { live, other_live, .. } = self;
        self.events.push(&self.redactor, event, &mut self.run, &mut |block, _, text| {
            if block == 0 { live.push_str(&text) } else { other_live.push_str(&text) }
        });
    }

    pub(crate) fn text(&mut self, block: u32, piece: &str) {
        let inner = escaped(piece);
        let before = format!(
            "{{\"type\":\"content_block_delta\",\"index\":{block},\"delta\":{{\"type\":\"text_delta\",\"text\":\""
        );
        let (start, end) = (before.len(), before.len() + inner.len());
        let place = EventText { block, kind: LiveKind::Text, credential: None, start, end };
        self.push_data("content_block_delta", &format!("{before}{inner}\"}}}}"), &[place]);
    }

    /// One event with several texts, each of a block.
    pub(crate) fn texts(&mut self, pieces: &[(u32, &str)]) {
        let mut data = String::from("{\"type\":\"chunk\",\"parts\":[");
        let mut places = Vec::new();
        for (at, (block, piece)) in pieces.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            data.push_str(&format!("{comma}{{\"index\":{block},\"text\":\""));
            let start = data.len();
            data.push_str(&escaped(piece));
            let kind = LiveKind::Text;
            places.push(EventText {
                block: *block,
                kind,
                credential: None,
                start,
                end: data.len(),
            });
            data.push_str("\"}");
        }
        data.push_str("]}");
        self.push_data("chunk", &data, &places);
    }

    pub(crate) fn ping(&mut self) {
        self.push_data("ping", "{\"type\":\"ping\"}", &[]);
    }

    pub(crate) fn end_block(&mut self, block: u32) {
        let Self { live, other_live, .. } = self;
        self.events.end_block(&self.redactor, block, &mut self.run, &mut |block, _, text| {
            if block == 0 { live.push_str(&text) } else { other_live.push_str(&text) }
        });
    }

    /// Ends the stream; the text of block 0 as stored, after checking what holds for every stream.
    pub(crate) fn finish(&mut self) -> String {
        let Self { live, other_live, .. } = self;
        self.events.finish(&self.redactor, &mut self.run, &mut |block, _, text| {
            if block == 0 { live.push_str(&text) } else { other_live.push_str(&text) }
        });
        let mut stored = String::new();
        let mut seqs = Vec::new();
        for (span, kind, data) in self.run.iter() {
            seqs.push(span.seq);
            assert_eq!(span.original_len as usize, self.pushed[span.seq as usize]);
            assert_eq!(span.offset_us, 7 * span.seq);
            let value: serde_json::Value = serde_json::from_slice(data)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(data)));
            assert_eq!(value["type"], kind);
            if value["index"] == 0 {
                stored.push_str(value["delta"]["text"].as_str().unwrap());
            }
            for part in value["parts"].as_array().into_iter().flatten() {
                if part["index"] == 0 {
                    stored.push_str(part["text"].as_str().unwrap());
                }
            }
        }
        assert_eq!(seqs, (0..self.pushed.len() as u64).collect::<Vec<_>>());
        assert_eq!(&stored, &self.live);
        stored
    }

    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(self.run.text.as_bytes()).into_owned()
    }

    pub(crate) fn assert_clean(&self, canary: &Canary) {
        for text in [&self.live, &self.other_live, &self.raw()] {
            assert!(!finds(text, canary), "{}: {text}", canary.text);
        }
    }
}

pub(crate) fn whole(text: &str) -> String {
    let mut text = text.to_owned();
    redactor().scrub_text(&mut text);
    text
}

pub(crate) fn boundaries(text: &str) -> impl Iterator<Item = usize> {
    (0..=text.len()).filter(|at| text.is_char_boundary(*at))
}

/// `text` in pieces of so many bytes, or of one more where a letter would be cut.
fn pieces(text: &str, len: usize) -> impl Iterator<Item = &str> {
    let end = move |from: usize| text.ceil_char_boundary(from + len);
    let ends = std::iter::successors(Some((0, end(0))), move |(_, to)| Some((*to, end(*to))));
    ends.take_while(|(from, _)| *from < text.len()).map(|(from, to)| &text[from..to])
}

pub(crate) fn halves(text: &str) -> (&str, &str) {
    text.split_at(text.floor_char_boundary(text.len() / 2))
}

#[test]
fn a_secret_split_in_two_at_any_byte_is_one_placeholder() {
    for canary in all() {
        let text = format!("before {} after", canary.text);
        let expected = whole(&text);
        for at in boundaries(&text) {
            let mut stream = Stream::new();
            stream.text(0, &text[..at]);
            stream.text(0, &text[at..]);
            if canary.rule != "base64_image" {
                stream.assert_clean(&canary);
            }
            assert_eq!(stream.finish(), expected, "at {at}");
            stream.assert_clean(&canary);
        }
    }
}

#[test]
fn a_secret_that_comes_byte_by_byte_is_one_placeholder() {
    for canary in all() {
        let text = format!("before {} after", canary.text);
        let mut stream = Stream::new();
        for piece in pieces(&text, 1) {
            stream.text(0, piece);
            stream.assert_clean(&canary);
        }
        stream.assert_clean(&canary);
        assert_eq!(stream.finish(), whole(&text));
        stream.assert_clean(&canary);
    }
}

#[test]
fn pings_and_other_blocks_between_the_pieces_do_not_let_a_secret_through() {
    for canary in all() {
        let text = format!("before {} after", canary.text);
        let mut stream = Stream::new();
        for (at, piece) in pieces(&text, 3).enumerate() {
            stream.text(0, piece);
            stream.ping();
            stream.text(1, if at % 2 == 0 { "other sk" } else { "-words" });
        }
        stream.end_block(1);
        assert_eq!(stream.finish(), whole(&text));
        stream.assert_clean(&canary);
    }
}

#[test]
fn a_secret_at_the_very_end_is_decided_when_its_block_ends() {
    for canary in all() {
        let mut stream = Stream::new();
        let (first, second) = halves(&canary.text);
        stream.text(0, first);
        stream.text(0, second);
        stream.end_block(0);
        stream.text(0, " tail");
        let expected = format!("{} tail", whole(&canary.text));
        assert_eq!(stream.finish(), expected);
        stream.assert_clean(&canary);
    }
}

#[test]
fn tool_input_that_is_json_itself_loses_its_secrets() {
    for canary in all() {
        let input = serde_json::json!({"command": format!("echo {}\nls", canary.text), "n": 1});
        let text = input.to_string();
        let mut stream = Stream::new();
        for piece in pieces(&text, 1) {
            stream.text(0, piece);
        }
        let stored = stream.finish();
        stream.assert_clean(&canary);
        let value: serde_json::Value = serde_json::from_str(&stored).unwrap();
        assert!(value["command"].as_str().unwrap().ends_with("\nls"), "{stored}");
    }
}

#[test]
fn a_needless_escape_split_anywhere_hides_nothing() {
    for canary in crate::corpus::shapes() {
        for at in 0..6 {
            let byte = canary.text.as_bytes()[at];
            let text = format!("a {}\\u{byte:04x}{} b", &canary.text[..at], &canary.text[at + 1..]);
            let mut stream = Stream::new();
            for piece in pieces(&text, 1) {
                stream.text(0, piece);
            }
            assert_eq!(stream.finish(), whole(&text));
            stream.assert_clean(&canary);
        }
    }
}

#[test]
fn safe_text_is_shown_at_once_and_only_the_suspicious_end_waits() {
    let mut stream = Stream::new();
    stream.text(0, "all of this is fine");
    assert_eq!(stream.live, "all of this is fine");
    assert_eq!(stream.run.spans.len(), 1);
    stream.text(0, " and the key is sk");
    assert_eq!(stream.live, "all of this is fine and the key is ");
    assert_eq!(stream.run.spans.len(), 1);
    stream.text(0, "etch-like");
    assert_eq!(stream.live, "all of this is fine and the key is sketch-like");
    assert_eq!(stream.run.spans.len(), 3);
    stream.text(0, "");
    assert_eq!(stream.run.spans.len(), 4);
}

#[test]
fn an_endless_secret_is_swallowed_beyond_what_may_be_held() {
    for (before, piece, after, expected) in [
        (
            String::from("the key sk-ant-api03-"),
            "q7Zk2Vw9Xy4Rt6Bn",
            " and on",
            "the key [redacted:anthropic_key] and on",
        ),
        (
            String::from("-----BEGIN PRIVATE KEY-----\n"),
            "q7Zk2Vw9Xy4Rt6Bn8Mc3\n",
            "-----END PRIVATE KEY-----\nand on",
            "-----BEGIN PRIVATE KEY-----[redacted:private_key]\nand on",
        ),
        (
            String::from("{\"password\": \""),
            "all the \\\"secret words\\n ",
            "\"} and on",
            "{\"password\": \"[redacted:credential_field]\"} and on",
        ),
    ] {
        let mut stream = Stream::new();
        stream.text(0, &before);
        for _ in 0..5000 {
            stream.text(0, piece);
            assert!(!stream.raw().contains(piece) || piece.len() < 6);
            if stream.run.spans.len() > 2000 {
                break;
            }
        }
        assert!(stream.run.spans.len() > 2000);
        stream.text(0, after);
        assert_eq!(stream.finish(), expected);
        assert!(!stream.raw().contains("q7Zk2V") && !stream.raw().contains("secret words"));
    }
}

#[test]
fn a_few_thousand_pings_behind_a_harmless_start_do_not_wait_for_ever() {
    let mut stream = Stream::new();
    stream.text(0, "ends in s");
    for _ in 0..1000 {
        stream.ping();
    }
    assert!(stream.run.spans.len() > 700);
    let canary = &all()[0];
    stream.text(0, &canary.text[1..]);
    stream.text(0, " after");
    assert_eq!(stream.finish(), "ends in s[redacted:anthropic_key] after");
    stream.assert_clean(canary);
}

#[test]
fn a_secret_around_the_text_of_an_event_is_replaced_too() {
    let canary = &all()[0];
    let data = format!("{{\"type\":\"odd\",\"note\":\"{}\",\"text\":\"hello\"}}", canary.text);
    let start = data.find("hello").unwrap();
    let mut stream = Stream::new();
    let place =
        EventText { block: 3, kind: LiveKind::Thinking, credential: None, start, end: start + 5 };
    stream.push_data("odd", &data, &[place]);
    stream.push_data("odd", &data, &[]);
    let _ = stream.finish();
    stream.assert_clean(canary);
    assert_eq!(stream.other_live, "hello");
    assert_eq!(stream.raw().matches("\"hello\"").count(), 2);
}
