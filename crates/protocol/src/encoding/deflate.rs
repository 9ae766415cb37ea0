//! The `deflate` encoding: zlib by the standard (RFC 1950), raw DEFLATE (RFC 1951) by the habit of
//! some servers; the first two bytes tell.

use flate2::{Decompress, FlushDecompress, Status};

use super::{EncodingError, Step};

pub(super) const NAME: &str = "deflate";

#[derive(Debug)]
pub(super) struct Deflate {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing has come.
    Empty,
    /// One byte has come, which does not tell yet.
    First(u8),
    /// It told.
    Body(Decompress),
    /// The data is complete.
    Done,
}

impl Deflate {
    pub(super) const fn new() -> Self {
        Self { state: State::Empty }
    }

    pub(super) const fn may_end(&self) -> bool {
        matches!(self.state, State::Empty | State::Done)
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, EncodingError> {
        match &mut self.state {
            State::Empty => {
                let Some(first) = input.first() else { return Ok(Step::default()) };
                self.state = State::First(*first);
                Ok(Step { read: 1, written: 0 })
            }
            State::First(first) => {
                let (first, Some(second)) = (*first, input.first()) else {
                    return Ok(Step::default());
                };
                let mut body = Decompress::new(is_zlib(first, *second));
                inflate(&mut body, NAME, &[first], output)?;
                self.state = State::Body(body);
                self.step(input, output)
            }
            State::Body(body) => {
                let (step, end) = inflate(body, NAME, input, output)?;
                if end {
                    self.state = State::Done;
                }
                Ok(step)
            }
            State::Done if input.is_empty() => Ok(Step::default()),
            State::Done => Err(EncodingError::TrailingGarbage { encoding: NAME }),
        }
    }
}

/// RFC 1950 § 2.2: method 8, window at most 32 KiB, and a multiple of 31. A raw stream cannot
/// begin so: it would be a stored block whose padding is not zero.
const fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// One step of DEFLATE; `true` at its end.
pub(super) fn inflate(
    body: &mut Decompress,
    encoding: &'static str,
    input: &[u8],
    output: &mut [u8],
) -> Result<(Step, bool), EncodingError> {
    let (read, written) = (body.total_in(), body.total_out());
    let status = body
        .decompress(input, output, FlushDecompress::None)
        .map_err(|_| EncodingError::Corrupt { encoding, what: "not a DEFLATE stream" })?;
    let step = Step {
        read: usize::try_from(body.total_in() - read).unwrap_or(usize::MAX),
        written: usize::try_from(body.total_out() - written).unwrap_or(usize::MAX),
    };
    Ok((step, status == Status::StreamEnd))
}
