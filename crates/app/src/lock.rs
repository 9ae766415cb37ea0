//! One server per home: a file that the running one keeps locked, released by the system at its end.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::error::{AppError, Result};
use crate::home::Home;
use crate::state::State;

/// How often a start tries, and how long it waits in between.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(5);

/// Bytes of what the holder says of itself: always as many, so that a reader never sees a part.
const WORDS: usize = 32;

/// The held lock; dropped, it is free.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Tells those who look that this process is the server, and whether it brings an earlier record up to
    /// date at the moment.
    pub(crate) fn tell(&self, doing: Doing) {
        let words = format!("{} {}", std::process::id(), doing.word());
        if let Err(error) = self.file.write_all_at(format!("{words:<WORDS$}").as_bytes(), 0) {
            tracing::debug!(%error, "nothing could be written into the lock");
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _nobody_looks_any_more = self.file.set_len(0);
    }
}

/// What the server that holds a home does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It starts, serves or ends.
    Serves,
    /// It brings a record of an earlier version up to date.
    Upgrades,
}

impl Doing {
    const fn word(self) -> &'static str {
        match self {
            Self::Serves => "serves",
            Self::Upgrades => "upgrades",
        }
    }
}

/// The server that holds a home, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its process id.
    pub(crate) pid: u32,
    /// What it does.
    pub(crate) doing: Doing,
}

impl Holder {
    /// Who holds `home`; none when nobody does, or it does not say: a command, or an earlier version.
    pub(crate) fn of(home: &Home) -> Option<Self> {
        let words = Claim::is_held(home).then(|| fs::read_to_string(home.lock()).ok())??;
        let (pid, doing) = words.trim_end().split_once(' ')?;
        let doing =
            [Doing::Serves, Doing::Upgrades].into_iter().find(|known| known.word() == doing);
        Some(Self { pid: pid.parse().ok()?, doing: doing? })
    }
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
                .next(match error.kind() {
                    std::io::ErrorKind::ReadOnlyFilesystem
                    | std::io::ErrorKind::PermissionDenied => {
                        "make the home writable for you: this writes into it"
                    }
                    _ => "use a home on a local file system: `langley --home DIR`",
                })
        };
        let file = open(&path).map_err(|error| unusable(&error))?;
        for _ in 0..tries {
            match file.try_lock() {
                Ok(()) => {
                    // What an earlier holder told is over, also where it was killed.
                    State::remove(home);
                    file.set_len(0).map_err(|error| unusable(&error))?;
                    return Ok(Self::Ours(Lock { file }));
                }
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
    fn a_holder_says_who_it_is_and_nothing_of_an_earlier_one_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        // A killed one leaves both files as they were.
        fs::write(home.lock(), "4242 upgrades").unwrap();
        fs::write(home.state(), "{}").unwrap();
        assert_eq!(Holder::of(&home), None);
        let Claim::Ours(lock) = Claim::take(&home).unwrap() else { panic!("it is free") };
        assert!(!home.state().exists());
        assert_eq!(Holder::of(&home), None, "it is no server yet");
        for doing in [Doing::Upgrades, Doing::Serves] {
            lock.tell(doing);
            assert_eq!(Holder::of(&home), Some(Holder { pid: std::process::id(), doing }));
        }
        drop(lock);
        assert_eq!((Holder::of(&home), fs::read(home.lock()).unwrap()), (None, Vec::new()));
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
