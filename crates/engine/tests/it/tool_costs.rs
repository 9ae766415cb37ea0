//! What tools cost, from the wire to what is told: against a calculation from the bytes that were sent.

use langley_engine::analyse;
use langley_model::{FlowId, Micros, NanoUsd};
use langley_store::{CostBy, CostKey, CostQuery, ToolCostSums, ToolCostTally};
use serde_json::{Value, json};

use crate::kit::Script;
use crate::stored::Home;
use crate::tools::settle;

/// When the session begins: the beginning of an hour.
const BASE: i64 = 1_700_002_800_000_000;

/// Billionths of a dollar for a token: input, cache read, written for five minutes, output.
const PRICES: [u64; 4] = [4_000, 200, 5_000, 20_000];

/// Tokens, as [`PRICES`].
type Tokens = [u64; 4];

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn model(content: &Value) -> Value {
    json!({"role": "assistant", "content": content})
}

fn call(name: &str, input: &str) -> Value {
    json!({"type": "tool_use", "id": format!("toolu_01{name}0123456789"), "name": name, "input": {"q": input}})
}

fn result(name: &str, said: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": format!("toolu_01{name}0123456789"), "content": said})
}

fn text(said: &str) -> Value {
    json!({"type": "text", "text": said})
}

struct Session {
    home: Home,
    second: i64,
}

impl Session {
    fn new() -> Self {
        Self { home: Home::new(), second: 0 }
    }

    fn script(&mut self, messages: &[Value]) -> (Script, String) {
        let mut script = Script::post("/v1/messages", &[("x-claude-code-session-id", "s-1")]);
        script.opened.started_at = Micros(BASE + self.second * 1_000_000);
        self.second += 10;
        let body =
            json!({"model": "claude-opus-5-5", "system": "You are careful.", "messages": messages});
        let body = body.to_string();
        (script.request(body.as_bytes()).request_end(), body)
    }

    /// Asks, and is answered at once; the length of the request's body.
    fn ask(&mut self, messages: &[Value], content: &Value, tokens: Tokens) -> (FlowId, u64) {
        let [input, read, written, output] = tokens;
        let answer = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
            "content": content, "stop_reason": "end_turn",
            "usage": {
                "input_tokens": input, "cache_read_input_tokens": read,
                "cache_creation_input_tokens": written, "output_tokens": output,
            },
        });
        let (script, body) = self.script(messages);
        let head = [("content-type", "application/json")];
        let script = script.head(200, &head).data(answer.to_string().as_bytes()).end();
        self.home.play(&script);
        (script.flow, body.len() as u64)
    }

    fn refused(&mut self, messages: &[Value]) {
        let error =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let (script, _) = self.script(messages);
        let head = [("content-type", "application/json")];
        self.home.play(&script.head(529, &head).data(error.as_bytes()).end());
    }

    fn analyse(&self) {
        settle(&self.home);
        analyse(&self.home.store, &self.home.redactor, Micros(BASE + 3_600_000_000)).unwrap();
    }

    fn costs(&self, session: Option<&str>) -> Vec<(String, ToolCostSums)> {
        let session = session.map(str::to_owned);
        let query =
            CostQuery { by: vec![CostBy::Tool], session, groups_max: 9, ..CostQuery::default() };
        let report = self.home.store.costs(&query).unwrap();
        assert!(!report.filling);
        let told = report.groups.into_iter().map(|group| {
            let [CostKey::Name(name)] = &*group.keys else { unreachable!("{:?}", group.keys) };
            (name.clone().unwrap(), group.tool.unwrap())
        });
        let mut told: Vec<_> = told.collect();
        told.sort_by(|(one, _), (other, _)| one.cmp(other));
        told
    }

    fn of(&self, tool: &str) -> ToolCostSums {
        let costs = self.costs(None);
        assert_eq!(costs, self.costs(Some("s-1")), "as of the session, which is all there is");
        costs.into_iter().find(|(name, _)| name == tool).unwrap().1
    }
}

/// So much of an amount as `bytes` are of `whole`, to the nearest: whoever shares it with one other gets that.
fn share(amount: u64, bytes: usize, whole: u64) -> u64 {
    (2 * amount * bytes as u64 + whole) / (2 * whole)
}

/// What is new in a request costs, and what stands before it.
fn input(tokens: Tokens, body: u64, new: u64) -> (u64, u64) {
    let [uncached, read, written, _] = tokens;
    let fresh_bytes = (body * (uncached + written) / (uncached + read + written)).max(new);
    let fresh = uncached * PRICES[0] + written * PRICES[2];
    let of_new = fresh * new / fresh_bytes;
    (of_new, fresh + read * PRICES[1] - of_new)
}

fn tallies(sums: &ToolCostSums) -> [u64; 4] {
    use ToolCostTally::{Output, Reread, Result, Search};
    [Output, Search, Result, Reread].map(|tally| sums.tally(tally))
}

#[test]
fn a_call_costs_its_share_of_the_output_its_result_once_and_all_else_is_sent_again() {
    let mut session = Session::new();
    let said = json!([text("so"), call("Read", "a long question about the file")]);
    let mut messages = vec![user(&json!("go on and look"))];
    session.ask(&messages, &said, [1_000, 0, 500, 90]);
    messages.push(model(&said));
    let given = user(&json!([result("Read", &"line\n".repeat(40)), text("and?")]));
    messages.push(given.clone());
    let second = [10, 1_500, 100, 40];
    let (_, body) = session.ask(&messages, &json!([text("well")]), second);
    messages.push(model(&json!([text("well")])));
    let asked = user(&json!("and then?"));
    messages.push(asked.clone());
    let third = [400, 1_000, 300, 20];
    let (_, later_body) = session.ask(&messages, &json!([text("done")]), third);
    session.analyse();

    let arguments = json!({"q": "a long question about the file"}).to_string();
    let called = "Read".len() + arguments.len();
    let output = share(90 * PRICES[3], called, ("so".len() + called) as u64);
    let content = json!("line\n".repeat(40)).to_string().len();
    let new = given.to_string().len() as u64;
    let (of_new, before) = input(second, body, new);
    let first_time = share(of_new, content, new);
    let again = share(before, called, body - new);
    let new = asked.to_string().len() as u64;
    let (_, before) = input(third, later_body, new);
    let again_later = share(before, called + content, later_body - new);
    let read = session.of("Read");
    assert_eq!(tallies(&read), [output, 0, first_time, again + again_later]);
    assert_eq!(read.cost(), Some(NanoUsd(output + first_time)));
    let count = |tally| read.tally(tally);
    assert_eq!((count(ToolCostTally::Calls), count(ToolCostTally::Results)), (1, 1));
    assert_eq!(count(ToolCostTally::Flows), 3);
}

#[test]
fn a_result_is_paid_for_by_the_attempt_that_is_billed() {
    let mut session = Session::new();
    let said = json!([call("Bash", "ls")]);
    let mut messages = vec![user(&json!("go"))];
    session.ask(&messages, &said, [100, 0, 0, 10]);
    messages.extend([model(&said), user(&json!([result("Bash", "a\nb")]))]);
    session.refused(&messages);
    session.refused(&messages);
    session.ask(&messages, &json!([text("so")]), [100, 0, 0, 10]);
    session.analyse();
    let bash = session.of("Bash");
    assert_eq!(bash.tally(ToolCostTally::Results), 1);
    assert!(bash.tally(ToolCostTally::Result) > 0);
    assert_eq!(bash.tally(ToolCostTally::Flows), 2, "refused attempts cost nothing");
}

#[test]
fn a_result_counts_once_whatever_attempts_sent_it() {
    let play = |order: &[usize]| {
        let mut session = Session::new();
        let said = json!([call("Bash", "ls")]);
        let first = vec![user(&json!("go"))];
        let mut second = first.clone();
        second.extend([model(&said), user(&json!([result("Bash", "a\nb")]))]);
        for number in order {
            session.second = 10 * i64::try_from(*number).unwrap();
            match number {
                0 => drop(session.ask(&first, &said, [100, 0, 0, 10])),
                1 => session.refused(&second),
                // Billed, and asked once more.
                2 => drop(session.ask(&second, &json!([text("s")]), [100, 0, 0, 1])),
                _ => drop(session.ask(&second, &json!([text("so")]), [100, 0, 0, 10])),
            }
            session.analyse();
        }
        session.of("Bash")
    };
    let told = play(&[0, 1, 2, 3]);
    assert_eq!((told.tally(ToolCostTally::Results), told.tally(ToolCostTally::Flows)), (1, 3));
    for order in [[0, 1, 3, 2], [0, 3, 2, 1], [3, 2, 1, 0], [1, 3, 0, 2]] {
        assert_eq!(play(&order), told, "{order:?}");
    }
}

#[test]
fn the_same_is_told_in_whatever_order_flows_are_read() {
    let play = |order: [usize; 3], at_once: bool| {
        let mut session = Session::new();
        let said = json!([call("Bash", "ls")]);
        let first = vec![user(&json!("go"))];
        let mut second = first.clone();
        second.extend([model(&said), user(&json!([result("Bash", "a\nb")]))]);
        let mut third = second.clone();
        third.extend([model(&json!([text("so")])), user(&json!([result("Bash", "a\nb")]))]);
        for number in order {
            session.second = 10 * i64::try_from(number).unwrap();
            let (messages, content) = match number {
                0 => (&first, said.clone()),
                1 => (&second, json!([text("so")])),
                _ => (&third, json!([text("end")])),
            };
            session.ask(messages, &content, [100, 0, 0, 10]);
            if !at_once {
                session.analyse();
            }
        }
        session.analyse();
        session.costs(None)
    };
    let told = play([0, 1, 2], true);
    assert_eq!(told[0].1.tally(ToolCostTally::Results), 1);
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
        assert_eq!(play(order, false), told, "{order:?}");
    }
}

#[test]
fn a_long_session_sends_its_results_again_and_each_is_counted_once() {
    let mut session = Session::new();
    let mut messages = vec![user(&json!("go"))];
    for turn in 0..30 {
        let said = json!([call(&format!("Tool{turn}"), "x"), call("Other", &turn.to_string())]);
        session.ask(&messages, &said, [100, 0, 0, 10]);
        messages.push(model(&said));
        messages.push(user(&json!([result(&format!("Tool{turn}"), "y"), text("go on")])));
    }
    session.ask(&messages, &json!([text("done")]), [100, 0, 0, 10]);
    session.analyse();
    let costs = session.costs(Some("s-1"));
    // The first nine by name of those that cost most are told; each was called once and came back once.
    for (name, sums) in costs.iter().filter(|(name, _)| name != "Other") {
        let of = |tally| sums.tally(tally);
        assert_eq!((of(ToolCostTally::Calls), of(ToolCostTally::Results)), (1, 1), "{name}");
    }
    let all =
        session.home.store.costs(&CostQuery { by: vec![CostBy::Tool], ..CostQuery::default() });
    let all = all.unwrap().tools.unwrap();
    assert_eq!((all.tally(ToolCostTally::Calls), all.tally(ToolCostTally::Results)), (60, 30));
}

#[test]
fn results_without_ids_are_their_tools_by_name() {
    let session = Session::new();
    let function = json!({"functionCall": {"name": "ls", "args": {"p": "."}}});
    let ask = |second: i64, contents: Value, parts: Value| {
        let path = "/v1beta/models/gemini-2.5-pro:generateContent";
        let mut script = Script::post(path, &[("x-langley-session", "s-1")]);
        script.opened.host = "generativelanguage.googleapis.com".into();
        script.opened.started_at = Micros(BASE + second * 1_000_000);
        let body = json!({ "contents": contents }).to_string();
        let answer = json!({
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10},
            "modelVersion": "gemini-2.5-pro",
        });
        let script = script.request(body.as_bytes()).request_end();
        let script = script.head(200, &[("content-type", "application/json")]);
        session.home.play(&script.data(answer.to_string().as_bytes()).end());
    };
    let go = json!({"role": "user", "parts": [{"text": "go"}]});
    ask(0, json!([go]), json!([function]));
    let said = json!({"role": "model", "parts": [function]});
    let given = json!({"role": "user", "parts": [{"functionResponse": {"name": "ls", "response": {"o": "a"}}}]});
    ask(5, json!([go, said, given]), json!([{"text": "so"}]));
    let so = json!({"role": "model", "parts": [{"text": "so"}]});
    ask(9, json!([go, said, given, so, go]), json!([{"text": "end"}]));
    session.analyse();
    let ls = session.of("ls");
    let of = |tally| ls.tally(tally);
    assert_eq!((of(ToolCostTally::Calls), of(ToolCostTally::Results)), (1, 1));
    // All that was said is the call: ten tokens at ten dollars a million.
    assert_eq!(of(ToolCostTally::Output), 100_000);
    assert!(of(ToolCostTally::Result) > 0 && of(ToolCostTally::Reread) > 0);
}
