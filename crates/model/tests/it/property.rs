//! What must hold for any text: built from secrets, halves of secrets, and ordinary pieces.

use langley_model::{
    EventRedactor, EventRun, EventText, IncomingEvent, LiveKind, Redacted, Survey,
};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;

use crate::corpus::{all, redactor};
use crate::stream::Stream;

fn piece() -> impl Strategy<Value = String> {
    let secrets: Vec<String> =
        all().into_iter().filter(|c| c.rule != "base64_image").map(|c| c.text).collect();
    let secret = proptest::sample::select(secrets);
    let half = (secret.clone(), any::<proptest::sample::Index>()).prop_map(|(text, at)| {
        let ends: Vec<usize> = crate::stream::boundaries(&text).collect();
        text[..ends[at.index(ends.len())]].to_owned()
    });
    let ordinary = proptest::sample::select(vec![
        " ",
        "\n",
        "\"",
        "\\",
        "\\\"",
        "\\n",
        "\\u0073",
        "\\u00",
        "\\/",
        "é",
        "😀",
        "{",
        "}",
        ":",
        "@",
        "-",
        "=",
        "&",
        "?",
        "the",
        "token\": \"",
        "password",
        "key",
        "://",
        "u:p@h",
        ".",
        "eyJ",
        "sk-",
        "n",
        "a1B2",
        "data:image/",
        "PRIVATE KEY",
        "-----",
        "Bearer ",
        "[redacted:x]",
    ])
    .prop_map(str::to_owned);
    prop_oneof![2 => secret, 3 => half, 6 => ordinary, 1 => Just(String::from("word "))]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

fn scrubbed(text: &str) -> String {
    let mut text = text.to_owned();
    redactor().scrub_text(&mut text);
    text
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_split_of_a_stream_gives_what_the_whole_gives(
        text in text(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        at.retain(|at| text.is_char_boundary(*at));
        at.sort_unstable();
        let mut stream = Stream::new();
        let mut from = 0;
        for to in at.into_iter().chain([text.len()]) {
            stream.text(0, &text[from..to]);
            from = to;
        }
        assert_eq!(stream.finish(), scrubbed(&text));
    }

    #[test]
    fn events_surveyed_together_are_redacted_as_each_alone(
        pieces in proptest::collection::vec(text(), 1..8),
        plain in proptest::collection::vec(any::<bool>(), 8),
    ) {
        let redactor = redactor();
        let mut read = String::new();
        let mut places = Vec::new();
        for (piece, plain) in pieces.iter().zip(plain) {
            let inner = crate::corpus::escaped(if plain { "ordinary " } else { piece });
            read.push_str("event: delta\ndata: ");
            let from = read.len();
            read.push_str("{\"text\":\"");
            let start = read.len() - from;
            read.push_str(&inner);
            places.push((from, start, read.len() - from));
            read.push_str("\"}\n\n");
        }
        let run = |together: bool| {
            let mut events = EventRedactor::new();
            let mut run = EventRun::default();
            let mut shown = String::new();
            let mut survey = Survey::new(read.as_bytes());
            let mut live = |_, _, text: Redacted<String>| shown.push_str(&text);
            for (seq, &(from, start, end)) in (0..).zip(&places) {
                let data = &read.as_bytes()[from..from + end + 2];
                let texts = &[EventText { block: 0, kind: LiveKind::Text, credential: None, start, end }];
                let event = IncomingEvent { seq, offset_us: 0, kind: "delta", data, texts };
                if together {
                    events.push_surveyed(&redactor, event, &mut survey, &mut run, &mut live);
                } else {
                    events.push(&redactor, event, &mut run, &mut live);
                }
            }
            events.finish(&redactor, &mut run, &mut live);
            (run.text, run.spans, shown)
        };
        assert_eq!(run(true), run(false));
    }

    #[test]
    fn lines_redacted_together_are_redacted_as_each_alone(
        texts in proptest::collection::vec((text(), any::<bool>()), 0..10),
    ) {
        let redactor = redactor();
        let lines = texts.into_iter().map(|(text, is_plain)| {
            if is_plain { "{\"plain\":1}\n".to_owned() } else { format!("{text}\n") }
        });
        let (mut together, mut ends, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines {
            together.extend_from_slice(line.as_bytes());
            ends.push(together.len());
            alone.push(scrubbed(&line));
        }
        let redacted = redactor.lines(together, &mut ends);
        assert_eq!(redacted.as_bytes(), alone.concat().as_bytes());
        let mut start = 0;
        for (end, alone) in ends.into_iter().zip(alone) {
            assert_eq!(*redacted.part(start..end).unwrap(), alone.as_bytes());
            start = end;
        }
        assert_eq!(start, redacted.len());
    }

    #[test]
    fn redacting_again_changes_nothing(text in text()) {
        let once = scrubbed(&text);
        assert_eq!(scrubbed(&once), once);
    }

    #[test]
    fn json_stays_json_and_says_what_the_redacted_text_says(text in text(), depth in 0..3) {
        let mut json = serde_json::json!({ "text": text }).to_string();
        for _ in 0..depth {
            json = serde_json::json!({ "text": json }).to_string();
        }
        redactor().scrub_json(&mut json);
        for _ in 0..depth {
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            json = value["text"].as_str().unwrap().to_owned();
        }
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["text"].as_str().unwrap(), scrubbed(&text));
    }
}
