//! The main road, end to end: an agent's request through the real binary into its records.

use std::process::Command;

use langley_store::{FlowFilter, Store};
use serde_json::{Value, json};

use crate::stage::{Provider, Stage, files_with};

/// Stands in every request beside the key and is no secret: the search must find it. The filler has
/// its words in another order, so that compression keeps no such run of bytes.
const CONTROL: &str = "evidence content compressed control planted";
const KEY: &str = "sk-ant-api03-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry";

fn question(stream: bool) -> String {
    // Long and dull enough to be kept compressed.
    let filler = "planted control compressed content evidence ".repeat(200);
    json!({
        "model": "claude-opus-5-5",
        "max_tokens": 100,
        "stream": stream,
        "messages": [{ "role": "user", "content": format!("hello, my key is {KEY} {filler} {KEY} {CONTROL}") }],
    })
    .to_string()
}

/// curl's arguments for a Messages request to `url`.
fn curl<'a>(url: &'a str, body: &'a str, key: &'a str) -> Vec<&'a str> {
    let mut args = vec!["curl", "-sS", "--max-time", "20", "-H", key];
    args.extend(["-H", "content-type: application/json", "-H", "x-fixture: script=chat"]);
    args.extend(["-d", body, url]);
    args
}

/// How many contents of the database hold `needle` once they are unpacked.
fn unpacked_with(stage: &Stage, needle: &str) -> usize {
    let store = Store::open_read_only(stage.home().join("langley.db")).unwrap();
    let mut found = 0;
    let needle = needle.as_bytes();
    let mut count = |_: &str, bytes: &[u8]| {
        found += usize::from(bytes.windows(needle.len()).any(|window| window == needle));
    };
    store.texts(|_, bytes| count("", bytes)).unwrap();
    // Events are kept as differences, so they are searched as they are read.
    for flow in store.flows(&FlowFilter::default(), None, 500).unwrap().items {
        let events = store.events(flow.id, None, 500, None).unwrap().unwrap().into_inner();
        events.items.iter().for_each(|event| count("events", &event.data));
    }
    found
}

#[test]
fn what_curl_sends_by_run_is_recorded_without_its_key() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let (body, key) = (question(true), format!("x-api-key: {KEY}"));
    let url = "https://api.anthropic.com/v1/messages";
    for version in ["--http1.1", "--http2"] {
        let mut args = vec!["run", "--"];
        args.extend(curl(url, &body, &key));
        args.push(version);
        let (code, out, err) = stage.run(&args);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("event: message_stop"), "{out}");
    }

    let flows = stage.ended_flows(2);
    for flow in &flows {
        assert_eq!(flow["outcome"], "completed");
        assert_eq!(flow["host"], "api.anthropic.com");
        assert_eq!(flow["mode"], "forward");
        assert_eq!(flow["model"], "claude-opus-5-5");
        assert_eq!(flow["usage"]["input"], 110);
        assert_eq!(flow["capture_gaps"], 0);
    }
    let mut versions: Vec<_> =
        flows.iter().filter_map(|flow| flow["version_in"].as_str()).collect();
    versions.sort_unstable();
    assert_eq!(versions, ["h2", "http/1.1"]);

    // The provider got the key; nothing of ours has it.
    let sent = provider.fixture.exchanges();
    assert!(sent.iter().all(|exchange| exchange.headers.value("x-api-key") == Some(KEY)));
    for flow in &flows {
        let id = flow["id"].as_str().unwrap();
        let request = stage.api(&format!("/api/flows/{id}/request"));
        assert!(request["body"]["text"].as_str().unwrap().contains("hello, my key is"));
        assert!(!request.to_string().contains(KEY));
    }
    stage.stop();
    assert_eq!(files_with(&stage.home(), KEY.as_bytes()), Vec::<std::path::PathBuf>::new());
    assert_eq!(unpacked_with(&stage, KEY), 0);
    // The control is only to be seen once the database's content is unpacked.
    assert_eq!(files_with(&stage.home(), CONTROL.as_bytes()), Vec::<std::path::PathBuf>::new());
    assert!(unpacked_with(&stage, CONTROL) > 0);
    // The search itself works: a planted key is found.
    std::fs::write(stage.home().join("planted"), format!("x{KEY}x")).unwrap();
    assert_eq!(files_with(&stage.home(), KEY.as_bytes()), [stage.home().join("planted")]);
}

#[test]
fn base_url_requests_are_recorded_and_the_listing_is_the_apis() {
    let provider = Provider::start();
    let mut stage = Stage::with_provider(&provider);
    stage.set("LANGLEY_UPSTREAM_ANTHROPIC", &provider.fixture.http_url());
    stage.set("LANGLEY_UPSTREAM_PROXY", "none");
    let server = stage.server();
    let (body, key) = (question(false), format!("x-api-key: {KEY}"));
    let url = format!("http://{}/v1/messages", stage.state()["proxy"].as_str().unwrap());
    let mut args = curl(&url, &body, &key);
    args.extend(["-H", "x-claude-code-session-id: one session"]);
    let output = Command::new(args[0]).args(&args[1..]).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["type"], "message");

    let flows = stage.ended_flows(1);
    assert_eq!((&flows[0]["mode"], &flows[0]["outcome"]), (&json!("reverse"), &json!("completed")));
    let (code, out, err) = stage.run(&["flows", "--json", "--since", "1h"]);
    assert_eq!(code, 0, "{err}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed["items"].as_array().unwrap(), &flows, "the same flow in the same shape");
    assert_eq!(stage.run(&["flows", "--session", "nobody"]).1, "no flows\n");

    // So are sessions and usage, of the same flow.
    let (code, out, err) = stage.run(&["sessions", "--json", "--since", "1h"]);
    assert_eq!(code, 0, "{err}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed, stage.api("/api/sessions"), "the same sessions in the same shape");
    let session = &listed["items"][0];
    assert_eq!((&session["id"], &flows[0]["session_id"]), (&json!("one session"), &session["id"]));
    assert_eq!(session["totals"]["usage"]["output"], flows[0]["usage"]["output"]);
    assert!(stage.run(&["sessions"]).1.contains(session["id"].as_str().unwrap()));
    assert_eq!(stage.run(&["sessions", "--since", "2100-01-01"]).1, "no sessions\n");
    let (code, out, err) = stage.run(&["tasks", "--json", "--session", "one session"]);
    assert_eq!(code, 0, "{err}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed, stage.api("/api/tasks"), "the same tasks in the same shape");
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["source"]),
        (&json!("one session"), &json!("session"))
    );
    assert_eq!(stage.run(&["tasks", "--session", "nobody"]).1, "no tasks\n");
    assert!(stage.run(&["tasks", "--no-inferred"]).1.contains("one session"));
    let usage = stage.api("/api/usage?group_by=provider,model");
    assert_eq!(usage["items"][0]["model"], flows[0]["model"]);
    assert_eq!(usage["totals"]["usage"]["input"], flows[0]["usage"]["input"]);
    drop(server);
}

#[test]
fn flows_cut_by_a_kill_are_lost_at_the_next_start_and_the_home_is_free() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let server = stage.server();
    let body = question(true);
    let proxy = format!("http://{}", stage.state()["proxy"].as_str().unwrap());
    let ca = stage.home().join("ca/ca.pem");
    let mut client = Command::new("curl")
        .args(["-sS", "--max-time", "60", "-o", "/dev/null", "--proxy", &proxy, "--cacert"])
        .arg(ca)
        .args(["-H", "x-fixture: events=9;stall=forever", "-d", &body])
        .arg("https://api.anthropic.com/v1/messages")
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    crate::stage::wait(|| stage.api("/api/flows")["items"][0]["status"] == 200);
    drop(server); // kill -9
    let _ = client.wait();

    let _second = stage.server();
    let flows = stage.ended_flows(1);
    assert_eq!(flows[0]["outcome"], "lost");
}
