//! Packing: zstd where it helps, with a context for each kind of content, shared by all writes.
//! A writer in a hurry packs nothing.

use std::io;

use zstd::bulk::Compressor;

use crate::error::StoreError;

/// Bytes as they are.
pub(crate) const PLAIN: i64 = 0;
/// Bytes compressed by zstd.
pub(crate) const ZSTD: i64 = 1;
/// Added to the codec of a recipe: what is packed are not the bytes of a body but the list of its pieces.
pub(crate) const RECIPE: i64 = 2;

/// Level 1: the writer shares two cores with the agent, and stream events shrink well at any level.
const LEVEL: i32 = 1;
/// Below this compressing costs more than it wins.
const WORTH_BYTES: usize = 1024;
/// Below this, building the tables of a compressed text costs the most; a level without them takes a
/// quarter less time and an eighth more room.
const SMALL_BYTES: usize = 4096;
const SMALL_LEVEL: i32 = -1;

/// A piece is written once and kept for many requests: it may cost more. Even a hundred bytes of JSON
/// become fewer.
const PIECE_LEVEL: i32 = 3;
const PIECE_WORTH_BYTES: usize = 64;

/// The reused compression contexts.
pub(crate) struct Packer {
    /// One for each level.
    compressors: [Option<Compressor<'static>>; 3],
    hurry: bool,
    out: Vec<u8>,
}

impl Packer {
    /// A packer; its contexts are made at their first use, an idle store holds none.
    pub(crate) const fn new() -> Self {
        Self { compressors: [const { None }; 3], hurry: false, out: Vec::new() }
    }

    /// Whether speed counts before room, until it is said otherwise.
    pub(crate) const fn hurry(&mut self, hurry: bool) {
        self.hurry = hurry;
    }

    /// Whether speed counts before room.
    pub(crate) const fn is_hurried(&self) -> bool {
        self.hurry
    }

    /// `raw` packed, with its codec. Falls back to the bytes as they are.
    pub(crate) fn pack<'a>(&'a mut self, raw: &'a [u8]) -> (i64, &'a [u8]) {
        // What finds no room in a crowded queue is lost; room on the disk comes back.
        if raw.len() < WORTH_BYTES {
            return (PLAIN, raw);
        }
        self.pack_at(usize::from(raw.len() < SMALL_BYTES), raw)
    }

    /// As [`Self::pack`], for a piece or a recipe.
    pub(crate) fn pack_piece<'a>(&'a mut self, raw: &'a [u8]) -> (i64, &'a [u8]) {
        if raw.len() < PIECE_WORTH_BYTES { (PLAIN, raw) } else { self.pack_at(2, raw) }
    }

    fn pack_at<'a>(&'a mut self, place: usize, raw: &'a [u8]) -> (i64, &'a [u8]) {
        if self.hurry {
            return (PLAIN, raw);
        }
        match self.compress(place, raw) {
            Ok(len) if len < raw.len() => (ZSTD, &self.out[..len]),
            _ => (PLAIN, raw),
        }
    }

    fn compress(&mut self, place: usize, raw: &[u8]) -> io::Result<usize> {
        let compressor = match &mut self.compressors[place] {
            Some(compressor) => compressor,
            empty => empty.insert(Compressor::new([LEVEL, SMALL_LEVEL, PIECE_LEVEL][place])?),
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
    match codec & !RECIPE {
        PLAIN => Ok(bytes.to_vec()),
        ZSTD => {
            let capacity = usize::try_from(raw_len).map_err(|_| damaged())?;
            zstd::bulk::decompress(bytes, capacity).map_err(|_| damaged())
        }
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hurried_packer_packs_nothing_and_reads_back_the_same() {
        let text: String =
            (0..4_000).map(|n| format!("event {} of {n};", n * 7_919 % 1_000)).collect();
        let mut packer = Packer::new();
        let mut lengths = Vec::new();
        for hurry in [false, true] {
            packer.hurry(hurry);
            let (codec, bytes) = packer.pack(text.as_bytes());
            let read = unpack(codec, text.len() as i64, bytes).unwrap();
            assert_eq!(read, text.as_bytes());
            lengths.push(bytes.len());
        }
        assert!(lengths[0] < text.len() / 2 && lengths[1] == text.len(), "{lengths:?}");
    }
}
