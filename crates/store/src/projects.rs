//! Projects by number: their names stand once.

use std::sync::Arc;

use langley_model::{Flow, PROJECT_MAX};
use rusqlite::Connection;

use crate::names::{DailyNames, OTHER};

/// The name of a flow's project, in a query for flows.
pub(crate) const NAME: &str = "(SELECT name FROM projects WHERE id = flows.project)";

/// Of a table with a column for the number, a condition that it is that of a name.
pub(crate) const IS: &str = "project = (SELECT id FROM projects WHERE name = ?)";

/// The names that have numbers: as long as a project's may be, once redacted.
pub(crate) fn names() -> DailyNames {
    DailyNames::of("projects", 4 * PROJECT_MAX)
}

/// Puts a flow to what stands for all others where its project is given no number.
pub(crate) fn bound(
    names: &mut DailyNames,
    conn: &Connection,
    flow: &mut Arc<Flow>,
) -> rusqlite::Result<()> {
    let Some(project) = &flow.project else { return Ok(()) };
    if names.admitted(conn, &project.id, flow.started_at)? != project.id
        && let Some(project) = &mut Arc::make_mut(flow).project
    {
        project.id = OTHER.to_owned();
    }
    Ok(())
}

/// The number of a project.
pub(crate) fn number(
    names: &mut DailyNames,
    conn: &Connection,
    flow: &Flow,
) -> rusqlite::Result<Option<i64>> {
    match &flow.project {
        Some(project) => names.number(conn, &project.id, flow.started_at),
        None => Ok(None),
    }
}
