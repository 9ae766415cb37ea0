//! The forensic option: bodies as they travelled, where they are asked for twice.

use serde_json::json;

use crate::stage::{Provider, Stage, files_with};

const KEY: &str = "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";

#[test]
fn a_body_is_kept_unredacted_only_where_it_is_asked_for_twice() {
    let provider = Provider::start();
    let mut stage = Stage::with_provider(&provider);
    let (code, _, said) = stage.run(&["start", "--store-raw", "--quiet", "--no-open"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("also set `redaction.store_raw: true`"), "{said}");

    stage.set("LANGLEY_REDACTION__STORE_RAW", "true");
    let ask = |stage: &Stage, count| {
        let message = json!({"role": "user", "content": format!("my key is {KEY}")});
        let body = json!({"model": "claude-sonnet-5", "max_tokens": 64, "messages": [message]});
        stage.curl("https://api.anthropic.com/v1/messages", &[], &body);
        let flow = stage.ended_flows(count)[0]["id"].as_str().unwrap().to_owned();
        let stored = stage.api(&format!("/api/flows/{flow}/request")).to_string();
        assert!(stored.contains("my key is") && !stored.contains(KEY), "{stored}");
        (flow, body.to_string())
    };
    let raw = stage.home().join("langley-raw.db");
    let server = stage.server();
    let (flow, _) = ask(&stage, 1);
    assert!(stage.api("/api/stats")["raw_bodies"].is_null());
    stage.stop();
    assert_eq!(server.exit_code(), Some(0));
    assert!(!raw.exists(), "the setting alone keeps nothing");
    let (code, _, said) = stage.run(&["db", "raw", &flow]);
    assert_eq!(code, 1);
    assert!(said.contains("no unredacted bodies"), "{said}");

    let server = stage.server_with(&["--store-raw"]);
    let (flow, body) = ask(&stage, 2);
    assert!(stage.api("/api/stats")["raw_bodies"]["bytes_total"].is_u64());
    let (_, _, said) = stage.run(&["start", "--no-open"]);
    assert!(said.contains("the server that runs keeps bodies unredacted"), "{said}");
    assert!(!said.contains("no body is kept"), "{said}");
    let (_, out, _) = stage.run(&["status"]);
    assert!(out.contains("bodies are kept UNREDACTED"), "{out}");
    stage.stop();
    assert_eq!(server.exit_code(), Some(0));
    let (_, out, _) = stage.run(&["status"]);
    assert!(out.contains("unredacted bodies of an earlier run are in"), "{out}");
    let (code, out, said) = stage.run(&["audit", "redaction", "--json"]);
    assert_eq!(code, 1, "{out}{said}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["found"], json!({}), "the record is clean");
    assert_eq!(report["raw_bodies"]["found"]["anthropic_key"], 1, "{report}");
    let (_, out, _) = stage.run(&["audit", "redaction"]);
    assert!(out.contains("in them look like secrets: anthropic_key 1"), "{out}");
    assert!(
        out.contains("nothing in the record looks like a secret") && !out.contains(KEY),
        "{out}"
    );
    let (code, out, said) = stage.run(&["db", "raw", &flow, "--side", "request"]);
    assert_eq!((code, out.as_str(), said.as_str()), (0, body.as_str(), ""));
    let (code, out, said) = stage.run(&["db", "raw", &flow]);
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(out.contains("msg_"), "{out}");
    // The answer's file is packed or not; what the agent sent is short and stands there as it is.
    assert_eq!(files_with(&stage.home(), KEY.as_bytes()), std::slice::from_ref(&raw));

    let (code, out, _) = stage.run(&["db", "raw", "--remove-all"]);
    assert_eq!(code, 0);
    assert_eq!(out, "removed 2 unredacted bodies\n");
    assert_eq!(stage.run(&["db", "raw", &flow]).0, 1);
    assert!(files_with(&stage.home(), KEY.as_bytes()).is_empty());
    for args in [&["status"][..], &["db", "info"], &["doctor"]] {
        let (_, out, _) = stage.run(args);
        assert!(!out.contains("unredacted"), "what is gone is not told of: {out}");
    }
}

#[test]
fn a_body_is_kept_whole_beyond_what_the_record_wants_and_not_of_a_host_whose_bodies_are_not_kept() {
    let provider = Provider::start();
    let mut stage = Stage::with_provider(&provider);
    stage.set("LANGLEY_REDACTION__STORE_RAW", "true");
    stage.set("LANGLEY_REDACTION__LOGGING__NEVER_LOG_BODY_FOR_HOSTS", "api.openai.com");
    let server = stage.server_with(&["--store-raw"]);
    let body: Vec<u8> =
        (0..3_000_000_u32).map(|n| (n.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
    let file = stage.path("body.bin");
    std::fs::write(&file, &body).unwrap();
    let data = format!("@{}", file.display());
    for url in ["https://api.anthropic.com/upload", "https://api.openai.com/upload"] {
        let kind = "content-type: application/octet-stream";
        let args = ["run", "--", "curl", "-sS", "--max-time", "60", "-H", kind];
        let (code, _, said) = stage.run(&[&args[..], &["--data-binary", &data, url]].concat());
        assert_eq!(code, 0, "{said}");
    }
    let flows = stage.ended_flows(2);
    let id = |flow: &serde_json::Value| flow["id"].as_str().unwrap().to_owned();
    let (excluded, whole) = (id(&flows[0]), id(&flows[1]));
    stage.stop();
    assert_eq!(server.exit_code(), Some(0));
    let output = stage.langley(&["db", "raw", &whole, "--side", "request"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.stdout == body, "{} of {} bytes", output.stdout.len(), body.len());
    let (code, _, said) = stage.run(&["db", "raw", &excluded, "--side", "request"]);
    assert_eq!(code, 1);
    assert!(said.contains("nothing of this body"), "{said}");
}
