//! Tool calls as rows: what waits to be analysed, what the analysis told, and what it adds up to.

mod evidence;
mod keep;
mod order;
mod query;
mod report;
mod row;
mod sums;
mod waiting;

use langley_model::Micros;
use rusqlite::Connection;

use crate::names::DailyNames;

pub use evidence::FreshEvidence;
pub(crate) use evidence::keep as keep_evidence;
pub use keep::{Analysis, CallEntry};
pub use order::ToolOrder;
#[cfg(test)]
pub(crate) use query::cursor_of;
pub use query::{Invocation, InvocationQuery};
pub use report::{ToolQuery, ToolReport, ToolTotals};
pub use row::KeptCall;
pub use sums::{ToolSums, ToolTally};
pub use waiting::{AnalysisState, CountingState, Unread};

/// Positions from here on are of results whose call is in no recorded answer.
pub const STRAY: u32 = 1 << 16;

/// Longer names are cut: no provider takes a tool with one.
const LONGEST_NAME: usize = 256;

/// The names that have numbers.
pub(crate) fn names() -> DailyNames {
    DailyNames::of("tools", LONGEST_NAME)
}

/// The number of a tool, of a flow that began at `at`.
pub(crate) fn number(
    names: &mut DailyNames,
    conn: &Connection,
    name: &str,
    at: Micros,
) -> rusqlite::Result<Option<i64>> {
    names.number(conn, &name[..name.floor_char_boundary(LONGEST_NAME)], at)
}
