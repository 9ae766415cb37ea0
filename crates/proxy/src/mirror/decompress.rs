//! Compressed certificates (RFC 8879), which Chromium offers to take. The library's own decompressors
//! would be offered natively too, and change that hello.

use std::io::Read;

use rustls::CertificateCompressionAlgorithm;
use rustls::compress::{CertDecompressor, DecompressionFailed};

/// All there are.
pub(super) const DECOMPRESSORS: [&dyn CertDecompressor; 1] = [&Brotli];

#[derive(Debug)]
struct Brotli;

impl CertDecompressor for Brotli {
    /// The result must fill `output` exactly; more is never unpacked than fits.
    fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
        let mut unpacked = brotli::Decompressor::new(input, 4096);
        unpacked.read_exact(output).map_err(|_| DecompressionFailed)?;
        match unpacked.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) | Err(_) => Err(DecompressionFailed),
        }
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        CertificateCompressionAlgorithm::Brotli
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fills_the_declared_length_is_taken() {
        let mut packed = Vec::new();
        let mut plain: &[u8] = b"certificate";
        brotli::BrotliCompress(&mut plain, &mut packed, &Default::default()).unwrap();
        let unpack = |input: &[u8], len| {
            let mut output = vec![0; len];
            Brotli.decompress(input, &mut output).ok().map(|()| output)
        };
        assert_eq!(unpack(&packed, 11).as_deref(), Some(b"certificate".as_slice()));
        assert_eq!(unpack(&packed, 10), None);
        assert_eq!(unpack(&packed, 12), None);
        assert_eq!(unpack(&packed[..packed.len() - 2], 11), None);
    }
}
