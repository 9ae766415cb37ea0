//! Tool calls from the wire to what is told of them: sessions played through recorder, store and analysis.

use std::sync::Arc;

use langley_engine::{analyse, read_invocation};
use langley_model::{
    Block, Content, Ending, FlowId, Message, Micros, Record, Side, ToolOutcome, ToolState,
    Violation,
};
use langley_store::{InvocationQuery, KeptCall, Store, ToolQuery, ToolTally};
use serde_json::{Value, json};

use crate::kit::{Script, block_stop, event, start, stop, text, text_start};
use crate::stored::Home;
use crate::websockets;

/// When the first session begins: the beginning of an hour, so that all is in one.
pub(crate) const BASE: i64 = 1_700_002_800_000_000;

/// An entry of a conversation.
fn entry(role: &str, content: Value) -> Value {
    [("role".to_owned(), role.into()), ("content".to_owned(), content)].into_iter().collect()
}

pub(crate) fn user(content: Value) -> Value {
    entry("user", content)
}

fn model(content: Value) -> Value {
    entry("assistant", content)
}

pub(crate) fn id(name: &str) -> String {
    format!("toolu_01{name}0123456789")
}

pub(crate) fn call(name: &str) -> Value {
    json!({"type": "tool_use", "id": id(name), "name": name, "input": {"of": name}})
}

pub(crate) fn result(name: &str, said: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id(name), "content": said})
}

fn failed(name: &str, said: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id(name), "content": said, "is_error": true})
}

/// An agent's conversation: one lane of a session.
pub(crate) struct Lane<'h> {
    home: &'h Home,
    session: String,
    agent: Option<&'static str>,
    messages: Vec<Value>,
}

impl<'h> Lane<'h> {
    pub(crate) fn new(home: &'h Home, session: &str, agent: Option<&'static str>) -> Self {
        Self { home, session: session.to_owned(), agent, messages: Vec::new() }
    }

    fn script(&self, second: i64) -> Script {
        let mut lines = vec![("x-claude-code-session-id", self.session.as_str())];
        lines.extend(self.agent.map(|agent| ("x-claude-code-agent-id", agent)));
        let mut script = Script::post("/v1/messages?beta=true", &lines);
        script.opened.started_at = Micros(BASE + second * 1_000_000);
        let body = json!({"model": "m", "stream": true, "messages": self.messages}).to_string();
        script.request(body.as_bytes()).request_end()
    }

    /// Says something, and is answered by these calls; with none, by a text.
    pub(crate) fn turn(&mut self, second: i64, said: Value, calls: &[&str]) -> FlowId {
        self.messages.push(user(said));
        let script = self.script(second).sse().data(&answer(calls)).end();
        self.home.play(&script);
        let said = json!([{"type": "text", "text": "so"}]);
        let calls: Vec<Value> = calls.iter().map(|name| call(name)).collect();
        self.messages.push(model(if calls.is_empty() { said } else { calls.into() }));
        script.flow
    }

    /// Says something that the provider does not take, so that it is said again.
    fn refused(&mut self, second: i64, said: Value) {
        self.messages.push(user(said));
        let error =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let head = [("content-type", "application/json")];
        self.home.play(&self.script(second).head(529, &head).data(error.as_bytes()).end());
        self.messages.pop();
    }
}

/// A stream of a text block and of these calls.
fn answer(calls: &[&str]) -> Vec<u8> {
    let mut stream = start() + &text_start(0) + &text(0, "so") + &block_stop(0);
    for (index, name) in (1..).zip(calls) {
        stream += &begin(index, name);
        stream += &arguments(index, &format!(r#"{{\"of\":\"{name}\"}}"#));
        stream += &block_stop(index);
    }
    (stream + &stop(if calls.is_empty() { "end_turn" } else { "tool_use" }, 9)).into_bytes()
}

fn begin(index: u32, name: &str) -> String {
    event(&format!(
        r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","id":"{}","name":"{name}","input":{{}}}}}}"#,
        id(name)
    ))
}

fn arguments(index: u32, json: &str) -> String {
    event(&format!(
        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":"{json}"}}}}"#
    ))
}

pub(crate) fn all_calls(store: &Store) -> Vec<KeptCall> {
    let report = store.tools(&ToolQuery::default()).unwrap();
    let mut names: Vec<String> = report.tools.into_iter().map(|tool| tool.name).collect();
    names.extend(["Elsewhere", "", "Gone"].map(str::to_owned));
    let mut calls: Vec<KeptCall> = names
        .into_iter()
        .flat_map(|tool| {
            let query = InvocationQuery { tool, ..InvocationQuery::default() };
            store.invocations(&query, None, 500).unwrap().items
        })
        .collect();
    calls.sort_by_key(|call| (call.key, call.position));
    calls.dedup();
    calls
}

/// A line for each call: tool, state, outcome, seconds to its result, violations.
pub(crate) fn lines(store: &Store) -> Vec<String> {
    let line = |kept: KeptCall| {
        let call = kept.call.unwrap();
        let codes: Vec<&str> = call.violations.iter().map(Violation::code).collect();
        let seconds = call.duration_us().map(|us| us.div_euclid(1_000_000).to_string());
        let name = if kept.name.is_empty() { "?" } else { &kept.name };
        format!(
            "{name} {} {} {}{}{}",
            call.state.as_str(),
            call.outcome.map_or("-", ToolOutcome::as_str),
            seconds.as_deref().unwrap_or("-"),
            if call.replayed { " replayed" } else { "" },
            if codes.is_empty() { String::new() } else { format!(" {}", codes.join(",")) },
        )
    };
    all_calls(store).into_iter().map(line).collect()
}

/// Waits until all that was played is stored.
pub(crate) fn settle(home: &Home) {
    home.until(|home| {
        let stats = home.recorder.stats();
        let is_worked_off = stats.captures_total == home.intake.stats().taken_total;
        is_worked_off && stats.open_flows == 0 && stats.backlog_bytes == 0
    });
    home.store.flush().unwrap();
}

/// Analyses all that was played, as long after the beginning.
fn told(home: &Home, now: i64) {
    settle(home);
    analyse(&home.store, &home.redactor, Micros(BASE + now * 1_000_000)).unwrap();
}

#[test]
fn a_session_with_subagents_failures_a_resumption_and_a_compaction_is_told_exactly() {
    let home = Home::new();
    let mut main = Lane::new(&home, "s-1", None);
    main.turn(0, json!("go"), &["Read", "Bash"]);
    let said = json!([failed("Bash", "Exit code 2\nno"), result("Read", "text")]);
    main.turn(10, said, &["AgentA", "AgentB"]);
    // Two subagents, side by side.
    let mut one = Lane::new(&home, "s-1", Some("agent-1"));
    let mut other = Lane::new(&home, "s-1", Some("agent-2"));
    one.turn(12, json!("look"), &["Grep"]);
    other.turn(13, json!("try"), &["Slow"]);
    one.turn(14, json!([result("Grep", "found")]), &[]);
    other.turn(16, json!([failed("Slow", "Command timed out after 2s")]), &[]);
    let said = json!([result("AgentB", "tried"), result("AgentA", "looked")]);
    // Of three calls of one answer one gets no result.
    main.turn(20, said, &["Edit", "Write", "Missing"]);
    let denied = "The user doesn't want to proceed with this tool use. The tool use was rejected";
    main.turn(30, json!([result("Edit", "ok"), failed("Write", denied)]), &["Stormy"]);
    // A storm of retries, each with the same result.
    let said = json!([result("Stormy", "calm")]);
    for second in 41..46 {
        main.refused(second, said.clone());
    }
    main.turn(46, said, &["Often"]);
    // Fifty requests later the result is still part of each.
    main.turn(50, json!([result("Often", "once")]), &[]);
    for second in 51..101 {
        main.turn(second, json!("and on"), &[]);
    }
    // The session is resumed under another id, with a call that was waiting.
    main.turn(110, json!("more"), &["Resumed"]);
    let mut resumed = Lane::new(&home, "s-2", None);
    resumed.messages.clone_from(&main.messages);
    resumed.turn(120, json!([result("Resumed", "back")]), &["Later"]);
    resumed.turn(125, json!([result("Later", "well")]), &[]);
    // Compacted: nothing of the conversation is left but its summary.
    let mut compacted = Lane::new(&home, "s-2", None);
    compacted.turn(130, json!("This is what happened so far"), &["Fresh"]);
    compacted.turn(131, json!([result("Fresh", "new")]), &["Open"]);
    // Begun before anything was recorded.
    let mut before = Lane::new(&home, "s-3", None);
    before.messages = vec![user(json!("go")), model(json!([call("Elsewhere")]))];
    before.turn(140, json!([result("Elsewhere", "was")]), &[]);
    told(&home, 200);
    assert_eq!(
        lines(&home.store),
        [
            "Read returned succeeded 9",
            "Bash returned failed 9",
            "AgentA returned succeeded 9",
            "AgentB returned succeeded 9",
            "Grep returned succeeded 1",
            "Slow returned timed_out 2",
            "Edit returned succeeded 9",
            "Write returned denied 9",
            "Missing orphaned - - V13",
            "Stormy returned succeeded 10",
            "Often returned succeeded 3",
            "Resumed returned succeeded 9",
            "Later returned succeeded 4",
            "Fresh returned succeeded 0",
            "Open args_complete - -",
            "Elsewhere returned succeeded - replayed",
        ]
    );
    // What is looked at again says nothing else; and after half an hour nobody answers any more.
    told(&home, 200);
    told(&home, 131 + 31 * 60);
    let report = home.store.tools(&ToolQuery::default()).unwrap();
    let of = |tally| report.totals.tally(tally);
    assert_eq!(lines(&home.store)[14], "Open orphaned - - V02");
    assert_eq!(
        [
            of(ToolTally::Calls),
            of(ToolTally::Succeeded),
            of(ToolTally::Failed),
            of(ToolTally::Denied),
            of(ToolTally::TimedOut),
            of(ToolTally::Orphaned),
            of(ToolTally::Violated),
            of(ToolTally::Timed),
            of(ToolTally::Repeated),
        ],
        [15, 10, 1, 1, 1, 2, 2, 13, 0]
    );
    assert!(!report.is_behind);
    // A session's are summed from its calls.
    let query = ToolQuery { session: Some("s-2".into()), ..ToolQuery::default() };
    let second = home.store.tools(&query).unwrap();
    let names: Vec<&str> = second.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["Fresh", "Later", "Open"]);
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn a_calls_arguments_and_result_are_read_from_where_they_stand() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    let first = lane.turn(0, json!("go"), &["Read"]);
    let second = lane.turn(5, json!([result("Read", "text")]), &[]);
    told(&home, 10);
    let read = read_invocation(&home.store, first, 0).unwrap().unwrap();
    assert_eq!(read.input.as_deref(), Some(r#"{"of":"Read"}"#));
    assert_eq!(read.result.as_deref(), Some(r#""text""#));
    assert_eq!(read.invocation.result_flow, Some(second));
    let call = read.invocation.call.call.as_ref().unwrap();
    assert_eq!((call.block, call.input_bytes), (Some(1), 13));
    assert!(call.began_us.unwrap() <= call.complete_us.unwrap());
    assert!(read_invocation(&home.store, first, 1).unwrap().is_none());
    assert!(read_invocation(&home.store, FlowId::new(), 0).unwrap().is_none());
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn it_does_not_matter_in_which_order_flows_are_read() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    let mut early = Lane::new(&home, "s-1", None);
    early.turn(0, json!("go"), &[]);
    // The request with the result is analysed before the answer with the call.
    lane.messages = vec![user(json!("go")), model(json!([call("Read"), call("Bash")]))];
    lane.turn(10, json!([result("Read", "a"), failed("Bash", "no")]), &[]);
    told(&home, 20);
    assert_eq!(lines(&home.store), Vec::<String>::new(), "what no answer has counts for nothing");
    let mut late = Lane::new(&home, "s-1", None);
    late.turn(1, json!("go"), &["Read", "Bash"]);
    told(&home, 20);
    assert_eq!(lines(&home.store), ["Read returned succeeded 8", "Bash returned failed 8"]);
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn what_a_stream_does_wrong_is_told_of_the_call_that_it_is_about() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    lane.messages.push(user(json!("go")));
    let wrong = [
        // Goes on after its end.
        begin(1, "Late") + &arguments(1, "{}") + &block_stop(1) + &arguments(1, " "),
        // No JSON.
        begin(2, "Invalid") + &arguments(2, "{of}") + &block_stop(2),
        begin(3, "Fine") + &block_stop(3),
    ];
    let stream = start() + &wrong.concat() + &stop("tool_use", 9);
    home.play(&lane.script(0).sse().data(stream.as_bytes()).end());
    lane.messages.push(model(json!([call("Late"), call("Invalid"), call("Fine")])));
    lane.messages.push(user(json!([
        result("Late", "a"),
        result("Invalid", "b"),
        result("Fine", "c"),
        result("Fine", "d"),
        result("Gone", "e"),
    ])));
    // Breaks off in the middle of a call.
    let cut = start() + &begin(0, "Cut") + &arguments(0, "{");
    home.play(&lane.script(5).sse().data(cut.as_bytes()).ends(Ending::UpstreamGone));
    told(&home, 10);
    assert_eq!(
        lines(&home.store),
        [
            "Late returned succeeded 4 V07",
            "Invalid returned succeeded 4 V06",
            "Fine returned succeeded 4 V04",
            "Cut lost - -",
            "? returned succeeded - V01",
        ]
    );
    // An altered result, and one for what broke off.
    lane.messages.push(model(json!([call("Cut")])));
    lane.messages.push(user(json!([result("Cut", "yes"), result("Late", "other")])));
    home.play(&lane.script(8).sse().data(&answer(&[])).end());
    told(&home, 10);
    let told = lines(&home.store);
    assert_eq!(told[0], "Late returned succeeded 4 V07,V10");
    assert_eq!(told[3], "Cut returned succeeded - V05");
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn every_dialect_has_its_calls_put_together_with_their_results() {
    let home = Home::new();
    let mut second = 0;
    let mut ask = |path: &str, host: &str, body: &Value, answer: &Value| {
        second += 10;
        let mut script = Script::post(path, &[]);
        script.opened.host = host.to_owned();
        script.opened.started_at = Micros(BASE + second * 1_000_000);
        let head = [("content-type", "application/json")];
        let script = script.request(body.to_string().as_bytes()).request_end().head(200, &head);
        home.play(&script.data(answer.to_string().as_bytes()).end());
    };
    // OpenAI's chat.
    let (path, host) = ("/v1/chat/completions", "api.openai.com");
    let asked = json!({"role": "user", "content": "go"});
    let calls = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_chat_0001", "type": "function", "function": {"name": "chat", "arguments": "{}"}},
    ]});
    let choice = |message: &Value, reason: &str| {
        json!({"id": "c", "object": "chat.completion", "model": "m",
               "choices": [{"index": 0, "message": message, "finish_reason": reason}]})
    };
    let done = json!({"role": "assistant", "content": "done"});
    ask(path, host, &json!({"model": "m", "messages": [asked]}), &choice(&calls, "tool_calls"));
    let back = json!({"role": "tool", "tool_call_id": "call_chat_0001", "content": "Exit code: 1"});
    let body = json!({"model": "m", "messages": [asked, calls, back]});
    ask(path, host, &body, &choice(&done, "stop"));
    // OpenAI's responses, which keep the conversation; a tool of the provider's beside it.
    let path = "/v1/responses";
    let items = json!([
        {"type": "web_search_call", "id": "ws_1", "status": "completed",
         "action": {"type": "search", "query": "q"}},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_resp_0001", "name": "exec",
         "input": "await tools.run()"},
    ]);
    let answer = |output: &Value| json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": output});
    ask(path, host, &json!({"model": "m", "input": "go"}), &answer(&items));
    let output =
        json!({"type": "custom_tool_call_output", "call_id": "call_resp_0001", "output": "ran"});
    let body = json!({"model": "m", "previous_response_id": "resp_1", "input": [output]});
    ask(path, host, &body, &answer(&json!([])));
    // Gemini, which has no ids.
    let (path, host) =
        ("/v1beta/models/gemini-x:generateContent", "generativelanguage.googleapis.com");
    let asked = json!({"role": "user", "parts": [{"text": "go"}]});
    let calls = json!({"role": "model", "parts": [
        {"functionCall": {"name": "find", "args": {"q": "a"}}},
        {"functionCall": {"name": "find", "args": {"q": "b"}}},
    ]});
    let candidate =
        |content: &Value| json!({"candidates": [{"content": content, "finishReason": "STOP"}]});
    ask(path, host, &json!({"contents": [asked]}), &candidate(&calls));
    let back = json!({"role": "user", "parts": [
        {"functionResponse": {"name": "find", "response": {"output": "A"}}},
        {"functionResponse": {"name": "find", "response": {"error": "B"}}},
    ]});
    let done = json!({"role": "model", "parts": [{"text": "done"}]});
    ask(path, host, &json!({"contents": [asked, calls, back]}), &candidate(&done));
    // Bedrock.
    let (path, host) = ("/model/amazon.nova-x/converse", "bedrock-runtime.us-east-1.amazonaws.com");
    let asked = json!({"role": "user", "content": [{"text": "go"}]});
    let calls = json!({"role": "assistant", "content": [
        {"toolUse": {"toolUseId": "tooluse_0001", "name": "bed", "input": {"a": 1}}},
    ]});
    let answer = |message: &Value, reason: &str| {
        json!({"output": {"message": message}, "stopReason": reason,
               "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}})
    };
    ask(path, host, &json!({"messages": [asked]}), &answer(&calls, "tool_use"));
    let back = json!({"role": "user", "content": [
        {"toolResult": {"toolUseId": "tooluse_0001", "content": [{"text": "r"}], "status": "error"}},
    ]});
    let done = json!({"role": "assistant", "content": [{"text": "done"}]});
    ask(path, host, &json!({"messages": [asked, calls, back]}), &answer(&done, "end_turn"));
    told(&home, 200);
    assert_eq!(
        lines(&home.store),
        [
            "chat returned failed 9",
            "web_search returned succeeded -",
            "exec returned succeeded 9",
            "find returned succeeded 9",
            "find returned failed 9",
            "bed returned failed 9",
        ]
    );
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn a_tool_of_the_provider_that_is_answered_when_its_turn_goes_on_is_not_orphaned() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    lane.messages.push(user(json!("go")));
    let call = |id: &str| {
        event(&format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"server_tool_use","id":"{id}","name":"web_search","input":{{}}}}}}"#
        ))
    };
    let asked = call("srvtoolu_0123") + &arguments(0, r#"{\"query\":\"q\"}"#) + &block_stop(0);
    let stream = start() + &asked + &stop("pause_turn", 9);
    let first = lane.script(0).sse().data(stream.as_bytes()).end();
    home.play(&first);
    told(&home, 1);
    assert_eq!(lines(&home.store), ["web_search args_complete - -"]);
    // The agent sends the turn back as it is, and the provider goes on.
    lane.messages.push(model(json!([
        {"type": "server_tool_use", "id": "srvtoolu_0123", "name": "web_search", "input": {"query": "q"}},
    ])));
    let result = event(
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_0123","content":[{"type":"web_search_result","url":"https://a.example"}]}}"#,
    ) + &block_stop(0);
    let stream = start() + &result + &stop("end_turn", 9);
    let second = lane.script(5).sse().data(stream.as_bytes()).end();
    home.play(&second);
    told(&home, 10);
    told(&home, 5 + 31 * 60);
    assert_eq!(lines(&home.store), ["web_search returned succeeded 4"]);
    let read = read_invocation(&home.store, first.flow, 0).unwrap().unwrap();
    assert_eq!(read.invocation.result_flow, Some(second.flow));
    assert!(read.result.unwrap().contains("https://a.example"));
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn calls_that_a_later_answer_of_the_flow_has_no_more_are_taken_away() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    let flow = lane.turn(0, json!("go"), &["Bash", "Edit"]);
    told(&home, 10);
    assert_eq!(lines(&home.store).len(), 2);
    let (id, name, input) = (id("Read"), String::from("Read"), String::from("{}"));
    let block = Block { index: 0, content: Content::ToolUse { id, name, input }, complete: true };
    let message = Message { blocks: vec![block], ..Message::default() };
    let record = home.redactor.seal(Record::Message(flow, Box::new(message)));
    home.store.submit(vec![record]).unwrap();
    told(&home, 10);
    assert_eq!(lines(&home.store), ["Read args_complete - -"]);
    let totals = home.store.tools(&ToolQuery::default()).unwrap().totals;
    assert_eq!(totals.tally(ToolTally::Calls), 1);
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn calls_inside_a_websocket_are_flows_like_any() {
    let home = Home::new();
    let mut script = websockets::upgrade();
    script.opened.started_at = Micros(BASE);
    let client = |input: &Value, before: Option<&str>| {
        let create = json!({"type": "response.create", "model": "m", "input": input,
                            "previous_response_id": before});
        websockets::text(Side::Client, &create.to_string())
    };
    let server = |id: &str, items: &[Value]| -> Vec<u8> {
        let response = json!({"id": id, "model": "m", "status": "completed"});
        let done = items.iter().map(
            |item| json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        );
        let events = std::iter::once(json!({"type": "response.created", "response": response}))
            .chain(done)
            .chain([json!({"type": "response.completed", "response": response})]);
        events.flat_map(|it| websockets::text(Side::Upstream, &it.to_string())).collect()
    };
    let call = json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_0123456789",
                      "name": "exec", "input": "await tools.run()"});
    let output = json!({"type": "custom_tool_call_output", "call_id": "call_0123456789",
                        "output": [{"type": "input_text", "text": "Exit code: 3"}]});
    let asked = json!([{"role": "user", "content": "go"}]);
    let script = script
        .frame(Side::Client, &client(&asked, None))
        .frame(Side::Upstream, &server("resp_1", &[call]))
        .frame(Side::Client, &client(&json!([output]), Some("resp_1")))
        .frame(Side::Upstream, &server("resp_2", &[]));
    home.play(&script);
    told(&home, 10);
    assert_eq!(lines(&home.store), ["exec returned failed 0"]);
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn what_is_done_again_and_again_is_told_as_repeated() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    lane.turn(0, json!("go"), &[]);
    for (turn, second) in (0..3).zip([1, 3, 5]) {
        lane.messages.push(user(json!("go")));
        let call = event(&format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"tool_use","id":"toolu_0123456789{turn}","name":"Same","input":{{}}}}}}"#
        ));
        let stream = start() + &call + &arguments(0, "{}") + &block_stop(0) + &stop("tool_use", 1);
        home.play(&lane.script(second).sse().data(stream.as_bytes()).end());
        // Once more in a process that has just begun.
        told(&home, 10);
    }
    let report = home.store.tools(&ToolQuery::default()).unwrap();
    assert_eq!(report.totals.tally(ToolTally::Calls), 3);
    assert_eq!(report.totals.tally(ToolTally::Repeated), 2);
    assert_eq!(all_calls(&home.store)[2].call.as_ref().unwrap().state, ToolState::ArgsComplete);
    let (store, _folder) = home.finish();
    store.close();
}

#[test]
fn the_analyst_works_off_what_waits_and_ends_when_it_is_told_to() {
    let home = Home::new();
    let mut lane = Lane::new(&home, "s-1", None);
    lane.turn(0, json!("go"), &["Read"]);
    lane.turn(5, json!([result("Read", "text")]), &[]);
    settle(&home);
    assert_eq!(home.store.analysis_state().unwrap().waiting, 2);
    let analyst = langley_engine::Analyst::spawn(
        home.store.clone(),
        Arc::clone(&home.redactor),
        langley_engine::Bell::default(),
        langley_engine::Lookout::default(),
    )
    .unwrap();
    home.until(|home| home.store.analysis_state().unwrap().waiting == 0);
    drop(analyst);
    // The calls are told; that nobody has answered in years as well.
    assert_eq!(lines(&home.store), ["Read returned succeeded 4"]);
    let (store, _folder) = home.finish();
    store.close();
}
