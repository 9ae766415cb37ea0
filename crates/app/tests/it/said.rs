//! What the fixture's answer with two calls must become, whoever's form it was said in.

use serde_json::{Value, json};

use crate::stage::{Stage, tool_calls, wait};

/// What the person asks.
pub(crate) const QUESTION: &str = "what is in the folder?";

/// Checks what all providers' flows of such an answer have in common.
pub(crate) fn assert_two_calls(stage: &Stage, flow: &Value, provider: &str) {
    assert_eq!(flow["outcome"], "completed", "{flow}");
    assert_eq!(flow["provider"], provider);
    assert_eq!(flow["tool_names"], json!(["Bash", "Read"]));
    assert!(flow["usage"]["output"].as_u64().is_some_and(|output| output > 0), "{flow}");
    assert!(flow["preview"].as_str().unwrap().contains(QUESTION), "{flow}");
    assert_eq!(flow["unknown_events"], 0);
    let message = stage.message(flow);
    assert_eq!(message["blocks"][0]["text"], "Two calls.", "{message}");
    let calls = tool_calls(&message);
    assert_eq!((&calls[0]["name"], &calls[1]["name"]), (&json!("Bash"), &json!("Read")));
    assert!(calls[1]["input"].to_string().contains("/etc/hostname"), "{message}");
    // Beside the road the calls are put together with what came of them.
    wait(|| stage.api("/api/stats")["analysis_waiting"] == 0);
    let (code, out, err) = stage.run(&["tools", "--json"]);
    assert_eq!(code, 0, "{err}");
    let tools: Value = serde_json::from_str(&out).unwrap();
    let names = tools["items"].as_array().unwrap().iter().map(|tool| &tool["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["Bash", "Read"], "{out}");
    assert_eq!(tools["complete"], true);
    assert!(stage.run(&["tools"]).1.contains("Read"));
    let of_flow = stage.run(&["tools", "Read"]).1;
    assert!(of_flow.contains(flow["id"].as_str().unwrap()), "{of_flow}");
    assert_eq!(stage.run(&["tools", "Read", "--since", "2100-01-01"]).1, "no calls of Read\n");
}
