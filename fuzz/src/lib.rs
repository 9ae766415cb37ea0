//! What each target does with its input: nothing but what `cargo xtask fuzz` does.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use langley_testkit::fuzz::{Decoder, Random};

/// Holds the decoder of that name to what it must do; the pieces depend on the input alone.
pub fn check(name: &str, input: &[u8]) {
    let seed = BuildHasherDefault::<DefaultHasher>::default().hash_one(input);
    Decoder::named(name).check(input, &mut Random::from(seed));
}
