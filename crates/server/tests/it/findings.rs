//! Findings at the door: listed by what they cost, judged by a person, and told to watchers.

use http::{Method, StatusCode};
use langley_engine::LiveFeed;
use langley_model::{
    Finding, FindingKind, FindingNumber, FindingUnit, Flow, MicroUsd, Record, Severity,
};
use serde_json::{Value, json};

use crate::live::Watcher;
use crate::rig::{Answer, Rig, TOKEN, exchange, flow};

fn finding(flow: &Flow, kind: FindingKind, cost: Option<i64>) -> Finding {
    Finding {
        kind,
        subject: String::from("tools_changed tool late"),
        severity: Severity::Warning,
        session: flow.session.as_ref().map(|session| session.id.clone()),
        agent_id: None,
        title: String::from("tool late broke the cache"),
        what: String::from("It was billed again."),
        why: Some(String::from("The tools changed.")),
        next: String::from("Connect servers before."),
        numbers: vec![FindingNumber {
            name: String::from("wasted"),
            value: 500,
            unit: FindingUnit::Tokens,
        }],
        baseline: None,
        flow: flow.id,
        beside: Vec::new(),
        cost: cost.map(MicroUsd),
    }
}

/// A server with two findings, and the flow that shows them.
async fn with_findings() -> (Rig, Flow, Vec<i64>) {
    let rig = Rig::start().await;
    let flow = flow(1, "s-1");
    let records: Vec<Record> = exchange(&rig.redactor, &flow);
    rig.put(records);
    let findings = [(FindingKind::SlowTool, None), (FindingKind::CacheBreak, Some(1_725))]
        .map(|(kind, cost)| rig.redactor.seal(finding(&flow, kind, cost)));
    let ids = rig.store.keep_findings(findings.into()).unwrap();
    (rig, flow, ids)
}

async fn post(rig: &Rig, path: &str) -> Answer {
    rig.send(Method::POST, path, &[("authorization", &format!("Bearer {TOKEN}"))]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_listed_by_what_they_cost_with_what_why_and_what_next() {
    let (rig, flow, ids) = with_findings().await;
    let page = rig.get("/api/findings").await;
    assert_eq!((&page["total"], &page["next_cursor"]), (&json!(2), &Value::Null));
    let kinds = json!([
        { "kind": "cache_break", "findings": 1, "cost": { "micro_usd": 1_725 } },
        { "kind": "slow_tool", "findings": 1, "cost": null },
    ]);
    assert_eq!(page["kinds"], kinds);
    let first = &page["items"][0];
    assert_eq!((&first["id"], &first["kind"]), (&json!(ids[1]), &json!("cache_break")));
    assert_eq!((&first["state"], &first["severity"]), (&json!("open"), &json!("warning")));
    assert_eq!(first["cost"], json!({"micro_usd": 1_725}));
    assert_eq!(first["numbers"], json!([{"name": "wasted", "value": 500, "unit": "tokens"}]));
    assert_eq!(first["flow_ids"], json!([flow.id.to_string()]));
    assert_eq!(
        (&first["why"], &first["session_id"]),
        (&json!("The tools changed."), &json!("s-1"))
    );
    assert_eq!(page["items"][1]["cost"], Value::Null, "nobody knows what it costs");
    let page = rig.get("/api/findings?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = rig.get(&format!("/api/findings?limit=1&cursor={cursor}")).await;
    assert_eq!(page["items"][0]["kind"], "slow_tool");
    for (query, found) in [
        ("kind=slow_tool", 1),
        ("session=s-1", 2),
        ("session=other", 0),
        ("state=muted,resolved", 0),
        ("state=all", 2),
        ("since=2100-01-01", 0),
    ] {
        let page = rig.get(&format!("/api/findings?{query}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_makes_of_a_finding_is_kept() {
    let (rig, _, ids) = with_findings().await;
    let id = ids[1];
    for (verb, state, listed) in [
        ("acknowledge", "acknowledged", 2),
        ("mute", "muted", 1),
        ("resolve", "resolved", 1),
        ("reopen", "open", 2),
    ] {
        let answer = post(&rig, &format!("/api/findings/{id}/{verb}")).await;
        assert_eq!((answer.status, &answer.json()["state"]), (StatusCode::OK, &json!(state)));
        assert_eq!(rig.get(&format!("/api/findings/{id}")).await["state"], state);
        assert_eq!(rig.get("/api/findings").await["total"], listed, "{verb}");
    }
    for path in ["/api/findings/99/mute", "/api/findings/x/mute"] {
        let answer = post(&rig, path).await;
        assert_eq!(
            (answer.status, answer.error_code()),
            (StatusCode::NOT_FOUND, "not_found".into())
        );
    }
    for (path, code) in [
        ("/api/findings?state=new", "bad_parameter"),
        ("/api/findings?kind=odd", "bad_parameter"),
        ("/api/findings?cursor=x", "bad_parameter"),
        ("/api/findings?sesion=s", "unknown_parameter"),
    ] {
        assert_eq!(rig.ask(path).await.error_code(), code, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_is_told_of_findings_of_its_session() {
    let (rig, _, ids) = with_findings().await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    watcher.wish(json!({"flows": true, "session": "s-1"})).await;
    let (mut other, _) = Watcher::greeted(&rig).await;
    other.wish(json!({"flows": true, "session": "other"})).await;
    let found = rig.store.finding(ids[1]).unwrap().unwrap();
    rig.hub.finding(found);
    let told = watcher.until("finding").await;
    assert_eq!(told["finding"]["id"], ids[1]);
    assert!(told["revision"].as_u64().unwrap() > 0);
    // The other one hears of a flow of its own first, for there was no finding for it.
    rig.put(exchange(&rig.redactor, &flow(9, "other")));
    loop {
        let next = other.next().await;
        assert_ne!(next["type"], "finding");
        if next["type"] == "flow" {
            break;
        }
    }
}
