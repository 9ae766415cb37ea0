//! JA4, the TLS client fingerprint.
//!
//! Algorithm: FoxIO's published description of JA4 (BSD 3-Clause; not JA4+). The parts are
//! `t` (TCP), version, `d`/`i` (SNI or not), number of ciphers, number of extensions, first and
//! last character of the first ALPN value; a hash of the sorted ciphers; a hash of the sorted
//! extensions (SNI and ALPN excepted) with the signature algorithms in their own order. GREASE
//! counts nowhere.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{ALPN, ClientHello, SERVER_NAME, is_grease};

pub(super) fn fingerprint(hello: &ClientHello) -> String {
    let ciphers = without_grease(&hello.ciphers);
    let extensions = without_grease(&hello.extensions);
    let head = format!(
        "t{version}{sni}{ciphers:02}{extensions:02}{alpn}",
        version = version(hello),
        sni = if extensions.contains(&SERVER_NAME) { 'd' } else { 'i' },
        ciphers = ciphers.len().min(99),
        extensions = extensions.len().min(99),
        alpn = alpn(hello.alpn.first().map_or(&[], Vec::as_slice)),
    );
    format!("{head}_{}_{}", cipher_hash(ciphers), extension_hash(extensions, hello))
}

fn without_grease(values: &[u16]) -> Vec<u16> {
    values.iter().copied().filter(|value| !is_grease(*value)).collect()
}

/// The highest version offered.
fn version(hello: &ClientHello) -> &'static str {
    let highest = without_grease(&hello.versions).into_iter().max();
    match highest.unwrap_or(hello.legacy_version) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// First and last character of the protocol's name; of its hexadecimal form when they are neither
/// letters nor digits.
fn alpn(name: &[u8]) -> String {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [char::from(*first), char::from(*last)].iter().collect()
    } else {
        format!("{:x}{:x}", first >> 4, last & 0x0f)
    }
}

fn cipher_hash(mut ciphers: Vec<u16>) -> String {
    if ciphers.is_empty() {
        return NOTHING.to_owned();
    }
    ciphers.sort_unstable();
    short_hash(&listed(&ciphers))
}

fn extension_hash(extensions: Vec<u16>, hello: &ClientHello) -> String {
    if extensions.is_empty() {
        return NOTHING.to_owned();
    }
    let mut extensions = extensions;
    extensions.retain(|kind| *kind != SERVER_NAME && *kind != ALPN);
    extensions.sort_unstable();
    let mut text = listed(&extensions);
    let algorithms = without_grease(&hello.signature_algorithms);
    if !algorithms.is_empty() {
        text.push('_');
        text.push_str(&listed(&algorithms));
    }
    short_hash(&text)
}

/// In place of a hash when there is nothing to hash.
const NOTHING: &str = "000000000000";

fn listed(values: &[u16]) -> String {
    values.iter().map(|value| format!("{value:04x}")).collect::<Vec<_>>().join(",")
}

/// The first twelve hexadecimal digits of SHA-256.
fn short_hash(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(6).fold(String::with_capacity(12), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
