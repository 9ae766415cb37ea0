//! Analytics as JSON: tokens and what came of them, the cache, what a context is made of, turns.

use langley_engine as engine;
use langley_model::MicroUsd;
use langley_store::{FindingShare, UsageReport};
use serde::Serialize;
use utoipa::ToSchema;

use super::flow::Cost;
use super::page::{milliseconds, rfc3339};
use super::usage::GroupLabel;

/// Tokens in one sense for all providers. Ratios are null where there was no input.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct TokenUse {
    /// Requests that say how long their input was.
    pub requests: u64,
    /// Tokens of the whole input, whatever the cache had of it.
    pub input: u64,
    /// Input tokens that the cache had no part in.
    pub input_uncached: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache.
    pub cache_write: u64,
    /// Output tokens.
    pub output: u64,
    /// Reasoning tokens, where counted apart.
    pub reasoning: u64,
    /// Share of the input that was read from the cache, from 0 to 1.
    pub cache_hit_ratio: Option<f64>,
    /// Output tokens for each token of input.
    pub output_ratio: Option<f64>,
}

/// Tokens by group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TokenPage {
    /// By what the groups are told apart.
    pub group_by: Vec<String>,
    /// Beginning of the first whole hour that was asked for; null for all.
    pub since: Option<String>,
    /// End of the last whole hour that was asked for; null for all.
    pub until: Option<String>,
    /// The zone of the days, as its distance from UTC.
    pub tz: String,
    /// Whether every flow is part of the sums; false while those of an earlier version are being added.
    pub complete: bool,
    /// By time, then by text.
    pub items: Vec<TokenItem>,
    /// What all items add up to.
    pub totals: TokenUse,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// Flows that are alike in what was asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TokenItem {
    /// In what they are alike.
    #[serde(flatten)]
    pub label: GroupLabel,
    /// What they used.
    pub tokens: TokenUse,
}

/// The cache: what it had of the input, and what it lost.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CachePage {
    /// What it had.
    #[serde(flatten)]
    pub tokens: TokenPage,
    /// Breaks by cause, the dearest first.
    pub causes: Vec<CacheCause>,
    /// What all breaks cost; null where that is not known, or there was none.
    pub wasted: Option<Cost>,
}

/// Cache breaks of one cause.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CacheCause {
    /// The cause, as tools_changed or ttl_expired.
    pub cause: String,
    /// Findings: of one session, in one place of the request.
    pub findings: u64,
    /// Requests that broke it.
    pub times: u64,
    /// What they cost; null where that is not known.
    pub cost: Option<Cost>,
    /// The dearest of them, by their numbers; at most 20.
    pub finding_ids: Vec<i64>,
}

/// What a session used, and how its context grew.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SessionEfficiency {
    /// The session.
    pub session_id: String,
    /// All of it, subagents included.
    pub tokens: TokenUse,
    /// Tokens by which a request of the agent itself is longer than the one before, on average; null without
    /// two requests.
    pub growth_per_request: Option<f64>,
    /// How long its requests were, to the model that it asked most, the oldest first.
    pub contexts: Vec<ContextSize>,
    /// Whether the session has older flows that were not gone through.
    pub truncated: bool,
}

/// The length of one request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ContextSize {
    /// The flow.
    pub flow_id: String,
    /// When it began.
    pub started_at: String,
    /// Tokens of its whole input.
    pub tokens: u64,
}

/// What a request is made of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Context {
    /// The flow.
    pub flow_id: String,
    /// Tokens of the whole input; null where they are not known.
    pub tokens: Option<u64>,
    /// Tokens that its model can have of a prompt and its answer together; null where that is not known.
    pub window: Option<u64>,
    /// Bytes of the request, as they are kept.
    pub bytes: u64,
    /// Whether something of it was not kept.
    pub truncated: bool,
    /// The parts, in the order in which they are told; those that are not there are left out.
    pub items: Vec<ContextPart>,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// A part of a context.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ContextPart {
    /// What it is: system, tools, memory, prompts, answers, thinking, tool_calls, tool_results, images or
    /// rest.
    pub kind: String,
    /// The server whose tools these are; null for the agent's own, and for all that is no tool.
    pub server: Option<String>,
    /// Pieces, blocks and definitions.
    pub count: u64,
    /// Their bytes, as they are kept.
    pub bytes: u64,
    /// Their share of the input's tokens, by bytes; null where those are not known.
    pub tokens: Option<u64>,
}

/// The turns of a session.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TurnPage {
    /// The session.
    pub session_id: String,
    /// The oldest first.
    pub items: Vec<Turn>,
    /// What they add up to.
    pub totals: TurnTotals,
    /// Whether the session has older flows that were not gone through.
    pub truncated: bool,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// From what a person asked to the answer that calls no tool any more.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Turn {
    /// Its first flow.
    pub flow_id: String,
    /// When that began.
    pub started_at: String,
    /// When its last answer ended; null while one is open.
    pub ended_at: Option<String>,
    /// The agent's time: to the end of its last answer.
    pub worked_ms: Option<f64>,
    /// The person's time: since the turn before had ended; null for the first one.
    pub waited_ms: Option<f64>,
    /// Requests of the agent itself to the model that it asks most.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Requests of all of them that repeat a failed one.
    pub retries: u64,
    /// Requests of subagents.
    pub subagent_requests: u64,
    /// Requests to other models.
    pub side_requests: u64,
    /// Tool calls of all of them.
    pub tool_calls: u64,
    /// Tokens of the whole input of the agent's own last request; null where they are not known.
    pub context: Option<u64>,
    /// What all of them used.
    pub tokens: TokenUse,
    /// What all of them cost; null where no cost is known.
    pub cost: Option<Cost>,
    /// Whether an answer ended it.
    pub ended: bool,
}

/// What turns add up to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct TurnTotals {
    /// Turns.
    pub turns: u64,
    /// Requests of the agent itself.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Tool calls for each request of the agent itself; null without one.
    pub tool_calls_per_request: Option<f64>,
    /// The agent's time.
    pub worked_ms: f64,
    /// The person's time.
    pub waited_ms: f64,
}

impl From<&engine::TokenUse> for TokenUse {
    fn from(tokens: &engine::TokenUse) -> Self {
        Self {
            requests: tokens.requests,
            input: tokens.input(),
            input_uncached: tokens.uncached,
            cache_read: tokens.read,
            cache_write: tokens.written,
            output: tokens.output,
            reasoning: tokens.reasoning,
            cache_hit_ratio: tokens.hit_ratio(),
            output_ratio: tokens.output_ratio(),
        }
    }
}

impl TokenPage {
    /// The page of a report whose groups are these.
    pub(crate) fn of(
        report: &UsageReport,
        groups: &[engine::TokenGroup],
        group_by: Vec<String>,
        tz: String,
    ) -> Self {
        let mut totals = engine::TokenUse::default();
        groups.iter().for_each(|group| totals.add(&group.tokens));
        Self {
            group_by,
            since: report.since.map(rfc3339),
            until: report.until.map(rfc3339),
            tz,
            complete: !report.filling,
            items: groups.iter().map(Into::into).collect(),
            totals: (&totals).into(),
            next_cursor: None,
        }
    }
}

impl From<&engine::TokenGroup> for TokenItem {
    fn from(found: &engine::TokenGroup) -> Self {
        Self { label: (&found.group).into(), tokens: (&found.tokens).into() }
    }
}

/// Cache breaks, by cause.
#[derive(Debug, Default)]
pub(crate) struct CacheBreaks {
    causes: Vec<CacheCause>,
    wasted: Option<Cost>,
}

impl CacheBreaks {
    /// Adds what a finding has of them; those come the dearest first.
    pub(crate) fn add(&mut self, share: &FindingShare) {
        let cause = share.subject.split(' ').next().unwrap_or_default();
        let place = self.causes.iter().position(|known| known.cause == cause);
        let place = place.unwrap_or_else(|| {
            let cause = cause.to_owned();
            let finding_ids = Vec::new();
            self.causes.push(CacheCause { cause, findings: 0, times: 0, cost: None, finding_ids });
            self.causes.len() - 1
        });
        let known = &mut self.causes[place];
        known.findings += 1;
        known.times += share.times;
        known.cost = sum(known.cost, share.cost);
        if known.finding_ids.len() < LISTED {
            known.finding_ids.push(share.id);
        }
        self.wasted = sum(self.wasted, share.cost);
    }
}

impl CachePage {
    /// The page with these breaks.
    pub(crate) fn of(tokens: TokenPage, breaks: CacheBreaks) -> Self {
        let CacheBreaks { mut causes, wasted } = breaks;
        causes.sort_by_key(|known| std::cmp::Reverse(known.cost.map(|cost| cost.micro_usd)));
        Self { tokens, causes, wasted }
    }
}

/// Findings that are named of a cause.
const LISTED: usize = 20;

/// Missing is not zero.
fn sum(one: Option<Cost>, other: Option<MicroUsd>) -> Option<Cost> {
    match (one, other) {
        (Some(one), Some(MicroUsd(other))) => {
            Some(Cost { micro_usd: one.micro_usd.saturating_add(other) })
        }
        (one, other) => one.or_else(|| other.map(Into::into)),
    }
}

impl SessionEfficiency {
    /// What a session used.
    pub(crate) fn of(session: &str, found: &engine::SessionTokens) -> Self {
        let size = |size: &engine::ContextSize| ContextSize {
            flow_id: size.flow.to_string(),
            started_at: rfc3339(size.at),
            tokens: size.tokens,
        };
        Self {
            session_id: session.to_owned(),
            tokens: (&found.all).into(),
            growth_per_request: found.growth(),
            contexts: found.contexts.iter().map(size).collect(),
            truncated: found.is_cut,
        }
    }
}

impl From<&engine::Composition> for Context {
    fn from(found: &engine::Composition) -> Self {
        let part = |part: &engine::ContextPart| ContextPart {
            kind: part.kind.as_str().to_owned(),
            server: part.server.clone(),
            count: part.count,
            bytes: part.bytes,
            tokens: part.tokens,
        };
        Self {
            flow_id: found.flow.to_string(),
            tokens: found.tokens,
            window: found.window,
            bytes: found.bytes,
            truncated: found.truncated,
            items: found.parts.iter().map(part).collect(),
            next_cursor: None,
        }
    }
}

impl TurnPage {
    /// The turns of a session.
    pub(crate) fn of(session: &str, found: &engine::SessionTurns) -> Self {
        let work = engine::Work::of(&found.turns);
        Self {
            session_id: session.to_owned(),
            items: found.turns.iter().map(Into::into).collect(),
            totals: TurnTotals {
                turns: work.turns,
                requests: work.requests,
                failed: work.failed,
                tool_calls: work.tool_calls,
                tool_calls_per_request: work.tool_ratio(),
                worked_ms: milliseconds(work.worked),
                waited_ms: milliseconds(work.waited),
            },
            truncated: found.is_cut,
            next_cursor: None,
        }
    }
}

impl From<&engine::SessionTurn> for Turn {
    fn from(turn: &engine::SessionTurn) -> Self {
        Self {
            flow_id: turn.flow.to_string(),
            started_at: rfc3339(turn.started_at),
            ended_at: turn.ended_at.map(rfc3339),
            worked_ms: turn.worked().map(milliseconds),
            waited_ms: turn.waited.map(milliseconds),
            requests: turn.requests,
            failed: turn.failed,
            retries: turn.retries,
            subagent_requests: turn.of_subagents,
            side_requests: turn.beside,
            tool_calls: turn.tool_calls,
            context: turn.context,
            tokens: (&turn.tokens).into(),
            cost: turn.cost.map(Into::into),
            ended: turn.is_ended,
        }
    }
}
