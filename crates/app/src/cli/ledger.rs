//! Options of `langley ledger`: which session, and in what shape.

use clap::Args;

/// Options of `ledger`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LedgerArgs {
    /// This session alone (as much of its id as no other has will do), with each response that is on one side only
    /// [default: the newest sessions]
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,

    /// Print JSON; of one session as `GET /api/sessions/{id}/ledger` does
    #[arg(long)]
    pub(crate) json: bool,

    /// Only sessions with a flow or a line since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN", conflicts_with = "session")]
    pub(crate) since: Option<String>,

    /// At most so many sessions
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}
