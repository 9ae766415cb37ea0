//! A TLS ClientHello read from the first bytes of a connection, before any TLS library takes them,
//! because the decision whether to intercept hangs on it.
//!
//! Formats: RFC 8446 § 4.1.2, 4.2 and 5.1, RFC 6066 § 3, RFC 7301 § 3.1.

mod ja4;
mod message;

pub use message::{
    Extension, HelloMessage, KeyShare, certificate_compression_body, key_share_body,
};

/// The largest hello that is waited for, in bytes of handshake.
const MAX_HELLO: usize = 64 * 1024;

/// The largest record payload that is accepted (RFC 8446 § 5.1: 2¹⁴ in plaintext).
const MAX_RECORD: usize = 1 << 14;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// Whether `value` is GREASE (RFC 8701): both bytes alike, each ending in `a`.
#[must_use]
pub const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peek {
    /// Too few bytes to say; ask again with more (from the first byte on).
    NeedMore,
    /// They are not TLS.
    NotTls,
    /// A whole ClientHello.
    Hello(ClientHello),
    /// They begin like TLS, but are no ClientHello; the reason.
    Malformed(&'static str),
}

/// What a ClientHello says. Lists are in wire order, GREASE values (RFC 8701) included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_version`.
    pub legacy_version: u16,
    /// The host name asked for, as sent (not lower-cased); none without one, or when it is not
    /// ASCII.
    pub sni: Option<String>,
    /// Protocols offered by ALPN.
    pub alpn: Vec<Vec<u8>>,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Types of the extensions.
    pub extensions: Vec<u16>,
    /// Named groups.
    pub groups: Vec<u16>,
    /// Signature algorithms.
    pub signature_algorithms: Vec<u16>,
    /// `supported_versions`; empty without that extension.
    pub versions: Vec<u16>,
}

impl ClientHello {
    /// The JA4 fingerprint of a hello that came over TCP.
    #[must_use]
    pub fn ja4(&self) -> String {
        ja4::fingerprint(self)
    }
}

/// Looks at the first bytes of a connection, all that have come so far. The hello may be split
/// over several records.
#[must_use]
pub fn peek(bytes: &[u8]) -> Peek {
    // The first handshake bytes that matter: type 22, major version 3.
    match bytes {
        [] | [22] => return Peek::NeedMore,
        [22, 3, ..] => {}
        _ => return Peek::NotTls,
    }
    match handshake(bytes) {
        Ok(message) => match ClientHello::parse(&message) {
            Some(hello) => Peek::Hello(hello),
            None => Peek::Malformed("the ClientHello's lengths do not add up"),
        },
        Err(NoHello::Yet) => Peek::NeedMore,
        Err(NoHello::Because(why)) => Peek::Malformed(why),
    }
}

/// Why there is no whole handshake message.
enum NoHello {
    /// More bytes may bring it.
    Yet,
    /// No bytes can.
    Because(&'static str),
}

/// Joins the records' payloads until the first handshake message is whole; its body.
fn handshake(mut bytes: &[u8]) -> Result<Vec<u8>, NoHello> {
    let mut message = Vec::new();
    loop {
        match bytes {
            [22, 3, _, high, low, rest @ ..] => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                if len == 0 {
                    return Err(NoHello::Because("an empty handshake record"));
                }
                if len > MAX_RECORD {
                    return Err(NoHello::Because("a record longer than TLS allows"));
                }
                let here = len.min(rest.len());
                message.extend_from_slice(&rest[..here]);
                bytes = &rest[here..];
            }
            [] | [22] | [22, 3] | [22, 3, _] | [22, 3, _, _] => return Err(NoHello::Yet),
            _ => return Err(NoHello::Because("another record inside the ClientHello")),
        }
        match message.as_slice() {
            [1, a, b, c, body @ ..] => {
                let len =
                    usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap_or(usize::MAX);
                if len > MAX_HELLO {
                    return Err(NoHello::Because("a ClientHello of more than 64 KiB"));
                }
                if body.len() >= len {
                    message.drain(..4);
                    message.truncate(len);
                    return Ok(message);
                }
            }
            [] | [1, ..] => {}
            _ => {
                return Err(NoHello::Because("a handshake that does not begin with a ClientHello"));
            }
        }
    }
}

/// Takes values off the front of a slice, as TLS writes them.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A vector whose length stands before it in one byte.
    fn vec8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// A vector whose length stands before it in two bytes.
    fn vec16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }
}

impl ClientHello {
    /// Parses the body of the handshake message.
    fn parse(message: &[u8]) -> Option<Self> {
        let mut reader = Reader(message);
        let mut hello = Self { legacy_version: reader.u16()?, ..Self::default() };
        reader.take(32)?; // random
        reader.vec8()?; // session id
        hello.ciphers = values(reader.vec16()?)?;
        reader.vec8()?; // compression methods
        if reader.0.is_empty() {
            return Some(hello);
        }
        let mut extensions = Reader(reader.vec16()?);
        if !reader.0.is_empty() {
            return None;
        }
        while !extensions.0.is_empty() {
            let kind = extensions.u16()?;
            let mut body = Reader(extensions.vec16()?);
            hello.extensions.push(kind);
            match kind {
                SERVER_NAME => hello.sni = server_name(body.vec16()?)?,
                SUPPORTED_GROUPS => hello.groups = values(body.vec16()?)?,
                SIGNATURE_ALGORITHMS => hello.signature_algorithms = values(body.vec16()?)?,
                ALPN => hello.alpn = protocols(body.vec16()?)?,
                SUPPORTED_VERSIONS => hello.versions = values(body.vec8()?)?,
                _ => {}
            }
        }
        Some(hello)
    }
}

fn values(bytes: &[u8]) -> Option<Vec<u16>> {
    let (pairs, rest) = bytes.as_chunks();
    rest.is_empty().then(|| pairs.iter().copied().map(u16::from_be_bytes).collect())
}

/// The first name of type `host_name`.
fn server_name(list: &[u8]) -> Option<Option<String>> {
    let mut names = Reader(list);
    while !names.0.is_empty() {
        let kind = names.u8()?;
        let name = names.vec16()?;
        if kind == 0 {
            let name = std::str::from_utf8(name).ok().filter(|name| name.is_ascii());
            return Some(name.map(str::to_owned));
        }
    }
    Some(None)
}

fn protocols(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Reader(list);
    let mut protocols = Vec::new();
    while !list.0.is_empty() {
        protocols.push(list.vec8()?.to_vec());
    }
    Some(protocols)
}
