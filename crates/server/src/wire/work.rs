//! How agents worked over a span of time, as JSON: turns and time, and what came of the tokens.

use langley_engine::{Work, WorkGroup, WorkQuery, WorkReport};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::analytics::{SessionEfficiency, TokenUse, TurnPage};
use super::flow::Cost;
use super::page::{milliseconds, rfc3339};

/// Turns: each of a session where one was named, else what sessions add up to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Turns {
    /// Of the session.
    OfSession(TurnPage),
    /// Over a span of time.
    OverTime(TurnGroupPage),
}

/// What was used and what came of it: of a session where one was named, else by session or model.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Efficiency {
    /// Of the session.
    OfSession(SessionEfficiency),
    /// Over a span of time.
    OverTime(EfficiencyGroupPage),
}

/// Of what a page over a span of time tells.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WorkSpan {
    /// By what sessions are put together: session or model.
    pub group_by: String,
    /// Flows that began at this time or later; null for all.
    pub since: Option<String>,
    /// Flows that began before this time; null for all.
    pub until: Option<String>,
    /// Flows of nobody's session, which are in none of this.
    pub flows_without_session: u64,
    /// Whether there are older flows in that time: the newest 6,000 are gone through.
    pub truncated: bool,
    /// Whether there are more groups than are told.
    pub more: bool,
    /// Always null: ask for more with `limit`.
    pub next_cursor: Option<String>,
}

/// Whose turns, or tokens, these are.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WorkLabel {
    /// The session; null where they are put together by model.
    pub session_id: Option<String>,
    /// The model that the sessions' own agents asked most; null where they are put together by session, and
    /// where it is not known.
    pub model: Option<String>,
}

/// Turns over a span of time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TurnGroupPage {
    /// Of what it tells.
    #[serde(flatten)]
    pub span: WorkSpan,
    /// Those with the most turns first.
    pub items: Vec<TurnGroup>,
    /// What all of them add up to, those that are not told included.
    pub totals: TurnSums,
}

/// Turns of sessions that are put together.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TurnGroup {
    /// Whose they are.
    #[serde(flatten)]
    pub label: WorkLabel,
    /// What they add up to.
    #[serde(flatten)]
    pub sums: TurnSums,
}

/// What turns of sessions add up to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct TurnSums {
    /// Sessions.
    pub sessions: u64,
    /// Turns.
    pub turns: u64,
    /// Requests of the agents themselves to the models that they ask most.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Requests that repeat a failed one, whoever made them.
    pub retries: u64,
    /// Requests of subagents.
    pub subagent_requests: u64,
    /// Requests to other models.
    pub side_requests: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Tool calls for each request of the agents themselves; null without one.
    pub tool_calls_per_request: Option<f64>,
    /// The agents' time.
    pub worked_ms: f64,
    /// The persons' time, between the turns.
    pub waited_ms: f64,
    /// What all requests cost; null where no cost is known.
    pub cost: Option<Cost>,
}

/// What was used over a span of time, and what came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EfficiencyGroupPage {
    /// Of what it tells.
    #[serde(flatten)]
    pub span: WorkSpan,
    /// Those with the most turns first.
    pub items: Vec<EfficiencyGroup>,
    /// What all of them add up to, those that are not told included.
    pub totals: EfficiencySums,
}

/// What sessions used that are put together.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EfficiencyGroup {
    /// Whose it is.
    #[serde(flatten)]
    pub label: WorkLabel,
    /// What it adds up to.
    #[serde(flatten)]
    pub sums: EfficiencySums,
}

/// What sessions used, and what came of it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct EfficiencySums {
    /// Sessions.
    pub sessions: u64,
    /// Their turns.
    pub turns: u64,
    /// All requests, those of subagents and to other models included.
    pub tokens: TokenUse,
    /// Tokens by which the prompt at the end of a turn is longer than at the end of the one before, on average;
    /// where a conversation was compacted it begins anew. Null without two turns.
    pub growth_per_turn: Option<f64>,
    /// What all requests cost; null where no cost is known.
    pub cost: Option<Cost>,
}

/// Turns as `GET /api/analytics/turns` tells them without a session.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn turns_json(query: &WorkQuery, report: &WorkReport) -> serde_json::Result<Value> {
    serde_json::to_value(TurnGroupPage::of(query, report))
}

/// What `GET /api/analytics/efficiency` tells without a session.
///
/// # Errors
/// It cannot be written as JSON: a defect in a shape's derive.
pub fn efficiency_json(query: &WorkQuery, report: &WorkReport) -> serde_json::Result<Value> {
    serde_json::to_value(EfficiencyGroupPage::of(query, report))
}

impl WorkSpan {
    fn of(query: &WorkQuery, report: &WorkReport) -> Self {
        Self {
            group_by: query.by.as_str().to_owned(),
            since: query.since.map(rfc3339),
            until: query.until.map(rfc3339),
            flows_without_session: report.without_session,
            truncated: report.is_cut,
            more: report.more,
            next_cursor: None,
        }
    }
}

impl WorkLabel {
    fn of(query: &WorkQuery, group: &WorkGroup) -> Self {
        let name = group.name.clone();
        match query.by {
            langley_engine::WorkBy::Session => Self { session_id: name, model: None },
            langley_engine::WorkBy::Model => Self { session_id: None, model: name },
        }
    }
}

impl TurnGroupPage {
    pub(crate) fn of(query: &WorkQuery, report: &WorkReport) -> Self {
        let group = |group: &WorkGroup| TurnGroup {
            label: WorkLabel::of(query, group),
            sums: (&group.work).into(),
        };
        Self {
            span: WorkSpan::of(query, report),
            items: report.groups.iter().map(group).collect(),
            totals: (&report.totals).into(),
        }
    }
}

impl EfficiencyGroupPage {
    pub(crate) fn of(query: &WorkQuery, report: &WorkReport) -> Self {
        let group = |group: &WorkGroup| EfficiencyGroup {
            label: WorkLabel::of(query, group),
            sums: (&group.work).into(),
        };
        Self {
            span: WorkSpan::of(query, report),
            items: report.groups.iter().map(group).collect(),
            totals: (&report.totals).into(),
        }
    }
}

impl From<&Work> for TurnSums {
    fn from(work: &Work) -> Self {
        Self {
            sessions: work.sessions,
            turns: work.turns,
            requests: work.requests,
            failed: work.failed,
            retries: work.retries,
            subagent_requests: work.of_subagents,
            side_requests: work.beside,
            tool_calls: work.tool_calls,
            tool_calls_per_request: work.tool_ratio(),
            worked_ms: milliseconds(work.worked),
            waited_ms: milliseconds(work.waited),
            cost: work.cost.map(Into::into),
        }
    }
}

impl From<&Work> for EfficiencySums {
    fn from(work: &Work) -> Self {
        Self {
            sessions: work.sessions,
            turns: work.turns,
            tokens: (&work.tokens).into(),
            growth_per_turn: work.growth.each(),
            cost: work.cost.map(Into::into),
        }
    }
}
