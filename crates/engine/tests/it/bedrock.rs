//! Bedrock's answers: binary messages become events as the text of other streams does.

use std::sync::Arc;

use langley_engine::{IntakeOptions, LiveFeed, RecorderOptions};
use langley_model::{Ending, LiveKind, LiveText, Outcome, Provider, Tokens};
use parking_lot::Mutex;

use crate::kit::{Rig, Rows, Script};

macro_rules! cassette {
    ($name:literal) => {
        include_bytes!(concat!("../../../protocol/tests/cassettes/bedrock/", $name, ".eventstream"))
    };
}

const ANTHROPIC: &[u8] = cassette!("invoke_anthropic");
const CONVERSE: &[u8] = cassette!("converse_tools");
const SECRET: &[u8] = cassette!("invoke_secret");
const THROTTLED: &[u8] = cassette!("converse_throttled");

const BINARY: &[(&str, &str)] =
    &[("content-type", "application/vnd.amazon.eventstream"), ("x-amzn-requestid", "req_aws")];

fn invoke() -> Script {
    Script::post("/model/us.anthropic.claude-opus-5-5-v1%3A0/invoke-with-response-stream", &[])
        .request(
            br#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,
                "messages":[{"role":"user","content":"list files"}]}"#,
        )
        .request_end()
        .head(200, BINARY)
}

fn converse() -> Script {
    Script::post("/model/amazon.nova-pro-v1:0/converse-stream", &[])
        .request(br#"{"messages":[{"role":"user","content":[{"text":"read it"}]}]}"#)
        .request_end()
        .head(200, BINARY)
}

fn check_invoke(rows: &Rows, script: &Script) {
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.provider, Some(Provider::Bedrock));
    assert_eq!(flow.streaming, Some(true));
    assert_eq!(flow.message_id.as_deref(), Some("msg_bdrk_01"));
    assert_eq!(flow.model.as_deref(), Some("claude-opus-5-5"));
    let asked = flow.model_requested.as_deref();
    assert_eq!(asked, Some("us.anthropic.claude-opus-5-5-v1:0"), "escapes are undone");
    assert_eq!(flow.provider_request_id.as_deref(), Some("req_aws"));
    assert_eq!(flow.stop_reason.as_deref(), Some("tool_use"));
    assert_eq!(flow.tool_names, ["Bash"]);
    let usage = flow.usage;
    assert_eq!((usage.input, usage.output), (Some(Tokens(25)), Some(Tokens(41))));
    assert_eq!((usage.cache_read, usage.cache_write_5m), (Some(Tokens(8000)), Some(Tokens(300))));
    assert_eq!((flow.event_count, flow.unknown_events), (10, 0));
    assert_eq!(flow.decode_note, None);
    assert_eq!(flow.preview.as_deref(), Some("list files → I will look: naïve 漢"));
    let message = rows.message(script.flow).unwrap();
    assert!(message.blocks.iter().all(|block| block.complete) && !message.truncated);
}

#[test]
fn an_event_of_a_chunk_is_stored_as_what_it_wraps() {
    let script = invoke().data(ANTHROPIC).end();
    let rows = script.play();
    check_invoke(&rows, &script);
    let events = rows.events(script.flow);
    assert_eq!(events[0].kind, "message_start");
    assert_eq!(events[2].kind, "content_block_delta");
    assert_eq!(
        events[2].data,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I will look: "}}"#
    );
    assert!(events[9].data.contains("amazon-bedrock-invocationMetrics"));
    assert!(rows.body(script.flow, langley_model::Side::Upstream).is_none(), "never stored twice");
}

#[test]
fn every_split_of_a_binary_stream_gives_the_same_rows() {
    let rig = Rig::new();
    let mut scripts: Vec<_> = (0..=ANTHROPIC.len())
        .map(|split| {
            let (first, second) = ANTHROPIC.split_at(split);
            let script = invoke().data(first).data(second).end();
            rig.play(&script);
            script
        })
        .collect();
    let bytewise = invoke().data_by(ANTHROPIC, 1).end();
    rig.until(|rig| rig.intake.stats().items == 0);
    rig.play(&bytewise);
    scripts.push(bytewise);
    let rows = rig.finish();
    let expected = rows.events(scripts[0].flow);
    for script in &scripts {
        check_invoke(&rows, script);
        assert_eq!(rows.events(script.flow), expected);
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<LiveText>>);

impl LiveFeed for Heard {
    fn text(&self, text: LiveText) {
        self.0.lock().push(text);
    }
}

#[test]
fn a_converse_stream_is_a_message_its_events_and_live_text() {
    let heard = Arc::new(Heard::default());
    let rig =
        Rig::with(RecorderOptions::default(), IntakeOptions::default(), &(Arc::clone(&heard) as _));
    let script = converse().data(CONVERSE).end();
    rig.play(&script);
    let rows = rig.finish();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.provider), (Some(Outcome::Completed), Some(Provider::Bedrock)));
    assert_eq!(flow.tool_names, ["read", "now"]);
    assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(410)), Some(Tokens(57))));
    assert_eq!((flow.event_count, flow.unknown_events), (19, 0));
    assert_eq!(flow.preview.as_deref(), Some("read it → On it."));
    let events = rows.events(script.flow);
    assert_eq!(events[1].kind, "contentBlockDelta");
    assert!(events[1].data.starts_with(r#"{"contentBlockIndex":0,"delta":{"reasoningContent":"#));
    let said = |kind| -> String {
        let heard = heard.0.lock();
        heard.iter().filter(|t| t.kind == kind).map(|t| t.text.as_str()).collect()
    };
    assert_eq!(said(LiveKind::Text), "On it.");
    assert_eq!(said(LiveKind::Thinking), "Look at the file.");
    assert_eq!(said(LiveKind::ToolInput), r#"{"path":"a \"b\".txt"}"#);
}

#[test]
fn an_exception_in_the_stream_is_the_providers_error() {
    let script = converse().data(THROTTLED).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::ProviderError));
    assert_eq!(flow.error_kind.as_deref(), Some("throttlingException"));
    assert!(flow.error_message.as_deref().unwrap().starts_with("Too many tokens"));
    assert_eq!(rows.events(script.flow)[2].kind, "throttlingException");
}

#[test]
fn a_refusal_says_its_class_in_a_header() {
    let head = [
        ("content-type", "application/json"),
        ("x-amzn-errortype", "ValidationException:http://internal.amazon.com/coral/"),
    ];
    let script = Script::post("/model/amazon.nova-pro-v1:0/converse", &[])
        .request(br#"{"messages":[]}"#)
        .request_end()
        .head(400, &head)
        .data(br#"{"message":"A conversation must start with a user message."}"#)
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::ProviderError));
    assert_eq!(flow.error_kind.as_deref(), Some("ValidationException"));
    let sentence = "A conversation must start with a user message.";
    assert_eq!(flow.error_message.as_deref(), Some(sentence));
}

#[test]
fn damage_in_a_binary_stream_is_noted_and_the_rest_is_read() {
    let mut stream = CONVERSE.to_vec();
    let at = stream.windows(6).position(|window| window == b"On it.").unwrap();
    stream[at] ^= 1;
    let script = converse().data(&stream).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.decode_note.as_deref(), Some("1 damaged events were skipped"));
    assert_eq!((flow.event_count, flow.stop_reason.as_deref()), (18, Some("tool_use")));
    assert!(rows.message(script.flow).unwrap().truncated);
}

#[test]
fn a_binary_stream_that_ends_in_a_message_says_so() {
    let part = &CONVERSE[..CONVERSE.len() - 5];
    for ending in [Ending::Whole, Ending::UpstreamGone] {
        let mut script = converse().data(part);
        if ending == Ending::Whole {
            script = script.end();
        }
        let script = script.ends(ending);
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.decode_note.as_deref(), Some("the last event was cut off"), "{ending:?}");
        assert_eq!(flow.event_count, 18);
    }
}

#[test]
fn no_key_that_chunks_wrap_in_pieces_reaches_a_row() {
    let key = format!("sk-ant-api03-{}", "Zq4Xw9Lm2Vb7Ty5Rp8Kd".repeat(4));
    let script = invoke().data_by(SECRET, 50).end();
    let rows = script.play();
    let events = rows.events(script.flow);
    let text: String = events.iter().map(|event| event.data.as_str()).collect();
    let everything = format!("{:?}", rows.records);
    for piece in [key.as_str(), &key[13..18], &key[18..23], &key[40..]] {
        assert!(!everything.contains(piece) && !text.contains(piece), "{piece}");
    }
    assert!(text.contains("it is ") && text.contains(" indeed"));
    assert_eq!(rows.flow(script.flow).event_count, events.len() as u64);
}

#[test]
fn a_binary_stream_of_another_service_has_events_and_no_message() {
    let script = Script::post("/other", &[]).request_end().head(200, BINARY).data(THROTTLED).end();
    let rows = script.play();
    let kinds: Vec<_> = rows.events(script.flow).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["messageStart", "contentBlockDelta", "throttlingException"]);
    assert!(rows.message(script.flow).is_none());
    assert_eq!(rows.flow(script.flow).outcome, Some(Outcome::Completed));
}

#[test]
fn tokens_that_only_the_head_counts_are_the_usage() {
    let script = Script::post("/model/cohere.command-r-v1%3A0/invoke", &[])
        .request(br#"{"message":"hi"}"#)
        .request_end()
        .head(
            200,
            &[
                ("content-type", "application/json"),
                ("x-amzn-bedrock-input-token-count", "9"),
                ("x-amzn-bedrock-output-token-count", "4"),
            ],
        )
        .data(br#"{"outputs":[{"text":"Hi","stop_reason":"stop"}]}"#)
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(9)), Some(Tokens(4))));
    assert_eq!(flow.stop_reason.as_deref(), Some("stop"));
}
