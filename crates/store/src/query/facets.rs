//! Facets: the distinct values a listing can be narrowed to, with their counts.

use std::collections::HashMap;

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

/// Most values of one facet.
const MOST: usize = 200;

impl Store {
    /// The values of all facets, at most 200 each.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn facets(&self) -> Result<Facets, StoreError> {
        self.readers().read(|conn| {
            // There is a group for each session at least, so all are read once, and not once for each
            // facet.
            let mut sums = [(); 4].map(|()| HashMap::<String, u64>::new());
            let mut statement = conn.prepare_cached(
                "SELECT host, provider, model, iif(outcome = '', 'open', outcome), sum(flows)
                 FROM flow_groups GROUP BY 1, 2, 3, 4",
            )?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let flows = row.get::<_, i64>(4)?.cast_unsigned();
                for (column, sums) in sums.iter_mut().enumerate() {
                    *sums.entry(row.get(column)?).or_default() += flows;
                }
            }
            let [hosts, providers, models, outcomes] = sums.map(by_count);
            let sessions = list(
                conn,
                "SELECT session_id, sum(flows) FROM flow_groups WHERE session_id <> ''
                 GROUP BY 1 ORDER BY max(newest) DESC LIMIT 200",
            )?;
            Ok(Facets { hosts, providers, models, outcomes, sessions })
        })
    }
}

/// The most frequent values first; the empty one stands for none.
fn by_count(sums: HashMap<String, u64>) -> Vec<Facet> {
    let mut facets: Vec<Facet> = sums
        .into_iter()
        .filter(|(value, _)| !value.is_empty())
        .map(|(value, count)| Facet { value, count })
        .collect();
    facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    facets.truncate(MOST);
    facets
}

fn list(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<Facet>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map((), |row| {
        Ok(Facet { value: row.get(0)?, count: row.get::<_, i64>(1)?.cast_unsigned() })
    })?;
    rows.collect()
}
