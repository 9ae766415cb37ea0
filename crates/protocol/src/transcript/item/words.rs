//! A text of a line, which most readers hand on as they found it.

use std::borrow::Cow;

use crate::json::unescape;

/// A text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words<'a> {
    /// As it stands between the quotes of a JSON string, in the escapes in which serde_json writes it, too.
    Escaped(&'a str),
    /// As it is.
    Plain(Cow<'a, str>),
}

impl<'a> Words<'a> {
    /// Of what stands between the quotes of a JSON string that is sound.
    pub(super) fn of(escaped: &'a str) -> Self {
        let bytes = escaped.as_bytes();
        let mut after = 0;
        for at in memchr::memchr_iter(b'\\', bytes) {
            // What the one before escapes.
            if at < after {
                continue;
            }
            // There are other ways to write these, and half a character may stand there.
            if matches!(bytes.get(at + 1), Some(b'u' | b'/')) {
                return Self::Plain(unescape(escaped).unwrap_or_default());
            }
            after = at + 2;
        }
        Self::Escaped(escaped)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Escaped(text) => text.is_empty(),
            Self::Plain(text) => text.is_empty(),
        }
    }

    /// As they are.
    #[must_use]
    pub fn plain(self) -> Cow<'a, str> {
        match self {
            Self::Escaped(text) => unescape(text).unwrap_or_default(),
            Self::Plain(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::inner;

    proptest! {
        #[test]
        fn a_text_keeps_its_escapes_only_where_they_are_written_so_again(
            text in proptest::collection::vec(
                prop_oneof![Just(r"\n"), Just(r#"\""#), Just(r"\\"), Just(r"\/"), Just(r"\u0041"), Just(r"\ud83d"), Just("é"), Just("u/")],
                0..8,
            ).prop_map(|bits| bits.concat()),
        ) {
            let words = Words::of(&text);
            let plain = unescape(&text).expect("sound");
            if let Words::Escaped(same) = words {
                let written = serde_json::to_string(&*plain).expect("a text");
                prop_assert_eq!(inner(&written), Some(same));
            }
            prop_assert_eq!(words.plain(), plain);
        }
    }
}
