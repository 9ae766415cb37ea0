//! The home folder: made with mode 0700 on first use, and the paths inside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::GlobalArgs;
use crate::config::{self, Environment};
use crate::error::{AppError, Result};

/// The folder that holds everything Langley keeps.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// Names the folder; nothing is touched.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder that flags, environment and file name, for a command that needs no more of them: what
    /// is wrong with the rest of the configuration is a warning.
    ///
    /// # Errors
    /// There is no folder for Langley's data.
    pub(crate) fn named(args: &GlobalArgs) -> Result<Self> {
        let loaded = config::load_leniently(args, &Environment::of_process())?.told();
        Ok(Self::at(&loaded.config.home))
    }

    /// As [`Self::named`], for a command that changes something there.
    ///
    /// # Errors
    /// There is no folder for Langley's data, or what is wrong may have named another.
    pub(crate) fn meant(args: &GlobalArgs) -> Result<Self> {
        let loaded = config::load_leniently(args, &Environment::of_process())?;
        Ok(Self::at(&loaded.sure_of_home()?.told().config.home))
    }

    /// Makes the folder when it is not there, and checks that it can be written.
    ///
    /// # Errors
    /// It cannot be made, is no folder, or cannot be written.
    pub(crate) fn create(root: &Path) -> Result<Self> {
        let home = Self::at(root);
        private_folder(root).map_err(|error| home.unusable(&error))?;
        let probe = root.join(format!(".probe-{}", std::process::id()));
        write_private(&probe, b"").map_err(|error| home.unusable(&error))?;
        // A probe left behind is harmless: it is empty and its name is taken over by the next.
        let _ = fs::remove_file(&probe);
        Ok(home)
    }

    /// What [`Self::create`] would say where nothing can be made in the folder, or in the nearest above it
    /// that is there. What is made to find out is removed again.
    pub(crate) fn unmakeable(&self) -> Option<AppError> {
        // Which a folder is not to be made of.
        if self.root.exists() && !self.root.is_dir() {
            return None;
        }
        let make = |nearest: &Path| {
            let probe = nearest.join(format!(".langley-check-{}", std::process::id()));
            fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe))
        };
        nearest(&self.root).and_then(make).err().map(|error| self.unusable(&error))
    }

    /// That it cannot be used, and why.
    pub(crate) fn unusable(&self, error: &io::Error) -> AppError {
        AppError::failed(format!("the home folder {} cannot be used", self.root.display()))
            .because(error)
            .next("make it writable for you, or name another: `langley --home DIR` or LANGLEY_HOME")
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("langley.db")
    }

    /// Unredacted bodies, where they are asked for.
    pub(crate) fn raw_bodies(&self) -> PathBuf {
        self.root.join("langley-raw.db")
    }

    /// What agents' transcripts told when they were read last.
    pub(crate) fn transcripts_cache(&self) -> PathBuf {
        self.root.join("transcripts.cache")
    }

    /// Whether there are such bodies, of this run or of an earlier one.
    pub(crate) fn holds_raw_bodies(&self) -> bool {
        langley_store::holds_raw_bodies(&self.raw_bodies())
    }

    /// Folder of the certificate authority.
    pub(crate) fn ca(&self) -> PathBuf {
        self.root.join("ca")
    }

    /// The authority's certificate.
    pub(crate) fn ca_certificate(&self) -> PathBuf {
        self.ca().join("ca.pem")
    }

    /// The system's roots and ours, for programs whose variable replaces the store.
    pub(crate) fn ca_bundle(&self) -> PathBuf {
        self.ca().join("bundle.pem")
    }

    /// The token.
    pub(crate) fn token(&self) -> PathBuf {
        self.root.join("token")
    }

    /// The key of digests.
    pub(crate) fn digest_key(&self) -> PathBuf {
        self.root.join("digest.key")
    }

    /// Where the running server tells its addresses.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state.json")
    }

    /// Locked by the running server.
    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// One locked file per `langley run`.
    pub(crate) fn clients(&self) -> PathBuf {
        self.root.join("clients")
    }

    /// Folder of logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What the detached server says.
    pub(crate) fn server_log(&self) -> PathBuf {
        self.logs().join("server.log")
    }
}

/// The folder at `path`, or the nearest above it that is there.
fn nearest(path: &Path) -> io::Result<&Path> {
    let found = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    if found.is_dir() {
        return Ok(found);
    }
    Err(io::Error::other(format!("{} is a file, not a folder", found.display())))
}

/// Makes a folder that only its owner may enter; one that is there keeps its mode.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    if path.exists() {
        return Err(io::Error::other("it is a file, not a folder"));
    }
    if let Some(above) = path.parent() {
        nearest(above)?;
        fs::create_dir_all(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    write_private_parts(path, &[content])
}

/// The same of a content in parts.
pub(crate) fn write_private_parts(path: &Path, content: &[impl AsRef<[u8]>]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    let written = content
        .iter()
        .try_for_each(|part| file.write_all(part.as_ref()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_home_is_private_and_a_second_look_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a/b");
        Home::create(&root).unwrap();
        Home::create(&root).unwrap();
        assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    }

    #[test]
    fn a_home_that_is_a_file_is_refused_with_a_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Home::create(file.path()).unwrap_err();
        assert!(error.what().ends_with("cannot be used"));
        assert!(error.reason().is_some() && error.hints()[0].contains("--home"));
    }
}
