//! What can go wrong with the store: each message says what, why and what to do next.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer program.
    #[error(
        "the store {} has schema {found}, but this program knows only up to {known}; \
         update Langley, or point LANGLEY_HOME at another folder", path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Schema of the file.
        found: i64,
        /// Newest schema this program knows.
        known: i64,
    },
    /// The file was written by an older program, and a reader may not migrate it.
    #[error(
        "the store {} has the older schema {found}; start Langley once to bring it up to date",
        path.display()
    )]
    Outdated {
        /// The database file.
        path: PathBuf,
        /// Schema of the file.
        found: i64,
    },
    /// The file is no database, or parts of it are unreadable.
    #[error(
        "the store {} is damaged or not a database ({detail}); nothing was deleted: `langley doctor` says \
         what is damaged, and how to save the rest; to start afresh, restore a backup or move the file \
         away", path.display()
    )]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// SQLite's own words.
        detail: String,
    },
    /// The file is a database of some other program.
    #[error(
        "{} is a database of another program; nothing was changed: move it away, or point \
         LANGLEY_HOME at another folder", path.display()
    )]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// Neither the file nor its side files can be created in the folder.
    #[error(
        "cannot create or open the store in {} ({detail}); make the folder writable for this user, \
         or point LANGLEY_HOME at another one", folder.display()
    )]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// The file exists but may not be written.
    #[error(
        "the store {} is read-only ({detail}); make it writable (chmod u+w) or mount its disk \
         writable", path.display()
    )]
    ReadOnly {
        /// The database file.
        path: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// There is no file to read.
    #[error("there is no store at {} yet; start Langley, bring in what agents wrote (`langley import`), or name another home (`--home`, LANGLEY_HOME)", path.display())]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// Another connection holds the lock for longer than the waiting time.
    #[error(
        "the store {} is locked by another program; close whatever has it open (a database browser, \
         a backup) and try again", path.display()
    )]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// No room on the disk, or the allowed size is reached.
    #[error(
        "no room to write the store {}; free disk space, or delete old flows", path.display()
    )]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// The disk failed at a place of the file; others may be as they were.
    #[error(
        "the disk failed at the store {} ({detail}); check the disk, and copy the store to another one \
         with `langley db backup`", path.display()
    )]
    Disk {
        /// The database file.
        path: PathBuf,
        /// SQLite's own words.
        detail: String,
    },
    /// Write-ahead logging could not be switched on.
    #[error(
        "the store {} cannot use write-ahead logging (SQLite answered {mode:?}); network file \
         systems cannot: put LANGLEY_HOME on a local disk", path.display()
    )]
    NoWal {
        /// The database file.
        path: PathBuf,
        /// The journal mode SQLite stayed in.
        mode: String,
    },
    /// Free pages of the file cannot be given back in steps.
    #[error(
        "the free pages of the store {} cannot be given back in steps, because another program made \
         the file; stop Langley and run `langley db vacuum`, which writes it anew", path.display()
    )]
    NotIncremental {
        /// The database file.
        path: PathBuf,
    },
    /// There is a file already where one was to be written.
    #[error("there is already a file at {}; name another, or move that one away", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// A copy cannot be written where it was to be.
    #[error(
        "the copy {} cannot be written ({detail}); name a file in a folder that is there, that this user may \
         write and that has room", path.display()
    )]
    NoCopy {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// A file name that SQLite cannot be given.
    #[error("{} is not valid UTF-8; name a file whose path is", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A page cursor that this store did not make.
    #[error("not a page cursor; take it from `next_cursor` of the page before, unchanged")]
    Cursor,
    /// A question that the search cannot be asked.
    #[error("this cannot be searched for: {why}")]
    Query {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nobody waited for the answer any longer.
    #[error("the query was given up: it took too long, or whoever asked has gone; ask for less")]
    Abandoned,
    /// The writer has ended, or this handle may only read.
    #[error("the store is not open for writing; it was closed, or opened read-only")]
    Closed,
    /// A deletion failed on its way; what it removed until then is gone.
    #[error(
        "{removed} flows were removed before this failed: {cause}; repeat it to remove the rest"
    )]
    Partly {
        /// So many flows.
        removed: u64,
        /// What failed.
        cause: Box<StoreError>,
    },
    /// What was to be removed stays in part.
    #[error(
        "{removed} flows were removed; {stay} times a flow or a part of one stays, because the file is damaged \
         where it, or what belongs to it, lies: `langley doctor` says what is damaged, and what to do"
    )]
    Stay {
        /// So many flows are gone.
        removed: u64,
        /// So often something that should be gone is not.
        stay: u64,
    },
    /// A stored value does not decode.
    #[error(
        "a stored {what} does not decode; the row is damaged or was written by something else: \
         check the file with `sqlite3 langley.db 'PRAGMA integrity_check'`"
    )]
    Decode {
        /// What was being read.
        what: &'static str,
    },
    /// The operating system refused to start the writer's thread.
    #[error(
        "cannot start the store's writer thread ({0}); check the limit of processes (ulimit -u)"
    )]
    Thread(#[source] std::io::Error),
    /// Anything else SQLite says.
    #[error("the store failed: {0}; try again, and report it when it stays")]
    Sqlite(#[source] rusqlite::Error),
}

impl StoreError {
    /// Whether what is stored cannot be read, and the store as such works.
    #[must_use]
    pub const fn is_of_content(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Decode { .. })
    }

    /// Whether a place of the file fails, or all of it: that shows in whether anything else can be read.
    #[must_use]
    pub const fn is_of_disk(&self) -> bool {
        matches!(self, Self::Disk { .. })
    }

    /// Whether it may be that of one place of the file: others may be sound.
    #[must_use]
    pub const fn is_of_one_place(&self) -> bool {
        self.is_of_content() || self.is_of_disk()
    }

    /// Names the cause of a failure of SQLite on the file at `path`.
    pub(crate) fn of(error: rusqlite::Error, path: &Path) -> Self {
        let path = path.to_owned();
        let Some(code) = error.sqlite_error_code() else {
            return if of_row(&error) { Self::Decode { what: "row" } } else { Self::Sqlite(error) };
        };
        let detail = error.to_string();
        match code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt { path, detail },
            ErrorCode::ReadOnly => Self::ReadOnly { path, detail },
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
                Self::Unwritable { folder, detail }
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked { path },
            ErrorCode::DiskFull => Self::Full { path },
            ErrorCode::SystemIoFailure => Self::Disk { path, detail },
            ErrorCode::OperationInterrupted => Self::Abandoned,
            _ => Self::Sqlite(error),
        }
    }
}

/// Whether a value of a row is not what it was written as.
pub(crate) const fn of_row(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

/// Whether trying the same write again may succeed.
pub(crate) fn passing(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// Whether the failure is that of a single record, so that the others may still be written.
pub(crate) fn particular(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        None | Some(
            ErrorCode::ConstraintViolation
                | ErrorCode::ParameterOutOfRange
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch
        )
    ) || of_place(error)
}

/// Whether a place of the file cannot be read or written; others may be.
pub(crate) fn of_place(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure)
    )
}
