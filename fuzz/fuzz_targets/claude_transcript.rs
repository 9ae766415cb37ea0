//! `claude transcript`, as `cargo xtask fuzz` holds it.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| langley_fuzz::check("claude transcript", input));
