//! Named profiles: hellos of real clients, captured on loopback, for hosts whose agent is not the one to
//! copy and for reverse mode, where there is none.

use std::fmt;

use langley_protocol::client_hello::HelloMessage;

/// A named profile.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fingerprint {
    /// Chromium 156 on Linux.
    Chrome,
    /// Electron: its network stack is Chromium's, and so is the capture.
    Electron,
    /// Bun, as inside the native Claude Code 2.1.329.
    Bun,
    /// Node.js 20, `https` with ALPN.
    Node,
}

impl Fingerprint {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chrome, Self::Electron, Self::Bun, Self::Node];

    /// The word for it in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chrome => "chrome",
            Self::Electron => "electron",
            Self::Bun => "bun",
            Self::Node => "node",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fingerprint| fingerprint.as_str() == word)
    }

    /// The captured hello.
    pub(super) fn hello(self) -> Option<HelloMessage> {
        let text = match self {
            Self::Chrome | Self::Electron => include_str!("../../hellos/chromium-156.hex"),
            Self::Bun => include_str!("../../hellos/claude-code-2.1.329.hex"),
            Self::Node => include_str!("../../hellos/node-20.hex"),
        };
        HelloMessage::parse(&bytes(text)?)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The bytes that hexadecimal `text` stands for; white space counts nowhere.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| u8::try_from(character.to_digit(16)?).ok())
        .collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_a_hello_with_name_and_protocols() {
        for fingerprint in Fingerprint::ALL {
            assert_eq!(Fingerprint::parse(fingerprint.as_str()), Some(fingerprint));
            let hello = fingerprint.hello().unwrap();
            assert!(hello.extension(0).is_some() && !hello.alpn().is_empty(), "{fingerprint}");
        }
        assert_eq!(Fingerprint::parse("netscape"), None);
        assert_eq!((bytes("0g"), bytes("000"), bytes("0a\nF0")), (None, None, Some(vec![10, 240])));
    }
}
