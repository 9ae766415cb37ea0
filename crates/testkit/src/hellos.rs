//! ClientHellos that real clients sent to a loopback socket.

use std::path::Path;

/// The bytes that hexadecimal digits stand for.
///
/// # Panics
///
/// Where they are none.
#[must_use]
pub fn hex_bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a hexadecimal digit");
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).expect("a byte")).collect()
}

/// Captured hellos by name, each in one record (`crates/proxy/hellos`).
///
/// # Panics
///
/// Where they cannot be read.
#[must_use]
pub fn captured_hellos() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proxy/hellos");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of hellos")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("text");
            let message = hex_bytes(&text.split_whitespace().collect::<String>());
            let len = u16::try_from(message.len()).expect("one record").to_be_bytes();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, [&[22, 3, 1], len.as_slice(), &message].concat())
        })
        .collect();
    all.sort();
    all
}
