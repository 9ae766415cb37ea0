//! Options of `langley tools`: which tools or calls, and in what shape.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use langley_store::ToolOrder;

/// Options of `tools`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ToolsArgs {
    /// List the calls of this tool, newest first
    pub(crate) name: Option<String>,

    /// Print JSON, as `GET /api/tools` does, or `GET /api/tools/NAME/invocations`
    #[arg(long)]
    pub(crate) json: bool,

    /// Only calls since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only calls of this session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,

    /// The greatest first, by calls, cost, duration (of 95 of 100 calls), failures, repeats or violations
    #[arg(long, value_name = "BY", default_value = "calls", value_parser = sort(), conflicts_with = "name")]
    pub(crate) sort: ToolOrder,

    /// At most so many calls of one tool
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}

fn sort() -> impl TypedValueParser<Value = ToolOrder> {
    let words = PossibleValuesParser::new(ToolOrder::ALL.map(|(word, _)| word));
    words.map(|word| ToolOrder::parse(&word).unwrap_or_default())
}
