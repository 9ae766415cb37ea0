//! Numbers that look like chance, and come again.

/// A generator that any failure can be repeated with.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// One that begins there.
    #[must_use]
    pub fn from(seed: u64) -> Self {
        // The one state that it never leaves.
        Self(seed.max(1))
    }

    pub(super) fn next(&mut self) -> u64 {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a length")
    }
}
