//! Retention: what is older than it may be goes, except from starred sessions and open flows.

use langley_model::Micros;
use rusqlite::{Connection, OptionalExtension};

use super::delete::{AT_ONCE, remove_events, remove_flow};
use super::report::Upkeep;
use crate::damage::{Keyed, sound};
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::store::Store;
use crate::writer::Budget;

/// Rows that one reading looks at.
const ROWS_READ: i64 = 5_000;

/// Rows of one piece of work.
const ROWS: u32 = 200;

/// Whether a row of `flows` may lose anything.
const MAY_GO: &str = "(outcome IS NOT NULL AND (session_id IS NULL
     OR NOT EXISTS (SELECT 1 FROM stars WHERE stars.session_id = flows.session_id)))";

/// A request's body that was not read as a call of a model, or an answer's, beside which its message
/// stands if it has one.
const HAS_BODY: &str =
    "AND (response_body IS NOT NULL OR (request_body IS NOT NULL AND model_requested IS NULL))";

impl Store {
    /// Removes flows that began before `before`, with all that belongs to them.
    pub(super) fn retire_flows(
        &self,
        before: Micros,
        removed: &mut Upkeep,
        mut tell: impl FnMut(&Upkeep),
    ) -> Result<(), StoreError> {
        self.retire_by("", before, removed, &mut tell, |conn, key, budget, removed| {
            Ok(!may_go(conn, key)? || remove_flow(conn, key, budget, removed)?)
        })
    }

    /// Removes the stream events of flows that began before `before`.
    pub(super) fn retire_events(
        &self,
        before: Micros,
        removed: &mut Upkeep,
        mut tell: impl FnMut(&Upkeep),
    ) -> Result<(), StoreError> {
        let and =
            "AND event_count > 0 AND EXISTS (SELECT 1 FROM event_blocks WHERE flow = flows.n)";
        self.retire_by(and, before, removed, &mut tell, |conn, key, budget, removed| {
            Ok(!may_go(conn, key)? || remove_events(conn, key, budget, removed)?)
        })
    }

    /// Removes the raw and unparsed bodies of flows that began before `before`. That there was one, and
    /// how long it was, stays.
    pub(super) fn retire_bodies(
        &self,
        before: Micros,
        removed: &mut Upkeep,
        mut tell: impl FnMut(&Upkeep),
    ) -> Result<(), StoreError> {
        self.retire_by(HAS_BODY, before, removed, &mut tell, |conn, key, _, removed| {
            if !may_go(conn, key)? {
                return Ok(true);
            }
            let bodies = conn
                .prepare_cached(
                    "SELECT (response_body IS NOT NULL)
                         + (request_body IS NOT NULL AND model_requested IS NULL)
                     FROM flows WHERE n = ?1",
                )?
                .query_row([key], |row| row.get::<_, i64>(0))?;
            removed.bodies += bodies.cast_unsigned();
            conn.prepare_cached(
                "UPDATE flows SET response_body = NULL,
                     request_body = iif(model_requested IS NULL, NULL, request_body)
                 WHERE n = ?1",
            )?
            .execute([key])?;
            Ok(true)
        })
    }

    /// Removes tunnels that ended, and rows about drops that happened, before `before`.
    pub(super) fn retire_rows(
        &self,
        before: Micros,
        removed: &mut Upkeep,
        mut tell: impl FnMut(&Upkeep),
    ) -> Result<(), StoreError> {
        loop {
            let tunnels = self.job(move |site| {
                let change = site.change()?;
                let tunnels = change
                    .prepare_cached(
                        "DELETE FROM tunnels WHERE connection_id IN
                             (SELECT connection_id FROM tunnels
                              WHERE started_at < ?1 AND ended_at < ?1 LIMIT ?2)",
                    )?
                    .execute((before.0, ROWS))?;
                change.commit()?;
                Ok(tunnels as u64)
            })?;
            if tunnels == 0 {
                break;
            }
            removed.tunnels += tunnels;
            tell(removed);
        }
        // All are looked at: they are numbered as they came, by clocks that may have been wrong.
        let sql = "SELECT id, at < ?2 FROM drops WHERE id > ?1 ORDER BY id";
        self.each(sql, None, before, &mut Vec::new(), |ids| {
            for ids in ids.chunks(ROWS as usize) {
                let ids = ids.to_vec();
                removed.drops += self.job(move |site| {
                    let change = site.change()?;
                    let mut rows = 0;
                    for id in ids {
                        let mut delete =
                            change.prepare_cached("DELETE FROM drops WHERE id = ?1")?;
                        rows += delete.execute([id])? as u64;
                    }
                    change.commit()?;
                    Ok(rows)
                })?;
                tell(removed);
            }
            Ok(())
        })
    }

    /// Does `work` on the flows that began before `before`, may lose something, and are such as `and` says. Those
    /// that cannot be read stay.
    fn retire_by(
        &self,
        and: &str,
        before: Micros,
        removed: &mut Upkeep,
        tell: &mut impl FnMut(&Upkeep),
        work: fn(&Connection, i64, &mut Budget, &mut Upkeep) -> rusqlite::Result<bool>,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT n, {MAY_GO} {and} FROM flows WHERE n > ?1 AND n < ?2 ORDER BY n");
        let alone = format!("SELECT {MAY_GO} {and} FROM flows WHERE n = ?1");
        let mut damaged = Vec::new();
        let done = self.each(&sql, Some(&alone), before, &mut damaged, |keys| {
            self.by_flow(keys, removed, &mut *tell, work)
        });
        self.note_read([], &damaged);
        done
    }

    /// Calls `work` with the keys of rows before `before` for which the second column of `sql` holds, some at
    /// a time. However few they are, no reading takes long. Where a page of flows cannot be read, `alone` asks the
    /// same of each of them.
    fn each(
        &self,
        sql: &str,
        alone: Option<&str>,
        before: Micros,
        damaged: &mut Vec<i64>,
        mut work: impl FnMut(Vec<i64>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let sql = format!("{sql} LIMIT ?3");
        let mut after = i64::MIN;
        loop {
            let walked = self.readers().read(|conn| Ok(stretch(conn, &sql, after, before)?));
            let (keys, last) = match (walked, alone) {
                (Err(error), Some(alone)) if error.is_of_one_place() => self
                    .readers()
                    .read(|conn| Ok(stretch_one_by_one(conn, alone, after, before, damaged)?))?,
                (walked, _) => walked?,
            };
            let Some(last) = last else { return Ok(()) };
            after = last;
            if !keys.is_empty() {
                work(keys)?;
            }
        }
    }
}

/// The keys of a stretch of rows that are asked for, and of the last one that was looked at.
type Stretch = (Vec<i64>, Option<i64>);

fn stretch(conn: &Connection, sql: &str, after: i64, before: Micros) -> rusqlite::Result<Stretch> {
    let (mut keys, mut last) = (Vec::new(), None);
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query((after, before.0, ROWS_READ))?;
    while let Some(row) = rows.next()? {
        last = Some(row.get(0)?);
        if row.get(1)? {
            keys.extend(last);
        }
        if keys.len() == AT_ONCE {
            break;
        }
    }
    Ok((keys, last))
}

fn stretch_one_by_one(
    conn: &Connection,
    sql: &str,
    after: i64,
    before: Micros,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Stretch> {
    let mut between = Condition::default();
    between.and("n > ? AND n < ?", [after.into(), before.0.into()]);
    let (mut keys, mut last) = (Vec::new(), None);
    let mut statement = conn.prepare_cached(sql)?;
    for key in Keyed::Flows.keys(conn, &between, Order::OldestFirst, AT_ONCE)? {
        last = Some(key);
        let asked = statement.query_row([key], |row| row.get(0)).optional();
        match sound(("a flow", key), asked)? {
            Some(asked) => keys.extend(asked.unwrap_or(false).then_some(key)),
            None => damaged.push(key),
        }
    }
    Ok((keys, last))
}

/// Once more, by the writer: a session may have been starred since the reader looked.
fn may_go(conn: &Connection, key: i64) -> rusqlite::Result<bool> {
    let sql = format!("SELECT 1 FROM flows WHERE n = ?1 AND {MAY_GO}");
    conn.prepare_cached(&sql)?.exists([key])
}
