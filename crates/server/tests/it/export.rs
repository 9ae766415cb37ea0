//! Exports: valid in every form, redacted, and no larger in memory than a piece.

use http::StatusCode;
use langley_engine::new_text;
use langley_model::{
    Block, Body, Content, MicroUsd, Micros, Mode, Provider, Record, Redactor, RedactorOptions,
    Side, Tokens,
};
use langley_server::{ExportFormat, Exported, write_export};
use langley_store::{FlowFilter, IndexEntry, Retention, Store, Told};
use serde_json::{Value, json};

use crate::rig::{Rig, exchange, flow};

const KEY: &str = "sk-ant-api03-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry";

fn body(rig: &Rig, flow: &langley_model::Flow, text: &str) -> Record {
    raw_body(rig, flow, &json!({ "messages": [{ "role": "user", "content": text }] }))
}

fn raw_body(rig: &Rig, flow: &langley_model::Flow, body: &Value) -> Record {
    let bytes = body.to_string();
    Record::Body(Body {
        flow: flow.id,
        side: Side::Client,
        original_len: bytes.len() as u64,
        bytes: rig.redactor.body(bytes.into_bytes()),
        media_type: Some("application/json".into()),
        truncated: false,
        pieces: Vec::new(),
    })
}

/// Every member that HAR 1.2 requires, of the type that it has there.
fn assert_har(har: &Value) {
    let log = &har["log"];
    assert_eq!(log["version"], "1.2");
    texts(&log["creator"], "name version");
    assert!(log["pages"].is_array());
    for entry in log["entries"].as_array().unwrap() {
        assert_har_entry(entry);
    }
}

fn assert_har_entry(entry: &Value) {
    let (request, response) = (&entry["request"], &entry["response"]);
    texts(entry, "startedDateTime connection");
    texts(request, "method url httpVersion");
    texts(response, "statusText httpVersion redirectURL");
    texts(&response["content"], "mimeType");
    assert!(entry["cache"].is_object() && response["status"].is_u64(), "{entry}");
    assert!(response["content"]["size"].is_u64(), "{entry}");
    for message in [request, response] {
        for size in ["headersSize", "bodySize"] {
            assert!(message[size].as_i64().unwrap() >= -1, "{message}");
        }
        pairs(&message["headers"]);
        assert_eq!(message["cookies"], json!([]));
    }
    pairs(&request["queryString"]);
    if let Some(data) = request.get("postData") {
        texts(data, "mimeType text");
    }
    let timings = entry["timings"].as_object().unwrap();
    let ms = |phase: &str| timings[phase].as_f64().unwrap();
    for (phase, time) in timings {
        let may_be_absent = !["send", "wait", "receive"].contains(&phase.as_str());
        let time = time.as_f64().unwrap();
        assert!(time >= 0.0 || (may_be_absent && time == -1.0), "{phase}: {entry}");
    }
    assert!(ms("ssl") <= ms("connect"), "{entry}");
    let phases = ["blocked", "dns", "connect", "send", "wait", "receive"];
    let sum: f64 = phases.map(|phase| ms(phase).max(0.0)).iter().sum();
    assert!((entry["time"].as_f64().unwrap() - sum).abs() < 1e-6, "{entry}");
}

fn texts(object: &Value, names: &str) {
    for name in names.split(' ') {
        assert!(object[name].is_string(), "{name} is no text in {object}");
    }
}

fn pairs(list: &Value) {
    list.as_array().unwrap().iter().for_each(|pair| texts(pair, "name value"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_holds_headers_bodies_events_and_socket_messages() {
    let rig = Rig::start().await;
    let mut http = flow(1, "s");
    http.path = "/v1/messages?a=1&b=x%20y".into();
    http.mode = Mode::Reverse;
    http.connect = Some(std::time::Duration::from_millis(5));
    http.tls = Some(std::time::Duration::from_millis(7));
    http.ttfb = Some(std::time::Duration::from_millis(100));
    let mut socket = flow(2, "s");
    socket.method = "WS".into();
    (socket.mode, socket.connect, socket.tls) = (Mode::Forward, http.connect, http.tls);
    (socket.host, socket.port) = ("::1".into(), 8443);
    for flow in [&http, &socket] {
        let mut records = exchange(&rig.redactor, flow);
        records.push(body(&rig, flow, &format!("hello {KEY}")));
        rig.put(records);
    }
    let answer = rig.ask("/api/flows/export?format=har").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.text().contains(KEY) && answer.text().contains("[redacted:anthropic_key]"));
    let har = answer.json();
    assert_har(&har);
    let [first, second] = har["log"]["entries"].as_array().unwrap().as_slice() else {
        panic!("{har}")
    };
    assert_eq!(first["request"]["url"], "https://api.anthropic.com/v1/messages?a=1&b=x%20y");
    assert_eq!(first["request"]["queryString"][1], json!({ "name": "b", "value": "x y" }));
    assert_eq!(first["request"]["headers"][1], json!({ "name": "X-Custom", "value": "one" }));
    assert!(first["request"]["postData"]["text"].as_str().unwrap().contains("hello"));
    assert_eq!(first["timings"]["connect"], 12.0);
    assert_eq!(first["timings"]["ssl"], 7.0);
    assert_eq!(second["timings"]["connect"], -1.0, "made for a CONNECT, before the request");
    assert!(second["request"]["url"].as_str().unwrap().starts_with("https://[::1]:8443/"));
    let text = first["response"]["content"]["text"].as_str().unwrap();
    assert!(text.starts_with("event: message_start\ndata: {\"n\":0}\n\n"), "{text}");
    let messages = second["_webSocketMessages"].as_array().unwrap();
    let kinds: Vec<_> = messages.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["send", "receive", "receive", "receive"]);
    assert_eq!(messages[1]["data"], "{\"n\":0}");
    assert_eq!(second["request"]["postData"], Value::Null);
    assert_eq!(second["comment"], Value::Null);

    // What is damaged is left out and told, and the rest of the archive is whole.
    rig.sqlite("UPDATE event_blocks SET codec = 99");
    let har = rig.ask("/api/flows/export?format=har").await.json();
    assert_har(&har);
    let [first, second] = har["log"]["entries"].as_array().unwrap().as_slice() else {
        panic!("{har}")
    };
    assert_eq!(second["comment"], "3 more messages are damaged and left out");
    assert_eq!(second["_webSocketMessages"].as_array().unwrap().len(), 1);
    let told = first["response"]["content"]["comment"].as_str().unwrap();
    assert!(told.ends_with("; 3 more are damaged and left out"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_flows_are_left_out_of_every_form_and_told() {
    let rig = Rig::start().await;
    for second in 0..4 {
        let mut one = flow(second, "s");
        one.dropped_events = if second == 3 { 7 } else { 0 };
        let mut records = exchange(&rig.redactor, &one);
        records.push(body(&rig, &one, &format!("words {second}")));
        rig.put(records);
    }
    assert_eq!(rig.get("/api/health").await["status"], "ok");
    rig.sqlite("UPDATE flows SET port = 'x' WHERE n = (SELECT min(n) FROM flows)");
    // What the request of another one is made of is gone.
    rig.sqlite(
        "DELETE FROM blobs WHERE id = (SELECT request_body FROM flows ORDER BY n LIMIT 1 OFFSET 1)",
    );
    let page = rig.get("/api/flows").await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["damaged"]), (3, &json!(1)));
    for format in ExportFormat::ALL {
        let mut out = Vec::new();
        let all = FlowFilter::default();
        let place = (&rig.store, Told::Open);
        let done = write_export(place, &rig.redactor, &all, format, &mut out).unwrap();
        let has_parts = matches!(format, ExportFormat::Html | ExportFormat::Har);
        let incomplete = u64::from(has_parts);
        assert_eq!(done, Exported { flows: 3, damaged: 1, incomplete }, "{format:?}");
        let answer = rig.ask(&format!("/api/flows/export?format={}", format.as_str())).await;
        assert_eq!(answer.text().as_bytes(), out, "{format:?}");
        let text = answer.text();
        let left_out = "1 flows are damaged in the database and left out";
        match format {
            ExportFormat::Ndjson => {
                let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
                assert_eq!(last, json!({ "damaged": 1, "note": left_out }));
            }
            ExportFormat::Json => assert_eq!(answer.json()["damaged"], 1),
            ExportFormat::Csv => assert_eq!(text.lines().count(), 4),
            ExportFormat::Html => {
                assert!(text.contains(&format!("3 flows; {left_out}; of 1 flows a damaged part")));
                assert!(text.contains("<p>not all of it is recorded: 7 stream events could"));
            }
            ExportFormat::Har => {
                assert_har(&answer.json());
                let log = &answer.json()["log"];
                assert!(log["comment"].as_str().unwrap().starts_with(left_out), "{log}");
                let told = |at: usize| log["entries"][at]["comment"].as_str().unwrap_or_default();
                assert!(told(0).contains("a part of this flow is damaged"), "{log}");
                assert_eq!(told(1), "");
                assert!(told(2).starts_with("not all of it is recorded: 7 stream events"), "{log}");
            }
        }
    }
    assert_eq!(rig.get("/api/health").await["status"], "degraded");
    assert_eq!(rig.get("/api/stats").await["damaged_flows"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_cannot_begin_is_answered_as_the_failure_it_is() {
    let rig = Rig::start().await;
    rig.put([Record::Flow(std::sync::Arc::new(flow(1, "s")))]);
    rig.sqlite(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'flows'; PRAGMA schema_version = 9999",
    );
    for path in ["/api/flows/export", "/api/flows"] {
        let answer = rig.ask(path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(answer.error_code(), "damaged", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_text_and_the_type_of_one_that_is_gone_are_kept_in_an_archive() {
    let rig = Rig::start().await;
    let one = flow(1, "s");
    let mut records = exchange(&rig.redactor, &one);
    let Record::Body(mut bytes) = body(&rig, &one, "") else { unreachable!() };
    bytes.bytes = rig.redactor.body(vec![0xff, 0, 0xfe]);
    records.push(Record::Body(bytes));
    rig.put(records);
    let entry = |har: Value| har["log"]["entries"][0].clone();
    let first = entry(rig.ask("/api/flows/export?format=har").await.json());
    let data = &first["request"]["postData"];
    assert_eq!((&data["text"], &data["_encoding"]), (&json!("/wD+"), &json!("base64")));
    assert_eq!(first["response"]["content"]["mimeType"], "text/event-stream");
    let retention = Retention { flows_days: 36_500, bodies_days: 36_500, ..Retention::default() };
    rig.store.maintain(&retention, Micros::now()).unwrap();
    let later = entry(rig.ask("/api/flows/export?format=har").await.json());
    assert!(later["response"]["content"]["comment"].as_str().unwrap().contains("removed"));
    assert_eq!(later["response"]["content"]["mimeType"], "text/event-stream", "{later}");
    let message = later["response"]["content"]["text"].as_str().unwrap();
    let message: Value = serde_json::from_str(message).unwrap();
    assert_eq!(message["blocks"][0]["text"], "Hello", "what it said is kept for longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_needs_nothing_else_and_nothing_recorded_is_markup() {
    let rig = Rig::start().await;
    let one = flow(1, "<s>");
    let mut records = exchange(&rig.redactor, &one);
    records.push(body(
        &rig,
        &one,
        &format!("<img src=https://x.example/a onerror=alert(1)> {KEY}"),
    ));
    rig.put(records);
    let answer = rig.ask("/api/flows/export?format=html&session=%3Cs%3E").await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let page = answer.text();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("&lt;img src=https://x.example/a onerror=alert(1)&gt;"));
    assert!(page.contains("<section><h3>Answer</h3><pre>Hello</pre>") && page.contains("a.txt"));
    assert!(page.contains("Session &lt;s&gt;") && !page.contains(KEY));
    for outside in ["<script", "<img", "<link", "src=\"", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for inside in ["prefers-color-scheme:dark", "default-src 'none'"] {
        assert!(page.contains(inside), "{inside}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_all_of_a_long_text_and_names_the_port() {
    let rig = Rig::start().await;
    let mut one = flow(1, "s");
    one.port = 8443;
    let mut records = exchange(&rig.redactor, &one);
    let long = format!("{}and the end", "words ".repeat(60_000));
    assert!(long.len() > 256 << 10);
    records.push(body(&rig, &one, &long));
    rig.put(records);
    let page = rig.ask("/api/flows/export?format=html").await;
    assert!(page.text().contains("words and the end"));
    let heading = format!("POST {}:8443{}", one.host, one.path);
    assert!(page.text().contains(&heading), "{heading}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_of_ids_costs_no_form_a_flow() {
    let rig = Rig::start().await;
    for second in 0..3 {
        let one = flow(second, "s");
        let mut records = exchange(&rig.redactor, &one);
        records.push(body(&rig, &one, &format!("words {second}")));
        rig.put(records);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    rig.sqlite(&format!("VACUUM INTO '{}'", path.display()));
    let sql = "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'flows_by_id'";
    let told = std::process::Command::new("sqlite3").arg(&path).arg(sql).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let (page, size) = told.trim().split_once('|').unwrap();
    let (page, size): (usize, usize) = (page.parse().unwrap(), size.parse().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(page - 1) * size..page * size].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let store = Store::open_read_only(path).unwrap();
    for format in ExportFormat::ALL {
        let (all, place) = (FlowFilter::default(), (&store, Told::Open));
        let mut out = Vec::new();
        let done = write_export(place, &rig.redactor, &all, format, &mut out).unwrap();
        assert_eq!(done, Exported { flows: 3, ..Exported::default() }, "{format:?}");
        let has_bodies = matches!(format, ExportFormat::Html | ExportFormat::Har);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.contains("words 1"), has_bodies, "{format:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_counts_input_as_the_lists_do() {
    let rig = Rig::start().await;
    let (claude, mut gpt) = (flow(1, "s"), flow(2, "s"));
    gpt.path = "/v1/responses".into();
    gpt.provider = Some(Provider::OpenAi);
    gpt.usage.input = Some(Tokens(10_242));
    gpt.usage.cache_read = Some(Tokens(10_000));
    rig.put([claude, gpt].map(|flow| Record::Flow(std::sync::Arc::new(flow))));
    let answer = rig.ask("/api/flows/export?format=html&session=s").await;
    let page = answer.text();
    for told in
        ["12 uncached input tokens", "242 uncached input tokens", "10000 read from the cache"]
    {
        assert!(page.contains(&format!(" · {told}")), "{told}: {page}");
    }
    assert!(!page.contains("10242"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_keeps_calls_apart_and_the_values_of_one_together() {
    let rig = Rig::start().await;
    let mut one = flow(1, "s");
    one.cost = Some(MicroUsd(1_234_567));
    one.tool_names = vec!["Write".into(), "Bash".into()];
    let mut records = exchange(&rig.redactor, &one);
    let result =
        |id: &str, text: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": text });
    let results = [result("t1", "first result"), result("t2", "second result")];
    let said = json!({ "messages": [
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": "Write", "input": {} }] },
        { "role": "user", "content": results },
    ] });
    for record in &mut records {
        if let Record::Message(_, message) = record {
            let call = |index, input: Value| Block {
                index,
                content: Content::ToolUse {
                    id: format!("t{index}"),
                    name: "Write".into(),
                    input: input.to_string(),
                },
                complete: true,
            };
            message.blocks = vec![
                call(0, json!({ "a": "path of one", "b": "words of one" })),
                call(1, json!({ "a": "path of two" })),
            ];
        }
    }
    records.push(raw_body(&rig, &one, &said));
    rig.put(records);
    let page = rig.ask("/api/flows/export?format=html").await;
    let page = page.text();
    for told in [
        " · $1.2346 · called Write, Bash</h2>",
        "<summary>Tool result</summary><pre>first result</pre>",
        "<summary>Tool result</summary><pre>second result</pre>",
        "<summary>Tool input</summary><pre>path of one\nwords of one</pre>",
        "<summary>Tool input</summary><pre>path of two</pre>",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_writes_as_many_flows_as_there_are_and_empty_ones_are_valid() {
    let rig = Rig::start().await;
    let records = (0..450).map(|second| flow(second, "s"));
    rig.put(records.map(|flow| Record::Flow(std::sync::Arc::new(flow))));
    for format in ExportFormat::ALL {
        for (session, flows) in [("s", 450), ("none", 0)] {
            let filter = FlowFilter { session: Some(session.into()), ..FlowFilter::default() };
            let mut out = Vec::new();
            assert_eq!(
                write_export((&rig.store, Told::Open), &rig.redactor, &filter, format, &mut out)
                    .unwrap(),
                Exported { flows, ..Exported::default() }
            );
            let text = String::from_utf8(out).unwrap();
            let found = match format {
                ExportFormat::Ndjson => text.lines().count(),
                ExportFormat::Csv => text.lines().count() - 1,
                ExportFormat::Html => text.matches("<article").count(),
                ExportFormat::Json => {
                    let json: Value = serde_json::from_str(&text).unwrap();
                    json["items"].as_array().unwrap().len()
                }
                ExportFormat::Har => {
                    let har = serde_json::from_str(&text).unwrap();
                    assert_har(&har);
                    har["log"]["entries"].as_array().unwrap().len()
                }
            };
            assert_eq!(found as u64, flows, "{format:?}");
        }
    }
}

/// Counts what is written and keeps nothing.
struct Largest(usize);

impl std::io::Write for Largest {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_gathers_more_than_a_flow_before_it_writes() {
    let rig = Rig::start().await;
    for at in 0..40 {
        let one = flow(at, "s");
        let mut records = exchange(&rig.redactor, &one);
        records.push(body(&rig, &one, &"word ".repeat(2_000)));
        rig.put(records);
    }
    for format in ExportFormat::ALL {
        let mut out = Largest(0);
        write_export(
            (&rig.store, Told::Open),
            &rig.redactor,
            &FlowFilter::default(),
            format,
            &mut out,
        )
        .unwrap();
        assert!(out.0 < 40_000, "{format:?}: {}", out.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_form_is_refused_with_the_known_ones() {
    let rig = Rig::start().await;
    let answer = rig.ask("/api/flows/export?format=xml").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json()["error"]["hint"].as_str().unwrap().contains("html, har"));
}

/// What is stored may have hidden from the rules of its time; the rules in force look at every text.
#[tokio::test(flavor = "multi_thread")]
async fn pages_and_snippets_show_what_the_redactor_leaves_of_a_text() {
    let rig = Rig::start().await;
    let options = RedactorOptions { api_keys: false, ..RedactorOptions::default() };
    let lax = Redactor::new(options).unwrap();
    let one = flow(1, "s");
    let text = format!("wombat {KEY}");
    let bytes = json!({ "messages": [{ "role": "user", "content": text }] }).to_string();
    let mut records = exchange(&rig.redactor, &one);
    let Record::Body(mut body) = body(&rig, &one, "") else { unreachable!() };
    body.bytes = lax.body(bytes.into_bytes());
    records.push(Record::Body(body));
    rig.put(records);
    let stored = rig.store.body(one.id, Side::Client).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&stored.bytes).contains(KEY));
    let page = rig.ask("/api/flows/export?format=html").await;
    assert!(page.text().contains("wombat [redacted:") && !page.text().contains(KEY));
    let text = new_text(&rig.store, &rig.redactor, one.id, true).unwrap();
    let revision = rig.store.flow(one.id).unwrap().unwrap().revision();
    rig.store.index(vec![IndexEntry { revision, text }]).unwrap();
    let found = rig.ask("/api/search?q=wombat").await;
    assert!(found.text().contains("wombat [redacted:") && !found.text().contains(KEY));
}
