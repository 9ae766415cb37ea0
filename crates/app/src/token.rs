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

/// The token that counts while a server runs: another one may be put into the file, by
/// `langley token rotate` or a person.
#[derive(Debug)]
pub(crate) struct Watch {
    home: Home,
    seen: Mutex<Seen>,
}

/// What was in the file, and which file that was.
#[derive(Debug)]
struct Seen {
    stamp: Option<Stamp>,
    token: Token,
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
    /// From now on; a home without a token is given one.
    ///
    /// # Errors
    /// As [`Token::open_or_create`].
    pub(crate) fn open(home: &Home) -> Result<Self> {
        // Looked at before it is read, so that one that comes in between is read at the next look.
        let stamp = Stamp::of(home);
        let token = Token::open_or_create(home)?;
        Ok(Self { home: home.clone(), seen: Mutex::new(Seen { stamp, token }) })
    }

    /// The token in the file at this moment; one that cannot be read changes nothing.
    pub(crate) fn current(&self) -> Token {
        // Held over look and reading, so that whoever looked last also says what counts.
        let mut seen = self.seen.lock();
        let found = Stamp::of(&self.home);
        if found.is_some()
            && found != seen.stamp
            && let Ok(Some(token)) = Token::read(&self.home)
        {
            *seen = Seen { stamp: found, token };
        }
        seen.token.clone()
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
    fn a_token_that_was_put_there_counts_and_a_damaged_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let watch = Watch::open(&home).unwrap();
        let first = Token::read(&home).unwrap().unwrap();
        assert_eq!((watch.current(), watch.current()), (first.clone(), first));
        let second = Token::rotate(&home).unwrap();
        assert_eq!((watch.current(), watch.current()), (second.clone(), second.clone()));
        fs::write(home.token(), "short").unwrap();
        assert_eq!(watch.current(), second);
        fs::remove_file(home.token()).unwrap();
        assert_eq!(watch.current(), second);
        let third = Token::rotate(&home).unwrap();
        assert_eq!(watch.current(), third);
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
