//! What the fixture sends back.

use std::time::Duration;

use langley_fixture::{Alpn, Ended, Fixture, FixtureOptions, Via};
use langley_model::HttpVersion;
use langley_testkit::{Client, ClientError, Request};

const BOUND: Duration = Duration::from_secs(10);

async fn fixture() -> Fixture {
    Fixture::start(FixtureOptions::default()).await.unwrap()
}

/// The same server over each way in: plain h1, TLS h1, TLS h2, and h2 with prior knowledge.
fn ways(fixture: &Fixture) -> Vec<Client> {
    let tls = Client::direct(&fixture.https_url()).trusting(fixture.ca_pem());
    let plain = Client::direct(&fixture.http_url());
    vec![plain.clone(), tls.clone(), tls.http2(), plain.http2()]
}

#[tokio::test]
async fn a_stream_arrives_event_by_event_over_every_way_in() {
    let fixture = fixture().await;
    for client in ways(&fixture) {
        let mut connection = client.connect().await.unwrap();
        let gate = fixture.gate("stream");
        let request = Request::messages(true).fixture("say=text;gate=stream");
        let mut response = connection.send(request).await.unwrap();
        assert_eq!(response.status, 200);
        assert!(response.headers.value("request-id").is_some());
        let mut names = Vec::new();
        while let Some(event) = response.next_event().await.unwrap() {
            names.push(event.lines().next().unwrap().replace("event: ", ""));
            // Only now may the next one leave: had anything held events back, this would hang.
            gate.open(1);
        }
        assert_eq!(
            names,
            [
                "message_start",
                "content_block_start",
                "ping",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop"
            ]
        );
    }
    let seen = fixture.exchanges();
    let versions: Vec<_> = seen.iter().map(|exchange| exchange.version).collect();
    use HttpVersion::{Http2, Http11};
    assert_eq!(versions, [Http11, Http11, Http2, Http2]);
    assert!(seen[1].alpn.as_deref() == Some("http/1.1") && seen[1].via == Via::Tls);
}

#[tokio::test]
async fn the_sink_is_every_host_it_is_asked_for() {
    let fixture = fixture().await;
    for alpn in ["http/1.1", "h2"] {
        let client = Client::through(fixture.connect_addr(), "https://api.anthropic.com")
            .trusting(fixture.ca_pem())
            .alpn(&[alpn]);
        let mut connection = client.connect().await.unwrap();
        let answer = connection.fetch(Request::get("/echo/x?y=1")).await.unwrap();
        let echo: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(echo["authority"], "api.anthropic.com");
        assert_eq!(echo["target"], "/echo/x?y=1");
    }
    assert_eq!(fixture.connects()[0].authority, "api.anthropic.com:443");
    let refused = Client::through(fixture.connect_addr(), "https://refuse.test").connect().await;
    assert!(matches!(refused, Err(ClientError::Refused(answer)) if answer.status == 502));
    let by_address = Client::through(fixture.connect_addr(), "https://10.1.2.3:8443");
    by_address.trusting(fixture.ca_pem()).connect().await.unwrap();
}

#[tokio::test]
async fn the_sink_asks_for_credentials_when_told_to() {
    let options =
        FixtureOptions { sink_credentials: Some("me:secret".into()), ..FixtureOptions::default() };
    let fixture = Fixture::start(options).await.unwrap();
    let client = Client::through(fixture.connect_addr(), "http://plain.test");
    let refused = client.connect().await;
    assert!(matches!(refused, Err(ClientError::Refused(answer)) if answer.status == 407));
    let client = client.connect_header("Proxy-Authorization", "Basic bWU6c2VjcmV0");
    let mut connection = client.connect().await.unwrap();
    let answer = connection.fetch(Request::get("/api/hello")).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn http1_header_lines_are_seen_as_they_were_sent() {
    let fixture = fixture().await;
    let mut connection = Client::direct(&fixture.http_url()).connect().await.unwrap();
    let request = Request::get("/echo?a=%20b")
        .header("X-MiXed", "1")
        .header("accept", "*/*")
        .header("X-MiXed", "2")
        .header("HOST", "other.test");
    let answer = connection.fetch(request).await.unwrap();
    let echo: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        echo["headers"].to_string(),
        r#"[["X-MiXed","1"],["accept","*/*"],["X-MiXed","2"],["HOST","other.test"]]"#
    );
    let names: Vec<_> = answer.headers.iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"X-Fixture-MiXed-Case"), "{names:?}");
    assert_eq!(answer.headers.iter().filter(|(name, _)| *name == "Set-Cookie").count(), 2);
}

#[tokio::test]
async fn a_reset_and_a_cut_look_like_breaks_and_never_like_ends() {
    let fixture = fixture().await;
    for client in ways(&fixture) {
        for wish in ["say=text;reset_after=3", "say=text;close_after=3"] {
            let mut connection = client.connect().await.unwrap();
            let mut response =
                connection.send(Request::messages(true).fixture(wish)).await.unwrap();
            let mut events = 0;
            let broken = loop {
                match response.next_event().await {
                    Ok(Some(_)) => events += 1,
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            };
            assert!(broken, "{wish}: a clean end after {events} events");
        }
    }
    assert!(fixture.exchanges().iter().all(|exchange| exchange.ended == Ended::Broken));
}

#[tokio::test]
async fn errors_have_the_providers_shape() {
    let fixture = fixture().await;
    let mut connection = Client::direct(&fixture.http_url()).connect().await.unwrap();
    for (wish, status, kind) in [
        ("status=429;retry_after=1", 429, "rate_limit_error"),
        ("status=529", 529, "overloaded_error"),
        ("error=authentication_error", 401, "authentication_error"),
        ("status=500", 500, "api_error"),
    ] {
        let answer = connection.fetch(Request::messages(true).fixture(wish)).await.unwrap();
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, error["error"]["type"].as_str()), (status, Some(kind)));
        assert_eq!(answer.headers.value("retry-after").is_some(), wish.contains("retry_after"));
    }
    let bad = connection.fetch(Request::post("/v1/messages", "no json")).await.unwrap();
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn a_missing_key_and_a_bad_request_are_refused_in_each_providers_own_way() {
    let options = FixtureOptions { require_key: true, ..FixtureOptions::default() };
    let fixture = Fixture::start(options).await.unwrap();
    let mut connection = Client::direct(&fixture.http_url()).connect().await.unwrap();
    for (path, (status, place), (key, value), (error, bad)) in [
        (
            "/v1/chat/completions",
            (401, "/error/code"),
            ("authorization", "Bearer x"),
            ("invalid_api_key", "invalid_request_error"),
        ),
        (
            "/v1beta/models/m:generateContent",
            (403, "/error/status"),
            ("x-goog-api-key", "x"),
            ("PERMISSION_DENIED", "INVALID_ARGUMENT"),
        ),
        (
            "/v1beta/models/m:streamGenerateContent",
            (403, "/0/error/status"),
            ("x-goog-api-key", "x"),
            ("PERMISSION_DENIED", "INVALID_ARGUMENT"),
        ),
        (
            "/model/m/converse",
            (403, ""),
            ("authorization", "Bearer x"),
            ("MissingAuthenticationTokenException", "ValidationException"),
        ),
    ] {
        for (request, status, kind) in [
            (Request::post(path, "{}"), status, error),
            (Request::post(path, "{}").header(key, value), 400, bad),
        ] {
            let answer = connection.fetch(request).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            // Bedrock's class stands in a header, before a colon.
            let class = answer.headers.value("x-amzn-errortype");
            let class = class.and_then(|class| class.split(':').next());
            let told = class.or_else(|| body.pointer(place)?.as_str());
            assert_eq!((answer.status, told), (status, Some(kind)), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn an_error_event_ends_the_stream_cleanly() {
    let fixture = fixture().await;
    let mut connection = Client::direct(&fixture.http_url()).connect().await.unwrap();
    let request = Request::messages(true).fixture("say=text;error_after=2");
    let answer = connection.fetch(request).await.unwrap();
    assert!(answer.text().ends_with("\"message\":\"Overloaded\"}}\n\n"), "{}", answer.text());
}

#[tokio::test]
async fn trailers_and_every_framing_carry_the_same_body() {
    let fixture = fixture().await;
    for client in ways(&fixture) {
        for wish in ["", "framing=chunked", "framing=close", "trailers", "chunk=7;framing=chunked"]
        {
            let mut connection = client.connect().await.unwrap();
            let request = Request::get("/download?bytes=200000").fixture(wish);
            let answer = connection.fetch(request).await.unwrap();
            assert_eq!(answer.body.len(), 200_000);
            let mut offset = 0;
            for piece in answer.body.chunks(5000) {
                assert_eq!(piece, langley_fixture::pattern(offset, piece.len()));
                offset += piece.len() as u64;
            }
            let trailer = answer.trailers.value("x-fixture-trailer");
            assert_eq!(trailer.is_some(), wish == "trailers");
        }
    }
}

#[tokio::test]
async fn a_head_request_gets_the_head_alone() {
    let fixture = fixture().await;
    for client in ways(&fixture) {
        let mut connection = client.connect().await.unwrap();
        let answer = connection.fetch(Request::new("HEAD", "/download?bytes=100")).await.unwrap();
        assert_eq!(answer.headers.value("content-length"), Some("100"));
        assert!(answer.body.is_empty());
        let next = connection.fetch(Request::get("/status/204")).await.unwrap();
        assert_eq!((next.status, next.body.len()), (204, 0));
        let next = connection.fetch(Request::get("/api/hello")).await.unwrap();
        assert_eq!(next.text(), r#"{"message":"hello"}"#);
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_a_stall_is_noticed() {
    let fixture = fixture().await;
    for client in ways(&fixture) {
        fixture.clear();
        let mut connection = client.connect().await.unwrap();
        let request = Request::messages(true).fixture("say=text;stall=forever");
        let mut response = connection.send(request).await.unwrap();
        assert!(response.next_event().await.unwrap().is_some());
        drop(response);
        drop(connection);
        let gone = fixture.wait_for(BOUND, |seen| {
            seen.iter().any(|exchange| exchange.ended == Ended::ClientGone).then_some(())
        });
        assert!(gone.await.is_some());
    }
}

#[tokio::test]
async fn alpn_is_what_the_options_say() {
    for (alpn, agreed) in [
        (Alpn::Both, Some("h2")),
        (Alpn::Http1, Some("http/1.1")),
        (Alpn::Http2, Some("h2")),
        (Alpn::None, None),
    ] {
        let options = FixtureOptions { alpn, ..FixtureOptions::default() };
        let fixture = Fixture::start(options).await.unwrap();
        let client = Client::direct(&fixture.https_url())
            .trusting(fixture.ca_pem())
            .alpn(&["h2", "http/1.1"]);
        let mut connection = client.connect().await.unwrap();
        assert_eq!(connection.alpn(), agreed);
        assert_eq!(connection.fetch(Request::get("/api/hello")).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn the_tool_loop_takes_five_answers_and_names_its_tools() {
    let fixture = fixture().await;
    let mut connection = Client::direct(&fixture.http_url()).connect().await.unwrap();
    let mut messages = vec![serde_json::json!({ "role": "user", "content": "go" })];
    let mut called = Vec::new();
    for _ in 0..10 {
        let body = serde_json::json!({
            "model": "claude-test-1",
            "system": "Working directory: /home/me",
            "tools": [{"name": "Bash"}, {"name": "Write"}, {"name": "Edit"}, {"name": "Read"}],
            "messages": messages,
        });
        let answer =
            connection.fetch(Request::post("/v1/messages", body.to_string())).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        messages.push(serde_json::json!({ "role": "assistant", "content": answer["content"] }));
        if answer["stop_reason"] == "end_turn" {
            break;
        }
        let mut results = Vec::new();
        for block in answer["content"].as_array().unwrap() {
            if block["type"] == "tool_use" {
                called.push(block["name"].as_str().unwrap().to_owned());
                results.push(serde_json::json!({
                    "type": "tool_result", "tool_use_id": block["id"], "content": "done",
                }));
                if block["name"] == "Write" {
                    assert_eq!(block["input"]["file_path"], "/home/me/langley-note.txt");
                }
            }
        }
        messages.push(serde_json::json!({ "role": "user", "content": results }));
    }
    assert_eq!(called, ["Bash", "Write", "Edit", "Read", "Bash"]);
    assert_eq!(fixture.exchanges().len(), 5);
}
