//! Secrets in pieces where an event carries several texts.

use langley_model::{EventText, LiveKind};

use crate::corpus::{all, finds};
use crate::stream::{Stream, boundaries, halves, whole};

#[test]
fn a_secret_split_at_any_byte_is_one_placeholder_in_whatever_text_of_its_events() {
    for canary in all() {
        let text = format!("before {} after", canary.text);
        let expected = whole(&text);
        for at in boundaries(&text) {
            let (head, tail) = text.split_at(at);
            for order in [[1, 0], [0, 1]] {
                let mut stream = Stream::new();
                for piece in [head, tail] {
                    let of = |block| (block, if block == 0 { piece } else { "other words s" });
                    stream.texts(&order.map(of));
                }
                assert_eq!(stream.finish(), expected, "at {at}");
                stream.assert_clean(&canary);
                assert_eq!(stream.other_live, "other words sother words s");
            }
        }
    }
}

#[test]
fn two_secrets_that_straddle_the_same_two_events_are_both_replaced() {
    let canaries = all();
    // Of a few the secret is a word that stands in the harmless part of the other.
    let pairs = canaries.iter().zip(canaries.iter().rev());
    let apart: Vec<_> = pairs
        .filter(|(one, other)| !finds(&whole(&other.text), one) && !finds(&whole(&one.text), other))
        .collect();
    assert!(apart.len() + 4 > canaries.len());
    for (one, other) in apart {
        let mut stream = Stream::new();
        let [(a, b), (c, d)] = [one, other].map(|canary| halves(&canary.text));
        stream.texts(&[(0, a), (1, c)]);
        stream.texts(&[(1, d), (0, b)]);
        assert_eq!(stream.finish(), whole(&one.text));
        assert_eq!(stream.other_live, whole(&other.text));
        stream.assert_clean(one);
        stream.assert_clean(other);
    }
}

#[test]
fn two_texts_of_one_block_in_one_event_are_read_on_into_each_other() {
    for canary in all() {
        let text = format!("before {} after", canary.text);
        for at in boundaries(&text) {
            let (head, tail) = text.split_at(at);
            let mut stream = Stream::new();
            stream.texts(&[(0, head), (0, tail)]);
            assert_eq!(stream.finish(), whole(&text), "at {at}");
            stream.assert_clean(&canary);
        }
    }
}

#[test]
fn an_event_with_several_harmless_texts_is_not_delayed() {
    let mut stream = Stream::new();
    for seen in 1..=100 {
        stream.texts(&[(0, "all of this "), (1, "is"), (2, ""), (3, "fine ")]);
        assert_eq!(stream.run.spans.len(), seen);
    }
    stream.texts(&[(0, "the key is sk"), (1, "fine")]);
    stream.texts(&[(1, "and on")]);
    assert_eq!(stream.run.spans.len(), 100);
    stream.texts(&[(1, "and on"), (0, "etch-like")]);
    assert_eq!(stream.run.spans.len(), 103);
    stream.texts(&[(0, " s"), (1, " s")]);
    stream.end_block(0);
    assert_eq!(stream.run.spans.len(), 103);
    stream.end_block(1);
    assert_eq!(stream.run.spans.len(), 104);
}

#[test]
fn more_texts_in_one_event_than_blocks_are_followed_lose_their_secrets_too() {
    let canary = &all()[0];
    let pieces: Vec<(u32, &str)> = (0..200).map(|block| (block, canary.text.as_str())).collect();
    let mut stream = Stream::new();
    stream.texts(&pieces);
    stream.texts(&pieces);
    let _ = stream.finish();
    stream.assert_clean(canary);
    assert_eq!(stream.raw().matches("[redacted:").count(), 400);
}

#[test]
fn a_secret_around_the_texts_of_an_event_moves_their_places() {
    let canary = &all()[0];
    let (head, tail) = canary.text.split_at(12);
    let mut stream = Stream::new();
    for piece in [head, tail] {
        let note = &canary.text;
        let data = format!(
            r#"{{"type":"odd","note":"{note}","a":"hello","note":"{note}","index":0,"delta":{{"text":"{piece}"}}}}"#
        );
        let place = |block, text: &str| {
            let start = data.rfind(&format!("\"{text}\"")).unwrap() + 1;
            EventText {
                block,
                kind: LiveKind::Text,
                credential: None,
                start,
                end: start + text.len(),
            }
        };
        stream.push_data("odd", &data, &[place(1, "hello"), place(0, piece)]);
    }
    assert_eq!(stream.finish(), whole(&canary.text));
    assert_eq!(stream.other_live, "hellohello");
    stream.assert_clean(canary);
}
