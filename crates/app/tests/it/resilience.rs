//! What is left after the process was killed in the middle of everything.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use langley_fixture::FixtureOptions;
use langley_testkit::{Client, Request};

use crate::stage::{Provider, Stage, wait};

/// Streams that run when the process is killed.
const STREAMS: usize = 200;
/// Events each has sent by then: start, block start, and this many texts.
const TEXTS: usize = 20;

#[test]
fn a_killed_server_opens_again_with_every_flow_ended_and_every_committed_event_intact() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let server = stage.server();
    let proxy = stage.state()["proxy"].as_str().unwrap().parse().unwrap();
    let ca = std::fs::read_to_string(stage.home().join("ca/ca.pem")).unwrap();

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = Client::through(proxy, "https://api.anthropic.com:443").trusting(&ca).prepared();
    let wish = format!("events={};stall=forever;stall_after={}", TEXTS + 5, TEXTS + 2);
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (client, wish) = (client.clone(), wish.clone());
            runtime.spawn(async move {
                let mut connection = client.connect().await.unwrap();
                let request = Request::messages(true).fixture(&wish);
                let mut answer = connection.send(request).await.unwrap();
                while let Some(Ok(_)) = answer.next().await {}
            })
        })
        .collect();

    let mut committed = 0;
    wait(|| {
        let stats = stage.api("/api/stats");
        committed = stats["events_total"].as_u64().unwrap();
        stats["open_flows"] == STREAMS && committed >= (STREAMS * (TEXTS + 2)) as u64
    });
    // SIGKILL: nothing in the process can prepare for it.
    drop(server);
    for stream in streams {
        runtime.block_on(stream).unwrap();
    }

    let _again = stage.server();
    let stats = stage.api("/api/stats");
    assert_eq!(stats["open_flows"], 0);
    assert_eq!(stats["lost_flows"], STREAMS);
    assert!(stats["events_total"].as_u64().unwrap() >= committed, "{stats}");
    let page = stage.api("/api/flows?limit=500&outcome=lost");
    let flows = page["items"].as_array().unwrap();
    assert_eq!(flows.len(), STREAMS);
    for flow in flows.iter().step_by(20) {
        let id = flow["id"].as_str().unwrap();
        let page = stage.api(&format!("/api/flows/{id}/events?limit=500"));
        let events = page["items"].as_array().unwrap();
        assert!(events.len() >= TEXTS, "{id}: {}", events.len());
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event["seq"], index, "{id}");
            let data: serde_json::Value =
                serde_json::from_str(event["data"].as_str().unwrap()).unwrap();
            assert_eq!(data["type"], event["type"], "{id}");
        }
    }
}

#[test]
fn a_locked_database_costs_records_that_are_counted_and_shown_but_no_traffic() {
    // The same question is answered with the same bytes each time.
    let options = FixtureOptions { fixed_ids: true, ..FixtureOptions::default() };
    let provider = Provider::with(options);
    let mut stage = Stage::with_provider(&provider);
    // Small enough that flows which cannot be written soon find no room.
    stage.set("LANGLEY_PERSISTENCE__QUEUE_MAX_ITEMS", "100");
    let _server = stage.server();
    let proxy = stage.state()["proxy"].as_str().unwrap().parse().unwrap();
    let ca = std::fs::read_to_string(stage.home().join("ca/ca.pem")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::through(proxy, "https://api.anthropic.com:443").trusting(&ca).prepared();
    // One exchange, which must be whole whatever becomes of its record.
    let exchange = || {
        runtime.block_on(async {
            let mut connection = client.connect().await.unwrap();
            let request = Request::messages(true).fixture("script=chat");
            let mut answer = connection.send(request).await.unwrap();
            assert_eq!(answer.status, 200);
            let mut body = Vec::new();
            while let Some(piece) = answer.next().await {
                body.extend_from_slice(&piece.unwrap());
            }
            body
        })
    };
    let whole = exchange();
    assert!(whole.windows(12).any(|window| window == b"message_stop"));
    stage.ended_flows(1);

    let mut holder = Command::new("sqlite3")
        .arg(stage.home().join("langley.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words = holder.stdin.take().unwrap();
    words.write_all(b"BEGIN EXCLUSIVE; SELECT 'held';\n").unwrap();
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    let total = |stats: &serde_json::Value| stats["drops"]["total"].as_u64().unwrap();
    let before = stage.api("/api/stats");
    let mut sent = 1;
    wait(|| {
        assert!(exchange() == whole, "what passes changed while nothing could be written");
        sent += 1;
        let stats = stage.api("/api/stats");
        stats["writer_failing"] == true && total(&stats) > total(&before)
    });

    // The lock goes with its holder; then everything that still had room is written.
    drop(words);
    holder.wait().unwrap();
    wait(|| stage.api("/api/stats")["writer_failing"] == false);
    assert!(exchange() == whole);
    sent += 1;
    wait(|| {
        let stats = stage.api("/api/stats");
        let newest = &stage.api("/api/flows?limit=1")["items"][0];
        stats["writer_lag_ms"] == 0 && newest["outcome"] == "completed"
    });
    let stats = stage.api("/api/stats");
    assert!(stats["flows_total"].as_u64().unwrap() <= sent);
    assert!(total(&stats) > total(&before));
    assert_ne!(stage.api("/api/drops")["items"], serde_json::json!([]));
    assert_eq!(provider.fixture.exchanges().len() as u64, sent);
}
