//! An answer that is not whole says so on every way: in the API, in its listing and on the command line.

use std::process::Command;

use serde_json::{Value, json};

use crate::stage::{Provider, Stage, wait};

/// Asks for a stream by base URL; curl's own exit code says how it took the end.
fn ask(stage: &Stage, wish: &str) -> i32 {
    asking(stage, wish).status().unwrap().code().unwrap()
}

fn asking(stage: &Stage, wish: &str) -> Command {
    let url = format!("http://{}/v1/messages", stage.state()["proxy"].as_str().unwrap());
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 9, "stream": true,
        "messages": [{ "role": "user", "content": wish }],
    });
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--max-time", "20", "-o", "/dev/null", "-d", &body.to_string()]);
    curl.args(["-H", "content-type: application/json", "-H", &format!("x-fixture: {wish}"), &url]);
    curl
}

#[test]
fn a_flow_that_a_kill_cut_off_is_told_as_lost_before_and_after_the_next_start() {
    let provider = Provider::start();
    let mut stage = Stage::new();
    stage.set("LANGLEY_UPSTREAM_ANTHROPIC", &provider.fixture.http_url());
    let server = stage.server();
    let mut agent = asking(&stage, "events=9;stall_after=3;stall=forever").spawn().unwrap();
    let listed = || {
        let (code, out, err) = stage.run(&["flows", "--json"]);
        assert_eq!(code, 0, "{err}");
        let page: Value = serde_json::from_str(&out).unwrap();
        page["items"][0].clone()
    };
    wait(|| stage.api("/api/stats")["events_total"].as_u64().is_some_and(|events| events >= 3));
    assert_eq!(listed()["outcome"], Value::Null, "it is open");
    drop(server);
    agent.wait().unwrap();
    let before = listed();
    let reason = before["reason"].as_str().unwrap();
    assert_eq!(before["outcome"], "lost", "{before}");
    assert!(reason.starts_with("Langley ended before this flow did"), "{reason}");
    assert!(before["ended_at"].as_str() >= before["started_at"].as_str(), "{before}");
    let (_, exported, _) = stage.run(&["export", "flows", "--format", "ndjson"]);
    let exported: Value = serde_json::from_str(&exported).unwrap();
    for name in ["outcome", "reason", "ended_at"] {
        assert_eq!(exported[name], before[name], "{name}");
    }
    let (_, told, _) = stage.run(&["flows"]);
    assert!(told.contains(" lost ") && told.contains(reason), "{told}");

    let _again = stage.server();
    let after = &stage.ended_flows(1)[0];
    assert_eq!((&after["outcome"], &after["reason"]), (&json!("lost"), &before["reason"]));
    assert!(after["ended_at"].as_str() >= after["started_at"].as_str(), "{after}");
    assert_eq!(after["ended_at"], before["ended_at"]);
}

#[test]
fn an_answer_that_is_not_whole_says_why_in_the_api_and_on_the_command_line() {
    let provider = Provider::start();
    let mut stage = Stage::new();
    // Without TLS an end of the connection is an end in good order, where nothing else marks one.
    stage.set("LANGLEY_UPSTREAM_ANTHROPIC", &provider.fixture.http_url());
    let _server = stage.server();
    let broken = "events=9;reset_after=3";
    let ended = "events=9;framing=close;close_after=3";
    assert_ne!(ask(&stage, broken), 0, "a break is shown to the agent as one");
    assert_eq!(ask(&stage, ended), 0, "an end in good order is shown as one");
    let flows = stage.ended_flows(2);
    let of = |wish: &str| -> &Value {
        let is =
            |flow: &&Value| flow["preview"].as_str().is_some_and(|said| said.starts_with(wish));
        flows.iter().find(is).unwrap()
    };
    let (broken, ended) = (of(broken), of(ended));
    let reason = broken["reason"].as_str().unwrap();
    assert_eq!(broken["outcome"], "upstream_gone");
    assert_eq!(broken["error"]["kind"], "provider_reset", "{broken}");
    assert!(reason.starts_with("the provider reset the connection after "), "{reason}");
    assert!(reason.ends_with(" events, in the middle of the answer"), "{reason}");
    let note = "the answer ended without message_stop";
    assert_eq!((&ended["outcome"], &ended["decode_note"]), (&json!("completed"), &json!(note)));
    assert_eq!(ended["reason"], Value::Null);
    assert_eq!(stage.api("/api/stats")["decode_errors"], 0, "decoding has done nothing wrong");
    let (_, told, _) = stage.run(&["flows"]);
    let port = provider.fixture.http_url().rsplit(':').next().unwrap().to_owned();
    assert!(told.contains(&format!("POST 127.0.0.1:{port}/v1/messages")), "{told}");
    assert!(told.lines().any(|line| line == format!("    {reason}")), "{told}");
    assert!(told.lines().any(|line| line == format!("    note: {note}")), "{told}");
}
