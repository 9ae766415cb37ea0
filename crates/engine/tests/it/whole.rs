//! Answers that are not streams, and bodies.

use langley_engine::{IntakeOptions, RecorderOptions};
use langley_model::{Content, Outcome, Side, Tokens};

use crate::kit::{Rig, Script};

const JSON: &[(&str, &str)] = &[("content-type", "application/json"), ("x-request-id", "req_9")];

const ANSWER: &str = r#"{"id":"msg_2","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Four."},{"type":"tool_use","id":"t1","name":"Bash","input":{"c":1}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":4,"cache_creation_input_tokens":5,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":3}}}"#;

#[test]
fn a_json_answer_is_assembled_and_its_body_kept() {
    let ask = r#"{"model":"m","messages":[{"role":"user","content":"2+2?"}]}"#;
    let script = Script::messages(ask).head(200, JSON).data_by(ANSWER.as_bytes(), 11).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.streaming), (Some(Outcome::Completed), Some(false)));
    assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(9)), Some(Tokens(4))));
    assert_eq!(flow.usage.cache_write_5m, Some(Tokens(2)));
    assert_eq!(flow.usage.cache_write_1h, Some(Tokens(3)));
    assert_eq!(flow.tool_names, ["Bash"]);
    assert_eq!(flow.provider_request_id.as_deref(), Some("req_9"));
    assert_eq!(flow.preview.as_deref(), Some("2+2? → Four."));
    assert_eq!(flow.event_count, 0);
    let message = rows.message(script.flow).unwrap();
    assert!(matches!(&message.blocks[0].content, Content::Text { text, .. } if text == "Four."));
    let body = rows.body(script.flow, Side::Upstream).unwrap();
    assert_eq!(body.bytes.as_bytes(), ANSWER.as_bytes());
    assert_eq!(rows.body(script.flow, Side::Client).unwrap().bytes.as_bytes(), ask.as_bytes());
}

#[test]
fn both_hellos_and_what_is_said_of_them_reach_the_record_redacted() {
    let script = Script::messages("{}").head(200, JSON).data(ANSWER.as_bytes()).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.ja4_in.as_deref(), Some("t13d_in"));
    assert_eq!(flow.ja4_out.as_deref(), Some("t13d_out"));
    let note = flow.tls_note.as_deref().unwrap();
    assert!(note.starts_with("another hello, key ") && !note.contains("sk-ant"), "{note}");
}

#[test]
fn counting_tokens_is_no_usage_and_no_message() {
    let script = Script::post("/v1/messages/count_tokens", &[])
        .request(br#"{"model":"m","messages":[]}"#)
        .request_end()
        .head(200, JSON)
        .data(br#"{"input_tokens":2095}"#)
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.provider, Some(langley_model::Provider::Anthropic));
    assert!(flow.usage.is_empty());
    assert!(rows.message(script.flow).is_none());
}

#[test]
fn vectors_images_and_sound_are_flows_without_a_message() {
    for (path, asked, answer, usage) in [
        (
            "/v1/embeddings",
            r#"{"model":"embed-3","input":"x"}"#,
            r#"{"object":"list","data":[{"embedding":[0.1]}],"model":"embed-3-large",
                "usage":{"prompt_tokens":8,"total_tokens":8}}"#,
            (Some(Tokens(8)), None),
        ),
        (
            "/openai/deployments/embed-3/images/generations?api-version=2025-04-01-preview",
            r#"{"prompt":"a cat"}"#,
            r#"{"created":1,"data":[{"b64_json":"aGk="}],
                "usage":{"input_tokens":9,"output_tokens":4000,"total_tokens":4009}}"#,
            (Some(Tokens(9)), Some(Tokens(4000))),
        ),
        (
            "/v1beta/models/embed-3:embedContent",
            r#"{"content":{"parts":[{"text":"x"}]}}"#,
            r#"{"embedding":{"values":[0.1]}}"#,
            (None, None),
        ),
    ] {
        let script = Script::post(path, &[]).request(asked.as_bytes()).request_end();
        let script = script.head(200, JSON).data(answer.as_bytes()).end();
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert!(flow.provider.is_some(), "{path}");
        assert_eq!(flow.model_requested.as_deref(), Some("embed-3"), "{path}");
        assert_eq!((flow.usage.input, flow.usage.output), usage, "{path}");
        assert_eq!(flow.outcome, Some(Outcome::Completed));
        assert!(rows.message(script.flow).is_none(), "{path}");
        assert_eq!(flow.streaming, Some(false));
    }
}

#[test]
fn a_long_body_is_cut_and_says_so() {
    let long = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "ab ".repeat(700_000)
    );
    let script = Script::messages(&long).head(200, JSON).data(ANSWER.as_bytes()).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert!(flow.body_truncated);
    assert_eq!(flow.model_requested.as_deref(), Some("m"), "read beyond what is kept");
    assert_eq!(flow.request_bytes, long.len() as u64);
    let body = rows.body(script.flow, Side::Client).unwrap();
    let around = r#"{"model":"m","messages":[]}"#.len();
    let most = (1 << 20) + around;
    assert!((most - 256..=most).contains(&body.bytes.len()), "{}", body.bytes.len());
    assert_eq!(body.original_len, long.len() as u64);
    assert!(body.truncated && body.bytes.as_bytes().ends_with(b"]}"));
}

#[test]
fn a_long_conversation_of_short_messages_is_kept_whole() {
    let message = format!(r#"{{"role":"user","content":"{}"}}"#, "ab ".repeat(30_000));
    let long = format!(r#"{{"model":"m","messages":[{}]}}"#, vec![message; 40].join(", "));
    let script = Script::messages(&long).head(200, JSON).data(ANSWER.as_bytes()).end();
    let rows = script.play();
    assert!(!rows.flow(script.flow).body_truncated);
    let body = rows.body(script.flow, Side::Client).unwrap();
    assert_eq!(body.bytes.as_bytes(), long.as_bytes());
    assert_eq!((body.pieces.len(), body.truncated), (40, false));
}

#[test]
fn a_body_that_does_not_parse_is_cut_as_a_whole() {
    for end in ["", "]} x"] {
        let long = format!(r#"{{"messages":["{}","b"{end}"#, "ab ".repeat(400_000));
        let script = Script::messages(&long).head(200, JSON).data(ANSWER.as_bytes()).end();
        let rows = script.play();
        let body = rows.body(script.flow, Side::Client).unwrap();
        assert_eq!((body.bytes.len(), body.pieces.len()), (1 << 20, 0));
        assert!(body.truncated && rows.flow(script.flow).body_truncated);
    }
}

#[test]
fn a_binary_body_is_kept_as_a_sample() {
    let script = Script::post("/download", &[])
        .request_end()
        .head(200, &[("content-type", "application/octet-stream")])
        .data_by(&[b' '; 300_000], 20_000)
        .end();
    let rows = script.play();
    let body = rows.body(script.flow, Side::Upstream).unwrap();
    assert_eq!((body.bytes.len(), body.original_len, body.truncated), (65_536, 300_000, true));
    assert_eq!(rows.flow(script.flow).response_bytes, 300_000);
}

#[test]
fn nothing_is_kept_of_a_host_whose_bodies_are_private() {
    let options = RecorderOptions {
        never_log_body_for_hosts: vec!["*.anthropic.com".into()],
        ..RecorderOptions::default()
    };
    let rig = Rig::with(options, IntakeOptions::default(), &crate::kit::no_live_feed());
    let stream = crate::kit::answer(&["secret"]);
    let streamed = Script::messages("{}").sse().data(stream.as_bytes()).end();
    let whole = Script::messages("{}").head(200, JSON).data(ANSWER.as_bytes()).end();
    rig.play(&streamed);
    rig.play(&whole);
    let rows = rig.finish();
    for script in [streamed, whole] {
        let flow = rows.flow(script.flow);
        assert_eq!(flow.outcome, Some(Outcome::Completed));
        assert!(flow.response_bytes > 0 && flow.preview.is_none());
        assert!(rows.events(script.flow).is_empty());
        assert!(rows.message(script.flow).is_none());
        assert!(rows.body(script.flow, Side::Client).is_none());
        assert!(rows.body(script.flow, Side::Upstream).is_none());
    }
}

#[test]
fn after_a_switch_to_another_protocol_bytes_are_counted_and_it_says_so() {
    let script = Script::post("/v1/responses", &[])
        .request_end()
        .head(101, &[("upgrade", "something")])
        .frame(Side::Client, &[0x81; 100])
        .frame(Side::Upstream, &[0x81; 250]);
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.status, flow.outcome), (Some(101), Some(Outcome::Completed)));
    assert_eq!((flow.request_bytes, flow.response_bytes), (100, 250));
    assert!(flow.decode_note.as_deref().unwrap().contains("protocol switch"));
}

#[test]
fn an_answer_without_a_body_is_whole() {
    let script = Script::post("/api/hello", &[]).request_end().head(204, &[]).end();
    let rows = script.play();
    assert_eq!(rows.flow(script.flow).outcome, Some(Outcome::Completed));
    assert!(rows.body(script.flow, Side::Upstream).is_none());
}
