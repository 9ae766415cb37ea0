//! Costs, as the doors tell them: by group and class, in blocks, and priced anew.

use std::sync::Arc;

use http::{Method, StatusCode};
use langley_engine::{PriceBook, Pricer};
use langley_model::{
    Attributed, Flow, MicroUsd, Micros, Record, Tokens, ToolPart, ToolShares, Usage,
};
use langley_store::{Analysis, ShareEntry};
use serde_json::{Value, json};

use crate::rig::{Rig, TOKEN, flow};

fn record(flow: &Flow) -> Record {
    Record::Flow(Arc::new(flow.clone()))
}

/// A priced answer, so many seconds later: 1,000 × 4 + 500 × 0.2 + 100 × 20 millionths.
fn priced(second: i64, session: &str) -> Flow {
    let mut flow = flow(second, session);
    flow.model = Some("claude-opus-5-5".into());
    flow.usage = Usage {
        input: Some(Tokens(1_000)),
        cache_read: Some(Tokens(500)),
        output: Some(Tokens(100)),
        ..Usage::default()
    };
    Pricer::new(PriceBook::vendored()).price(&mut flow);
    assert_eq!(flow.cost, Some(MicroUsd(6_100)));
    flow
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_by_tool_are_parts_of_what_flows_cost() {
    let rig = Rig::start().await;
    let flow = priced(0, "s-1");
    rig.put([record(&flow)]);
    let part = |tool: &str, calls: u64| ToolPart {
        calls,
        call_bytes: calls * 30,
        ..ToolPart::of(tool.to_owned())
    };
    let read = ToolPart { results: 1, result_bytes: 100, known_bytes: 350, ..part("Read", 1) };
    let shares = ToolShares {
        output_bytes: 100,
        request_bytes: 1_500,
        new_bytes: 100,
        parts: vec![part("Bash", 2), read],
    };
    let shares =
        vec![ShareEntry { key: flow.started_at.0, shares: Some(rig.redactor.seal(shares)) }];
    rig.store.keep_analysis(Analysis { shares, ..Analysis::default() }).unwrap();

    let page = rig.get("/api/analytics/cost?by=tool").await;
    let micro = |micro: i64| json!({ "micro_usd": micro });
    let first = &page["items"][0];
    // Thirty hundredths of 2,000, and of a hundred bytes among a thousand that cost 4,000.
    assert_eq!((&first["tool"], &first["cost"]), (&json!("Bash"), &micro(1_200)));
    let second = &page["items"][1];
    assert_eq!(
        (&second["tool"], &second["cost"], &second["flows"]),
        (&json!("Read"), &micro(1_000), &json!(1))
    );
    assert_eq!(
        second["tool_cost"],
        json!({
            "cost": micro(1_000), "output": micro(600), "search": micro(0), "result": micro(400),
            // A quarter of what stands before: 3,600 and the hundred of what the cache had.
            "reread": micro(925), "calls": 1, "unpriced_calls": 0, "results": 1, "unpriced_results": 0,
        })
    );
    assert_eq!((&page["tools"]["cost"], &page["totals"]["cost"]), (&micro(2_200), &micro(6_100)));
    let of_session = rig.get("/api/analytics/cost?group_by=tool&session=s-1").await;
    assert_eq!((&of_session["items"], &of_session["from_flows"]), (&page["items"], &json!(true)));
    let others = rig.get("/api/analytics/cost?group_by=model").await;
    assert_eq!((&others["tools"], &others["items"][0]["tool_cost"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_told_of_flows_sessions_and_costs_and_narrows_each() {
    let rig = Rig::start().await;
    let mut flows = [priced(0, "s-1"), priced(10, "s-2"), priced(20, "s-3")];
    for (flow, id) in flows.iter_mut().zip(["/w/a b", "/w/c"]) {
        flow.project = Some(Attributed { id: id.into(), source: "body:folder" });
    }
    rig.put(flows.iter().map(record));
    let micro = |micro: i64| json!({ "micro_usd": micro });
    let page = rig.get("/api/analytics/cost?group_by=project").await;
    let told = |item: &Value| (item["project"].clone(), item["cost"].clone());
    let items: Vec<_> = page["items"].as_array().unwrap().iter().map(told).collect();
    let each = [Value::Null, json!("/w/a b"), json!("/w/c")].map(|project| (project, micro(6_100)));
    assert_eq!((items, &page["from_flows"]), (each.to_vec(), &json!(false)));
    for (path, count) in [
        ("/api/flows?project=/w/a%20b", 1),
        ("/api/flows?project=/w", 0),
        ("/api/sessions?project=/w/c", 1),
        ("/api/analytics/cost?group_by=session&project=/w/c", 1),
        ("/api/analytics/cost?by=tool&project=/w/c", 0),
    ] {
        let items = &rig.get(path).await["items"];
        assert_eq!(items.as_array().unwrap().len(), count, "{path}");
    }
    let of_one = rig.get("/api/analytics/cost?project=/w/c").await;
    assert_eq!(of_one["totals"]["cost"], micro(6_100));
    let session = rig.get("/api/sessions/s-1").await;
    assert_eq!(session["project"], "/w/a b");
    let flow = rig.get(&format!("/api/flows/{}", flows[1].id)).await;
    assert_eq!(
        (&flow["project"], &flow["project_source"]),
        (&json!("/w/c"), &json!("body:folder"))
    );
}

async fn post(rig: &Rig, path: &str) -> (StatusCode, Value) {
    let token = format!("Bearer {TOKEN}");
    let answer = rig.send(Method::POST, path, &[("authorization", &token)]).await;
    (answer.status, answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_told_by_group_and_by_class_with_what_is_unpriced() {
    let rig = Rig::start().await;
    let mut told = flow(20, "s-2");
    (told.cost, told.cost_source) = (Some(MicroUsd(50)), Some("reported".into()));
    let mut sub = priced(30, "s-2");
    sub.agent_id = Some("sub".into());
    let flows = [priced(0, "s-1"), priced(10, "s-2"), told, sub, flow(40, "s-1")];
    rig.put(flows.iter().map(record));

    let page = rig.get("/api/analytics/cost?group_by=model").await;
    assert_eq!((&page["group_by"], &page["from_flows"]), (&json!(["model"]), &json!(false)));
    let first = &page["items"][0];
    assert_eq!(
        (&first["model"], &first["cost"]),
        (&json!("claude-opus-5-5"), &json!({"micro_usd": 18_300}))
    );
    assert_eq!((&first["priced_flows"], &first["unpriced_flows"]), (&json!(3), &json!(0)));
    assert_eq!(first["cost_by_class"]["cache_read"], json!({"micro_usd": 300}));
    assert_eq!(first["usage"]["output"], 300);
    assert_eq!(page["totals"]["cost"], json!({"micro_usd": 18_350}));
    assert_eq!(page["totals"]["cost_by_class"]["undivided"], json!({"micro_usd": 50}));
    let unpriced = &page["unpriced"][0];
    assert_eq!(
        (&unpriced["model"], &unpriced["unpriced_flows"]),
        (&json!("claude-test"), &json!(1))
    );

    let classes = rig.get("/api/analytics/cost?group_by=class").await;
    let costs: Vec<_> = classes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["class"].as_str().unwrap(), item["cost"]["micro_usd"].as_i64().unwrap()))
        .collect();
    assert_eq!(costs[..2], [("input", 12_000), ("cache_read", 300)]);
    assert_eq!(costs.last(), Some(&("undivided", 50)));
    assert_eq!(
        costs.iter().map(|(_, cost)| cost).sum::<i64>(),
        18_350,
        "they add up to the totals"
    );
    assert_eq!(classes["items"][costs.len() - 1]["units"], 1, "of what is undivided, flows");
    let units = ["input", "cache_read"].map(|class| {
        let items = classes["items"].as_array().unwrap();
        items.iter().find(|item| item["class"] == class).unwrap()["units"].as_u64().unwrap()
    });
    let used = &classes["totals"]["usage"];
    assert_eq!(json!(units), json!([used["input_uncached"], used["cache_read"]]));

    let sessions = rig.get("/api/analytics/cost?group_by=session&limit=1").await;
    assert_eq!(
        (&sessions["items"][0]["session"], &sessions["more"]),
        (&json!("s-2"), &json!(true))
    );
    assert_eq!(sessions["items"][0]["cost"], json!({"micro_usd": 12_250}));
    let subs = rig.get("/api/analytics/cost?group_by=subagent&session=s-2").await;
    assert_eq!(
        (&subs["items"][1]["subagent"], &subs["items"][1]["session"]),
        (&json!("sub"), &json!("s-2"))
    );
    assert_eq!(subs["from_flows"], true);
    let days = rig.get("/api/analytics/cost?group_by=day&tz=%2B02:00").await;
    assert_eq!((&days["items"][0]["day"], &days["tz"]), (&json!("2023-11-15"), &json!("+02:00")));

    let named = rig.get("/api/analytics/cost?by=session&limit=1").await;
    assert_eq!(named, sessions, "by another name");

    let shown = rig.get("/api/flows?limit=5").await;
    let shown = shown["items"].as_array().unwrap().iter().find(|it| it["cost_source"] == "priced");
    assert_eq!(shown.unwrap()["price"]["output"], "20");
    let turned = "since=2026-01-02&until=2026-01-01";
    for wrong in
        ["group_by=week", "group_by=class,day", "tz=x", "limit=0", "since=x", "q=1", turned]
    {
        let answer = rig.ask(&format!("/api/analytics/cost?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_begin_with_the_hour_of_their_first_use_and_end_five_hours_later() {
    let rig = Rig::start().await;
    // 22:13:20 UTC: a block from 22 to 3 o'clock, and one from 3 on.
    let mut idle = flow(8 * 3_600, "s");
    idle.usage = Usage::default();
    let flows = [0, 4 * 3_600, 5 * 3_600, 20 * 3_600].map(|second| priced(second, "s"));
    rig.put(flows.iter().chain([&idle]).map(record));
    let page = rig.get("/api/analytics/blocks?since=2023-11-01").await;
    let blocks: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            assert_eq!((&it["active"], &it["pace"]), (&json!(false), &Value::Null));
            format!("{} {} {}", it["start"], it["end"], it["cost"]["micro_usd"])
        })
        .collect();
    assert_eq!(
        blocks,
        [
            r#""2023-11-14T22:00:00.000000Z" "2023-11-15T03:00:00.000000Z" 12200"#,
            r#""2023-11-15T03:00:00.000000Z" "2023-11-15T08:00:00.000000Z" 6100"#,
            r#""2023-11-15T18:00:00.000000Z" "2023-11-15T23:00:00.000000Z" 6100"#,
        ]
    );
    let mut now = priced(0, "s");
    now.started_at = Micros::now();
    rig.put([record(&now)]);
    let page = rig.get("/api/analytics/blocks").await;
    let active = &page["items"][0];
    assert_eq!((&active["active"], &active["cost"]), (&json!(true), &json!({"micro_usd": 6_100})));
    assert!(active["pace"]["projected_cost"]["micro_usd"].as_i64().unwrap() >= 6_100);
    assert_eq!(rig.get("/api/analytics/blocks?provider=openai").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_are_priced_anew_through_a_door_which_keeps_what_it_did() {
    let rig = Rig::start().await;
    let (mut old, mut told) = (priced(0, "s"), priced(1, "s"));
    (old.cost, old.cost_source, old.terms) = (None, None, None);
    (told.cost, told.cost_source, told.terms) = (Some(MicroUsd(9)), Some("reported".into()), None);
    rig.put([&old, &told, &flow(2, "s")].map(record));
    let (status, trial) = post(&rig, "/api/cost/reprice?dry_run=true").await;
    assert_eq!(
        (status, &trial["changed"], &trial["dry_run"]),
        (StatusCode::OK, &json!(1), &json!(true))
    );
    assert_eq!(rig.get("/api/cost/reprices").await["items"], json!([]));

    let (_, done) = post(&rig, "/api/cost/reprice?model=claude-opus-5-5").await;
    assert_eq!(
        (&done["flows"], &done["changed"], &done["priced"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(
        (&done["before"], &done["after"]),
        (&json!({"micro_usd": 0}), &json!({"micro_usd": 6_100}))
    );
    let shown = rig.get(&format!("/api/flows/{}", old.id)).await;
    assert_eq!(
        (&shown["cost"], &shown["cost_source"]),
        (&json!({"micro_usd": 6_100}), &json!("priced"))
    );
    assert_eq!(shown["price"]["book"], done["book"]);
    assert_eq!(rig.get("/api/usage").await["totals"]["cost"], json!({"micro_usd": 6_109}));
    let history = rig.get("/api/cost/reprices").await;
    let row = &history["items"][0];
    assert_eq!(
        (&row["model"], &row["finished"], &row["changed"]),
        (&json!("claude-opus-5-5"), &json!(true), &json!(1))
    );
    let token = format!("Bearer {TOKEN}");
    let (headers, trial) = ([("authorization", &*token)], r#"{"dry_run":true}"#);
    let refused = rig.send_body(Method::POST, "/api/cost/reprice", &headers, trial).await;
    assert_eq!(
        (refused.status, &*refused.error_code()),
        (StatusCode::BAD_REQUEST, "unexpected_body")
    );
    assert!(refused.text().contains("query: since, until, model, dry_run"), "{}", refused.text());
    assert_eq!(rig.get("/api/cost/reprices").await["items"], history["items"], "nothing was done");
    for wrong in ["dry_run=perhaps", "since=x", "host=a", "since=2026-01-02&until=2026-01-01"] {
        let (status, _) = post(&rig, &format!("/api/cost/reprice?{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}
