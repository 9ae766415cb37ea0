//! Flows as the API shows them: shapes, filters, pages, halves, events, export, deletion.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{Method, StatusCode, header};
use langley_model::{Flow, Gap, Micros, Outcome, RateLimit};
use serde_json::{Value, json};

use crate::rig::{Rig, TOKEN, exchange, flow};

async fn ids(rig: &Rig, path: &str) -> Vec<String> {
    let page = rig.get(path).await;
    page["items"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect()
}

fn records(flows: &[Flow]) -> Vec<langley_model::Record> {
    flows.iter().map(|flow| langley_model::Record::Flow(Arc::new(flow.clone()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_has_every_member_of_the_contract_and_null_where_nothing_is_known() {
    let rig = Rig::start().await;
    let mut one = flow(1, "s-1");
    one.request_gap = Gap { chunks: 2, bytes: 20 };
    one.response_gap = Gap { chunks: 3, bytes: 30 };
    one.error_kind = Some("overloaded_error".into());
    one.rate_limits = vec![RateLimit {
        name: "input-tokens".into(),
        limit: Some(30_000),
        remaining: Some(7),
        used: None,
        reset_at: Some(Micros(1_700_000_000_000_000)),
    }];
    rig.put(records(std::slice::from_ref(&one)));
    let shown = rig.get(&format!("/api/flows/{}", one.id)).await;
    for member in "id started_at ended_at duration_ms ttfb_ms ttft_ms mode host method path status \
        outcome provider model streaming session_id session_source task_id task_source agent project project_source \
        agent_id usage cost cost_source stop_reason tool_names event_count request_bytes \
        response_bytes body_truncated capture_gaps ja4_in ja4_out tls_note provider_request_id message_id \
        model_requested revision connection_id scheme port user_agent agent_version error reason \
        preview dropped_events unknown_events decode_note version_in version_out connect_ms tls_ms \
        request_gap response_gap rate_limits ttlt_ms longest_stall_ms tokens_per_second"
        .split_whitespace()
    {
        assert!(shown.get(member).is_some(), "{member}");
    }
    assert_eq!(shown["started_at"], "2023-11-14T22:13:21.000000Z");
    assert_eq!(shown["duration_ms"], json!(2500.125));
    assert_eq!(shown["ttfb_ms"], Value::Null);
    assert_eq!(shown["mode"], "reverse");
    assert_eq!(shown["outcome"], "completed");
    assert_eq!(shown["provider"], "anthropic");
    assert_eq!(shown["session_id"], "s-1");
    assert_eq!(shown["session_source"], "header:x-test");
    assert_eq!(shown["cost"], Value::Null);
    assert_eq!(shown["tool_names"], json!(["Write", "Write"]));
    assert_eq!(shown["capture_gaps"], 5);
    assert_eq!(shown["request_gap"], json!({"chunks": 2, "bytes": 20}));
    assert_eq!(shown["error"], json!({"kind": "overloaded_error", "message": null}));
    assert_eq!(
        shown["rate_limits"],
        json!([{"name": "input-tokens", "limit": 30_000, "remaining": 7, "used_percent": null,
            "reset_at": "2023-11-14T22:13:20.000000Z"}])
    );
    assert_eq!(shown["usage"]["input"], 12);
    assert_eq!(shown["usage"]["cache_read"], Value::Null);
    assert!(shown["revision"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_meet_without_overlap_or_hole_while_new_flows_arrive() {
    let rig = Rig::start().await;
    let flows: Vec<_> = (0..57).map(|second| flow(second, "s")).collect();
    rig.put(records(&flows));
    let mut seen = Vec::new();
    let mut path = "/api/flows?limit=10".to_owned();
    loop {
        let page = rig.get(&path).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 10);
        seen.extend(items.iter().map(|f| f["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/flows?limit=10&cursor={cursor}");
        rig.put(records(&[flow(1000 + i64::try_from(seen.len()).unwrap(), "late")]));
    }
    let newest_first: Vec<_> = flows.iter().rev().map(|flow| flow.id.to_string()).collect();
    assert_eq!(seen, newest_first);
    assert_eq!(rig.get("/api/flows/count?session=s").await, json!({"count": 57}));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_the_list_and_the_count_alike() {
    let rig = Rig::start().await;
    let mut failed = flow(10, "a");
    failed.status = Some(529);
    failed.outcome = Some(Outcome::ProviderError);
    failed.host = "other.test".into();
    let mut running = flow(20, "b");
    running.outcome = None;
    running.ended_at = None;
    running.model = Some("claude-running".into());
    let plain = flow(30, "a");
    rig.put(records(&[failed.clone(), running.clone(), plain.clone()]));
    for (query, expected) in [
        ("host=other.test", vec![&failed]),
        ("status=529", vec![&failed]),
        ("status=5xx", vec![&failed]),
        ("outcome=provider_error", vec![&failed]),
        ("outcome=open", vec![&running]),
        ("model=claude-running", vec![&running]),
        ("session=a", vec![&plain, &failed]),
        ("session=a&status=200", vec![&plain]),
        ("tool=Write&provider=anthropic", vec![&plain, &running, &failed]),
        ("provider=openai", vec![]),
        ("since=2023-11-14T22:13:40Z", vec![&plain, &running]),
        ("until=2023-11-14T22:13:40Z", vec![&failed]),
        ("q=OTHER.test", vec![&failed]),
        ("min_cost=0.01", vec![]),
        ("host=", vec![&plain, &running, &failed]),
    ] {
        let expected: Vec<_> = expected.iter().map(|flow| flow.id.to_string()).collect();
        assert_eq!(ids(&rig, &format!("/api/flows?{query}")).await, expected, "{query}");
        let count = rig.get(&format!("/api/flows/count?{query}")).await;
        assert_eq!(count["count"], expected.len(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_is_unknown_or_unusable_is_named() {
    let rig = Rig::start().await;
    for (path, code, named) in [
        ("/api/flows?hots=x", "unknown_parameter", "hots"),
        ("/api/flows?limit=501", "bad_parameter", "limit"),
        ("/api/flows?limit=1&limit=2", "bad_parameter", "limit"),
        ("/api/flows?cursor=nonsense", "bad_parameter", "cursor"),
        ("/api/flows?status=teapot", "bad_parameter", "status"),
        ("/api/flows?outcome=fine", "bad_parameter", "outcome"),
        ("/api/flows?provider=acme", "bad_parameter", "provider"),
        ("/api/flows?since=yesterday", "bad_parameter", "since"),
        ("/api/flows?min_cost=cheap", "bad_parameter", "min_cost"),
        ("/api/flows/count?limit=1", "unknown_parameter", "limit"),
        ("/api/flows/export?format=xml", "bad_parameter", "format"),
        ("/api/stats?x=1", "unknown_parameter", "x"),
        ("/api/tunnels?limit=x", "bad_parameter", "limit"),
        ("/api/drops?cursor=%00", "bad_parameter", "cursor"),
    ] {
        let answer = rig.ask(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.error_code(), code, "{path}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("`{named}`")), "{message}");
    }
    let hint = rig.ask("/api/flows?outcome=fine").await.json()["error"]["hint"].to_string();
    assert!(hint.contains("client_gone") && hint.contains("open"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_does_not_exist_is_not_found_anywhere() {
    let rig = Rig::start().await;
    for id in ["0190f0c4-7e2a-7000-8000-000000000000", "nonsense"] {
        for part in ["", "/request", "/response", "/events"] {
            let answer = rig.ask(&format!("/api/flows/{id}{part}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}{part}");
            assert_eq!(answer.error_code(), "not_found");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_halves_are_shown_in_the_order_they_travelled() {
    let rig = Rig::start().await;
    let one = flow(1, "s");
    rig.put(exchange(&rig.redactor, &one));
    let request = rig.get(&format!("/api/flows/{}/request", one.id)).await;
    assert_eq!(request["method"], "POST");
    assert_eq!(request["host"], "api.anthropic.com");
    assert_eq!(
        request["headers"],
        json!([["Content-Type", "application/json"], ["X-Custom", "one"]])
    );
    assert_eq!(request["trailers"], json!([]));
    let body = json!({
        "text": "{\"model\":\"claude-test\"}", "base64": null, "media_type": "application/json",
        "stored_bytes": 23, "original_bytes": 23, "truncated": false,
    });
    assert_eq!(request["body"], body);

    let response = rig.get(&format!("/api/flows/{}/response", one.id)).await;
    assert_eq!(response["status"], 200);
    assert_eq!(response["headers"], json!([["content-type", "text/event-stream"]]));
    assert_eq!(response["trailers"], json!([["x-sum", "1"]]));
    assert_eq!(response["body"], Value::Null);
    let message = &response["message"];
    assert_eq!(message["id"], "msg_1");
    assert_eq!(message["stop_sequence"], Value::Null);
    assert_eq!(message["usage"]["output"], 34);
    let blocks = json!([
        {"index": 0, "complete": true, "type": "text", "text": "Hello", "citations": [{"a": 1}]},
        {"index": 1, "complete": true, "type": "tool_use", "id": "toolu_1", "name": "Write",
         "input": {"path": "a.txt"}, "input_raw": "{\"path\":\"a.txt\"}"},
    ]);
    assert_eq!(message["blocks"], blocks);
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_are_narrowed_to_a_connection_and_to_starred_sessions() {
    let rig = Rig::start().await;
    let (one, two) = (flow(1, "s-1"), flow(2, "s-2"));
    rig.put(records(&[one.clone(), two.clone()]));
    let connection = format!("/api/flows?connection={}", one.connection);
    assert_eq!(ids(&rig, &connection).await, [one.id.to_string()]);
    assert!(ids(&rig, "/api/flows?starred=true").await.is_empty());
    let bearer = format!("Bearer {TOKEN}");
    let path = "/api/sessions/s-2/star";
    let starred = rig.send(Method::POST, path, &[("authorization", &bearer)]).await;
    assert_eq!(starred.status, StatusCode::OK);
    assert_eq!(ids(&rig, "/api/flows?starred=true").await, [two.id.to_string()]);
    for wrong in ["starred=yes", "connection=x"] {
        let refused = rig.ask(&format!("/api/flows?{wrong}")).await;
        assert_eq!(refused.error_code(), "bad_parameter", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_was_took_no_time_that_could_be_told() {
    let rig = Rig::start().await;
    let mut flows = [flow(1, "s"), flow(2, "s")];
    for (flow, scheme) in flows.iter_mut().zip(["http", "https"]) {
        flow.scheme = scheme.into();
        flow.tls = Some(std::time::Duration::ZERO);
    }
    rig.put(records(&flows));
    let page = rig.get("/api/flows").await;
    assert_eq!(page["items"][0]["tls_ms"], 0.0);
    assert_eq!(page["items"][1]["tls_ms"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_paged_by_sequence_and_narrowed_by_type() {
    let rig = Rig::start().await;
    let one = flow(1, "s");
    rig.put(exchange(&rig.redactor, &one));
    let path = format!("/api/flows/{}/events", one.id);
    let first = rig.get(&format!("{path}?limit=2")).await;
    let event = json!({
        "seq": 0, "offset_ms": 1.5, "type": "message_start", "data": "{\"n\":0}", "original_bytes": 7,
    });
    assert_eq!(first["items"][0], event);
    assert_eq!((&first["total"], &first["next_cursor"]), (&json!(3), &json!("1")));
    let types = json!([
        {"type": "message_start", "count": 1}, {"type": "content_block_delta", "count": 2},
    ]);
    assert_eq!(first["types"], types);
    let rest = rig.get(&format!("{path}?limit=2&after=1")).await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["seq"], 2);
    assert_eq!(rest["next_cursor"], Value::Null);
    assert_eq!(rest["types"], json!([]));
    let deltas = rig.get(&format!("{path}?type=content_block_delta")).await;
    assert_eq!(deltas["total"], 2);
    assert_eq!(deltas["items"].as_array().unwrap().len(), 2);
    let none = rig.get(&format!("{path}?type=ping")).await;
    assert_eq!((&none["items"], &none["next_cursor"]), (&json!([]), &Value::Null));
    assert_eq!((&none["total"], &none["retired"]), (&json!(0), &json!(false)));
    // What there is to choose from does not depend on the choice.
    assert_eq!(none["types"], types);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_every_matching_flow_in_each_format() {
    let rig = Rig::start().await;
    let flows: Vec<_> = (0..450).map(|second| flow(second, "export")).collect();
    rig.put(records(&flows));
    rig.put(records(&[flow(999, "other")]));
    let wanted: BTreeSet<_> = flows.iter().map(|flow| flow.id.to_string()).collect();

    let lines = rig.ask("/api/flows/export?session=export").await;
    assert_eq!(lines.header(header::CONTENT_TYPE), "application/x-ndjson");
    let found: Vec<Value> =
        lines.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(found.len(), wanted.len());
    let of = |flows: &[Value]| -> BTreeSet<String> {
        flows.iter().map(|flow| flow["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&found), wanted);

    let whole = rig.get("/api/flows/export?session=export&format=json").await;
    assert_eq!(of(whole["items"].as_array().unwrap()), wanted);
    assert_eq!(rig.get("/api/flows/export?session=none&format=json").await["items"], json!([]));

    let table = rig.ask("/api/flows/export?session=export&format=csv").await;
    let rows: Vec<_> = table.text().split_terminator("\r\n").collect();
    assert!(rows[0].starts_with("id,connection_id,started_at"));
    assert_eq!(rows.len(), wanted.len() + 1);
    assert!(rows[1].contains(",Write Write,"), "{}", rows[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_takes_what_the_filter_names_and_nothing_else() {
    let rig = Rig::start().await;
    let (gone, kept) = (flow(1, "gone"), flow(2, "kept"));
    rig.put(records(&[gone.clone(), kept.clone()]));
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str())];
    let bad = rig.send(Method::DELETE, "/api/flows?sesion=gone", &headers).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let empty = rig.send(Method::DELETE, "/api/flows?session=", &headers).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST, "no value is not every value");
    let answer = rig.send(Method::DELETE, "/api/flows?session=gone", &headers).await;
    assert_eq!(answer.json(), json!({"deleted": 1}));
    assert_eq!(ids(&rig, "/api/flows").await, [kept.id.to_string()]);
    let answer = rig.send(Method::DELETE, "/api/flows", &headers).await;
    assert_eq!(answer.json(), json!({"deleted": 1}));
    assert_eq!(rig.get("/api/flows").await, json!({"items": [], "next_cursor": null}));
    // Nobody indexes here: what words a flow has is not known.
    rig.put(records(&[flow(3, "new")]));
    let answer = rig.send(Method::DELETE, "/api/flows?q=nowhere", &headers).await;
    assert_eq!(answer.json(), json!({"deleted": 0, "unindexed": 1}));
}
