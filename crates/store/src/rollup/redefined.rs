//! Sums that an earlier version kept, brought to what is summed today: of the flows that are there, so that a
//! flow is taken out as it was added. What hours hold of flows that are gone stays in the older sense.

use langley_model::{DialectName, Flow, Tokens};
use rusqlite::Connection;

use super::fill::Held;
use super::gather::Gathered;
use super::measure::{Measure, Tally};
use super::sums::Sums;
use crate::flow_row::{FlowSql, read_sound};

/// Flows whose changes are gathered before they are written.
const TOGETHER: usize = 500;

/// The first schema whose sums are of usage as it is summed today.
const USAGE: i64 = 21;

/// Brings the sums of this schema up to date. All flows are read for it: of each it is known whether it repeats
/// another.
pub(crate) fn redefine(conn: &Connection, version: i64) -> rusqlite::Result<()> {
    let held = Held::read(conn)?;
    let mut statement = conn.prepare(FlowSql::select())?;
    let mut rows = statement.query(())?;
    let (mut gathered, mut count) = (Gathered::default(), 0);
    while let Some(row) = rows.next()? {
        let Some((n, flow)) = read_sound(row)? else { continue };
        let mut change = times(&flow);
        if version < USAGE {
            alter_usage(&mut change, &flow);
        }
        gathered.alter((n, &flow), held, &change);
        count += 1;
        if count % TOGETHER == 0 {
            std::mem::take(&mut gathered).write(conn)?;
        }
    }
    gathered.write(conn)
}

/// What schema 25 added to the sums: times of setting up a connection, and repeated attempts.
fn times(flow: &Flow) -> Sums {
    let mut added = Sums::default();
    for measure in [Measure::Connect, Measure::Tls, Measure::Retries] {
        added.alter(measure, None, measure.of(flow, None));
    }
    added
}

/// What schema 21 changed: uncached input is without what was written to the cache too, reasoning beside the output
/// is summed, and only what has ended counts as unpriced.
fn alter_usage(change: &mut Sums, flow: &Flow) {
    let unpriced = u64::from(!flow.usage.is_empty() && flow.cost.is_none());
    change.alter_tally(Tally::Unpriced, unpriced, Tally::Unpriced.of(flow));
    let uncached = flow.usage.input.zip(flow.dialect()).map(|(Tokens(input), dialect)| {
        let read = match dialect {
            DialectName::Anthropic | DialectName::Bedrock => 0,
            DialectName::OpenAi | DialectName::Gemini => {
                flow.usage.cache_read.map_or(0, |Tokens(read)| read)
            }
        };
        input.saturating_sub(read)
    });
    change.alter(Measure::InputUncached, uncached, Measure::InputUncached.of(flow, None));
    change.alter(Measure::ReasoningApart, None, Measure::ReasoningApart.of(flow, None));
}
