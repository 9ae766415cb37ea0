//! A JSON array framed whole, byte by byte and at every cut, and against the JSON library.

use langley_protocol::json_array::JsonArrayDecoder;
use proptest::prelude::*;
use serde_json::value::RawValue;

/// The objects of an array that arrives in these reads, what its end cut off, and how many were too
/// large.
fn frame(reads: &[&[u8]], max: usize) -> (Vec<String>, Vec<String>, u64) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut decoder = JsonArrayDecoder::new(max);
    let (mut whole, mut cut_off) = (Vec::new(), Vec::new());
    for read in reads {
        decoder.feed(read, &mut |object| whole.push(text(object)));
    }
    decoder.finish(&mut |object| cut_off.push(text(object)));
    (whole, cut_off, decoder.oversized())
}

#[track_caller]
fn at_every_cut(array: &[u8], max: usize) -> (Vec<String>, Vec<String>, u64) {
    let whole = frame(&[array], max);
    assert_eq!(frame(&array.chunks(1).collect::<Vec<_>>(), max), whole, "byte by byte");
    for cut in 0..=array.len() {
        let (a, b) = array.split_at(cut);
        assert_eq!(frame(&[a, b], max), whole, "cut at {cut}");
    }
    whole
}

#[test]
fn the_objects_of_an_array_are_handed_out_as_they_stand() {
    let array = "[{\"a\": {\"b\": [{}, 1]}}\n,\r\n{\"c\": \"} ] { \\\" \\\\\"},{}\n]";
    let (objects, cut_off, oversized) = at_every_cut(array.as_bytes(), 100);
    assert_eq!(objects, [r#"{"a": {"b": [{}, 1]}}"#, r#"{"c": "} ] { \" \\"}"#, "{}"]);
    assert_eq!((cut_off.len(), oversized), (0, 0));
}

#[test]
fn an_object_alone_and_objects_in_lines_are_read_and_other_values_are_passed_over() {
    assert_eq!(at_every_cut(br#" {"a":1} "#, 100).0, [r#"{"a":1}"#]);
    assert_eq!(at_every_cut(b"{}\n{\"a\":1}\n", 100).0, ["{}", r#"{"a":1}"#]);
    assert_eq!(at_every_cut(br#"[1, "{", null, "\"{", [2], {}]"#, 100).0, ["{}"]);
    assert_eq!(at_every_cut(b"}]} {\"a\":1}", 100).0, [r#"{"a":1}"#]);
    assert_eq!(at_every_cut(b"<html>", 100), (vec![], vec![], 0));
}

#[test]
fn what_the_end_cuts_off_is_handed_out_last() {
    let (objects, cut_off, _) = at_every_cut(br#"[{"a":1},{"b":"x{"#, 100);
    assert_eq!((objects, cut_off), (vec![r#"{"a":1}"#.into()], vec![r#"{"b":"x{"#.into()]));
}

#[test]
fn an_object_that_is_too_large_is_skipped_and_counted() {
    let (objects, cut_off, oversized) =
        at_every_cut(br#"[{"a":12},{"a":"}]{long"},{"b":34},{"longlong"#, 8);
    assert_eq!(objects, [r#"{"a":12}"#, r#"{"b":34}"#]);
    assert_eq!((cut_off.len(), oversized), (0, 2));
}

#[test]
fn after_lost_bytes_the_next_object_that_begins_a_line_is_read() {
    let lost =
        "part\": \"of {a} string\"},\n  {\"nested\": 1}\n}\n,\r\n{\"a\": 1}\n,\r\n{\"b\": 2}\n]";
    for cut in 0..lost.len() {
        let mut decoder = JsonArrayDecoder::new(100);
        let mut objects = Vec::new();
        decoder.feed(b"[{\"a\": {\"begun\": \"", &mut |_| {});
        decoder.resync();
        let (a, b) = lost.as_bytes().split_at(cut);
        for read in [a, b] {
            decoder.feed(read, &mut |object| {
                objects.push(String::from_utf8_lossy(object).into_owned());
            });
        }
        decoder.finish(&mut |_| panic!("nothing is unfinished"));
        assert_eq!(objects, [r#"{"a": 1}"#, r#"{"b": 2}"#], "cut at {cut}");
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(Into::into),
        "[{}\\[\\]\"\\\\,: a-cé😀\\n]{0,10}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[{}\"\\\\a]{0,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_array_is_framed_as_the_json_library_frames_it(
        values in prop::collection::vec(prop::collection::btree_map("[{}\"a]{0,4}", value(), 0..4), 0..6),
        pretty in any::<bool>(),
        size in 1_usize..40,
    ) {
        let values = serde_json::to_value(values).expect("values");
        let array =
            if pretty { serde_json::to_string_pretty(&values) } else { serde_json::to_string(&values) };
        let array = array.expect("an array");
        let expected: Vec<&RawValue> = serde_json::from_str(&array).expect("an array");
        let expected: Vec<_> = expected.into_iter().map(|raw| raw.get().to_owned()).collect();
        let reads: Vec<_> = array.as_bytes().chunks(size).collect();
        prop_assert_eq!(frame(&reads, 1 << 20), (expected, vec![], 0));
    }

    #[test]
    fn any_bytes_are_framed_alike_however_they_are_cut(
        bytes in "[{}\\[\\]\"\\\\,\n a]{0,60}", size in 1_usize..9, max in 0_usize..20,
    ) {
        let reads: Vec<_> = bytes.as_bytes().chunks(size).collect();
        prop_assert_eq!(frame(&reads, max), frame(&[bytes.as_bytes()], max));
    }
}
