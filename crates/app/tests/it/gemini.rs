//! Gemini through the real binary: answers whole and as streams in both their forms.

use serde_json::{Value, json};

use crate::stage::{Provider, Stage, tool_calls};

const MODEL: &str = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro-preview";
const KEY: &str = "x-goog-api-key: AIza-x";

fn question() -> Value {
    json!({
        "systemInstruction": { "parts": [{ "text": "be brief" }] },
        "contents": [{ "role": "user", "parts": [{ "text": "what is in the folder?" }] }],
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
        assert_eq!(flow["outcome"], "completed", "{flow}");
        assert_eq!(flow["provider"], "gemini");
        assert_eq!(flow["model"], "gemini-3-pro-preview");
        assert_eq!(flow["tool_names"], json!(["Bash", "Read"]));
        assert_eq!(flow["stop_reason"], "STOP");
        // What Anthropic counts apart is part of the prompt here.
        assert_eq!(flow["usage"]["input"], 110 + 8322 + 1555 + 255);
        assert_eq!(flow["usage"]["cache_read"], 8322);
        assert!(flow["usage"]["output"].as_u64().is_some_and(|output| output > 0), "{flow}");
        assert!(flow["preview"].as_str().unwrap().contains("what is in the folder?"), "{flow}");
        assert_eq!(flow["unknown_events"], 0);
        let message = stage.message(flow);
        assert_eq!(message["blocks"][0]["text"], "Two calls.", "{message}");
        let calls = tool_calls(&message);
        assert_eq!((&calls[0]["name"], &calls[1]["name"]), (&json!("Bash"), &json!("Read")));
        assert!(calls[1]["input"].to_string().contains("/etc/hostname"), "{message}");
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
