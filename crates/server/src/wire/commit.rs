//! What commits cost, as JSON.

use langley_engine::{CommitCost, CommitReport};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::cost::Spent;
use super::page::rfc3339;

/// Costs by commit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CommitPage {
    /// What was not committed yet first, then the newest commit.
    pub items: Vec<CommitItem>,
    /// What flows cost whose folder lies in no repository that is on this machine, or that began before its log.
    pub elsewhere: Spent,
    /// What all flows cost.
    pub totals: Spent,
    /// Whether all flows are added up: after an upgrade it takes a while.
    pub complete: bool,
    /// Whether there are more commits than are listed.
    pub more: bool,
    /// Always null: ask for more with `limit`.
    pub next_cursor: Option<String>,
}

/// What led to a commit: the flows in its repository that began after the commit before.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CommitItem {
    /// The folder of the repository's working tree.
    pub repository: String,
    /// The hash that the commit was made with; null for what was not committed yet.
    pub commit: Option<String>,
    /// When it was made, to the second.
    pub committed_at: Option<String>,
    /// The first characters of its message.
    pub subject: Option<String>,
    /// The pull request that its message names.
    pub pull_request: Option<u64>,
    /// The sessions of the newest flows that are kept.
    pub sessions: Vec<String>,
    /// Whether other flows may be of more sessions.
    pub more_sessions: bool,
    /// What the flows cost.
    #[serde(flatten)]
    pub spent: Spent,
}

/// Costs by commit as `GET /api/analytics/commits` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn commits_json(report: &CommitReport) -> serde_json::Result<Value> {
    serde_json::to_value(CommitPage::from(report))
}

impl From<&CommitReport> for CommitPage {
    fn from(report: &CommitReport) -> Self {
        let item = |it: &CommitCost| CommitItem {
            repository: it.repository.clone(),
            commit: it.commit.as_ref().map(|commit| commit.hash.clone()),
            committed_at: it.commit.as_ref().map(|commit| rfc3339(commit.second())),
            subject: it.commit.as_ref().map(|commit| commit.subject.clone()),
            pull_request: it.commit.as_ref().and_then(|commit| commit.pull_request),
            sessions: it.sessions.ids.clone(),
            more_sessions: it.sessions.more,
            spent: (&it.sums).into(),
        };
        Self {
            items: report.items.iter().map(item).collect(),
            elsewhere: (&report.elsewhere).into(),
            totals: (&report.totals).into(),
            complete: !report.filling,
            more: report.more,
            next_cursor: None,
        }
    }
}
