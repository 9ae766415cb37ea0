//! Projects by number: their names stand once.

use rusqlite::Connection;

use crate::names::Names;

/// The name of a flow's project, in a query for flows.
pub(crate) const NAME: &str = "(SELECT name FROM projects WHERE id = flows.project)";

/// Of a table with a column for the number, a condition that it is that of a name.
pub(crate) const IS: &str = "project = (SELECT id FROM projects WHERE name = ?)";

/// The names that have numbers: all that are as long as a project's may be, once redacted.
pub(crate) fn names() -> Names {
    Names::of("projects", usize::MAX, 4 * langley_model::PROJECT_MAX)
}

/// The number of a project.
pub(crate) fn number(
    names: &mut Names,
    conn: &Connection,
    flow: &langley_model::Flow,
) -> rusqlite::Result<Option<i64>> {
    match &flow.project {
        Some(project) => names.number(conn, &project.id),
        None => Ok(None),
    }
}
