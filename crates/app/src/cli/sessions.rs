//! Options of `langley sessions`: which sessions, and in what shape.

use clap::Args;

/// Options of `sessions`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SessionsArgs {
    /// Print JSON: {items, next_cursor, complete}, as `GET /api/sessions` does
    #[arg(long)]
    pub(crate) json: bool,

    /// Only sessions with a flow since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only those of this project: a folder, or the name that was given
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}
