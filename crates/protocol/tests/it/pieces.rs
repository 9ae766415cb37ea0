//! Where requests of each dialect come apart.

use langley_model::PieceKind::{self, Assistant, Other, System, ToolResults, Tools, User};
use langley_protocol::dialect::dialect_for;
use langley_protocol::piece::pieces;

/// The pieces of a request to `path`, as text with their kinds.
#[track_caller]
fn apart<'a>(path: &str, body: &'a str) -> Vec<(PieceKind, &'a str)> {
    let method = if path == "/v1/responses#socket" { "WS" } else { "POST" };
    let path = path.split('#').next().expect("a path");
    let (_, dialect) = dialect_for(method, "any.example", path).expect("a dialect");
    let found = pieces(dialect.seams(), body.as_bytes()).unwrap_or_default();
    let mut at = 0;
    for piece in &found {
        assert!(at <= piece.range.start && piece.range.start < piece.range.end, "{found:?}");
        at = piece.range.end;
    }
    found.into_iter().map(|piece| (piece.kind, &body[piece.range])).collect()
}

#[test]
fn a_messages_request_comes_apart_at_blocks_tools_and_messages() {
    let body = r#"{"model": "m", "system": [{"type":"text","text":"a"} , {"type":"text","text":"b"}],
        "messages": [{"role":"user","content":"x"},
            {"content":[{"type":"text","text":"y"}], "role" : "assistant"}],
        "tools":[{"name":"Bash"}], "stream": true}"#;
    let expected = [
        (System, r#"{"type":"text","text":"a"}"#),
        (System, r#"{"type":"text","text":"b"}"#),
        (User, r#"{"role":"user","content":"x"}"#),
        (Assistant, r#"{"content":[{"type":"text","text":"y"}], "role" : "assistant"}"#),
        (Tools, r#"{"name":"Bash"}"#),
    ];
    let vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict";
    for path in
        ["/v1/messages", "/v1/messages/count_tokens?beta=true", vertex, "/model/anthropic.x/invoke"]
    {
        assert_eq!(apart(path, body), expected, "{path}");
    }
    assert_eq!(apart("/v1/messages", r#"{"system":"one text"}"#), [(System, "\"one text\"")]);
}

#[test]
fn requests_of_openais_come_apart_at_messages_and_items() {
    let chat = r#"{"messages":[{"role":"developer","content":"s"},{"role":"user","content":"u"},
        {"role":"assistant","tool_calls":[]},{"role":"tool","content":"r"},{"role":"critic"}],
        "tools":[{"type":"function"}],"functions":[{"name":"f"}]}"#;
    let kinds: Vec<_> = apart("/v1/chat/completions", chat).iter().map(|piece| piece.0).collect();
    assert_eq!(kinds, [System, User, Assistant, ToolResults, Other, Tools, Tools]);

    let responses = r#"{"type":"response.create","instructions":"s","input":[
        {"role":"user","content":[]},{"type":"reasoning","summary":[]},
        {"type":"function_call","name":"f"},{"type":"function_call_output","output":"o"},
        {"type":"message","role":"assistant"}],"tools":[{"type":"web_search"}]}"#;
    for path in ["/v1/responses", "/backend-api/codex/responses", "/v1/responses#socket"] {
        let kinds: Vec<_> = apart(path, responses).iter().map(|piece| piece.0).collect();
        let expected = [System, User, Assistant, Assistant, ToolResults, Assistant, Tools];
        assert_eq!(kinds, expected, "{path}");
    }
    assert_eq!(apart("/v1/responses", r#"{"input":"hi"}"#), [(User, "\"hi\"")]);
    assert_eq!(apart("/v1/embeddings", r#"{"input":["a","b"]}"#), []);
}

#[test]
fn requests_of_geminis_come_apart_at_contents_also_where_they_are_wrapped() {
    let inner = r#"{"contents":[{"role":"user","parts":[]},{"role":"model","parts":[]},
        {"role":"function","parts":[]},{"parts":[]}],
        "systemInstruction":{"parts":[{"text":"s"}]},"tools":[{"functionDeclarations":[]}]}"#;
    let kinds = [User, Assistant, ToolResults, User, System, Tools];
    let wrapped = format!(r#"{{"model":"m","request": {inner} ,"project":"p"}}"#);
    let counted = format!(r#"{{"generateContentRequest":{inner}}}"#);
    for (path, body) in [
        ("/v1beta/models/g:streamGenerateContent?alt=sse", inner),
        ("/v1internal:streamGenerateContent", &wrapped),
        ("/v1beta/models/g:countTokens", &counted),
    ] {
        let found: Vec<_> = apart(path, body).iter().map(|piece| piece.0).collect();
        assert_eq!(found, kinds, "{path}");
    }
    let interaction = r#"{"input":[{"role":"user","content":"a"},{"type":"function_result"}],
        "system_instruction":"s"}"#;
    let found: Vec<_> = apart("/v1beta/interactions", interaction).iter().map(|p| p.0).collect();
    assert_eq!(found, [User, ToolResults, System]);
}

#[test]
fn requests_of_bedrocks_come_apart_in_each_form() {
    let converse = r#"{"system":[{"text":"s"}],"toolConfig":{"tools":[{"toolSpec":{}},{"cachePoint":{}}],
        "toolChoice":{"auto":{}}},"messages":[{"role":"user","content":[]}]}"#;
    for path in
        ["/model/amazon.nova-pro-v1:0/converse-stream", "/model/amazon.nova-pro-v1:0/invoke"]
    {
        let kinds: Vec<_> = apart(path, converse).iter().map(|piece| piece.0).collect();
        assert_eq!(kinds, [System, Tools, Tools, User], "{path}");
    }
}

#[test]
fn repeated_names_come_apart_each() {
    let body = r#"{"messages":["a"],"messages":["b" , "c"],"m\u0065ssages":["d"],"messages":7}"#;
    let expected = [(User, "\"a\""), (User, "\"b\""), (User, "\"c\""), (User, "\"d\"")];
    assert_eq!(apart("/v1/messages", body), expected);
}

#[test]
fn what_is_no_whole_object_does_not_come_apart() {
    for body in [
        "",
        "[]",
        "null",
        r#"{"messages":["a"]"#,
        r#"{"messages":["a",]}"#,
        r#"{"messages":["a"]} {}"#,
        "\u{feff}{\"messages\":[\"a\"]}",
        r#"{"messages":[]}"#,
        r#"{"messages":null,"tools":3,"system":false}"#,
        r#"{"other":["a"]}"#,
    ] {
        assert_eq!(apart("/v1/messages", body), [], "{body}");
    }
    let (_, dialect) = dialect_for("POST", "any.example", "/v1/messages").unwrap();
    assert_eq!(pieces(dialect.seams(), b"{\"messages\":[\"\xff\"]}"), None);
}

#[test]
fn deep_nesting_and_a_flood_of_elements_harm_nothing() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let body = format!(r#"{{"messages":[{{"role":"user","content":{deep}}},{deep}]}}"#);
    let found = apart("/v1/messages", &body);
    assert_eq!(found.iter().map(|piece| piece.0).collect::<Vec<_>>(), [User, User]);
    assert_eq!(found[1].1, deep);

    let list = |count: usize| format!(r#"{{"messages":[{}1]}}"#, "1,".repeat(count - 1));
    assert_eq!(apart("/v1/messages", &list(8_192)).len(), 8_192);
    assert_eq!(apart("/v1/messages", &list(8_193)), []);
    let twice = format!(r#"{{"tools":["t"],{}"#, &list(8_192)[1..]);
    assert_eq!(apart("/v1/messages", &twice), []);
}
