//! The reading side: at most three connections, opened when first needed.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use crate::error::StoreError;
use crate::interest::Interest;

const MOST: usize = 3;

/// The pool.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    open: fn(&Path) -> Result<Connection, StoreError>,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    lent: usize,
}

/// The reading side, as one handle of the store has it.
pub(crate) struct Reading<'a> {
    pub(crate) readers: &'a Readers,
    pub(crate) interest: Option<&'a Interest>,
}

impl Reading<'_> {
    /// Runs a query inside one read transaction, as long as somebody waits for its answer.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, StoreError> {
        self.readers.read(self.interest, query)
    }
}

/// A lent connection; goes back when dropped.
pub(crate) struct Lent<'a> {
    readers: &'a Readers,
    conn: Option<Connection>,
}

impl Readers {
    /// Connections to the file at `path`, each made by `open`.
    pub(crate) const fn new(
        path: PathBuf,
        open: fn(&Path) -> Result<Connection, StoreError>,
    ) -> Self {
        let state = State { idle: Vec::new(), lent: 0 };
        Self { path, open, state: Mutex::new(state), returned: Condvar::new() }
    }

    /// A connection of the caller's own.
    pub(crate) fn fresh(&self) -> Result<Connection, StoreError> {
        (self.open)(&self.path)
    }

    /// Lends a connection; waits while all are lent.
    fn lend(&self) -> Result<Lent<'_>, StoreError> {
        let mut state = self.state.lock();
        while state.lent >= MOST {
            self.returned.wait(&mut state);
        }
        state.lent += 1;
        let idle = state.idle.pop();
        drop(state);
        let mut lent = Lent { readers: self, conn: idle };
        if lent.conn.is_none() {
            lent.conn = Some(self.fresh()?);
        }
        Ok(lent)
    }

    /// Runs a query inside one read transaction, so that all it reads is of one moment.
    pub(crate) fn read<T>(
        &self,
        interest: Option<&Interest>,
        query: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, StoreError> {
        let lent = self.lend()?;
        let fail = |error| StoreError::of(error, &self.path);
        let Some(conn) = lent.deref() else { return Err(StoreError::Closed) };
        let moment = conn.unchecked_transaction().map_err(fail)?;
        let answer = match interest {
            Some(interest) if interest.is_gone() => return Err(StoreError::Abandoned),
            Some(interest) => interest.hold(&moment, || query(&moment)).map_err(fail)?,
            None => query(&moment),
        };
        moment.finish().map_err(fail)?;
        answer.map_err(|error| match error {
            ReadError::Sqlite(error) => fail(error),
            ReadError::Store(error) => error,
        })
    }

    /// Closes the connections that nobody uses.
    pub(crate) fn rest(&self) {
        self.state.lock().idle.clear();
    }
}

impl Deref for Lent<'_> {
    type Target = Option<Connection>;

    fn deref(&self) -> &Option<Connection> {
        &self.conn
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock();
        state.lent -= 1;
        state.idle.extend(self.conn.take());
        drop(state);
        self.readers.returned.notify_one();
    }
}

/// A failure inside a query, before the file's name is known.
pub(crate) enum ReadError {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
