//! A session as JSON.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::page::rfc3339;
use super::usage::Totals;

/// A page of sessions, the one with the newest flow first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionPage {
    /// The sessions.
    pub items: Vec<Session>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Whether every session is listed; false while those of an earlier version are being added.
    pub complete: bool,
}

/// A session: what an agent calls one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// Its id.
    pub id: String,
    /// Where the id was read, of its newest flow.
    pub source: Option<String>,
    /// Kind of agent, of the newest of its last eight flows that says one.
    pub agent: Option<String>,
    /// The model of its newest flow.
    pub model: Option<String>,
    /// The models of its flows that are kept, the one that was asked last before the others; at most 16.
    pub models: Vec<String>,
    /// When its first flow began, of those that are kept.
    pub first_at: String,
    /// When its newest flow began.
    pub last_at: String,
    /// First characters of the newest exchange that has some.
    pub preview: Option<String>,
    /// The project, of its newest flow that has one.
    pub project: Option<String>,
    /// Since when it is starred; null when it is not.
    pub starred_at: Option<String>,
    /// What its flows add up to, those that are kept.
    pub totals: Totals,
}

/// A session with its subagents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionDetail {
    /// What the listing tells of it.
    #[serde(flatten)]
    pub session: Session,
    /// Its subagents, in the order in which they began. What is in none of them the session's own agent
    /// asked.
    pub agents: Vec<SessionAgent>,
}

/// A subagent of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionAgent {
    /// Its id, as flows name it.
    pub agent_id: String,
    /// When its first flow began.
    pub first_at: String,
    /// When its newest flow began.
    pub last_at: String,
    /// What its flows add up to, those that are kept.
    pub totals: Totals,
}

/// Sessions as `GET /api/sessions` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn sessions_json(page: &langley_store::SessionPage) -> serde_json::Result<Value> {
    serde_json::to_value(SessionPage::from(page))
}

impl From<&langley_store::SessionPage> for SessionPage {
    fn from(page: &langley_store::SessionPage) -> Self {
        Self {
            items: page.items.iter().map(Into::into).collect(),
            next_cursor: page.next_cursor.clone(),
            complete: !page.filling,
        }
    }
}

impl From<&langley_store::Session> for Session {
    fn from(session: &langley_store::Session) -> Self {
        Self {
            id: session.id.clone(),
            source: session.source.map(str::to_owned),
            agent: session.agent.clone(),
            model: session.model.clone(),
            models: session.models.clone(),
            first_at: rfc3339(session.first_at),
            last_at: rfc3339(session.last_at),
            preview: session.preview.clone(),
            project: session.project.clone(),
            starred_at: session.starred_at.map(rfc3339),
            totals: (&session.sums).into(),
        }
    }
}

impl From<&langley_store::SessionAgent> for SessionAgent {
    fn from(agent: &langley_store::SessionAgent) -> Self {
        Self {
            agent_id: agent.id.clone(),
            first_at: rfc3339(agent.first_at),
            last_at: rfc3339(agent.last_at),
            totals: (&agent.sums).into(),
        }
    }
}
