//! Secrets in every shape and every position, through the whole program; then a search of everything that
//! is left of them: files, the uncompressed store, logs, exports, the live feed and the API's answers.

use std::collections::{BTreeSet, HashSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use futures_util::{SinkExt, StreamExt};
use langley_fixture::{Script, Turn};
use langley_model::{Body, FlowId, Record, Redactor, RedactorOptions, Side};
use langley_store::{Store, StoreOptions, Unseen};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::corpus;
use crate::stage::{Provider, Stage, wait};

/// No secret, and as long as those that are looked for: the same search must find it.
const CONTROL: &str = "planted-control-of-the-search";

/// So many bytes of a secret in one place are a find.
const PART: usize = 12;

/// How every RSA key begins, and what every certificate of one has in it: it is no secret.
const RSA: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";

/// What is looked for: every part of every secret, in lower case as the index holds it.
struct Wanted(HashSet<Vec<u8>>);

impl Wanted {
    fn new() -> Self {
        let canaries = corpus::all();
        assert!(canaries.len() > 40);
        let secrets = canaries.iter().flat_map(|canary| &canary.secrets);
        let mut parts: HashSet<_> = secrets.flat_map(|secret| Self::parts(secret)).collect();
        for part in Self::parts(RSA) {
            parts.remove(&part);
        }
        Self(parts)
    }

    fn parts(secret: &str) -> Vec<Vec<u8>> {
        let lower = secret.to_ascii_lowercase().into_bytes();
        lower.windows(PART).map(<[u8]>::to_vec).collect()
    }

    /// The parts that stand in `bytes`.
    fn found(&self, bytes: &[u8]) -> BTreeSet<String> {
        let lower = bytes.to_ascii_lowercase();
        let parts = lower.windows(PART).filter(|part| self.0.contains(*part));
        parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }
}

/// An artefact that was looked through must not be silently empty: it holds the control.
fn assert_clean(wanted: &Wanted, name: &str, bytes: &[u8]) {
    assert_eq!(wanted.found(bytes), BTreeSet::new(), "{name}");
}

fn holds_control(bytes: &[u8]) -> bool {
    bytes.windows(CONTROL.len()).any(|part| part == CONTROL.as_bytes())
}

/// Everything in one text, one after the other.
fn planted() -> String {
    let texts: Vec<String> = corpus::all().into_iter().map(|canary| canary.text).collect();
    format!("{CONTROL}\n{}\n{CONTROL}", texts.join(" \n "))
}

/// A provider that streams `text`, one byte an event, as text and as the arguments of a tool, once it is
/// let go.
fn byte_by_byte(text: &str, go: Receiver<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let event =
        |value: Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    let mut head = event(json!({ "type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
        "content": [], "usage": { "input_tokens": 1, "output_tokens": 1 },
    }}));
    let mut rest = String::new();
    let input = json!({ "command": text }).to_string();
    let blocks = [
        (json!({ "type": "text", "text": "" }), "text_delta", "text", text),
        (
            json!({ "type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {} }),
            "input_json_delta",
            "partial_json",
            input.as_str(),
        ),
    ];
    for (index, (start, kind, member, text)) in blocks.into_iter().enumerate() {
        rest += &event(
            json!({ "type": "content_block_start", "index": index, "content_block": start }),
        );
        for c in text.chars() {
            let delta = json!({ "type": kind, member: c });
            rest +=
                &event(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        }
        rest += &event(json!({ "type": "content_block_stop", "index": index }));
    }
    rest += &event(
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 9 } }),
    );
    rest += &event(json!({ "type": "message_stop" }));
    head.insert_str(
        0,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
    );
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        stream.write_all(head.as_bytes()).unwrap();
        go.recv().unwrap();
        stream.write_all(rest.as_bytes()).unwrap();
    });
    format!("http://{address}")
}

fn read_request(stream: &mut TcpStream) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 65_536]);
    loop {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "the request broke off");
        seen.extend_from_slice(&buffer[..n]);
        let Some(end) = seen.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
        if seen.len() >= end + 4 + length.trim().parse::<usize>().unwrap() {
            return;
        }
    }
}

/// The request: in headers, in the query, in the body plain and three JSONs deep, as a tool's result.
fn request(text: &str) -> Vec<u8> {
    let safe = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b));
    let shapes = corpus::shapes();
    let query: String =
        shapes.iter().filter(|c| safe(&c.text)).map(|c| format!("&n={}", c.text)).collect();
    let headers: String = shapes
        .iter()
        .enumerate()
        .map(|(n, canary)| format!("x-note-{n}: {}\r\n", canary.text))
        .collect();
    let key = &shapes[0].text;
    let nested = json!({ "a": json!({ "b": json!({ "c": text }).to_string() }).to_string() });
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 9, "stream": true, "system": text,
        "messages": [
            { "role": "user", "content": text },
            { "role": "assistant", "content": [
                { "type": "tool_use", "id": "t", "name": "Bash", "input": { "command": text, "json": nested.to_string() } },
            ]},
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t", "content": text },
                { "type": "text", "text": nested.to_string() },
            ]},
        ],
    })
    .to_string();
    format!(
        "POST /v1/messages?key={key}{query} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {key}\r\n\
         authorization: Bearer {key}\r\ncookie: a={key}\r\n{headers}content-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A request whose names are secrets: session, task, agent and model, which lists and sums are made of.
fn request_of_secret_names(key: &str) -> Vec<u8> {
    let body =
        json!({ "model": key, "messages": [{ "role": "user", "content": CONTROL }] }).to_string();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: {key}\r\n\
         x-langley-session: {key}\r\nx-langley-task: {key}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends a request on a connection of its own and reads what comes until it is closed.
fn exchange(proxy: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(proxy).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// What the live feed says of `flow` from now on until it has ended.
async fn live(stage: &Stage, flow: &str, ready: impl FnOnce()) -> Vec<u8> {
    let url = format!("ws://{}/ws", stage.state()["api"].as_str().unwrap());
    let token = std::fs::read_to_string(stage.home().join("token")).unwrap();
    let mut ask = url.into_client_request().unwrap();
    let bearer = format!("Bearer {}", token.trim());
    ask.headers_mut().insert("authorization", bearer.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(ask).await.unwrap();
    let wish = json!({ "subscribe": { "flow": flow, "flows": true } });
    socket.send(Message::text(wish.to_string())).await.unwrap();
    let (mut heard, mut ready) = (Vec::new(), Some(ready));
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.into_text() else { continue };
        if let Some(ready) = ready.take() {
            ready();
        }
        heard.extend_from_slice(text.as_bytes());
        let said: Value = serde_json::from_str(&text).unwrap_or_default();
        if said["type"] == "flow"
            && said["flow"]["id"] == flow
            && said["flow"]["outcome"].is_string()
        {
            break;
        }
    }
    heard
}

async fn speak_on_socket(stage: &Stage, text: &str) {
    let url = format!("ws://{}/v1/responses", stage.state()["proxy"].as_str().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
    let input = json!([{ "role": "user", "content": [{ "type": "input_text", "text": text }] }]);
    let ask = json!({ "type": "response.create", "model": "gpt-5.4-codex", "stream": true, "input": input });
    socket.send(Message::text(ask.to_string())).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        if message.into_text().is_ok_and(|text| text.contains("\"response.completed\"")) {
            break;
        }
    }
    socket.close(None).await.unwrap();
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
}

/// Every file below `folder` that holds a part of a secret.
fn files(wanted: &Wanted, folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(wanted, &path));
        } else if !wanted.found(&std::fs::read(&path).unwrap()).is_empty() {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_secret_is_left_anywhere_in_whatever_shape_and_position_it_came() {
    let wanted = Wanted::new();
    let text = planted();
    assert!(!wanted.found(text.as_bytes()).is_empty(), "the search finds what is there");
    let (go, gate) = sync_channel(1);
    let provider = Provider::start();
    let turn = Turn::new().text(&text).tool("exec", json!({ "command": text }));
    provider.fixture.set_script(Script::new("canary").turn(turn));
    let mut stage = Stage::new();
    stage.set("LANGLEY_UPSTREAM_ANTHROPIC", &byte_by_byte(&text, gate));
    stage.set("LANGLEY_UPSTREAM_OPENAI", &provider.fixture.http_url());
    stage.set("LANGLEY_UPSTREAM_PROXY", "none");
    stage.set("LANGLEY_LOG", "trace");
    // Each shape comes in a header of its own.
    stage.set("LANGLEY_PROXY__LIMITS__HEADER_COUNT", "300");
    // All that the server says at the finest level, beside its greeting.
    let log = stage.path("server.log");
    let output = std::fs::File::create(&log).unwrap();
    let mut server = stage
        .langley(&["start", "--no-open"])
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    wait(|| stage.home().join("state.json").exists());

    // The agent asks; the answer waits until the live feed is heard.
    let proxy = stage.state()["proxy"].as_str().unwrap().to_owned();
    let ask = request(&text);
    let agent = {
        let proxy = proxy.clone();
        std::thread::spawn(move || exchange(&proxy, &ask))
    };
    let mut flow = Value::Null;
    wait(|| {
        flow = stage.api("/api/flows")["items"].get(0).cloned().unwrap_or_default();
        flow["status"] == 200
    });
    let id = flow["id"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let heard = runtime.block_on(live(&stage, &id, || go.send(()).unwrap()));
    let answer = agent.join().unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("message_stop"), "the agent got it all");
    runtime.block_on(speak_on_socket(&stage, &text));

    assert_clean(&wanted, "the live feed", &heard);
    assert!(String::from_utf8_lossy(&heard).contains("\"type\":\"text\""), "text was live");
    exchange(&proxy, &request_of_secret_names(&corpus::all()[0].text));
    let flows = stage.ended_flows(4);
    wait(|| stage.api("/api/search?q=word")["unindexed"] == 0);
    let mut paths: Vec<String> = [
        "/api/flows",
        "/api/stats",
        "/api/facets",
        "/api/sessions",
        "/api/tasks",
        "/api/usage?group_by=model,agent,host,provider",
        "/api/tunnels",
        "/api/drops",
        "/api/stars",
        "/api/settings",
    ]
    .map(String::from)
    .to_vec();
    paths.push(format!("/api/search?q={CONTROL}"));
    for flow in &flows {
        let id = flow["id"].as_str().unwrap();
        paths.push(format!("/api/flows/{id}"));
        paths.push(format!("/api/flows/{id}/request"));
        paths.push(format!("/api/flows/{id}/response"));
        let mut after = String::new();
        loop {
            let path = format!("/api/flows/{id}/events?limit=500{after}");
            let next = stage.api(&path)["next_cursor"].as_str().map(str::to_owned);
            paths.push(path);
            let Some(next) = next else { break };
            after = format!("&after={next}");
        }
    }
    for path in &paths {
        let answer = stage.api(path);
        assert!(answer["error"].is_null(), "{path}: {answer}");
        assert_clean(&wanted, path, answer.to_string().as_bytes());
    }
    let found = stage.api(&format!("/api/search?q={CONTROL}"));
    assert!(found["items"].as_array().unwrap().len() >= 2, "what is no secret is found: {found}");
    for format in ["ndjson", "json", "csv", "html", "har"] {
        let (code, out, err) = stage.run(&["export", "flows", "--format", format]);
        assert_eq!(code, 0, "{err}");
        assert_clean(&wanted, format, out.as_bytes());
        assert!(!matches!(format, "html" | "har") || holds_control(out.as_bytes()), "{format}");
    }
    let (code, out, err) = stage.run(&["flows", "--search", CONTROL]);
    assert!(code == 0 && holds_control(out.as_bytes()), "{err}");
    assert_clean(&wanted, "flows --search", out.as_bytes());

    for listing in ["sessions", "tasks"] {
        let (code, out, err) = stage.run(&[listing, "--json"]);
        assert!(code == 0 && out.contains("[redacted:"), "{out}{err}");
        assert_clean(&wanted, listing, out.as_bytes());
    }

    // What is left once the server has ended.
    stage.stop();
    server.wait().unwrap();
    let log = std::fs::read(log).unwrap();
    assert!(log.len() > 100, "the log was kept: {}", String::from_utf8_lossy(&log));
    assert_clean(&wanted, "the log", &log);
    assert_eq!(files(&wanted, &stage.home()), Vec::<std::path::PathBuf>::new());
    let store = Store::open_read_only(stage.home().join("langley.db")).unwrap();
    let mut controls = BTreeSet::new();
    let unseen = store
        .texts(|spot, text| {
            assert_clean(&wanted, &format!("{spot:?}"), text);
            if holds_control(text) {
                controls.insert(spot.table.to_owned());
            }
        })
        .unwrap();
    assert_eq!(unseen, Unseen::default());
    assert!(controls.contains("blobs"), "{controls:?}");

    let (code, out, err) = stage.run(&["audit", "redaction", "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["found"], json!({}));
    for canary in corpus::all() {
        assert!(report["replaced"][canary.rule].as_u64() > Some(0), "{}: {report}", canary.rule);
    }
    // A planted one is found by the same searches.
    let planted = stage.home().join("planted");
    std::fs::write(&planted, &corpus::all()[0].text).unwrap();
    assert_eq!(files(&wanted, &stage.home()), [planted]);
}

#[test]
fn the_audit_names_a_secret_that_somebody_stored() {
    let stage = Stage::new();
    std::fs::create_dir(stage.home()).unwrap();
    let careless = RedactorOptions { api_keys: false, ..RedactorOptions::default() };
    let careless = Redactor::new(careless).unwrap();
    let store =
        Store::open(StoreOptions::new(stage.home().join("langley.db")), Box::new(|_| {})).unwrap();
    let secret = &corpus::all()[0].text;
    // Long and dull enough to be kept compressed.
    let body = format!("{}{secret}", "dull words ".repeat(500));
    let mut flow = langley_model::Flow::new(
        FlowId::new(),
        langley_model::ConnectionId::new(),
        langley_model::Micros::now(),
    );
    flow.outcome = Some(langley_model::Outcome::Completed);
    flow.path = format!("/v1?api_key={secret}");
    let body = Body {
        flow: flow.id,
        side: Side::Client,
        original_len: body.len() as u64,
        bytes: careless.body(body.into_bytes()),
        media_type: None,
        truncated: false,
        pieces: Vec::new(),
    };
    let records = vec![Record::Flow(std::sync::Arc::new(flow)), Record::Body(body)];
    store.submit(records.into_iter().map(|record| careless.seal(record)).collect()).unwrap();
    store.flush().unwrap();
    store.close();
    let (code, out, err) = stage.run(&["audit", "redaction", "--json"]);
    assert_eq!(code, 1, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let places: BTreeSet<_> = report["finds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|find| (find["table"].as_str().unwrap(), find["column"].as_str().unwrap()))
        .collect();
    assert!(
        places.contains(&("blobs", "bytes")) && places.contains(&("flows", "path")),
        "{report}"
    );
    assert!(!out.contains(secret.as_str()), "a find is not shown");
    let (code, out, _) = stage.run(&["audit", "redaction"]);
    assert!(code == 1 && out.contains("blobs.bytes"), "{out}");
}

#[test]
fn the_audit_searches_with_every_rule_whatever_is_switched_off_and_each_place_says_what_is() {
    let provider = Provider::start();
    let mut stage = Stage::with_provider(&provider);
    stage.set("LANGLEY_REDACTION__BODIES__REDACT_API_KEYS", "false");
    let key = "redaction.bodies.redact_api_keys";
    let server = stage.server();
    let secret = &corpus::all()[0].text;
    let message = json!({ "role": "user", "content": format!("my key is {secret}") });
    let body = json!({ "model": "claude-sonnet-5", "max_tokens": 9, "messages": [message] });
    stage.curl("https://api.anthropic.com/v1/messages", &[], &body);
    stage.ended_flows(1);
    let (_, out, _) = stage.run(&["doctor"]);
    assert!(out.contains(&format!("`{key}` is false")), "{out}");
    let (code, _, said) = stage.run(&["config", "check"]);
    assert!(code == 0 && said.contains(&format!("`{key}` is false")), "{said}");
    let (_, _, said) = stage.run(&["start", "--no-open"]);
    assert!(said.contains(&format!("`{key}` is false")), "{said}");
    // A shell that does not ask for it learns it of the server.
    stage.set("LANGLEY_REDACTION__BODIES__REDACT_API_KEYS", "true");
    let (_, _, said) = stage.run(&["start", "--no-open"]);
    assert!(said.contains(&format!("the server that runs has `{key}` false")), "{said}");
    stage.set("LANGLEY_REDACTION__BODIES__REDACT_API_KEYS", "false");
    stage.stop();
    assert_eq!(server.exit_code(), Some(0));
    let (code, out, said) = stage.run(&["audit", "redaction", "--json"]);
    assert_eq!(code, 1, "{out}{said}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(report["found"]["anthropic_key"].as_u64() > Some(0), "{report}");
    assert!(report["switched_off"][0].as_str().unwrap().contains(key), "{report}");
}
