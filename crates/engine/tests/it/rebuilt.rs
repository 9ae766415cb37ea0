//! Requests in pieces, from the wire through the recorder and the store and back: the same bytes.

use langley_model::{Redactor, Side};
use langley_protocol::dialect::dialect_for;
use langley_protocol::piece::{Piece, pieces};
use langley_store::Store;
use proptest::prelude::*;
use proptest::sample::select;

use crate::kit::Script;
use crate::stored::Home;

/// Requests as agents send them, and one as nobody does, with their paths and how many pieces they have.
const REQUESTS: [(&str, &[u8], usize); 6] = [
    ("/v1/messages?beta=true", include_bytes!("../requests/anthropic.json"), 7),
    ("/v1/messages", include_bytes!("../requests/anthropic_odd.json"), 5),
    ("/v1/chat/completions", include_bytes!("../requests/openai_chat.json"), 5),
    ("/backend-api/codex/responses", include_bytes!("../requests/openai_responses.json"), 7),
    ("/v1internal:streamGenerateContent?alt=sse", include_bytes!("../requests/gemini_cli.json"), 5),
    (
        "/model/amazon.nova-pro-v1:0/converse",
        include_bytes!("../requests/bedrock_converse.json"),
        7,
    ),
];

fn apart(path: &str, body: &[u8]) -> Vec<Piece> {
    let (_, dialect) = dialect_for("POST", "any.example", path).unwrap();
    pieces(dialect.seams(), body).unwrap_or_default()
}

fn asked(path: &str, body: &[u8]) -> Script {
    Script::post(path, &[]).request(body).request_end().head(200, &[]).end()
}

fn stored(store: &Store, script: &Script) -> Vec<u8> {
    let body = store.body(script.flow, Side::Client).unwrap().unwrap().into_inner();
    assert!(!body.truncated);
    body.bytes
}

fn redacted(redactor: &Redactor, body: &[u8]) -> Vec<u8> {
    redactor.body(body.to_vec()).as_bytes().to_vec()
}

#[test]
fn every_recorded_request_comes_back_byte_for_byte() {
    let home = Home::new();
    let mut scripts = Vec::new();
    for (path, body, count) in REQUESTS {
        assert!(body.len() >= 4096, "{path} is too short to be taken apart");
        assert_eq!(apart(path, body).len(), count, "{path}");
        let secret = body.windows(9).position(|part| part == b"lazy dog ");
        let mut with_key = body.to_vec();
        if let Some(at) = secret {
            with_key.splice(at..at, *b" sk-ant-api03-0123456789abcdefghij ");
        }
        for body in [body.to_vec(), with_key] {
            let script = asked(path, &body);
            home.play(&script);
            scripts.push((script, body));
        }
    }
    let redactor = std::sync::Arc::clone(&home.redactor);
    let (store, _folder) = home.finish();
    for (script, body) in &scripts {
        let expected = redacted(&redactor, body);
        assert!(!String::from_utf8_lossy(&expected).contains("0123456789abcdefghij"));
        assert_eq!(stored(&store, script), expected, "{}", script.opened.target);
    }
    store.close();
}

/// Blanks as JSON allows them (RFC 8259 §2).
fn blank() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\n", "\t", "\r\n", "  \n\t "])
}

/// A JSON string with escapes of every kind, lone surrogates among them.
fn string() -> impl Strategy<Value = String> {
    let part = select(vec![
        "a",
        "word ",
        "é",
        "日",
        "😀",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\ud800",
        "{",
        "]",
        ",",
        ":",
        "\u{7f}",
    ]);
    prop::collection::vec(part, 0..12).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

/// Names that mean something, some of them spelt with escapes, so that they are often repeated.
fn name() -> impl Strategy<Value = String> {
    let known = [
        "\"messages\"",
        "\"messages\"",
        "\"m\\u0065ssages\"",
        "\"tools\"",
        "\"system\"",
        "\"role\"",
        "\"content\"",
        "\"model\"",
    ];
    prop_oneof![4 => select(known.to_vec()).prop_map(str::to_owned), 1 => string()]
}

fn list(items: &[String], open: char, close: char, blanks: &[&str]) -> String {
    let mut text = String::from(open);
    let mut blanks = blanks.iter().cycle();
    for (number, item) in items.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        let mut blank = || *blanks.next().unwrap_or(&"");
        text.push_str(&format!("{}{comma}{}{item}{}", blank(), blank(), blank()));
    }
    text.push(close);
    text
}

fn value() -> impl Strategy<Value = String> {
    let word =
        select(vec!["null", "true", "false", "0", "-0.0", "1.50e+10", "12345678901234567890123"]);
    let leaf = prop_oneof![word.prop_map(str::to_owned), string()];
    leaf.prop_recursive(8, 60, 6, |inner| {
        let blanks = || prop::collection::vec(blank(), 1..7);
        let items = prop::collection::vec(inner.clone(), 0..6);
        let array = (items, blanks()).prop_map(|(items, blanks)| list(&items, '[', ']', &blanks));
        prop_oneof![array, object(inner)]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (name(), blank(), blank(), value)
        .prop_map(|(name, before, after, value)| format!("{name}{before}:{after}{value}"));
    let members = prop::collection::vec(member, 0..6);
    (members, prop::collection::vec(blank(), 1..7))
        .prop_map(|(members, blanks)| list(&members, '{', '}', &blanks))
}

/// A body that is long enough to be taken apart; one in eight is cut off and no JSON.
fn body() -> impl Strategy<Value = String> {
    (blank(), object(value()), blank(), 0..8).prop_map(|(before, mut object, after, fate)| {
        let long = "so it goes on ".repeat(300);
        let comma = if object.contains(':') { "," } else { "" };
        object.insert_str(1, &format!("\"messages\":[\"{long}\"]{comma}"));
        if fate == 0 {
            object.pop();
        }
        format!("{before}{object}{after}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn any_json_comes_back_byte_for_byte(bodies in prop::collection::vec(body(), 40)) {
        let home = Home::new();
        let scripts: Vec<_> = bodies.iter().map(|body| asked("/v1/messages", body.as_bytes())).collect();
        for script in &scripts {
            home.play(script);
        }
        let redactor = std::sync::Arc::clone(&home.redactor);
        let (store, _folder) = home.finish();
        let mut in_pieces = 0;
        for (script, body) in scripts.iter().zip(&bodies) {
            let expected = redacted(&redactor, body.as_bytes());
            prop_assert_eq!(stored(&store, script), expected.clone());
            let found = apart("/v1/messages", &expected);
            in_pieces += usize::from(!found.is_empty());
            for piece in found {
                let text = &expected[piece.range];
                prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(text).is_ok());
            }
        }
        prop_assert!(in_pieces > bodies.len() / 2, "{} of {}", in_pieces, bodies.len());
        store.close();
    }
}
