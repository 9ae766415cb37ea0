//! The reconciled ledger: what passed of a session, held against what its agent's own files tell. A response is known
//! in both by the provider's id of it, else by its id of the request; each exchange that passed counts, because each
//! was billed.

mod elsewhere;

use std::collections::HashMap;

use langley_model::{Flow, MicroUsd, Micros, Outcome, Tokens, ToldResponse, Usage};
use langley_store::{FlowFilter, KeptResponse, Store, StoreError};

use self::elsewhere::{Elsewhere, has_id};

/// Flows, and responses of transcripts, of one session that are compared.
const COMPARED: usize = 20_000;

/// Entries that are named.
const NAMED: usize = 500;

/// Flows of one reading.
const PAGE: usize = 500;

/// Where a response was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LedgerSide {
    /// It passed.
    Wire,
    /// A transcript tells of it.
    Transcript,
}

/// Why a response is on one side alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LedgerReason {
    /// On the wire: it failed before there was an answer, and agents write answers.
    Failed,
    /// On the wire: it broke off, and the agent asked again.
    CutOff,
    /// On the wire: no transcript of the session is known.
    NoTranscript,
    /// On the wire: another session's transcript tells of it.
    OtherSession,
    /// On the wire: the agent wrote nothing of it, as of titles, checks and token counts.
    NotWritten,
    /// In a transcript: it is older than anything that is recorded.
    BeforeRecord,
    /// In a transcript: it passed under another session, or under none.
    PassedElsewhere,
    /// In a transcript: it passed, and its flow was removed since.
    FlowRemoved,
    /// In a transcript: nothing of the session passed.
    NoFlow,
    /// In a transcript: the agent wrote no id by which it could be known.
    NoId,
    /// In a transcript: it passed Langley by, or was not captured.
    PassedBy,
}

impl LedgerReason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Failed,
        Self::CutOff,
        Self::NoTranscript,
        Self::OtherSession,
        Self::NotWritten,
        Self::BeforeRecord,
        Self::PassedElsewhere,
        Self::FlowRemoved,
        Self::NoFlow,
        Self::NoId,
        Self::PassedBy,
    ];

    /// The word in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::CutOff => "cut_off",
            Self::NoTranscript => "no_transcript",
            Self::OtherSession => "other_session",
            Self::NotWritten => "not_written",
            Self::BeforeRecord => "before_record",
            Self::PassedElsewhere => "passed_elsewhere",
            Self::FlowRemoved => "flow_removed",
            Self::NoFlow => "no_flow",
            Self::NoId => "no_id",
            Self::PassedBy => "passed_by",
        }
    }

    /// The same in a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Failed => "failed before there was an answer; agents write answers",
            Self::CutOff => "broke off, and the agent kept nothing of it",
            Self::NoTranscript => "no transcript of this session is known",
            Self::OtherSession => "another session's transcript tells of it",
            Self::NotWritten => {
                "the agent wrote nothing of it, as of titles, checks and token counts"
            }
            Self::BeforeRecord => "older than anything that is recorded",
            Self::PassedElsewhere => "passed under another session, or under none",
            Self::FlowRemoved => "passed, and its flow was removed since",
            Self::NoFlow => "nothing of this session passed Langley",
            Self::NoId => "the agent wrote no id by which it could be known",
            Self::PassedBy => "passed Langley by, or was not captured",
        }
    }

    /// On which side it explains something.
    #[must_use]
    pub const fn side(self) -> LedgerSide {
        match self {
            Self::Failed
            | Self::CutOff
            | Self::NoTranscript
            | Self::OtherSession
            | Self::NotWritten => LedgerSide::Wire,
            Self::BeforeRecord
            | Self::PassedElsewhere
            | Self::FlowRemoved
            | Self::NoFlow
            | Self::NoId
            | Self::PassedBy => LedgerSide::Transcript,
        }
    }
}

/// What some responses add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerSum {
    /// Responses.
    pub responses: u64,
    /// What they used, in the provider's own sense; of a class, none where none of them says.
    pub usage: Usage,
    /// What those cost whose price is known; none where there are none.
    pub cost: Option<MicroUsd>,
    /// Those that used something, and whose cost is not known.
    pub unpriced: u64,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// When it was asked for, or written.
    pub at: Micros,
    /// The response's id.
    pub message_id: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The flow; none where none is known.
    pub flow: Option<langley_model::FlowId>,
    /// The model.
    pub model: Option<String>,
    /// Why it is on one side alone; none where both sides tell of it, and differ in what it used.
    pub reason: Option<LedgerReason>,
    /// The other session whose transcript tells of it, or under which it passed; none where there is none.
    pub other_session: Option<String>,
    /// What it used as it passed; none where it did not.
    pub wire: Option<Usage>,
    /// What it used as the transcript tells; none where it does not.
    pub told: Option<Usage>,
}

/// The ledger of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The session.
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
    pub gaps: Vec<(LedgerReason, LedgerSum)>,
    /// What is on one side alone, or differs, in the order of time; the first 500.
    pub entries: Vec<LedgerEntry>,
    /// Whether everything of the session was compared.
    pub is_whole: bool,
}

impl LedgerSum {
    fn add(&mut self, usage: &Usage, cost: Option<MicroUsd>) {
        self.responses += 1;
        let tokens = |sum: &mut Option<Tokens>, more: Option<Tokens>| {
            if let Some(Tokens(more)) = more {
                *sum = Some(Tokens(sum.unwrap_or_default().0.saturating_add(more)));
            }
        };
        let sum = &mut self.usage;
        tokens(&mut sum.input, usage.input);
        tokens(&mut sum.cache_read, usage.cache_read);
        tokens(&mut sum.cache_write_5m, usage.cache_write_5m);
        tokens(&mut sum.cache_write_1h, usage.cache_write_1h);
        tokens(&mut sum.output, usage.output);
        tokens(&mut sum.reasoning, usage.reasoning);
        if let Some(more) = usage.web_search_requests {
            let searches = sum.web_search_requests.unwrap_or(0).saturating_add(more);
            sum.web_search_requests = Some(searches);
        }
        match cost {
            Some(MicroUsd(cost)) => {
                let sum = self.cost.unwrap_or_default().0;
                self.cost = Some(MicroUsd(sum.saturating_add(cost)));
            }
            // What failed used nothing, and has nothing to be priced.
            None => self.unpriced += u64::from(!usage.is_empty()),
        }
    }
}

/// The ledger of a session; none where neither a flow nor a transcript is of it.
///
/// # Errors
/// A failure of the file.
pub fn ledger(store: &Store, session: &str) -> Result<Option<Ledger>, StoreError> {
    let (flows, has_all) = flows_of(store, session)?;
    let told = store.told_responses(session, COMPARED)?;
    let has_transcript = store.conversation(session)?.is_some();
    if flows.is_empty() && !has_transcript {
        return Ok(None);
    }
    let oldest = store.flows_oldest_first(&FlowFilter::default(), None, 1)?;
    let oldest = oldest.items.first().map(|flow| flow.started_at);
    let mut is_whole = has_all && told.len() < COMPARED;
    let mut ledger = Ledger { session: session.to_owned(), ..Ledger::default() };
    let mut waiting = Waiting::of(&told);
    let mut left = Vec::new();
    for flow in &flows {
        match waiting.take(flow) {
            Some(response) => ledger.join(flow, response),
            None => left.push(flow),
        }
    }
    let ids: Vec<&str> = left.iter().filter_map(|flow| flow.message_id.as_deref()).collect();
    let elsewhere = store.told_elsewhere(session, &ids)?;
    for flow in left {
        let other = flow.message_id.as_ref().and_then(|id| elsewhere.get(id));
        ledger.pass(flow, why_not_told(flow, has_transcript, other.is_some()), other.cloned());
    }
    let left: Vec<&KeptResponse> = waiting.left().collect();
    let within = left.iter().map(|left| &left.told).filter(|told| !is_older(told, oldest));
    let elsewhere = Elsewhere::of(store, session, within)?;
    is_whole &= elsewhere.is_whole;
    for KeptResponse { told, is_flow_removed, .. } in left {
        let passed = elsewhere.of_response(told);
        let reason = match passed {
            Some(_) => LedgerReason::PassedElsewhere,
            None if *is_flow_removed => LedgerReason::FlowRemoved,
            None => why_not_passed(told, !flows.is_empty(), oldest),
        };
        ledger.tell(told, reason, passed);
    }
    ledger.is_whole = is_whole;
    ledger.gaps.sort_by_key(|(reason, _)| *reason);
    ledger.entries.sort_by_key(|entry| entry.at);
    ledger.entries.truncate(NAMED);
    Ok(Some(ledger))
}

/// The calls of models of a session, in the order of time, and whether these are all.
fn flows_of(store: &Store, session: &str) -> Result<(Vec<Flow>, bool), StoreError> {
    let filter = FlowFilter { session: Some(session.to_owned()), ..FlowFilter::default() };
    let (mut flows, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.flows_oldest_first(&filter, cursor.as_deref(), PAGE)?;
        // What asks for no answer of a model is nothing that an agent could write of.
        let calls = page.items.into_iter().map(langley_model::Stored::into_inner);
        flows.extend(calls.filter(|flow| {
            !flow.is_open() && (flow.model_requested.is_some() || flow.message_id.is_some())
        }));
        cursor = page.next_cursor;
        if cursor.is_none() || flows.len() >= COMPARED {
            return Ok((flows, cursor.is_none()));
        }
    }
}

/// Responses of transcripts, of which those are taken that a flow was found for.
struct Waiting<'a> {
    told: &'a [KeptResponse],
    by_message: HashMap<&'a str, usize>,
    by_request: HashMap<&'a str, usize>,
    is_taken: Vec<bool>,
}

impl<'a> Waiting<'a> {
    fn of(told: &'a [KeptResponse]) -> Self {
        let by = |id: fn(&ToldResponse) -> Option<&str>| {
            let ids = told.iter().enumerate();
            ids.filter_map(|(at, it)| Some((id(&it.told).filter(|id| !id.is_empty())?, at)))
                .collect()
        };
        Self {
            told,
            by_message: by(|told| told.message_id.as_deref()),
            by_request: by(|told| told.request_id.as_deref()),
            is_taken: vec![false; told.len()],
        }
    }

    /// What tells of a flow's response. Each is taken once: a flow that repeats another one was billed as well.
    fn take(&mut self, flow: &Flow) -> Option<&'a ToldResponse> {
        let by = |places: &HashMap<&str, usize>, id: &Option<String>| {
            id.as_deref().and_then(|id| places.get(id)).copied()
        };
        let at = by(&self.by_message, &flow.message_id)
            .or_else(|| by(&self.by_request, &flow.provider_request_id))
            .filter(|at| !self.is_taken[*at])?;
        self.is_taken[at] = true;
        Some(&self.told[at].told)
    }

    fn left(self) -> impl Iterator<Item = &'a KeptResponse> {
        let left = self.told.iter().zip(self.is_taken).filter(|(_, is_taken)| !is_taken);
        left.map(|(response, _)| response)
    }
}

/// Whether it was written before anything that is recorded.
fn is_older(told: &ToldResponse, oldest: Option<Micros>) -> bool {
    oldest.is_none_or(|oldest| told.at.is_some_and(|at| at < oldest))
}

fn why_not_told(flow: &Flow, has_transcript: bool, is_elsewhere: bool) -> LedgerReason {
    let is_whole = flow.outcome == Some(Outcome::Completed);
    match (is_elsewhere, flow.message_id.is_some()) {
        (true, _) => LedgerReason::OtherSession,
        (false, false) if !is_whole => LedgerReason::Failed,
        _ if !has_transcript => LedgerReason::NoTranscript,
        (false, true) if !is_whole => LedgerReason::CutOff,
        _ => LedgerReason::NotWritten,
    }
}

fn why_not_passed(told: &ToldResponse, has_flows: bool, oldest: Option<Micros>) -> LedgerReason {
    if is_older(told, oldest) {
        LedgerReason::BeforeRecord
    } else if !has_flows {
        LedgerReason::NoFlow
    } else if has_id(told) {
        LedgerReason::PassedBy
    } else {
        LedgerReason::NoId
    }
}

/// Whether both sides say the same of what was used, where both say something. The last lines of an answer that is
/// being written may say less than what passed.
fn agree(wire: &Usage, told: &Usage) -> bool {
    let same = |one: Option<Tokens>, other: Option<Tokens>| {
        one.zip(other).is_none_or(|(one, other)| one == other)
    };
    same(wire.input, told.input)
        && same(wire.cache_read, told.cache_read)
        && same(wire.output, told.output)
}

impl Ledger {
    fn join(&mut self, flow: &Flow, told: &ToldResponse) {
        self.wire.add(&flow.usage, flow.cost);
        self.transcript.add(&told.usage, told.cost);
        self.joined += 1;
        if !agree(&flow.usage, &told.usage) {
            self.differing += 1;
            self.entries.push(LedgerEntry { told: Some(told.usage), ..of_flow(flow, None) });
        }
    }

    fn pass(&mut self, flow: &Flow, reason: LedgerReason, other_session: Option<String>) {
        self.wire.add(&flow.usage, flow.cost);
        self.gap(reason).add(&flow.usage, flow.cost);
        self.entries.push(LedgerEntry { other_session, ..of_flow(flow, Some(reason)) });
    }

    fn tell(&mut self, told: &ToldResponse, reason: LedgerReason, passed: Option<&Flow>) {
        self.transcript.add(&told.usage, told.cost);
        self.gap(reason).add(&told.usage, told.cost);
        self.entries.push(LedgerEntry {
            at: told.at.unwrap_or_default(),
            message_id: told.message_id.clone(),
            request_id: told.request_id.clone().filter(|id| !id.is_empty()),
            flow: passed.map(|flow| flow.id),
            model: told.model.clone(),
            reason: Some(reason),
            other_session: passed.and_then(|flow| Some(flow.session.as_ref()?.id.clone())),
            wire: passed.map(|flow| flow.usage),
            told: Some(told.usage),
        });
    }

    fn gap(&mut self, reason: LedgerReason) -> &mut LedgerSum {
        let at = self.gaps.iter().position(|(known, _)| *known == reason);
        let at = at.unwrap_or_else(|| {
            self.gaps.push((reason, LedgerSum::default()));
            self.gaps.len() - 1
        });
        &mut self.gaps[at].1
    }
}

fn of_flow(flow: &Flow, reason: Option<LedgerReason>) -> LedgerEntry {
    LedgerEntry {
        at: flow.started_at,
        message_id: flow.message_id.clone(),
        request_id: flow.provider_request_id.clone(),
        flow: Some(flow.id),
        model: flow.model.clone().or_else(|| flow.model_requested.clone()),
        reason,
        other_session: None,
        wire: Some(flow.usage),
        told: None,
    }
}
