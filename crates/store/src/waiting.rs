//! Ended flows that wait to be looked at in the background: for the index, for the analysis, and to
//! have their tokens counted. The writer notes them; who looks at them takes the keys first and then each row by itself, so that a damaged one keeps no other
//! waiting.

use langley_model::{FlowId, Revision};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::damage::{Fault, Keyed, decoded, sound};
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::flow_row::Bytes;
use crate::store::Store;
use crate::totals::{add_to_total, total};

/// Flows of an earlier version that are noted at once, and most of them that are counted.
pub(crate) const NOTED: usize = 200;
const COUNTED: usize = 1_000;

/// Keys that are read at once.
const KEYS: usize = 256;

/// What flows wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    Index,
    Analysis,
    /// To have the tokens counted that are estimated by bytes.
    Tokens,
}

impl Waiting {
    const fn table(self) -> &'static str {
        match self {
            Self::Index => "search_waiting",
            Self::Analysis => "analysis_waiting",
            Self::Tokens => "tokens_waiting",
        }
    }

    /// How many were given up.
    const fn given_up(self) -> &'static str {
        match self {
            Self::Index => "search_given_up",
            Self::Analysis => "analysis_given_up",
            Self::Tokens => "tokens_given_up",
        }
    }

    /// The index takes the newest first, which are looked for most; the analysis reads calls before their results.
    const fn order(self) -> Order {
        match self {
            Self::Index => Order::NewestFirst,
            Self::Analysis | Self::Tokens => Order::OldestFirst,
        }
    }

    /// Which flows of an earlier version wait.
    const fn of_earlier(self) -> &'static str {
        match self {
            Self::Index => {
                "outcome IS NOT NULL AND NOT EXISTS (SELECT 1 FROM search_flows WHERE flow = n)"
            }
            Self::Analysis => "outcome IS NOT NULL AND provider IS NOT NULL",
            // An earlier version counted them when it looked at the flow.
            Self::Tokens => "FALSE",
        }
    }

    /// Notes ended flows, by their keys.
    pub(crate) fn note(self, conn: &Connection, flows: &[i64]) -> rusqlite::Result<()> {
        if flows.is_empty() {
            return Ok(());
        }
        let sql = format!("INSERT OR IGNORE INTO {} VALUES (?1)", self.table());
        let mut note = conn.prepare_cached(&sql)?;
        for flow in flows {
            note.execute([flow])?;
        }
        Ok(())
    }

    /// Ends the waiting of a flow that was looked at in this state; one that has changed since goes on waiting.
    pub(crate) fn is_done(
        self,
        conn: &Connection,
        flow: i64,
        revision: Revision,
    ) -> rusqlite::Result<()> {
        let now = conn
            .prepare_cached("SELECT revision FROM flows WHERE n = ?1")?
            .query_row([flow], |row| row.get(0));
        let now: Option<i64> = decoded(("a flow", flow), now.optional())?.flatten();
        if now.is_none_or(|now| now.cast_unsigned() == revision.0) {
            let sql = format!("DELETE FROM {} WHERE flow = ?1", self.table());
            conn.prepare_cached(&sql)?.execute([flow])?;
        }
        Ok(())
    }

    /// Notes flows that were looked up before: one may have been removed meanwhile.
    pub(crate) fn note_earlier(self, conn: &Connection, flows: &[i64]) -> rusqlite::Result<()> {
        let sql = format!(
            "INSERT OR IGNORE INTO {} SELECT ?1 WHERE EXISTS (SELECT 1 FROM flows WHERE n = ?1)",
            self.table()
        );
        let mut note = conn.prepare_cached(&sql)?;
        for flow in flows {
            note.execute([flow])?;
        }
        Ok(())
    }

    /// Those of some flows of an earlier version that wait; one that cannot be read does not.
    pub(crate) fn among(self, conn: &Connection, flows: &[i64]) -> rusqlite::Result<Vec<i64>> {
        let sql = format!("SELECT 1 FROM flows WHERE n = ?1 AND {}", self.of_earlier());
        let mut ask = conn.prepare_cached(&sql)?;
        let mut waiting = Vec::new();
        for flow in flows {
            if sound(("a flow", *flow), ask.exists([flow]))?.unwrap_or(false) {
                waiting.push(*flow);
            }
        }
        Ok(waiting)
    }

    /// How many wait, those of an earlier version for which `earlier` holds among them, up to a bound; and how many
    /// were given up.
    pub(crate) fn count(
        self,
        conn: &Connection,
        earlier: Option<Condition>,
    ) -> rusqlite::Result<[u64; 2]> {
        let sql = format!("SELECT count(*) FROM {}", self.table());
        let mut waiting: i64 = conn.prepare_cached(&sql)?.query_row((), |row| row.get(0))?;
        if let Some(earlier) = earlier {
            waiting += Keyed::Flows.keys(conn, &earlier, self.order(), COUNTED)?.len() as i64;
        }
        let given_up = total(conn, self.given_up())?.unwrap_or(0);
        Ok([waiting.cast_unsigned(), given_up.cast_unsigned()])
    }
}

/// What is read of flows that wait.
struct Found<T> {
    flows: Vec<T>,
    /// Keys of those whose rows are damaged.
    damaged: Vec<i64>,
}

impl Store {
    /// At most `limit` flows that wait, in order, as `read` makes them of what `sql` asks of a key; it finds no row
    /// of one that is to wait on. One whose row is damaged is given up; where the disk fails it waits.
    pub(crate) fn waiting<T>(
        &self,
        waiting: Waiting,
        sql: &str,
        limit: usize,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let found = self.readers().read(|conn| Ok(found(conn, waiting, sql, limit, &read)?))?;
        if !found.damaged.is_empty() {
            self.note_read([], &found.damaged);
            self.give_up(waiting, found.damaged)?;
        }
        Ok(found.flows)
    }

    /// Gives flows up, by their keys: they do not wait any longer, and are counted.
    fn give_up(&self, waiting: Waiting, flows: Vec<i64>) -> Result<(), StoreError> {
        self.job(move |site| {
            let change = site.change()?;
            let sql = format!("DELETE FROM {} WHERE flow = ?1", waiting.table());
            for flow in &flows {
                change.prepare_cached(&sql)?.execute([flow])?;
            }
            add_to_total(&change, waiting.given_up(), flows.len() as i64)?;
            change.commit()
        })
    }

    /// Gives a flow up that cannot be read: it does not wait any longer, and is counted.
    pub(crate) fn leave(&self, waiting: Waiting, flow: FlowId) -> Result<(), StoreError> {
        let key: Option<i64> = self.readers().read(|conn| {
            let mut find = conn.prepare_cached("SELECT n FROM flows WHERE flow_id = ?1")?;
            Ok(find.query_row([Bytes(flow.as_bytes())], |row| row.get(0)).optional()?)
        })?;
        self.give_up(waiting, key.into_iter().collect())
    }
}

fn found<T>(
    conn: &Connection,
    waiting: Waiting,
    sql: &str,
    limit: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Found<T>> {
    let mut found = Found { flows: Vec::new(), damaged: Vec::new() };
    let (beyond, order) = waiting.order().words();
    let table = waiting.table();
    let keys = format!(
        "SELECT flow FROM {table} WHERE flow {beyond} ?1 ORDER BY flow {order} LIMIT {KEYS}"
    );
    let (mut keys, mut row) = (conn.prepare_cached(&keys)?, conn.prepare_cached(sql)?);
    let mut after = match waiting.order() {
        Order::NewestFirst => i64::MAX,
        Order::OldestFirst => i64::MIN,
    };
    loop {
        let stretch: Vec<i64> =
            keys.query_map([after], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let Some(last) = stretch.last() else { return Ok(found) };
        after = *last;
        for key in stretch {
            if found.flows.len() >= limit {
                return Ok(found);
            }
            match row.query_row([key], &read).optional() {
                Err(error) if error.is_of_one_place() => {
                    tracing::warn!(%error, key, "a flow that waits cannot be read");
                    if !error.is_of_disk() {
                        found.damaged.push(key);
                    }
                }
                flow => found.flows.extend(flow?),
            }
        }
    }
}
