//! Mirroring with the hellos of real clients: rewritten, sent to OpenSSL, damaged.

mod acknowledging;
mod certificates;
mod damage;
mod failing;
mod many;
mod openssl;
mod rewriting;
mod wire;

use langley_protocol::client_hello::{ClientHello, HelloMessage, Peek, peek};

use super::named::bytes;
use super::profile::Profile;

/// Captured hellos by client.
const CAPTURED: [(&str, &str); 8] = [
    ("chromium", include_str!("../../../hellos/chromium-156.hex")),
    ("bun", include_str!("../../../hellos/claude-code-2.1.329.hex")),
    ("curl", include_str!("../../../hellos/curl-7.88.hex")),
    ("node", include_str!("../../../hellos/node-20.hex")),
    ("node without ALPN", include_str!("../../../hellos/node-20-without-alpn.hex")),
    ("httpx", include_str!("../../../hellos/python-3.11-httpx.hex")),
    ("httpx with h2", include_str!("../../../hellos/python-3.11-httpx-h2.hex")),
    ("urllib", include_str!("../../../hellos/python-3.11-urllib.hex")),
];

/// A handshake message in one record.
fn record(message: &[u8]) -> Vec<u8> {
    let len = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[22, 3, 1], len.as_slice(), message].concat()
}

fn facts(message: &[u8]) -> ClientHello {
    match peek(&record(message)) {
        Peek::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

/// A captured client: its hello as a message.
pub(super) struct Captured {
    name: &'static str,
    message: Vec<u8>,
}

impl Captured {
    fn all() -> Vec<Self> {
        CAPTURED.map(|(name, text)| Self { name, message: bytes(text).unwrap() }).into()
    }

    pub(super) fn of(name: &str) -> Self {
        Self::all().into_iter().find(|captured| captured.name == name).unwrap()
    }

    pub(super) fn hello(&self) -> HelloMessage {
        HelloMessage::parse(&self.message).unwrap()
    }

    fn profile(&self) -> Profile {
        Profile::of_agent(&record(&self.message)).unwrap()
    }

    /// Asserts that `sent` says what the client said. The name asked for is another one, so only a
    /// padded hello has the same length.
    #[track_caller]
    fn assert_mirrored(&self, sent: &[u8]) {
        let (ours, theirs) = (facts(sent), facts(&self.message));
        assert_eq!(ours.ja4(), theirs.ja4(), "{}", self.name);
        assert_eq!(ours.ciphers, theirs.ciphers, "{}", self.name);
        assert_eq!(ours.extensions, theirs.extensions, "{}", self.name);
        assert_eq!(ours.groups, theirs.groups, "{}", self.name);
        assert_eq!(ours.signature_algorithms, theirs.signature_algorithms, "{}", self.name);
        assert_eq!(ours.versions, theirs.versions, "{}", self.name);
        assert_eq!(ours.alpn, theirs.alpn, "{}", self.name);
        let (ours, theirs) = (HelloMessage::parse(sent).unwrap(), self.hello());
        let groups = |hello: &HelloMessage| {
            hello
                .key_shares()
                .iter()
                .map(|share| (share.group, share.key.len()))
                .collect::<Vec<_>>()
        };
        assert_eq!(groups(&ours), groups(&theirs), "{}", self.name);
        assert_eq!(ours.session_id.len(), theirs.session_id.len(), "{}", self.name);
        assert_ne!(ours.random, theirs.random, "{}", self.name);
        if theirs.extension(21).is_some() {
            assert_eq!(sent.len(), self.message.len(), "{}", self.name);
        }
    }
}
