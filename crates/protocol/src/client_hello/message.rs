//! A ClientHello taken apart whole, so that it can be put together again.
//!
//! Stricter than [`super::peek`]: what is read here is meant to be sent. Formats: RFC 8446 § 4.1.2,
//! 4.2.8, RFC 8879 § 3.

use super::{ALPN, Reader, SUPPORTED_GROUPS, SUPPORTED_VERSIONS, handshake, protocols, values};

const KEY_SHARE: u16 = 51;
const COMPRESS_CERTIFICATE: u16 = 27;

/// The longest session id (RFC 8446 § 4.1.2).
const SESSION_ID_MAX: usize = 32;

/// A ClientHello with everything that it says, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelloMessage {
    /// `legacy_version`.
    pub legacy_version: u16,
    /// The client's random.
    pub random: [u8; 32],
    /// `legacy_session_id`, at most 32 bytes.
    pub session_id: Vec<u8>,
    /// Cipher suites, GREASE included.
    pub ciphers: Vec<u16>,
    /// Compression methods.
    pub compression: Vec<u8>,
    /// Extensions, each type once.
    pub extensions: Vec<Extension>,
}

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its type.
    pub kind: u16,
    /// Its body, without length.
    pub body: Vec<u8>,
}

/// One offered key share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShare<'a> {
    /// The named group.
    pub group: u16,
    /// The public key.
    pub key: &'a [u8],
}

impl HelloMessage {
    /// Parses one whole handshake message: type, length in three bytes, body.
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let [1, a, b, c, body @ ..] = message else { return None };
        let len = u32::from_be_bytes([0, *a, *b, *c]);
        if usize::try_from(len) != Ok(body.len()) {
            return None;
        }
        Self::parse_body(body)
    }

    /// Parses the hello that a connection's first bytes hold.
    #[must_use]
    pub fn in_records(bytes: &[u8]) -> Option<Self> {
        Self::parse_body(&handshake(bytes).ok()?)
    }

    fn parse_body(body: &[u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let legacy_version = reader.u16()?;
        let random = reader.take(32)?.try_into().ok()?;
        let session_id = reader.vec8()?.to_vec();
        let ciphers = values(reader.vec16()?)?;
        let compression = reader.vec8()?.to_vec();
        let mut extensions: Vec<Extension> = Vec::new();
        if !reader.0.is_empty() {
            let mut list = Reader(reader.vec16()?);
            while !list.0.is_empty() {
                let kind = list.u16()?;
                let body = list.vec16()?.to_vec();
                if extensions.iter().any(|extension| extension.kind == kind) {
                    return None;
                }
                extensions.push(Extension { kind, body });
            }
        }
        let whole = reader.0.is_empty() && session_id.len() <= SESSION_ID_MAX;
        whole.then_some(Self {
            legacy_version,
            random,
            session_id,
            ciphers,
            compression,
            extensions,
        })
    }

    /// The handshake message; none when a part is longer than its length field can say.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut body = Vec::with_capacity(1024);
        body.extend(self.legacy_version.to_be_bytes());
        body.extend(self.random);
        put_vec8(&mut body, &self.session_id)?;
        put_vec16(&mut body, &joined(&self.ciphers))?;
        put_vec8(&mut body, &self.compression)?;
        let mut list = Vec::with_capacity(1024);
        for extension in &self.extensions {
            list.extend(extension.kind.to_be_bytes());
            put_vec16(&mut list, &extension.body)?;
        }
        put_vec16(&mut body, &list)?;
        let [0, a, b, c] = u32::try_from(body.len()).ok()?.to_be_bytes() else { return None };
        let mut message = vec![1, a, b, c];
        message.append(&mut body);
        Some(message)
    }

    /// The body of an extension.
    #[must_use]
    pub fn extension(&self, kind: u16) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|extension| extension.kind == kind);
        found.map(|extension| extension.body.as_slice())
    }

    /// The named groups, GREASE included.
    #[must_use]
    pub fn groups(&self) -> Vec<u16> {
        let list = self.extension(SUPPORTED_GROUPS).and_then(|body| Reader(body).vec16());
        list.and_then(values).unwrap_or_default()
    }

    /// `supported_versions`, GREASE included; empty without that extension.
    #[must_use]
    pub fn versions(&self) -> Vec<u16> {
        let list = self.extension(SUPPORTED_VERSIONS).and_then(|body| Reader(body).vec8());
        list.and_then(values).unwrap_or_default()
    }

    /// Protocols offered by ALPN.
    #[must_use]
    pub fn alpn(&self) -> Vec<Vec<u8>> {
        let list = self.extension(ALPN).and_then(|body| Reader(body).vec16());
        list.and_then(protocols).unwrap_or_default()
    }

    /// Algorithms by which the server may compress its certificate, GREASE included.
    #[must_use]
    pub fn certificate_compression(&self) -> Vec<u16> {
        let list = self.extension(COMPRESS_CERTIFICATE).and_then(|body| Reader(body).vec8());
        list.and_then(values).unwrap_or_default()
    }

    /// The key shares, GREASE included.
    #[must_use]
    pub fn key_shares(&self) -> Vec<KeyShare<'_>> {
        let list = self.extension(KEY_SHARE).and_then(|body| Reader(body).vec16());
        let mut list = Reader(list.unwrap_or_default());
        let mut shares = Vec::new();
        while let (Some(group), Some(key)) = (list.u16(), list.vec16()) {
            shares.push(KeyShare { group, key });
        }
        shares
    }
}

/// The body of a `key_share` extension; none when it is too long.
#[must_use]
pub fn key_share_body(shares: &[KeyShare<'_>]) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for share in shares {
        list.extend(share.group.to_be_bytes());
        put_vec16(&mut list, share.key)?;
    }
    let mut body = Vec::with_capacity(list.len() + 2);
    put_vec16(&mut body, &list)?;
    Some(body)
}

/// The body of a `compress_certificate` extension; none when it is too long.
#[must_use]
pub fn certificate_compression_body(algorithms: &[u16]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    put_vec8(&mut body, &joined(algorithms))?;
    Some(body)
}

fn joined(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// Writes a vector behind its length in one byte.
fn put_vec8(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.push(u8::try_from(bytes.len()).ok()?);
    out.extend_from_slice(bytes);
    Some(())
}

/// Writes a vector behind its length in two bytes.
fn put_vec16(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(())
}
