//! Analytics held against a calculation over the rows themselves, on a random database: at first, and once retention
//! has removed most of the rows. What is told by time, host, provider, model, agent and project outlives them; what is
//! told by session, task and subagent is of those that are left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use langley_model::{
    Attributed, ConnectionId, EstimateSource, Flow, FlowId, MicroUsd, Micros, Outcome, Provider,
    Record, Tokens, UsageEstimate,
};
use serde_json::{Value, json};

use crate::rig::{Rig, TOKEN};

const HOUR_US: i64 = 3_600_000_000;

/// Chances, the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn of(&mut self, all: &[&str]) -> String {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()].to_owned()
    }

    fn often<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(4) > 0).then(|| make(self))
    }

    fn span(&mut self) -> Option<Duration> {
        self.often(|it| Duration::from_micros(1_000 + it.below(9_000_000)))
    }

    /// A flow that ended, within three days before `now` and never close to a whole day before.
    fn flow(&mut self, now: Micros) -> Flow {
        let ago = self.below(72).cast_signed() * HOUR_US + HOUR_US / 2;
        let at = now.0 - ago - self.below(60_000_000).cast_signed();
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at));
        let is_anthropic = self.below(2) == 0;
        (flow.provider, flow.host, flow.path) = if is_anthropic {
            (Some(Provider::Anthropic), "api.anthropic.com".into(), "/v1/messages".into())
        } else {
            (Some(Provider::OpenAi), "api.openai.com".into(), "/v1/responses".into())
        };
        flow.method = "POST".into();
        flow.outcome =
            Some(if self.below(5) == 0 { Outcome::ProviderError } else { Outcome::Completed });
        flow.status = Some(if flow.outcome == Some(Outcome::Completed) { 200 } else { 529 });
        flow.model = Some(self.of(&["m-1", "m-2", "m-3"]));
        flow.agent = self.often(|it| it.of(&["one", "other"]));
        let attributed = |id: String| Attributed { id, source: "header:x-test" };
        flow.session = self.often(|it| it.of(&["s-1", "s-2", "s-3"])).map(attributed);
        flow.task = self.often(|it| it.of(&["t-1", "t-2"])).map(attributed);
        flow.project = self.often(|it| it.of(&["/a", "/b"])).map(attributed);
        if flow.session.is_some() && self.below(3) == 0 {
            flow.agent_id = Some(self.of(&["a-1", "a-2"]));
        }
        if self.below(5) > 0 {
            let tokens = |it: &mut Self, from| Some(Tokens(from + it.below(1_000)));
            flow.usage.input = tokens(self, 5_000);
            flow.usage.cache_read = tokens(self, 0);
            flow.usage.cache_write_5m = tokens(self, 0);
            flow.usage.output = tokens(self, 1);
            flow.cost = self.often(|it| MicroUsd(it.below(1_000_000).cast_signed()));
        } else {
            flow.estimate = self.often(|it| UsageEstimate {
                source: EstimateSource::Bytes,
                input: Some(Tokens(it.below(500))),
                output: Some(Tokens(1 + it.below(500))),
                cost: it.often(|it| MicroUsd(it.below(1_000).cast_signed())),
            });
        }
        (flow.duration, flow.ttfb, flow.ttft) = (self.span(), self.span(), self.span());
        (flow.ttlt, flow.stall, flow.connect) = (self.span(), self.span(), self.span());
        flow.ended_at = Some(flow.started_at.plus(flow.duration.unwrap_or_default()));
        flow.tool_names = (0..self.below(3)).map(|_| self.of(&["Bash", "Read"])).collect();
        flow.retry_of = (self.below(6) == 0).then(FlowId::new);
        flow
    }
}

/// The whole input, and what of it the cache had no part in.
fn input(flow: &Flow) -> Option<(u64, u64)> {
    let of = |tokens: Option<Tokens>| tokens.map_or(0, |it| it.0);
    let told = flow.usage.input?.0;
    let cached = of(flow.usage.cache_read) + of(flow.usage.cache_write_5m);
    Some(match flow.provider {
        Some(Provider::Anthropic) => (told + cached, told),
        _ => (told, told - cached),
    })
}

/// Flows of a group, by what the group is called.
type Groups<'f> = BTreeMap<String, Vec<&'f Flow>>;

fn grouped<'f>(flows: &'f [Flow], by: &str) -> Groups<'f> {
    let id = |it: &Option<Attributed>| it.as_ref().map_or("-".to_owned(), |it| it.id.clone());
    let mut groups = Groups::new();
    for flow in flows {
        let day = jiff::Timestamp::from_microsecond(flow.started_at.0).unwrap();
        let name = match by {
            "day" => day.to_string()[..10].to_owned(),
            "hour" => format!("{}:00:00.000000Z", &day.to_string()[..13]),
            "host" => flow.host.clone(),
            "provider" => flow.provider.unwrap().as_str().to_owned(),
            "model" => flow.model.clone().unwrap(),
            "agent" => flow.agent.clone().unwrap_or_else(|| "-".to_owned()),
            "project" => id(&flow.project),
            "session" => id(&flow.session),
            "task" => id(&flow.task),
            "subagent" => {
                format!("{} of {}", flow.agent_id.as_deref().unwrap_or("-"), id(&flow.session))
            }
            _ => panic!("{by}"),
        };
        let is_listed = match by {
            "session" | "subagent" => flow.session.is_some(),
            "task" => flow.task.is_some(),
            _ => true,
        };
        if is_listed {
            groups.entry(name).or_default().push(flow);
        }
    }
    groups
}

/// What an item of a page is called.
fn named(item: &Value, by: &str) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
    match by {
        "subagent" => format!("{} of {}", text("subagent"), text("session")),
        by => text(by),
    }
}

/// Sums of one figure; none where no flow has it.
fn sum(flows: &[&Flow], of: impl Fn(&Flow) -> Option<u64>) -> Option<u64> {
    let known: Vec<u64> = flows.iter().filter_map(|flow| of(flow)).collect();
    (!known.is_empty()).then(|| known.iter().sum())
}

fn cost(flows: &[&Flow]) -> Value {
    let sum = sum(flows, |flow| flow.cost.map(|cost| cost.0.cast_unsigned()));
    sum.map_or(Value::Null, |sum| json!({ "micro_usd": sum }))
}

/// What `Spent` tells of flows.
fn spent(flows: &[&Flow]) -> Value {
    let count = |of: &dyn Fn(&Flow) -> bool| flows.iter().filter(|flow| of(flow)).count();
    let estimated = count(&|flow| flow.estimate.is_some());
    let of = |of: fn(&UsageEstimate) -> Option<u64>| {
        sum(flows, |flow| flow.estimate.as_ref().and_then(of))
    };
    let estimated_cost = of(|it| it.cost.map(|cost| cost.0.cast_unsigned()));
    json!({
        "flows": flows.len(),
        "cost": cost(flows),
        "priced": count(&|flow| flow.cost.is_some()),
        "unpriced": count(&|flow| flow.cost.is_none() && flow.usage.input.is_some()),
        "output": sum(flows, |flow| flow.usage.output.map(|it| it.0)),
        "input_uncached": sum(flows, |flow| input(flow).map(|(_, uncached)| uncached)),
        "cache_read": sum(flows, |flow| flow.usage.cache_read.map(|it| it.0)),
        "estimated": (estimated > 0).then(|| json!({
            "flows": estimated,
            "input": of(|it| it.input.map(|it| it.0)),
            "output": of(|it| it.output.map(|it| it.0)),
            "cost": estimated_cost.map(|sum| json!({ "micro_usd": sum })),
            "priced_flows": count(&|flow| flow.estimate.is_some_and(|it| it.cost.is_some())),
        })),
    })
}

fn told_spent(item: &Value) -> Value {
    let flows = if item["flows"].is_object() { &item["flows"]["total"] } else { &item["flows"] };
    json!({
        "flows": flows,
        "cost": item["cost"],
        "priced": item["priced_flows"],
        "unpriced": item["unpriced_flows"],
        "output": item["usage"]["output"],
        "input_uncached": item["usage"]["input_uncached"],
        "cache_read": item["usage"]["cache_read"],
        "estimated": item["estimated"],
    })
}

/// Holds a page with one item for each group against the flows.
fn assert_groups(page: &Value, (by, of_item): (&str, &str), flows: &[Flow], context: &str) {
    let items = page["items"].as_array().unwrap();
    let told: BTreeMap<String, Value> =
        items.iter().map(|item| (named(item, of_item), told_spent(item))).collect();
    assert_eq!(told.len(), items.len(), "{context}: each once");
    let groups = grouped(flows, by);
    let expected: BTreeMap<String, Value> =
        groups.iter().map(|(name, flows)| (name.clone(), spent(flows))).collect();
    assert_eq!(told, expected, "{context}");
    let all: Vec<&Flow> = groups.into_values().flatten().collect();
    assert_eq!(told_spent(&page["totals"]), spent(&all), "{context}: all");
}

fn assert_tokens(page: &Value, flows: &[Flow], by: &str, context: &str) {
    let one = |flows: &[&Flow]| {
        let of = |of: &dyn Fn(&Flow) -> Option<u64>| sum(flows, of).unwrap_or(0);
        let whole = of(&|flow| input(flow).map(|(whole, _)| whole));
        let read = of(&|flow| flow.usage.cache_read.map(|it| it.0));
        json!({
            "requests": flows.iter().filter(|flow| flow.usage.input.is_some()).count(),
            "input": whole,
            "input_uncached": of(&|flow| input(flow).map(|(_, uncached)| uncached)),
            "cache_read": read,
            "cache_write": of(&|flow| flow.usage.cache_write_5m.map(|it| it.0)),
            "output": of(&|flow| flow.usage.output.map(|it| it.0)),
            "reasoning": 0,
        })
    };
    let groups = grouped(flows, by);
    let items = page["items"].as_array().unwrap();
    // Ratios are what the numbers beside them say, as far as a decimal tells it.
    let told = |told: &Value| {
        let mut told = told.clone();
        for (name, part) in [("cache_hit_ratio", "cache_read"), ("output_ratio", "output")] {
            let input = told["input"].as_f64().unwrap();
            let exact = (input > 0.0).then(|| told[part].as_f64().unwrap() / input);
            let ratio = told[name].as_f64();
            let is_so = exact.zip(ratio).is_none_or(|(exact, ratio)| (exact - ratio).abs() < 1e-12);
            assert!(is_so && exact.is_some() == ratio.is_some(), "{context}: {told}");
            told.as_object_mut().unwrap().remove(name);
        }
        told
    };
    let by_name: BTreeMap<String, Value> =
        items.iter().map(|item| (named(item, by), told(&item["tokens"]))).collect();
    let expected: BTreeMap<String, Value> =
        groups.iter().map(|(name, flows)| (name.clone(), one(flows))).collect();
    assert_eq!(by_name, expected, "{context}");
    assert_eq!(told(&page["totals"]), one(&flows.iter().collect::<Vec<_>>()), "{context}");
}

/// Percentiles are kept as steps; so far off may they be, in parts of what was measured.
const STEP: f64 = 0.125;

fn assert_times(page: &Value, flows: &[Flow], by: &str, context: &str) {
    type Measured = fn(&Flow) -> Option<Duration>;
    let measured: [(&str, Measured); 6] = [
        ("duration", |flow| flow.duration),
        ("ttfb", |flow| flow.ttfb),
        ("ttft", |flow| flow.ttft),
        ("ttlt", |flow| flow.ttlt),
        ("longest_stall", |flow| flow.stall),
        ("connect", |flow| flow.connect),
    ];
    let groups = grouped(flows, by);
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), groups.len(), "{context}");
    for item in items {
        let flows = &groups[&named(item, by)];
        assert_eq!(item["flows"], flows.len(), "{context}");
        let retries = flows.iter().filter(|flow| flow.retry_of.is_some()).count();
        assert_eq!(
            (&item["retries"], &item["retries_flows"]),
            (&json!(retries), &json!(flows.len()))
        );
        for (name, of) in measured {
            let mut spans: Vec<f64> =
                flows.iter().filter_map(|flow| of(flow)).map(|it| it.as_secs_f64() * 1e3).collect();
            spans.sort_by(f64::total_cmp);
            assert_eq!(item[name]["flows"].as_u64().unwrap_or(0), spans.len() as u64, "{context}");
            for percent in [50_usize, 90, 95, 99].into_iter().filter(|_| !spans.is_empty()) {
                let exact = spans[(spans.len() * percent).div_ceil(100) - 1];
                let told = item[name][format!("p{percent}_ms")].as_f64().unwrap();
                assert!(
                    (told - exact).abs() <= exact * STEP,
                    "{context}: {name} p{percent} {told} {exact}"
                );
            }
        }
    }
}

/// Blocks of five hours by the plain rule.
fn assert_blocks(page: &Value, flows: &[Flow]) {
    let used: Vec<&Flow> = flows
        .iter()
        .filter(|flow| flow.provider == Some(Provider::Anthropic) && flow.usage.input.is_some())
        .collect();
    let hours: BTreeSet<i64> =
        used.iter().map(|flow| flow.started_at.0.div_euclid(HOUR_US)).collect();
    let mut blocks: Vec<(i64, Vec<&Flow>)> = Vec::new();
    for hour in hours {
        if blocks.last().is_none_or(|(start, _)| hour >= start + 5) {
            blocks.push((hour, Vec::new()));
        }
        let of_hour = used.iter().filter(|flow| flow.started_at.0.div_euclid(HOUR_US) == hour);
        blocks.last_mut().unwrap().1.extend(of_hour);
    }
    let told: Vec<(String, Value)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["start"].as_str().unwrap()[..13].to_owned(), item["cost"].clone()))
        .collect();
    let expected: Vec<(String, Value)> = blocks
        .iter()
        .map(|(hour, flows)| {
            let start = jiff::Timestamp::from_microsecond(hour * HOUR_US).unwrap().to_string();
            (start[..13].to_owned(), cost(flows))
        })
        .collect();
    assert_eq!(told, expected);
}

/// Turns and efficiency, of the sessions of the flows that are left.
async fn assert_work(rig: &Rig, flows: &[Flow]) {
    let sessions = grouped(flows, "session");
    let turns = rig.get("/api/analytics/turns?group_by=session").await;
    let efficiency = rig.get("/api/analytics/efficiency?group_by=session").await;
    let without = flows.iter().filter(|flow| flow.session.is_none()).count();
    assert_eq!(turns["flows_without_session"], without);
    for (name, flows) in &sessions {
        let of = |page: &Value| {
            let items = page["items"].as_array().unwrap();
            items.iter().find(|item| item["session_id"] == **name).unwrap().clone()
        };
        let item = of(&turns);
        let number = |name: &str| item[name].as_u64().unwrap();
        let requests = number("requests") + number("subagent_requests") + number("side_requests");
        assert_eq!(requests, flows.len() as u64);
        let of_subagents = flows.iter().filter(|flow| flow.agent_id.is_some()).count();
        assert_eq!(number("subagent_requests"), of_subagents as u64);
        let retries = flows.iter().filter(|flow| flow.retry_of.is_some()).count();
        assert_eq!(number("retries"), retries as u64);
        let calls: usize = flows.iter().map(|flow| flow.tool_names.len()).sum();
        assert_eq!(number("tool_calls"), calls as u64);
        assert_eq!(item["cost"], cost(flows));
        let tokens = &of(&efficiency)["tokens"];
        assert_eq!(
            tokens["output"],
            sum(flows, |flow| flow.usage.output.map(|it| it.0)).unwrap_or(0)
        );
        assert_eq!(
            tokens["input"],
            sum(flows, |flow| input(flow).map(|(whole, _)| whole)).unwrap_or(0)
        );
    }
}

/// All of it: what outlives rows against `all`, what goes with them against `left`.
async fn assert_all(rig: &Rig, all: &[Flow], left: &[Flow]) {
    for by in ["hour", "day", "host", "provider", "model", "agent", "project"] {
        let page = rig.get(&format!("/api/analytics/cost?group_by={by}")).await;
        assert_groups(&page, (by, by), all, &format!("cost by {by}"));
    }
    for by in ["session", "task", "subagent"] {
        let page = rig.get(&format!("/api/analytics/cost?group_by={by}")).await;
        assert_groups(&page, (by, by), left, &format!("cost by {by}"));
    }
    for by in ["day", "model", "agent"] {
        let page = rig.get(&format!("/api/usage?group_by={by}")).await;
        assert_groups(&page, (by, by), all, &format!("usage by {by}"));
        for path in ["tokens", "cache"] {
            let page = rig.get(&format!("/api/analytics/{path}?group_by={by}")).await;
            assert_tokens(&page, all, by, &format!("{path} by {by}"));
        }
        let page = rig.get(&format!("/api/analytics/latency?group_by={by}")).await;
        assert_times(&page, all, by, &format!("latency by {by}"));
    }
    assert_blocks(&rig.get("/api/analytics/blocks").await, all);
    for (path, by) in [("sessions", "session"), ("tasks", "task")] {
        let page = rig.get(&format!("/api/{path}?limit=100")).await;
        let items = page["items"].as_array().unwrap();
        let told: BTreeMap<String, Value> =
            items.iter().map(|item| (named(item, "id"), told_spent(&item["totals"]))).collect();
        let groups = grouped(left, by);
        let expected: BTreeMap<String, Value> =
            groups.iter().map(|(name, flows)| (name.clone(), spent(flows))).collect();
        assert_eq!(told, expected, "{path}");
    }
    assert_work(rig, left).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_that_of_the_rows_before_and_after_retention_removed_most_of_them() {
    for seed in 0..2 {
        let rig = Rig::start().await;
        let (now, mut chance) = (Micros::now(), Chance(seed));
        let flows: Vec<Flow> = (0..150).map(|_| chance.flow(now)).collect();
        rig.put(flows.iter().map(|flow| Record::Flow(Arc::new(flow.clone()))));
        assert_all(&rig, &flows, &flows).await;
        let bearer = format!("Bearer {TOKEN}");
        let done = rig.send(Method::POST, "/api/db/maintain", &[("authorization", &bearer)]).await;
        assert!(done.status.is_success(), "{}", done.text());
        let day_before = Micros(now.0 - 24 * HOUR_US);
        let left: Vec<Flow> =
            flows.iter().filter(|flow| flow.started_at >= day_before).cloned().collect();
        assert!(!left.is_empty() && left.len() < flows.len());
        assert_eq!(rig.get("/api/flows/count").await["count"], left.len());
        assert_all(&rig, &flows, &left).await;
    }
}
