//! Tasks: listed newest first, each with what its flows add up to.

use langley_model::Micros;

use super::belonging::{After, Belonging, Belongings};
use super::sums::Sums;
use crate::error::StoreError;
use crate::filter::Condition;
use crate::store::Store;

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Where the id was read, of its newest flow.
    pub source: Option<&'static str>,
    /// The session of its newest flow.
    pub session: Option<String>,
    /// Host of its newest flow.
    pub host: String,
    /// Kind of agent, of the newest of its last eight flows that says one.
    pub agent: Option<String>,
    /// The model of its newest flow: the one that answered, or the one asked for while none has.
    pub model: Option<String>,
    /// When its first flow began, of those that are there.
    pub first_at: Micros,
    /// When its newest flow began.
    pub last_at: Micros,
    /// First characters of the newest flow that has some.
    pub preview: Option<String>,
    /// What its flows add up to that are there.
    pub sums: Sums,
}

/// Which tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// With a flow that began at this time or later.
    pub since: Option<Micros>,
    /// With a flow of this session.
    pub session: Option<String>,
    /// Whether those are left out whose newest flow nothing puts there but host and time.
    pub stated: bool,
}

/// Some tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks, the one with the newest flow first.
    pub items: Vec<Task>,
    /// Continues after the last one; none at the end.
    pub next_cursor: Option<String>,
    /// Whether tasks of an earlier version are still to be added.
    pub filling: bool,
}

impl Store {
    /// Tasks that `filter` names, newest first: at most `limit` (1 to 500), after `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn tasks(
        &self,
        filter: &TaskFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<TaskPage, StoreError> {
        let after = After::read(cursor)?;
        self.read_sound(|conn, damaged| {
            let mut condition = Condition::default();
            if let Some(since) = filter.since {
                condition.and("newest >= ?", [since.0.into()]);
            }
            if let Some(session) = &filter.session {
                condition.and(
                    "task_id IN (SELECT task_id FROM flows WHERE session_id = ?)",
                    [session.clone().into()],
                );
            }
            if filter.stated {
                condition.and("NOT inferred", []);
            }
            let listing = Belonging::Task.list(conn, condition, after, limit, damaged)?;
            Ok(TaskPage {
                items: listing.items.into_iter().map(describe).collect(),
                next_cursor: listing.next_cursor,
                filling: listing.filling,
            })
        })
    }

    /// A task; none when it has no flows.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn task(&self, id: &str) -> Result<Option<Task>, StoreError> {
        self.read_sound(|conn, damaged| Ok(Belonging::Task.one(conn, id, damaged)?.map(describe)))
    }
}

fn describe(found: Belongings) -> Task {
    let Belongings { id, newest, first_at, preview, sums } = found;
    Task {
        id,
        source: newest.task.as_ref().map(|task| task.source),
        model: newest.known_model().map(str::to_owned),
        session: newest.session.map(|session| session.id),
        host: newest.host,
        agent: newest.agent,
        first_at,
        last_at: newest.started_at,
        preview,
        sums,
    }
}
