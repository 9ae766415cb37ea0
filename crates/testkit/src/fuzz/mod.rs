//! Damaged input for every decoder, the same for the tests, `cargo xtask fuzz` and the targets in `fuzz/`.

mod damage;
mod decoder;
mod random;
mod seeds;

pub use damage::damaged;
pub use decoder::{DECODERS, Decoder};
pub use random::Random;
pub use seeds::seeds;
