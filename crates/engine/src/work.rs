//! How agents worked over a span of time, by session or by model: turns, the time of agents and of people, tool
//! calls, retries, tokens, and how prompts grow.

use std::collections::HashMap;
use std::time::Duration;

use langley_model::{MicroUsd, Micros};
use langley_store::{FlowFilter, Store, StoreError};

use crate::session_request::{ModelNames, SessionRequest, main_model};
use crate::session_turns::{SessionTurn, turns};
use crate::token_use::{Growth, TokenUse};

/// Flows that are gone through, the newest ones.
const FLOWS: usize = 6_000;

/// Flows that are read at once.
const PAGE: usize = 500;

/// By what sessions are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkBy {
    /// Each by itself.
    Session,
    /// By the model that a session's own agent asked most.
    Model,
}

impl WorkBy {
    /// All.
    pub const ALL: [Self; 2] = [Self::Session, Self::Model];

    /// Its word in the API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Model => "model",
        }
    }

    /// The grouping that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct WorkQuery {
    /// By what.
    pub by: WorkBy,
    /// Flows that began at this time or later.
    pub since: Option<Micros>,
    /// Flows that began before this time.
    pub until: Option<Micros>,
    /// Groups that are told, those with the most turns first.
    pub groups_max: usize,
}

/// What some sessions add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Sessions.
    pub sessions: u64,
    /// Their turns.
    pub turns: u64,
    /// Requests of the agents themselves, to the models that they ask most.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Requests that repeat a failed one, whoever made them.
    pub retries: u64,
    /// Requests of subagents.
    pub of_subagents: u64,
    /// Requests to other models.
    pub beside: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// The agents' time: that of their turns.
    pub worked: Duration,
    /// The persons' time: between the turns.
    pub waited: Duration,
    /// What all requests used.
    pub tokens: TokenUse,
    /// What all requests cost; none where no cost is known.
    pub cost: Option<MicroUsd>,
    /// By how much prompts are longer than those of the turns before.
    pub growth: Growth,
}

/// Sessions that are alike in what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkGroup {
    /// The session, or the model; none where no model is known.
    pub name: Option<String>,
    /// What they add up to.
    pub work: Work,
}

/// How agents worked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkReport {
    /// Those with the most turns first.
    pub groups: Vec<WorkGroup>,
    /// What all of them add up to, those that are not told included.
    pub totals: Work,
    /// Whether there are more groups than are told.
    pub more: bool,
    /// Flows of nobody's session, which are in none of this.
    pub without_session: u64,
    /// Whether there are older flows in that time that were not gone through.
    pub is_cut: bool,
}

/// How agents worked in the time that `query` names.
///
/// # Errors
/// A failure of the store.
pub fn work(store: &Store, query: &WorkQuery) -> Result<WorkReport, StoreError> {
    let mut report = WorkReport::default();
    let mut sessions: HashMap<String, Vec<SessionRequest>> = HashMap::new();
    let mut models = ModelNames::default();
    let filter = FlowFilter { since: query.since, until: query.until, ..FlowFilter::default() };
    let (mut cursor, mut read) = (None, 0);
    loop {
        let page = store.flows(&filter, cursor.as_deref(), PAGE)?;
        read += page.items.len();
        for flow in &page.items {
            // Langley's own checks are nobody's work.
            match &flow.session {
                Some(session) => {
                    let requests = sessions.entry(session.id.clone()).or_default();
                    requests.push(SessionRequest::of(flow, &mut models));
                }
                None => report.without_session += u64::from(!flow.is_own_check()),
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() || read >= FLOWS {
            break;
        }
    }
    report.is_cut = cursor.is_some();
    let mut groups: HashMap<Option<String>, Work> = HashMap::new();
    for (session, mut requests) in sessions {
        requests.reverse();
        let name = match query.by {
            WorkBy::Session => Some(session),
            WorkBy::Model => main_model(&requests).map(|model| model.to_string()),
        };
        let work = Work::of(&turns(&requests));
        report.totals.add(&work);
        groups.entry(name).or_default().add(&work);
    }
    report.groups = groups.into_iter().map(|(name, work)| WorkGroup { name, work }).collect();
    report.groups.sort_by(|a, b| b.work.turns.cmp(&a.work.turns).then(a.name.cmp(&b.name)));
    report.more = report.groups.len() > query.groups_max;
    report.groups.truncate(query.groups_max);
    Ok(report)
}

impl Work {
    /// That of one session.
    #[must_use]
    pub fn of(turns: &[SessionTurn]) -> Self {
        let mut work = Self { sessions: 1, turns: turns.len() as u64, ..Self::default() };
        for turn in turns {
            work.requests += turn.requests;
            work.failed += turn.failed;
            work.retries += turn.retries;
            work.of_subagents += turn.of_subagents;
            work.beside += turn.beside;
            work.tool_calls += turn.tool_calls;
            work.worked += turn.worked().unwrap_or_default();
            work.waited += turn.waited.unwrap_or_default();
            work.tokens.add(&turn.tokens);
            work.cost = sum(work.cost, turn.cost);
        }
        work.growth = Growth::of(turns.iter().filter_map(|turn| turn.context));
        work
    }

    fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.turns += other.turns;
        self.requests += other.requests;
        self.failed += other.failed;
        self.retries += other.retries;
        self.of_subagents += other.of_subagents;
        self.beside += other.beside;
        self.tool_calls += other.tool_calls;
        self.worked += other.worked;
        self.waited += other.waited;
        self.tokens.add(&other.tokens);
        self.cost = sum(self.cost, other.cost);
        self.growth.add(other.growth);
    }

    /// Tool calls for each request of the agents themselves; none without one.
    #[must_use]
    pub fn tool_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.tool_calls as f64 / self.requests as f64)
    }
}

/// What two things cost together; missing is not zero.
pub(crate) fn sum(one: Option<MicroUsd>, other: Option<MicroUsd>) -> Option<MicroUsd> {
    match (one, other) {
        (Some(one), Some(other)) => Some(MicroUsd(one.0.saturating_add(other.0))),
        (one, other) => one.or(other),
    }
}
