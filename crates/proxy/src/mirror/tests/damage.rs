//! Damaged hellos of agents: mirrored or refused, and never a panic, a hang or a hello that is none.

use std::time::{Duration, Instant};

use langley_protocol::client_hello::HelloMessage;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::super::inbound::Inbound;
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

/// Takes acknowledgements out of `record`, as a decrypter would.
fn strip(record: &[u8]) {
    let inbound = Inbound::of(&Captured::of("chromium").hello()).expect("it asks for both");
    if let Some(stripped) = inbound.strip(record).record {
        assert!(stripped.len() < record.len());
        assert_eq!(put_back(&stripped, record), record);
    }
}

/// `stripped` with the acknowledgements of `record` where they stood, and every length around them.
fn put_back(mut stripped: &[u8], mut record: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let (Some((short, behind)), Some((long, rest))) = (message(stripped), message(record)) {
        assert_eq!(short[0], long[0]);
        out.push(long[0]);
        let body = match long[0] {
            _ if short == long => long[4..].to_vec(),
            8 => list_back(&mut &short[4..], &mut &long[4..], 0xfe0d),
            11 => certificates_back(&short[4..], &long[4..]),
            kind => panic!("a message of type {kind} was changed"),
        };
        out.extend(length(&body));
        out.extend(body);
        (stripped, record) = (behind, rest);
    }
    [&out, stripped].concat()
}

/// Every certificate's list (RFC 8446 § 4.4.2).
fn certificates_back(short: &[u8], long: &[u8]) -> Vec<u8> {
    let (context, mut long) = long.split_at(1 + usize::from(long[0]));
    let mut short = short.strip_prefix(context).expect("the same context");
    assert_eq!((number(&short[..3]), number(&long[..3])), (short.len() - 3, long.len() - 3));
    (short, long) = (&short[3..], &long[3..]);
    let mut certificates = Vec::new();
    while !short.is_empty() {
        let (certificate, rest) = short.split_at(3 + number(&short[..3]));
        certificates.extend_from_slice(certificate);
        long = long.strip_prefix(certificate).expect("the same certificate");
        short = rest;
        certificates.extend(list_back(&mut short, &mut long, 18));
    }
    [context, length(&certificates).as_slice(), &certificates].concat()
}

/// The list of extensions that `long` begins with: those of `kind` from it, the others from `short`.
fn list_back(short: &mut &[u8], long: &mut &[u8], kind: usize) -> Vec<u8> {
    let mut stayed = list(short).into_iter();
    let all = list(long).into_iter().map(|extension| match number(&extension[..2]) == kind {
        true => extension,
        false => stayed.next().expect("one that stayed"),
    });
    let all = all.collect::<Vec<_>>().concat();
    assert_eq!(stayed.next(), None);
    [u16::try_from(all.len()).expect("a short list").to_be_bytes().as_slice(), &all].concat()
}

/// The first whole message, and what is behind it.
fn message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(4 + number(bytes.get(1..4)?))
}

/// Takes the extensions of a list, header and all, from behind its length.
fn list<'a>(bytes: &mut &'a [u8]) -> Vec<&'a [u8]> {
    let (mut list, behind) = bytes[2..].split_at(number(&bytes[..2]));
    *bytes = behind;
    let mut extensions = Vec::new();
    while !list.is_empty() {
        let (extension, rest) = list.split_at(4 + number(&list[2..4]));
        extensions.push(extension);
        list = rest;
    }
    extensions
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// A length of three bytes.
fn length(bytes: &[u8]) -> [u8; 3] {
    let [0, a, b, c] = u32::try_from(bytes.len()).expect("a length").to_be_bytes() else {
        panic!("too long")
    };
    [a, b, c]
}

/// Seconds for [`for_a_long_time`]; set by `cargo xtask fuzz`.
const SECONDS: &str = "LANGLEY_FUZZ_SECONDS";

#[test]
#[ignore = "runs as long as it is told: cargo xtask fuzz"]
fn for_a_long_time() {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let (begun, mut inputs) = (Instant::now(), 0_u64);
    let mut runner = TestRunner::default();
    let damages = (0_usize..8, proptest::collection::vec(Damage::any(), 0..12));
    while begun.elapsed() < Duration::from_secs(seconds) {
        let (which, damage) = damages.new_tree(&mut runner).expect("a value").current();
        let mut bytes = record(&Captured::all()[which].message);
        damage.into_iter().for_each(|damage| damage.apply(&mut bytes));
        mirror(&bytes);
        strip(&bytes);
        inputs += 1;
    }
    println!("mirrored hello: {inputs} inputs");
}

#[test]
fn a_list_of_certificates_that_states_a_wrong_length_is_left_as_it_is() {
    let inbound = Inbound::of(&Captured::of("chromium").hello()).expect("it asks for both");
    let certificates = |length: u8| [11, 0, 0, 13, 0, 0, 0, length, 0, 0, 0, 0, 4, 0, 18, 0, 0];
    assert!(inbound.strip(&certificates(9)).record.is_some());
    assert!(inbound.strip(&certificates(228)).record.is_none());
}

/// A few extensions, among them those that are taken out.
fn extensions() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just(18_u16), Just(0xfe0d), 0_u16..64];
    let extension = (kind, proptest::collection::vec(any::<u8>(), 0..6));
    proptest::collection::vec(extension, 0..5).prop_map(|extensions| {
        let encoded = |(kind, body): &(u16, Vec<u8>)| {
            let len = u16::try_from(body.len()).expect("a short body");
            [&kind.to_be_bytes(), &len.to_be_bytes(), body.as_slice()].concat()
        };
        extensions.iter().flat_map(encoded).collect()
    })
}

proptest::proptest! {
    #[test]
    fn damaged_server_messages_are_stripped_or_left(
        kinds in proptest::collection::vec(
            prop_oneof![Just(8_u8), Just(11), Just(13), Just(25), any::<u8>()],
            0..4,
        ),
        lists in proptest::collection::vec(extensions(), 4),
        damage in proptest::collection::vec(Damage::any(), 0..4),
    ) {
        let mut bytes = Vec::new();
        for (kind, body) in kinds.iter().zip(&lists) {
            let list = u8::try_from(body.len()).expect("a short body");
            // An empty extension of either sort in front, so that there is something to find.
            let head: &[u8] = match kind {
                8 => &[0, list + 4, 0xfe, 0x0d, 0, 0],
                11 => &[0, 0, 0, list + 9, 0, 0, 0, 0, list + 4, 0, 18, 0, 0],
                _ => &[],
            };
            let len = u8::try_from(head.len() + body.len()).expect("a short message");
            bytes.extend([*kind, 0, 0, len]);
            bytes.extend_from_slice(head);
            bytes.extend_from_slice(body);
        }
        damage.into_iter().for_each(|damage| damage.apply(&mut bytes));
        strip(&bytes);
    }

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
