//! Budgets, as the doors tell them.

use std::sync::Arc;

use http::{Method, StatusCode};
use langley_model::{MicroUsd, Record};
use serde_json::{Value, json};

use crate::rig::{Rig, TOKEN, flow};

#[tokio::test(flavor = "multi_thread")]
async fn budgets_are_told_with_what_was_spent_of_them() {
    let rig = Rig::start().await;
    let before = rig.get("/api/budgets").await;
    let one = &before["items"][0];
    assert_eq!(
        (&one["name"], &one["scope"], &one["action"]),
        (&json!("each"), &json!("session"), &json!("warn"))
    );
    assert_eq!(
        (&one["spent"], &one["is_spent"], &one["since"]),
        (&Value::Null, &json!(false), &Value::Null)
    );
    assert_eq!(rig.get("/api/stats").await["budgets_spent"], json!([]));

    for (second, session, cost) in [(1, "much", 1_200_000), (2, "little", 7)] {
        let mut one = flow(second, session);
        one.cost = Some(MicroUsd(cost));
        rig.put([Record::Flow(Arc::new(one))]);
    }
    let told = until(&rig, true).await;
    assert_eq!(told["spent"], json!({"micro_usd": 1_200_000}));
    assert_eq!(told["sessions"], json!(["much"]));
    assert_eq!(rig.get("/api/stats").await["budgets_spent"], json!(["each"]));
    let metrics = rig.ask("/metrics").await;
    assert!(metrics.text().contains("\nlangley_budgets_spent 1\n"), "{}", metrics.text());
    assert_eq!(rig.ask("/api/budgets?x=1").await.status, StatusCode::BAD_REQUEST);
    // What is deleted was not spent, from the deletion on.
    let token = format!("Bearer {TOKEN}");
    rig.send(Method::DELETE, "/api/flows?session=much", &[("authorization", &token)]).await;
    let told = until(&rig, false).await;
    assert_eq!((&told["spent"], &told["sessions"]), (&json!({"micro_usd": 7}), &json!([])));
}

/// Waits, within bounds, until the budget is spent or is not.
async fn until(rig: &Rig, is_spent: bool) -> Value {
    for _ in 0..2_000 {
        let told = rig.get("/api/budgets").await["items"][0].clone();
        if told["is_spent"] == is_spent {
            return told;
        }
    }
    panic!("waited in vain until it is spent: {is_spent}");
}
