//! Sessions: listed newest first, each with what its flows add up to.

use langley_model::{Flow, MicroUsd, Micros};
use rusqlite::{Connection, OptionalExtension, Params};

use super::belonging::{After, Belonging, Belongings};
use super::measure::{Measure, Tally};
use super::sums::Sums;
use crate::damage::told_apart;
use crate::error::StoreError;
use crate::filter::Condition;
use crate::projects;
use crate::store::Store;

/// Sessions among which one is looked for that cost most.
const DEAREST: i64 = 500;

/// Models of a session that are told.
const MODELS: i64 = 16;

/// Sessions beyond a limit that are read at once.
const BEYOND: i64 = 1_000;

/// A session's id, and when its newest flow began.
type Place = (String, i64);

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Where the id was read, of its newest flow.
    pub source: Option<&'static str>,
    /// Kind of agent, of the newest of its last eight flows that says one.
    pub agent: Option<String>,
    /// The model of its newest flow: the one that answered, or the one asked for while none has.
    pub model: Option<String>,
    /// The models of its flows that are there, the one that was asked last before the others; at most 16.
    pub models: Vec<String>,
    /// When its first flow began, of those that are there.
    pub first_at: Micros,
    /// When its newest flow began.
    pub last_at: Micros,
    /// First characters of the newest flow that has some.
    pub preview: Option<String>,
    /// The project, of its newest flow that has one.
    pub project: Option<String>,
    /// Since when it is starred.
    pub starred_at: Option<Micros>,
    /// What its flows add up to that are there.
    pub sums: Sums,
}

/// What a session cost, of which some flow has a cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCost {
    /// Its id.
    pub id: String,
    /// The cost of the flows that have one.
    pub cost: MicroUsd,
    /// Flows whose cost is not known.
    pub unpriced: u64,
    /// Kind of agent, of its newest flow.
    pub agent: Option<String>,
    /// The model of its newest flow: the one that answered, or the one asked for while none has.
    pub model: Option<String>,
    /// The project, of its newest flow that has one.
    pub project: Option<String>,
}

/// Some sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, the one with the newest flow first.
    pub items: Vec<Session>,
    /// Continues after the last one; none at the end.
    pub next_cursor: Option<String>,
    /// Whether sessions of an earlier version are still to be added.
    pub filling: bool,
}

impl Store {
    /// Sessions with a flow that began at `since` or later, of a project or of all, newest first: at most `limit`
    /// (1 to 500), after `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn sessions(
        &self,
        (since, project): (Option<Micros>, Option<&str>),
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, StoreError> {
        let after = After::read(cursor)?;
        self.read_sound(|conn, damaged| {
            let mut condition = Condition::default();
            if let Some(since) = since {
                condition.and("newest >= ?", [since.0.into()]);
            }
            if let Some(project) = project {
                condition.and(projects::IS, [project.to_owned().into()]);
            }
            let listing = Belonging::Session.list(conn, condition, after, limit, damaged)?;
            let items = listing.items.into_iter().map(|found| describe(conn, found));
            Ok(SessionPage {
                items: items.collect::<Result<_, _>>()?,
                next_cursor: listing.next_cursor,
                filling: listing.filling,
            })
        })
    }

    /// A session; none when it has no flows.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.read_sound(|conn, damaged| {
            let found = Belonging::Session.one(conn, id, damaged)?;
            Ok(found.map(|found| describe(conn, found)).transpose()?)
        })
    }
}

impl Store {
    /// What a session cost; none when it has no flow with a cost.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn session_cost(&self, id: &str) -> Result<Option<SessionCost>, StoreError> {
        let one = |_: &Connection, after: Option<&Place>| {
            Ok(after.is_none().then(|| (id.to_owned(), 0)).into_iter().collect())
        };
        Ok(self.session_costs(one, 1, |_| true)?.pop())
    }

    /// Sessions that cost so much or more, at most `most` that are `wanted`: those that were active last.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn sessions_beyond(
        &self,
        limit: MicroUsd,
        most: usize,
        wanted: impl FnMut(&SessionCost) -> bool,
    ) -> Result<Vec<SessionCost>, StoreError> {
        let page = |conn: &Connection, after: Option<&Place>| {
            let after = after.map_or(("", i64::MAX), |(id, newest)| (id, *newest));
            let page = |of| ids(conn, of, (limit.0, after.1, after.0, BEYOND));
            let walk = page(
                "newest FROM sessions WHERE cost >= ?1 AND (newest, session_id) < (?2, ?3)
                 ORDER BY +newest DESC, session_id DESC LIMIT ?4",
            );
            match told_apart(walk)? {
                Some(found) => Ok(found),
                // The indexes stand apart from a page that cannot be read.
                None => page(
                    "newest FROM sessions INDEXED BY sessions_by_newest WHERE session_id IN
                         (SELECT session_id FROM sessions INDEXED BY sessions_by_cost WHERE cost >= ?1)
                         AND (newest, session_id) < (?2, ?3)
                     ORDER BY newest DESC, session_id DESC LIMIT ?4",
                ),
            }
        };
        self.session_costs(page, most, wanted)
    }

    /// The session that cost most of those that are `wanted`, looked for among the 500
    /// dearest.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn dearest_session(
        &self,
        wanted: impl FnMut(&SessionCost) -> bool,
    ) -> Result<Option<SessionCost>, StoreError> {
        // That is not asked of the rows: the index stands apart from a page that cannot be read.
        let of = "0 FROM sessions INDEXED BY sessions_by_cost ORDER BY cost DESC LIMIT ?1";
        let page = |conn: &Connection, after: Option<&Place>| match after {
            None => ids(conn, of, [DEAREST]),
            Some(_) => Ok(Vec::new()),
        };
        Ok(self.session_costs(page, 1, wanted)?.pop())
    }

    /// What sessions cost that have a cost: at most `most` that are `wanted`. `page` tells some of them, behind one, until
    /// there are none.
    fn session_costs(
        &self,
        page: impl Fn(&Connection, Option<&Place>) -> rusqlite::Result<Vec<Place>>,
        most: usize,
        mut wanted: impl FnMut(&SessionCost) -> bool,
    ) -> Result<Vec<SessionCost>, StoreError> {
        self.read_sound(|conn, damaged| {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let some = page(conn, after.as_ref())?;
                after = some.last().cloned();
                if after.is_none() {
                    return Ok(found);
                }
                for (id, _) in some {
                    if found.len() == most {
                        return Ok(found);
                    }
                    let Some(cost) = cost_of(conn, id, damaged)? else { continue };
                    if wanted(&cost) {
                        found.push(cost);
                    }
                }
            }
        })
    }
}

/// What a session cost; none where none of its flows has a cost.
fn cost_of(
    conn: &Connection,
    id: String,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Option<SessionCost>> {
    let sums = Belonging::Session.sound_sums(conn, &id, damaged)?;
    let Some(cost) = sums.figure(Measure::Cost).known() else { return Ok(None) };
    let Some(flow) = Belonging::Session.newest(conn, &id, damaged)? else { return Ok(None) };
    Ok(Some(SessionCost {
        cost: MicroUsd(cost.cast_signed()),
        unpriced: sums.tally(Tally::Unpriced),
        agent: flow.agent.clone(),
        model: flow.known_model().map(str::to_owned),
        project: project(conn, &id, &flow)?,
        id,
    }))
}

/// The ids of sessions, as the rest of a query names them, with what it tells beside them: when the newest flow began.
fn ids(conn: &Connection, of: &str, parameters: impl Params) -> rusqlite::Result<Vec<Place>> {
    let mut statement = conn.prepare_cached(&format!("SELECT session_id, {of}"))?;
    let ids = statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    ids.collect()
}

/// The project of a session, whose newest flow this is.
fn project(conn: &Connection, id: &str, newest: &Flow) -> rusqlite::Result<Option<String>> {
    let project = conn
        .prepare_cached(
            "SELECT name FROM projects
             WHERE id = (SELECT project FROM sessions WHERE session_id = ?1)",
        )?
        .query_row([id], |row| row.get(0))
        .optional();
    // Nearly always that of the newest flow.
    Ok(told_apart(project)?
        .unwrap_or_else(|| newest.project.as_ref().map(|project| project.id.clone())))
}

/// The models of a session, whose newest flow this is: a row of the groups tells of many flows.
fn models(conn: &Connection, id: &str, newest: &Flow) -> rusqlite::Result<Vec<String>> {
    let read = || {
        let mut statement = conn.prepare_cached(
            "SELECT model FROM flow_groups WHERE session_id = ?1 AND model <> '' AND flows > 0
             GROUP BY model ORDER BY max(newest) DESC, model LIMIT ?2",
        )?;
        let models = statement.query_map((id, MODELS), |row| row.get(0))?;
        models.collect()
    };
    let own = || newest.known_model().map(str::to_owned).into_iter().collect();
    Ok(told_apart(read())?.unwrap_or_else(own))
}

fn describe(conn: &Connection, found: Belongings) -> rusqlite::Result<Session> {
    let Belongings { id, newest, first_at, preview, sums } = found;
    let starred_at = conn
        .prepare_cached("SELECT starred_at FROM stars WHERE session_id = ?1")?
        .query_row([&id], |row| row.get(0).map(Micros))
        .optional()?;
    Ok(Session {
        project: project(conn, &id, &newest)?,
        models: models(conn, &id, &newest)?,
        source: newest.session.as_ref().map(|session| session.source),
        model: newest.known_model().map(str::to_owned),
        agent: newest.agent,
        first_at,
        last_at: newest.started_at,
        preview,
        starred_at,
        sums,
        id,
    })
}
