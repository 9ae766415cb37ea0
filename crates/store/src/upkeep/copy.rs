//! A copy of the database, of one moment, made while recording goes on.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use langley_model::FlowId;

use crate::connect;
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Writes a copy to `target`, which must not exist; it grows in `part` ([`Self::backup_part`]) and
    /// appears there when it is whole.
    ///
    /// # Errors
    /// The file exists, cannot be made, or the database cannot be read. Nothing is left behind then.
    pub fn backup(&self, target: &Path, part: &Path) -> Result<(), StoreError> {
        let unwritable = |detail: String| StoreError::NoCopy { path: target.to_owned(), detail };
        if target.is_dir() {
            return Err(unwritable(String::from("it is a folder")));
        }
        if target.exists() {
            return Err(StoreError::Taken { path: target.to_owned() });
        }
        // SQLite takes names as text.
        let Some(name) = part.to_str() else {
            return Err(StoreError::NotText { path: target.to_owned() });
        };
        let failed = |error: std::io::Error| unwritable(error.to_string());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        connect::private(&mut options);
        options.open(part).map_err(failed)?;
        let copied = self.copy_into(name);
        let placed = copied.and_then(|()| match std::fs::hard_link(part, target) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(StoreError::Taken { path: target.to_owned() })
            }
            // Some file systems know no second name; there a rename has to do.
            Err(_) => std::fs::rename(part, target).map_err(failed),
            Ok(()) => Ok(()),
        });
        let _ = std::fs::remove_file(part);
        placed
    }

    /// Where a copy may grow until it is whole: a name of its own for each, so that two copies to one
    /// target do not share a file.
    #[must_use]
    pub fn backup_part(target: &Path) -> PathBuf {
        connect::beside(target, &format!(".{}.part", FlowId::new()))
    }

    fn copy_into(&self, part: &str) -> Result<(), StoreError> {
        let conn = self.readers().readers.fresh()?;
        let fail = |error| StoreError::of(error, self.path());
        // It forbids the copy as well, which changes nothing here.
        conn.pragma_update(None, "query_only", false).map_err(fail)?;
        conn.execute("VACUUM INTO ?1", [part]).map_err(|error| match fail(error) {
            // What is read is not written: it is the copy that has no room.
            StoreError::Full { .. } => {
                StoreError::NoCopy { path: part.into(), detail: String::from("its disk is full") }
            }
            other => other,
        })?;
        Ok(())
    }
}
