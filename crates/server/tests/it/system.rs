//! The machine's own doors: stats, metrics, setup, settings, facets, tunnels, drops, the stop.

use std::sync::Arc;
use std::time::Duration;

use http::header;
use langley_model::{FlowId, Mode, Outcome, Record};
use serde_json::json;

use crate::rig::{Rig, dropped, exchange, flow, tunnel};

#[tokio::test(flavor = "multi_thread")]
async fn stats_and_metrics_tell_the_same() {
    let rig = Rig::start().await;
    let one = flow(1, "s");
    rig.put(exchange(&rig.redactor, &one));
    rig.put([tunnel(), dropped(Some(one.id))]);
    let stats = rig.get("/api/stats").await;
    assert_eq!(stats["flows_total"], 1);
    assert_eq!(stats["events_total"], 3);
    assert_eq!(stats["tunnels_total"], 1);
    assert_eq!(stats["open_flows"], 0);
    assert_eq!(stats["lost_flows"], 0);
    assert_eq!(stats["drops"]["total"], 5);
    assert_eq!(
        stats["drops"]["by_reason"],
        json!({"capture_queue_full": 0, "no_room_for_flow": 0, "too_many_open_flows": 0,
               "tunnel_lost": 0, "write_failed": 0, "writer_queue_full": 5})
    );
    for member in ["items", "bytes", "high_water", "strains_total"] {
        assert!(stats["queue"][member].is_u64() && stats["intake"][member].is_u64(), "{stats}");
    }
    assert_eq!(
        (&stats["queue"]["state"], &stats["intake"]["state"]),
        (&json!("calm"), &json!("calm"))
    );
    assert_eq!(stats["memory"], json!({"flows": 0, "evicted_total": 0}));
    let members =
        "gaps_total writer_lag_ms db_bytes wal_bytes uptime_s decode_errors tokens_waiting";
    for member in members.split(' ') {
        assert!(stats[member].is_u64(), "{member}: {stats}");
    }
    assert!(stats["db_bytes"].as_u64().unwrap() > 0);
    assert_eq!(stats["proxy_connections"], 3);
    assert_eq!(stats["tokens_given_up"], 0);
    assert_eq!(stats["version"], "0.0.0-test");
    assert!(stats["redactions"].is_array() && stats["recorder"].is_object());

    let metrics = rig.ask("/metrics").await;
    assert!(metrics.header(header::CONTENT_TYPE).starts_with("text/plain; version=0.0.4"));
    for line in [
        "# TYPE langley_flows_total counter",
        "langley_flows_total 1",
        "langley_events_total 3",
        "langley_drops_total{reason=\"writer_queue_full\"} 5",
        "langley_queue_items{queue=\"writer\"} 0",
        "langley_proxy_connections 3",
        "langley_queue_strain{queue=\"intake\"} 0",
        "langley_memory_flows 0",
    ] {
        assert!(metrics.text().lines().any(|shown| shown == line), "{line}\n{}", metrics.text());
    }
    for line in metrics.text().lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_are_trusted_without_a_check_are_told_with_the_figures() {
    let rig = Rig::start().await;
    assert_eq!(rig.get("/api/stats").await["insecure_hosts"], serde_json::json!(["lab.example"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_recorder_thread_is_told_to_whoever_asks() {
    let rig = Rig::start().await;
    assert_eq!(rig.get("/api/health").await["status"], "ok");
    rig.threads_failed.store(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(rig.get("/api/health").await["status"], "degraded");
    assert_eq!(rig.get("/api/stats").await["recorder"]["threads_failed"], 1);
    let metrics = rig.ask("/metrics").await;
    assert!(metrics.text().lines().any(|line| line == "langley_recorder_threads_failed 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_fills_up_is_told_to_whoever_asks() {
    let rig = Rig::start().await;
    // The writer waits, and all that comes waits for the writer.
    let held = rig.hold_the_writer();
    let records = (0..8_500).map(|number| Record::Flow(Arc::new(flow(number, "s"))));
    let sealed = records.map(|record| rig.redactor.seal(record)).collect();
    rig.store.submit(sealed).unwrap();
    assert_eq!(rig.get("/api/health").await["status"], "strained");
    let stats = rig.get("/api/stats").await;
    assert_eq!(
        (&stats["queue"]["state"], &stats["queue"]["strains_total"]),
        (&json!("high"), &json!(1))
    );
    let metrics = rig.ask("/metrics").await;
    let line = "langley_queue_strain{queue=\"writer\"} 1";
    assert!(metrics.text().lines().any(|shown| shown == line), "{}", metrics.text());
    drop(held);
    tokio::task::block_in_place(|| rig.store.flush()).unwrap();
    assert_eq!(rig.get("/api/health").await["status"], "ok");
    assert_eq!(rig.get("/api/stats").await["queue"]["strains_total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_checklist_advances_with_the_traffic() {
    let rig = Rig::start().await;
    let before = rig.get("/api/setup").await;
    assert_eq!(
        before["checklist"],
        json!({"proxy_up": true, "trust_ready": false, "first_byte": false, "first_token": false})
    );
    assert_eq!(before["proxy_url"], "http://127.0.0.1:9090");
    assert_eq!(before["ca_fingerprint"], "AA:BB");
    for command in before["commands"].as_array().unwrap() {
        assert!(!command["label"].as_str().unwrap().is_empty());
        assert!(!command["command"].as_str().unwrap().is_empty());
    }
    assert_eq!(
        before["clients"],
        json!([{
            "name": "An agent",
            "run": "langley run -- agent",
            "proxied": "HTTPS_PROXY=http://127.0.0.1:9090 agent",
            "proxied_note": null,
            "based": null
        }])
    );
    let mut started = flow(1, "s");
    started.usage.output = None;
    rig.put([Record::Flow(Arc::new(started.clone()))]);
    let during = rig.get("/api/setup").await;
    assert_eq!(
        during["checklist"],
        json!({"proxy_up": true, "trust_ready": true, "first_byte": true, "first_token": false})
    );
    rig.put([Record::Flow(Arc::new(flow(2, "s")))]);
    assert_eq!(rig.get("/api/setup").await["checklist"]["first_token"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn langleys_own_answers_are_no_step_of_the_first_run() {
    let rig = Rig::start().await;
    let unreached = |number, method: &str, path: &str| {
        let mut flow = flow(number, "s");
        (flow.method, flow.path, flow.status) = (method.into(), path.into(), Some(502));
        flow.mode = Mode::Forward;
        flow.outcome = Some(Outcome::UpstreamGone);
        flow.error_kind = Some("upstream_unreachable".into());
        flow.usage.output = None;
        Record::Flow(Arc::new(flow))
    };
    let steps = |trust, byte| json!({"proxy_up": true, "trust_ready": trust, "first_byte": byte, "first_token": false});
    rig.put([unreached(1, "CONNECT", "")]);
    assert_eq!(rig.get("/api/setup").await["checklist"], steps(false, false));
    // Inside the agent's TLS: it trusts the certificate.
    rig.put([unreached(2, "POST", "/v1/messages")]);
    assert_eq!(rig.get("/api/setup").await["checklist"], steps(true, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_that_have_no_record_are_told_apart_from_what_others_lack() {
    let rig = Rig::start().await;
    let one = flow(1, "s");
    let records = [Some(one.id), Some(FlowId::new()), Some(FlowId::new())].map(dropped);
    rig.put([Record::Flow(Arc::new(one))].into_iter().chain(records));
    let stats = rig.get("/api/stats").await;
    assert_eq!(stats["drops"]["total"], 15, "observations, of whatever flow");
    assert_eq!(stats["drops"]["flows_unrecorded"], 2);
    assert_eq!(stats["drops"]["flows_unrecorded_more"], false);
    let metrics = rig.ask("/metrics").await;
    assert!(metrics.text().contains("\nlangley_flows_unrecorded 2\n"), "{}", metrics.text());
    // Of what was lost by several together nobody knows.
    rig.put([dropped(None)]);
    assert_eq!(rig.get("/api/stats").await["drops"]["flows_unrecorded_more"], true);
    // What cannot be read is not none.
    rig.sqlite("UPDATE drops SET reason = x'ff' WHERE flow_id IS NULL");
    let unknown = rig.get("/api/stats").await;
    assert_eq!(unknown["drops"]["flows_unrecorded"], json!(null), "{unknown}");
    let metrics = rig.ask("/metrics").await;
    assert!(!metrics.text().contains("langley_flows_unrecorded"), "{}", metrics.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_tunnels_drops_and_settings_are_lists() {
    let rig = Rig::start().await;
    let one = flow(1, "s");
    rig.put([Record::Flow(Arc::new(one.clone())), tunnel(), dropped(Some(one.id)), dropped(None)]);
    let facets = rig.get("/api/facets").await;
    for (facet, value) in [
        ("hosts", "api.anthropic.com"),
        ("providers", "anthropic"),
        ("models", "claude-test"),
        ("outcomes", "completed"),
    ] {
        assert_eq!(facets[facet], json!([{"value": value, "count": 1}]), "{facet}");
    }
    let session = json!({
        "value": "s", "count": 1, "first_at": "2023-11-14T22:13:21.000000Z", "opening": null,
    });
    assert_eq!(facets["sessions"], json!([session]));
    assert_eq!(facets["limit"], 200);
    let searched = rig.get("/api/facets?q=ANTHROPIC").await;
    assert_eq!(searched["hosts"], facets["hosts"]);
    assert_eq!((&searched["models"], &searched["sessions"]), (&json!([]), &json!([])));
    let tunnels = rig.get("/api/tunnels").await;
    assert_eq!(tunnels["items"][0]["host"], "example.test");
    assert_eq!(tunnels["items"][0]["why"], "not_listed");
    assert_eq!(tunnels["items"][0]["started_at"], "2023-11-14T22:13:20.000000Z");
    assert_eq!(tunnels["next_cursor"], json!(null));

    let newest = rig.get("/api/drops?limit=1").await;
    let cursor = newest["next_cursor"].as_str().unwrap();
    let older = rig.get(&format!("/api/drops?limit=1&cursor={cursor}")).await;
    let flows = [&newest["items"][0]["flow_id"], &older["items"][0]["flow_id"]];
    assert!(flows.contains(&&json!(one.id.to_string())) && flows.contains(&&json!(null)));
    assert_eq!(older["next_cursor"], json!(null));

    let settings = rig.get("/api/settings").await;
    let items = json!([{"key": "proxy.port", "value": 9090, "source": "default",
        "origin": "default"}]);
    assert_eq!(settings["items"], items);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_stops_when_it_is_told() {
    let mut rig = Rig::start().await;
    rig.get("/api/stats").await;
    rig.stop.take().unwrap().send(()).unwrap();
    let refused = async {
        while tokio::net::TcpStream::connect(rig.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
}
