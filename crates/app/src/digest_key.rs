//! The key of the home's digests, in a 0600 file beside the token: not in the database, where whoever has a copy of that
//! would have it too, and could try words until they give the digests.

use std::fs;
use std::io;

use langley_engine::InferenceKey;
use langley_store::{Checkpointed, Store};

use crate::error::{AppError, Result};
use crate::home::{Home, write_private};

/// The home's key, which is made when it has none. One that an earlier version kept in the database is the right one for
/// what is there, and moves into the file.
///
/// # Errors
/// No randomness, the file cannot be read or written or has no key, or a failure of the store.
pub(crate) fn open_or_create(home: &Home, store: &Store) -> Result<InferenceKey> {
    let failed = || AppError::failed("the key of the home's digests cannot be kept");
    if let Some(key) = InferenceKey::earlier(store).map_err(|error| failed().said_by(&error))? {
        write(home, &key)?;
        // It must outlive a loss of power before the other one goes.
        let kept = fs::File::open(home.digest_key()).and_then(|file| file.sync_all());
        let kept = kept.and_then(|()| fs::File::open(home.root())?.sync_all());
        kept.map_err(|error| failed().because(&error))?;
        InferenceKey::forget_earlier(store).map_err(|error| failed().said_by(&error))?;
        // What was overwritten in the database stands in its log until that is folded back.
        match store.checkpoint().map_err(|error| failed().said_by(&error))? {
            Checkpointed { busy: false, .. } => {}
            _ => tracing::warn!(
                "the key of the home's digests was moved out of the database, whose log is being read and may have it until it is folded back"
            ),
        }
        return Ok(key);
    }
    if let Some(key) = read(home)? {
        return Ok(key);
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| failed().because(&error))?;
    let key = InferenceKey::new(random);
    write(home, &key)?;
    Ok(key)
}

/// Reads the key; none when there is none yet.
fn read(home: &Home) -> Result<Option<InferenceKey>> {
    let unusable = || {
        let path = home.digest_key();
        AppError::failed(format!("the key of the home's digests {} cannot be read", path.display()))
    };
    match fs::read_to_string(home.digest_key()) {
        Ok(text) => match InferenceKey::parse(&text) {
            Some(key) => Ok(Some(key)),
            None => Err(unusable()
                .why("there is something else in it")
                .next("put it back, or remove it: another is made, and transcripts that are read anew count as new")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable().because(&error).next("make it readable for you")),
    }
}

fn write(home: &Home, key: &InferenceKey) -> Result<()> {
    let path = home.digest_key();
    write_private(&path, format!("{}\n", key.reveal()).as_bytes()).map_err(|error| {
        AppError::failed(format!(
            "the key of the home's digests {} cannot be written",
            path.display()
        ))
        .because(&error)
        .next("make the home writable for you")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use langley_model::{Redactor, RedactorOptions};
    use langley_store::StoreOptions;

    use super::*;

    fn home() -> (tempfile::TempDir, Home, Store) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let store = Store::open(StoreOptions::new(home.database()), Box::new(|_| ())).unwrap();
        (folder, home, store)
    }

    #[test]
    fn a_home_has_one_key_that_only_its_owner_may_read_and_that_is_not_in_its_database() {
        let (_folder, home, store) = home();
        let key = open_or_create(&home, &store).unwrap();
        assert_eq!(open_or_create(&home, &store).unwrap().reveal(), key.reveal());
        let mode = fs::metadata(home.digest_key()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(store.settings().unwrap(), []);
        let (_other, other, its) = self::home();
        assert_ne!(open_or_create(&other, &its).unwrap().reveal(), key.reveal());
    }

    #[test]
    fn the_key_of_an_earlier_database_moves_into_the_file() {
        let (_folder, home, store) = home();
        let words = [201; 32].map(|byte: u8| byte.to_string()).join(" ");
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        store.put_setting("inference_key", redactor.seal(words)).unwrap();
        for _ in 0..2 {
            let key = open_or_create(&home, &store).unwrap();
            assert_eq!(key.reveal(), InferenceKey::new([201; 32]).reveal());
        }
        assert_eq!(store.settings().unwrap(), []);
        for name in ["langley.db", "langley.db-wal"] {
            let bytes = fs::read(home.database().with_file_name(name)).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"201 201"), "{name}");
        }
    }

    #[test]
    fn a_file_without_a_key_is_left_alone_and_the_way_out_is_told() {
        let (_folder, home, store) = home();
        fs::write(home.digest_key(), "x").unwrap();
        let error = open_or_create(&home, &store).unwrap_err();
        assert!(error.reason().is_some() && error.hints()[0].contains("remove it"));
        assert_eq!(fs::read(home.digest_key()).unwrap(), b"x");
    }
}
