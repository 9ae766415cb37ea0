//! The `br` encoding, RFC 7932 (without the large-window extension, which HTTP does not use).

use std::fmt;

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::{EncodingError, Step};

pub(super) const NAME: &str = "br";

pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    total: usize,
    begun: bool,
    done: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        let state = BrotliState::new_strict(alloc(), alloc(), alloc());
        Self { state, total: 0, begun: false, done: false }
    }

    pub(super) const fn may_end(&self) -> bool {
        self.done || !self.begun
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, EncodingError> {
        if self.done {
            return if input.is_empty() {
                Ok(Step::default())
            } else {
                Err(EncodingError::TrailingGarbage { encoding: NAME })
            };
        }
        self.begun |= !input.is_empty();
        let mut step = Step::default();
        let result = BrotliDecompressStream(
            &mut input.len(),
            &mut step.read,
            input,
            &mut output.len(),
            &mut step.written,
            output,
            &mut self.total,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultSuccess => self.done = true,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultFailure => {
                let what = "not a Brotli stream";
                return Err(EncodingError::Corrupt { encoding: NAME, what });
            }
        }
        Ok(step)
    }
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").field("total", &self.total).finish_non_exhaustive()
    }
}
