//! Flows that lack what a transcript tells of the same response, and flows changed by what was joined.

use std::sync::Arc;

use langley_model::{Attributed, Flow, Revision, Stored, ToldResponse};
use rusqlite::Connection;

use super::response::{COLUMNS, read};
use crate::damage::{decoded_flow, told_apart};
use crate::error::StoreError;
use crate::flow_row::{Binder, FlowSql, moves};
use crate::rollup::{Gathered, Held, ToolCostChange};
use crate::store::Store;
use crate::totals::{Totals, total};
use crate::writer::{Change, Site};

/// Up to which response all was joined, and how often one of them has changed or gone.
const READ: &str = "transcript_responses_joined";
const CHANGES: &str = "transcript_responses_changes";

/// A flow that lacks something, and what a transcript tells of its response.
#[derive(Clone, Debug)]
pub struct ToldFlow {
    /// The flow's key.
    pub key: i64,
    /// What is told.
    pub told: ToldResponse,
}

/// Up to which response was looked.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    last: i64,
    /// How often one had changed or gone by then.
    changes: Option<i64>,
}

/// Changes a flow by what a transcript tells of it.
pub type Amend = fn(&mut Flow, &ToldResponse);

impl Store {
    /// What transcripts tell of the response with this id; none where they tell nothing of it.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn told_of(&self, message_id: &str) -> Result<Option<ToldResponse>, StoreError> {
        self.readers().read(|conn| {
            let sql = format!(
                "SELECT {COLUMNS} FROM transcript_responses JOIN conversations ON conversations.id = conversation
                 WHERE message_id = ?1 ORDER BY output_tokens DESC LIMIT 1"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let mut rows = statement.query([message_id])?;
            let row = rows.next()?;
            Ok(row.map(read).transpose()?.map(|kept| kept.told))
        })
    }

    /// Flows that lack usage or a session of which responses tell that were not looked at yet: of at most `limit`
    /// responses, and how far that was, which [`Self::join_told`] takes as done. Flows that cannot be read are left
    /// out.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn told_lately(&self, limit: usize) -> Result<(Vec<ToldFlow>, Option<Looked>), StoreError> {
        self.readers().read(|conn| {
            let (after, changes) = (total(conn, READ)?.unwrap_or(0), total(conn, CHANGES)?);
            let sql = format!(
                "SELECT {COLUMNS} FROM transcript_responses JOIN conversations ON conversations.id = conversation
                 WHERE transcript_responses.id > ?1 ORDER BY transcript_responses.id LIMIT ?2"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let fresh = statement.query_map((after, limit), read)?;
            // The condition is that of the index.
            let mut lacking = conn.prepare_cached(
                "SELECT n FROM flows WHERE message_id = ?1 AND message_id IS NOT NULL
                     AND (input_tokens IS NULL OR output_tokens IS NULL OR session_id IS NULL
                         OR substr(session_id, 1, 9) = 'inferred-')",
            )?;
            let (mut found, mut last) = (Vec::new(), None);
            for kept in fresh {
                let kept = kept?;
                last = Some(Looked { last: kept.id, changes });
                let keys = lacking.query_map([&kept.told.message_id], |row| row.get(0))?;
                let keys = told_apart(keys.collect::<Result<Vec<i64>, _>>())?.unwrap_or_default();
                found.extend(keys.into_iter().map(|key| ToldFlow { key, told: kept.told.clone() }));
            }
            Ok((found, last))
        })
    }

    /// Has `amend` change flows by what is told of them, with all sums, a new revision each, and a star where their
    /// session has one, and notes that the responses looked at
    /// are done with, unless one of them has changed since; how many flows changed.
    ///
    /// # Errors
    /// The store is closed or cannot be written; nothing is changed then.
    pub fn join_told(
        &self,
        told: &[ToldFlow],
        looked: Option<Looked>,
        amend: Amend,
    ) -> Result<u64, StoreError> {
        let keys: Vec<i64> = told.iter().map(|told| told.key).collect();
        self.of_sound(&keys, |sound| {
            let told = told.iter().filter(|told| sound.contains(&told.key)).cloned().collect();
            self.job(move |site| {
                let joined = join(site, told, looked, amend);
                if joined.is_err() {
                    site.forget_names();
                }
                joined
            })
        })
    }
}

/// Changes flows that can be read, in one transaction.
fn join(
    site: &mut Site<'_>,
    told: Vec<ToldFlow>,
    looked: Option<Looked>,
    amend: Amend,
) -> rusqlite::Result<u64> {
    let sql = FlowSql::new();
    let change = site.change()?;
    let held = Held::read(&change)?;
    let (mut gathered, mut tools) = (Gathered::default(), ToolCostChange::default());
    let mut revision = Revision(total(&change, "revision")?.unwrap_or(0).cast_unsigned());
    let mut changes = Vec::new();
    for ToldFlow { key, told } in told {
        let Some(flow) = decoded_flow(&change, key)?.filter(|flow| !flow.is_open()) else {
            continue;
        };
        let (known, before) = (flow.revision(), Stored::into_inner(flow));
        let mut after = before.clone();
        amend(&mut after, &told);
        if is_same(&before, &after) {
            continue;
        }
        revision = revision.next();
        let traits = site.traits_of(&change, &after)?;
        let is_moved = moves(&before, &after);
        let project = project_of(&change, key)?;
        let mut statement =
            change.prepare_cached(if is_moved { &sql.update } else { &sql.progress })?;
        let mut binder = Binder::new(&mut statement);
        binder.key(key, revision);
        if is_moved {
            binder.indexed(&after, project);
        }
        binder.plain(&after, traits);
        binder.execute()?;
        if before.session != after.session {
            move_star(&change, before.session.as_ref(), after.session.as_ref())?;
        }
        // With a newer revision it counts as a part of all sums.
        gathered.change(key, Some((&before, known)), held, &after);
        tools.exchange(&change, key, &before, &after)?;
        changes.push(Change { revision, flow: Stored::read_back(Arc::new(after), revision) });
    }
    gathered.write(&change)?;
    tools.write(&change)?;
    let mut totals = Totals { revision: changes.len() as u64, ..Totals::default() };
    totals.add(&change)?;
    if let Some(Looked { last, changes }) = looked
        // Else one has changed or gone since.
        && total(&change, CHANGES)? == changes
    {
        change
            .prepare_cached("INSERT OR REPLACE INTO totals (name, value) VALUES (?1, ?2)")?
            .execute((READ, last))?;
    }
    change.commit()?;
    site.announce(&changes);
    Ok(changes.len() as u64)
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

/// Whether nothing of what may be joined differs.
fn is_same(before: &Flow, after: &Flow) -> bool {
    let joined = |flow: &Flow| (flow.session.clone(), flow.task.clone(), flow.estimate);
    joined(before) == joined(after)
}

fn project_of(conn: &Connection, key: i64) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT project FROM flows WHERE n = ?1")?
        .query_row([key], |row| row.get(0))
}
