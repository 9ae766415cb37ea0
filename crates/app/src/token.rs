//! The token: 32 random bytes in a 0600 file; it guards the API, and the proxy beyond loopback.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::error::{AppError, Result};
use crate::home::{Home, write_private};

/// The secret. Shown only when asked for; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Reads the token, making it on first use.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds no token.
    pub(crate) fn open_or_create(home: &Home) -> Result<Self> {
        match Self::read(home)? {
            Some(token) => Ok(token),
            None => Self::rotate(home),
        }
    }

    /// Reads the token; none when there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token.
    pub(crate) fn read(home: &Home) -> Result<Option<Self>> {
        match fs::read_to_string(home.token()) {
            Ok(text) => {
                let text = text.trim();
                let plausible = text.len() >= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
                if plausible { Ok(Some(Self(text.to_owned()))) } else { Err(damaged(home)) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AppError::failed(format!(
                "the token {} cannot be read",
                home.token().display()
            ))
            .because(&error)
            .next("make it readable for you, or make a new one: `langley token rotate`")),
        }
    }

    /// Makes a new token and stores it.
    ///
    /// # Errors
    /// No randomness, or the home cannot be written.
    pub(crate) fn rotate(home: &Home) -> Result<Self> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            AppError::failed("no token could be made").why(format!("no randomness: {error}"))
        })?;
        let token = Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        write_private(&home.token(), format!("{}\n", token.0).as_bytes()).map_err(|error| {
            AppError::failed(format!("the token {} cannot be written", home.token().display()))
                .because(&error)
                .next("make the home writable for you")
        })?;
        Ok(token)
    }

    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Looks whether another token was put into the file: `langley token rotate`, or a person.
#[derive(Debug)]
pub(crate) struct Watch {
    home: Home,
    seen: Mutex<Option<Stamp>>,
}

/// What tells one file from the one that took its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    fn of(home: &Home) -> Option<Self> {
        let found = fs::metadata(home.token()).ok()?;
        let changed = found.modified().ok();
        Some(Self { inode: found.ino(), length: found.len(), changed })
    }
}

impl Watch {
    /// From now on. To be made before the token is read, so that none in between is missed.
    pub(crate) fn new(home: &Home) -> Self {
        Self { home: home.clone(), seen: Mutex::new(Stamp::of(home)) }
    }

    /// The token that was put there since this was last asked; one that cannot be read changes nothing.
    pub(crate) fn changed(&self) -> Option<Token> {
        let found = Stamp::of(&self.home)?;
        let mut seen = self.seen.lock();
        if *seen == Some(found) {
            return None;
        }
        let token = Token::read(&self.home).ok().flatten()?;
        *seen = Some(found);
        Some(token)
    }
}

fn damaged(home: &Home) -> AppError {
    AppError::failed(format!("{} holds no token", home.token().display()))
        .why("a token is at least 32 letters and digits")
        .next("make a new one: `langley token rotate`")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_that_was_put_there_is_told_once_and_a_damaged_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let watch = Watch::new(&home);
        let first = Token::open_or_create(&home).unwrap();
        assert_eq!(watch.changed(), Some(first), "made after the watch began");
        assert_eq!(watch.changed(), None);
        let second = Token::rotate(&home).unwrap();
        assert_eq!((watch.changed(), watch.changed()), (Some(second), None));
        fs::write(home.token(), "short").unwrap();
        assert_eq!(watch.changed(), None);
        fs::remove_file(home.token()).unwrap();
        assert_eq!(watch.changed(), None);
        let third = Token::rotate(&home).unwrap();
        assert_eq!(watch.changed(), Some(third));
    }

    #[test]
    fn a_token_is_private_lasting_and_replaceable() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        assert_eq!(Token::read(&home).unwrap(), None);
        let first = Token::open_or_create(&home).unwrap();
        assert_eq!(first.reveal().len(), 64);
        assert_eq!(fs::metadata(home.token()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Token::open_or_create(&home).unwrap(), first);
        assert_ne!(Token::rotate(&home).unwrap(), first);
        assert!(!format!("{first:?}").contains(first.reveal()));
        fs::write(home.token(), "short").unwrap();
        assert!(Token::open_or_create(&home).is_err());
    }
}
