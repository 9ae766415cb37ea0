//! Amazon Bedrock through the real binary: Converse and InvokeModel, whole and streamed.

use serde_json::{Value, json};

use crate::stage::{Provider, Stage, tool_calls};

const HOST: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
const NOVA: &str = "amazon.nova-pro-v1:0";
const CLAUDE: &str = "us.anthropic.claude-sonnet-5-v1:0";
const KEY: &str = "authorization: Bearer bedrock-x";

fn question(verb: &str) -> Value {
    let messages = json!([{ "role": "user", "content": [{ "text": "what is in the folder?" }] }]);
    if verb.starts_with("converse") {
        return json!({ "messages": messages, "inferenceConfig": { "maxTokens": 512 } });
    }
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 512,
        "messages": [{ "role": "user", "content": "what is in the folder?" }],
    })
}

/// Asks with a wish, as an SDK does: the colon of an id escaped.
fn ask(stage: &Stage, model: &str, verb: &str, wish: &str) -> String {
    let url = format!("{HOST}/model/{}/{verb}", model.replace(':', "%3A"));
    stage.curl(&url, &[KEY, &format!("x-fixture: {wish}")], &question(verb))
}

#[test]
fn both_apis_are_understood_streamed_and_whole() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    for (model, verb) in [
        (NOVA, "converse"),
        (NOVA, "converse-stream"),
        (CLAUDE, "invoke"),
        (CLAUDE, "invoke-with-response-stream"),
    ] {
        let out = ask(&stage, model, verb, "say=tools");
        assert_eq!(out.contains(":message-type"), verb.ends_with("stream"), "{out}");
    }
    for flow in &stage.ended_flows(4) {
        assert_eq!(flow["outcome"], "completed", "{flow}");
        assert_eq!(flow["provider"], "bedrock");
        let is_invoke = flow["path"].as_str().unwrap().contains("/invoke");
        assert_eq!(flow["model_requested"], if is_invoke { CLAUDE } else { NOVA }, "{flow}");
        // Anthropic's own answer names the model; for Converse's the path has to.
        let answered = if is_invoke { "claude-sonnet-5" } else { NOVA };
        assert_eq!(flow["model"], answered, "{flow}");
        assert_eq!(flow["tool_names"], json!(["Bash", "Read"]));
        assert_eq!(flow["stop_reason"], "tool_use");
        let usage = &flow["usage"];
        let classes = ["input", "cache_read", "cache_write_5m", "cache_write_1h"];
        assert_eq!(classes.map(|class| usage[class].as_u64().unwrap()), [110, 8322, 1555, 255]);
        assert!(usage["output"].as_u64().is_some_and(|output| output > 0), "{flow}");
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
fn a_refusal_and_an_error_within_a_stream_are_the_providers() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    for (model, verb, wish) in [
        (NOVA, "converse", "error=ThrottlingException"),
        (NOVA, "converse-stream", "events=9;error_after=3"),
        (CLAUDE, "invoke-with-response-stream", "events=9;error_after=3"),
    ] {
        let out = ask(&stage, model, verb, wish);
        assert_eq!(out.contains("throttlingException"), verb.ends_with("stream"), "{out}");
    }
    for flow in &stage.ended_flows(3) {
        assert_eq!(flow["outcome"], "provider_error", "{flow}");
        let is_refused = flow["path"].as_str().unwrap().ends_with("/converse");
        assert_eq!(flow["status"], if is_refused { 429 } else { 200 });
    }
    stage.stop();
}
