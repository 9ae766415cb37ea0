//! Facets: the distinct values a listing can be narrowed to, with their counts.

use std::collections::HashMap;

use langley_model::Micros;
use rusqlite::{Connection, OptionalExtension};

use crate::damage::told_apart;
use crate::error::StoreError;
use crate::rollup::{Filled, Scope};
use crate::store::Store;

/// The most values of one facet.
pub const FACET_MAX: usize = 200;

/// Sessions whose beginnings are read for words that are looked for, the newest first.
const SESSIONS_READ: usize = 2_000;

/// A value and how many flows have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// Flows that have it.
    pub count: u64,
}

/// A session, with what people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacet {
    /// The session.
    pub value: String,
    /// Its flows.
    pub count: u64,
    /// When its first flow that is kept began.
    pub first_at: Option<Micros>,
    /// The first characters of its first exchange that has any.
    pub opening: Option<String>,
}

/// The values of all facets, the most frequent first; at most [`FACET_MAX`] of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Hosts.
    pub hosts: Vec<Facet>,
    /// Providers.
    pub providers: Vec<Facet>,
    /// Models: the one that answered, or the one asked for while none has.
    pub models: Vec<Facet>,
    /// Outcomes; `open` for flows that have not ended.
    pub outcomes: Vec<Facet>,
    /// The sessions seen last, newest first.
    pub sessions: Vec<SessionFacet>,
}

impl Store {
    /// The values of all facets. With `q` only values that contain it (ASCII letters in any case), and
    /// sessions whose opening does, among the newest 2,000; outcomes are always all.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn facets(&self, q: Option<&str>) -> Result<Facets, StoreError> {
        self.readers().read(|conn| {
            // All are read once, and not once for each facet.
            let mut sums = [(); 4].map(|()| HashMap::<String, u64>::new());
            let mut statement = conn.prepare_cached(
                "SELECT host, provider, model, iif(outcome = '', 'open', outcome), flows
                 FROM flow_kinds WHERE flows > 0",
            )?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let flows = row.get::<_, i64>(4)?.cast_unsigned();
                for (column, sums) in sums.iter_mut().enumerate() {
                    *sums.entry(row.get(column)?).or_default() += flows;
                }
            }
            let [hosts, providers, models, outcomes] = sums;
            Ok(Facets {
                hosts: by_count(hosts, q),
                providers: by_count(providers, q),
                models: by_count(models, q),
                outcomes: by_count(outcomes, None),
                sessions: sessions(conn, q)?,
            })
        })
    }
}

/// The most frequent values first, of those that contain `q`; the empty one stands for none.
fn by_count(sums: HashMap<String, u64>, q: Option<&str>) -> Vec<Facet> {
    let q = q.unwrap_or_default().to_ascii_lowercase();
    let mut facets: Vec<Facet> = sums
        .into_iter()
        .filter(|(value, _)| !value.is_empty() && value.to_ascii_lowercase().contains(&q))
        .map(|(value, count)| Facet { value, count })
        .collect();
    facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    facets.truncate(FACET_MAX);
    facets
}

/// The newest sessions (that `q` finds), with their beginnings.
fn sessions(conn: &Connection, q: Option<&str>) -> rusqlite::Result<Vec<SessionFacet>> {
    let read = if q.is_some() { SESSIONS_READ } else { FACET_MAX };
    let named = |sql: &str| {
        conn.prepare_cached(sql)?
            .query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
            .collect::<rusqlite::Result<Vec<(String, u64)>>>()
    };
    let kept = format!("SELECT session_id, flows FROM sessions ORDER BY newest DESC LIMIT {read}");
    let kept = match Scope::Rollups.filled(conn)? {
        Filled::Wholly => told_apart(named(&kept))?,
        Filled::UpTo { .. } => None,
    };
    // While sessions of an earlier version are still to be added, and where a page of them cannot be read, the
    // groups know all of them.
    let newest = match kept {
        Some(newest) => newest,
        None => named(&format!(
            "SELECT session_id, sum(flows) FROM flow_groups WHERE session_id <> ''
             GROUP BY 1 ORDER BY max(newest) DESC LIMIT {read}"
        ))?,
    };
    let mut first = conn
        .prepare_cached("SELECT started_at FROM flows WHERE session_id = ?1 ORDER BY n LIMIT 1")?;
    // What an agent asks beside its conversation has no preview, but there is little of it.
    let mut opening = conn.prepare_cached(
        "SELECT preview FROM
             (SELECT preview FROM flows WHERE session_id = ?1 ORDER BY n LIMIT 20)
         WHERE preview <> '' LIMIT 1",
    )?;
    let q = q.map(str::to_lowercase);
    let mut found = Vec::new();
    for (value, count) in newest {
        // Of a session whose first flows cannot be read, nobody knows how it began.
        let opening: Option<String> =
            told_apart(opening.query_row([&value], |row| row.get(0)).optional())?.flatten();
        let contains = |q: &str| {
            let said = opening.as_deref().unwrap_or_default();
            value.to_lowercase().contains(q) || said.to_lowercase().contains(q)
        };
        if !q.as_deref().is_none_or(contains) {
            continue;
        }
        let first_at = first.query_row([&value], |row| row.get(0).map(Micros)).optional();
        let first_at = told_apart(first_at)?.flatten();
        found.push(SessionFacet { value, count, first_at, opening });
        if found.len() == FACET_MAX {
            break;
        }
    }
    Ok(found)
}
