//! Sums as JSON: what flows add up to, and how many of them had each figure.

use langley_store::{Figure, Measure, Spread, Sums, Tally};
use serde::Serialize;
use utoipa::ToSchema;

use super::flow::Cost;
use super::page::rfc3339;

/// What flows add up to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Totals {
    /// Flows, by how they ended.
    pub flows: FlowCounts,
    /// Stream events.
    pub events: u64,
    /// Stream events that these flows lack because they could not be kept. What was lost with flows of which
    /// nothing is stored is in no sum of flows: `drops` of `/api/stats` counts it.
    pub dropped_events: u64,
    /// Body bytes sent to the provider.
    pub request_bytes: u64,
    /// Body bytes sent to the agent.
    pub response_bytes: u64,
    /// Tokens per class; null where no flow had the figure.
    pub usage: UsageSums,
    /// How many flows had the figure.
    pub usage_flows: UsageFlows,
    /// The cost of the flows that have one; null when none has.
    pub cost: Option<Cost>,
    /// Flows that have a cost.
    pub priced_flows: u64,
    /// Flows that have ended and used something that is billed, and without a cost.
    pub unpriced_flows: u64,
    /// What providers did not tell, estimated; null where that is nothing.
    pub estimated: Option<Estimated>,
    /// Times.
    pub latency: Latency,
}

/// What providers did not tell of usage, estimated: part of no other figure.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Estimated {
    /// Flows of which a part was estimated.
    pub flows: u64,
    /// Input tokens; null where none were estimated.
    pub input: Option<u64>,
    /// Output tokens; null where none were estimated.
    pub output: Option<u64>,
    /// What these tokens cost, beside the cost of what was told; null where no price is known.
    pub cost: Option<Cost>,
    /// Flows whose estimate has a cost.
    pub priced_flows: u64,
}

impl Estimated {
    /// Of these sums; none where nothing was estimated.
    pub(crate) fn of(sums: &Sums) -> Option<Self> {
        let known = |measure| sums.figure(measure).known();
        let flows = sums.tally(Tally::Estimated);
        (flows > 0).then(|| Self {
            flows,
            input: known(Measure::EstimatedInput),
            output: known(Measure::EstimatedOutput),
            cost: known(Measure::EstimatedCost).map(|sum| Cost { micro_usd: sum.cast_signed() }),
            priced_flows: sums.figure(Measure::EstimatedCost).flows,
        })
    }
}

/// Flows, by how they ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct FlowCounts {
    /// All.
    pub total: u64,
    /// Not ended yet.
    pub open: u64,
    /// Whole, and no error.
    pub completed: u64,
    /// The provider said no.
    pub provider_error: u64,
    /// The agent went away.
    pub client_gone: u64,
    /// The provider broke off.
    pub upstream_gone: u64,
    /// A time limit passed.
    pub timed_out: u64,
    /// Refused, or not deliverable.
    pub refused: u64,
    /// The record of the end was lost.
    pub lost: u64,
}

/// Tokens per class.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct UsageSums {
    /// Input tokens in the providers' own senses, which differ: to be compared within one provider only.
    pub input: Option<u64>,
    /// Input tokens that the cache had no part in, neither read from it nor written to it: comparable between
    /// providers.
    pub input_uncached: Option<u64>,
    /// Input tokens read from the prompt cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to the cache for five minutes.
    pub cache_write_5m: Option<u64>,
    /// Input tokens written to the cache for one hour.
    pub cache_write_1h: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
    /// Reasoning tokens, whether the output includes them or not.
    pub reasoning: Option<u64>,
    /// Those of them that are counted beside the output.
    pub reasoning_apart: Option<u64>,
    /// Web searches run by the provider.
    pub web_search_requests: Option<u64>,
}

/// How many flows had a figure.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct UsageFlows {
    /// Flows with input tokens.
    pub input: u64,
    /// Flows with input tokens.
    pub input_uncached: u64,
    /// Flows with tokens read from the cache.
    pub cache_read: u64,
    /// Flows with tokens written to the cache for five minutes.
    pub cache_write_5m: u64,
    /// Flows with tokens written to the cache for one hour.
    pub cache_write_1h: u64,
    /// Flows with output tokens.
    pub output: u64,
    /// Flows with reasoning tokens.
    pub reasoning: u64,
    /// Flows with a count of web searches.
    pub web_search_requests: u64,
}

/// Times of flows.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Latency {
    /// From head to end.
    pub duration: Option<Times>,
    /// To the answer's first byte.
    pub ttfb: Option<Times>,
    /// To the first token.
    pub ttft: Option<Times>,
    /// How far a percentile may be from what was measured, in percent of it.
    pub percentile_error_percent: f64,
}

/// How a time spreads.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Times {
    /// Flows that it was measured of.
    pub flows: u64,
    /// The mean in milliseconds, exact.
    pub mean_ms: f64,
    /// The median in milliseconds.
    pub p50_ms: f64,
    /// What 95 of 100 flows do not exceed, in milliseconds.
    pub p95_ms: f64,
}

/// Usage: groups of flows and what they add up to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UsagePage {
    /// By what the groups are told apart.
    pub group_by: Vec<String>,
    /// Beginning of the first whole hour that was asked for; null for all.
    pub since: Option<String>,
    /// End of the last whole hour that was asked for; null for all.
    pub until: Option<String>,
    /// The zone of the days, as its distance from UTC. Sums are kept by hours of UTC: where the distance is
    /// no whole number of hours, an hour that spans midnight belongs to the day in which it begins.
    pub tz: String,
    /// Whether every flow is part of the sums; false while those of an earlier version are being added.
    pub complete: bool,
    /// By time, then by text.
    pub items: Vec<UsageItem>,
    /// What all items add up to.
    pub totals: Totals,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// In what flows of a group are alike. What was not asked for is null, and so is what is not known.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct GroupLabel {
    /// The beginning of the hour (UTC).
    pub hour: Option<String>,
    /// The day in the zone that was asked for, as 2026-01-31.
    pub day: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The model that answered, or was asked for while none has.
    pub model: Option<String>,
    /// The kind of agent.
    pub agent: Option<String>,
}

/// Flows that are alike in what was asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UsageItem {
    /// In what they are alike.
    #[serde(flatten)]
    pub label: GroupLabel,
    /// What they add up to.
    #[serde(flatten)]
    pub totals: Totals,
}

impl From<&Sums> for Totals {
    fn from(sums: &Sums) -> Self {
        let of = |tally| sums.tally(tally);
        let cost = sums.figure(Measure::Cost);
        Self {
            flows: FlowCounts {
                total: of(Tally::Flows),
                open: sums.open(),
                completed: of(Tally::Completed),
                provider_error: of(Tally::ProviderError),
                client_gone: of(Tally::ClientGone),
                upstream_gone: of(Tally::UpstreamGone),
                timed_out: of(Tally::TimedOut),
                refused: of(Tally::Refused),
                lost: of(Tally::Lost),
            },
            events: of(Tally::Events),
            dropped_events: of(Tally::DroppedEvents),
            request_bytes: of(Tally::RequestBytes),
            response_bytes: of(Tally::ResponseBytes),
            usage: sums.into(),
            usage_flows: sums.into(),
            cost: cost.known().map(|sum| Cost { micro_usd: sum.cast_signed() }),
            priced_flows: cost.flows,
            unpriced_flows: of(Tally::Unpriced),
            estimated: Estimated::of(sums),
            latency: Latency {
                duration: Times::of(sums, Measure::Duration),
                ttfb: Times::of(sums, Measure::Ttfb),
                ttft: Times::of(sums, Measure::Ttft),
                percentile_error_percent: Spread::ERROR_PERCENT,
            },
        }
    }
}

impl From<&Sums> for UsageSums {
    fn from(sums: &Sums) -> Self {
        let of = |measure| sums.figure(measure).known();
        Self {
            input: of(Measure::Input),
            input_uncached: of(Measure::InputUncached),
            cache_read: of(Measure::CacheRead),
            cache_write_5m: of(Measure::CacheWrite5m),
            cache_write_1h: of(Measure::CacheWrite1h),
            output: of(Measure::Output),
            reasoning: of(Measure::Reasoning),
            reasoning_apart: of(Measure::ReasoningApart),
            web_search_requests: of(Measure::WebSearches),
        }
    }
}

impl From<&Sums> for UsageFlows {
    fn from(sums: &Sums) -> Self {
        let of = |measure| sums.figure(measure).flows;
        Self {
            input: of(Measure::Input),
            input_uncached: of(Measure::InputUncached),
            cache_read: of(Measure::CacheRead),
            cache_write_5m: of(Measure::CacheWrite5m),
            cache_write_1h: of(Measure::CacheWrite1h),
            output: of(Measure::Output),
            reasoning: of(Measure::Reasoning),
            web_search_requests: of(Measure::WebSearches),
        }
    }
}

impl Times {
    fn of(sums: &Sums, measure: Measure) -> Option<Self> {
        let Figure { sum, flows } = sums.figure(measure);
        let spread = sums.spread(measure)?;
        // A mean of microseconds: what is below is noise.
        let milliseconds = |nanos: u64| (nanos / 1_000) as f64 / 1_000.0;
        Some(Self {
            flows,
            mean_ms: milliseconds(sum.checked_div(flows)?),
            p50_ms: milliseconds(spread.percentile(50)?),
            p95_ms: milliseconds(spread.percentile(95)?),
        })
    }
}

impl From<&langley_store::UsageGroup> for UsageItem {
    fn from(group: &langley_store::UsageGroup) -> Self {
        Self { label: group.into(), totals: (&group.sums).into() }
    }
}

impl From<&langley_store::UsageGroup> for GroupLabel {
    fn from(group: &langley_store::UsageGroup) -> Self {
        let known = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self {
            hour: group.hour.map(rfc3339),
            day: group.day.map(date),
            host: known(&group.host),
            provider: known(&group.provider),
            model: known(&group.model),
            agent: known(&group.agent),
        }
    }
}

/// A day counted from 1970-01-01, as 2026-01-31.
pub(super) fn date(day: i64) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    let found = epoch.checked_add(jiff::Span::new().try_days(day).unwrap_or_default());
    found.unwrap_or(epoch).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date() {
        for (day, text) in [(0, "1970-01-01"), (20_000, "2024-10-04"), (-1, "1969-12-31")] {
            assert_eq!(date(day), text);
        }
    }
}
