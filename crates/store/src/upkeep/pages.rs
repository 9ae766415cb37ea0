//! The file's pages: the write-ahead log folded back, free pages given back to the disk.

use rusqlite::Connection;

use crate::error::StoreError;
use crate::store::Store;

/// Free pages that one piece of work gives back.
const PAGES: i64 = 64;

/// The pages of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// All of them.
    pub all: u64,
    /// Those that hold nothing.
    pub free: u64,
    /// Bytes of one.
    pub bytes: u64,
    /// Whether free pages can be given back in small steps: not in a file that something else made.
    pub incremental: bool,
}

impl Pages {
    fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(Self {
            all: pragma("page_count")?.cast_unsigned(),
            free: pragma("freelist_count")?.cast_unsigned(),
            bytes: pragma("page_size")?.cast_unsigned(),
            incremental: pragma("auto_vacuum")? == 2,
        })
    }

    /// The share of free pages in percent, rounded down.
    #[must_use]
    pub const fn free_percent(&self) -> u64 {
        match (self.free * 100).checked_div(self.all) {
            Some(percent) => percent,
            None => 0,
        }
    }
}

/// What folding the log back came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpointed {
    /// Whether a reader kept the log from being emptied; what could be was folded back.
    pub busy: bool,
    /// Pages of the log.
    pub log_pages: u64,
    /// Pages that are in the database file now.
    pub moved_pages: u64,
}

/// Gives free pages back to the disk, at most so many, in one transaction.
pub(crate) fn give_back(conn: &Connection, pages: i64) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(&format!("PRAGMA incremental_vacuum({pages})"))?;
    // Each step frees a page.
    let mut steps = statement.query(())?;
    while steps.next()?.is_some() {}
    Ok(())
}

impl Store {
    /// The pages of the file.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn pages(&self) -> Result<Pages, StoreError> {
        self.readers().read(|conn| Ok(Pages::read(conn)?))
    }

    /// Folds the write-ahead log back and empties it, as far as readers let.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn checkpoint(&self) -> Result<Checkpointed, StoreError> {
        self.job(|site| {
            site.without_waiting(|conn| {
                conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| {
                    let pages =
                        |column| row.get::<_, i64>(column).map(|n| n.max(0).cast_unsigned());
                    Ok(Checkpointed {
                        busy: row.get(0)?,
                        log_pages: pages(1)?,
                        moved_pages: pages(2)?,
                    })
                })
            })
        })
    }

    /// Gives all free pages back, a few at a time; returns by how many bytes the file became smaller.
    ///
    /// # Errors
    /// The store is closed or cannot be written, or the file is one whose pages cannot be given back in
    /// steps ([`Pages::incremental`]).
    pub fn vacuum(&self) -> Result<u64, StoreError> {
        let before = self.pages()?;
        if !before.incremental {
            return Err(StoreError::NotIncremental { path: self.path().to_owned() });
        }
        // Traffic may free some more meanwhile; those wait for the next time.
        for _ in 0..=before.free / PAGES.unsigned_abs() {
            let left = self.job(|site| {
                give_back(site.conn, PAGES)?;
                Pages::read(site.conn)
            })?;
            if left.free == 0 {
                break;
            }
        }
        // The file itself becomes smaller only when the log is folded back.
        self.checkpoint()?;
        let after = self.pages()?;
        Ok(before.all.saturating_sub(after.all) * before.bytes)
    }

    /// Writes the whole file anew, free of gaps, so that its pages can be given back in steps from then
    /// on. Nothing is recorded meanwhile: not for a store that a server records to.
    ///
    /// # Errors
    /// The store is closed or cannot be written, or the disk has no room for a second copy.
    pub fn rebuild(&self) -> Result<u64, StoreError> {
        let before = self.pages()?;
        self.job(|site| {
            site.conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            // The copy that SQLite makes is as large as the file: too large for memory.
            site.conn.pragma_update(None, "temp_store", "FILE")?;
            let done = site.conn.execute_batch("VACUUM");
            site.conn.pragma_update(None, "temp_store", "MEMORY")?;
            done
        })?;
        self.checkpoint()?;
        let after = self.pages()?;
        Ok(before.all.saturating_sub(after.all) * before.bytes)
    }
}
