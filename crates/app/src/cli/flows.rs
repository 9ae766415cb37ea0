//! Options of `langley flows`: which flows, and in what shape.

use clap::Args;

/// Options of `flows`.
#[derive(Args, Clone, Debug)]
pub(crate) struct FlowsArgs {
    /// Print JSON: {items, next_cursor}
    #[arg(long)]
    pub(crate) json: bool,

    /// Only flows since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only flows of this session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,

    /// Only flows of this project: a folder, or the name that was given
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// Only flows in which all of these words were said: "words in quotes" follow one another, beginn*
    ///
    /// A star works at the end of a word only, behind three letters or more. Case does not matter, accents do
    /// (`naive` does not find `naïve`); AND, OR and NOT are words like any other.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) search: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}
