//! Packing: zstd where it helps, with two contexts for all writes, one of them for what is small.

use std::io;

use zstd::bulk::Compressor;

use crate::error::StoreError;

/// Bytes as they are.
pub(crate) const PLAIN: i64 = 0;
/// Bytes compressed by zstd.
pub(crate) const ZSTD: i64 = 1;

/// Level 1: the writer shares two cores with the agent, and stream events shrink well at any level.
const LEVEL: i32 = 1;
/// Below this compressing costs more than it wins.
const WORTH_BYTES: usize = 1024;
/// Below this, building the tables of a compressed text costs the most; a level without them takes a
/// quarter less time and an eighth more room.
const SMALL_BYTES: usize = 4096;
const SMALL_LEVEL: i32 = -1;

/// The reused compression contexts.
pub(crate) struct Packer {
    /// For blocks, and for what is small.
    compressors: [Option<Compressor<'static>>; 2],
    out: Vec<u8>,
}

impl Packer {
    /// A packer; its contexts are made at their first use, an idle store holds none.
    pub(crate) const fn new() -> Self {
        Self { compressors: [const { None }; 2], out: Vec::new() }
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
        let small = raw.len() < SMALL_BYTES;
        let compressor = match &mut self.compressors[usize::from(small)] {
            Some(compressor) => compressor,
            empty => empty.insert(Compressor::new(if small { SMALL_LEVEL } else { LEVEL })?),
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
