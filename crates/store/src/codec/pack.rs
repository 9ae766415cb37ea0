//! Packing: zstd where it helps, with one context for all writes.

use std::io;

use zstd::bulk::Compressor;

use crate::error::StoreError;

/// Bytes as they are.
pub(crate) const PLAIN: i64 = 0;
/// Bytes compressed by zstd.
pub(crate) const ZSTD: i64 = 1;

/// Level 1: the writer shares two cores with the agent, and stream events shrink well at any level.
const LEVEL: i32 = 1;
/// Below this nothing is won.
const WORTH_BYTES: usize = 128;

/// The reused compression context.
pub(crate) struct Packer {
    compressor: Option<Compressor<'static>>,
    out: Vec<u8>,
}

impl Packer {
    /// A packer; its context is made at the first use, an idle store holds none.
    pub(crate) const fn new() -> Self {
        Self { compressor: None, out: Vec::new() }
    }

    /// `raw` packed, with its codec. Falls back to the bytes as they are.
    pub(crate) fn pack<'a>(&'a mut self, raw: &'a [u8]) -> (i64, &'a [u8]) {
        if raw.len() < WORTH_BYTES {
            return (PLAIN, raw);
        }
        match self.compress(raw) {
            Ok(len) if len < raw.len() => (ZSTD, &self.out[..len]),
            _ => (PLAIN, raw),
        }
    }

    fn compress(&mut self, raw: &[u8]) -> io::Result<usize> {
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            empty => empty.insert(Compressor::new(LEVEL)?),
        };
        self.out.clear();
        self.out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        compressor.compress_to_buffer(raw, &mut self.out)
    }

    /// Gives a large output buffer back.
    pub(crate) fn rest(&mut self) {
        if self.out.capacity() > 256 * 1024 {
            self.out = Vec::new();
        }
    }
}

/// Undoes [`Packer::pack`]; `raw_len` is the length before packing.
pub(crate) fn unpack(codec: i64, raw_len: i64, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let damaged = || StoreError::Decode { what: "content" };
    match codec {
        PLAIN => Ok(bytes.to_vec()),
        ZSTD => {
            let capacity = usize::try_from(raw_len).map_err(|_| damaged())?;
            zstd::bulk::decompress(bytes, capacity).map_err(|_| damaged())
        }
        _ => Err(damaged()),
    }
}
