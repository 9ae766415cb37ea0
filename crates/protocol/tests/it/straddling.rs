//! A secret that straddles two events of any dialect is stored of neither, in whatever text of them it
//! lies; what is no secret is not held up.

use langley_model::{
    Credential, EventRedactor, EventRun, IncomingEvent, Redactor, RedactorOptions,
};
use langley_protocol::anthropic::Anthropic;
use langley_protocol::bedrock::{Converse, Invoke};
use langley_protocol::dialect::Dialect;
use langley_protocol::gemini::{Gemini, Interactions};
use langley_protocol::openai::{Chat, Responses};
use langley_protocol::sse::SseEvent;

const SECRET: &str = "sk-ant-api03-q7Zk2Vw9Xy4Rt6Bn8Mc3Lp5Hd1Gs0Fj";

/// An event that says `{}`, of this name, and the dialect it is of.
struct Form(&'static dyn Dialect, &'static str, &'static str);

const FORMS: &[Form] = &[
    Form(
        &Anthropic,
        "content_block_delta",
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
    ),
    // Two calls of one choice, and two choices.
    Form(
        &Chat,
        "",
        r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[
            {"index":0,"id":"a","function":{"name":"x","arguments":"other s"}},
            {"index":1,"id":"b","function":{"name":"y","arguments":"{}"}}]}}]}"#,
    ),
    Form(
        &Chat,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"other s"}},
            {"index":1,"delta":{"content":"{}"}}]}"#,
    ),
    Form(
        &Chat,
        "",
        r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[
            {"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}]}},
            {"index":1,"delta":{"content":"other s"}}]}"#,
    ),
    // The parts of one kind are one block.
    Form(
        &Gemini,
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":""},{"text":"{}"}],"role":"model"}}]}"#,
    ),
    Form(&Gemini, "", r#"{"candidates":[{"content":{"parts":[{"text":"{}"}]}}]}"#),
    Form(
        &Responses,
        "",
        r#"{"type":"response.output_text.delta","output_index":1,"content_index":2,"delta":"{}"}"#,
    ),
    Form(
        &Responses,
        "",
        r#"{"type":"response.reasoning_summary_text.delta","output_index":1,"delta":"{}"}"#,
    ),
    Form(
        &Interactions,
        "",
        r#"{"event_type":"step.delta","index":1,"delta":{"type":"text","text":"{}"}}"#,
    ),
    Form(
        &Interactions,
        "",
        r#"{"event_type":"step.delta","index":1,"delta":{"type":"thought_summary","content":{"text":"{}"}}}"#,
    ),
    Form(&Converse, "contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"{}"}}"#),
    Form(
        &Converse,
        "contentBlockDelta",
        r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}"#,
    ),
    Form(
        &Converse,
        "contentBlockDelta",
        r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":"{}"}}}"#,
    ),
    Form(
        &Invoke::ANY,
        "chunk",
        r#"{"contentBlockDelta":{"delta":{"text":"{}"},"contentBlockIndex":0}}"#,
    ),
    Form(&Invoke::ANY, "chunk", r#"{"generation":"{}","stop_reason":null}"#),
    Form(&Invoke::ANY, "chunk", r#"{"outputs":[{"text":"{}","stop_reason":null}]}"#),
    Form(&Invoke::ANY, "chunk", r#"{"choices":[{"text":"{}","stop_reason":null}]}"#),
    Form(&Invoke::ANY, "chunk", r#"{"text":"{}","is_finished":false}"#),
    Form(
        &Invoke::ANTHROPIC,
        "chunk",
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"{}"}}"#,
    ),
];

/// What was stored of a stream of these events, in how many spans after each, and what was shown.
fn stored(form: &Form, pieces: &[&str]) -> (String, Vec<usize>, String) {
    let data: Vec<String> = pieces.iter().map(|piece| form.2.replace("{}", piece)).collect();
    stored_data(form.0, form.1, &data)
}

fn stored_data(
    dialect: &dyn Dialect,
    name: &str,
    pieces: &[String],
) -> (String, Vec<usize>, String) {
    let redactor = Redactor::new(RedactorOptions::default()).expect("a redactor");
    let (mut decoder, mut events) = (dialect.response(), EventRedactor::new());
    let (mut run, mut shown, mut counts) = (EventRun::default(), String::new(), Vec::new());
    let mut live = |_, _, text: langley_model::Redacted<String>| shown.push_str(&text);
    for (seq, data) in (0..).zip(pieces) {
        let event = SseEvent { name, data: data.as_bytes(), id: None, retry: None };
        let facts = decoder.event(&event, &mut |_| {});
        assert!(facts.known, "{data}");
        let (texts, data) = (facts.texts.as_slice(), event.data);
        let incoming = IncomingEvent { seq, offset_us: 0, kind: facts.kind, data, texts };
        events.push(&redactor, incoming, &mut run, &mut live);
        for block in &facts.ends_blocks {
            events.end_block(&redactor, *block, &mut run, &mut live);
        }
        counts.push(run.spans.len());
    }
    events.finish(&redactor, &mut run, &mut live);
    assert_eq!(run.spans.len(), pieces.len());
    (String::from_utf8(run.text.as_bytes().to_vec()).expect("text"), counts, shown)
}

#[test]
fn nothing_of_a_secret_that_straddles_two_events_is_stored() {
    let text = format!("run {SECRET} now");
    for form in FORMS {
        for at in 0..=text.len() {
            let (stored, _, shown) = stored(form, &[&text[..at], &text[at..]]);
            for found in [&stored, &shown] {
                assert_eq!(found.matches("[redacted:anthropic_key]").count(), 1, "{at}: {found}");
                let piece = |at: usize| found.contains(&SECRET[at..at + 5]);
                assert!(!(13..SECRET.len() - 5).any(piece), "{at}: {found}");
            }
            let rest = 2 * (form.2.len() - "{}".len()) + "run  now".len();
            assert_eq!(stored.len(), rest + "[redacted:anthropic_key]".len(), "{at}: {stored}");
        }
    }
}

/// A chunk with a piece of a call, and an element of its arguments.
fn call(parts: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{{parts}"willContinue":true}}}}]}}}}]}}"#
    )
}

fn value(path: &str, text: &str, goes_on: bool) -> String {
    format!(r#"{{"jsonPath":"$.{path}","stringValue":"{text}","willContinue":{goes_on}}}"#)
}

#[test]
fn a_value_told_by_path_loses_its_secret_even_right_behind_another_value() {
    for at in 1..SECRET.len() {
        let (head, tail) = SECRET.split_at(at);
        let two = format!("{},{}", value("a", "rk", false), value("b", head, true));
        let data = [
            call(r#""name":"x","#),
            call(&format!(r#""partialArgs":[{}],"#, value("a", "Yo", true))),
            call(&format!(r#""partialArgs":[{two}],"#)),
            call(&format!(r#""partialArgs":[{}],"#, value("b", tail, false))),
        ];
        let (stored, ..) = stored_data(&Gemini, "", &data);
        assert_eq!(stored.matches("[redacted:anthropic_key]").count(), 1, "{at}: {stored}");
        let found = (13..SECRET.len() - 5).any(|at| stored.contains(&SECRET[at..at + 5]));
        assert!(!found, "{at}: {stored}");
    }
}

/// Arguments that come in pieces, one value of which is cut into these; stored, and shown.
fn told(path: &str, pieces: &[&str]) -> (String, String) {
    let mut data = vec![call(r#""name":"x","#)];
    let harmless = |text| value("first", text, false);
    for (at, piece) in pieces.iter().enumerate() {
        let piece = value(path, piece, at + 1 < pieces.len());
        let more = if at == 0 { format!("{},{piece}", harmless("one")) } else { piece };
        data.push(call(&format!(r#""partialArgs":[{more}],"#)));
    }
    data.push(call(&format!(r#""partialArgs":[{}],"#, value("last", "two", false))));
    let (stored, _, shown) = stored_data(&Gemini, "", &data);
    (stored, shown)
}

#[test]
fn a_value_told_by_the_path_of_a_credential_is_redacted_whole() {
    const HIDDEN: &str = "[redacted:credential_field]";
    let cases = [
        ("password", "", "correct-horse-9"),
        ("password", "", r#"two words \"and quotes\""#),
        ("db.password", "", "correct-horse-9"),
        ("db['api-key']", "", "correct-horse-9"),
        (r#"db[\"client_secret\"]"#, "", "correct-horse-9"),
        ("users[3].passphrase", "", "correct-horse-9"),
        ("users[3].passwords[0].secret[1][2]", "", "correct-horse-9"),
        ("token", "", "tok4correcthorse9x"),
        ("headers.Authorization", "Bearer ", "correct-horse-9"),
    ];
    for (path, kept, secret) in cases {
        let text = format!("{kept}{secret}");
        for at in 0..text.len() {
            let (head, tail) = text.split_at(at);
            // An escape is never cut by a writer of events.
            if head.ends_with('\\') {
                continue;
            }
            let pieces = if at == 0 { vec![tail] } else { vec![head, tail] };
            let (stored, shown) = told(path, &pieces);
            assert_eq!(shown, format!("one{kept}{HIDDEN}two"), "{path} at {at}");
            assert_eq!(stored.matches(HIDDEN).count(), 1, "{path} at {at}: {stored}");
            let stems = ["orrec", "words", "quote", "orse"];
            assert!(
                !stems.iter().any(|stem| stored.contains(stem)
                    && secret.contains(stem)
                    && !path.contains(stem)),
                "{path} at {at}: {stored}"
            );
        }
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        if !text.contains('\\') {
            assert_eq!(told(path, &letters).1, format!("one{kept}{HIDDEN}two"), "{path}");
        }
    }
}

#[test]
fn a_value_told_by_a_harmless_path_is_kept() {
    for path in ["city", "password.hint", "passwords", "token_count", "token", "db['api-key'].of"] {
        for pieces in [&["correct-horse-9"][..], &["correct", "-horse-9"]] {
            let (stored, shown) = told(path, pieces);
            assert_eq!(shown, "onecorrect-horse-9two", "{path}");
            assert!(!stored.contains("redacted"), "{path}: {stored}");
        }
    }
}

#[test]
fn a_password_outgrowing_what_is_held_is_swallowed_to_its_end() {
    let pieces = vec!["correct-horse-9 ".repeat(40); 300];
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let (stored, shown) = told("password", &pieces);
    assert_eq!(shown, "one[redacted:credential_field]two");
    assert!(!stored.contains("horse"), "{}", stored.len());
}

#[test]
fn the_path_of_a_credential_is_known_though_its_calls_beginning_was_lost() {
    let mut decoder = Gemini.response();
    let mut texts = |piece: &str, goes_on| {
        let data = call(&format!(r#""partialArgs":[{}],"#, value("password", piece, goes_on)));
        let event = SseEvent { name: "", data: data.as_bytes(), id: None, retry: None };
        let facts = decoder.event(&event, &mut |_| {});
        assert!(!facts.known);
        facts.texts.iter().map(|text| (text.block, text.credential)).collect::<Vec<_>>()
    };
    let first = texts("correct-", true);
    assert_eq!((first.len(), first[0].1), (1, Some(Credential::Certain)));
    assert_eq!(texts("horse-9", false), first);
}

#[test]
fn events_whose_texts_are_harmless_are_stored_at_once() {
    for form in FORMS {
        let (_, counts, _) = stored(form, &["all ", "of this ", "is fine, ", "and is on"]);
        let others_wait = form.2.contains("other s");
        assert!(others_wait || counts == [1, 2, 3, 4], "{}: {counts:?}", form.2);
    }
    let fine = Form(
        &Chat,
        "",
        r#"{"choices":[{"index":0,"delta":{"content":"fine "}},{"index":1,"delta":{"content":"{}"}}]}"#,
    );
    assert_eq!(stored(&fine, &["all ", "of it ", "ends in a ", "word "]).1, [1, 2, 3, 4]);
}

#[test]
fn what_one_event_ends_waits_for_nothing() {
    let Form(dialect, ..) = FORMS[1];
    let mut decoder = dialect.response();
    let mut facts = |data: &str| {
        let event = SseEvent { name: "", data: data.as_bytes(), id: None, retry: None };
        let facts = decoder.event(&event, &mut |_| {});
        (facts.texts.as_slice().len(), facts.ends_blocks.as_slice().to_vec())
    };
    let (texts, ended) = facts(r#"{"choices":[{"index":0,"delta":{"content":"a s"}}]}"#);
    assert_eq!((texts, ended), (1, vec![]));
    let (texts, ended) = facts(
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}},
            {"index":1,"function":{"arguments":"s"}}]}}]}"#,
    );
    assert_eq!((texts, ended), (2, vec![0]), "the text ends where the calls begin");
    let ended = facts(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#).1;
    assert_eq!(ended, [1, 2], "both calls end with the choice");
}
