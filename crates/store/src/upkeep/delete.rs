//! Removing flows, and what hangs on them, a few rows at a time.

use std::ops::ControlFlow;

use rusqlite::Connection;

use super::report::Upkeep;
use super::sweep::UNSWEPT;
use crate::damage::{Keyed, Patience, one_by_one};
use crate::error::StoreError;
use crate::filter::{Condition, FlowFilter, Order, stretch};
use crate::query::Worded;
use crate::rollup::before_removal;
use crate::search::Purpose;
use crate::store::Store;
use crate::totals::add_to_total;
use crate::writer::{Budget, Site};

/// Flows that are looked up, and handed to the writer, at once.
pub(super) const AT_ONCE: usize = 500;

/// Rows of one piece of work.
const ROWS: u32 = 500;

/// Blocks that are removed at once; each may be some 20 KB.
const BLOCKS: usize = 16;

/// What flows that may be deleted have.
const ENDED: &str = "outcome IS NOT NULL";

impl Store {
    /// Deletes the ended flows that `filter` names, with all that belongs to them; returns how many.
    ///
    /// Open flows stay: they are still being written. Recording goes on meanwhile. When it returns, the
    /// room is free for others, though still part of the file; while maintenance runs, it becomes free
    /// with a later one. What the flows add up to stays as well: the
    /// sums name hosts, models and agents, and hold nothing that was said.
    ///
    /// # Errors
    /// The store is closed or cannot be written. What was deleted until then stays deleted, and the error says
    /// how many these were ([`StoreError::Partly`]); so it does where some stay because the file is damaged
    /// ([`StoreError::Stay`]).
    pub fn delete_flows(&self, filter: &FlowFilter) -> Result<u64, StoreError> {
        let mut removed = Upkeep::default();
        match self.delete_some(filter, &mut removed) {
            Ok(()) if removed.stay > 0 => {
                Err(StoreError::Stay { removed: removed.flows, stay: removed.stay })
            }
            Err(cause) if removed.flows > 0 => {
                Err(StoreError::Partly { removed: removed.flows, cause: Box::new(cause) })
            }
            done => done.map(|()| removed.flows),
        }
    }

    fn delete_some(&self, filter: &FlowFilter, removed: &mut Upkeep) -> Result<(), StoreError> {
        // Asked of the writer first, so that a store that is closed or only read refuses.
        self.job(|_| Ok(()))?;
        // All that was handed over before is part of what is asked to go.
        self.flush()?;
        if let Some(raw) = self.raw_store().get() {
            raw.flush();
        }
        // What counts as the newest flows is settled before some are gone.
        let worded = self.worded(filter, Purpose::Remove(ENDED), Order::OldestFirst)?;
        let mut raw = self.raw_removal()?;
        let (mut after, mut damaged) = (i64::MIN, Vec::new());
        loop {
            let (keys, last) = self.ended(filter, worded.as_ref(), after, &mut damaged)?;
            let Some(last) = last else { break };
            after = last;
            let with_raw = if raw.is_some() { self.ids_of(&keys)? } else { Vec::new() };
            self.by_flow(
                keys,
                removed,
                |_| {},
                |conn, key, budget, removed| {
                    Ok(!is_ended(conn, key)? || remove_flow(conn, key, budget, removed)?)
                },
            )?;
            if let Some(raw) = &mut raw {
                raw.of_gone(self, with_raw)?;
            }
        }
        if let Some(raw) = raw {
            raw.finish()?;
        }
        self.note_read([], &damaged);
        self.look_at_damaged()?;
        if removed.flows > 0 {
            self.forget_stars()?;
            self.merge_index()?;
        }
        // Whoever has the turn may keep it for minutes; what this left behind is noted, and the next
        // maintenance sweeps it.
        if removed.flows > 0
            && let Some(_turn) = self.board().turn_if_free()
        {
            self.sweep(removed, |_| {})?;
        }
        Ok(())
    }

    /// Some of the flows after `after` that are to go, and how far was looked, where there may be more.
    fn ended(
        &self,
        filter: &FlowFilter,
        worded: Option<&Worded<'_>>,
        after: i64,
        damaged: &mut Vec<i64>,
    ) -> Result<(Vec<i64>, Option<i64>), StoreError> {
        if let Some(worded) = worded {
            let keys = worded.keys(self, Some(after), AT_ONCE, usize::MAX)?.keys;
            let last = keys.last().copied();
            return Ok((keys, last));
        }
        let mut condition = Condition::of(filter);
        condition.and(ENDED, []);
        let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let (sql, parameters) = stretch(condition.clone(), Some(after), Order::OldestFirst, limit);
        let walked = self.readers().read(|conn| {
            let mut statement = conn.prepare(&sql)?;
            let parameters = rusqlite::params_from_iter(&parameters);
            let keys = statement.query_map(parameters, |row| row.get(0))?;
            Ok(keys.collect::<Result<Vec<i64>, _>>()?)
        });
        match walked {
            Err(error) if error.is_of_one_place() => {}
            walked => {
                let keys = walked?;
                let last = keys.last().copied();
                return Ok((keys, last));
            }
        }
        // Which there are is known by the index of their ids; each is asked by itself.
        let mut behind = Condition::of_keys(filter);
        behind.and("n > ?", [after.into()]);
        self.readers().read(|conn| {
            let all = Keyed::Flows.keys(conn, &behind, Order::OldestFirst, AT_ONCE)?;
            let (mut keys, last) = (Vec::new(), all.last().copied());
            let select = ("SELECT 1 FROM flows", &condition);
            one_by_one(
                conn,
                all,
                select,
                |_| Ok(()),
                damaged,
                |key, ()| {
                    keys.push(key);
                    ControlFlow::Continue(())
                },
            )?;
            Ok((keys, last))
        })
    }

    /// Does `work` on each flow, a transaction for as many as the budget lets; `work` says whether it is
    /// through with one. Where that meets damage, each has a transaction of its own, and those stay that cannot
    /// be read or written.
    pub(super) fn by_flow(
        &self,
        mut keys: Vec<i64>,
        removed: &mut Upkeep,
        mut tell: impl FnMut(&Upkeep),
        work: fn(&Connection, i64, &mut Budget, &mut Upkeep) -> rusqlite::Result<bool>,
    ) -> Result<(), StoreError> {
        keys.reverse();
        let (mut is_alone, mut patience) = (false, Patience::default());
        while let Some(&first) = keys.last() {
            let (before, here) = (*removed, keys.clone());
            let rows = if is_alone { 1 } else { ROWS };
            let done = self.job(move |site| some(site, here, rows, before, work));
            match done {
                Err(error) if error.is_of_one_place() && !is_alone => is_alone = true,
                Err(error) if patience.goes_on(&error) => {
                    tracing::debug!(%error, key = first, "a flow is damaged and stays");
                    removed.stay += 1;
                    keys.pop();
                }
                done => {
                    (keys, *removed) = done?;
                    patience = Patience::default();
                    tell(removed);
                }
            }
        }
        Ok(())
    }
}

/// Does `work` on some flows, the last first; returns those that are left, and what was removed.
fn some(
    site: &mut Site<'_>,
    mut left: Vec<i64>,
    rows: u32,
    before: Upkeep,
    work: fn(&Connection, i64, &mut Budget, &mut Upkeep) -> rusqlite::Result<bool>,
) -> rusqlite::Result<(Vec<i64>, Upkeep)> {
    let (mut budget, mut removed) = (Budget::new(rows), before);
    let change = site.change()?;
    while let Some(&key) = left.last() {
        if !work(&change, key, &mut budget, &mut removed)? {
            break;
        }
        left.pop();
        if !budget.spend(1) {
            break;
        }
    }
    if removed != before {
        leave_garbage(&change)?;
    }
    change.commit()?;
    site.rows_are_gone();
    Ok((left, removed))
}

fn is_ended(conn: &Connection, key: i64) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM flows WHERE n = ?1 AND outcome IS NOT NULL")?.exists([key])
}

/// Removes a flow's events and then its row, with which all else of it goes; whether it is gone.
pub(super) fn remove_flow(
    conn: &Connection,
    key: i64,
    budget: &mut Budget,
    removed: &mut Upkeep,
) -> rusqlite::Result<bool> {
    if !remove_events(conn, key, budget, removed)? {
        return Ok(false);
    }
    before_removal(conn, key)?;
    // Else they would tell of a flow that was never recorded; their sums stay.
    conn.prepare_cached(
        "DELETE FROM drops WHERE flow_id = (SELECT flow_id FROM flows WHERE n = ?1)",
    )?
    .execute([key])?;
    let rows = conn.prepare_cached("DELETE FROM flows WHERE n = ?1")?.execute([key])?;
    removed.flows += rows as u64;
    Ok(true)
}

/// Removes events of a flow; whether none is left.
pub(super) fn remove_events(
    conn: &Connection,
    key: i64,
    budget: &mut Budget,
    removed: &mut Upkeep,
) -> rusqlite::Result<bool> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM event_blocks
         WHERE id IN (SELECT id FROM event_blocks WHERE flow = ?1 LIMIT ?2) RETURNING events",
    )?;
    loop {
        let mut blocks = 0;
        let mut rows = delete.query((key, i64::try_from(BLOCKS).unwrap_or(i64::MAX)))?;
        while let Some(row) = rows.next()? {
            blocks += 1;
            removed.events += row.get::<_, i64>(0)?.cast_unsigned();
        }
        if blocks < BLOCKS {
            return Ok(true);
        }
        if !budget.spend(blocks) {
            return Ok(false);
        }
    }
}

/// Remembers that there may be contents that nothing refers to, also if the process ends before the sweep.
fn leave_garbage(conn: &Connection) -> rusqlite::Result<()> {
    add_to_total(conn, UNSWEPT, 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use langley_model::{
        ConnectionId, Flow, FlowId, HeaderBlock, Headers, Micros, Outcome, Record, Redactor,
        RedactorOptions, Side,
    };

    use super::*;
    use crate::options::StoreOptions;
    use crate::upkeep::Retention;

    #[test]
    fn a_deletion_that_fails_on_its_way_tells_what_is_gone_and_goes_on_when_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let ended = |at: i64| {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at));
            flow.outcome = Some(Outcome::Completed);
            redactor.seal(Record::Flow(Arc::new(flow)))
        };
        store.submit((1..=600).map(ended).collect()).unwrap();
        let all = FlowFilter::default();
        let fails = |from: &str| {
            let sql = format!(
                "DROP TRIGGER IF EXISTS fails; CREATE TRIGGER fails BEFORE DELETE ON flows WHEN OLD.n > {from}
                 BEGIN SELECT RAISE(ABORT, 'a fault'); END"
            );
            store.job(move |site| site.conn.execute_batch(&sql)).unwrap();
        };
        fails("550");
        let Err(StoreError::Partly { removed, cause }) = store.delete_flows(&all) else { panic!() };
        assert!((1..=550).contains(&removed) && cause.to_string().contains("a fault"), "{removed}");
        assert_eq!(store.count_flows(&all).unwrap(), 600 - removed);
        // Nothing is gone of what fails at once.
        fails("0");
        assert!(matches!(store.delete_flows(&all), Err(StoreError::Sqlite(_))));
        store.job(|site| site.conn.execute_batch("DROP TRIGGER fails")).unwrap();
        assert_eq!(store.delete_flows(&all).unwrap(), 600 - removed);
    }

    #[test]
    fn a_deletion_does_not_wait_for_maintenance_which_sweeps_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        flow.outcome = Some(Outcome::Completed);
        let mut lines = HeaderBlock::new();
        lines.push("accept", b"*/*");
        let (id, side) = (flow.id, Side::Client);
        let headers = Headers { flow: id, side, trailers: false, lines };
        let records = [Record::Flow(Arc::new(flow)), Record::Headers(headers)];
        store.submit(records.into_iter().map(|record| redactor.seal(record)).collect()).unwrap();
        let turn = store.board().turn();
        let (done, deleted) = sync_channel(1);
        let other = store.clone();
        std::thread::spawn(move || done.send(other.delete_flows(&FlowFilter::default())));
        assert_eq!(deleted.recv_timeout(Duration::from_secs(20)).unwrap().unwrap(), 1);
        drop(turn);
        assert!(store.has_garbage().unwrap());
        let done = store.maintain(&Retention::default(), Micros(2)).unwrap();
        assert_eq!(done.contents, 1);
    }
}
