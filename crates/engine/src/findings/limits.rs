//! From which figure on something is a finding.

use std::time::Duration;

use langley_model::MicroUsd;

/// The bounds, as configuration names them below `analytics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `anomaly_context_tokens`: tokens of a request's input.
    pub context_tokens: u64,
    /// `anomaly_context_percent`: of what the model can read, in percent.
    pub context_percent: u64,
    /// `anomaly_context_spike_tokens`: more than the request before it had; it must also be twice as long.
    pub spike_tokens: u64,
    /// `anomaly_slow_response_ms`: to the first token; it must also take four times as long as usual.
    pub slow_response: Duration,
    /// `anomaly_stall_ms`: between two events of an answer.
    pub stall: Duration,
    /// `anomaly_tool_delay_ms`: from a call to its result.
    pub slow_tool: Duration,
    /// `anomaly_rapid_calls_window_s`.
    pub rapid_window: Duration,
    /// `anomaly_rapid_calls_threshold`: more equal calls than this within the window.
    pub rapid_calls: usize,
    /// `anomaly_request_loop`: answers to the same request.
    pub request_loop: usize,
    /// `anomaly_tool_failures`: of one tool in a row.
    pub tool_failures: usize,
    /// `anomaly_retries`: failed attempts in a row.
    pub retries: usize,
    /// `anomaly_request_cents`: of one exchange; nothing sets no bound.
    pub request_cost: MicroUsd,
    /// `anomaly_daily_cents`: of a day of UTC; none where nobody set one.
    pub daily_cost: Option<MicroUsd>,
    /// `anomaly_cache_break_tokens`: that were readable and were billed again.
    pub cache_break_tokens: u64,
    /// `anomaly_idle_tools_tokens`: of tools that are not called, in one request.
    pub idle_tools_tokens: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            context_tokens: 100_000,
            context_percent: 80,
            spike_tokens: 20_000,
            slow_response: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            slow_tool: Duration::from_secs(30),
            rapid_window: Duration::from_secs(10),
            rapid_calls: 5,
            request_loop: 3,
            tool_failures: 3,
            retries: 4,
            request_cost: MicroUsd(1_000_000),
            daily_cost: None,
            cache_break_tokens: 1_024,
            idle_tools_tokens: 5_000,
        }
    }
}
