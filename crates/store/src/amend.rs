//! Flows that have ended and are changed by what was learnt of them since: their rows, with all sums.

use langley_model::{Flow, Stored};
use rusqlite::Connection;

use crate::damage::decoded_flow;
use crate::error::StoreError;
use crate::flow_row::{Binder, FlowSql, moves};
use crate::rollup::{Gathered, Held, ToolCostChange};
use crate::store::Store;
use crate::writer::Site;

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
    let changed = amendment.write()?;
    change.commit()?;
    Ok(changed > 0)
}

/// Changes of some flows, within one transaction.
pub(crate) struct Amendment<'c> {
    change: &'c Connection,
    sql: FlowSql,
    held: Held,
    gathered: Gathered,
    tools: ToolCostChange,
    changed: u64,
}

impl<'c> Amendment<'c> {
    pub(crate) fn begin(change: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            change,
            sql: FlowSql::new(),
            held: Held::read(change)?,
            gathered: Gathered::default(),
            tools: ToolCostChange::default(),
            changed: 0,
        })
    }

    /// Changes a flow, unless it is open or gone.
    pub(crate) fn amend(
        &mut self,
        site: &mut Site<'_>,
        key: i64,
        amend: impl FnOnce(&mut Flow),
    ) -> rusqlite::Result<()> {
        let Self { change, sql, held, gathered, tools, changed } = self;
        let Some(flow) = decoded_flow(change, key)?.filter(|flow| !flow.is_open()) else {
            return Ok(());
        };
        let (revision, before) = (flow.revision(), Stored::into_inner(flow));
        let mut after = before.clone();
        amend(&mut after);
        if is_same(&before, &after) {
            return Ok(());
        }
        let traits = site.traits_of(change, &after)?;
        let is_moved = moves(&before, &after);
        let project = project_of(change, key)?;
        let mut statement =
            change.prepare_cached(if is_moved { &sql.update } else { &sql.progress })?;
        let mut binder = Binder::new(&mut statement);
        binder.key(key, revision);
        if is_moved {
            binder.indexed(&after, project);
        }
        binder.plain(&after, traits);
        binder.execute()?;
        gathered.exchange(key, (&before, revision), *held, &after);
        tools.exchange(change, key, &before, &after)?;
        *changed += 1;
        Ok(())
    }

    /// Writes what that does to the sums; how many flows changed.
    pub(crate) fn write(self) -> rusqlite::Result<u64> {
        self.gathered.write(self.change)?;
        self.tools.write(self.change)?;
        Ok(self.changed)
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
