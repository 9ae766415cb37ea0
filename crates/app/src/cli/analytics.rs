//! Options of `langley analytics`: which figures, by what, and of which time.

use clap::{Args, Subcommand};

/// Verbs of `analytics`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AnalyticsVerb {
    /// How long flows took: connecting, TLS, first byte, first and last token, pauses, tokens for a second
    Latency {
        /// By what: any of hour, day, host, provider, model, agent, with commas between
        #[arg(long, value_name = "LIST", default_value = "model")]
        by: String,

        #[command(flatten)]
        span: SpanArgs,
    },
    /// Turns of sessions: requests, retries, tool calls, the agents' time and yours
    Turns(WorkArgs),
    /// What came of the tokens: the cache's share, output for input, growth of prompts from turn to turn
    Efficiency(WorkArgs),
}

/// Which time, and in what shape.
#[derive(Args, Clone, Debug)]
pub(crate) struct SpanArgs {
    /// Since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    pub(crate) since: String,

    /// Until then
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,

    /// Print JSON, as the door of the same name below `/api/analytics` does
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `turns` and `efficiency`.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorkArgs {
    /// By what: session, or the model that a session's own agent asked most
    #[arg(long, value_name = "WORD", default_value = "session")]
    pub(crate) by: String,

    /// At most so many groups
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) span: SpanArgs,
}
