//! The fast path says exactly what the JSON reader says, for any text in any layout.

use langley_protocol::anthropic::AnthropicResponse;
use langley_protocol::dialect::ResponseDecoder;
use langley_protocol::sse::SseEvent;
use proptest::prelude::*;

use crate::decoded::{Facts, facts};

fn read(mut decoder: AnthropicResponse, data: &[u8]) -> (Facts, Vec<String>) {
    let event = SseEvent { name: "content_block_delta", data, id: None, retry: None };
    let mut deltas = Vec::new();
    let read = decoder.event(&event, &mut |delta| deltas.push(format!("{delta:?}")));
    (facts(&read), deltas)
}

#[track_caller]
fn same(data: &[u8]) {
    let fast = read(AnthropicResponse::new(), data);
    let slow = read(AnthropicResponse::without_fast_path(), data);
    assert_eq!(fast, slow, "{}", String::from_utf8_lossy(data));
}

/// JSON string content: plain, escaped, and now and then broken.
fn escaped() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => "[ -!#-\\[\\]-~é漢😀]{0,12}".prop_map(String::into_bytes),
        3 => prop::sample::select(vec![
            "\\n", "\\\"", "\\\\", "\\t", "\\/", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\ude00",
        ]).prop_map(|escape| escape.as_bytes().to_vec()),
        1 => prop::sample::select(vec![
            b"\\x".to_vec(), b"\\u12".to_vec(), b"\\".to_vec(), b"\"".to_vec(), b"\n".to_vec(),
            b"\x01".to_vec(), b"\xff".to_vec(), b"\xe6\xbc".to_vec(), b"\x7f".to_vec(),
        ]),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 2 => Just(" "), 1 => Just(" \t\r\n  ")]
}

fn event() -> impl Strategy<Value = Vec<u8>> {
    let index = prop::sample::select(vec![
        "0",
        "7",
        "12",
        "4294967295",
        "4294967296",
        "01",
        "-1",
        "1.0",
        "1e0",
        "",
        "\"0\"",
        "null",
    ]);
    let kind = prop::sample::select(vec![
        ("text_delta", "text"),
        ("thinking_delta", "thinking"),
        ("input_json_delta", "partial_json"),
        ("signature_delta", "signature"),
        ("text_delta", "thinking"),
        ("new_delta", "text"),
    ]);
    let layout = 0_usize..12;
    (index, kind, escaped(), prop::collection::vec(space(), 20), layout).prop_map(
        |(index, (kind, member), text, spaces, layout)| {
            let index = if layout % 2 == 0 { "3" } else { index };
            let mut tokens: Vec<&[u8]> = vec![
                b"{",
                b"\"type\"",
                b":",
                b"\"content_block_delta\"",
                b",",
                b"\"index\"",
                b":",
                index.as_bytes(),
                b",",
                b"\"delta\"",
                b":",
                b"{",
                b"\"type\"",
                b":",
            ];
            let kind = format!("\"{kind}\"");
            let member = format!("\"{member}\"");
            let text = [b"\"", text.as_slice(), b"\""].concat();
            tokens.extend([kind.as_bytes(), b",", member.as_bytes(), b":", &text]);
            tokens.extend::<&[&[u8]]>(match layout {
                0 => &[b",", b"\"more\"", b":", b"1", b"}", b"}"],
                1 => &[b"}", b",", b"\"more\"", b":", b"[]", b"}"],
                2 => &[b"}"],
                3 => &[b"}", b"}", b"}"],
                4 => &[b",", b"\"type\"", b":", b"\"text_delta\"", b"}", b"}"],
                _ => &[b"}", b"}"],
            });
            let mut data = Vec::new();
            for (n, token) in tokens.iter().enumerate() {
                data.extend_from_slice(token);
                data.extend_from_slice(spaces[n % spaces.len()].as_bytes());
            }
            data
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn both_paths_agree_on_any_delta(data in event()) {
        let fast = read(AnthropicResponse::new(), &data);
        let slow = read(AnthropicResponse::without_fast_path(), &data);
        prop_assert_eq!(fast, slow, "{}", String::from_utf8_lossy(&data));
    }

    #[test]
    fn both_paths_agree_on_damaged_deltas(
        at in 0_usize..100, byte in 0_u8.., cut in 0_usize..120, text in escaped(),
    ) {
        let mut data = [
            br#"{"type":"content_block_delta","index":5,"delta":{"type":"text_delta","text":""#,
            text.as_slice(),
            br#""}}"#,
        ].concat();
        let len = data.len();
        data[at % len] = byte;
        same(&data);
        data.truncate(cut.min(len));
        same(&data);
    }
}

#[test]
fn both_paths_agree_on_every_cut_of_a_delta() {
    let whole = br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\u00e9"}} "#;
    for end in 0..=whole.len() {
        same(&whole[..end]);
    }
}
