//! Damaged hellos of agents: mirrored or refused, and never a panic, a hang or a hello that is none.

use std::time::{Duration, Instant};

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::super::fuzz::{mirror, strip};
use super::super::inbound::Inbound;
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
