//! Sums that an earlier version kept, brought to what is summed today: of the flows that are there, so that a
//! flow is taken out as it was added. What hours hold of flows that are gone stays in the older sense.

use langley_model::{DialectName, Flow, Tokens};
use rusqlite::Connection;

use super::fill::Held;
use super::gather::Gathered;
use super::measure::{Measure, Tally};
use super::sums::Sums;
use crate::damage::{Keyed, decoded_flow};
use crate::filter::Order;

/// Flows whose changes are gathered before they are written.
const TOGETHER: usize = 500;

/// The first schema whose sums are of usage as it is summed today.
const USAGE: i64 = 21;

/// Brings the sums of this schema up to date. All flows are read for it, or those of `sound` where others cannot
/// be: of each it is known whether it repeats another.
pub(crate) fn redefine(
    conn: &Connection,
    version: i64,
    sound: Option<&[i64]>,
) -> rusqlite::Result<()> {
    if let Some(sound) = sound {
        return sound.chunks(TOGETHER).try_for_each(|keys| redefine_of(conn, version, keys));
    }
    let mut after = i64::MIN;
    loop {
        let keys = Keyed::Flows.keys_after(conn, after, Order::OldestFirst, TOGETHER)?;
        let Some(last) = keys.last() else { return Ok(()) };
        after = *last;
        redefine_of(conn, version, &keys)?;
    }
}

fn redefine_of(conn: &Connection, version: i64, keys: &[i64]) -> rusqlite::Result<()> {
    let (held, mut gathered) = (Held::read(conn)?, Gathered::default());
    for n in keys {
        let Some(flow) = decoded_flow(conn, *n)? else { continue };
        let mut change = times(&flow);
        if version < USAGE {
            alter_usage(&mut change, &flow);
        }
        gathered.alter((*n, &flow), held, &change);
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
