//! What was recorded of the demo, as a table.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::api::Api;
use crate::error::{AppError, Result};
use crate::table::Table;

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `flows` flows have been recorded and ended, and shows them.
///
/// # Errors
/// They did not all arrive.
pub(crate) async fn wait(api: &Api, flows: usize) -> Result<String> {
    let unreadable = |error: &crate::api::ApiError| {
        AppError::failed("what was recorded cannot be read").because(error)
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = api.get("/api/flows?limit=500").await.map_err(|error| unreadable(&error))?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let ended = items.iter().filter(|flow| flow["outcome"].is_string()).count();
        if ended >= flows {
            return Ok(shown(&items));
        }
        if Instant::now() >= deadline {
            return Err(AppError::failed("the demo was not recorded whole")
                .why(format!(
                    "{flows} requests were sent, {ended} flows were recorded to their end"
                ))
                .next("run `langley doctor`"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn shown(items: &[Value]) -> String {
    let mut table = Table::new([
        "SESSION", "REQUEST", "STATUS", "OUTCOME", "STOP", "IN", "OUT", "EVENTS", "TOOLS",
    ]);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string());
    for flow in items.iter().rev() {
        let session = text(&flow["session_id"]);
        let path = text(&flow["path"]);
        let tools: Vec<&str> =
            flow["tool_names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        table.row([
            session.get(session.len().saturating_sub(8)..).unwrap_or_default().to_owned(),
            format!("{} {}", text(&flow["method"]), path.split('?').next().unwrap_or_default()),
            number(&flow["status"]),
            text(&flow["outcome"]),
            text(&flow["stop_reason"]),
            number(&flow["usage"]["input"]),
            number(&flow["usage"]["output"]),
            number(&flow["event_count"]),
            tools.join(" "),
        ]);
    }
    format!("{table}\n{} flows recorded; the demo's data has been removed\n", items.len())
}
