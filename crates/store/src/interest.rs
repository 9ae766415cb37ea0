//! Whoever waits for an answer: when they go, what is being read for them ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

/// Steps of SQLite's machine between two looks at whether anybody waits.
const STEPS: i32 = 10_000;

/// Keeps the queries of a handle running: when it is dropped, the one that runs is interrupted and later
/// ones end at once. Made by [`crate::Store::asking`].
#[must_use = "its end interrupts the queries"]
#[derive(Debug)]
pub struct Asking(pub(crate) Interest);

/// The same, seen from the reading side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interest(Arc<AtomicBool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Interest {
    pub(crate) fn is_gone(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Reads on `conn` as long as somebody waits for it.
    pub(crate) fn hold<T>(
        &self,
        conn: &Connection,
        read: impl FnOnce() -> T,
    ) -> rusqlite::Result<T> {
        let asked = self.clone();
        conn.progress_handler(STEPS, Some(move || asked.is_gone()))?;
        let held = Held(conn);
        let answer = read();
        drop(held);
        Ok(answer)
    }
}

/// A connection that looks at whether somebody waits. At the end it does not any more, also when a query
/// panics: from then on the connection is somebody else's.
struct Held<'a>(&'a Connection);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // It fails where a connection is not ours, which cannot have been given a handler either.
        let _ = self.0.progress_handler(0, None::<fn() -> bool>);
    }
}

#[cfg(test)]
mod tests {
    use crate::error::StoreError;
    use crate::options::StoreOptions;
    use crate::readers::ReadError;
    use crate::store::Store;

    #[test]
    fn a_query_ends_when_nobody_waits_for_it_and_the_next_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let (asker, asking) = store.asking();
        let (begun, begin) = std::sync::mpsc::sync_channel(0);
        let endless = std::thread::spawn(move || {
            asker.readers().read(|conn| {
                begun.send(()).unwrap();
                let sql = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
                     SELECT count(*) FROM n";
                Ok(conn.query_row(sql, (), |row| row.get::<_, i64>(0))?)
            })
        });
        begin.recv().unwrap();
        drop(asking);
        assert!(matches!(endless.join().unwrap(), Err(StoreError::Abandoned)));
        assert_eq!(counted(&store), 50_000);
    }

    #[test]
    fn a_query_that_panics_leaves_a_connection_that_waits_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let (asker, asking) = store.asking();
        let fault = || asker.readers().read(|_| -> Result<(), ReadError> { panic!("a fault") });
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(fault)).unwrap_err();
        drop(asking);
        assert_eq!(counted(&store), 50_000);
    }

    /// Counts far enough to be asked, on the same connection for somebody else.
    fn counted(store: &Store) -> i64 {
        let count = store.readers().read(|conn| {
            let sql = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 50000)
                 SELECT count(*) FROM n";
            Ok(conn.query_row(sql, (), |row| row.get::<_, i64>(0))?)
        });
        count.unwrap()
    }
}
