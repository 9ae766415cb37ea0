//! Amazon Bedrock through the real binary: Converse and InvokeModel, whole and streamed.

use serde_json::{Value, json};

use crate::said::{QUESTION, assert_two_calls};
use crate::stage::{Provider, Stage};

const HOST: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
const NOVA: &str = "amazon.nova-pro-v1:0";
const CLAUDE: &str = "us.anthropic.claude-sonnet-5-v1:0";
const KEY: &str = "authorization: Bearer bedrock-x";

fn question(verb: &str) -> Value {
    let messages = json!([{ "role": "user", "content": [{ "text": QUESTION }] }]);
    if verb.starts_with("converse") {
        return json!({ "messages": messages, "inferenceConfig": { "maxTokens": 512 } });
    }
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 512,
        "messages": [{ "role": "user", "content": QUESTION }],
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
        assert_two_calls(&stage, flow, "bedrock");
        let is_invoke = flow["path"].as_str().unwrap().contains("/invoke");
        assert_eq!(flow["model_requested"], if is_invoke { CLAUDE } else { NOVA }, "{flow}");
        // Anthropic's own answer names the model; for Converse's the path has to.
        let answered = if is_invoke { "claude-sonnet-5" } else { NOVA };
        assert_eq!(flow["model"], answered, "{flow}");
        assert_eq!(flow["stop_reason"], "tool_use");
        let usage = &flow["usage"];
        let classes = ["input", "cache_read", "cache_write_5m", "cache_write_1h"];
        assert_eq!(classes.map(|class| usage[class].as_u64().unwrap()), [110, 8322, 1555, 255]);
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
