//! Flows that were open when their process ended: the next start gives them their outcome.

use std::time::Duration;

use langley_model::{Flow, Micros, Outcome, Revision, Stored};
use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;
use crate::flow_row::{self, Binder, FlowSql, signed};
use crate::options::PriceLost;
use crate::query::key;
use crate::rollup::{Gathered, Held};
use crate::search;
use crate::store::Store;
use crate::tools;
use crate::traits;
use crate::writer::Totals;

/// Why such a flow ended.
const LOST: &str = "Langley ended before this flow did; what came after is not recorded.";

/// The flows that an earlier run left open; the second condition names the index.
const LEFT_OPEN: &str = "SELECT n FROM flows WHERE outcome IS NULL AND outcome IS NOT 'completed'";

/// How flows without an outcome are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// As open: somebody records them.
    Open,
    /// As what the next start makes of them: nobody does any more.
    Lost,
}

impl Told {
    /// `flow` as it is told; one that has ended is as it was.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn flow(self, store: &Store, flow: Stored<Flow>) -> Result<Stored<Flow>, StoreError> {
        if self == Self::Open || !flow.is_open() {
            return Ok(flow);
        }
        let revision = flow.revision();
        let ended = store.readers().read(|conn| {
            let Some((n, _)) = key(conn, flow.id)? else { return Ok((*flow).clone()) };
            Ok(ended(&flow, events(conn, n)?))
        })?;
        Ok(Stored::read_back(ended, revision))
    }
}

/// How many events of the flow `n` are stored, and how long after its start the last one came.
fn events(conn: &Connection, n: i64) -> rusqlite::Result<(u64, i64)> {
    conn.prepare_cached(
        "SELECT ifnull(sum(events), 0), ifnull(max(last_us), 0) FROM event_blocks WHERE flow = ?1",
    )?
    .query_row([n], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))
}

/// `flow`, of which so many events are stored until then, as a lost one. It ended at the last that is known of
/// it, so that it does not seem longer than it was; events that were counted but not committed any more are
/// told as dropped.
fn ended(flow: &Flow, (stored, last_us): (u64, i64)) -> Flow {
    let mut after = flow.clone();
    after.outcome = Some(Outcome::Lost);
    after.reason.get_or_insert_with(|| LOST.to_owned());
    after.ended_at = after.ended_at.or(Some(last_seen(flow, last_us)));
    let unwritten = after.event_count.saturating_sub(stored);
    after.dropped_events = after.dropped_events.max(unwritten);
    after
}

/// Gives every open flow the outcome `lost`, a revision, and a cost where what is known of its usage has one;
/// returns how many there were.
pub(crate) fn mark(conn: &mut Connection, price: Option<&PriceLost>) -> rusqlite::Result<u64> {
    let any = conn.prepare(LEFT_OPEN)?.exists(())?;
    if !any {
        return Ok(0);
    }
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let keys: Vec<i64> =
        change.prepare(LEFT_OPEN)?.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    search::await_index(&change, &keys)?;
    tools::await_analysis(&change, &keys)?;
    let first = Totals::read(&change)?.revision;
    let (held, mut rollups) = (Held::read(&change)?, Gathered::default());
    let select = format!("{} WHERE n = ?1", FlowSql::select());
    let (mut price, mut names) = (price.map(PriceLost::make), traits::names());
    let sql = FlowSql::new();
    for (revision, key) in (first + 1..).zip(&keys) {
        let row = change.prepare_cached(&select)?.query_row([key], flow_row::read_sound)?;
        let Some((n, before)) = row else {
            // It is lost as well, though nobody can say more of it.
            change
                .prepare_cached(
                    "UPDATE flows SET outcome = ?2, reason = ?3, revision = ?4 WHERE n = ?1",
                )?
                .execute((key, Outcome::Lost.as_str(), LOST, signed(revision)))?;
            continue;
        };
        let mut after = ended(&before, events(&change, n)?);
        if let Some(price) = &mut price {
            price(&mut after);
        }
        rollups.change(n, Some((&before, before.revision())), held, &after);
        let revision = Revision(revision);
        change
            .prepare_cached(
                "UPDATE flows SET outcome = ?2, reason = ?3, revision = ?4, dropped_events = ?5,
                     ended_at = ?6
                 WHERE n = ?1",
            )?
            .execute((
                key,
                Outcome::Lost.as_str(),
                &after.reason,
                signed(revision.0),
                signed(after.dropped_events),
                after.ended_at.map(|at| at.0),
            ))?;
        if after.cost != before.cost {
            let traits = traits::number(&mut names, &change, &after)?;
            let mut update = change.prepare_cached(&sql.progress)?;
            let mut binder = Binder::new(&mut update);
            binder.key(n, revision);
            binder.plain(&after, traits);
            binder.execute()?;
        }
    }
    rollups.write(&change)?;
    let lost = keys.len() as u64;
    Totals { revision: lost, lost, ..Totals::default() }.add(&change)?;
    change.commit()?;
    Ok(lost)
}

/// When the last thing happened that is known of a flow: its last stored event (so long after its start), the
/// last token of its answer, the first one, or its first byte, else its start.
fn last_seen(flow: &Flow, last_event_us: i64) -> Micros {
    let reached = flow.ttlt.max(flow.ttft).max(flow.ttfb).unwrap_or(Duration::ZERO);
    let reached = i64::try_from(reached.as_micros()).unwrap_or(0);
    Micros(flow.started_at.0.saturating_add(reached.max(last_event_us)))
}
