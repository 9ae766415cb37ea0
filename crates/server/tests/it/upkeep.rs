//! Maintenance, stars, and how both are told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Method, StatusCode};
use langley_model::{CaptureSink, Record};
use langley_server::LiveOptions;
use serde_json::{Value, json};

use crate::rig::{Answer, Rig, TOKEN, exchange, flow, tunnel};

async fn send(rig: &Rig, method: Method, path: &str) -> Answer {
    rig.send(method, path, &[("authorization", &format!("Bearer {TOKEN}"))]).await
}

async fn done(rig: &Rig, method: Method, path: &str) -> Value {
    let answer = send(rig, method, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_removes_what_is_too_old_and_says_so_everywhere() {
    let rig = Rig::start().await;
    for session in ["dear", "plain"] {
        rig.put(exchange(&rig.redactor, &flow(1, session)));
    }
    let before = rig.get("/api/stats").await;
    assert_eq!(before["maintenance"]["last"], Value::Null);
    let star = done(&rig, Method::POST, "/api/sessions/dear/star").await;
    assert!(star["starred_at"].is_string());

    let run = done(&rig, Method::POST, "/api/db/maintain").await;
    assert_eq!((&run["flows"], &run["events"]), (&json!(1), &json!(3)), "{run}");
    let left = rig.get("/api/flows").await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(left["items"][0]["session_id"], "dear");
    let after = rig.get("/api/stats").await;
    assert_eq!(after["maintenance"]["last"], run);
    assert_eq!(after["maintenance"]["failed"], false);
    assert_eq!((&after["flows"], &after["flows_total"]), (&json!(1), &json!(2)));
    rig.store.plan_maintenance(langley_model::Micros(1_800_000_000_500_000));
    let planned = &rig.get("/api/stats").await["maintenance"]["next_at"];
    assert_eq!(*planned, "2027-01-15T08:00:00.500000Z");
    let metrics = rig.ask("/metrics").await;
    for line in [
        "langley_maintenance_last_removed{kind=\"flows\"} 1",
        "langley_maintenance_last_removed{kind=\"events\"} 3",
        "langley_maintenance_running 0",
        "langley_maintenance_next_timestamp_seconds 1800000000",
        "langley_maintenance_failed 0",
        "langley_wal_bytes 0",
    ] {
        assert!(metrics.text().lines().any(|shown| shown == line), "{line}\n{}", metrics.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_starred_once_and_unstarred_whether_or_not_it_was() {
    let rig = Rig::start().await;
    rig.put(exchange(&rig.redactor, &flow(1, "a/b c")));
    assert_eq!(rig.get("/api/stars").await["items"], json!([]));
    let path = "/api/sessions/a%2Fb%20c/star";
    let first = done(&rig, Method::POST, path).await;
    assert_eq!(done(&rig, Method::POST, path).await, first);
    assert_eq!(rig.get("/api/stars").await["items"], json!([first]));
    let without = json!({"session_id": "a/b c", "starred_at": null});
    assert_eq!(done(&rig, Method::DELETE, path).await, without);
    assert_eq!(done(&rig, Method::DELETE, path).await, without);
    let unknown = send(&rig, Method::POST, "/api/sessions/nobody/star").await;
    assert_eq!((unknown.status, &*unknown.error_code()), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_took_from_a_flow_is_told_apart_from_what_never_was() {
    let rig = Rig::start().await;
    let mut one = flow(1, "s");
    // Older than events may become, and younger than flows.
    one.started_at = langley_model::Micros(langley_model::Micros::now().0 - 1_000_000);
    rig.put(exchange(&rig.redactor, &one));
    let path = |part: &str| format!("/api/flows/{}/{part}", one.id);
    assert_eq!(rig.get(&path("events")).await["retired"], false);
    let retention =
        langley_store::Retention { events_days: 1, bodies_days: 1, ..Default::default() };
    let later = one.started_at.plus(Duration::from_secs(2 * 86_400));
    let store = rig.store.clone();
    tokio::task::block_in_place(|| store.maintain(&retention, later)).unwrap();
    let events = rig.get(&path("events")).await;
    assert_eq!((&events["retired"], &events["total"]), (&json!(true), &json!(0)));
    let request = rig.get(&path("request")).await;
    assert_eq!((&request["body"], &request["body_retired"]), (&Value::Null, &json!(true)));
    let response = rig.get(&path("response")).await;
    assert_eq!(response["body_retired"], false);
    assert!(response["message"].is_object());
    let har = rig.get("/api/flows/export?format=har").await;
    let entry = &har["log"]["entries"][0];
    let content = &entry["response"]["content"];
    assert!(content["text"].as_str().unwrap().contains("Hello"), "its message: {entry}");
    assert!(entry["request"]["postData"].is_null(), "{entry}");
    for said in [content, &entry["request"]] {
        assert!(said["comment"].as_str().unwrap().contains("removed because"), "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_folded_back_and_free_pages_given_back() {
    let rig = Rig::start().await;
    rig.put((0..200).flat_map(|n| exchange(&rig.redactor, &flow(n, "s"))));
    let folded = done(&rig, Method::POST, "/api/db/checkpoint").await;
    assert_eq!(folded["busy"], false);
    assert_eq!(rig.get("/api/stats").await["wal_bytes"], 0);
    assert_eq!(done(&rig, Method::DELETE, "/api/flows").await["deleted"], 200);
    let free = rig.get("/api/stats").await["db_free_bytes"].as_u64().unwrap();
    let freed = done(&rig, Method::POST, "/api/db/vacuum").await["freed_bytes"].as_u64().unwrap();
    assert!(free > 0 && freed > 0, "{free} free, {freed} freed");
    assert_eq!(rig.get("/api/stats").await["db_free_bytes"], 0);
    let locked = rig.send(Method::POST, "/api/db/vacuum", &[]).await;
    assert_eq!(locked.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_commits_what_waits_for_the_writer_and_what_the_recorder_still_holds() {
    let rig = Rig::with_batch(LiveOptions::default(), Duration::from_secs(3600)).await;
    let listed = async || rig.get("/api/flows/count").await["count"].clone();
    let sealed = exchange(&rig.redactor, &flow(1, "s")).into_iter();
    rig.store.submit(sealed.map(|record| rig.redactor.seal(record)).collect()).unwrap();
    assert_eq!(listed().await, 0, "it waits for company");
    let flushed = done(&rig, Method::POST, "/api/db/flush").await;
    assert_eq!(flushed, json!({ "complete": true }));
    assert_eq!(listed().await, 1);

    // What the recorder has not worked off yet is waited for, but not for ever.
    let Record::Tunnel(tunnel) = tunnel() else { unreachable!() };
    CaptureSink::tunnel(&*rig.intake, tunnel);
    let behind = done(&rig, Method::POST, "/api/db/flush").await;
    assert_eq!(behind, json!({ "complete": false }));
    rig.worked_off.store(1, Ordering::Relaxed);
    let flushed = done(&rig, Method::POST, "/api/db/flush").await;
    assert_eq!(flushed, json!({ "complete": true }));
    // A thread that died works nothing off any more: nobody waits for it.
    rig.threads_failed.store(1, Ordering::Relaxed);
    let dead = done(&rig, Method::POST, "/api/db/flush").await;
    assert_eq!(dead, json!({ "complete": false }));
}
