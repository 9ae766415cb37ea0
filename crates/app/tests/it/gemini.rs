//! Gemini through the real binary: answers whole and as streams in both their forms.

use serde_json::{Value, json};

use crate::said::{QUESTION, assert_two_calls};
use crate::stage::{Provider, Stage};

const MODEL: &str = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro-preview";
const KEY: &str = "x-goog-api-key: AIza-x";

fn question() -> Value {
    json!({
        "systemInstruction": { "parts": [{ "text": "be brief" }] },
        "contents": [{ "role": "user", "parts": [{ "text": QUESTION }] }],
    })
}

#[test]
fn an_answer_is_understood_whole_as_events_and_as_an_array() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    for (method, start) in [
        ("generateContent", "{"),
        ("streamGenerateContent?alt=sse", "data: {"),
        ("streamGenerateContent", "[{"),
    ] {
        let url = format!("{MODEL}:{method}");
        let out = stage.curl(&url, &[KEY, "x-fixture: say=tools"], &question());
        assert!(out.starts_with(start) && out.contains("Bash"), "{out}");
    }
    for flow in &stage.ended_flows(3) {
        assert_two_calls(&stage, flow, "gemini");
        assert_eq!(flow["model"], "gemini-3-pro-preview");
        assert_eq!(flow["stop_reason"], "STOP");
        // What Anthropic counts apart is part of the prompt here.
        assert_eq!(flow["usage"]["input"], 110 + 8322 + 1555 + 255);
        assert_eq!(flow["usage"]["cache_read"], 8322);
    }
    stage.stop();
}

#[test]
fn a_refusal_an_error_within_an_array_and_counted_tokens_are_understood() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let (models, _) = MODEL.rsplit_once('/').unwrap();
    let (code, out, err) = stage.run(&["run", "--", "curl", "-sS", "--max-time", "20", models]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("models/gemini-3-pro-preview"), "{out}");
    for (method, wish, said) in [
        ("generateContent", "error=RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"),
        ("streamGenerateContent", "events=9;error_after=2", "UNAVAILABLE"),
        ("countTokens", "", "totalTokens"),
    ] {
        let url = format!("{MODEL}:{method}");
        let out = stage.curl(&url, &[KEY, &format!("x-fixture: {wish}")], &question());
        assert!(serde_json::from_str::<Value>(&out).is_ok() && out.contains(said), "{out}");
    }
    let flows = stage.ended_flows(4);
    let of = |method: &str| {
        let ends = |flow: &&Value| flow["path"].as_str().unwrap().ends_with(method);
        flows.iter().find(ends).unwrap()
    };
    let refused = of(":generateContent");
    assert_eq!((&refused["status"], &refused["outcome"]), (&json!(429), &json!("provider_error")));
    assert_eq!(of(":streamGenerateContent")["outcome"], "provider_error");
    let counted = of(":countTokens");
    assert_eq!((&counted["status"], &counted["outcome"]), (&json!(200), &json!("completed")));
    assert_eq!(counted["unknown_events"], 0);
    stage.stop();
}

#[test]
fn interactions_and_code_assist_are_understood_streamed_and_whole() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let model = "gemini-3-pro-preview";
    let interactions = "https://generativelanguage.googleapis.com/v1beta/interactions";
    for stream in [false, true] {
        let ask = json!({ "model": model, "input": QUESTION, "stream": stream });
        let out = stage.curl(interactions, &[KEY, "x-fixture: say=tools"], &ask);
        assert_eq!(out.contains("event: step.delta"), stream, "{out}");
    }
    let ask = json!({ "model": model, "project": "p", "request": question() });
    for method in ["generateContent", "streamGenerateContent?alt=sse"] {
        let url = format!("https://cloudcode-pa.googleapis.com/v1internal:{method}");
        let out = stage.curl(&url, &[KEY, "x-fixture: say=tools"], &ask);
        assert!(out.contains(r#"{"response":{"#), "{out}");
    }
    for flow in &stage.ended_flows(4) {
        assert_two_calls(&stage, flow, "gemini");
        assert_eq!((&flow["model"], &flow["model_requested"]), (&json!(model), &json!(model)));
        assert_eq!(flow["usage"]["input"], 110 + 8322 + 1555 + 255);
        let is_interaction = flow["path"].as_str().unwrap().ends_with("/interactions");
        let reason = if is_interaction { "requires_action" } else { "STOP" };
        assert_eq!(flow["stop_reason"], reason, "{flow}");
    }
    stage.stop();
}
