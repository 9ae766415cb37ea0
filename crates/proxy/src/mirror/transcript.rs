//! The transcript as the server sees it: hashes and signatures over the hello that was sent.

use std::sync::Arc;

use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};

use super::inbound::{Begun, Inbound};
use super::numbers::{CLIENT_HELLO, MESSAGE_HASH};
use super::pending::{Found, Random, put_sent};

/// A handshake message's type and length.
const HEADER: usize = 4;

/// A transcript as it was sent.
#[derive(Debug)]
pub(super) struct AsSent {
    pub(super) messages: Vec<u8>,
    /// Where its connection takes acknowledgements out of what comes in.
    inbound: Option<Arc<Inbound>>,
}

/// `messages` with every hello replaced by the one that was sent for it, when they are the start of a
/// transcript and one of its hellos was replaced.
pub(super) fn as_sent(messages: &[u8]) -> Option<AsSent> {
    if !matches!(messages.first()?, &CLIENT_HELLO | &MESSAGE_HASH) {
        return None;
    }
    let (mut out, mut replaced) = (Vec::with_capacity(messages.len() + 1024), None);
    let mut rest = messages;
    while !rest.is_empty() {
        let [kind, a, b, c, ..] = rest else { return None };
        let len = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
        let (message, behind) = rest.split_at_checked(HEADER + len)?;
        let hello = if *kind == CLIENT_HELLO { random(message) } else { None };
        match hello.and_then(|random| put_sent(random, message, &mut out)) {
            Some(found) => replaced = Some(found),
            None => out.extend_from_slice(message),
        }
        rest = behind;
    }
    replaced.map(|Found { inbound }| AsSent { messages: out, inbound })
}

/// The random of a whole hello: behind header and version.
pub(super) fn random(hello: &[u8]) -> Option<&Random> {
    hello.get(HEADER + 2..)?.first_chunk()
}

/// A hash whose contexts hash the transcript as it was sent.
pub(super) struct SentHash {
    pub(super) inner: &'static dyn Hash,
    /// Whether keys are derived by what [`super::inbound::begun`] tells, as in TLS 1.3.
    pub(super) derives: bool,
}

impl Hash for SentHash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(SentContext {
            inner: self.inner.start(),
            is_fresh: true,
            derives: self.derives,
            inbound: None,
            begun: None,
        })
    }

    fn hash(&self, data: &[u8]) -> Output {
        self.inner.hash(data)
    }

    fn output_len(&self) -> usize {
        self.inner.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.inner.algorithm()
    }

    fn fips(&self) -> bool {
        self.inner.fips()
    }
}

struct SentContext {
    inner: Box<dyn Context>,
    /// Nothing has been hashed yet: rustls begins a transcript with its hello.
    is_fresh: bool,
    derives: bool,
    inbound: Option<Arc<Inbound>>,
    /// Its beginning, which no copy has.
    begun: Option<Begun>,
}

impl Context for SentContext {
    fn fork_finish(&self) -> Output {
        self.inner.fork_finish()
    }

    fn fork(&self) -> Box<dyn Context> {
        let inbound = self.inbound.clone();
        Box::new(Self {
            inner: self.inner.fork(),
            is_fresh: self.is_fresh,
            derives: self.derives,
            inbound,
            begun: None,
        })
    }

    fn finish(self: Box<Self>) -> Output {
        self.inner.finish()
    }

    fn update(&mut self, data: &[u8]) {
        if std::mem::replace(&mut self.is_fresh, false) {
            let sent = as_sent(data);
            self.inner.update(sent.as_ref().map_or(data, |sent| &sent.messages));
            self.inbound = sent.and_then(|sent| sent.inbound);
            if self.derives {
                self.begun = Some(Begun::now(self.inbound.as_ref()));
            }
            return;
        }
        let received = self.inbound.as_ref().and_then(|inbound| inbound.received(data));
        self.inner.update(received.as_deref().unwrap_or(data));
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs;

    use super::super::inbound::begun;
    use super::super::pending::Entry;
    use super::super::tests::Captured;
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let len = u8::try_from(body.len()).unwrap();
        [&[kind, 0, 0, len], body].concat()
    }

    fn hello(random: Random, rest: &[u8]) -> Vec<u8> {
        message(CLIENT_HELLO, &[&[3, 3], random.as_slice(), rest].concat())
    }

    fn sent(messages: &[u8]) -> Option<Vec<u8>> {
        as_sent(messages).map(|sent| sent.messages)
    }

    #[test]
    fn hellos_are_replaced_also_behind_a_retry_and_nothing_else_is() {
        let random = [11; 32];
        let (first, second) = (hello(random, b"1"), hello(random, b"2"));
        let (sent_first, sent_second) = (hello(random, b"first"), hello(random, b"second"));
        let entry = Entry::open(random, None).unwrap();
        assert!(entry.replace(&first, &sent_first) && entry.replace(&second, &sent_second));
        let other = message(2, b"server");
        assert_eq!(
            sent(&[first.clone(), other.clone()].concat()),
            Some([sent_first, other.clone()].concat())
        );
        let hash = message(MESSAGE_HASH, &[1; 32]);
        let retried = [hash.clone(), other.clone(), second.clone()].concat();
        assert_eq!(sent(&retried), Some([hash, other.clone(), sent_second].concat()));
        assert_eq!(sent(&[other, first.clone()].concat()), None, "no start of a transcript");
        assert_eq!(sent(&first[..first.len() - 1]), None, "not whole");
        assert_eq!(sent(&hello(random, b"3")), None, "another hello");
        drop(entry);
        assert_eq!(sent(&first), None);
    }

    #[test]
    fn who_began_is_told_while_its_transcript_lasts_and_once() {
        let asks = Captured::of("chromium").hello();
        let plain = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        let hash = SentHash { inner: plain.common.hash_provider, derives: true };
        let begin = |number: u8, inbound: Option<&Arc<Inbound>>| {
            let written = hello([number; 32], b"w");
            let entry = Entry::open([number; 32], inbound.cloned()).unwrap();
            assert!(entry.replace(&written, &hello([number; 32], b"s")));
            let mut context = hash.start();
            context.update(&written);
            (context, entry)
        };
        let is = |inbound: &Arc<Inbound>| begun().is_some_and(|begun| Arc::ptr_eq(&begun, inbound));
        let (one, two) = (Inbound::of(&asks).unwrap(), Inbound::of(&asks).unwrap());

        let kept = begin(41, Some(&one));
        assert!(is(&one));
        assert!(begun().is_none(), "once");
        // It fails before its keys are derived.
        let failed = begin(42, Some(&two));
        let fork = failed.0.fork();
        drop(failed);
        assert!(begun().is_none());
        drop(fork);
        // The end of one that began before is none of the next one's.
        let next = begin(43, Some(&two));
        drop(kept);
        assert!(is(&two));
        drop(next);
        // A transcript that was not replaced begins too.
        let forgotten = begin(44, Some(&one));
        let mut foreign = hash.start();
        foreign.update(&hello([45; 32], b"w"));
        assert!(begun().is_none());
        drop(forgotten);
        // One that ends was rolled up for a retry.
        let (context, _entry) = begin(46, Some(&one));
        let _output = context.finish();
        assert!(begun().is_none());
    }

    #[test]
    fn a_context_replaces_in_its_first_update_only() {
        let random = [12; 32];
        let (written, sent) = (hello(random, b"w"), hello(random, b"s"));
        let entry = Entry::open(random, None).unwrap();
        assert!(entry.replace(&written, &sent));
        let plain = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        let plain = plain.common.hash_provider;
        let mut context = SentHash { inner: plain, derives: false }.start();
        context.update(&written);
        context.update(&written);
        let expected = plain.hash(&[sent, written].concat());
        assert_eq!(context.fork().fork_finish().as_ref(), expected.as_ref());
        assert_eq!(context.finish().as_ref(), expected.as_ref());
        drop(entry);
    }
}
