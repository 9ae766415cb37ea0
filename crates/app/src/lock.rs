//! One server per home: a file that the running one keeps locked, released by the system at its end.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::error::{AppError, Result};
use crate::home::Home;

/// How often a start tries, and how long it waits in between.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(5);

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
    /// Tries to take the home; again for a tenth of a second while somebody only looks at the lock
    /// ([`Self::is_held`]), and not at all while a server holds it, whose end is not waited for.
    ///
    /// # Errors
    /// The lock file cannot be opened or locked at all.
    pub(crate) fn take(home: &Home) -> Result<Self> {
        Self::take_after(home, LOOKS, || std::thread::sleep(LOOK))
    }

    fn take_after(home: &Home, tries: u32, mut pause: impl FnMut()) -> Result<Self> {
        let path = home.lock();
        let unusable = |error: &std::io::Error| {
            AppError::failed(format!("the lock {} cannot be taken", path.display()))
                .because(error)
                .next("use a home on a local file system: `langley --home DIR`")
        };
        let file = open(&path).map_err(|error| unusable(&error))?;
        for _ in 0..tries {
            match file.try_lock() {
                Ok(()) => return Ok(Self::Ours(Lock { _file: file })),
                Err(TryLockError::WouldBlock) if is_only_looked_at(&file) => pause(),
                Err(TryLockError::WouldBlock) => return Ok(Self::Theirs),
                Err(TryLockError::Error(error)) => return Err(unusable(&error)),
            }
        }
        Ok(Self::Theirs)
    }

    /// Whether a server holds the home; never creates anything. Those who look share the lock for
    /// that moment, so that none of them takes another for a server.
    pub(crate) fn is_held(home: &Home) -> bool {
        let Ok(file) = fs::OpenOptions::new().read(true).write(true).open(home.lock()) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// Whether what keeps the lock from being taken is no server; those who look share it with us.
fn is_only_looked_at(file: &File) -> bool {
    file.try_lock_shared().is_ok() && file.unlock().is_ok()
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

    #[test]
    fn a_look_neither_keeps_a_server_from_starting_nor_passes_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let look = open(&home.lock()).unwrap();
        look.try_lock_shared().unwrap();
        assert!(!Claim::is_held(&home));
        let mut look = Some(look);
        let taken = Claim::take_after(&home, 2, || drop(look.take())).unwrap();
        assert!(matches!(taken, Claim::Ours(_)));
        let waits = || panic!("a server's end is not waited for");
        assert!(matches!(Claim::take_after(&home, 2, waits).unwrap(), Claim::Theirs));
    }
}
