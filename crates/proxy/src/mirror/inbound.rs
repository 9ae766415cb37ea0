//! Acknowledgements that rustls cannot take, because its own hello did not ask for them: they are taken
//! out of what comes in, where the user allows that and the sent hello did ask. The transcript gets the
//! message as it was received.
//!
//! Two only, and both without effect on what is agreed: signed certificate timestamps beside a
//! certificate (RFC 6962 § 3.3.1), which rustls does not evaluate, and the retry configurations that
//! answer GREASE Encrypted Client Hello (draft-ietf-tls-esni § 6.2), which a client must ignore.

use std::cell::RefCell;
use std::sync::Arc;

use langley_protocol::client_hello::HelloMessage;
use parking_lot::Mutex;

use super::numbers::{
    CERTIFICATE, CERTIFICATE_REQUEST, COMPRESSED_CERTIFICATE, ENCRYPTED_CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS, SIGNED_CERTIFICATE_TIMESTAMP,
};

/// A handshake message's type and length.
const HEADER: usize = 4;

/// What may be taken out on one connection, and what was.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    timestamps: bool,
    retry_configs: bool,
    /// Messages without their acknowledgement, and as they were received, until they are hashed.
    stripped: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
}

thread_local! {
    /// The connection whose transcript began last on this thread: rustls derives its keys next, on the
    /// same call stack, and only this tells the new decrypter whose it is.
    static BEGUN: RefCell<Option<Arc<Inbound>>> = const { RefCell::new(None) };
}

/// A transcript that began, as long as it lasts: one that ends before its keys are derived, because the
/// handshake fails or begins again, is none whose keys come next.
#[derive(Debug)]
pub(super) struct Begun(Option<Arc<Inbound>>);

impl Begun {
    /// A transcript began on this thread.
    pub(super) fn now(inbound: Option<&Arc<Inbound>>) -> Self {
        BEGUN.set(inbound.cloned());
        Self(inbound.cloned())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Some(own) = &self.0 else { return };
        let _at_the_threads_end = BEGUN.try_with(|begun| {
            begun.borrow_mut().take_if(|begun| Arc::ptr_eq(begun, own));
        });
    }
}

/// The connection whose keys are being derived, once.
pub(super) fn begun() -> Option<Arc<Inbound>> {
    BEGUN.take()
}

impl Inbound {
    /// What `hello` asks for and rustls does not; none when there is nothing to take out.
    pub(super) fn of(hello: &HelloMessage) -> Option<Arc<Self>> {
        let timestamps = hello.extension(SIGNED_CERTIFICATE_TIMESTAMP).is_some();
        let retry_configs = hello.extension(ENCRYPTED_CLIENT_HELLO).is_some();
        let inbound = Self { timestamps, retry_configs, ..Self::default() };
        (timestamps || retry_configs).then(|| Arc::new(inbound))
    }

    /// The message as it was received, in place of the stripped one that rustls hashes; once.
    pub(super) fn received(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut stripped = self.stripped.lock();
        let found = stripped.iter().position(|(short, _)| short == message)?;
        Some(stripped.swap_remove(found).1)
    }

    /// A record of handshake messages without the acknowledgements; none when it stays as it is. Only
    /// messages that lie whole in the record are touched: rustls refuses what is left.
    pub(super) fn strip(&self, mut record: &[u8]) -> Stripped {
        let (mut out, mut changed, mut goes_on) = (Vec::with_capacity(record.len()), false, true);
        while goes_on && let Some((message, behind)) = first_message(record) {
            goes_on = matches!(
                message[0],
                ENCRYPTED_EXTENSIONS | CERTIFICATE | CERTIFICATE_REQUEST | COMPRESSED_CERTIFICATE
            );
            let body = self.strip_body(message[0], &message[HEADER..]);
            match body.and_then(|body| with_header(message[0], &body)) {
                Some(short) if short.len() < message.len() => {
                    self.stripped.lock().push((short.clone(), message.to_vec()));
                    out.extend(short);
                    changed = true;
                }
                _ => out.extend_from_slice(message),
            }
            record = behind;
        }
        out.extend_from_slice(record);
        Stripped { record: changed.then_some(out), goes_on: goes_on && record.is_empty() }
    }

    fn strip_body(&self, kind: u8, body: &[u8]) -> Option<Vec<u8>> {
        match kind {
            ENCRYPTED_EXTENSIONS if self.retry_configs => without(body, ENCRYPTED_CLIENT_HELLO),
            CERTIFICATE if self.timestamps => certificates(body),
            _ => None,
        }
    }
}

/// What became of a record.
#[derive(Debug)]
pub(super) struct Stripped {
    pub(super) record: Option<Vec<u8>>,
    /// Whether a later record may hold an acknowledgement.
    pub(super) goes_on: bool,
}

/// The first whole message, and what stands behind it.
fn first_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [_, a, b, c, ..] = bytes else { return None };
    let len = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
    bytes.split_at_checked(HEADER + len)
}

fn with_header(kind: u8, body: &[u8]) -> Option<Vec<u8>> {
    let [0, a, b, c] = u32::try_from(body.len()).ok()?.to_be_bytes() else { return None };
    Some([&[kind, a, b, c], body].concat())
}

/// A whole list of extensions behind its length, without those of `kind`.
fn without(list: &[u8], kind: u16) -> Option<Vec<u8>> {
    let (len, mut rest) = list.split_first_chunk()?;
    if usize::from(u16::from_be_bytes(*len)) != rest.len() {
        return None;
    }
    let mut kept = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let [k1, k2, l1, l2, ..] = rest else { return None };
        let len = usize::from(u16::from_be_bytes([*l1, *l2]));
        let (extension, behind) = rest.split_at_checked(HEADER + len)?;
        if u16::from_be_bytes([*k1, *k2]) != kind {
            kept.extend_from_slice(extension);
        }
        rest = behind;
    }
    let len = u16::try_from(kept.len()).ok()?.to_be_bytes();
    Some([&len, kept.as_slice()].concat())
}

/// A Certificate message (RFC 8446 § 4.4.2) without timestamps.
fn certificates(body: &[u8]) -> Option<Vec<u8>> {
    let (context, list) = body.split_at_checked(1 + usize::from(*body.first()?))?;
    let [a, b, c, rest @ ..] = list else { return None };
    let mut rest = rest;
    // A length that is wrong stays so: rustls refuses it.
    if usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()? != rest.len() {
        return None;
    }
    let mut kept = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let [a, b, c, ..] = rest else { return None };
        let len = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
        let (certificate, behind) = rest.split_at_checked(3 + len)?;
        let len = usize::from(u16::from_be_bytes(*behind.first_chunk()?));
        let (extensions, behind) = behind.split_at_checked(2 + len)?;
        kept.extend_from_slice(certificate);
        kept.extend(without(extensions, SIGNED_CERTIFICATE_TIMESTAMP)?);
        rest = behind;
    }
    let [0, a, b, c] = u32::try_from(kept.len()).ok()?.to_be_bytes() else { return None };
    Some([context, &[a, b, c], kept.as_slice()].concat())
}
