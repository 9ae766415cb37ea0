//! `mirrored hello`: hellos of agents, and messages of servers, as the mirror changes them.
#![no_main]

use langley_proxy::fuzz::{mirror, strip};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    mirror(input);
    strip(input);
});
