//! The `gzip` encoding: one or more members, RFC 1952; the container is read here because the
//! stream may be cut at any byte of it.

use flate2::{Crc, Decompress};

use super::deflate::inflate;
use super::{EncodingError, Step};

pub(super) const NAME: &str = "gzip";

const HAS_HEADER_CRC: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;

#[derive(Debug)]
pub(super) struct Gzip {
    state: State,
    flags: u8,
    /// Whether a member was completed.
    complete: bool,
    body: Decompress,
    crc: Crc,
}

/// Where in a member the next byte lies, in the order of the format.
#[derive(Clone, Copy, Debug)]
enum State {
    Fixed { at: u8 },
    ExtraLength { low: Option<u8> },
    Extra { left: u16 },
    Name,
    Comment,
    HeaderCrc { left: u8 },
    Body,
    Trailer { bytes: [u8; 8], at: u8 },
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            state: State::Fixed { at: 0 },
            flags: 0,
            complete: false,
            body: Decompress::new(false),
            crc: Crc::new(),
        }
    }

    pub(super) const fn may_end(&self) -> bool {
        matches!(self.state, State::Fixed { at: 0 })
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, EncodingError> {
        let mut read = 0;
        loop {
            if let State::Body = self.state {
                let (step, end) = inflate(&mut self.body, NAME, &input[read..], output)?;
                self.crc.update(&output[..step.written]);
                if end {
                    self.state = State::Trailer { bytes: [0; 8], at: 0 };
                }
                return Ok(Step { read: read + step.read, written: step.written });
            }
            let Some(byte) = input.get(read) else { return Ok(Step { read, written: 0 }) };
            self.container(*byte)?;
            read += 1;
        }
    }

    /// Takes one byte that is not compressed data.
    fn container(&mut self, byte: u8) -> Result<(), EncodingError> {
        self.state = match self.state {
            State::Fixed { at } => {
                match (at, byte) {
                    (0, 0x1f) | (1, 0x8b) | (2, 8) | (3.., _) => {}
                    (0 | 1, _) if self.complete => {
                        return Err(EncodingError::TrailingGarbage { encoding: NAME });
                    }
                    (0 | 1, _) => return Err(corrupt("not gzip")),
                    (2, _) => return Err(corrupt("unknown compression method")),
                }
                if at == 3 {
                    self.flags = byte;
                }
                if at < 9 { State::Fixed { at: at + 1 } } else { self.after_fixed() }
            }
            State::ExtraLength { low: None } => State::ExtraLength { low: Some(byte) },
            State::ExtraLength { low: Some(low) } => match u16::from_le_bytes([low, byte]) {
                0 => self.after_extra(),
                left => State::Extra { left },
            },
            State::Extra { left: 1 } => self.after_extra(),
            State::Extra { left } => State::Extra { left: left - 1 },
            State::Name if byte == 0 => self.after_name(),
            State::Comment if byte == 0 => self.after_comment(),
            State::HeaderCrc { left: 1 } => State::Body,
            State::HeaderCrc { left } => State::HeaderCrc { left: left - 1 },
            State::Trailer { mut bytes, at } => {
                bytes[usize::from(at)] = byte;
                if at < 7 { State::Trailer { bytes, at: at + 1 } } else { self.end(bytes)? }
            }
            unchanged @ (State::Name | State::Comment | State::Body) => unchanged,
        };
        Ok(())
    }

    const fn after_fixed(&self) -> State {
        if self.flags & HAS_EXTRA != 0 {
            State::ExtraLength { low: None }
        } else {
            self.after_extra()
        }
    }

    const fn after_extra(&self) -> State {
        if self.flags & HAS_NAME != 0 { State::Name } else { self.after_name() }
    }

    const fn after_name(&self) -> State {
        if self.flags & HAS_COMMENT != 0 { State::Comment } else { self.after_comment() }
    }

    const fn after_comment(&self) -> State {
        if self.flags & HAS_HEADER_CRC != 0 { State::HeaderCrc { left: 2 } } else { State::Body }
    }

    /// The end of a member: its checksum and length, then perhaps another member.
    fn end(&mut self, [a, b, c, d, e, f, g, h]: [u8; 8]) -> Result<State, EncodingError> {
        let right = u32::from_le_bytes([a, b, c, d]) == self.crc.sum()
            && u32::from_le_bytes([e, f, g, h]) == self.crc.amount();
        if !right {
            return Err(corrupt("checksum does not match"));
        }
        self.complete = true;
        self.crc.reset();
        self.body.reset(false);
        Ok(State::Fixed { at: 0 })
    }
}

const fn corrupt(what: &'static str) -> EncodingError {
    EncodingError::Corrupt { encoding: NAME, what }
}
