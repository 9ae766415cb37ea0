//! Hellos on their way: what rustls wrote and what was sent instead, by the client's random.
//!
//! A table for the whole process, because a transcript hash knows nothing of its connection. An entry
//! lives as long as the handshake: its owner is the connection's rewriter.

use std::collections::HashMap;
use std::sync::LazyLock;

use parking_lot::Mutex;

/// A client's random (RFC 8446 § 4.1.2): 32 fresh bytes for each connection.
pub(super) type Random = [u8; 32];

/// Hellos that one connection may send: the first, and one more when the server asks (RFC 8446 § 4.1.4).
const HELLOS_MAX: usize = 2;

static PENDING: LazyLock<Mutex<HashMap<Random, Vec<Replaced>>>> = LazyLock::new(Mutex::default);

/// One hello in two forms.
#[derive(Debug)]
struct Replaced {
    written: Vec<u8>,
    sent: Vec<u8>,
}

/// The entry of one connection; gone when this is dropped.
#[derive(Debug)]
pub(super) struct Entry(Random);

impl Entry {
    /// A new entry for `random`; none when one exists, which no honest randomness brings about.
    pub(super) fn open(random: Random) -> Option<Self> {
        let mut pending = PENDING.lock();
        if pending.contains_key(&random) {
            return None;
        }
        pending.insert(random, Vec::with_capacity(HELLOS_MAX));
        Some(Self(random))
    }

    pub(super) fn is_for(&self, random: &Random) -> bool {
        self.0 == *random
    }

    /// Notes that `sent` goes out in place of `written`; false when there have been too many.
    pub(super) fn replace(&self, written: &[u8], sent: &[u8]) -> bool {
        let mut pending = PENDING.lock();
        let Some(replaced) = pending.get_mut(&self.0) else { return false };
        if replaced.len() == HELLOS_MAX {
            return false;
        }
        replaced.push(Replaced { written: written.to_vec(), sent: sent.to_vec() });
        true
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        PENDING.lock().remove(&self.0);
    }
}

/// Appends to `out` what was sent in place of `written`, which must be equal to the last byte; whether
/// there was such a hello.
pub(super) fn put_sent(random: &Random, written: &[u8], out: &mut Vec<u8>) -> bool {
    let pending = PENDING.lock();
    let found = pending
        .get(random)
        .and_then(|replaced| replaced.iter().find(|replaced| replaced.written == written));
    if let Some(replaced) = found {
        out.extend_from_slice(&replaced.sent);
    }
    found.is_some()
}

/// Connections whose handshake is under way.
#[cfg(test)]
pub(crate) fn count() -> usize {
    PENDING.lock().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_answers_for_equal_hellos_only_and_goes_with_its_owner() {
        let random = [7; 32];
        let entry = Entry::open(random).unwrap();
        assert!(Entry::open(random).is_none());
        assert!(entry.replace(b"one", b"ONE") && entry.replace(b"two", b"TWO"));
        assert!(!entry.replace(b"three", b"THREE"));
        let mut out = Vec::new();
        assert!(put_sent(&random, b"two", &mut out) && !put_sent(&random, b"tw", &mut out));
        assert_eq!(out, b"TWO");
        drop(entry);
        assert!(!put_sent(&random, b"two", &mut out));
        assert!(Entry::open(random).is_some());
    }
}
