//! What is summed of a flow, with the names of the columns.

use langley_model::{CostClass, CostShares, Flow, Outcome, Tokens};

use crate::flow_row::signed;

/// A figure that every flow has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// Flows; those that are in none of the outcomes below are open.
    Flows,
    /// Ended so.
    Completed,
    /// Ended so.
    ProviderError,
    /// Ended so.
    ClientGone,
    /// Ended so.
    UpstreamGone,
    /// Ended so.
    TimedOut,
    /// Ended so.
    Refused,
    /// Ended so.
    Lost,
    /// Stream events.
    Events,
    /// Stream events of them that could not be kept.
    DroppedEvents,
    /// Body bytes to the provider.
    RequestBytes,
    /// Body bytes to the agent.
    ResponseBytes,
    /// Flows that have ended and used something that is billed, and without a cost.
    Unpriced,
    /// Flows of whose usage a part was estimated.
    Estimated,
}

impl Tally {
    /// All, in the order of the columns.
    pub const ALL: [Self; 14] = [
        Self::Flows,
        Self::Completed,
        Self::ProviderError,
        Self::ClientGone,
        Self::UpstreamGone,
        Self::TimedOut,
        Self::Refused,
        Self::Lost,
        Self::Events,
        Self::DroppedEvents,
        Self::RequestBytes,
        Self::ResponseBytes,
        Self::Unpriced,
        Self::Estimated,
    ];

    /// Flows that ended so.
    #[must_use]
    pub const fn of_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Completed,
            Outcome::ProviderError => Self::ProviderError,
            Outcome::ClientGone => Self::ClientGone,
            Outcome::UpstreamGone => Self::UpstreamGone,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Refused => Self::Refused,
            Outcome::Lost => Self::Lost,
        }
    }

    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Completed => Outcome::Completed.as_str(),
            Self::ProviderError => Outcome::ProviderError.as_str(),
            Self::ClientGone => Outcome::ClientGone.as_str(),
            Self::UpstreamGone => Outcome::UpstreamGone.as_str(),
            Self::TimedOut => Outcome::TimedOut.as_str(),
            Self::Refused => Outcome::Refused.as_str(),
            Self::Lost => Outcome::Lost.as_str(),
            Self::Events => "events",
            Self::DroppedEvents => "dropped_events",
            Self::RequestBytes => "request_bytes",
            Self::ResponseBytes => "response_bytes",
            Self::Unpriced => "unpriced",
            Self::Estimated => "estimated",
        }
    }

    /// By how much a flow counts.
    pub(super) fn of(self, flow: &Flow) -> u64 {
        let ended = |outcome| u64::from(flow.outcome == Some(outcome));
        kept(match self {
            Self::Flows => 1,
            Self::Completed => ended(Outcome::Completed),
            Self::ProviderError => ended(Outcome::ProviderError),
            Self::ClientGone => ended(Outcome::ClientGone),
            Self::UpstreamGone => ended(Outcome::UpstreamGone),
            Self::TimedOut => ended(Outcome::TimedOut),
            Self::Refused => ended(Outcome::Refused),
            Self::Lost => ended(Outcome::Lost),
            Self::Events => flow.event_count,
            Self::DroppedEvents => flow.dropped_events,
            Self::RequestBytes => flow.request_bytes,
            Self::ResponseBytes => flow.response_bytes,
            Self::Unpriced => u64::from(flow.is_unpriced()),
            Self::Estimated => u64::from(flow.estimate.is_some()),
        })
    }
}

/// A figure that only some flows have. Beside its sum stands how many had it: missing is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Input tokens in the provider's own sense: to be added up within one provider only.
    Input,
    /// Input tokens that the cache had no part in, in one sense for all providers.
    InputUncached,
    /// Input tokens read from the prompt cache.
    CacheRead,
    /// Input tokens written to the cache for five minutes.
    CacheWrite5m,
    /// Input tokens written to the cache for one hour.
    CacheWrite1h,
    /// Output tokens.
    Output,
    /// Reasoning tokens, whether the output includes them or not.
    Reasoning,
    /// Those of them that are counted beside the output.
    ReasoningApart,
    /// Web searches run by the provider.
    WebSearches,
    /// Millionths of a US dollar.
    Cost,
    /// Of that, for input that the cache had no part in. Known of flows that were priced by the book.
    CostInput,
    /// For input read from the prompt cache.
    CostCacheRead,
    /// For input written to the cache for five minutes.
    CostCacheWrite5m,
    /// For input written to the cache for one hour.
    CostCacheWrite1h,
    /// For output.
    CostOutput,
    /// For reasoning that is counted beside the output.
    CostReasoning,
    /// For web searches run by the provider.
    CostWebSearch,
    /// Nanoseconds from head to end.
    Duration,
    /// Nanoseconds to the answer's first byte.
    Ttfb,
    /// Nanoseconds to the first token.
    Ttft,
    /// Nanoseconds of name resolution and TCP connect; of flows that began a connection.
    Connect,
    /// Nanoseconds of the TLS handshake with the provider; of flows that began a connection with one.
    Tls,
    /// Nanoseconds to the last token.
    Ttlt,
    /// Nanoseconds of the longest pause between two events.
    Stall,
    /// Nanoseconds for each token after the first.
    TokenTime,
    /// Flows that repeat a failed attempt; of all whose sums were kept since that is known.
    Retries,
    /// Input tokens that no provider told, estimated; part of no other figure.
    EstimatedInput,
    /// The same of output tokens.
    EstimatedOutput,
    /// What these cost, in millionths of a US dollar.
    EstimatedCost,
}

impl Measure {
    /// All, in the order of the columns.
    pub const ALL: [Self; 29] = [
        Self::Input,
        Self::InputUncached,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::Output,
        Self::Reasoning,
        Self::ReasoningApart,
        Self::WebSearches,
        Self::Cost,
        Self::CostInput,
        Self::CostCacheRead,
        Self::CostCacheWrite5m,
        Self::CostCacheWrite1h,
        Self::CostOutput,
        Self::CostReasoning,
        Self::CostWebSearch,
        Self::Duration,
        Self::Ttfb,
        Self::Ttft,
        Self::Connect,
        Self::Tls,
        Self::Ttlt,
        Self::Stall,
        Self::TokenTime,
        Self::Retries,
        Self::EstimatedInput,
        Self::EstimatedOutput,
        Self::EstimatedCost,
    ];

    /// Those of which the spread is kept as well.
    pub(super) const SPREAD: [Self; 8] = [
        Self::Duration,
        Self::Ttfb,
        Self::Ttft,
        Self::Connect,
        Self::Tls,
        Self::Ttlt,
        Self::Stall,
        Self::TokenTime,
    ];

    /// What flows cost of a class.
    #[must_use]
    pub const fn of_class(class: CostClass) -> Self {
        match class {
            CostClass::Input => Self::CostInput,
            CostClass::CacheRead => Self::CostCacheRead,
            CostClass::CacheWrite5m => Self::CostCacheWrite5m,
            CostClass::CacheWrite1h => Self::CostCacheWrite1h,
            CostClass::Output => Self::CostOutput,
            CostClass::Reasoning => Self::CostReasoning,
            CostClass::WebSearch => Self::CostWebSearch,
        }
    }

    /// How much of a class flows are billed for: what [`Self::of_class`] is the price of. Nothing is counted
    /// in two classes, and all of them together are what was used.
    #[must_use]
    pub const fn units_of(class: CostClass) -> Self {
        match class {
            CostClass::Input => Self::InputUncached,
            CostClass::CacheRead => Self::CacheRead,
            CostClass::CacheWrite5m => Self::CacheWrite5m,
            CostClass::CacheWrite1h => Self::CacheWrite1h,
            CostClass::Output => Self::Output,
            CostClass::Reasoning => Self::ReasoningApart,
            CostClass::WebSearch => Self::WebSearches,
        }
    }

    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::InputUncached => "input_uncached",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::ReasoningApart => "reasoning_apart",
            Self::WebSearches => "web_searches",
            Self::Cost => "cost",
            Self::CostInput => "cost_input",
            Self::CostCacheRead => "cost_cache_read",
            Self::CostCacheWrite5m => "cost_cache_write_5m",
            Self::CostCacheWrite1h => "cost_cache_write_1h",
            Self::CostOutput => "cost_output",
            Self::CostReasoning => "cost_reasoning",
            Self::CostWebSearch => "cost_web_search",
            Self::Duration => "duration",
            Self::Ttfb => "ttfb",
            Self::Ttft => "ttft",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Ttlt => "ttlt",
            Self::Stall => "stall",
            Self::TokenTime => "token_time",
            Self::Retries => "retries",
            Self::EstimatedInput => "estimated_input",
            Self::EstimatedOutput => "estimated_output",
            Self::EstimatedCost => "estimated_cost",
        }
    }

    /// A flow's figure; `shares` is what its cost comes from.
    pub(super) fn of(self, flow: &Flow, shares: Option<&CostShares>) -> Option<u64> {
        let tokens = |tokens: Option<Tokens>| tokens.map(|tokens| kept(tokens.0));
        let span = |span: Option<std::time::Duration>| {
            span.map(|span| kept(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
        };
        let share = |class: CostClass| shares.map(|it| it[class as usize].0.cast_unsigned());
        let usage = &flow.usage;
        match self {
            Self::Input => tokens(usage.input),
            Self::InputUncached => tokens(usage.input_uncached(flow.dialect())),
            Self::CacheRead => tokens(usage.cache_read),
            Self::CacheWrite5m => tokens(usage.cache_write_5m),
            Self::CacheWrite1h => tokens(usage.cache_write_1h),
            Self::Output => tokens(usage.output),
            Self::Reasoning => tokens(usage.reasoning),
            Self::ReasoningApart => tokens(usage.reasoning.filter(|_| flow.is_reasoning_apart())),
            Self::WebSearches => usage.web_search_requests.map(kept),
            Self::Cost => flow.cost.map(|cost| cost.0.cast_unsigned()),
            Self::CostInput => share(CostClass::Input),
            Self::CostCacheRead => share(CostClass::CacheRead),
            Self::CostCacheWrite5m => share(CostClass::CacheWrite5m),
            Self::CostCacheWrite1h => share(CostClass::CacheWrite1h),
            Self::CostOutput => share(CostClass::Output),
            Self::CostReasoning => share(CostClass::Reasoning),
            Self::CostWebSearch => share(CostClass::WebSearch),
            Self::Duration => span(flow.duration),
            Self::Ttfb => span(flow.ttfb),
            Self::Ttft => span(flow.ttft),
            Self::Connect => span(flow.connect),
            Self::Tls => span(flow.tls_handshake()),
            Self::Ttlt => span(flow.ttlt),
            Self::Stall => span(flow.stall),
            Self::TokenTime => span(flow.token_time()),
            Self::Retries => Some(u64::from(flow.retry_of.is_some())),
            Self::EstimatedInput => tokens(flow.estimate.and_then(|it| it.input)),
            Self::EstimatedOutput => tokens(flow.estimate.and_then(|it| it.output)),
            Self::EstimatedCost => {
                flow.estimate.and_then(|it| it.cost).map(|cost| cost.0.cast_unsigned())
            }
        }
    }
}

/// A number as the flow's row keeps it: what is taken out of a sum is what was added.
const fn kept(number: u64) -> u64 {
    signed(number).cast_unsigned()
}
