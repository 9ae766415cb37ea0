//! Options of `langley findings`: which findings, in what shape, and what is made of one.

use clap::{Args, Subcommand};

/// Options of `findings`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct FindingsArgs {
    #[command(subcommand)]
    pub(crate) verb: Option<FindingsVerb>,

    /// Print JSON: {items, next_cursor, total}, as `GET /api/findings` does
    #[arg(long)]
    pub(crate) json: bool,

    /// Only what was seen since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only of this session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,

    /// Only this kind, such as cache_break
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,

    /// Also those that are muted or resolved
    #[arg(long)]
    pub(crate) all: bool,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}

/// What is made of a finding.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum FindingsVerb {
    /// It was seen; it goes on being counted
    Acknowledge {
        /// Its number
        #[arg(value_parser = number)]
        id: i64,
    },
    /// It is not wanted any more, however often it comes again
    Mute {
        /// Its number
        #[arg(value_parser = number)]
        id: i64,
    },
    /// It was seen to; it opens again when it comes again
    Resolve {
        /// Its number
        #[arg(value_parser = number)]
        id: i64,
    },
    /// It counts as new again
    Reopen {
        /// Its number
        #[arg(value_parser = number)]
        id: i64,
    },
}

/// The number of a finding.
fn number(text: &str) -> Result<i64, String> {
    let unknown = |_| String::from("a finding has a number; `langley findings` lists them");
    text.parse().map_err(unknown)
}
