//! The `zstd` encoding: one or more frames, RFC 8878, with the window that RFC 9659 allows in HTTP.

use std::fmt;

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{EncodingError, Step};

pub(super) const NAME: &str = "zstd";

/// 8 MiB, RFC 9659 § 3.
const WINDOW_LOG_MAX: u32 = 23;

/// First bytes of a frame, RFC 8878 § 3.1.1.
const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// First bytes of a skippable frame, RFC 8878 § 3.1.2; the lower half of the first is free.
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// How many of the present frame's first four bytes have come; none between two frames.
    magic: usize,
    skippable: bool,
    /// Whether a frame was completed.
    complete: bool,
}

impl Zstd {
    pub(super) fn new() -> Result<Self, EncodingError> {
        let failed = |_| corrupt("no decoder could be set up");
        let mut decoder = Decoder::new().map_err(failed)?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(failed)?;
        Ok(Self { decoder, magic: 0, skippable: false, complete: false })
    }

    pub(super) const fn may_end(&self) -> bool {
        self.magic == 0
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, EncodingError> {
        if self.magic == 0 && input.is_empty() {
            return Ok(Step::default());
        }
        for byte in input.iter().take(FRAME.len() - self.magic) {
            self.check_magic(*byte)?;
        }
        let status = self
            .decoder
            .run_on_buffers(input, output)
            .map_err(|_| corrupt("not a Zstandard frame"))?;
        if status.remaining == 0 {
            self.complete = true;
            self.magic = 0;
        }
        Ok(Step { read: status.bytes_read, written: status.bytes_written })
    }

    /// Looks at a frame's first bytes before the decoder does, to tell garbage from damage.
    fn check_magic(&mut self, byte: u8) -> Result<(), EncodingError> {
        if self.magic == 0 {
            self.skippable = byte & 0xf0 == SKIPPABLE[0];
        }
        let same = match (self.magic, self.skippable) {
            (0, true) => true,
            (at, true) => byte == SKIPPABLE[at],
            (at, false) => byte == FRAME[at],
        };
        self.magic += 1;
        match (same, self.complete) {
            (true, _) => Ok(()),
            (false, true) => Err(EncodingError::TrailingGarbage { encoding: NAME }),
            (false, false) => Err(corrupt("not Zstandard")),
        }
    }
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("magic", &self.magic).finish_non_exhaustive()
    }
}

const fn corrupt(what: &'static str) -> EncodingError {
    EncodingError::Corrupt { encoding: NAME, what }
}
