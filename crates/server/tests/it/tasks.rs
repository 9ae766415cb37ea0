//! Tasks, subagents and timelines, as the doors tell them.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use langley_model::{Attributed, Flow, INFERRED, MicroUsd, Outcome, Record};
use serde_json::{Value, json};

use crate::rig::{Rig, flow};

fn record(flow: &Flow) -> Record {
    Record::Flow(Arc::new(flow.clone()))
}

fn attributed(id: &str, source: &'static str) -> Option<Attributed> {
    Some(Attributed { id: id.to_owned(), source })
}

/// Four turns of a session, two of them a subagent's, and one of a task that was inferred.
fn work() -> Vec<Flow> {
    let mut flows: Vec<Flow> = (0..5).map(|second| flow(second, "s/1")).collect();
    for flow in &mut flows {
        flow.task = attributed("s/1", "session");
        flow.cost = Some(MicroUsd(10));
    }
    for place in [1, 2] {
        flows[place].agent_id = Some("sub".into());
    }
    // Codex names the session's own thread as well.
    flows[3].agent_id = Some("s/1".into());
    flows[3].outcome = Some(Outcome::ProviderError);
    flows[3].error_kind = Some("overloaded_error".into());
    flows[3].retry_of = Some(flows[1].id);
    flows[2].tool_names = vec!["Bash".into(), "Bash".into()];
    flows[2].ttft = Some(Duration::from_millis(20));
    (flows[4].session, flows[4].task) = (None, attributed("inferred-1", INFERRED));
    flows
}

fn ids(told: &Value) -> Vec<&str> {
    told["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_listed_shown_and_left_out() {
    let rig = Rig::start().await;
    rig.put(work().iter().map(record));
    let all = rig.get("/api/tasks").await;
    assert_eq!((ids(&all), &all["complete"]), (vec!["inferred-1", "s/1"], &json!(true)));
    assert_eq!(ids(&rig.get("/api/tasks?inferred=false").await), ["s/1"]);
    assert_eq!(ids(&rig.get("/api/tasks?session=s%2F1").await), ["s/1"]);
    let page = rig.get("/api/tasks?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = rig.get(&format!("/api/tasks?limit=1&cursor={cursor}")).await;
    assert_eq!((ids(&rest), &rest["next_cursor"]), (vec!["s/1"], &Value::Null));
    let one = rig.get("/api/tasks/s%2F1").await;
    assert_eq!(one, rest["items"][0]);
    assert_eq!((&one["source"], &one["session_id"]), (&json!("session"), &json!("s/1")));
    assert_eq!(one["totals"]["cost"], json!({"micro_usd": 40}));
    assert_eq!(one["totals"]["flows"]["total"], 4);
    assert_eq!(rig.ask("/api/tasks/nobody").await.status, StatusCode::NOT_FOUND);
    for wrong in ["inferred=maybe", "limit=0", "cursor=x", "host=x"] {
        let answer = rig.ask(&format!("/api/tasks?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_tells_what_its_subagents_cost() {
    let rig = Rig::start().await;
    rig.put(work().iter().map(record));
    let shown = rig.get("/api/sessions/s%2F1").await;
    let agents = shown["agents"].as_array().unwrap();
    assert_eq!((agents.len(), &agents[0]["agent_id"]), (1, &json!("sub")));
    assert_eq!(agents[0]["totals"]["cost"], json!({"micro_usd": 20}));
    assert_eq!(agents[0]["first_at"], "2023-11-14T22:13:21.000000Z");
    assert_eq!(agents[0]["last_at"], "2023-11-14T22:13:22.000000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_has_every_turn_in_order_and_in_its_lane() {
    let rig = Rig::start().await;
    let flows = work();
    rig.put(flows.iter().map(record));
    let told = rig.get("/api/sessions/s%2F1/timeline").await;
    let items = told["items"].as_array().unwrap();
    let lanes: Vec<_> = items.iter().map(|it| (&it["flow_id"], &it["agent_id"])).collect();
    let lane = |place: usize, agent| (json!(flows[place].id.to_string()), agent);
    let expected =
        [lane(0, Value::Null), lane(1, json!("sub")), lane(2, json!("sub")), lane(3, Value::Null)];
    assert_eq!(lanes, expected.iter().map(|(id, agent)| (id, agent)).collect::<Vec<_>>());
    assert_eq!(
        (&items[2]["ttft_ms"], &items[2]["cost"]),
        (&json!(20.0), &json!({"micro_usd": 10}))
    );
    assert_eq!(items[2]["tool_names"], json!(["Bash", "Bash"]));
    assert_eq!(
        (&items[3]["outcome"], &items[3]["error_kind"]),
        (&json!("provider_error"), &json!("overloaded_error"))
    );
    assert_eq!(items[3]["retry_of"], json!(flows[1].id.to_string()));
    assert_eq!(items[0]["retry_of"], Value::Null);
    let shown = rig.get(&format!("/api/flows/{}", flows[3].id)).await;
    assert_eq!(shown["retry_of"], items[3]["retry_of"]);
    let first = rig.get("/api/sessions/s%2F1/timeline?limit=3").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = rig.get(&format!("/api/sessions/s%2F1/timeline?limit=3&cursor={cursor}")).await;
    assert_eq!((&rest["items"][0], &rest["next_cursor"]), (&items[3], &Value::Null));
    assert_eq!(rig.ask("/api/sessions/nobody/timeline").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        rig.ask("/api/sessions/s%2F1/timeline?limit=501").await.status,
        StatusCode::BAD_REQUEST
    );
}
