//! The OpenAPI document: collected from the doors themselves, so that none can be forgotten, but
//! ahead of time: a running server only hands out the committed file.

use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi};

use crate::error::ApiError;
use crate::live::{Subscribe, Subscription};
use crate::params::Params;
use crate::router::documented;

/// The document as `cargo xtask codegen` wrote it; a test says when it is stale.
const DOCUMENT: &str = include_str!("../../../web/openapi.json");

/// Shapes that callers send; members of every other shape are always present, null or not.
const SENT_BY_CALLERS: [&str; 4] = ["ImportWanted", "ProbeOrigin", "Subscribe", "Subscription"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Langley",
        description = "Watches the traffic between coding agents and LLM providers, keeps what it saw, and explains it.",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(Subscribe, Subscription)),
    modifiers(&Locks),
    security(("token" = []), ("session" = [])),
    tags(
        (name = "flows", description = "What was seen"),
        (name = "live", description = "What happens now"),
        (name = "system", description = "The machine itself"),
        (name = "auth", description = "Signing in"),
    ),
)]
pub(crate) struct Base;

struct Locks;

impl Modify for Locks {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components
            .add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::auth::COOKIE));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    }
}

/// The filters of every call that takes flows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; they are read by `flows::filter`")]
pub(crate) struct FlowQuery {
    /// Exactly this host.
    host: Option<String>,
    /// Who served it, by the names in docs/providers.md, as anthropic or openrouter.
    provider: Option<String>,
    /// The model that answered, or was asked for while none has.
    model: Option<String>,
    /// A status as 404, or a class as 4xx.
    status: Option<String>,
    /// This session.
    session: Option<String>,
    /// `true`: only flows of starred sessions.
    starred: Option<String>,
    /// This task.
    task: Option<String>,
    /// Exactly this project: a folder, or the name that was given.
    project: Option<String>,
    /// A tool called in the answer, in any case.
    tool: Option<String>,
    /// On this connection.
    connection: Option<String>,
    /// An outcome, or `open`.
    outcome: Option<String>,
    /// Words that were said in the flow, or stand in its path, preview or error; or a part of its host or
    /// model, and for the newest 2,000 flows of any of these facts.
    q: Option<String>,
    /// Started at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d.
    since: Option<String>,
    /// Started before this time.
    until: Option<String>,
    /// Costs at least so many US dollars.
    min_cost: Option<String>,
}

/// What narrows the flows of every call that tells sums by the hour.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; they are read by `usage::narrowed`")]
pub(crate) struct SumsQuery {
    /// Began in the hour of this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d.
    since: Option<String>,
    /// Began before this time, or in the same hour.
    until: Option<String>,
    /// Zone of the days, as +02:00 or -03:30; UTC by default.
    tz: Option<String>,
    /// Exactly this host.
    host: Option<String>,
    /// Who served it, by the names in docs/providers.md, as anthropic or openrouter.
    provider: Option<String>,
    /// Exactly this model.
    model: Option<String>,
    /// Exactly this kind of agent.
    agent: Option<String>,
}

/// What names sessions and a span of time, where they are put together.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; they are read by `analytics::Sessions`")]
pub(crate) struct WorkParams {
    /// session, or model: that which a session's own agent asked most; session by default.
    group_by: Option<String>,
    /// Flows that began at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d; 7d by default.
    since: Option<String>,
    /// Flows that began before this time.
    until: Option<String>,
    /// Groups that are listed, 1 to 1,000; 100 by default.
    limit: Option<u32>,
}

/// The document as pretty-printed JSON, ending in a line break, the same in every run.
///
/// # Errors
/// The document cannot be written as JSON: a defect in a shape's derive.
pub fn openapi_json() -> serde_json::Result<String> {
    let (_, document) = documented().split_for_parts();
    let mut document = serde_json::to_value(document)?;
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        for (name, schema) in schemas {
            if !SENT_BY_CALLERS.contains(&name.as_str()) {
                require_all(schema);
            }
        }
    }
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// Marks every member of every object as required: answers never leave a member out.
fn require_all(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(require_all);
            if let Some(Value::Object(members)) = object.get("properties")
                && object.get("type").is_some_and(|kind| kind == "object")
            {
                let names = members.keys().cloned().map(Value::String).collect();
                object.insert("required".to_owned(), Value::Array(names));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(require_all),
        _ => {}
    }
}

/// Shows this document.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "system", operation_id = "openapi",
    responses((status = 200, description = "This document", content_type = "application/json", body = serde_json::Value))
)]
pub(crate) async fn show(params: Params) -> Result<Response, ApiError> {
    params.only(&[])?;
    Ok(([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response())
}
