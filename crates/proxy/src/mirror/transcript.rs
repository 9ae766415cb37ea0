//! The transcript as the server sees it: hashes and signatures over the hello that was sent.

use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};

use super::pending::{Random, put_sent};

/// Handshake type `client_hello` (RFC 8446 § 4).
const CLIENT_HELLO: u8 = 1;
/// Handshake type `message_hash`, which stands for the first hello after a HelloRetryRequest.
const MESSAGE_HASH: u8 = 254;
/// A handshake message's type and length.
const HEADER: usize = 4;

/// `messages` with every hello replaced by the one that was sent for it, when they are the start of a
/// transcript and one of its hellos was replaced.
pub(super) fn as_sent(messages: &[u8]) -> Option<Vec<u8>> {
    if !matches!(messages.first()?, &CLIENT_HELLO | &MESSAGE_HASH) {
        return None;
    }
    let (mut out, mut replaced) = (Vec::with_capacity(messages.len() + 1024), false);
    let mut rest = messages;
    while !rest.is_empty() {
        let [kind, a, b, c, ..] = rest else { return None };
        let len = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
        let (message, behind) = rest.split_at_checked(HEADER + len)?;
        let sent = *kind == CLIENT_HELLO
            && random(message).is_some_and(|random| put_sent(random, message, &mut out));
        if !sent {
            out.extend_from_slice(message);
        }
        replaced |= sent;
        rest = behind;
    }
    replaced.then_some(out)
}

/// The random of a whole hello: behind header and version.
pub(super) fn random(hello: &[u8]) -> Option<&Random> {
    hello.get(HEADER + 2..)?.first_chunk()
}

/// A hash whose contexts hash the transcript as it was sent.
pub(super) struct SentHash(pub(super) &'static dyn Hash);

impl Hash for SentHash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(SentContext { inner: self.0.start(), is_fresh: true })
    }

    fn hash(&self, data: &[u8]) -> Output {
        self.0.hash(data)
    }

    fn output_len(&self) -> usize {
        self.0.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

struct SentContext {
    inner: Box<dyn Context>,
    /// Nothing has been hashed yet: rustls begins a transcript with its hello.
    is_fresh: bool,
}

impl Context for SentContext {
    fn fork_finish(&self) -> Output {
        self.inner.fork_finish()
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self { inner: self.inner.fork(), is_fresh: self.is_fresh })
    }

    fn finish(self: Box<Self>) -> Output {
        self.inner.finish()
    }

    fn update(&mut self, data: &[u8]) {
        if !std::mem::replace(&mut self.is_fresh, false) {
            return self.inner.update(data);
        }
        self.inner.update(as_sent(data).as_deref().unwrap_or(data));
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs;

    use super::super::pending::Entry;
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let len = u8::try_from(body.len()).unwrap();
        [&[kind, 0, 0, len], body].concat()
    }

    fn hello(random: Random, rest: &[u8]) -> Vec<u8> {
        message(CLIENT_HELLO, &[&[3, 3], random.as_slice(), rest].concat())
    }

    #[test]
    fn hellos_are_replaced_also_behind_a_retry_and_nothing_else_is() {
        let random = [11; 32];
        let (first, second) = (hello(random, b"1"), hello(random, b"2"));
        let (sent_first, sent_second) = (hello(random, b"first"), hello(random, b"second"));
        let entry = Entry::open(random).unwrap();
        assert!(entry.replace(&first, &sent_first) && entry.replace(&second, &sent_second));
        let other = message(2, b"server");
        assert_eq!(
            as_sent(&[first.clone(), other.clone()].concat()),
            Some([sent_first, other.clone()].concat())
        );
        let hash = message(MESSAGE_HASH, &[1; 32]);
        let retried = [hash.clone(), other.clone(), second.clone()].concat();
        assert_eq!(as_sent(&retried), Some([hash, other.clone(), sent_second].concat()));
        assert_eq!(as_sent(&[other, first.clone()].concat()), None, "no start of a transcript");
        assert_eq!(as_sent(&first[..first.len() - 1]), None, "not whole");
        assert_eq!(as_sent(&hello(random, b"3")), None, "another hello");
        drop(entry);
        assert_eq!(as_sent(&first), None);
    }

    #[test]
    fn a_context_replaces_in_its_first_update_only() {
        let random = [12; 32];
        let (written, sent) = (hello(random, b"w"), hello(random, b"s"));
        let entry = Entry::open(random).unwrap();
        assert!(entry.replace(&written, &sent));
        let plain = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        let plain = plain.common.hash_provider;
        let mut context = SentHash(plain).start();
        context.update(&written);
        context.update(&written);
        let expected = plain.hash(&[sent, written].concat());
        assert_eq!(context.fork().fork_finish().as_ref(), expected.as_ref());
        assert_eq!(context.finish().as_ref(), expected.as_ref());
        drop(entry);
    }
}
