//! Findings as JSON.

use langley_model as model;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::flow::Cost;
use super::page::rfc3339;
use super::word::{FindingKind, FindingState, FindingUnit, Severity};

/// A page of findings, the dearest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingPage {
    /// The findings.
    pub items: Vec<Finding>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// How many match.
    pub total: u64,
    /// How many match of each kind, whatever `kind` says: the dearest kind first.
    pub kinds: Vec<FindingKindSum>,
}

/// The findings of a kind together.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FindingKindSum {
    /// The kind.
    pub kind: FindingKind,
    /// How many there are.
    pub findings: u64,
    /// What those cost together whose cost is known; null where none is.
    pub cost: Option<Cost>,
}

/// Something about what agents do that a person may want to change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Finding {
    /// Its number.
    pub id: i64,
    /// The kind.
    pub kind: FindingKind,
    /// How much it matters.
    pub severity: Severity,
    /// What was made of it.
    pub state: FindingState,
    /// What tells it from others of its kind and session: a tool, a model, a cause.
    pub subject: String,
    /// A few words.
    pub title: String,
    /// What happened.
    pub what: String,
    /// Why, as far as it is known.
    pub why: Option<String>,
    /// What to do.
    pub next: String,
    /// The session; null where it is about more than one.
    pub session_id: Option<String>,
    /// The subagent, where one did it.
    pub agent_id: Option<String>,
    /// The numbers, of the flow that showed it last.
    pub numbers: Vec<FindingNumber>,
    /// What would have been usual, or the bound that was passed.
    pub baseline: Option<FindingNumber>,
    /// What it cost altogether; null where that is not known.
    pub cost: Option<Cost>,
    /// When the first flow that shows it began.
    pub first_at: String,
    /// When the last one did.
    pub last_at: String,
    /// How many flows show it.
    pub times: u64,
    /// The newest flows of the evidence, at most 50: those that show it, then those that belong to it.
    pub flow_ids: Vec<String>,
}

/// A number of a finding.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FindingNumber {
    /// What it says.
    pub name: String,
    /// How much.
    pub value: i64,
    /// Of what.
    pub unit: FindingUnit,
}

/// Findings as `GET /api/findings` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn findings_json(page: &langley_store::FindingPage) -> serde_json::Result<Value> {
    serde_json::to_value(FindingPage::from(page))
}

impl From<&langley_store::FindingPage> for FindingPage {
    fn from(page: &langley_store::FindingPage) -> Self {
        Self {
            items: page.items.iter().map(Into::into).collect(),
            next_cursor: page.next_cursor.clone(),
            total: page.total,
            kinds: page.kinds.iter().map(Into::into).collect(),
        }
    }
}

impl From<&langley_store::KindSum> for FindingKindSum {
    fn from(sum: &langley_store::KindSum) -> Self {
        let cost = sum.cost.map(Into::into);
        Self { kind: sum.kind.into(), findings: sum.findings, cost }
    }
}

impl From<&model::KeptFinding> for Finding {
    fn from(kept: &model::KeptFinding) -> Self {
        let finding = &kept.finding;
        Self {
            id: kept.id,
            kind: finding.kind.into(),
            severity: finding.severity.into(),
            state: kept.state.into(),
            subject: finding.subject.clone(),
            title: finding.title.clone(),
            what: finding.what.clone(),
            why: finding.why.clone(),
            next: finding.next.clone(),
            session_id: finding.session.clone(),
            agent_id: finding.agent_id.clone(),
            numbers: finding.numbers.iter().map(Into::into).collect(),
            baseline: finding.baseline.as_ref().map(Into::into),
            cost: kept.cost.map(Into::into),
            first_at: rfc3339(kept.first_at),
            last_at: rfc3339(kept.last_at),
            times: kept.times,
            flow_ids: kept.flows.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&model::FindingNumber> for FindingNumber {
    fn from(number: &model::FindingNumber) -> Self {
        Self { name: number.name.clone(), value: number.value, unit: number.unit.into() }
    }
}
