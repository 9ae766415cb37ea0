//! Who is using the server: each `langley run` holds a locked file for as long as it lives.
//!
//! A lock and not a process id, because the system releases it whatever way the client ends, and a
//! reused id cannot keep a server alive.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use crate::home::{Home, private_folder};
use crate::lock;

/// This process's registration; dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Registration {
    path: PathBuf,
    _file: File,
}

impl Registration {
    /// Registers this process.
    ///
    /// # Errors
    /// The home cannot be written.
    pub(crate) fn new(home: &Home) -> io::Result<Self> {
        private_folder(&home.clients())?;
        loop {
            let path = home.clients().join(std::process::id().to_string());
            let file = lock::open(&path)?;
            file.lock()?;
            // A server that swept the folder between the two steps removed the name we hold.
            if path.exists() {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// How many clients live; files that nobody holds are swept.
pub(crate) fn alive(home: &Home) -> usize {
    let Ok(entries) = fs::read_dir(home.clients()) else { return 0 };
    entries
        .flatten()
        .filter(|entry| {
            let Ok(file) = lock::open(&entry.path()) else { return false };
            let free = file.try_lock().is_ok();
            if free {
                let _ = fs::remove_file(entry.path());
            }
            !free
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_counts_while_it_lives_and_a_dead_ones_file_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        assert_eq!(alive(&home), 0);
        let client = Registration::new(&home).unwrap();
        fs::write(home.clients().join("12345"), b"").unwrap();
        assert_eq!(alive(&home), 1);
        assert!(!home.clients().join("12345").exists());
        drop(client);
        assert_eq!(alive(&home), 0);
    }
}
