//! Damage to an input: bits, bytes, pieces, and what formats mind most.

use super::decoder::INPUT_MAX;
use super::random::Random;

/// What formats mind most.
const SPICES: [&[u8]; 14] = [
    b"\"",
    b"\\",
    b"\n",
    b"\r\n\r\n",
    b"\n\n",
    b"{",
    b"}",
    b"[",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\\ud83d",
    b"null",
    b"99999999999999999999",
    b"data: ",
];

/// One of `seeds`, damaged in some places.
#[must_use]
pub fn damaged(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(8) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(64)).min(input.len());
        match random.below(7) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.next().to_le_bytes()[0],
            2 => drop(input.drain(at..end)),
            3 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                let spice = SPICES[random.below(SPICES.len())];
                input.splice(at..at, spice.iter().copied());
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                let part = other[from..].iter().copied().take(200).collect::<Vec<_>>();
                input.splice(at..end, part);
            }
            _ => input.truncate(at),
        }
    }
    input.truncate(INPUT_MAX);
    input
}
