//! OpenAI's APIs through the real binary, over HTTP and over a WebSocket.

use futures_util::{SinkExt, StreamExt};
use langley_testkit::{Client, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{WebSocketStream, client_async, connect_async};

use crate::stage::{Provider, Stage, tool_calls};

fn chat(stream: bool) -> Value {
    json!({
        "model": "gpt-5-mini",
        "stream": stream,
        "stream_options": { "include_usage": true },
        "messages": [
            { "role": "developer", "content": "be brief" },
            { "role": "user", "content": "what is in the folder?" },
        ],
    })
}

fn responses(stream: bool) -> Value {
    json!({
        "model": "gpt-5.4-codex",
        "stream": stream,
        "instructions": "be brief",
        "prompt_cache_key": "thread-7",
        "input": [{ "type": "message", "role": "user",
            "content": [{ "type": "input_text", "text": "what is in the folder?" }] }],
    })
}

#[test]
fn both_apis_are_understood_streamed_and_whole() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    for (path, body) in [
        ("chat/completions", chat(true)),
        ("chat/completions", chat(false)),
        ("responses", responses(true)),
        ("responses", responses(false)),
    ] {
        let url = format!("https://api.openai.com/v1/{path}");
        let out = stage.curl(&url, &["authorization: Bearer sk-x", "x-fixture: say=tools"], &body);
        assert!(out.contains("Bash"), "{out}");
    }
    let flows = stage.ended_flows(4);
    for flow in &flows {
        assert_eq!(flow["outcome"], "completed", "{flow}");
        assert_eq!(flow["provider"], "openai");
        assert_eq!(flow["tool_names"], json!(["Bash", "Read"]));
        // What Anthropic counts apart is part of the input here.
        assert_eq!(flow["usage"]["input"], 110 + 8322 + 1555 + 255);
        assert_eq!(flow["usage"]["cache_read"], 8322);
        assert!(flow["preview"].as_str().unwrap().contains("what is in the folder?"), "{flow}");
        assert_eq!(flow["unknown_events"], 0);
        let is_chat = flow["path"] == "/v1/chat/completions";
        assert_eq!(flow["stop_reason"], if is_chat { "tool_calls" } else { "completed" });
        assert_eq!(flow["model"], if is_chat { "gpt-5-mini" } else { "gpt-5.4-codex" });
        if is_chat {
            assert_eq!(flow["session_source"], "inferred");
        } else {
            assert_eq!(flow["session_id"], "thread-7");
        }
        let message = stage.message(flow);
        let calls = tool_calls(&message);
        let input = calls[1]["input"].to_string();
        assert!(input.contains("/etc/hostname"), "{message}");
    }
    stage.stop();
}

/// Two calls on a WebSocket, the second of which answers the first one's tool.
async fn talk(mut socket: WebSocketStream<impl AsyncRead + AsyncWrite + Unpin>) {
    let mut first = responses(true);
    first["type"] = "response.create".into();
    first["tools"] = json!([{ "type": "custom", "name": "exec" }]);
    let mut second = first.clone();
    second["tools"] = Value::Null;
    second["input"] =
        json!([{ "type": "custom_tool_call_output", "call_id": "c", "output": "ok" }]);
    for request in [first, second] {
        socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let event = socket.next().await.unwrap().unwrap().into_text().unwrap();
            if event.contains("\"response.completed\"") {
                break;
            }
        }
    }
    socket.close(None).await.unwrap();
    // The provider's own goodbye.
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
}

#[test]
fn a_websocket_over_http2_leaves_the_record_of_one_over_http1() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let server = stage.server();
    let proxy = stage.state()["proxy"].as_str().unwrap().parse().unwrap();
    let ca = std::fs::read_to_string(stage.home().join("ca/ca.pem")).unwrap();
    let client = Client::through(proxy, "https://api.openai.com").trusting(&ca);
    let request = Request::get("/v1/responses").header("session-id", "thread-7");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = client.clone().http2().connect().await.unwrap();
        assert_eq!(connection.fetch(Request::get("/v1/models")).await.unwrap().status, 200);
        let stream = connection.websocket(&request).await.unwrap();
        talk(WebSocketStream::from_raw_socket(stream, Role::Client, None).await).await;
        let stream = client.stream().await.unwrap();
        let url = "wss://api.openai.com/v1/responses".into_client_request().unwrap();
        talk(client_async(url, stream).await.unwrap().0).await;
    });
    let flows = stage.ended_flows(7);
    let told = |status: u64| {
        let socket = flows
            .iter()
            .filter(|flow| flow["path"] == "/v1/responses" && flow["method"] != "WS")
            .find(|flow| flow["status"] == status)
            .unwrap();
        let calls: Vec<_> = flows
            .iter()
            .filter(|flow| {
                flow["method"] == "WS" && flow["connection_id"] == socket["connection_id"]
            })
            .collect();
        let kinds = |flow: &Value| {
            let id = flow["id"].as_str().unwrap();
            let events = stage.api(&format!("/api/flows/{id}/events"));
            let items = events["items"].as_array().unwrap();
            items.iter().map(|event| event["type"].clone()).collect::<Vec<_>>()
        };
        let names = ["outcome", "tool_names", "usage", "cost", "stop_reason", "model", "streaming"];
        let facts = |flow: &Value| names.map(|name| flow[name].clone());
        let calls: Vec<_> = calls.iter().map(|call| (facts(call), kinds(call))).collect();
        (calls, facts(socket), kinds(socket))
    };
    let over_http2 = told(200);
    assert_eq!(over_http2.0.len(), 2);
    assert!(over_http2.0.iter().all(|(_, events)| events.len() > 3), "{over_http2:?}");
    assert_eq!(over_http2.2, ["client.close", "provider.close"]);
    assert_eq!(over_http2, told(101));
    drop(server);
}

#[test]
fn each_call_on_a_websocket_has_its_flow() {
    let provider = Provider::start();
    let mut stage = Stage::with_provider(&provider);
    stage.set("LANGLEY_UPSTREAM_OPENAI", &provider.fixture.http_url());
    stage.set("LANGLEY_UPSTREAM_PROXY", "none");
    let server = stage.server();
    let url = format!("ws://{}/v1/responses", stage.state()["proxy"].as_str().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (socket, _) = connect_async(&url).await.unwrap();
        talk(socket).await;
    });
    let flows = stage.ended_flows(3);
    let seen: Vec<_> = flows
        .iter()
        .rev()
        .map(|flow| (&flow["method"], &flow["status"], &flow["outcome"], &flow["tool_names"]))
        .collect();
    let (ws, done) = (json!("WS"), json!("completed"));
    assert_eq!(seen[0], (&json!("GET"), &json!(101), &done, &json!([])));
    assert_eq!(seen[1], (&ws, &json!(101), &done, &json!(["exec"])));
    assert_eq!(seen[2], (&ws, &json!(101), &done, &json!([])));
    assert!(flows.iter().all(|flow| flow["mode"] == "reverse" && flow["provider"] == "openai"));
    assert!(flows[0]["preview"].as_str().unwrap().contains("langley-note.txt is written"));
    assert_eq!(flows[1]["usage"]["reasoning"], 11);
    drop(server);
}

#[test]
fn azures_deployment_is_the_model_asked_for_and_limits_are_told() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let host = "https://fixture.openai.azure.com";
    let mut ask = chat(true);
    ask.as_object_mut().unwrap().remove("model");
    let url = format!("{host}/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21");
    let out = stage.curl(&url, &["api-key: x", "x-fixture: say=tools"], &ask);
    assert!(out.contains("[DONE]"), "{out}");
    let out = stage.curl(
        &format!("{host}/openai/v1/responses"),
        &["api-key: x", "x-fixture: say=server"],
        &responses(true),
    );
    assert!(out.contains("web_search_call"), "{out}");
    for flow in &stage.ended_flows(2) {
        assert_eq!((&flow["provider"], &flow["dialect"]), (&json!("azure"), &json!("openai")));
        assert_eq!(flow["outcome"], "completed");
        let limits = &flow["rate_limits"][0];
        assert_eq!((&limits["name"], &limits["remaining"]), (&json!("requests"), &json!(9999)));
        if flow["path"].as_str().unwrap().contains("/deployments/") {
            assert_eq!(flow["model_requested"], "my-gpt");
        } else {
            assert_eq!(flow["tool_names"], json!(["web_search"]), "{flow}");
        }
    }
    stage.stop();
}
