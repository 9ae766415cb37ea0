//! Damaged hellos of agents: mirrored or refused, and never a panic, a hang or a hello that is none.

use langley_protocol::client_hello::HelloMessage;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::super::profile::Profile;
use super::super::rewriter::Rewriter;
use super::rewriting::written;
use super::{Captured, record};

/// One kind of damage, at a place taken modulo the length.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Byte(usize, u8),
    Cut(usize),
    Drop(usize, usize),
    Repeat(usize, usize),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let at = any::<u16>().prop_map(usize::from);
        prop_oneof![
            6 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Self::Byte(at, byte)),
            1 => at.clone().prop_map(Self::Cut),
            1 => (at.clone(), 1_usize..40).prop_map(|(at, len)| Self::Drop(at, len)),
            1 => (at, 1_usize..40).prop_map(|(at, len)| Self::Repeat(at, len)),
        ]
    }

    fn apply(self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match self {
            Self::Byte(at, byte) => bytes[at % len] = byte,
            Self::Cut(at) => bytes.truncate(at % len),
            Self::Drop(at, count) => drop(bytes.drain(at % len..(at % len + count).min(len))),
            Self::Repeat(at, count) => {
                let again = bytes[at % len..(at % len + count).min(len)].to_vec();
                bytes.splice(at % len..at % len, again);
            }
        }
    }
}

/// Mirrors what `bytes` say, as the proxy would.
fn mirror(bytes: &[u8]) {
    let Ok(profile) = Profile::of_agent(bytes) else { return };
    let (alpn, theirs) = (profile.hello.alpn(), profile.hello.clone());
    // rustls asserts that protocols have a name.
    if alpn.iter().any(Vec::is_empty) {
        return;
    }
    let Ok(ours) = written(&profile, &alpn) else { return };
    let mut out = Vec::new();
    if Rewriter::new(profile).feed(&ours, &mut out).is_err() {
        return;
    }
    let sent = HelloMessage::in_records(&out).expect("a hello that can be read");
    let ours = HelloMessage::in_records(&ours).expect("the library's hello");
    assert_eq!((sent.random, &sent.ciphers), (ours.random, &theirs.ciphers));
    assert!(sent.extension(41).is_none() && sent.extension(42).is_none());
    assert_eq!(sent.extension(0), ours.extension(0).filter(|_| theirs.extension(0).is_some()));
}

/// Damage within the extensions keeps the lengths around it right, so that it reaches the rewriter.
fn damaged_extension(which: usize, at: usize, byte: u8, captured: &Captured) -> Vec<u8> {
    let mut hello = captured.hello();
    let which = which % hello.extensions.len();
    let extension = &mut hello.extensions[which];
    match extension.body.len() {
        0 => extension.body.push(byte),
        len => extension.body[at % len] = byte,
    }
    record(&hello.encode().expect("it fits"))
}

proptest::proptest! {
    #[test]
    fn damaged_hellos_are_mirrored_or_refused(
        which in 0_usize..8,
        damage in proptest::collection::vec(Damage::any(), 0..6),
    ) {
        let mut bytes = record(&Captured::all()[which].message);
        damage.into_iter().for_each(|damage| damage.apply(&mut bytes));
        mirror(&bytes);
    }

    #[test]
    fn damaged_extensions_are_mirrored_or_refused(
        which in 0_usize..8,
        extension in any::<usize>(),
        at in prop_oneof![3 => 0_usize..6, 1 => any::<usize>()],
        byte in prop_oneof![Just(0_u8), Just(255), any::<u8>()],
    ) {
        mirror(&damaged_extension(extension, at, byte, &Captured::all()[which]));
    }
}
