//! Flows that were open when their process ended: the next start gives them their outcome.

use std::time::Duration;

use langley_model::{Flow, Micros, Outcome, Revision, Stored};
use rusqlite::{Connection, TransactionBehavior};

use crate::damage::{Fault, decoded_flow, sound};
use crate::error::StoreError;
use crate::flow_row::{Binder, FlowSql, signed};
use crate::options::PriceLost;
use crate::query::found_key;
use crate::reprice::Reprice;
use crate::rollup::{Gathered, Held};
use crate::store::Store;
use crate::totals::Totals;
use crate::traits;
use crate::waiting::Waiting;

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
            let Some((n, _)) = found_key(conn, flow.id)? else { return Ok((*flow).clone()) };
            Ok(ended(conn, n, &flow, LOST)?)
        })?;
        Ok(Stored::read_back(ended, revision))
    }
}

/// How many events of the flow `n` are stored, which the index knows by itself, and how long after its start the
/// last one came that can be read.
fn events(conn: &Connection, n: i64) -> rusqlite::Result<(u64, i64)> {
    let stored: i64 = conn
        .prepare_cached("SELECT ifnull(sum(events), 0) FROM event_blocks WHERE flow = ?1")?
        .query_row([n], |row| row.get(0))?;
    let last = conn
        .prepare_cached("SELECT ifnull(max(last_us), 0) FROM event_blocks WHERE flow = ?1")?
        .query_row([n], |row| row.get(0));
    let last = match sound(("the time of a flow's events", n), last)? {
        Some(last) => last,
        None => last_sound(conn, n)?,
    };
    Ok((stored.cast_unsigned(), last))
}

/// The same time, of the last block that can be read; 0 where none can.
fn last_sound(conn: &Connection, n: i64) -> rusqlite::Result<i64> {
    let mut blocks = conn.prepare_cached(
        "SELECT id FROM event_blocks WHERE flow = ?1 ORDER BY first_seq DESC, last_seq DESC",
    )?;
    let mut blocks = blocks.query([n])?;
    while let Some(row) = blocks.next()? {
        let block: i64 = row.get(0)?;
        let last = conn
            .prepare_cached("SELECT last_us FROM event_blocks WHERE id = ?1")?
            .query_row([block], |row| row.get(0));
        if let Some(last) = sound(("a block of events", block), last)? {
            return Ok(last);
        }
    }
    Ok(0)
}

/// The flow `n`, for this reason, as a lost one. It ended at the last that is known of
/// it, so that it does not seem longer than it was; events that were counted but not committed any more are
/// told as dropped.
pub(crate) fn ended(
    conn: &Connection,
    n: i64,
    flow: &Flow,
    reason: &str,
) -> rusqlite::Result<Flow> {
    let (stored, last_us) = events(conn, n)?;
    let mut after = flow.clone();
    after.outcome = Some(Outcome::Lost);
    after.reason.get_or_insert_with(|| reason.to_owned());
    after.ended_at = after.ended_at.or(Some(last_seen(flow, last_us)));
    let unwritten = after.event_count.saturating_sub(stored);
    after.dropped_events = after.dropped_events.max(unwritten);
    Ok(after)
}

/// A flow that an earlier run left open.
struct Left {
    key: i64,
    /// As it was and as it is from now on; none where it does not decode.
    told: Option<(Stored<Flow>, Flow)>,
}

/// Gives every open flow the outcome `lost`, a revision, and a cost where what is known of its usage has one;
/// returns how many there were. One that lies where nothing can be read or written stays as it is.
pub(crate) fn mark(conn: &mut Connection, price: Option<&PriceLost>) -> rusqlite::Result<u64> {
    let keys: Vec<i64> =
        conn.prepare(LEFT_OPEN)?.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut price = price.map(PriceLost::make);
    let mut left = Vec::new();
    // Read before the transaction: a damaged page would end it.
    for key in keys {
        left.extend(sound(("a flow that was left open", key), read(conn, key, &mut price))?);
    }
    match mark_all(conn, &left) {
        Err(error) if error.is_of_one_place() => {}
        done => return done,
    }
    let mut lost = 0;
    for one in left.chunks(1) {
        let marked = mark_all(conn, one);
        lost += sound(("a flow that was left open", one[0].key), marked)?.unwrap_or(0);
    }
    Ok(lost)
}

fn read(conn: &Connection, key: i64, price: &mut Option<Reprice>) -> rusqlite::Result<Left> {
    let told = match decoded_flow(conn, key)? {
        Some(before) => {
            let mut after = ended(conn, key, &before, LOST)?;
            if let Some(price) = price {
                price(&mut after);
            }
            Some((before, after))
        }
        None => None,
    };
    Ok(Left { key, told })
}

/// Marks flows in one transaction; how many these are.
fn mark_all(conn: &mut Connection, left: &[Left]) -> rusqlite::Result<u64> {
    if left.is_empty() {
        return Ok(0);
    }
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let keys: Vec<i64> = left.iter().map(|left| left.key).collect();
    Waiting::Index.note(&change, &keys)?;
    Waiting::Analysis.note(&change, &keys)?;
    let first = Totals::read(&change)?.revision + 1;
    let (held, mut rollups) = (Held::read(&change)?, Gathered::default());
    let (mut names, sql) = (traits::names(), FlowSql::new());
    for (revision, Left { key, told }) in (first..).map(Revision).zip(left) {
        let Some((before, after)) = told else {
            // It is lost as well, though nobody can say more of it.
            change
                .prepare_cached(
                    "UPDATE flows SET outcome = ?2, reason = ?3, revision = ?4 WHERE n = ?1",
                )?
                .execute((key, Outcome::Lost.as_str(), LOST, signed(revision.0)))?;
            continue;
        };
        rollups.change(*key, Some((before, before.revision())), held, after);
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
            let traits = traits::number(&mut names, &change, after)?;
            let mut update = change.prepare_cached(&sql.progress)?;
            let mut binder = Binder::new(&mut update);
            binder.key(*key, revision);
            binder.plain(after, traits);
            binder.execute()?;
        }
    }
    rollups.write(&change)?;
    let lost = left.len() as u64;
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
