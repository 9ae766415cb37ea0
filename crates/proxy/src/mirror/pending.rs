//! Hellos on their way: what rustls wrote and what was sent instead, by the client's random.
//!
//! A table for the whole process, because a transcript hash knows nothing of its connection. An entry
//! lives as long as the handshake: its owner is the connection's rewriter.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use super::inbound::Inbound;

/// A client's random (RFC 8446 § 4.1.2): 32 fresh bytes for each connection.
pub(super) type Random = [u8; 32];

/// Hellos that one connection may send: the first, and one more when the server asks (RFC 8446 § 4.1.4).
const HELLOS_MAX: usize = 2;

static PENDING: LazyLock<Mutex<HashMap<Random, Pending>>> = LazyLock::new(Mutex::default);

/// A connection's handshake.
#[derive(Debug)]
struct Pending {
    hellos: Vec<Replaced>,
    /// Where it takes acknowledgements out of what comes in.
    inbound: Option<Arc<Inbound>>,
}

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
    pub(super) fn open(random: Random, inbound: Option<Arc<Inbound>>) -> Option<Self> {
        let mut pending = PENDING.lock();
        if pending.contains_key(&random) {
            return None;
        }
        pending.insert(random, Pending { hellos: Vec::with_capacity(HELLOS_MAX), inbound });
        Some(Self(random))
    }

    pub(super) fn is_for(&self, random: &Random) -> bool {
        self.0 == *random
    }

    /// Notes that `sent` goes out in place of `written`; false when there have been too many.
    pub(super) fn replace(&self, written: &[u8], sent: &[u8]) -> bool {
        let mut pending = PENDING.lock();
        let Some(Pending { hellos, .. }) = pending.get_mut(&self.0) else { return false };
        if hellos.len() == HELLOS_MAX {
            return false;
        }
        hellos.push(Replaced { written: written.to_vec(), sent: sent.to_vec() });
        true
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        PENDING.lock().remove(&self.0);
    }
}

/// What is known of a hello that was replaced.
#[derive(Debug)]
pub(super) struct Found {
    /// Where its connection takes acknowledgements out of what comes in.
    pub(super) inbound: Option<Arc<Inbound>>,
}

/// Appends to `out` what was sent in place of `written`, which must be equal to the last byte; none when
/// there was no such hello.
pub(super) fn put_sent(random: &Random, written: &[u8], out: &mut Vec<u8>) -> Option<Found> {
    let pending = PENDING.lock();
    let Pending { hellos, inbound } = pending.get(random)?;
    let replaced = hellos.iter().find(|replaced| replaced.written == written)?;
    out.extend_from_slice(&replaced.sent);
    Some(Found { inbound: inbound.clone() })
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
        let entry = Entry::open(random, None).unwrap();
        assert!(Entry::open(random, None).is_none());
        assert!(entry.replace(b"one", b"ONE") && entry.replace(b"two", b"TWO"));
        assert!(!entry.replace(b"three", b"THREE"));
        let mut out = Vec::new();
        assert!(put_sent(&random, b"two", &mut out).is_some());
        assert!(put_sent(&random, b"tw", &mut out).is_none());
        assert_eq!(out, b"TWO");
        drop(entry);
        assert!(put_sent(&random, b"two", &mut out).is_none());
        assert!(Entry::open(random, None).is_some());
    }
}
