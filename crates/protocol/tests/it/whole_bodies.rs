//! Answers and errors that come as one JSON body.

use langley_protocol::anthropic::AnthropicResponse;
use langley_protocol::dialect::ResponseDecoder;

/// All deltas, and whether the body was understood.
fn read(body: &str) -> (Vec<String>, bool) {
    let mut deltas = Vec::new();
    let known = AnthropicResponse::new()
        .json(body.as_bytes(), &mut |delta| deltas.push(format!("{delta:?}")));
    (deltas, known)
}

#[test]
fn an_answer_gives_the_deltas_of_a_stream() {
    let (deltas, known) = read(
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
            {"type":"thinking","thinking":"hm","signature":"abcd"},
            {"type":"text","text":"a\nb","citations":[{"n":1}]},
            {"type":"tool_use","id":"t1","name":"Read","input":{"path": "x"}},
            {"type":"tool_use","id":"t2","name":"Now","input":{ }}],
            "stop_reason":"tool_use","stop_sequence":null,
            "usage":{"input_tokens":3,"output_tokens":4}}"#,
    );
    assert!(known);
    assert_eq!(
        deltas,
        [
            r#"MessageStart { id: Some("msg_1"), model: Some("m"), role: Some("assistant") }"#,
            "Usage(Usage { input: Some(Tokens(3)), cache_read: None, cache_write_5m: None, \
             cache_write_1h: None, output: Some(Tokens(4)), reasoning: None, \
             web_search_requests: None })",
            r#"BlockStart { index: 0, content: Thinking { text: "", signature_bytes: 0 } }"#,
            r#"Thinking { index: 0, text: "hm" }"#,
            "Signature { index: 0, bytes: 4 }",
            "BlockStop { index: 0 }",
            r#"BlockStart { index: 1, content: Text { text: "", citations: [] } }"#,
            r#"Text { index: 1, text: "a\nb" }"#,
            r#"Citation { index: 1, json: "{\"n\":1}" }"#,
            "BlockStop { index: 1 }",
            r#"BlockStart { index: 2, content: ToolUse { id: "t1", name: "Read", input: "" } }"#,
            r#"InputJson { index: 2, json: "{\"path\": \"x\"}" }"#,
            "BlockStop { index: 2 }",
            r#"BlockStart { index: 3, content: ToolUse { id: "t2", name: "Now", input: "" } }"#,
            "BlockStop { index: 3 }",
            r#"Stop { reason: Some("tool_use"), sequence: None }"#,
            "MessageStop",
        ]
    );
}

#[test]
fn an_error_body_is_an_error() {
    let expected = r#"Error { kind: Some("rate_limit_error"), message: Some("slow down") }"#;
    for body in [
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"request_id":"r"}"#,
        r#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#,
    ] {
        assert_eq!(read(body), (vec![expected.to_owned()], true));
    }
    let plain = r#"Error { kind: None, message: Some("bad gateway") }"#;
    assert_eq!(read(r#"{"error":"bad gateway"}"#), (vec![plain.to_owned()], true));
}

#[test]
fn counted_tokens_are_not_usage() {
    assert_eq!(
        read(r#"{"input_tokens": 2095}"#),
        (vec!["TokenCount(Tokens(2095))".to_owned()], true)
    );
}

#[test]
fn an_unknown_block_is_kept_and_said() {
    let (deltas, known) = read(r#"{"type":"message","content":[{"type":"new","x":1}]}"#);
    assert!(!known);
    assert!(deltas.iter().any(|delta| delta == r#"Unknown { kind: "new" }"#), "{deltas:?}");
    assert!(deltas.iter().any(|delta| delta.contains("Other")), "{deltas:?}");
    let (deltas, known) = read(r#"{"type":"message","content":[7,{"type":"text","text":"x"}]}"#);
    assert!(!known);
    assert_eq!(deltas[1], r#"Unknown { kind: "" }"#);
    assert!(deltas.contains(&r#"Text { index: 1, text: "x" }"#.to_owned()), "{deltas:?}");
}

#[test]
fn a_file_for_the_container_is_known_and_kept_as_it_came() {
    let (deltas, known) =
        read(r#"{"type":"message","content":[{"type":"container_upload","file_id":"f"}]}"#);
    assert!(known);
    assert!(
        deltas[1].contains(r#"Other { kind: "container_upload", json: "{\"type"#),
        "{deltas:?}"
    );
}

#[test]
fn any_other_body_is_unknown() {
    for (body, kind) in [
        ("", ""),
        ("<html>", ""),
        ("[]", ""),
        ("{}", ""),
        (r#"{"type":"error"}"#, "error"),
        (r#"{"type":"list","data":[]}"#, "list"),
        (r#"{"type":"message","content":"cut"#, ""),
    ] {
        assert_eq!(read(body), (vec![format!("Unknown {{ kind: {kind:?} }}")], false), "{body}");
    }
}
