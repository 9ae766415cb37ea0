//! Digests that are the same in each run. Their seeds are part of the cache's format.

use std::hash::{BuildHasher as _, Hasher};

/// Seeds of the two halves of [`digest_128`].
const SEEDS: [u64; 2] = [0x6c61_6e67_6c65_7931, 0x6c61_6e67_6c65_7932];

fn hasher(seed: u64) -> impl Hasher {
    foldhash::quality::FixedState::with_seed(seed).build_hasher()
}

/// A digest of some bytes.
pub(crate) fn digest_64(seed: u64, bytes: &[u8]) -> u64 {
    let mut hasher = hasher(seed);
    hasher.write(bytes);
    hasher.finish()
}

/// A digest of some texts; never zero.
pub(crate) fn digest_128(texts: &[&[u8]]) -> u128 {
    let [high, low] = SEEDS.map(|seed| {
        let mut hasher = hasher(seed);
        for text in texts {
            hasher.write(text);
            // No text of UTF-8 ends so: what is the end of one is not the beginning of the next.
            hasher.write_u8(0xff);
        }
        hasher.finish()
    });
    (u128::from(high) << 64 | u128::from(low)).max(1)
}
