//! Facets: the distinct values a listing can be narrowed to, with their counts.

use rusqlite::Connection;

use crate::error::StoreError;
use crate::store::Store;

/// A value and how many flows have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// Flows that have it.
    pub count: u64,
}

/// The values of all facets, the most frequent first.
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
    pub sessions: Vec<Facet>,
}

impl Store {
    /// The values of all facets, at most 200 each.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn facets(&self) -> Result<Facets, StoreError> {
        self.readers().read(|conn| {
            let by_count = |column: &str| {
                list(
                    conn,
                    &format!(
                        "SELECT {column}, sum(flows) FROM flow_groups WHERE {column} <> ''
                         GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200"
                    ),
                )
            };
            Ok(Facets {
                hosts: by_count("host")?,
                providers: by_count("provider")?,
                models: by_count("model")?,
                outcomes: list(
                    conn,
                    "SELECT iif(outcome = '', 'open', outcome), sum(flows) FROM flow_groups
                     GROUP BY outcome ORDER BY 2 DESC, 1",
                )?,
                sessions: list(
                    conn,
                    "SELECT session_id, sum(flows) FROM flow_groups WHERE session_id <> ''
                     GROUP BY 1 ORDER BY max(newest) DESC LIMIT 200",
                )?,
            })
        })
    }
}

fn list(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<Facet>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map((), |row| {
        Ok(Facet { value: row.get(0)?, count: row.get::<_, i64>(1)?.cast_unsigned() })
    })?;
    rows.collect()
}
