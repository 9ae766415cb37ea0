//! One server per home: a file that the running one keeps locked, released by the system at its end.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::error::{AppError, Result};
use crate::home::Home;

/// The held lock; dropped, it is free.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Who has the home.
#[derive(Debug)]
pub(crate) enum Claim {
    /// This process, as long as the lock lives.
    Ours(Lock),
    /// Another process.
    Theirs,
}

impl Claim {
    /// Tries to take the home.
    ///
    /// # Errors
    /// The lock file cannot be opened or locked at all.
    pub(crate) fn take(home: &Home) -> Result<Self> {
        let path = home.lock();
        let unusable = |error: &std::io::Error| {
            AppError::failed(format!("the lock {} cannot be taken", path.display()))
                .because(error)
                .next("use a home on a local file system: `langley --home DIR`")
        };
        let file = open(&path).map_err(|error| unusable(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self::Ours(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(Self::Theirs),
            Err(TryLockError::Error(error)) => Err(unusable(&error)),
        }
    }

    /// Whether a server holds the home; never creates anything.
    pub(crate) fn is_held(home: &Home) -> bool {
        let Ok(file) = fs::OpenOptions::new().read(true).write(true).open(home.lock()) else {
            return false;
        };
        matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    }
}

/// Opens (and makes) a file that is only there to be locked.
pub(crate) fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_one_server_until_that_one_ends() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        assert!(!Claim::is_held(&home));
        let first = Claim::take(&home).unwrap();
        assert!(matches!(first, Claim::Ours(_)));
        assert!(Claim::is_held(&home));
        assert!(matches!(Claim::take(&home).unwrap(), Claim::Theirs));
        drop(first);
        assert!(matches!(Claim::take(&home).unwrap(), Claim::Ours(_)));
    }
}
