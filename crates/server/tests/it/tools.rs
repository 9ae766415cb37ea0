//! Tools at the door: what their calls add up to, the calls of one, and one call with what it was about.

use http::StatusCode;
use langley_engine::analyse;
use langley_model::{Body, Micros, Record, Side};
use serde_json::{Value, json};

use crate::rig::{Rig, exchange, flow};

/// An answer that calls a tool, and the request that has its result.
async fn with_a_call() -> (Rig, String) {
    let rig = Rig::start().await;
    let (first, second) = (flow(1, "s-1"), flow(9, "s-1"));
    let mut records = exchange(&rig.redactor, &first);
    records.extend(exchange(&rig.redactor, &second));
    let said = json!({"messages": [
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no room", "is_error": true},
        ]},
    ]});
    let body = said.to_string().into_bytes();
    records.push(Record::Body(Body {
        flow: second.id,
        side: Side::Client,
        original_len: body.len() as u64,
        bytes: rig.redactor.body(body),
        media_type: None,
        truncated: false,
        pieces: Vec::new(),
    }));
    rig.put(records);
    analyse(&rig.store, &rig.redactor, Micros(0)).unwrap();
    (rig, first.id.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_their_calls_and_one_call_are_told() {
    let (rig, first) = with_a_call().await;
    let told = rig.get("/api/tools").await;
    assert_eq!((&told["complete"], &told["next_cursor"]), (&json!(true), &Value::Null));
    let tool = &told["items"][0];
    let name = tool["name"].as_str().unwrap();
    assert_eq!((&tool["totals"]["failed"], &tool["totals"]["succeeded"]), (&json!(1), &json!(0)));
    assert_eq!(tool["totals"]["failure_rate"], json!(1.0));
    assert_eq!(tool["totals"]["duration"]["calls"], 1);
    assert_eq!(told["totals"]["calls"], tool["totals"]["calls"]);
    let stats = rig.get("/api/stats").await;
    assert_eq!((&stats["analysis_waiting"], &stats["analysis_given_up"]), (&json!(0), &json!(0)));
    assert_eq!(stats["background_panics"], 2, "of the index and the analysis");
    assert_eq!(tool["cost"], Value::Null, "nobody asked for it");
    for query in [
        "order=failures",
        "order=cost",
        "order=duration",
        "session=s-1",
        "since=2023-11-14&until=1h",
    ] {
        assert_eq!(rig.get(&format!("/api/tools?{query}")).await["items"][0]["name"], name);
    }
    assert_eq!(rig.get("/api/tools?session=other").await["items"], json!([]));
    assert_eq!(rig.get("/api/tools?costs=false").await["items"][0]["name"], name);
    let page = rig.get(&format!("/api/tools/{name}/invocations")).await;
    let call = page["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&call["flow_id"], &call["session_id"]), (&json!(first), &json!("s-1")));
    assert_eq!((&call["state"], &call["outcome"]), (&json!("returned"), &json!("failed")));
    assert_eq!((&call["violations"], &call["position"]), (&json!([]), &json!(0)));
    assert_eq!(call["input_head"], Value::Null, "nobody asked for it");
    let page = rig.get(&format!("/api/tools/{name}/invocations?input=true&limit=500")).await;
    let head = page["items"].as_array().unwrap().last().unwrap()["input_head"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(head).unwrap(), json!({"path": "a.txt"}));
    let id = call["id"].as_str().unwrap();
    let shown = rig.get(&format!("/api/tool-invocations/{id}")).await;
    assert_eq!(shown["result"], "no room");
    assert_eq!(shown["input"], json!({"path": "a.txt"}));
    assert_eq!((&shown["executions"], &shown["state"]), (&json!([]), &json!("returned")));
    assert!(shown["result_flow_id"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_of_tools_is_said() {
    let (rig, first) = with_a_call().await;
    for (path, code) in [
        ("/api/tools?order=name".to_owned(), "bad_parameter"),
        ("/api/tools?limit=3".to_owned(), "unknown_parameter"),
        ("/api/tools/Write/invocations?cursor=x".to_owned(), "bad_parameter"),
        ("/api/tools?since=2026-01-02&until=2026-01-01".to_owned(), "bad_parameter"),
        ("/api/tools/Write/invocations?input=yes".to_owned(), "bad_parameter"),
        ("/api/tools/Nothing/invocations".to_owned(), "not_found"),
        ("/api/tool-invocations/x".to_owned(), "not_found"),
        (format!("/api/tool-invocations/{first}.77"), "not_found"),
    ] {
        let answer = rig.ask(&path).await;
        assert_ne!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.error_code(), code, "{path}");
    }
    let name = rig.get("/api/tools").await["items"][0]["name"].as_str().unwrap().to_owned();
    let none = rig.get(&format!("/api/tools/{name}/invocations?session=other")).await;
    assert_eq!(none["items"], json!([]), "a tool that is known, and not called there");
}
