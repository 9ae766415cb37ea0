//! Options of `langley cost`: which flows, by what, and pricing them anew.

use clap::{Args, Subcommand, ValueEnum};

/// Options of `cost`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CostArgs {
    #[command(subcommand)]
    pub(crate) verb: Option<CostVerb>,

    /// By what: any of hour, day, host, provider, model, agent, session, task, subagent, project, tool,
    /// with commas between; or class; or commit. From transcripts neither host, task, tool nor commit
    #[arg(long, value_name = "LIST", default_value = "model")]
    pub(crate) by: String,

    /// What is read: what passed through Langley, or what agents on this machine wrote of all their sessions
    /// themselves [default: record, where there is one]
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub(crate) from: Option<CostSource>,

    /// Since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d. But for session, task and subagent
    /// the whole hour counts in which that is
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Until then, with the hour in which that is
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,

    /// Of this session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,

    /// Of this project: its folder, or the name that was given. From transcripts: a folder, with those below it, or
    /// the last name of one
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// At most so many groups
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,

    /// Print JSON, as `GET /api/analytics/cost` does, or `/api/analytics/commits`
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where costs are told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostSource {
    /// The flows that Langley recorded.
    Record,
    /// The files that agents keep of their sessions.
    Transcripts,
}

/// Verbs of `cost`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CostVerb {
    /// Use in blocks of five hours, as Claude's plans count it; the one that goes on with its pace
    Blocks {
        /// Since then [default: 7d]
        #[arg(long, value_name = "WHEN", default_value = "7d")]
        since: String,

        /// Who served it, by the names in docs/providers.md
        #[arg(long, value_name = "NAME", default_value = "anthropic")]
        provider: String,

        /// What is read [default: record, where there is one]
        #[arg(long, value_enum, value_name = "SOURCE")]
        from: Option<CostSource>,

        /// Print JSON, as `GET /api/analytics/blocks` does
        #[arg(long)]
        json: bool,
    },
    /// What providers said last of their limits: rate limits, and how far the windows of plans are used
    Limits {
        /// Print JSON, as `GET /api/analytics/limits` does
        #[arg(long)]
        json: bool,
    },
    /// Price stored flows anew, by the prices in force; what was done is kept as history
    ///
    /// Sums of hours whose flows are gone stay as they are, and so do costs that a provider told itself.
    Reprice(RepriceArgs),
}

/// Options of `cost reprice`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RepriceArgs {
    /// Flows that began since then
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Flows that began before then
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,

    /// Flows of exactly this model
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,

    /// Change nothing; tell what would come of it
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// List what was priced anew so far instead
    #[arg(long, conflicts_with_all = ["since", "until", "model", "dry_run"])]
    pub(crate) history: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
