//! A task as JSON.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::page::rfc3339;
use super::usage::Totals;

/// A page of tasks, the one with the newest flow first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskPage {
    /// The tasks.
    pub items: Vec<Task>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Whether every task is listed; false while those of an earlier version are being added.
    pub complete: bool,
}

/// A task: a unit of work.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Task {
    /// Its id.
    pub id: String,
    /// Where the id was read, of its newest flow; `inferred` where nothing names it.
    pub source: Option<String>,
    /// The session of its newest flow.
    pub session_id: Option<String>,
    /// The host of its newest flow.
    pub host: String,
    /// Kind of agent, of the newest of its last eight flows that says one.
    pub agent: Option<String>,
    /// The model of its newest flow.
    pub model: Option<String>,
    /// When its first flow began, of those that are kept.
    pub first_at: String,
    /// When its newest flow began.
    pub last_at: String,
    /// First characters of the newest exchange that has some.
    pub preview: Option<String>,
    /// What its flows add up to, those that are kept.
    pub totals: Totals,
}

/// Tasks as `GET /api/tasks` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn tasks_json(page: &langley_store::TaskPage) -> serde_json::Result<Value> {
    serde_json::to_value(TaskPage::from(page))
}

impl From<&langley_store::TaskPage> for TaskPage {
    fn from(page: &langley_store::TaskPage) -> Self {
        Self {
            items: page.items.iter().map(Into::into).collect(),
            next_cursor: page.next_cursor.clone(),
            complete: !page.filling,
        }
    }
}

impl From<&langley_store::Task> for Task {
    fn from(task: &langley_store::Task) -> Self {
        Self {
            id: task.id.clone(),
            source: task.source.map(str::to_owned),
            session_id: task.session.clone(),
            host: task.host.clone(),
            agent: task.agent.clone(),
            model: task.model.clone(),
            first_at: rfc3339(task.first_at),
            last_at: rfc3339(task.last_at),
            preview: task.preview.clone(),
            totals: (&task.sums).into(),
        }
    }
}
