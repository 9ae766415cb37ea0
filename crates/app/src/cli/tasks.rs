//! Options of `langley tasks`: which tasks, and in what shape.

use clap::Args;

/// Options of `tasks`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TasksArgs {
    /// Print JSON: {items, next_cursor, complete}, as `GET /api/tasks` does
    #[arg(long)]
    pub(crate) json: bool,

    /// Only tasks with a flow since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only tasks with a flow of this session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,

    /// Leave out tasks that nothing names
    #[arg(long)]
    pub(crate) no_inferred: bool,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}
