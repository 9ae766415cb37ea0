//! Analytics at the door: tokens, the cache, contexts, turns.

use std::sync::Arc;

use http::StatusCode;
use langley_model::{
    Attributed, Body, Finding, FindingKind, Flow, FlowId, MicroUsd, Micros, Permille, Provider,
    RateLimit, Record, Severity, Side, Tokens,
};
use serde_json::{Value, json};

use crate::rig::{Rig, exchange, flow};

/// A flow of a session that read from the cache and wrote to it, and calls so many tools.
fn asked(second: i64, session: &str, tools: usize) -> Flow {
    let mut flow = flow(second, session);
    flow.usage.input = Some(Tokens(100));
    flow.usage.cache_read = Some(Tokens(800));
    flow.usage.cache_write_5m = Some(Tokens(100));
    flow.usage.output = Some(Tokens(50));
    flow.tool_names = vec![String::from("Bash"); tools];
    flow.cost = Some(MicroUsd(7));
    flow
}

fn request(rig: &Rig, flow: &Flow, body: &Value) -> Record {
    let body = body.to_string().into_bytes();
    Record::Body(Body {
        flow: flow.id,
        side: Side::Client,
        original_len: body.len() as u64,
        bytes: rig.redactor.body(body),
        media_type: None,
        truncated: false,
        pieces: Vec::new(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_told_in_one_sense_for_all_providers() {
    let rig = Rig::start().await;
    let mut other = asked(3, "s-2", 0);
    // Its input has what was cached in it.
    (other.provider, other.path) = (Some(Provider::OpenAi), String::from("/v1/responses"));
    other.model = Some(String::from("gpt-test"));
    (other.usage.input, other.usage.cache_write_5m) = (Some(Tokens(1_000)), None);
    rig.put(
        [exchange(&rig.redactor, &asked(1, "s-1", 0)), exchange(&rig.redactor, &other)].concat(),
    );
    let told = rig.get("/api/analytics/tokens?group_by=model").await;
    let by_model: Vec<Value> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            json!([item["model"], item["tokens"]["input"], item["tokens"]["input_uncached"]])
        })
        .collect();
    assert_eq!(by_model, [json!(["claude-test", 1_000, 100]), json!(["gpt-test", 1_000, 200])]);
    assert_eq!(told["totals"]["cache_hit_ratio"], json!(0.8));
    assert_eq!(told["totals"]["output_ratio"], json!(0.05));
    // Without groups both providers are one.
    let told = rig.get("/api/analytics/tokens").await;
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
    assert_eq!(told["items"][0]["tokens"], told["totals"]);
    assert_eq!(told["items"][0]["provider"], Value::Null);
    assert_eq!(rig.ask("/api/analytics/tokens?group_by=week").await.error_code(), "bad_parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_told_with_what_its_breaks_cost_by_cause() {
    let rig = Rig::start().await;
    let flows = [asked(1, "s-1", 0), asked(2, "s-2", 0), asked(3, "s-3", 0)];
    for flow in &flows {
        rig.put(exchange(&rig.redactor, flow));
    }
    let broken = |flow: &Flow, subject: &str, cost: Option<i64>| {
        rig.redactor.seal(Finding {
            kind: FindingKind::CacheBreak,
            subject: subject.to_owned(),
            severity: Severity::Warning,
            session: flow.session.as_ref().map(|session: &Attributed| session.id.clone()),
            agent_id: None,
            title: String::new(),
            what: String::new(),
            why: None,
            next: String::new(),
            numbers: Vec::new(),
            baseline: None,
            flow: flow.id,
            beside: Vec::new(),
            cost: cost.map(MicroUsd),
        })
    };
    let found = vec![
        broken(&flows[0], "tools_changed tool late", Some(30)),
        broken(&flows[1], "tools_changed tool other", Some(12)),
        broken(&flows[2], "ttl_expired", None),
    ];
    rig.store.keep_findings(found).unwrap();
    let told = rig.get("/api/analytics/cache?group_by=day").await;
    assert_eq!(told["totals"]["cache_hit_ratio"], json!(0.8));
    assert_eq!(told["items"][0]["day"], "2023-11-14");
    let causes: Vec<Value> = told["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| json!([cause["cause"], cause["findings"], cause["times"], cause["cost"]]))
        .collect();
    let wanted =
        [json!(["tools_changed", 2, 2, {"micro_usd": 42}]), json!(["ttl_expired", 1, 1, null])];
    assert_eq!(causes, wanted);
    assert_eq!(told["wasted"], json!({"micro_usd": 42}));
    // Of a finding that was seen before and after, what was seen in the time that is asked for.
    let mut again = flows[2].clone();
    again.session.clone_from(&flows[0].session);
    rig.store.keep_findings(vec![broken(&again, "tools_changed tool late", Some(500))]).unwrap();
    let told = rig.get("/api/analytics/cache?until=2023-11-14T22:13:23Z").await;
    assert_eq!(told["wasted"], json!({"micro_usd": 42}));
    let told = rig.get("/api/analytics/cache?since=2023-11-14T22:13:23Z").await;
    assert_eq!(told["causes"][0]["cost"], json!({"micro_usd": 500}));
    assert_eq!(
        (&told["causes"][0]["times"], &told["wasted"]),
        (&json!(1), &json!({"micro_usd": 500}))
    );
    let told = rig.get("/api/analytics/cache?since=2100-01-01").await;
    assert_eq!((&told["causes"], &told["wasted"]), (&json!([]), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_is_told_by_what_takes_its_room() {
    let rig = Rig::start().await;
    let (mut short, mut long) = (asked(1, "s-1", 0), asked(2, "s-1", 0));
    short.model = Some("claude-opus-5-5".into());
    long.usage.cache_read = Some(Tokens(9_800));
    let body = json!({
        "tools": [{"name": "mcp__git__log"}],
        "system": [{"type": "text", "text": "be good"}],
        "messages": [{"role": "user", "content": "look"}],
    });
    for flow in [&short, &long] {
        let mut records = exchange(&rig.redactor, flow);
        records.push(request(&rig, flow, &body));
        rig.put(records);
    }
    let told = rig.get(&format!("/api/analytics/context?flow={}", short.id)).await;
    assert_eq!((&told["tokens"], &told["truncated"]), (&json!(1_000), &json!(false)));
    assert_eq!(told["window"], json!(1_000_000));
    let kinds: Vec<&str> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["system", "tools", "prompts", "rest"]);
    assert_eq!(told["items"][1]["server"], "git");
    // Of a session, that of its longest request.
    let told = rig.get("/api/analytics/context?session=s-1").await;
    assert_eq!((&told["flow_id"], &told["tokens"]), (&json!(long.id.to_string()), &json!(10_000)));
    // Of a model that nobody knows, nobody knows how much it reads.
    assert_eq!(told["window"], Value::Null);
    for (query, status) in [
        ("session=none", StatusCode::NOT_FOUND),
        ("flow=x", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
        ("flow=0190f0c4-7e2a-7000-8000-000000000000", StatusCode::NOT_FOUND),
    ] {
        let answer = rig.ask(&format!("/api/analytics/context?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_and_growth_of_a_session_are_told() {
    let rig = Rig::start().await;
    for (second, tools, read) in [(0, 2, 800), (10, 0, 1_800), (60, 0, 2_300)] {
        let mut flow = asked(second, "s-1", tools);
        flow.usage.cache_read = Some(Tokens(read));
        rig.put(exchange(&rig.redactor, &flow));
    }
    let told = rig.get("/api/analytics/turns?session=s-1").await;
    let turns = told["items"].as_array().unwrap();
    assert_eq!(turns.len(), 2);
    assert_eq!((&turns[0]["requests"], &turns[0]["tool_calls"]), (&json!(2), &json!(2)));
    assert_eq!((&turns[0]["waited_ms"], &turns[0]["worked_ms"]), (&Value::Null, &json!(12_500.0)));
    // From 12.5 s to 60 s.
    assert_eq!(
        (&turns[1]["waited_ms"], &turns[1]["cost"]),
        (&json!(47_500.0), &json!({"micro_usd": 7}))
    );
    assert_eq!(told["totals"]["tool_calls_per_request"], json!(2.0 / 3.0));
    let told = rig.get("/api/analytics/efficiency?session=s-1").await;
    assert_eq!(told["growth_per_request"], json!(750.0));
    assert_eq!(told["contexts"].as_array().unwrap().len(), 3);
    assert_eq!((&told["tokens"]["requests"], &told["truncated"]), (&json!(3), &json!(false)));
    for path in ["turns", "efficiency"] {
        let none = rig.ask(&format!("/api/analytics/{path}?session=none")).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        let wrong = rig.ask(&format!("/api/analytics/{path}?session=s-1&since=7d")).await;
        assert_eq!(wrong.error_code(), "bad_parameter");
        let wrong = rig.ask(&format!("/api/analytics/{path}?group_by=day")).await;
        assert_eq!(wrong.error_code(), "bad_parameter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_and_efficiency_over_time_are_those_of_the_sessions_in_it() {
    let rig = Rig::start().await;
    let read = |second, session, tools, read| {
        let mut flow = asked(second, session, tools);
        flow.usage.cache_read = Some(Tokens(read));
        flow
    };
    let mut retry = read(12, "s-1", 0, 1_800);
    retry.retry_of = Some(FlowId::new());
    let mut other = read(0, "s-3", 1, 100);
    other.model = Some(String::from("claude-other"));
    let mut nobodys = read(3, "", 0, 100);
    nobodys.session = None;
    for flow in [
        read(0, "s-1", 2, 800),
        retry,
        // Two turns of one session, and one of another, before which nothing was waited for.
        read(60, "s-1", 0, 2_300),
        read(0, "s-2", 0, 5_000),
        other,
        nobodys,
        // Before the time that is asked for.
        read(-100, "s-1", 0, 9_000),
    ] {
        rig.put(exchange(&rig.redactor, &flow));
    }
    let since = "since=2023-11-14T22:13:20Z";
    let told = rig.get(&format!("/api/analytics/turns?{since}")).await;
    let items = told["items"].as_array().unwrap();
    let names: Vec<_> = items.iter().map(|item| (&item["session_id"], &item["turns"])).collect();
    assert_eq!(
        names,
        [(&json!("s-1"), &json!(2)), (&json!("s-2"), &json!(1)), (&json!("s-3"), &json!(1))]
    );
    let first = &items[0];
    assert_eq!((&first["requests"], &first["retries"]), (&json!(3), &json!(1)));
    assert_eq!(first["tool_calls_per_request"], json!(2.0 / 3.0));
    // To 14.5 s, and from 60 s on.
    assert_eq!((&first["worked_ms"], &first["waited_ms"]), (&json!(17_000.0), &json!(45_500.0)));
    let totals = &told["totals"];
    assert_eq!((&totals["sessions"], &totals["turns"]), (&json!(3), &json!(4)));
    assert_eq!((&totals["requests"], &totals["tool_calls"]), (&json!(5), &json!(3)));
    assert_eq!(totals["cost"], json!({ "micro_usd": 35 }));
    assert_eq!(
        (&told["flows_without_session"], &told["truncated"], &told["more"]),
        (&json!(1), &json!(false), &json!(false))
    );

    let told = rig.get(&format!("/api/analytics/efficiency?group_by=model&{since}")).await;
    let items = told["items"].as_array().unwrap();
    assert_eq!(
        (&items[0]["model"], &items[0]["session_id"]),
        (&json!("claude-test"), &Value::Null)
    );
    // From 2,000 tokens at the end of the first turn to 2,500; a session of one turn tells of no growth.
    assert_eq!((&items[0]["growth_per_turn"], &items[0]["turns"]), (&json!(500.0), &json!(3)));
    let tokens = &items[0]["tokens"];
    let figures = ["input", "cache_read", "output"].map(|name| tokens[name].as_u64().unwrap());
    assert_eq!(figures, [10_700, 9_900, 200]);
    assert!(tokens["cache_hit_ratio"].is_f64() && tokens["output_ratio"].is_f64());
    assert_eq!(
        (&items[1]["model"], &items[1]["growth_per_turn"]),
        (&json!("claude-other"), &Value::Null)
    );
    let one = rig.get(&format!("/api/analytics/efficiency?limit=1&{since}")).await;
    assert_eq!((one["items"].as_array().unwrap().len(), &one["more"]), (1, &json!(true)));
    assert_eq!(one["totals"], told["totals"], "what is not listed counts");
    // A week, where no time is named.
    assert_eq!(rig.get("/api/analytics/turns").await["items"], json!([]));
    let until = rig.get(&format!("/api/analytics/turns?{since}&until=2023-11-14T22:13:21Z")).await;
    assert_eq!(until["totals"]["requests"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_word_of_each_host_on_each_limit_is_told() {
    let rig = Rig::start().await;
    let now = Micros::now();
    let said = |ago_s: i64, host: &str, limits: &[(&str, u32, i64)]| {
        let mut flow = flow(0, "s-1");
        flow.started_at = Micros(now.0 - ago_s * 1_000_000);
        flow.host = host.to_owned();
        let limit = |(name, used, again_s): &(&str, u32, i64)| RateLimit {
            name: (*name).to_owned(),
            used: Some(Permille(*used)),
            reset_at: Some(Micros(now.0 + again_s * 1_000_000)),
            ..RateLimit::default()
        };
        flow.rate_limits = limits.iter().map(limit).collect();
        rig.put(exchange(&rig.redactor, &flow));
    };
    said(8 * 86_400, "a.example", &[("unified-30d", 1, 9_000)]);
    said(900, "a.example", &[("unified-5h", 100, 600), ("unified-7d", 300, 9_000)]);
    said(300, "a.example", &[("unified-5h", 432, 600)]);
    said(200, "b.example", &[("primary", 125, -60)]);
    said(100, "a.example", &[]);
    let told = rig.get("/api/analytics/limits").await;
    let items: Vec<_> = told["items"].as_array().unwrap().iter().collect();
    let lines =
        items.iter().map(|it| json!([it["host"], it["name"], it["used_percent"], it["over"]]));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            json!(["b.example", "primary", 12.5, true]),
            json!(["a.example", "unified-5h", 43.2, false]),
            json!(["a.example", "unified-7d", 30.0, false]),
        ]
    );
    assert_eq!((&told["flows"], &told["truncated"]), (&json!(4), &json!(false)));
    // Behind a thousand newer flows nobody looks, and that is told.
    rig.put((0..1_000).map(|at| {
        let mut flow = flow(0, "s-1");
        flow.started_at = Micros(now.0 - 50_000_000 + at);
        Record::Flow(Arc::new(flow))
    }));
    let told = rig.get("/api/analytics/limits").await;
    assert_eq!(
        (&told["items"], &told["flows"], &told["truncated"]),
        (&json!([]), &json!(1_000), &json!(true))
    );
    assert_eq!(rig.ask("/api/analytics/limits?host=a").await.error_code(), "unknown_parameter");
}
