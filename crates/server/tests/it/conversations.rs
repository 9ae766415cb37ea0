//! Conversations, the ledger and the bringing in of transcripts, as the doors tell them.

use std::fs;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{Rig, TOKEN};

async fn post(rig: &Rig, path: &str, body: &str) -> Value {
    let token = format!("Bearer {TOKEN}");
    rig.send_body(Method::POST, path, &[("authorization", &token)], body).await.json()
}

async fn status(rig: &Rig, path: &str) -> StatusCode {
    rig.ask(path).await.status
}

fn line(members: &Value) -> String {
    let mut line =
        json!({ "sessionId": "S", "cwd": "/w", "timestamp": "2025-09-01T10:00:00.000Z" });
    line.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    format!("{line}\n")
}

fn prompt(uuid: &str, parent: &str, text: &str) -> String {
    line(
        &json!({ "type": "user", "uuid": uuid, "parentUuid": parent, "message": { "role": "user", "content": text } }),
    )
}

fn answer(uuid: &str, parent: &str, id: &str) -> String {
    line(&json!({
        "type": "assistant", "uuid": uuid, "parentUuid": parent, "requestId": format!("req_{id}"),
        "message": { "id": format!("msg_{id}"), "model": "claude-opus-5-5", "content": [{ "type": "text", "text": id }],
            "usage": { "input_tokens": 1, "output_tokens": 2 } },
    }))
}

async fn rig() -> (Rig, Value) {
    let rig = Rig::start().await;
    let folder = rig.store.path().with_file_name("transcripts");
    fs::create_dir_all(&folder).unwrap();
    let text = [
        prompt("p", "", "fix the shop"),
        answer("a", "p", "one"),
        prompt("q", "a", "no, that"),
        answer("b", "q", "two"),
        prompt("r", "a", "rather this"),
        line(&json!({ "type": "mode", "uuid": "n" })),
        answer("c", "r", "three"),
        line(
            &json!({ "type": "user", "uuid": "s", "isSidechain": true, "agentId": "x", "message": { "content": "look" } }),
        ),
    ];
    fs::write(folder.join("S.jsonl"), text.concat()).unwrap();
    let done = post(&rig, "/api/import", "").await;
    (rig, done)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_listed_and_told_with_its_branches_and_lanes() {
    let (rig, done) = rig().await;
    assert_eq!((&done["lines"], &done["responses"]), (&json!(8), &json!(3)));
    let page = rig.get("/api/conversations?agent=claude-code&q=SHOP&model=claude-opus-5-5").await;
    let item = &page["items"][0];
    assert_eq!((&item["id"], &item["project"]), (&json!("S"), &json!("/w")));
    assert_eq!((&item["first_prompt"], &item["messages"]), (&json!("fix the shop"), &json!(6)));
    assert!(item["cost"]["micro_usd"].as_i64().unwrap() > 0);
    assert_eq!(rig.get("/api/conversations?agent=codex").await["items"], json!([]));

    let told = rig.get("/api/conversations/S").await;
    let lines = told["items"].as_array().unwrap();
    let places: Vec<Value> =
        lines.iter().map(|it| json!([it["uuid"], it["branch"], it["lane"]])).collect();
    let expected = [
        json!(["p", 0, 0]),
        json!(["a", 0, 0]),
        json!(["q", 1, 0]),
        json!(["b", 1, 0]),
        json!(["r", 0, 0]),
        json!(["c", 0, 0]),
        json!(["s", 0, 1]),
    ];
    assert_eq!(places, expected);
    assert_eq!(told["branches"][1]["from"], "a");
    assert_eq!(
        (&told["lanes"][1]["agent_id"], &told["lanes"][0]["responses"]),
        (&json!("x"), &json!(3))
    );
    assert_eq!(
        (&told["lanes"][1]["prompt"], &told["lanes"][0]["prompt"]),
        (&json!("look"), &Value::Null)
    );
    assert_eq!((&lines[0]["content"], &told["complete"]), (&Value::Null, &json!(true)));
    assert_eq!(lines[1]["src"]["line"], 2);

    let whole = rig.get("/api/conversations/S?content=true&notes=true&branch=1").await;
    assert_eq!(whole["items"][0]["content"]["message"]["content"], "no, that");
    assert_eq!(
        rig.get("/api/conversations/S?notes=true").await["items"].as_array().unwrap().len(),
        8
    );

    // In pages, each line once.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rig.get(&format!("/api/conversations/S?limit=3{cursor}")).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|it| it["uuid"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["p", "a", "q", "b", "r", "c", "s"].map(Value::from));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subagents_lane_has_the_name_that_its_agent_notes_beside_its_transcript() {
    let (rig, _) = rig().await;
    let folder = rig.store.path().with_file_name("transcripts").join("S/subagents");
    fs::create_dir_all(&folder).unwrap();
    let asked = json!({ "type": "user", "uuid": "t", "isSidechain": true, "agentId": "y", "message": { "content": "find it" } });
    fs::write(folder.join("agent-y.jsonl"), line(&asked)).unwrap();
    let note = json!({ "agentType": "Explore", "description": "Find the parser" });
    fs::write(folder.join("agent-y.meta.json"), note.to_string()).unwrap();
    post(&rig, "/api/import", "").await;
    let told = rig.get("/api/conversations/S").await;
    let lane = &told["lanes"][2];
    assert_eq!((&lane["agent_id"], &lane["prompt"]), (&json!("y"), &json!("find it")));
    assert_eq!(
        (&lane["agent_type"], &lane["description"]),
        (&json!("Explore"), &json!("Find the parser"))
    );
    assert_eq!(told["lanes"][1]["agent_type"], Value::Null, "nothing is noted of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_or_brought_in_says_why() {
    let (rig, _) = rig().await;
    let nobody = status(&rig, "/api/conversations/nobody").await;
    assert_eq!(nobody, StatusCode::NOT_FOUND);
    assert_eq!(status(&rig, "/api/conversations/S?cursor=x").await, StatusCode::BAD_REQUEST);
    let ledger = rig.get("/api/sessions/S/ledger").await;
    assert_eq!(
        (&ledger["wire"]["responses"], &ledger["transcript"]["responses"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(ledger["gaps"][0]["reason"], "before_record");
    assert_eq!(status(&rig, "/api/sessions/nobody/ledger").await, StatusCode::NOT_FOUND);
    let refused = post(&rig, "/api/import", r#"{"paths":["here"]}"#).await;
    assert_eq!(refused["error"]["code"], "bad_import");
    let stats = rig.get("/api/stats").await;
    assert_eq!(
        (&stats["transcripts"]["lines"], &stats["transcripts"]["files"]),
        (&json!(8), &json!(1))
    );
}

async fn delete(rig: &Rig, path: &str) -> (StatusCode, Value) {
    let token = format!("Bearer {TOKEN}");
    let answer = rig.send_body(Method::DELETE, path, &[("authorization", &token)], "").await;
    (answer.status, answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_deleted_and_stays_away_until_it_is_asked_for() {
    let (rig, _) = rig().await;
    let (status, deleted) = delete(&rig, "/api/conversations/S").await;
    assert_eq!(
        (status, &deleted["lines"], &deleted["responses"]),
        (StatusCode::OK, &json!(8), &json!(3))
    );
    assert!(deleted["files"][0].as_str().unwrap().ends_with("S.jsonl"));
    assert_eq!(rig.ask("/api/conversations/S").await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&rig, "/api/conversations/S").await.0, StatusCode::NOT_FOUND);
    let path = rig.store.path().with_file_name("transcripts").join("S.jsonl");
    let more = fs::read_to_string(&path).unwrap() + &prompt("t", "c", "more");
    fs::write(&path, more).unwrap();
    let done = post(&rig, "/api/import", "").await;
    assert_eq!((&done["lines"], &done["left_out"]), (&json!(0), &json!(1)));
    let kept = &rig.get("/api/stats").await["transcripts"];
    assert_eq!((&kept["deleted_conversations"], &kept["left_out"]), (&json!(1), &json!(1)));
    let done = post(&rig, "/api/import", r#"{"again":true}"#).await;
    assert_eq!((&done["lines"], &done["left_out"]), (&json!(9), &json!(0)));
    assert_eq!(rig.get("/api/conversations/S").await["first_prompt"], "fix the shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_of_a_session_are_deleted_with_its_conversation_where_that_is_asked_for() {
    let (rig, _) = rig().await;
    let (_, deleted) = delete(&rig, "/api/flows?session=S").await;
    assert_eq!(deleted, json!({ "deleted": 0 }), "its conversation stays");
    assert_eq!(rig.ask("/api/conversations/S").await.status, StatusCode::OK);
    let (status, refused) = delete(&rig, "/api/flows?conversation=true").await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!("bad_parameter"))
    );
    assert_eq!(
        delete(&rig, "/api/flows?session=S&conversation=yes").await.0,
        StatusCode::BAD_REQUEST
    );
    let (_, deleted) = delete(&rig, "/api/flows?session=S&conversation=true").await;
    assert_eq!((&deleted["deleted"], &deleted["conversation"]["lines"]), (&json!(0), &json!(8)));
    assert_eq!(rig.ask("/api/conversations/S").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_told_from_transcripts_that_no_flow_tells_of() {
    let (rig, _) = rig().await;
    let none = rig.get("/api/analytics/cost?group_by=model").await;
    assert_eq!((&none["totals"]["flows"], &none["source"]), (&json!(0), &json!("record")));

    let told = rig.get("/api/analytics/cost?from=transcripts&group_by=day,model").await;
    // Three answers of one input and two output tokens: 1 × 4 + 2 × 20 millionths each.
    let item = &told["items"][0];
    assert_eq!((&item["day"], &item["model"]), (&json!("2025-09-01"), &json!("claude-opus-5-5")));
    assert_eq!((&item["flows"], &item["cost"]), (&json!(3), &json!({ "micro_usd": 132 })));
    assert_eq!(item["cost_by_class"]["output"], json!({ "micro_usd": 120 }));
    assert_eq!((&told["source"], &told["read"]["files"]), (&json!("transcripts"), &json!(1)));

    let count = async |query: &str| {
        let page = rig.get(&format!("/api/analytics/cost?from=transcripts&{query}")).await;
        page["totals"]["flows"].clone()
    };
    for (query, expected) in [
        ("session=S", 3),
        ("session=T", 0),
        ("model=claude-opus-5-5", 3),
        ("model=claude-opus", 0),
        ("agent=claude-code&project=w", 3),
        ("agent=codex", 0),
        ("provider=openai", 0),
        ("since=2025-09-02", 0),
        ("until=2025-09-02", 3),
    ] {
        assert_eq!(count(query).await, json!(expected), "{query}");
    }
    let classes = rig.get("/api/analytics/cost?from=transcripts&group_by=class").await;
    assert_eq!(classes["items"].as_array().unwrap().len(), 7);

    let blocks = "/api/analytics/blocks?from=transcripts&since=2025-09-01&until=2025-09-02";
    let blocks = rig.get(blocks).await;
    assert_eq!(blocks["items"][0]["flows"], 3);

    for refused in [
        "from=files",
        "from=transcripts&group_by=tool",
        "from=transcripts&group_by=day,day",
        "from=transcripts&group_by=day,model,session,project,agent",
        "from=transcripts&host=api.anthropic.com",
    ] {
        let path = format!("/api/analytics/cost?{refused}");
        assert_eq!(status(&rig, &path).await, StatusCode::BAD_REQUEST, "{refused}");
    }
}
