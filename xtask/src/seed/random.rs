//! Chance that is the same for the same seed, on every machine.

use std::ops::Range;

/// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): small, even, and good enough to choose words by.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, which must not be empty.
    pub(crate) const fn of(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// Whether something happens that happens `percent` times out of a hundred.
    pub(crate) const fn percent(&mut self, percent: u64) -> bool {
        self.of(0..100) < percent
    }

    /// One of several; none is no choice.
    pub(crate) fn one<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.of(0..(all.len() as u64).max(1)) as usize)
    }

    /// Letters and digits, as ids have them.
    pub(crate) fn id(&mut self, start: &str, len: usize) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyzABCDEFGH";
        let mut id = String::with_capacity(start.len() + len);
        id.push_str(start);
        for _ in 0..len {
            id.push(char::from(ALPHABET[(self.next() >> 59) as usize]));
        }
        id
    }

    /// Hexadecimal digits.
    pub(crate) fn hex(&mut self, len: usize) -> String {
        let digits = |half| char::from_digit(half, 16).unwrap_or('0');
        (0..len).map(|_| digits((self.next() >> 60) as u32)).collect()
    }

    /// Letters and digits without any order.
    pub(crate) fn padding(&mut self, len: usize) -> String {
        const ALPHABET: &[u8; 62] =
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        (0..len).map(|_| char::from(ALPHABET[self.of(0..62) as usize])).collect()
    }

    pub(crate) const fn bytes(&mut self) -> [u8; 16] {
        (((self.next() as u128) << 64) | self.next() as u128).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let some = |seed| {
            let mut random = Random::new(seed);
            [random.next(), random.of(5..9), random.next()]
        };
        assert_eq!(some(7), some(7));
        assert_ne!(some(7), some(8));
        assert!((5..9).contains(&some(7)[1]));
    }
}
