//! What changed in a request, and bodies in pieces as the API shows them.

use std::ops::Range;
use std::sync::Arc;

use http::StatusCode;
use langley_model::{Body, Flow, Record, Side};
use serde_json::{Value, json};

use crate::rig::{Rig, flow};

const TOOL: &str = r#"{"name":"Read"}"#;
const FIRST: &str = r#"{"role":"user","content":"Fix it"}"#;
const SAID: &str = r#"{"role":"assistant","content":"Fixed"}"#;
const NEXT: &str = r#"{"role":"user","content":"Thanks"}"#;

fn conversation(messages: &[&str]) -> String {
    format!(
        r#"{{"model":"m","tools":[{TOOL}],"messages":[{}],"system":"Be brief"}}"#,
        messages.join(", ")
    )
}

fn places(text: &str, pieces: &[&str]) -> Vec<Range<usize>> {
    let place = |piece: &&str| {
        let start = text.find(piece).unwrap();
        start..start + piece.len()
    };
    pieces.iter().map(place).collect()
}

fn put(rig: &Rig, flow: &Flow, text: &str, pieces: Vec<Range<usize>>) {
    let body = Body {
        flow: flow.id,
        side: Side::Client,
        bytes: rig.redactor.body(text.into()),
        pieces,
        media_type: None,
        original_len: text.len() as u64,
        truncated: false,
    };
    rig.put(vec![Record::Flow(Arc::new(flow.clone())), Record::Body(body)]);
}

fn amount(pieces: usize, bytes: usize) -> Value {
    json!({"pieces": pieces, "bytes": bytes})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_compared_with_the_one_it_goes_on_from() {
    let rig = Rig::start().await;
    let other = flow(0, "another session");
    put(&rig, &other, &conversation(&[FIRST, SAID]), Vec::new());
    let first = flow(1, "s");
    let text = conversation(&[FIRST]);
    put(&rig, &first, &text, places(&text, &[TOOL, FIRST, "\"Be brief\""]));
    // A title that the same agent asks for in between.
    let aside = flow(2, "s");
    put(&rig, &aside, r#"{"messages":[{"role":"user","content":"A title"}]}"#, Vec::new());
    let mut subagent = flow(3, "s");
    subagent.agent_id = Some("sub".into());
    put(&rig, &subagent, &conversation(&[FIRST, SAID, NEXT]), Vec::new());
    let second = flow(4, "s");
    let text = conversation(&[FIRST, SAID, NEXT]);
    put(&rig, &second, &text, places(&text, &[TOOL, FIRST, SAID, NEXT, "\"Be brief\""]));

    let shown = rig.get(&format!("/api/flows/{}/request", second.id)).await;
    assert_eq!(shown["body"]["text"], text, "put together as it was");
    assert_eq!(shown["body"]["stored_bytes"], text.len());

    let diff = rig.get(&format!("/api/flows/{}/diff", second.id)).await;
    assert_eq!(diff["against"], first.id.to_string());
    assert_eq!((&diff["diverges"], &diff["truncated"]), (&Value::Null, &json!(false)));
    let added = json!([
        {"kind": "assistant", "position": 1, "bytes": SAID.len(), "text": SAID},
        {"kind": "user", "position": 2, "bytes": NEXT.len(), "text": NEXT},
    ]);
    assert_eq!((&diff["added"], &diff["removed"]), (&added, &json!([])));
    let user = json!({
        "kind": "user", "now": amount(2, FIRST.len() + NEXT.len()), "added": amount(1, NEXT.len()),
        "removed": amount(0, 0),
    });
    let kinds: Vec<_> =
        diff["parts"].as_array().unwrap().iter().map(|p| p["kind"].clone()).collect();
    assert_eq!(kinds, ["tools", "system", "user", "assistant", "rest"]);
    assert_eq!(diff["parts"][2], user);

    let diff = rig.get(&format!("/api/flows/{}/diff?against={}", second.id, aside.id)).await;
    assert_eq!(diff["against"], aside.id.to_string());
    let divergence = json!({
        "kind": "tools", "position": 0, "offset": 0,
        "before": r#"{"role":"user","content":"A title"}"#, "after": TOOL,
    });
    assert_eq!(diff["diverges"], divergence);

    let diff = rig.get(&format!("/api/flows/{}/diff", first.id)).await;
    assert_eq!((&diff["against"], &diff["diverges"]), (&Value::Null, &Value::Null));
    assert_eq!(diff["added"].as_array().unwrap().len(), 4, "tool, system, message, rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_after_a_change_of_model_is_compared_with_the_one_before() {
    let rig = Rig::start().await;
    let (first, mut second) = (flow(1, "s"), flow(2, "s"));
    put(&rig, &first, &conversation(&[FIRST]), Vec::new());
    second.model_requested = Some("another".into());
    put(&rig, &second, &conversation(&[FIRST, SAID]), Vec::new());
    let diff = rig.get(&format!("/api/flows/{}/diff", second.id)).await;
    assert_eq!(diff["against"], first.id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_says_why() {
    let rig = Rig::start().await;
    let (one, empty) = (flow(1, "s"), flow(2, "s"));
    put(&rig, &one, &conversation(&[FIRST]), Vec::new());
    rig.put(vec![Record::Flow(Arc::new(empty.clone()))]);
    let unknown = "0190f0c4-7e2a-7000-8000-000000000000";
    for (path, status, code) in [
        (format!("{unknown}/diff"), StatusCode::NOT_FOUND, "not_found"),
        (format!("{}/diff?against={unknown}", one.id), StatusCode::NOT_FOUND, "not_found"),
        (format!("{}/diff", empty.id), StatusCode::NOT_FOUND, "no_request"),
        (format!("{}/diff?against={}", one.id, empty.id), StatusCode::NOT_FOUND, "no_request"),
        (format!("{}/diff?against=x", one.id), StatusCode::BAD_REQUEST, "bad_parameter"),
        (format!("{}/diff?with=x", one.id), StatusCode::BAD_REQUEST, "unknown_parameter"),
    ] {
        let answer = rig.ask(&format!("/api/flows/{path}")).await;
        assert_eq!((answer.status, answer.error_code().as_str()), (status, code), "{path}");
    }
}
