//! A session's flows in the order in which they began, as JSON: what a view in lanes needs of each.

use langley_model::{Flow, Stored};
use serde::Serialize;
use utoipa::ToSchema;

use super::flow::{Cost, Usage};
use super::page::{milliseconds, rfc3339};
use super::word::Outcome;

/// A part of a session's timeline.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelinePage {
    /// The entries, the first one first.
    pub items: Vec<TimelineEntry>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// One exchange of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineEntry {
    /// Id of the flow.
    pub flow_id: String,
    /// Its lane: the subagent that asked, null for the session's own agent.
    pub agent_id: Option<String>,
    /// When the request's head arrived.
    pub started_at: String,
    /// Milliseconds from head to end; null while open.
    pub duration_ms: Option<f64>,
    /// Milliseconds to the answer's first byte.
    pub ttfb_ms: Option<f64>,
    /// Milliseconds to the first token.
    pub ttft_ms: Option<f64>,
    /// Request method; `WS` for a call within a WebSocket.
    pub method: String,
    /// Path and query, redacted.
    pub path: String,
    /// Status code; null before the answer's head.
    pub status: Option<u16>,
    /// How it ended; null while open.
    pub outcome: Option<Outcome>,
    /// The provider's class of error.
    pub error_kind: Option<String>,
    /// The model that answered, or the one asked for while none has.
    pub model: Option<String>,
    /// The failed attempt that this one repeats.
    pub retry_of: Option<String>,
    /// Usage per class, the provider's own numbers.
    pub usage: Usage,
    /// Cost, when the model is priced.
    pub cost: Option<Cost>,
    /// Why the model stopped, verbatim.
    pub stop_reason: Option<String>,
    /// One entry per tool call, duplicates kept.
    pub tool_names: Vec<String>,
    /// The task.
    pub task_id: Option<String>,
    /// First characters of the exchange.
    pub preview: Option<String>,
}

impl From<&Stored<Flow>> for TimelineEntry {
    fn from(flow: &Stored<Flow>) -> Self {
        Self {
            flow_id: flow.id.to_string(),
            agent_id: flow.subagent().map(str::to_owned),
            started_at: rfc3339(flow.started_at),
            duration_ms: flow.duration.map(milliseconds),
            ttfb_ms: flow.ttfb.map(milliseconds),
            ttft_ms: flow.ttft.map(milliseconds),
            method: flow.method.clone(),
            path: flow.path.clone(),
            status: flow.status,
            outcome: flow.outcome.map(Into::into),
            error_kind: flow.error_kind.clone(),
            model: flow.known_model().map(str::to_owned),
            retry_of: flow.retry_of.map(|id| id.to_string()),
            usage: (&flow.usage).into(),
            cost: flow.cost.map(Into::into),
            stop_reason: flow.stop_reason.clone(),
            tool_names: flow.tool_names.clone(),
            task_id: flow.task.as_ref().map(|task| task.id.clone()),
            preview: flow.preview.clone(),
        }
    }
}
