//! The ledger of a session as JSON.

use langley_engine as engine;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::flow::{Cost, Usage};
use super::page::rfc3339;

/// What passed of a session beside what transcripts tell of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ledger {
    /// The session's id.
    pub session: String,
    /// What passed.
    pub wire: LedgerSum,
    /// What transcripts tell.
    pub transcript: LedgerSum,
    /// Responses on both sides.
    pub joined: u64,
    /// Of these, that used something else on either side.
    pub differing: u64,
    /// What is on one side alone, by reason.
    pub gaps: Vec<LedgerGap>,
    /// What is on one side alone, or differs, in the order of time; the first 500.
    pub entries: Vec<LedgerEntry>,
    /// Whether everything of the session was compared; false beyond 20,000 responses.
    pub complete: bool,
}

/// What some responses add up to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LedgerSum {
    /// Responses.
    pub responses: u64,
    /// What they used, in the provider's own sense.
    pub usage: Usage,
    /// What those cost whose price is known; null where there are none.
    pub cost: Option<Cost>,
    /// Those that used something, and whose cost is not known.
    pub unpriced: u64,
}

/// What is on one side alone for the same reason.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LedgerGap {
    /// `wire` or `transcript`.
    pub side: String,
    /// The reason: failed, cut_off, no_transcript, other_session or not_written of the wire; before_record,
    /// passed_elsewhere, flow_removed, no_flow, no_id or passed_by of a transcript.
    pub reason: String,
    /// The same in a sentence.
    pub why: String,
    /// What it adds up to.
    #[serde(flatten)]
    pub sum: LedgerSum,
}

/// A response that is on one side alone, or differs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LedgerEntry {
    /// When it was asked for, or written.
    pub at: String,
    /// The response's id.
    pub message_id: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The flow; null where none is known.
    pub flow_id: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Why it is on one side alone; null where both sides tell of it, and differ in what it used.
    pub reason: Option<String>,
    /// The other session whose transcript tells of it, or under which it passed; null where there is none.
    pub other_session: Option<String>,
    /// What it used as it passed; null where it did not.
    pub wire: Option<Usage>,
    /// What it used as the transcript tells; null where it does not.
    pub transcript: Option<Usage>,
}

impl From<&engine::Ledger> for Ledger {
    fn from(ledger: &engine::Ledger) -> Self {
        Self {
            session: ledger.session.clone(),
            wire: (&ledger.wire).into(),
            transcript: (&ledger.transcript).into(),
            joined: ledger.joined,
            differing: ledger.differing,
            gaps: ledger.gaps.iter().map(Into::into).collect(),
            entries: ledger.entries.iter().map(Into::into).collect(),
            complete: ledger.is_whole,
        }
    }
}

impl From<&engine::LedgerSum> for LedgerSum {
    fn from(sum: &engine::LedgerSum) -> Self {
        Self {
            responses: sum.responses,
            usage: (&sum.usage).into(),
            cost: sum.cost.map(Into::into),
            unpriced: sum.unpriced,
        }
    }
}

impl From<&(engine::LedgerReason, engine::LedgerSum)> for LedgerGap {
    fn from((reason, sum): &(engine::LedgerReason, engine::LedgerSum)) -> Self {
        let side = match reason.side() {
            engine::LedgerSide::Wire => "wire",
            engine::LedgerSide::Transcript => "transcript",
        };
        Self {
            side: side.to_owned(),
            reason: reason.as_str().to_owned(),
            why: reason.sentence().to_owned(),
            sum: sum.into(),
        }
    }
}

impl From<&engine::LedgerEntry> for LedgerEntry {
    fn from(entry: &engine::LedgerEntry) -> Self {
        Self {
            at: rfc3339(entry.at),
            message_id: entry.message_id.clone(),
            request_id: entry.request_id.clone(),
            flow_id: entry.flow.map(|flow| flow.to_string()),
            model: entry.model.clone(),
            reason: entry.reason.map(|reason| reason.as_str().to_owned()),
            other_session: entry.other_session.clone(),
            wire: entry.wire.as_ref().map(Into::into),
            transcript: entry.told.as_ref().map(Into::into),
        }
    }
}

/// A ledger as `GET /api/sessions/{id}/ledger` tells it.
///
/// # Errors
/// It cannot be written as JSON: a defect in a shape's derive.
pub fn ledger_json(ledger: &engine::Ledger) -> serde_json::Result<Value> {
    serde_json::to_value(Ledger::from(ledger))
}

/// The ledgers of several sessions.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn ledgers_json(ledgers: &[engine::Ledger]) -> serde_json::Result<Value> {
    let items: Vec<Value> = ledgers.iter().map(ledger_json).collect::<Result<_, _>>()?;
    Ok(json!({ "items": items, "next_cursor": null }))
}
