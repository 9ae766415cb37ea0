//! By how much a transaction changes the sums: gathered in memory and written once for each group, because
//! a row for each flow would cost as much as the flow's own.

use std::collections::HashMap;

use langley_model::{Attributed, Flow, Revision, Stored};
use rusqlite::Connection;

use super::fill::{Held, Scope};
use super::group::Group;
use super::project_costs::ProjectCosts;
use super::sums::Sums;
use super::table::{Key, Table};
use crate::places::Places;

/// The changes of a transaction. Langley's own checks are no part of any sum: nobody's agent asked.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    groups: Places<Group, Sums>,
    projects: ProjectCosts,
    sessions: Places<String, Change>,
    tasks: Places<String, Change>,
    /// By session and subagent.
    agents: Places<(String, String), Change>,
}

/// What a transaction changes of something that flows belong to.
#[derive(Debug, Default)]
struct Change {
    sums: Sums,
    /// The lowest and the highest key of a flow that was added.
    keys: Option<(i64, i64)>,
    /// Whether the flow with the highest one belongs there by inference.
    is_inferred: bool,
    /// The project of the highest one that has one.
    project: Option<(i64, String)>,
}

impl Change {
    fn add(&mut self, n: i64, flow: &Flow) {
        self.sums.add(flow);
        let (oldest, newest) = self.keys.unwrap_or((n, n));
        if n >= newest {
            self.is_inferred = flow.task.as_ref().is_some_and(Attributed::is_inferred);
        }
        self.keys = Some((n.min(oldest), n.max(newest)));
        if let Some(project) = &flow.project
            && self.project.as_ref().is_none_or(|(known, _)| n >= *known)
        {
            self.project = Some((n, project.id.clone()));
        }
    }
}

impl Gathered {
    /// The flow with the key `n` is now as `after`; it is part of the sums that `held` says as it was
    /// `before`, or of none yet.
    pub(crate) fn change(
        &mut self,
        n: i64,
        before: Option<(&Flow, Revision)>,
        held: Held,
        after: &Flow,
    ) {
        if let Some((before, revision)) = before {
            for scope in held.of(n, revision) {
                self.take_out(scope, before);
            }
        }
        for scope in Scope::ALL {
            self.add(scope, n, after);
        }
    }

    /// What is known of a flow is put in another's place, in the sums that it is part of.
    pub(crate) fn exchange(
        &mut self,
        n: i64,
        (before, revision): (&Flow, Revision),
        held: Held,
        after: &Flow,
    ) {
        for scope in held.of(n, revision) {
            self.take_out(scope, before);
            self.add(scope, n, after);
        }
    }

    /// What is summed of a flow changes, and not the flow.
    pub(super) fn alter(&mut self, (n, flow): (i64, &Stored<Flow>), held: Held, change: &Sums) {
        if flow.is_own_check() {
            return;
        }
        for scope in held.of(n, flow.revision()) {
            if scope == Scope::Rollups {
                self.group(flow).merge(change);
            }
            self.belongings(scope, flow, |it| it.sums.merge(change));
        }
    }

    /// A flow becomes a part of sums.
    pub(super) fn add(&mut self, scope: Scope, n: i64, flow: &Flow) {
        if flow.is_own_check() {
            return;
        }
        if scope == Scope::Rollups {
            self.group(flow).add(flow);
            self.projects.add(flow);
        }
        self.belongings(scope, flow, |change| change.add(n, flow));
    }

    /// A flow is about to be removed that is part of the sums of `scopes`.
    pub(super) fn remove(&mut self, scopes: impl Iterator<Item = Scope>, flow: &Flow) {
        if flow.is_own_check() {
            return;
        }
        let mut is_summed = false;
        for scope in scopes {
            is_summed |= scope == Scope::Rollups;
            self.belongings(scope, flow, |change| change.sums.take_out(flow));
        }
        if !is_summed {
            self.group(flow).add(flow);
            self.projects.add(flow);
        }
    }

    fn take_out(&mut self, scope: Scope, flow: &Flow) {
        if flow.is_own_check() {
            return;
        }
        if scope == Scope::Rollups {
            self.group(flow).take_out(flow);
            self.projects.take_out(flow);
        }
        self.belongings(scope, flow, |change| change.sums.take_out(flow));
    }

    fn group(&mut self, flow: &Flow) -> &mut Sums {
        self.groups.of(|group| group.is_of(flow), || Group::of(flow))
    }

    /// All that a flow belongs to.
    fn belongings(&mut self, scope: Scope, flow: &Flow, mut change: impl FnMut(&mut Change)) {
        let session = flow.session.as_ref().map(|session| &session.id);
        match scope {
            Scope::Rollups => {
                if let Some(id) = session {
                    change(self.sessions.of(|known| known == id, || id.clone()));
                }
            }
            Scope::Tasks => {
                if let Some(task) = &flow.task {
                    change(self.tasks.of(|known| *known == task.id, || task.id.clone()));
                }
                if let (Some(id), Some(agent)) = (session, flow.subagent()) {
                    let is_it = |(of, known): &(String, String)| of == id && known == agent;
                    change(self.agents.of(is_it, || (id.clone(), agent.to_owned())));
                }
            }
        }
    }

    /// Writes the changes; the transaction is about to end.
    pub(crate) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        let mut days: HashMap<Group, Sums> = HashMap::new();
        for (group, change) in self.groups.rows() {
            if !change.is_empty() {
                Table::Hourly.change(conn, Key::Group(group), change)?;
                days.entry(group.by_day()).or_default().merge(change);
            }
        }
        for (group, change) in &days {
            if !change.is_empty() {
                Table::Daily.change(conn, Key::Group(group), change)?;
            }
        }
        self.projects.write(conn)?;
        for (session, change) in self.sessions.rows() {
            write(conn, Table::Sessions, Key::Name(session), change)?;
        }
        for (task, change) in self.tasks.rows() {
            write(conn, Table::Tasks, Key::Name(task), change)?;
        }
        for ((session, agent), change) in self.agents.rows() {
            write(conn, Table::Agents, Key::Names(session, agent), change)?;
        }
        Ok(())
    }
}

/// Writes what changes of one row.
fn write(conn: &Connection, table: Table, key: Key<'_>, change: &Change) -> rusqlite::Result<()> {
    if !change.sums.is_empty() {
        table.change(conn, key, &change.sums)?;
    }
    match change.keys {
        Some(keys) => table.mark(conn, key, keys, change.is_inferred)?,
        None => return Ok(()),
    }
    match (&change.project, key) {
        (Some(project), Key::Name(session)) if table == Table::Sessions => {
            note_project(conn, session, project)
        }
        _ => Ok(()),
    }
}

/// Notes the project of a session, unless a newer flow told another one.
fn note_project(
    conn: &Connection,
    session: &str,
    (n, project): &(i64, String),
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE sessions SET project = (SELECT id FROM projects WHERE name = ?3)
         WHERE session_id = ?1 AND (project IS NULL OR newest <= ?2)",
    )?
    .execute((session, n, project))?;
    Ok(())
}
