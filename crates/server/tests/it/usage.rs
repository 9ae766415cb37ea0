//! Usage and sessions: what flows add up to, as the doors tell it.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use langley_model::{Flow, FlowId, MicroUsd, Outcome, Provider, Record, Tokens};
use serde_json::{Value, json};

use crate::rig::{Rig, TOKEN, flow};

fn record(flow: &Flow) -> Record {
    Record::Flow(Arc::new(flow.clone()))
}

/// Two flows of one evening in UTC, one of the next morning, and one that knows nothing of itself.
fn days() -> Vec<Flow> {
    // 22:13:20 on 2023-11-14.
    let mut flows = [0, 60, 8 * 3_600, 8 * 3_600].map(|second| flow(second, "s-1"));
    flows[0].cost = Some(MicroUsd(70));
    flows[0].usage.cache_read = Some(Tokens(0));
    (flows[1].provider, flows[1].path) = (Some(Provider::OpenAi), "/v1/chat/completions".into());
    flows[1].usage.cache_read = Some(Tokens(5));
    flows[1].session = None;
    flows[2].outcome = Some(Outcome::ProviderError);
    flows[2].agent = Some("codex".into());
    flows[3].usage = langley_model::Usage::default();
    (flows[3].model, flows[3].provider, flows[3].duration) = (None, None, None);
    flows[3].outcome = None;
    flows.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_tells_sums_by_day_and_what_is_missing_from_them() {
    let rig = Rig::start().await;
    rig.put(days().iter().map(record));
    let told = rig.get("/api/usage?group_by=day,provider").await;
    assert_eq!(told["group_by"], json!(["day", "provider"]));
    assert_eq!((&told["tz"], &told["complete"]), (&json!("+00:00"), &json!(true)));
    let items = told["items"].as_array().unwrap();
    let label = |item: &Value| format!("{} {}", item["day"], item["provider"]);
    let labels: Vec<_> = items.iter().map(label).collect();
    assert_eq!(
        labels,
        [
            r#""2023-11-14" "anthropic""#,
            r#""2023-11-14" "openai""#,
            r#""2023-11-15" null"#,
            r#""2023-11-15" "anthropic""#,
        ]
    );
    let first = &items[0];
    assert_eq!((&first["hour"], &first["model"]), (&Value::Null, &Value::Null));
    assert_eq!(first["cost"], json!({"micro_usd": 70}));
    assert_eq!(
        (&first["usage"]["cache_read"], &first["usage"]["reasoning"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(first["latency"]["duration"]["mean_ms"], 2500.125);
    let median = first["latency"]["duration"]["p50_ms"].as_f64().unwrap();
    assert!((median - 2500.0).abs() < 2500.0 / 8.0, "{median}");
    assert_eq!(first["latency"]["ttft"], Value::Null);
    assert_eq!(
        (&items[1]["usage"]["input"], &items[1]["usage"]["input_uncached"]),
        (&json!(12), &json!(7))
    );
    assert_eq!(
        (&items[2]["usage"]["output"], &items[2]["flows"]["open"]),
        (&Value::Null, &json!(1))
    );
    let totals = &told["totals"];
    assert_eq!(
        totals["flows"],
        json!({"total": 4, "open": 1, "completed": 2, "provider_error": 1, "client_gone": 0,
               "upstream_gone": 0, "timed_out": 0, "refused": 0, "lost": 0})
    );
    assert_eq!((&totals["priced_flows"], &totals["unpriced_flows"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&totals["usage"]["input"], &totals["usage_flows"]["input"]),
        (&json!(36), &json!(3))
    );
    assert_eq!(totals["events"], 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_of_the_zone_the_span_and_the_filters_that_are_asked_for() {
    let rig = Rig::start().await;
    rig.put(days().iter().map(record));
    let days = |told: &Value| -> Vec<(String, u64)> {
        let day = |item: &Value| {
            (item["day"].as_str().unwrap().to_owned(), item["flows"]["total"].as_u64().unwrap())
        };
        told["items"].as_array().unwrap().iter().map(day).collect()
    };
    let ahead = rig.get("/api/usage?group_by=day&tz=%2B02:00").await;
    assert_eq!(days(&ahead), [("2023-11-15".to_owned(), 4)]);
    assert_eq!(ahead["tz"], "+02:00");
    let behind = rig.get("/api/usage?group_by=day&tz=-08:00").await;
    assert_eq!(days(&behind), [("2023-11-14".to_owned(), 4)]);
    let early = rig.get("/api/usage?group_by=day&until=2023-11-14T22:30:00Z").await;
    assert_eq!(days(&early), [("2023-11-14".to_owned(), 2)]);
    assert_eq!(early["until"], "2023-11-14T23:00:00.000000Z");
    let codex = rig.get("/api/usage?agent=codex").await;
    assert_eq!(codex["totals"]["flows"]["total"], 1);
    let hours = rig.get("/api/usage?group_by=hour").await;
    assert_eq!(hours["items"][1]["hour"], "2023-11-15T06:00:00.000000Z");
    let nothing = rig.get("/api/usage?since=2024-01-01&group_by=model").await;
    assert_eq!((&nothing["items"], &nothing["totals"]["cost"]), (&json!([]), &Value::Null));
    for wrong in ["group_by=week", "group_by=day,day", "tz=Berlin", "session=s", "provider=x"] {
        let answer = rig.ask(&format!("/api/usage?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        answer.error_code();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_flows_leaves_their_usage_and_takes_their_session() {
    let rig = Rig::start().await;
    let one = flow(1, "gone");
    rig.put([record(&one)]);
    let before = rig.get("/api/usage?group_by=model").await;
    let bearer = format!("Bearer {TOKEN}");
    let deleted = rig.send(Method::DELETE, "/api/flows", &[("authorization", &bearer)]).await;
    assert_eq!(deleted.json()["deleted"], 1);
    assert_eq!(rig.get("/api/usage?group_by=model").await, before);
    assert_eq!(rig.get("/api/sessions").await["items"], json!([]));
    assert_eq!(rig.ask("/api/sessions/gone").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_would_be_too_many_groups_is_refused_with_what_to_do() {
    let rig = Rig::start().await;
    rig.put((0..10_001).map(|number| {
        let mut one = flow(number, "s");
        one.model = Some(format!("model-{number}"));
        record(&one)
    }));
    let refused = rig.ask("/api/usage?group_by=model").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let hint = refused.json()["error"]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("since"), "{hint}");
    assert_eq!(rig.get("/api/usage").await["totals"]["flows"]["total"], 10_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_with_their_sums_newest_first() {
    let rig = Rig::start().await;
    for (second, session) in [(1, "a/b c"), (2, "old"), (3, "a/b c")] {
        let mut one = flow(second, session);
        one.preview = Some(format!("words {second}"));
        one.ttft = Some(Duration::from_millis(20));
        rig.put([record(&one)]);
    }
    let all = rig.get("/api/sessions").await;
    let ids: Vec<_> = all["items"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert_eq!((ids, &all["complete"]), (vec![json!("a/b c"), json!("old")], &json!(true)));
    let first = &all["items"][0];
    assert_eq!(first["first_at"], "2023-11-14T22:13:21.000000Z");
    assert_eq!(first["last_at"], "2023-11-14T22:13:23.000000Z");
    assert_eq!((&first["preview"], &first["source"]), (&json!("words 3"), &json!("header:x-test")));
    assert_eq!(
        (&first["totals"]["flows"]["total"], &first["totals"]["usage"]["output"]),
        (&json!(2), &json!(68))
    );
    assert!(first["model"].is_string() && first["models"] == json!([first["model"]]), "{first}");
    let mut shown = rig.get("/api/sessions/a%2Fb%20c").await;
    assert_eq!(shown.as_object_mut().unwrap().remove("agents"), Some(json!([])));
    assert_eq!(shown, *first);
    let page = rig.get("/api/sessions?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = rig.get(&format!("/api/sessions?limit=1&cursor={cursor}")).await;
    assert_eq!((&rest["items"][0]["id"], &rest["next_cursor"]), (&json!("old"), &Value::Null));
    assert_eq!(rig.get("/api/sessions?since=2024-01-01").await["items"], json!([]));
    for wrong in ["limit=0", "cursor=x", "q=x"] {
        let answer = rig.ask(&format!("/api/sessions?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_tells_percentiles_by_model_unless_asked_otherwise() {
    let rig = Rig::start().await;
    rig.put((0..100).map(|number| {
        let mut one = flow(number, "s");
        one.model = Some(if number % 2 == 0 { "even" } else { "odd" }.into());
        one.duration = Some(Duration::from_millis(100 * (number.unsigned_abs() + 1)));
        one.ttfb = Some(Duration::from_millis(10));
        one.ttft = (number % 2 == 0).then(|| Duration::from_millis(20));
        // Thirty-four tokens: each of the later ones took ten milliseconds, and of every tenth answer a hundred.
        let each = if number % 20 == 0 { 100 } else { 10 };
        one.ttlt = one.ttft.map(|first| first + Duration::from_millis(33 * each));
        one.stall = one.ttft.map(|_| Duration::from_millis(7));
        // A connection serves ten flows.
        one.connect = (number % 10 == 0).then(|| Duration::from_millis(30));
        one.tls = one.connect.map(|connect| connect * 2);
        one.retry_of = (number % 50 == 0).then(FlowId::new);
        record(&one)
    }));
    let told = rig.get("/api/analytics/latency").await;
    assert_eq!((&told["group_by"], &told["complete"]), (&json!(["model"]), &json!(true)));
    let items = told["items"].as_array().unwrap();
    let models: Vec<_> = items.iter().map(|it| (&it["model"], &it["flows"])).collect();
    assert_eq!(models, [(&json!("even"), &json!(50)), (&json!("odd"), &json!(50))]);
    assert_eq!((&items[0]["ttft"]["flows"], &items[1]["ttft"]), (&json!(50), &Value::Null));
    let near = |told: &Value, wanted: f64| {
        let told = told.as_f64().unwrap();
        assert!((told - wanted).abs() <= wanted / 8.0, "{told} is not near {wanted}");
    };
    let duration = &told["totals"]["duration"];
    for (name, wanted) in
        [("p50_ms", 5_000.0), ("p90_ms", 9_000.0), ("p95_ms", 9_500.0), ("p99_ms", 9_900.0)]
    {
        near(&duration[name], wanted);
    }
    let totals = &told["totals"];
    near(&totals["ttfb"]["p99_ms"], 10.0);
    near(&totals["connect"]["p50_ms"], 30.0);
    near(&totals["tls"]["p90_ms"], 60.0);
    near(&totals["ttlt"]["p50_ms"], 350.0);
    near(&totals["longest_stall"]["p99_ms"], 7.0);
    // The slow ones are at the low end.
    near(&totals["tokens_per_second"]["p50"], 100.0);
    near(&totals["tokens_per_second"]["p5"], 10.0);
    let measured = ["connect", "tls", "ttlt", "longest_stall", "tokens_per_second"];
    assert_eq!(measured.map(|name| totals[name]["flows"].as_u64().unwrap()), [10, 10, 50, 50, 50]);
    assert_eq!((&totals["retries"], &items[1]["retries"]), (&json!(2), &json!(0)));
    assert_eq!(totals["retries_flows"], json!(100), "of all of them that is known");
    assert_eq!((&items[1]["ttlt"], &items[1]["tokens_per_second"]), (&Value::Null, &Value::Null));
    let hours = rig.get("/api/analytics/latency?group_by=hour&model=odd").await;
    assert_eq!(hours["items"][0]["hour"], "2023-11-14T22:00:00.000000Z");
    assert_eq!(hours["totals"]["flows"], 50);
    for wrong in ["group_by=week", "session=s"] {
        let answer = rig.ask(&format!("/api/analytics/latency?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}
