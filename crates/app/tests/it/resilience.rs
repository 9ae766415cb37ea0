//! What is left after the process was killed in the middle of everything.

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
