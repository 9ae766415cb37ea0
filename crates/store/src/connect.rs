//! Opening connections: the file's mode, the pragmas, and who may write.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::error::StoreError;
use crate::options::StoreOptions;

/// The word of `PRAGMA auto_vacuum` for steps.
const INCREMENTAL: i64 = 2;

/// Bytes of a page in a new file. Contents and blocks of events are of some hundred bytes to some thousand:
/// in larger pages less room stays free behind them, and more is written for each change.
const PAGE_BYTES: i64 = 8192;

const MAX_WAL_LEFT_BYTES: i64 = 16 << 20;

/// Room for the writer's pages, in KB.
pub(crate) const CACHE_KB: i64 = 1024;

/// Held while a file is made. POSIX locks belong to the process: whoever closes any descriptor of a database
/// drops the locks that SQLite has on it. So a file is opened beside SQLite only to make it, and nobody here
/// goes on to open it with SQLite until that descriptor is closed.
static MAKING: Mutex<()> = Mutex::new(());

/// Opens the file for writing, creating it with mode 0600, with write-ahead logging on.
pub(crate) fn writer(options: &StoreOptions) -> Result<Connection, StoreError> {
    let path = options.path.as_path();
    claim(path)?;
    let fail = |error| StoreError::of(error, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(|error| match fail(error) {
        StoreError::Unwritable { detail, .. } if path.is_file() => {
            StoreError::ReadOnly { path: path.to_owned(), detail }
        }
        other => other,
    })?;
    // What may only be read is opened for that, without a word.
    if conn.is_readonly(MAIN_DB).map_err(fail)? {
        let detail = String::from("the system does not let this user write it");
        return Err(StoreError::ReadOnly { path: path.to_owned(), detail });
    }
    conn.busy_timeout(options.busy_timeout).map_err(fail)?;
    let vacuum: i64 =
        conn.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).map_err(fail)?;
    // Both are only heeded while the file is still empty, hence before anything is written; where it is so
    // already, saying it again would write to a file that may yet be refused.
    if vacuum != INCREMENTAL {
        conn.pragma_update(None, "page_size", PAGE_BYTES).map_err(fail)?;
        conn.pragma_update(None, "auto_vacuum", INCREMENTAL).map_err(fail)?;
    }
    switch_to_wal(&conn, path, options.busy_timeout)?;
    conn.execute_batch(&format!(
        "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{CACHE_KB}; \
         PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = {}; \
         PRAGMA journal_size_limit = {MAX_WAL_LEFT_BYTES};",
        options.wal_checkpoint_pages
    ))
    .map_err(fail)?;
    if let Some(bytes) = options.max_bytes {
        let page: u64 = conn
            .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))
            .map_err(fail)?
            .unsigned_abs();
        let pages = i64::try_from(bytes / page.max(1)).unwrap_or(i64::MAX).max(1);
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(fail)?;
    }
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// Opens the file for reading only; it must exist.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    ready(looked_at(path, path, OpenFlags::empty())?, path)
}

/// The same where this process writes it not: also a file at rest where nothing can be written beside it. Not for
/// one that is written, of which such a connection would see what was there when it opened.
pub(crate) fn reader_of_others(path: &Path) -> Result<Connection, StoreError> {
    let conn = match looked_at(path, path, OpenFlags::empty()) {
        Err(StoreError::Unwritable { .. } | StoreError::ReadOnly { .. })
            if let Some(at_rest) = at_rest(path) =>
        {
            looked_at(Path::new(&at_rest), path, OpenFlags::SQLITE_OPEN_URI)?
        }
        opened => opened?,
    };
    ready(conn, path)
}

fn ready(conn: Connection, path: &Path) -> Result<Connection, StoreError> {
    let fail = |error| StoreError::of(error, path);
    conn.busy_timeout(Duration::from_secs(5)).map_err(fail)?;
    conn.execute_batch(
        "PRAGMA cache_size = -384; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;",
    )
    .map_err(fail)?;
    conn.set_prepared_statement_cache_capacity(24);
    Ok(conn)
}

/// Opens the file at `path`, that `name` names, and reads what shows whether it can be read: only then are the
/// files beside it needed.
fn looked_at(name: &Path, path: &Path, more: OpenFlags) -> Result<Connection, StoreError> {
    if !is_there(path) {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let fail = |error| StoreError::of(error, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let conn = Connection::open_with_flags(name, flags).map_err(fail)?;
    match conn.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0)) {
        // Whoever asks something waits for what is locked, and says what is damaged.
        Err(error) => match fail(error) {
            error @ (StoreError::Unwritable { .. } | StoreError::ReadOnly { .. }) => Err(error),
            _ => Ok(conn),
        },
        Ok(_) => Ok(conn),
    }
}

/// The name by which SQLite reads a file that nobody writes, without a file beside it: on a disk that is
/// read-only none can be made. None where there is a log, which may hold what the file does not, or a writer.
fn at_rest(path: &Path) -> Option<String> {
    let mark = File::open(beside(path, "-writer")).ok();
    if mark.is_some_and(|mark| matches!(mark.try_lock(), Err(TryLockError::WouldBlock))) {
        return None;
    }
    if std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let mut name = String::from("file:");
    for c in std::path::absolute(path).ok()?.to_str()?.chars() {
        match c {
            '%' | '?' | '#' => name.push_str(&format!("%{:02x}", u32::from(c))),
            c => name.push(c),
        }
    }
    Some(name + "?immutable=1")
}

/// Held while a writer lives, so that the next one knows that open flows are not lost ones.
///
/// A file of its own: closing any descriptor of the database file itself would drop SQLite's locks.
#[derive(Debug)]
pub(crate) struct WriterMark {
    file: Option<File>,
    /// Whether no other writer has the store open; nobody can change that before [`Self::share`].
    pub(crate) alone: bool,
}

impl WriterMark {
    /// Marks this process as a writer of the store at `path`; waits while another one, that is alone
    /// so far, puts the file in order.
    pub(crate) fn set(path: &Path) -> Self {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        private(&mut options);
        // Where files or locks cannot be had, believe that we are alone: so it is nearly always.
        let Ok(file) = options.open(beside(path, "-writer")) else {
            return Self { file: None, alone: true };
        };
        let alone = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if !alone && let Err(error) = file.lock_shared() {
            tracing::warn!(%error, "the store's writers cannot see one another");
        }
        Self { file: Some(file), alone }
    }

    /// Lets other writers in.
    pub(crate) fn share(&self) {
        if let Some(file) = self.file.as_ref().filter(|_| self.alone)
            && let Err(error) = file.unlock().and_then(|()| file.lock_shared())
        {
            tracing::warn!(%error, "the store's writers cannot see one another");
        }
    }
}

/// The path of a file beside the database, such as its `-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether there is a file, made wholly.
fn is_there(path: &Path) -> bool {
    let _made = MAKING.lock();
    path.exists()
}

/// Creates the file with mode 0600, or takes the rights of others away from the existing one, which is not
/// opened: this process may have it open already.
fn claim(path: &Path) -> Result<(), StoreError> {
    let _making = MAKING.lock();
    if path.exists() {
        restrict(path);
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    private(&mut options);
    options.open(path).map(drop).map_err(|error| {
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        StoreError::Unwritable { folder, detail: error.to_string() }
    })
}

#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
pub(crate) fn private(_options: &mut OpenOptions) {}

/// Takes the rights of others away from a file that had them.
#[cfg(unix)]
fn restrict(path: &Path) {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = std::fs::metadata(path) else { return };
    let mode = metadata.permissions().mode();
    if mode & 0o077 != 0
        && let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
    {
        tracing::warn!(%error, "the store's file can be read by others");
    }
}

#[cfg(not(unix))]
fn restrict(_path: &Path) {}

/// Switches to write-ahead logging and asserts that SQLite did.
///
/// SQLite does not wait for a lock here, so two processes that start together are made to.
fn switch_to_wal(conn: &Connection, path: &Path, patience: Duration) -> Result<(), StoreError> {
    let start = Instant::now();
    loop {
        let answer = conn
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match answer {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(mode) => return Err(StoreError::NoWal { path: path.to_owned(), mode }),
            Err(error) => match StoreError::of(error, path) {
                StoreError::Locked { .. } if start.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => return Err(other),
            },
        }
    }
}
