//! Identities: every id is its own type, so that a flow can never be looked up by a session.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::Micros;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; version 7, so ids sort by the time they were made.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "two defaults would differ")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The 16 bytes, most significant first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// When it was made, to the millisecond, as version 7 has it in its first bytes.
            #[must_use]
            pub fn made_at(&self) -> Micros {
                let ms = self.as_bytes()[..6].iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte));
                Micros(ms * 1_000)
            }

            /// Rebuilds the id from [`Self::as_bytes`].
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

uuid_id! {
    /// One exchange: a request and all of its answer.
    FlowId
}
uuid_id! {
    /// One client connection; the flows that travelled on it share it.
    ConnectionId
}

/// The text is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 32 hexadecimal digits, as in 0190f0c4-7e2a-7000-8000-000000000000")]
pub struct InvalidId;

/// The longest session id that is accepted, in bytes.
pub const SESSION_ID_MAX: usize = 256;

/// A session id as an agent stated it: at most [`SESSION_ID_MAX`] bytes, no control characters.
///
/// Used for correlation only, never for authorisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// Accepts `text`, or nothing when it is empty, too long or holds control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= SESSION_ID_MAX;
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Grows by one with each committed change; a larger revision is newer, across all flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = FlowId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("flow".parse::<FlowId>(), Err(InvalidId));
    }

    #[test]
    fn a_session_id_with_control_characters_is_refused() {
        assert_eq!(SessionId::parse("a\nb"), None);
        assert_eq!(SessionId::parse(&"x".repeat(257)), None);
        assert_eq!(SessionId::parse("  "), None);
        assert_eq!(SessionId::parse(" abc ").map(|s| s.to_string()), Some("abc".into()));
    }
}
