//! What providers said last of their limits, as JSON.

use langley_engine::{Window, Windows};
use langley_model::Provider;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::flow::RateLimit;
use super::page::rfc3339;

/// The latest word on each limit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WindowPage {
    /// Those of one host together, and the host first that spoke last.
    pub items: Vec<WindowItem>,
    /// Flows that were looked at: the newest ones of seven days.
    pub flows: u64,
    /// Whether there is more in these days: flows that are older than those, or limits beyond the first 200.
    pub truncated: bool,
    /// Always null: there are no further pages.
    pub next_cursor: Option<String>,
}

/// The latest word on one limit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WindowItem {
    /// Who said it; null where the provider is not known.
    pub provider: Option<String>,
    /// The host that said it: accounts are not told apart.
    pub host: String,
    /// What was said.
    #[serde(flatten)]
    pub limit: RateLimit,
    /// Whether it has been full again since then, so that what was said does not hold any more.
    pub over: bool,
    /// When the exchange began beside whose answer it was said.
    pub seen_at: String,
    /// That exchange.
    pub flow_id: String,
}

/// Limits as `GET /api/analytics/limits` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn limits_json(windows: &Windows) -> serde_json::Result<Value> {
    serde_json::to_value(WindowPage::of(windows))
}

impl WindowPage {
    pub(crate) fn of(found: &Windows) -> Self {
        let item = |window: &Window| WindowItem {
            provider: window.provider.map(|it| Provider::as_str(it).to_owned()),
            host: window.host.clone(),
            limit: (&window.limit).into(),
            over: window.is_over,
            seen_at: rfc3339(window.seen_at),
            flow_id: window.flow.to_string(),
        };
        Self {
            items: found.windows.iter().map(item).collect(),
            flows: found.looked_at,
            truncated: found.is_cut,
            next_cursor: None,
        }
    }
}
