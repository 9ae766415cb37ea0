//! A flow as JSON: the fields others join on, null where nothing is known.

use std::borrow::Borrow;

use langley_model::{CostClass, MicroUsd, Stored, Tokens};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{milliseconds, per_second, rfc3339};
use super::word::{DialectName, EstimateSource, Mode, Outcome, Provider};

/// One exchange. Null means unknown, never zero.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Flow {
    /// Its id; ids sort by the time they were made.
    pub id: String,
    /// The client connection it travelled on, or the upgrade it belongs to.
    pub connection_id: String,
    /// When the request's head arrived (RFC 3339, UTC, microseconds).
    pub started_at: String,
    /// When it ended; null while open.
    pub ended_at: Option<String>,
    /// Milliseconds from head to end.
    pub duration_ms: Option<f64>,
    /// Milliseconds from the request's head to the answer's first byte.
    pub ttfb_ms: Option<f64>,
    /// Milliseconds from the request's head to the first token.
    pub ttft_ms: Option<f64>,
    /// Milliseconds from the request's head to the last token so far of a streamed answer; null where not all of
    /// the answer was captured.
    pub ttlt_ms: Option<f64>,
    /// The longest pause in milliseconds between two events of a streamed answer, or from its last one to its
    /// end; null where not all of the answer was captured.
    pub longest_stall_ms: Option<f64>,
    /// Output tokens for a second, from the first token to the last; null where they came at once.
    pub tokens_per_second: Option<f64>,
    /// Milliseconds of name resolution and TCP connect; first flow of a connection only.
    pub connect_ms: Option<f64>,
    /// Milliseconds of the TLS handshake with the provider; first flow of a connection only, and null
    /// where there is none.
    pub tls_ms: Option<f64>,
    /// How the agent reached Langley.
    pub mode: Mode,
    /// `http` or `https`, towards the provider.
    pub scheme: String,
    /// The provider's host.
    pub host: String,
    /// The provider's port.
    pub port: u16,
    /// Request method.
    pub method: String,
    /// Path and query, redacted.
    pub path: String,
    /// HTTP version between agent and Langley.
    pub version_in: String,
    /// HTTP version between Langley and provider.
    pub version_out: String,
    /// Status code; null before the answer's head.
    pub status: Option<u16>,
    /// How it ended; null while open.
    pub outcome: Option<Outcome>,
    /// A sentence on the end, when Langley itself has one to say.
    pub reason: Option<String>,
    /// The provider's error.
    pub error: Option<Error>,
    /// Who serves it.
    pub provider: Option<Provider>,
    /// How request and answer are written.
    pub dialect: Option<DialectName>,
    /// The model that answered.
    pub model: Option<String>,
    /// The model asked for.
    pub model_requested: Option<String>,
    /// Whether the answer is streamed.
    pub streaming: Option<bool>,
    /// The session.
    pub session_id: Option<String>,
    /// Where the session was read.
    pub session_source: Option<String>,
    /// The task.
    pub task_id: Option<String>,
    /// Where the task was read.
    pub task_source: Option<String>,
    /// The project: the folder that the agent works in, or the name that was given.
    pub project: Option<String>,
    /// Where the project was read.
    pub project_source: Option<String>,
    /// Kind of agent.
    pub agent: Option<String>,
    /// Version of the agent.
    pub agent_version: Option<String>,
    /// Subagent id.
    pub agent_id: Option<String>,
    /// The agent's `User-Agent`.
    pub user_agent: Option<String>,
    /// The agent's address.
    pub client_addr: Option<String>,
    /// The agent's process id.
    pub client_pid: Option<u32>,
    /// The agent's process name.
    pub client_process: Option<String>,
    /// The failed attempt that this one repeats.
    pub retry_of: Option<String>,
    /// Usage per class, the provider's own numbers.
    pub usage: Usage,
    /// What the provider did not tell of it, estimated; null where that is nothing. Part of neither `usage` nor
    /// `cost`.
    pub usage_estimate: Option<UsageEstimate>,
    /// Cost, when the model is priced.
    pub cost: Option<Cost>,
    /// `reported`, `priced` or `estimated`.
    pub cost_source: Option<String>,
    /// How the answer was served, in the provider's words, where that has to do with its price.
    pub service_tier: Option<String>,
    /// On what terms it was priced; null where its provider told the cost, or nobody knows it.
    pub price: Option<Price>,
    /// Why the model stopped, verbatim.
    pub stop_reason: Option<String>,
    /// One entry per tool call, duplicates kept.
    pub tool_names: Vec<String>,
    /// What the provider said of its limits.
    pub rate_limits: Vec<RateLimit>,
    /// First characters of the exchange, for lists.
    pub preview: Option<String>,
    /// Stream events seen.
    pub event_count: u64,
    /// Stream events of a type this version does not know.
    pub unknown_events: u64,
    /// Stream events of this flow that were captured and could not be kept.
    pub dropped_events: u64,
    /// Body bytes sent to the provider, as they travelled.
    pub request_bytes: u64,
    /// Body bytes sent to the agent, as they travelled.
    pub response_bytes: u64,
    /// Whether a stored body was cut at the limit.
    pub body_truncated: bool,
    /// Pieces that were not captured, both directions.
    pub capture_gaps: u64,
    /// What of the request was not captured.
    pub request_gap: Gap,
    /// What of the answer was not captured.
    pub response_gap: Gap,
    /// Why decoding stopped or lost something, or what the answer lacks.
    pub decode_note: Option<String>,
    /// JA4 of the agent's TLS hello.
    pub ja4_in: Option<String>,
    /// JA4 of Langley's TLS hello.
    pub ja4_out: Option<String>,
    /// Why Langley's TLS hello is not the one that was wanted.
    pub tls_note: Option<String>,
    /// The provider's id of the request.
    pub provider_request_id: Option<String>,
    /// The answer's id.
    pub message_id: Option<String>,
    /// Revision of the last change; a larger one is newer.
    pub revision: u64,
}

/// Tokens per class, as the provider counted them.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Input tokens in the provider's own sense.
    pub input: Option<u64>,
    /// Input tokens read from the prompt cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to the cache for five minutes.
    pub cache_write_5m: Option<u64>,
    /// Input tokens written to the cache for one hour.
    pub cache_write_1h: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
    /// Reasoning tokens, where counted apart.
    pub reasoning: Option<u64>,
    /// Web searches run by the provider.
    pub web_search_requests: Option<u64>,
}

/// A limit, as the provider stated it beside the answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RateLimit {
    /// What is limited, in the provider's word.
    pub name: String,
    /// How much of it there is until it is full again.
    pub limit: Option<u64>,
    /// How much of it was left.
    pub remaining: Option<u64>,
    /// How much of it was used, in percent, where that is said as a share.
    pub used_percent: Option<f64>,
    /// When it is full again.
    pub reset_at: Option<String>,
}

/// What a provider did not tell of an exchange's usage, estimated.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct UsageEstimate {
    /// Where it comes from.
    pub source: EstimateSource,
    /// Input tokens; null where the provider told them, or nothing is known of them.
    pub input: Option<u64>,
    /// Output tokens; null where the provider told them, or nothing is known of them.
    pub output: Option<u64>,
    /// What these tokens cost, beside `cost` of the flow; null where no price is known.
    pub cost: Option<Cost>,
}

impl From<langley_model::UsageEstimate> for UsageEstimate {
    fn from(it: langley_model::UsageEstimate) -> Self {
        Self {
            source: it.source.into(),
            input: it.input.map(|tokens| tokens.0),
            output: it.output.map(|tokens| tokens.0),
            cost: it.cost.map(|cost| Cost { micro_usd: cost.0 }),
        }
    }
}

/// Money.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Cost {
    /// Millionths of a US dollar.
    pub micro_usd: i64,
}

impl From<MicroUsd> for Cost {
    fn from(MicroUsd(micro_usd): MicroUsd) -> Self {
        Self { micro_usd }
    }
}

/// On what terms a flow was priced: US dollars for a million tokens, as decimals; null for a class that has
/// no price.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Price {
    /// The version of the price book; with a `+` where a price of the user's own took part.
    pub book: String,
    /// Input tokens that the cache had no part in.
    pub input: Option<String>,
    /// Input tokens read from the prompt cache.
    pub cache_read: Option<String>,
    /// Input tokens written to the cache for five minutes.
    pub cache_write_5m: Option<String>,
    /// Input tokens written to the cache for one hour.
    pub cache_write_1h: Option<String>,
    /// Output tokens.
    pub output: Option<String>,
    /// Reasoning tokens that are counted beside the output.
    pub reasoning: Option<String>,
    /// A million web searches.
    pub web_search: Option<String>,
}

impl From<&langley_model::Terms> for Price {
    fn from(terms: &langley_model::Terms) -> Self {
        let of = |class| terms.rates.of(class).map(|rate| rate.to_string());
        Self {
            book: terms.book.clone(),
            input: of(CostClass::Input),
            cache_read: of(CostClass::CacheRead),
            cache_write_5m: of(CostClass::CacheWrite5m),
            cache_write_1h: of(CostClass::CacheWrite1h),
            output: of(CostClass::Output),
            reasoning: of(CostClass::Reasoning),
            web_search: of(CostClass::WebSearch),
        }
    }
}

/// An error as the provider stated it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Error {
    /// The provider's class.
    pub kind: Option<String>,
    /// The provider's sentence.
    pub message: Option<String>,
}

/// What was not captured of one direction.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Gap {
    /// Pieces.
    pub chunks: u64,
    /// Body bytes.
    pub bytes: u64,
}

impl<T: Borrow<langley_model::Flow>> From<&Stored<T>> for Flow {
    fn from(stored: &Stored<T>) -> Self {
        let flow: &langley_model::Flow = (**stored).borrow();
        let attributed = |attributed: &Option<langley_model::Attributed>| {
            attributed.as_ref().map(|a| (a.id.clone(), a.source.to_string())).unzip()
        };
        let (session_id, session_source) = attributed(&flow.session);
        let (task_id, task_source) = attributed(&flow.task);
        let (project, project_source) = attributed(&flow.project);
        Self {
            id: flow.id.to_string(),
            connection_id: flow.connection.to_string(),
            started_at: rfc3339(flow.started_at),
            ended_at: flow.ended_at.map(rfc3339),
            duration_ms: flow.duration.map(milliseconds),
            ttfb_ms: flow.ttfb.map(milliseconds),
            ttft_ms: flow.ttft.map(milliseconds),
            ttlt_ms: flow.ttlt.map(milliseconds),
            longest_stall_ms: flow.stall.map(milliseconds),
            tokens_per_second: flow.token_time().and_then(per_second),
            connect_ms: flow.connect.map(milliseconds),
            tls_ms: flow.tls_handshake().map(milliseconds),
            mode: flow.mode.into(),
            scheme: flow.scheme.clone(),
            host: flow.host.clone(),
            port: flow.port,
            method: flow.method.clone(),
            path: flow.path.clone(),
            version_in: flow.version_in.as_str().to_owned(),
            version_out: flow.version_out.as_str().to_owned(),
            status: flow.status,
            outcome: flow.outcome.map(Into::into),
            reason: flow.reason.clone(),
            error: Error::stated(flow.error_kind.as_deref(), flow.error_message.as_deref()),
            provider: flow.provider.map(Into::into),
            dialect: flow.dialect().map(Into::into),
            model: flow.model.clone(),
            model_requested: flow.model_requested.clone(),
            streaming: flow.streaming,
            session_id,
            session_source,
            task_id,
            task_source,
            project,
            project_source,
            agent: flow.agent.clone(),
            agent_version: flow.agent_version.clone(),
            agent_id: flow.agent_id.clone(),
            user_agent: flow.user_agent.clone(),
            client_addr: flow.client_addr.clone(),
            client_pid: flow.client_pid,
            client_process: flow.client_process.clone(),
            retry_of: flow.retry_of.map(|id| id.to_string()),
            usage: (&flow.usage).into(),
            usage_estimate: flow.estimate.map(Into::into),
            cost: flow.cost.map(Into::into),
            cost_source: flow.cost_source.clone(),
            service_tier: flow.service_tier.clone(),
            price: flow.terms.as_deref().map(Into::into),
            stop_reason: flow.stop_reason.clone(),
            tool_names: flow.tool_names.clone(),
            rate_limits: flow.rate_limits.iter().map(Into::into).collect(),
            preview: flow.preview.clone(),
            event_count: flow.event_count,
            unknown_events: flow.unknown_events,
            dropped_events: flow.dropped_events,
            request_bytes: flow.request_bytes,
            response_bytes: flow.response_bytes,
            body_truncated: flow.body_truncated,
            capture_gaps: flow.request_gap.chunks.saturating_add(flow.response_gap.chunks),
            request_gap: flow.request_gap.into(),
            response_gap: flow.response_gap.into(),
            decode_note: flow.decode_note.clone(),
            ja4_in: flow.ja4_in.clone(),
            ja4_out: flow.ja4_out.clone(),
            tls_note: flow.tls_note.clone(),
            provider_request_id: flow.provider_request_id.clone(),
            message_id: flow.message_id.clone(),
            revision: stored.revision().0,
        }
    }
}

impl From<&langley_model::Usage> for Usage {
    fn from(usage: &langley_model::Usage) -> Self {
        let count = |tokens: Option<Tokens>| tokens.map(|tokens| tokens.0);
        Self {
            input: count(usage.input),
            cache_read: count(usage.cache_read),
            cache_write_5m: count(usage.cache_write_5m),
            cache_write_1h: count(usage.cache_write_1h),
            output: count(usage.output),
            reasoning: count(usage.reasoning),
            web_search_requests: usage.web_search_requests,
        }
    }
}

impl From<&langley_model::RateLimit> for RateLimit {
    fn from(limit: &langley_model::RateLimit) -> Self {
        Self {
            name: limit.name.clone(),
            limit: limit.limit,
            remaining: limit.remaining,
            used_percent: limit.used.map(langley_model::Permille::percent),
            reset_at: limit.reset_at.map(rfc3339),
        }
    }
}

impl From<langley_model::Gap> for Gap {
    fn from(gap: langley_model::Gap) -> Self {
        Self { chunks: gap.chunks, bytes: gap.bytes }
    }
}

impl Error {
    /// An error, unless nothing at all was stated.
    pub(super) fn stated(kind: Option<&str>, message: Option<&str>) -> Option<Self> {
        (kind.is_some() || message.is_some())
            .then(|| Self { kind: kind.map(str::to_owned), message: message.map(str::to_owned) })
    }
}
