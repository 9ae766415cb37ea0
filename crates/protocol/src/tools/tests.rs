//! Each dialect's form of calls and results.

use serde_json::json;

use super::*;

/// A result: the position of its call, what it says, and whether it says that it failed.
type Shown = (Option<usize>, String, Option<bool>);

/// Calls by name, and results.
fn shown(body: &Value) -> (Vec<String>, Vec<Shown>) {
    let told = of_request(body.to_string().as_bytes());
    let place = |key: u64| told.calls.iter().position(|call| call.key == key);
    let results = told.results.iter();
    let results = results.map(|it| (place(it.key), it.content.clone(), it.failed)).collect();
    (told.calls.iter().map(|call| call.name.clone()).collect(), results)
}

fn is(body: &Value, calls: &[&str], results: &[(usize, &str, Option<bool>)]) {
    let (found_calls, found) = shown(body);
    assert_eq!(found_calls, calls, "{body}");
    let results: Vec<_> =
        results.iter().map(|(of, said, failed)| (Some(*of), (*said).to_owned(), *failed)).collect();
    assert_eq!(found, results, "{body}");
}

#[test]
fn anthropic_and_bedrock_give_results_in_the_users_turn() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "Bash", "input": {}});
    let anthropic = json!({"messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [call("old")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "old", "content": "was"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "and"}, call("a"), call("b")]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "b", "content": "no", "is_error": true},
            {"type": "tool_result", "tool_use_id": "a", "content": "yes"},
            {"type": "text", "text": "go on"},
        ]},
    ]});
    is(&anthropic, &["Bash", "Bash"], &[(1, "\"no\"", Some(true)), (0, "\"yes\"", None)]);
    let bedrock = json!({"messages": [
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "t", "content": [{"text": "r"}], "status": "error"}},
        ]},
    ]});
    is(&bedrock, &["f"], &[(0, "[{\"text\":\"r\"}]", Some(true))]);
}

#[test]
fn openai_gives_results_as_entries_of_their_own() {
    let chat = json!({"messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "2", "type": "custom", "custom": {"name": "g", "input": "x"}},
        ]},
        {"role": "tool", "tool_call_id": "1", "content": "one"},
        {"role": "tool", "tool_call_id": "2", "content": "two"},
    ]});
    is(&chat, &["f", "g"], &[(0, "\"one\"", None), (1, "\"two\"", None)]);
    // Some agents put each result behind its call.
    let item =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let out = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": id});
    let responses = json!({"input": [
        {"role": "user", "content": "q"}, item("1"), out("1"), {"type": "reasoning"}, item("2"), out("2"),
    ]});
    is(&responses, &["f", "f"], &[(0, "\"1\"", None), (1, "\"2\"", None)]);
    // A WebSocket sends only what is new.
    let chained = json!({"previous_response_id": "resp_1", "input": [out("9")]});
    let told = of_request(chained.to_string().as_bytes());
    assert!(told.is_chained && told.calls.is_empty());
    assert_eq!(told.results[0].key, call_key("9", "", "", 0));
}

#[test]
fn gemini_has_no_ids_and_is_read_in_order() {
    let call =
        |name: &str, q: u32| json!({"functionCall": {"name": name, "args": {"q": q, "a": 1}}});
    let back =
        |name: &str, out: Value| json!({"functionResponse": {"name": name, "response": out}});
    let body = json!({"contents": [
        {"role": "model", "parts": [call("f", 1), call("f", 1), call("g", 2)]},
        {"role": "user", "parts": [
            back("f", json!({"output": "x"})),
            back("g", json!({"error": "no"})),
            back("f", json!({"output": "y"})),
        ]},
    ]});
    is(
        &body,
        &["f", "f", "g"],
        &[
            (0, "{\"output\":\"x\"}", Some(false)),
            (2, "{\"error\":\"no\"}", Some(true)),
            (1, "{\"output\":\"y\"}", Some(false)),
        ],
    );
    // The keys are those of the answer that made the calls, however it wrote the arguments.
    let told = of_request(body.to_string().as_bytes());
    assert_eq!(told.calls[0].key, call_key("", "f", "{ \"a\":1, \"q\": 1}", 0));
    assert_eq!(told.calls[1].key, call_key("", "f", "{\"q\":1,\"a\":1}", 1));
    assert!(has_call(body.to_string().as_bytes(), told.calls[1].key));
    assert!(!has_call(body.to_string().as_bytes(), 7));
}

#[test]
fn of_the_end_of_a_request_the_same_is_told_or_nothing() {
    let said = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": "a", "name": "Bash", "input": {}},
    ]});
    let given = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "content": "yes"},
    ]});
    let end = json!({"messages": [null, said, given]}).to_string();
    let whole = json!({"messages": [{"role": "user", "content": "go"}, said, given]}).to_string();
    assert_eq!(of_request_end(end.as_bytes()), Some(of_request(whole.as_bytes())));
    let cut = json!({"messages": [null, null, given]}).to_string();
    assert_eq!(of_request_end(cut.as_bytes()), None);
}

#[test]
fn a_content_is_the_same_whatever_is_said_beside_it() {
    let same = [
        r#""out""#,
        r#"[{"type":"text","text":"out"}]"#,
        r#"[{"text":"out","type":"text","cache_control":{"type":"ephemeral"}}]"#,
    ];
    for content in same {
        assert_eq!(content_digest(content), content_digest(same[0]), "{content}");
    }
    assert_ne!(content_digest(r#""other""#), content_digest(same[0]));
    assert_eq!(content_digest(r#"{"b":1,"a":2}"#), content_digest(r#"{ "a": 2, "b": 1 }"#));
    assert!(digest(b"x") < 1 << 48);
}

#[test]
fn the_opening_of_a_content_is_its_first_text() {
    let content = r#"[{"type":"text","text":"Error: é no"},{"type":"text","text":"more"}]"#;
    assert_eq!(opening(content, 8), "Error: \n");
    assert_eq!(opening(content, 100), "Error: é no\nmore\n");
    assert_eq!(opening("[", 100), "");
}

#[test]
fn what_is_no_conversation_tells_nothing() {
    for body in ["", "{", "[1]", "{\"model\":\"m\"}", "{\"messages\":7}", "{\"input\":\"text\"}"] {
        assert_eq!(of_request(body.as_bytes()), Told::default(), "{body}");
        assert_eq!(of_request_end(body.as_bytes()), None);
    }
}

#[test]
fn an_entry_tells_its_calls_and_results_with_their_lengths() {
    let read = |value: Value| of_entry(value.to_string().as_bytes());
    let said = read(json!({"role": "assistant", "content": [
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "a", "name": "Read", "input": {"p": 1}},
    ]}));
    assert_eq!(said.is_models, Some(true));
    assert_eq!(said.calls, [(digest(b"a"), "Read".to_owned(), 4 + 7)]);
    let item =
        read(json!({"type": "function_call", "call_id": "b", "name": "ls", "arguments": "{}"}));
    assert_eq!(item.calls, [(digest(b"b"), "ls".to_owned(), 2 + 2)], "a text is as long as it is");
    let given = read(json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "content": "text"},
    ]}));
    let result =
        |key, name: Option<&str>, bytes| EntryResult { key, name: name.map(str::to_owned), bytes };
    assert_eq!(given.is_models, Some(false));
    assert_eq!(given.results, [result(Some(digest(b"a")), None, 6)]);
    let gemini = read(json!({"role": "user", "parts": [
        {"functionResponse": {"name": "ls", "response": {"ok": 1}}},
    ]}));
    assert_eq!(gemini.results, [result(None, Some("ls"), 8)]);
    for other in [
        json!({"type": "function", "name": "ls", "parameters": {}}),
        json!({"type": "text", "text": "You are careful."}),
        json!("a prompt"),
    ] {
        assert_eq!(read(other), EntryTools::default());
    }
}
