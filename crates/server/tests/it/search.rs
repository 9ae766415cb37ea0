//! Search at the door: what is found and how it is shown, paging, and questions that cannot be asked.

use std::sync::Arc;

use http::StatusCode;
use langley_engine::{Bell, Indexer};
use langley_model::{Body, Flow, Record, Side};
use serde_json::{Value, json};

use crate::rig::{Rig, exchange, flow};

/// Flows whose requests carry these conversations, indexed as the server does it.
fn put(rig: &Rig, turns: &[Value]) -> Vec<Flow> {
    let flows: Vec<Flow> = (1..=turns.len() as i64).map(|at| flow(at, "s-1")).collect();
    for (flow, messages) in flows.iter().zip(turns) {
        let body = json!({ "messages": messages }).to_string().into_bytes();
        let mut records = exchange(&rig.redactor, flow);
        records.push(Record::Body(Body {
            flow: flow.id,
            side: Side::Client,
            original_len: body.len() as u64,
            bytes: rig.redactor.body(body),
            media_type: None,
            truncated: false,
            pieces: Vec::new(),
        }));
        rig.put(records);
    }
    let bell = Bell::default();
    let indexer = Indexer::spawn(rig.store.clone(), Arc::clone(&rig.redactor), bell).unwrap();
    while rig.store.index_state().unwrap().waiting > 0 {
        std::thread::yield_now();
    }
    drop(indexer);
    flows
}

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_is_found_once_although_every_turn_carries_it() {
    let rig = Rig::start().await;
    let said = json!({ "role": "assistant", "content": "done" });
    let flows = put(
        &rig,
        &[
            json!([user("find the <b>wombat</b>, quick")]),
            json!([user("find the <b>wombat</b>, quick"), said, user("and the \"other\" one")]),
        ],
    );
    let page = rig.get("/api/search?q=wombat").await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{page}");
    assert_eq!(items[0]["flow"]["id"], flows[0].id.to_string());
    assert_eq!(items[0]["flow"]["session_id"], "s-1");
    assert_eq!(page["unindexed"], 0);
    assert_eq!(
        items[0]["snippets"],
        json!([{
            "place": "prompt",
            "text": "find the <b>wombat</b>, quick",
            "highlights": [{ "start": 12, "end": 18 }],
            "cut_before": false,
            "cut_after": false,
        }])
    );
    // The answer of every flow says hello and writes a file.
    let hello = rig.get("/api/search?q=hello&place=answer&limit=1").await;
    assert_eq!(hello["items"][0]["flow"]["id"], flows[1].id.to_string());
    let next =
        format!("/api/search?q=hello&limit=1&cursor={}", hello["next_cursor"].as_str().unwrap());
    let rest = rig.get(&next).await;
    assert_eq!(rest["items"][0]["flow"]["id"], flows[0].id.to_string());
    assert_eq!(rest["next_cursor"], Value::Null);
    let tool = rig.get("/api/search?q=a.txt&place=tool_input").await;
    assert_eq!(tool["items"].as_array().unwrap().len(), 2);
    let none = rig.get("/api/search?q=hello&place=prompt").await;
    assert_eq!(none["items"], json!([]));
    let listed = rig.get("/api/flows?q=wombat").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    // Words side by side, behind an escape; all of them stand in that text in another order as well.
    for (words, found) in [("the%20other%20one", 1), ("other%20the%20one", 0)] {
        for door in ["/api/flows", "/api/search"] {
            let page = rig.get(&format!("{door}?q=%22{words}%22")).await;
            assert_eq!(page["items"].as_array().unwrap().len(), found, "{door} {words}");
        }
        let count = rig.get(&format!("/api/flows/count?q=%22{words}%22")).await;
        assert_eq!(count, json!({ "count": found }), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_cannot_be_asked_say_why_and_punctuation_is_none_of_them() {
    let rig = Rig::start().await;
    put(&rig, &[json!([user("x")])]);
    for (query, code) in [
        ("", "missing_parameter"),
        ("?q=", "missing_parameter"),
        ("?q=%22%22", "bad_parameter"),
        ("?q=ab*", "bad_parameter"),
        ("?q=word&place=nowhere", "bad_parameter"),
        ("?q=word&cursor=x", "bad_parameter"),
        ("?q=word&limit=101", "bad_parameter"),
        ("?q=word&where=x", "unknown_parameter"),
    ] {
        let answer = rig.ask(&format!("/api/search{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.error_code(), code, "{query}");
    }
    for door in ["search", "flows", "flows/count", "flows/export"] {
        let answer = rig.ask(&format!("/api/{door}?q=xai-bm*")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{door}");
        assert!(answer.text().contains("at least three letters"), "{door}: {}", answer.text());
    }
    for fine in ["NEAR(a%2C%20b)", "%22open", "a:b", "-x%20OR", "%7Bzz%7D", "it's", "x%20AND"] {
        assert_eq!(rig.get(&format!("/api/search?q={fine}")).await["items"], json!([]), "{fine}");
    }
}
