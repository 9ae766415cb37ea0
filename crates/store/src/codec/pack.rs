//! Packing: zstd where it helps, with a context for each kind of content, shared by all writes.
//! A writer in a hurry packs nothing.

use std::io;
use std::sync::LazyLock;

use parking_lot::Mutex;
use zstd::bulk::Compressor;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{CParameter, DCtx, SafeResult};

use crate::error::StoreError;

/// Bytes as they are.
pub(crate) const PLAIN: i64 = 0;
/// Bytes compressed by zstd.
pub(crate) const ZSTD: i64 = 1;
/// Added to the codec of a recipe: what is packed are not the bytes of a body but the list of its pieces.
pub(crate) const RECIPE: i64 = 2;
/// Added to the codec of what is compressed with another content as its dictionary. Of a content its row
/// says which; of events it is their flow's message.
pub(crate) const BASED: i64 = 4;
/// Added to the codec of what is compressed with the [`SHAPES`] in its dictionary.
pub(crate) const PRIMED: i64 = 8;

const PRIMED_ZSTD: i64 = PRIMED | ZSTD;

/// What small contents are made of that would otherwise be new in each: headers, and the JSON around the
/// words. It must never change, or what was packed with it is lost; a better one needs a codec of its own.
const SHAPES: &[u8] = include_bytes!("shapes.txt");

/// What every zstd frame begins with (RFC 8878 §3.1.1); left out of those with a dictionary, which are many
/// and small.
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// No byte of a frame stands for more: a block of 128 KB takes at least a head of three and one that is
/// repeated (RFC 8878 §3.1.1.2).
const MOST_OF_A_BYTE: usize = 128 * 1024 / 4;

/// Longer contents have shapes enough of their own.
const PRIMED_BYTES: usize = 32 * 1024;

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(SHAPES, DICTIONARY_LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(SHAPES));

/// Contexts for unpacking that nobody uses at the moment. A new one asks the processor what it can do, and on a virtual
/// machine the answer takes longer than the unpacking.
static IDLE: Mutex<Vec<DCtx<'static>>> = Mutex::new(Vec::new());
/// The most of them; each takes 100 KB.
const IDLE_MAX: usize = 4;

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
/// With a dictionary there is more to be found: a quarter more time than at the level above, and a seventh
/// less room for events.
const DICTIONARY_LEVEL: i32 = 7;
const PIECE_WORTH_BYTES: usize = 64;

/// How much is done for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// All that helps.
    All,
    /// What costs little: much waits to be written.
    Little,
    /// Nothing: more waits than may be.
    None,
}

/// The reused compression contexts.
pub(crate) struct Packer {
    /// One for each level.
    compressors: [Option<Compressor<'static>>; 3],
    /// The one with another content as its dictionary.
    against: Option<Compressor<'static>>,
    /// The one with the shapes as its dictionary.
    primed: Option<Compressor<'static>>,
    /// Room for a dictionary.
    base: Vec<u8>,
    effort: Effort,
    out: Vec<u8>,
}

impl Packer {
    /// A packer; its contexts are made at their first use, an idle store holds none.
    pub(crate) const fn new() -> Self {
        Self {
            compressors: [const { None }; 3],
            against: None,
            primed: None,
            base: Vec::new(),
            effort: Effort::All,
            out: Vec::new(),
        }
    }

    /// How much is done for room, until it is said otherwise.
    pub(crate) const fn exert(&mut self, effort: Effort) {
        self.effort = effort;
    }

    /// Begins anew: what it was at may be half done.
    pub(crate) fn renew(&mut self) {
        *self = Self { effort: self.effort, ..Self::new() };
    }

    /// Whether nothing is packed.
    pub(crate) const fn is_hurried(&self) -> bool {
        matches!(self.effort, Effort::None)
    }

    /// Whether nothing is spared.
    pub(crate) const fn is_thorough(&self) -> bool {
        matches!(self.effort, Effort::All)
    }

    /// `raw` packed, with its codec. Falls back to the bytes as they are.
    pub(crate) fn pack<'a>(&'a mut self, raw: &'a [u8]) -> (i64, &'a [u8]) {
        // What finds no room in a crowded queue is lost; room on the disk comes back.
        if raw.len() < WORTH_BYTES {
            return (PLAIN, raw);
        }
        self.pack_at(usize::from(raw.len() < SMALL_BYTES), raw)
    }

    /// As [`Self::pack`], for what is written once and kept.
    pub(crate) fn pack_piece<'a>(&'a mut self, raw: &'a [u8]) -> (i64, &'a [u8]) {
        if !self.is_thorough() {
            return self.pack(raw);
        }
        if raw.len() < PIECE_WORTH_BYTES {
            return (PLAIN, raw);
        }
        if raw.len() > PRIMED_BYTES {
            return self.pack_at(2, raw);
        }
        match self.compress_primed(raw) {
            Ok(len) if len < raw.len() => (ZSTD | PRIMED, &self.out[MAGIC.len()..len]),
            _ => (PLAIN, raw),
        }
    }

    fn compress_primed(&mut self, raw: &[u8]) -> io::Result<usize> {
        let compressor = match &mut self.primed {
            Some(compressor) => compressor,
            empty => empty.insert(checked(Compressor::with_prepared_dictionary(&ENCODER)?)?),
        };
        self.out.clear();
        self.out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        compressor.compress_to_buffer(raw, &mut self.out)
    }

    fn pack_at<'a>(&'a mut self, place: usize, raw: &'a [u8]) -> (i64, &'a [u8]) {
        if self.is_hurried() {
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

    /// `raw` compressed with `base` and the shapes as its dictionary, and its codec; none when much waits,
    /// or nothing is won. Only [`unpack_against`] the same bytes reads it; a checksum tells when they
    /// are others.
    pub(crate) fn pack_against(&mut self, base: &[u8], raw: &[u8]) -> Option<(i64, &[u8])> {
        if !self.is_thorough() || raw.len() < PIECE_WORTH_BYTES {
            return None;
        }
        let len = self.compress_against(base, raw).ok()?;
        (len < raw.len()).then_some((ZSTD | BASED | PRIMED, &self.out[MAGIC.len()..len]))
    }

    /// What [`Self::pack_against`] made last.
    pub(crate) fn packed_against(&self) -> &[u8] {
        self.out.get(MAGIC.len()..).unwrap_or_default()
    }

    fn compress_against(&mut self, base: &[u8], raw: &[u8]) -> io::Result<usize> {
        let compressor = match &mut self.against {
            Some(compressor) => compressor,
            empty => empty.insert(checked(Compressor::new(DICTIONARY_LEVEL)?)?),
        };
        self.base.clear();
        self.base.extend_from_slice(SHAPES);
        self.base.extend_from_slice(base);
        compressor.set_dictionary(DICTIONARY_LEVEL, &self.base)?;
        // All of the base must be within reach.
        let reach = (self.base.len() + raw.len()).next_power_of_two().trailing_zeros();
        compressor.set_parameter(CParameter::WindowLog(reach.clamp(10, 27)))?;
        self.out.clear();
        self.out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        compressor.compress_to_buffer(raw, &mut self.out)
    }

    /// Gives a large output buffer back.
    pub(crate) fn rest(&mut self) {
        for room in [&mut self.out, &mut self.base] {
            if room.capacity() > 256 * 1024 {
                *room = Vec::new();
            }
        }
    }
}

/// A compressor of frames that need a dictionary: with a checksum, because another one may make bytes of
/// them as well, and without their length, which stands in the row.
fn checked(mut compressor: Compressor<'_>) -> io::Result<Compressor<'_>> {
    compressor.include_checksum(true)?;
    compressor.include_contentsize(false)?;
    Ok(compressor)
}

/// Undoes [`Packer::pack`]; `raw_len` is the length before packing.
pub(crate) fn unpack(codec: i64, raw_len: i64, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let raw = match codec & !RECIPE {
        PLAIN => Some(bytes.to_vec()),
        ZSTD => decompress(raw_len, bytes, DCtx::decompress),
        PRIMED_ZSTD => decompress(raw_len, &framed(bytes), |with, raw, frame| {
            with.decompress_using_ddict(raw, frame, DECODER.as_ddict())
        }),
        _ => None,
    };
    raw.ok_or(StoreError::Decode { what: "content" })
}

/// Undoes [`Packer::pack_against`].
pub(crate) fn unpack_against(
    base: &[u8],
    raw_len: i64,
    bytes: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let whole = [SHAPES, base].concat();
    decompress(raw_len, &framed(bytes), |with, raw, frame| {
        with.decompress_using_dict(raw, frame, &whole)
    })
    .ok_or(StoreError::Decode { what: "content that is packed against another" })
}

/// What a frame holds, if that is `raw_len` bytes. A damaged length asks for no more memory than the frame
/// can fill, and gets none that is not there.
fn decompress(
    raw_len: i64,
    frame: &[u8],
    by: impl FnOnce(&mut DCtx<'static>, &mut Vec<u8>, &[u8]) -> SafeResult,
) -> Option<Vec<u8>> {
    let raw_len = usize::try_from(raw_len).ok()?;
    if raw_len / MOST_OF_A_BYTE > frame.len() {
        return None;
    }
    let mut raw = Vec::new();
    raw.try_reserve_exact(raw_len).ok()?;
    let idle = IDLE.lock().pop();
    let mut with = idle.or_else(DCtx::try_create)?;
    let len = by(&mut with, &mut raw, frame).ok();
    let mut idle = IDLE.lock();
    if idle.len() < IDLE_MAX {
        idle.push(with);
    }
    drop(idle);
    (len? == raw_len).then_some(raw)
}

/// A frame with its beginning.
fn framed(bytes: &[u8]) -> Vec<u8> {
    [&MAGIC[..], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_are_those_that_stores_were_packed_with() {
        let hash = blake3::hash(SHAPES).to_hex();
        assert_eq!(&hash.as_str()[..16], "a81fd7a5fdcf2843");
        let small =
            br#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01x"}]}"#;
        let mut packer = Packer::new();
        let (codec, bytes) = packer.pack_piece(small);
        assert_eq!(codec, ZSTD | PRIMED);
        assert!(bytes.len() < small.len() / 2, "{}", bytes.len());
        assert_eq!(unpack(codec, small.len() as i64, bytes).unwrap(), small);
    }

    #[test]
    fn what_is_packed_against_another_content_needs_just_that_one() {
        let text = |from: u32| -> Vec<u8> {
            (from..from + 400)
                .flat_map(|n| format!("{} ", n * 7_919 % 10_007).into_bytes())
                .collect()
        };
        let (base, raw) = (text(100), text(120));
        let mut packer = Packer::new();
        let alone = packer.pack_piece(&raw).1.len();
        let bytes = packer.pack_against(&base, &raw).unwrap().1.to_vec();
        assert!(bytes.len() * 8 < alone, "{} of {alone}", bytes.len());
        let len = raw.len() as i64;
        assert_eq!(unpack_against(&base, len, &bytes).unwrap(), raw);
        // Another base, a changed one, another length: an error, never other bytes.
        let mut changed = base.clone();
        changed[base.len() / 2] ^= 1;
        for (base, len) in [(&text(90), len), (&changed, len), (&base, len - 1), (&base, len + 1)] {
            assert!(unpack_against(base, len, &bytes).is_err());
        }
        for effort in [Effort::Little, Effort::None] {
            packer.exert(effort);
            assert_eq!(packer.pack_against(&base, &raw), None);
        }
    }

    #[test]
    fn damage_is_an_error_and_never_other_bytes_nor_all_memory() {
        let (mut small, large) = (SHAPES[90..400].to_vec(), b"much of the same. ".repeat(4_000));
        small.reverse();
        let mut packer = Packer::new();
        let against = packer.pack_against(&small, &large).unwrap().1.to_vec();
        for raw in [&small, &large] {
            let (codec, bytes) = packer.pack_piece(raw);
            let bytes = bytes.to_vec();
            let len = raw.len() as i64;
            assert_eq!(codec, if len < 1_000 { PRIMED_ZSTD } else { ZSTD });
            assert_eq!(unpack(codec, len, &bytes).unwrap(), *raw);
            for damaged in [-1, 0, len - 1, len + 1, 1 << 30, 1 << 45, 1 << 62, i64::MAX] {
                assert!(unpack(codec, damaged, &bytes).is_err(), "{codec} {damaged}");
                assert!(unpack_against(&small, damaged, &against).is_err(), "{damaged}");
            }
        }
        // Of frames with a checksum, whatever bit it is.
        let primed = packer.pack_piece(&small).1.to_vec();
        for bit in 0..primed.len() * 8 {
            let mut bytes = primed.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = unpack(PRIMED_ZSTD, small.len() as i64, &bytes);
            assert!(read.is_err() || read.unwrap() == small, "bit {bit}");
        }
    }

    #[test]
    fn frames_without_a_checksum_stay_readable() {
        let raw = &SHAPES[..200];
        let mut compressor = Compressor::with_prepared_dictionary(&ENCODER).unwrap();
        compressor.include_contentsize(false).unwrap();
        let frame = compressor.compress(raw).unwrap();
        assert_eq!(unpack(PRIMED_ZSTD, 200, &frame[MAGIC.len()..]).unwrap(), raw);
    }

    #[test]
    fn a_hurried_packer_packs_nothing_and_reads_back_the_same() {
        let text: String =
            (0..4_000).map(|n| format!("event {} of {n};", n * 7_919 % 1_000)).collect();
        let mut packer = Packer::new();
        let mut lengths = Vec::new();
        for effort in [Effort::All, Effort::Little, Effort::None] {
            packer.exert(effort);
            let (codec, bytes) = packer.pack(text.as_bytes());
            let read = unpack(codec, text.len() as i64, bytes).unwrap();
            assert_eq!(read, text.as_bytes());
            lengths.push(bytes.len());
        }
        assert!(lengths[0] < text.len() / 2 && lengths[1] == lengths[0], "{lengths:?}");
        assert_eq!(lengths[2], text.len());
    }
}
