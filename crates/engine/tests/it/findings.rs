//! Findings from the wire to what is kept: sessions played through recorder, store and analysis.

use std::sync::Arc;

use langley_engine::{Limits, LiveFeed, Lookout, Prices, Pricing, TokenPrices, analyse_for};
use langley_model::{
    ConnectionId, Flow, FlowId, KeptFinding, LiveText, MicroUsd, Micros, Outcome, Provider, Record,
    Stored, Tokens, UsageEstimate,
};
use langley_store::{FindingFilter, RepriceQuery, Store};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::kit::{Script, block_stop, event, stop, text, text_start};
use crate::stored::Home;
use crate::tools::settle;

/// When the first session begins.
pub(crate) const BASE: i64 = 1_700_002_800_000_000;

/// One price for all: 3 dollars a million, a tenth of it from the cache, a quarter more into it.
struct OnePrice;

impl Prices for OnePrice {
    fn pricing(&self, _flow: &Flow) -> Pricing {
        Pricing::Known(TokenPrices {
            input: Some(3_000_000),
            cache_read: Some(300_000),
            cache_write_5m: Some(3_750_000),
            cache_write_1h: Some(6_000_000),
        })
    }

    fn window(&self, _flow: &Flow) -> Option<u64> {
        Some(200_000)
    }

    fn beyond(&self, _flow: &Flow, _estimate: &UsageEstimate) -> Option<MicroUsd> {
        None
    }
}

/// What the cache did for a request: tokens read, and written for five minutes.
type Cached = (u64, u64);

/// An agent's conversation: one lane of a session.
pub(crate) struct Lane<'h> {
    home: &'h Home,
    session: String,
    agent: Option<&'static str>,
    /// The model that answers.
    pub(crate) model: &'static str,
    pub(crate) tools: Vec<Value>,
    pub(crate) messages: Vec<Value>,
}

impl<'h> Lane<'h> {
    pub(crate) fn new(home: &'h Home, session: &str, agent: Option<&'static str>) -> Self {
        let tool = |name: &str| json!({"name": name, "description": "does it ".repeat(40)});
        let tools = ["Read", "Edit", "Bash"].map(tool).to_vec();
        let (session, messages) = (session.to_owned(), Vec::new());
        Self { home, session, agent, model: "claude-x", tools, messages }
    }

    /// The request as agents send it: the mark of the cache at its end, which moves on.
    fn script(&self, second: i64) -> Script {
        let mut lines = vec![("x-claude-code-session-id", self.session.as_str())];
        lines.extend(self.agent.map(|agent| ("x-claude-code-agent-id", agent)));
        let mut script = Script::post("/v1/messages?beta=true", &lines);
        script.opened.started_at = Micros(BASE + second * 1_000_000);
        script.closed.ended_at = Micros(BASE + (second + 1) * 1_000_000);
        let mut messages = self.messages.clone();
        if let Some(last) = messages.last_mut()
            && let Some(said) = last["content"].as_str().map(str::to_owned)
        {
            let mark = json!({"type": "ephemeral"});
            last["content"] = json!([{"type": "text", "text": said, "cache_control": mark}]);
        }
        let body = json!({
            "model": "m", "stream": true, "tools": self.tools, "messages": messages,
            "system": [{"type": "text", "text": "You are careful. ".repeat(60)}],
        });
        script.request(body.to_string().as_bytes()).request_end()
    }

    /// Says something, and is answered by these calls; with none, by a text.
    pub(crate) fn turn(
        &mut self,
        second: i64,
        said: &Value,
        cached: Cached,
        calls: &[(&str, &str)],
    ) -> FlowId {
        self.messages.push(json!({"role": "user", "content": said}));
        let answer = String::from_utf8(answer(cached, calls)).unwrap();
        let answer = answer.replace("claude-x", self.model);
        let script = self.script(second).sse().data(answer.as_bytes()).end();
        self.home.play(&script);
        let said = json!([{"type": "text", "text": "so"}]);
        let blocks: Vec<Value> = calls
            .iter()
            .map(|(id, tool)| json!({"type": "tool_use", "id": id, "name": tool, "input": {"of": id}}))
            .collect();
        let content = if blocks.is_empty() { said } else { blocks.into() };
        self.messages.push(json!({"role": "assistant", "content": content}));
        script.flow
    }

    /// Says something that the provider does not take, so that it is said again.
    pub(crate) fn refused(&mut self, second: i64, said: &Value) {
        self.messages.push(json!({"role": "user", "content": said}));
        let error =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let head = [("content-type", "application/json")];
        self.home.play(&self.script(second).head(529, &head).data(error.as_bytes()).end());
        self.messages.pop();
    }
}

/// A stream of a text block and of these calls.
fn answer((read, written): Cached, calls: &[(&str, &str)]) -> Vec<u8> {
    let usage = format!(
        r#"{{"input_tokens":10,"cache_read_input_tokens":{read},"cache_creation_input_tokens":{written},"cache_creation":{{"ephemeral_5m_input_tokens":{written},"ephemeral_1h_input_tokens":0}},"output_tokens":1}}"#
    );
    let mut stream = event(&format!(
        r#"{{"type":"message_start","message":{{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{usage}}}}}"#
    ));
    stream += &(text_start(0) + &text(0, "so") + &block_stop(0));
    for (index, (id, tool)) in (1..).zip(calls) {
        stream += &event(&format!(
            r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","id":"{id}","name":"{tool}","input":{{}}}}}}"#
        ));
        stream += &event(&format!(
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":"{{\"of\":\"{id}\"}}"}}}}"#
        ));
        stream += &block_stop(index);
    }
    (stream + &stop(if calls.is_empty() { "end_turn" } else { "tool_use" }, 9)).into_bytes()
}

pub(crate) fn result(id: &str, said: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": said})
}

pub(crate) fn failed(id: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": "no such file", "is_error": true})
}

/// Analyses all that was played, as long after the beginning.
fn analysed(home: &Home, now: i64) {
    settle(home);
    let lookout = Lookout { prices: Arc::new(OnePrice), ..Lookout::default() };
    analyse_for(&home.store, &home.redactor, Micros(BASE + now * 1_000_000), lookout).unwrap();
}

/// A line for each finding: session, kind, subject, how often, what it cost.
pub(crate) fn lines(store: &Store) -> Vec<String> {
    let line = |kept: &KeptFinding| {
        let cost = kept.cost.map_or_else(|| "-".to_owned(), |cost| cost.0.to_string());
        let session = kept.finding.session.as_deref().unwrap_or("-");
        let (kind, subject) = (kept.finding.kind.as_str(), &kept.finding.subject);
        format!("{session} {kind} {subject} x{} {cost}", kept.times)
    };
    let mut lines: Vec<String> = all(store).iter().map(line).collect();
    lines.sort_unstable();
    lines
}

fn all(store: &Store) -> Vec<KeptFinding> {
    store.findings(&FindingFilter::default(), None, 500).unwrap().items
}

/// A session in which nothing is worth a look: calls, one failure, two subagents, one retry, a compaction and
/// a resumption.
fn quiet(home: &Home) {
    let mut main = Lane::new(home, "quiet", None);
    main.turn(0, &json!("go"), (0, 30_000), &[("q1", "Read"), ("q2", "Edit")]);
    let said = json!([result("q1", "text"), failed("q2")]);
    main.turn(5, &said, (30_000, 500), &[("q3", "Edit")]);
    let mut one = Lane::new(home, "quiet", Some("agent-1"));
    let mut other = Lane::new(home, "quiet", Some("agent-2"));
    one.turn(6, &json!("look"), (0, 9_000), &[("q4", "Read")]);
    other.turn(7, &json!("try"), (0, 9_000), &[("q5", "Bash")]);
    one.turn(9, &json!([result("q4", "found")]), (9_000, 200), &[]);
    other.turn(10, &json!([failed("q5")]), (9_000, 200), &[]);
    let said = json!([result("q3", "done")]);
    main.refused(12, &said);
    main.turn(14, &said, (30_500, 300), &[]);
    for turn in 0..12 {
        main.turn(20 + turn * 20, &json!(format!("and {turn}")), (30_800, 300), &[]);
    }
    let mut resumed = Lane::new(home, "quiet-2", None);
    resumed.messages.clone_from(&main.messages);
    resumed.turn(900, &json!("on"), (0, 31_000), &[]);
    let mut compacted = Lane::new(home, "quiet-2", None);
    compacted.turn(910, &json!("This is what happened so far"), (12_000, 900), &[]);
    compacted.turn(920, &json!("and on"), (12_900, 100), &[]);
}

#[test]
fn a_quiet_session_with_all_that_is_usual_shows_nothing() {
    let home = Home::new();
    quiet(&home);
    analysed(&home, 1_000);
    assert_eq!(lines(&home.store), [""; 0]);
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn a_result_that_comes_after_all_takes_the_finding_back() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    lane.turn(0, &json!("go"), (0, 100), &[("t1", "AskUserQuestion")]);
    analysed(&home, 31 * 60);
    assert_eq!(lines(&home.store), ["s-1 lifecycle_violation V02 x1 -"]);
    // Somebody comes back from a long lunch.
    lane.turn(40 * 60, &json!([result("t1", "yes")]), (0, 100), &[]);
    analysed(&home, 41 * 60);
    assert_eq!(lines(&home.store), [""; 0]);
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn what_is_found_in_history_is_kept_and_is_no_news() {
    #[derive(Default)]
    struct Told(Mutex<Vec<i64>>);
    impl LiveFeed for Told {
        fn text(&self, _: LiveText) {}

        fn finding(&self, finding: Stored<KeptFinding>) {
            self.0.lock().push(finding.id);
        }
    }
    let heard = |now: i64| {
        let home = Home::new();
        let mut lane = Lane::new(&home, "s-1", None);
        lane.turn(0, &json!("go"), (0, 170_000), &[]);
        settle(&home);
        let feed = Arc::new(Told::default());
        let told = Arc::clone(&feed) as Arc<dyn LiveFeed>;
        let lookout = Lookout { feed: told, ..Lookout::default() };
        let now = Micros(BASE + now * 1_000_000);
        analyse_for(&home.store, &home.redactor, now, lookout).unwrap();
        let (store, _folder) = home.finish();
        assert_eq!(lines(&store), ["s-1 large_context context x1 -"]);
        store.close();
        feed.0.lock().len()
    };
    assert_eq!((heard(60), heard(86_400)), (1, 0));
}

#[test]
fn a_session_with_a_storm_a_broken_cache_and_a_failing_tool_is_told_exactly() {
    let home = Home::new();
    quiet(&home);
    let mut main = Lane::new(&home, "s-1", None);
    main.turn(1_025, &json!("go"), (0, 30_000), &[("t1", "Edit")]);
    // Two subagents, side by side; one of them has a failing tool as well, but less often.
    let mut one = Lane::new(&home, "s-1", Some("agent-1"));
    let mut other = Lane::new(&home, "s-1", Some("agent-2"));
    one.turn(1_001, &json!("look"), (0, 9_000), &[("a1", "Edit")]);
    other.turn(1_002, &json!("try"), (0, 9_000), &[("b1", "Bash")]);
    one.turn(1_004, &json!([failed("a1")]), (9_000, 200), &[("a2", "Edit")]);
    one.turn(1_006, &json!([failed("a2")]), (9_200, 200), &[]);
    // A tool that takes 41 seconds.
    other.turn(1_044, &json!([result("b1", "at last")]), (9_000, 200), &[]);
    // A tool that fails four times.
    main.turn(1_050, &json!([failed("t1")]), (30_000, 300), &[("t2", "Edit")]);
    main.turn(1_060, &json!([failed("t2")]), (30_300, 300), &[("t3", "Edit")]);
    main.turn(1_070, &json!([failed("t3")]), (30_600, 300), &[("t4", "Edit")]);
    main.turn(1_080, &json!([failed("t4")]), (30_900, 300), &[("t5", "Edit")]);
    // A storm of six attempts.
    let said = json!([result("t5", "done")]);
    for second in [1_090, 1_091, 1_093, 1_097, 1_105, 1_121] {
        main.refused(second, &said);
    }
    main.turn(1_140, &said, (31_200, 300), &[]);
    // A server connects late: all is written again. With the next turn the cache holds.
    main.tools.push(json!({"name": "mcp__late__tool", "description": "late"}));
    let broke = main.turn(1_150, &json!("and now"), (0, 32_000), &[]);
    main.turn(1_160, &json!("go on"), (32_000, 300), &[]);
    // Resumed under another id, where nothing can be read, and compacted.
    let mut resumed = Lane::new(&home, "s-2", None);
    resumed.messages.clone_from(&main.messages);
    resumed.tools.clone_from(&main.tools);
    resumed.turn(1_200, &json!("on"), (0, 33_000), &[]);
    let mut compacted = Lane::new(&home, "s-2", None);
    compacted.turn(1_210, &json!("This is what happened so far"), (0, 8_000), &[]);
    analysed(&home, 1_300);
    let wanted = [
        // 31,500 tokens × (3.75 − 0.30) dollars a million.
        "s-1 cache_break tools_changed tool mcp__late__tool x1 108675",
        "s-1 failing_tool Edit x2 -",
        "s-1 retry_storm m provider x3 -",
        "s-1 slow_tool Bash of agent-2 x1 -",
    ];
    assert_eq!(lines(&home.store), wanted);
    let kept = all(&home.store);
    let broken = &kept[0];
    assert_eq!(broken.flows.first(), Some(&broke));
    assert_eq!(broken.finding.number("readable"), Some(31_500));
    assert_eq!(broken.flows.len(), 2, "with the request that it goes on from");

    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn a_day_beyond_its_budget_follows_the_prices() {
    let home = Home::new();
    let spend = |second: i64, cost: i64| {
        let at = Micros(BASE + second * 1_000_000);
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), at);
        flow.method = String::from("POST");
        (flow.provider, flow.path) = (Some(Provider::Anthropic), String::from("/v1/messages"));
        flow.outcome = Some(Outcome::Completed);
        flow.usage.output = Some(Tokens(1));
        flow.cost = Some(MicroUsd(cost));
        home.store.submit(vec![home.redactor.seal(Record::Flow(Arc::new(flow)))]).unwrap();
        home.store.flush().unwrap();
    };
    let told = || {
        let limits = Limits { daily_cost: Some(MicroUsd(5_000)), ..Limits::default() };
        let lookout = Lookout { limits, ..Lookout::default() };
        analyse_for(&home.store, &home.redactor, Micros(BASE + 60_000_000), lookout).unwrap();
        all(&home.store)
            .iter()
            .map(|kept| (kept.times, kept.cost, kept.finding.number("spent")))
            .collect::<Vec<_>>()
    };
    let reprice = |each: i64| {
        let price = Box::new(move |flow: &mut Flow| flow.cost = Some(MicroUsd(each)));
        let everything = home.redactor.seal(RepriceQuery::default());
        home.store.reprice(&everything, "book", false, price).unwrap();
    };
    spend(0, 3_000);
    spend(1, 4_000);
    assert_eq!(told(), [(1, Some(MicroUsd(2_000)), Some(7_000))]);
    spend(2, 1_000);
    assert_eq!(told(), [(1, Some(MicroUsd(2_000)), Some(7_000))], "once for a day");
    // What the whole day costs now, whichever flows changed.
    reprice(2_000);
    assert_eq!(told(), [(1, Some(MicroUsd(1_000)), Some(6_000))]);
    reprice(9_000);
    assert_eq!(told(), [(1, Some(MicroUsd(22_000)), Some(27_000))]);
    reprice(1_000);
    assert_eq!(told(), [], "it is within its budget");
    reprice(3_000);
    assert_eq!(told(), [(1, Some(MicroUsd(4_000)), Some(9_000))], "which no flow showed before");
}
