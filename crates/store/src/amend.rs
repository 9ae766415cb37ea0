//! Flows that have ended and are changed by what was learnt of them since: their rows, with all sums, a new revision each,
//! and with the findings that they show and a star where their session has one.

use std::sync::Arc;

use langley_model::{Attributed, Flow, Revision, Stored};
use rusqlite::Connection;

use crate::damage::decoded_flow;
use crate::error::StoreError;
use crate::findings;
use crate::flow_row::{Binder, FlowSql, moves};
use crate::rollup::{Gathered, Held, ToolCostChange};
use crate::store::Store;
use crate::totals::{Totals, total};
use crate::writer::{Change, Site};

impl Store {
    /// Has `amend` change session, task or estimate of a flow that has ended, with all sums; whether anything of
    /// them changed. The flow is told as it is when the writer comes to it.
    ///
    /// # Errors
    /// The store is closed or cannot be written, or the flow cannot be read; nothing is changed then.
    pub fn amend_flow(
        &self,
        key: i64,
        amend: impl FnOnce(&mut Flow) + Send + 'static,
    ) -> Result<bool, StoreError> {
        self.job(move |site| {
            let amended = amend_one(site, key, amend);
            if amended.is_err() {
                site.forget_names();
            }
            amended
        })
    }
}

fn amend_one(
    site: &mut Site<'_>,
    key: i64,
    amend: impl FnOnce(&mut Flow),
) -> rusqlite::Result<bool> {
    let change = site.change()?;
    let mut amendment = Amendment::begin(&change)?;
    amendment.amend(site, key, amend)?;
    let changes = amendment.write()?;
    change.commit()?;
    site.announce(&changes);
    Ok(!changes.is_empty())
}

/// Changes of some flows, within one transaction.
pub(crate) struct Amendment<'c> {
    change: &'c Connection,
    sql: FlowSql,
    held: Held,
    gathered: Gathered,
    tools: ToolCostChange,
    revision: Revision,
    changes: Vec<Change>,
}

impl<'c> Amendment<'c> {
    pub(crate) fn begin(change: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            change,
            sql: FlowSql::new(),
            held: Held::read(change)?,
            gathered: Gathered::default(),
            tools: ToolCostChange::default(),
            revision: Revision(total(change, "revision")?.unwrap_or(0).cast_unsigned()),
            changes: Vec::new(),
        })
    }

    /// Changes a flow, unless it is open or gone.
    pub(crate) fn amend(
        &mut self,
        site: &mut Site<'_>,
        key: i64,
        amend: impl FnOnce(&mut Flow),
    ) -> rusqlite::Result<()> {
        let Self { change, sql, held, gathered, tools, revision, changes } = self;
        let Some(flow) = decoded_flow(change, key)?.filter(|flow| !flow.is_open()) else {
            return Ok(());
        };
        let (known, before) = (flow.revision(), Stored::into_inner(flow));
        let mut after = before.clone();
        amend(&mut after);
        if is_same(&before, &after) {
            return Ok(());
        }
        *revision = revision.next();
        let traits = site.traits_of(change, &after)?;
        let is_moved = moves(&before, &after);
        let project = project_of(change, key)?;
        let mut statement =
            change.prepare_cached(if is_moved { &sql.update } else { &sql.progress })?;
        let mut binder = Binder::new(&mut statement);
        binder.key(key, *revision);
        if is_moved {
            binder.indexed(&after, project);
        }
        binder.plain(&after, traits);
        binder.execute()?;
        if before.session != after.session {
            move_star(change, before.session.as_ref(), after.session.as_ref())?;
            let id = |session: &Option<Attributed>| session.as_ref().map(|it| it.id.clone());
            findings::follow(change, key, (id(&before.session), id(&after.session)))?;
        }
        // With a newer revision it counts as a part of all sums.
        gathered.change(key, Some((&before, known)), *held, &after);
        tools.exchange(change, key, &before, &after)?;
        let flow = Stored::read_back(Arc::new(after), *revision);
        changes.push(Change { revision: *revision, flow });
        Ok(())
    }

    /// Writes what that does to the sums; the flows that changed, to be announced once that is committed.
    pub(crate) fn write(self) -> rusqlite::Result<Vec<Change>> {
        self.gathered.write(self.change)?;
        self.tools.write(self.change)?;
        let mut totals = Totals { revision: self.changes.len() as u64, ..Totals::default() };
        totals.add(self.change)?;
        Ok(self.changes)
    }
}

/// Whether nothing of what may be learnt differs.
fn is_same(before: &Flow, after: &Flow) -> bool {
    let learnt = |flow: &Flow| (flow.session.clone(), flow.task.clone(), flow.estimate);
    learnt(before) == learnt(after)
}

fn project_of(conn: &Connection, key: i64) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT project FROM flows WHERE n = ?1")?
        .query_row([key], |row| row.get(0))
}

/// Has the star of a session that was inferred stand for the one that it is; it stays where other flows are of that.
fn move_star(
    change: &Connection,
    from: Option<&Attributed>,
    to: Option<&Attributed>,
) -> rusqlite::Result<()> {
    let (Some(from), Some(to)) = (from, to) else { return Ok(()) };
    change
        .prepare_cached(
            "INSERT OR IGNORE INTO stars (session_id, starred_at)
             SELECT ?2, starred_at FROM stars WHERE session_id = ?1",
        )?
        .execute((&from.id, &to.id))?;
    change
        .prepare_cached(
            "DELETE FROM stars WHERE session_id = ?1
                 AND NOT EXISTS (SELECT 1 FROM flows WHERE flows.session_id = ?1)",
        )?
        .execute([&from.id])?;
    Ok(())
}
