//! The file's pages: the write-ahead log folded back, free pages given back to the disk.

use std::path::Path;

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

/// The folder of the file; none where SQLite cannot be told it.
fn folder(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_default();
    path.parent().and_then(Path::to_str).unwrap_or_default().to_owned()
}

/// Has SQLite put its temporary files into a folder; none: where the system has them. That holds for the whole
/// process, in which no other connection has any: theirs are in memory.
fn put_temporary_files(conn: &Connection, folder: &str) -> rusqlite::Result<()> {
    conn.pragma_update(None, "temp_store_directory", folder)
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
            // The copy that SQLite makes is as large as the file: too large for memory, and for the system's
            // folder of temporary files, which may be memory as well. It lies beside the file, and has no
            // name there: it is gone with the process, however that ends.
            site.conn.pragma_update(None, "temp_store", "FILE")?;
            let done = put_temporary_files(site.conn, &folder(site.path))
                .and_then(|()| site.conn.execute_batch("VACUUM"));
            put_temporary_files(site.conn, "")?;
            site.conn.pragma_update(None, "temp_store", "MEMORY")?;
            done
        })?;
        self.checkpoint()?;
        let after = self.pages()?;
        Ok(before.all.saturating_sub(after.all) * before.bytes)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::options::StoreOptions;

    #[test]
    fn a_file_written_anew_is_copied_beside_itself_and_leaves_nothing_there() {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(StoreOptions::new(folder.path().join("langley.db")), Box::new(|_| ()))
                .unwrap();
        // More than the writer keeps of it in memory.
        let fill = "CREATE TABLE filling (bytes BLOB);
             INSERT INTO filling
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
                 SELECT randomblob(20000) FROM n";
        store.job(move |site| site.conn.execute_batch(fill)).unwrap();
        let (seen, beside) = (Arc::new(AtomicBool::new(false)), folder.path().to_owned());
        let found = Arc::clone(&seen);
        let look = move || {
            let open = std::fs::read_dir("/proc/self/fd").unwrap();
            let files = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
            let mut names =
                files.filter_map(|file| Some(file.strip_prefix(&beside).ok()?.to_owned()));
            let is_there = names.any(|name| name.to_string_lossy().starts_with("etilqs_"));
            found.fetch_or(is_there, Ordering::Relaxed);
            false
        };
        store.job(move |site| site.conn.progress_handler(100, Some(look))).unwrap();
        store.rebuild().unwrap();
        assert!(seen.load(Ordering::Relaxed), "the copy is not beside the file");
        let left = std::fs::read_dir(folder.path()).unwrap();
        let mut left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(left.all(|name| name.starts_with("langley.db")));
    }
}
