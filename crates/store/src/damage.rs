//! What is damaged costs itself: whether a failure is that of one row, or of the page that it lies on, is answered
//! here, and so is how a walk steps over it.

use std::fmt;
use std::ops::ControlFlow;

use langley_model::{Flow, Stored};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params_from_iter};

use crate::error::{StoreError, of_place, of_row};
use crate::filter::{Condition, Order};
use crate::flow_row::{FlowSql, read};
use crate::readers::ReadError;
use crate::store::Store;

/// Failures of the disk one after the other that may each be of one place; after more of them it is the disk.
const DISK_FAILURES: u32 = 16;

/// A failure that may be that of one place of the file.
pub(crate) trait Fault: fmt::Display {
    /// Whether it is: others may be sound.
    fn is_of_one_place(&self) -> bool;

    /// Whether the disk failed there: what is there may be read another time.
    fn is_of_disk(&self) -> bool;
}

impl Fault for rusqlite::Error {
    fn is_of_one_place(&self) -> bool {
        of_row(self) || of_place(self)
    }

    fn is_of_disk(&self) -> bool {
        self.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
    }
}

impl Fault for StoreError {
    fn is_of_one_place(&self) -> bool {
        Self::is_of_one_place(self)
    }

    fn is_of_disk(&self) -> bool {
        Self::is_of_disk(self)
    }
}

impl Fault for ReadError {
    fn is_of_one_place(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.is_of_one_place(),
            Self::Store(error) => error.is_of_one_place(),
        }
    }

    fn is_of_disk(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.is_of_disk(),
            Self::Store(error) => error.is_of_disk(),
        }
    }
}

/// What was read by `key`; none where that is damaged, which must not keep others from what is done. Not for a
/// transaction that writes: where SQLite meets a damaged page in one, it lets it write nothing any more. There
/// [`decoded`] is all that can be forgiven; what cannot be read is found out before.
pub(crate) fn sound<T, E: Fault>(
    (what, key): (&'static str, i64),
    read: Result<T, E>,
) -> Result<Option<T>, E> {
    if let Err(error) = &read
        && error.is_of_one_place()
    {
        tracing::warn!(%error, key, "{what} cannot be read and is left out");
    }
    told_apart(read)
}

/// What was read; none where that is damaged. For who counts and tells that by himself, and else like [`sound`].
pub(crate) fn told_apart<T, E: Fault>(read: Result<T, E>) -> Result<Option<T>, E> {
    match read {
        Err(error) if error.is_of_one_place() => Ok(None),
        read => read.map(Some),
    }
}

/// What was read by `key`; none where it does not decode.
pub(crate) fn decoded<T>(
    (what, key): (&'static str, i64),
    read: rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    match read {
        Err(error) if of_row(&error) => {
            tracing::warn!(%error, key, "{what} does not decode and is left out");
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// The flow with this key, where it is there and can be read.
pub(crate) fn sound_flow(
    conn: &Connection,
    key: i64,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Option<Stored<Flow>>> {
    let Some(flow) = sound(("a flow", key), flow(conn, key))? else {
        damaged.push(key);
        return Ok(None);
    };
    Ok(flow)
}

/// The flow with this key, where it is there and decodes.
pub(crate) fn decoded_flow(conn: &Connection, key: i64) -> rusqlite::Result<Option<Stored<Flow>>> {
    Ok(decoded(("a flow", key), flow(conn, key))?.flatten())
}

fn flow(conn: &Connection, key: i64) -> rusqlite::Result<Option<Stored<Flow>>> {
    let sql = format!("{} WHERE n = ?1", FlowSql::select());
    let row = conn.prepare_cached(&sql)?.query_row([key], read).optional()?;
    Ok(row.map(|(_, flow)| flow))
}

/// A table whose keys an index has too, which stands apart from the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keyed {
    Flows,
    Contents,
    Transcripts,
}

impl Keyed {
    const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Flows => ["n", "flows", "flows_by_id"],
            Self::Contents => ["id", "blobs", "blobs_by_hash"],
            Self::Transcripts => ["id", "transcripts", "transcripts_by_path"],
        }
    }

    /// At most `limit` keys for which `condition` holds, in order: as SQLite finds them, and by the index where a
    /// page cannot be read; there the condition may only speak of keys.
    pub(crate) fn keys(
        self,
        conn: &Connection,
        condition: &Condition,
        order: Order,
        limit: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let ([key, table, index], (_, order)) = (self.names(), order.words());
        let list = |from: String| -> rusqlite::Result<Vec<i64>> {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let condition_sql = condition.sql();
            let sql = format!(
                "SELECT {key} FROM {from}{condition_sql} ORDER BY {key} {order} LIMIT {limit}"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let keys =
                statement.query_map(params_from_iter(&condition.parameters), |row| row.get(0))?;
            keys.collect()
        };
        match list(table.to_owned()) {
            Err(error) if error.is_of_one_place() => list(format!("{table} INDEXED BY {index}")),
            keys => keys,
        }
    }

    /// At most `limit` keys after `position`.
    pub(crate) fn keys_after(
        self,
        conn: &Connection,
        position: i64,
        order: Order,
        limit: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let [key, ..] = self.names();
        let (beyond, _) = order.words();
        let mut condition = Condition::default();
        condition.and(&format!("{key} {beyond} ?"), [position.into()]);
        self.keys(conn, &condition, order, limit)
    }
}

/// The keys of all flows that can be read, whatever their columns are.
pub(crate) fn sound_keys(conn: &Connection) -> rusqlite::Result<Vec<i64>> {
    let all = Condition::default();
    let keys = Keyed::Flows.keys(conn, &all, Order::OldestFirst, usize::MAX)?;
    let (mut sound_keys, select) = (Vec::new(), ("SELECT * FROM flows", &all));
    one_by_one(
        conn,
        keys,
        select,
        |_| Ok(()),
        &mut Vec::new(),
        |key, ()| {
            sound_keys.push(key);
            ControlFlow::Continue(())
        },
    )?;
    Ok(sound_keys)
}

impl Store {
    /// Does `work` on flows, and where that meets damage on those of them that can be read.
    pub(crate) fn of_sound<T>(
        &self,
        keys: &[i64],
        mut work: impl FnMut(Vec<i64>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match work(keys.to_vec()) {
            Err(error) if error.is_of_one_place() => {}
            done => return done,
        }
        let mut damaged = Vec::new();
        self.of_keys(keys, &mut damaged)?;
        self.note_read([], &damaged);
        work(keys.iter().copied().filter(|key| !damaged.contains(key)).collect())
    }
}

/// At most `limit` flows for which both conditions hold, in order: as a walk finds them, and one by one where it
/// meets damage; then the keys are those that `of` names, by whatever index knows it.
pub(crate) fn sound_flows(
    conn: &Connection,
    of: &Condition,
    and: &Condition,
    (order, limit): (Order, usize),
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Vec<(i64, Stored<Flow>)>> {
    let mut both = of.clone();
    both.and_all(and);
    let walk = || -> rusqlite::Result<Vec<_>> {
        let (_, order) = order.words();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!("{}{} ORDER BY n {order} LIMIT {limit}", FlowSql::select(), both.sql());
        let mut statement = conn.prepare_cached(&sql)?;
        statement.query_map(params_from_iter(&both.parameters), read)?.collect()
    };
    match walk() {
        Err(error) if error.is_of_one_place() => {}
        found => return found,
    }
    let mut found = Vec::new();
    let keys = Keyed::Flows.keys(conn, of, order, usize::MAX)?;
    one_by_one(conn, keys, (FlowSql::select(), and), read, damaged, |_, row| {
        found.push(row);
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// Reads the flows with these keys for which `condition` holds, each by itself, with a `SELECT` up to the condition:
/// what is there and can be read goes to `take`, until that has enough.
pub(crate) fn one_by_one<T>(
    conn: &Connection,
    keys: Vec<i64>,
    (select, condition): (&str, &Condition),
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    damaged: &mut Vec<i64>,
    mut take: impl FnMut(i64, T) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let mut of_key = condition.clone();
    of_key.and("n = ?", []);
    let mut statement = conn.prepare_cached(&format!("{select}{}", of_key.sql()))?;
    for key in keys {
        let parameters = of_key.parameters.iter().cloned().chain([key.into()]);
        let row = statement.query_row(params_from_iter(parameters), &read).optional();
        match sound(("a flow", key), row)? {
            Some(row) => {
                if row.is_some_and(|row| take(key, row).is_break()) {
                    break;
                }
            }
            None => damaged.push(key),
        }
    }
    Ok(())
}

/// Of `keys` at most `limit` of flows for which `condition` holds: asked one by one, where a walk would meet damage.
pub(crate) fn sound_among(
    conn: &Connection,
    keys: Vec<i64>,
    condition: &Condition,
    limit: usize,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Vec<i64>> {
    let (mut found, select) = (Vec::new(), ("SELECT n FROM flows", condition));
    let take = |key, ()| {
        found.push(key);
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    one_by_one(conn, keys, select, |_| Ok(()), damaged, take)?;
    Ok(found)
}

/// Who goes through rows one by one after a failure, and stops where it is the disk that fails.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    failures: u32,
}

impl Patience {
    /// Whether to go on with the next one after this.
    pub(crate) fn goes_on(&mut self, error: &StoreError) -> bool {
        self.failures = if error.is_of_disk() { self.failures + 1 } else { 0 };
        error.is_of_one_place() && self.failures <= DISK_FAILURES
    }
}
