//! The OpenAPI document: whole, sound, and the same as the committed one.

use serde_json::Value;

use crate::rig::Rig;

fn document() -> Value {
    serde_json::from_str(&langley_server::openapi_json().unwrap()).unwrap()
}

#[test]
fn the_committed_document_is_not_stale() {
    let committed = include_str!("../../../../web/openapi.json");
    let made = langley_server::openapi_json().unwrap();
    assert!(committed == made, "web/openapi.json is stale: run `cargo xtask codegen`");
}

#[test]
fn every_route_is_described_with_its_answers() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    for (path, verb) in [
        ("/api/auth/link", "post"),
        ("/api/drops", "get"),
        ("/api/facets", "get"),
        ("/api/fidelity", "post"),
        ("/api/flows", "delete"),
        ("/api/flows", "get"),
        ("/api/flows/count", "get"),
        ("/api/flows/export", "get"),
        ("/api/flows/{id}", "get"),
        ("/api/flows/{id}/events", "get"),
        ("/api/flows/{id}/request", "get"),
        ("/api/flows/{id}/response", "get"),
        ("/api/health", "get"),
        ("/api/openapi.json", "get"),
        ("/api/sessions", "get"),
        ("/api/sessions/{id}", "get"),
        ("/api/settings", "get"),
        ("/api/settings", "put"),
        ("/api/setup", "get"),
        ("/api/stats", "get"),
        ("/api/tunnels", "get"),
        ("/api/usage", "get"),
        ("/auth", "get"),
        ("/metrics", "get"),
        ("/ws", "get"),
    ] {
        let operation = &paths.get(path).unwrap_or_else(|| panic!("{path}"))[verb];
        assert!(!operation["responses"].as_object().unwrap().is_empty(), "{verb} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut names: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

#[test]
fn members_of_answers_are_required_and_null_is_said() {
    let document = document();
    let flow = &document["components"]["schemas"]["Flow"];
    let members = flow["properties"].as_object().unwrap();
    assert_eq!(flow["required"].as_array().unwrap().len(), members.len());
    assert_eq!(members["status"]["type"], serde_json::json!(["integer", "null"]));
    let wish = &document["components"]["schemas"]["Subscription"];
    assert!(wish.get("required").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_document_is_the_made_one() {
    let rig = Rig::start().await;
    assert_eq!(rig.get("/api/openapi.json").await, document());
}
