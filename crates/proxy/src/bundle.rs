//! `bundle.pem`: the system's roots and Langley's, for variables that replace a trust store.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes the system's roots, the PEM texts of `extra` (such as a company's own roots) and `ours` to
/// `path`; nothing is written when the file already says the same. When the system has no roots,
/// the file holds only the others, and agents fall back to what they carry themselves.
///
/// # Errors
/// The file cannot be written.
pub fn write_bundle(path: &Path, ours: &str, extra: &[String]) -> io::Result<()> {
    let mut text = String::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(&certificate);
        for line in encoded.as_bytes().chunks(64) {
            text.push_str(std::str::from_utf8(line).unwrap_or_default());
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    for pem in extra.iter().map(String::as_str).chain([ours]) {
        let _infallible = writeln!(text, "{}", pem.trim_end());
    }
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}
