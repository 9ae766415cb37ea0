//! A secret that straddles two events of any dialect is stored of neither, in whatever text of them it
//! lies; what is no secret is not held up.

use langley_model::{EventRedactor, EventRun, IncomingEvent, Redactor, RedactorOptions};
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

#[test]
fn a_value_told_by_path_loses_its_secret_even_right_behind_another_value() {
    let call = |parts: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{{parts}"willContinue":true}}}}]}}}}]}}"#
        )
    };
    let value = |name: &str, text: &str, goes_on: bool| {
        format!(r#"{{"jsonPath":"$.{name}","stringValue":"{text}","willContinue":{goes_on}}}"#)
    };
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
