//! WebSocket frames of one direction, read beside the connection: unmasked, put together, inflated.
//!
//! Formats: RFC 6455 (frames, fragments, control frames) and RFC 7692 (permessage-deflate).

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

/// The longest header of a frame: two bytes, eight of length, four of mask (RFC 6455 §5.2).
const HEADER_MAX: usize = 14;

/// The longest payload of a control frame (RFC 6455 §5.5).
const CONTROL_MAX: u64 = 125;

/// What a compressed message is followed by before it is inflated (RFC 7692 §7.2.2).
const FLUSHED: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Bytes inflated at a time.
const PIECE: usize = 16 * 1024;

/// What one message may inflate to before the direction is given up: a bound on work.
const INFLATED_MAX: u64 = 256 << 20;

/// A message, or a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// UTF-8, unless the sender erred.
    Text(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
    /// A sign of life.
    Ping,
    /// The answer to one.
    Pong,
    /// The sender will send nothing more.
    Close {
        /// Why (RFC 6455 §7.4); none when it does not say.
        code: Option<u16>,
        /// The same in words, at most 123 bytes; UTF-8, unless the sender erred.
        text: &'a [u8],
    },
    /// A message larger than is kept, of which this many bytes were seen.
    Oversized(u64),
}

/// Why frames of a direction cannot be read any more. Traffic is not concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Bytes that are no frame: a reserved bit or a kind that nobody has agreed on, a fragment
    /// without a beginning, or a length that no frame has.
    #[error("what was sent is no WebSocket frame ({0})")]
    NotAFrame(&'static str),
    /// A message that says it is compressed and is not.
    #[error("a WebSocket message could not be inflated")]
    Corrupt,
    /// A message inflates to more than 256 MiB.
    #[error("a WebSocket message inflates to more than 256 MiB")]
    Bomb,
    /// Bytes are missing.
    #[error("a piece of the WebSocket's frames was not captured")]
    Gap,
}

/// What the two ends have agreed on, for one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compression {
    /// Whether messages may be compressed.
    pub deflate: bool,
    /// Whether each message is compressed for itself.
    pub no_context_takeover: bool,
}

impl Compression {
    /// Reads `sec-websocket-extensions` of the answer to an upgrade; `client` for the direction from
    /// the client.
    #[must_use]
    pub fn agreed(extensions: &str, client: bool) -> Self {
        let mut agreed = Self::default();
        let own = if client { "client_no_context_takeover" } else { "server_no_context_takeover" };
        for extension in extensions.split(',') {
            let mut words = extension.split(';').map(str::trim);
            if words.next() == Some("permessage-deflate") {
                agreed.deflate = true;
                agreed.no_context_takeover = words.any(|word| word == own);
            }
        }
        agreed
    }
}

/// Reads the frames of one direction. Its memory is bounded by the largest message that is kept.
pub struct FrameDecoder {
    compression: Compression,
    max: usize,
    header: [u8; HEADER_MAX],
    header_len: usize,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The message that is being put together.
    message: Option<Started>,
    kept: Vec<u8>,
    control: Vec<u8>,
    inflate: Option<Box<Decompress>>,
    /// Bytes of the present message.
    seen: u64,
    error: Option<FrameError>,
}

#[derive(Clone, Copy)]
struct Frame {
    kind: Kind,
    fin: bool,
    left: u64,
    mask: Option<[u8; 4]>,
    /// Bytes of the payload so far: the mask goes round with them.
    at: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Ping,
    Pong,
    Close,
}

#[derive(Clone, Copy)]
struct Started {
    text: bool,
    compressed: bool,
}

impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDecoder")
            .field("compression", &self.compression)
            .field("kept", &self.kept.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl FrameDecoder {
    /// A decoder at the first byte after the upgrade, which keeps messages of at most `max` bytes.
    #[must_use]
    pub fn new(compression: Compression, max: usize) -> Self {
        Self {
            compression,
            max,
            header: [0; HEADER_MAX],
            header_len: 0,
            frame: None,
            message: None,
            kept: Vec::new(),
            control: Vec::new(),
            inflate: None,
            seen: 0,
            error: None,
        }
    }

    /// Why nothing is read any more.
    #[must_use]
    pub const fn error(&self) -> Option<FrameError> {
        self.error
    }

    /// Bytes are missing here: without them the next frame's beginning is unknown.
    pub fn gap(&mut self) {
        self.fail(FrameError::Gap);
    }

    /// Takes the next bytes; hands out each message that is whole now.
    pub fn feed(&mut self, mut data: &[u8], each: &mut dyn FnMut(Message<'_>)) {
        while self.error.is_none() && !data.is_empty() {
            let Some(frame) = self.frame else {
                let used = self.read_header(data);
                data = &data[used..];
                self.end_of_empty(each);
                continue;
            };
            let len = usize::try_from(frame.left).unwrap_or(usize::MAX).min(data.len());
            let (payload, rest) = data.split_at(len);
            data = rest;
            if let Err(error) = self.payload(frame, payload) {
                self.fail(error);
                return;
            }
            let left = frame.left - len as u64;
            self.frame = Some(Frame { left, at: frame.at + len as u64, ..frame });
            if left == 0 {
                self.end_frame(each);
            }
        }
    }

    fn fail(&mut self, error: FrameError) {
        self.error.get_or_insert(error);
        self.kept = Vec::new();
        self.control = Vec::new();
        self.inflate = None;
        self.message = None;
        self.frame = None;
    }

    /// Takes bytes of a header; returns how many.
    fn read_header(&mut self, data: &[u8]) -> usize {
        let mut used = 0;
        loop {
            let needed = self.header_needs();
            if self.header_len == needed {
                self.begin_frame();
                return used;
            }
            let Some(byte) = data.get(used) else { return used };
            self.header[self.header_len] = *byte;
            self.header_len += 1;
            used += 1;
        }
    }

    /// Length of the header, as far as it is known.
    const fn header_needs(&self) -> usize {
        if self.header_len < 2 {
            return 2;
        }
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    fn begin_frame(&mut self) {
        let header = self.header;
        let len = std::mem::take(&mut self.header_len);
        let (left, after) = match header[1] & 0x7f {
            126 => (u64::from(u16::from_be_bytes([header[2], header[3]])), 4),
            127 => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(&header[2..10]);
                if bytes[0] & 0x80 != 0 {
                    return self.fail(FrameError::NotAFrame("a length beyond 63 bits"));
                }
                (u64::from_be_bytes(bytes), 10)
            }
            short => (u64::from(short), 2),
        };
        let mask = (len > after).then(|| [0, 1, 2, 3].map(|n: usize| header[after + n]));
        let (fin, reserved) = (header[0] & 0x80 != 0, header[0] & 0x70);
        let compressed = reserved == 0x40 && self.compression.deflate;
        if reserved != 0 && !compressed {
            return self.fail(FrameError::NotAFrame("a reserved bit is set"));
        }
        let kind = match header[0] & 0x0f {
            opcode @ (1 | 2) => {
                if self.message.is_some() {
                    return self.fail(FrameError::NotAFrame("a message within a message"));
                }
                self.message = Some(Started { text: opcode == 1, compressed });
                self.seen = 0;
                Kind::Data
            }
            0 if self.message.is_some() && !compressed => Kind::Data,
            0 => return self.fail(FrameError::NotAFrame("a fragment without a beginning")),
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => return self.fail(FrameError::NotAFrame("an unknown kind")),
        };
        if kind != Kind::Data && (left > CONTROL_MAX || !fin || compressed) {
            return self.fail(FrameError::NotAFrame(
                "a control frame that is too long, in parts or compressed",
            ));
        }
        self.frame = Some(Frame { kind, fin, left, mask, at: 0 });
    }

    fn payload(&mut self, frame: Frame, payload: &[u8]) -> Result<(), FrameError> {
        let is_compressed = self.message.is_some_and(|message| message.compressed);
        let announced = self.seen.saturating_add(frame.left);
        if frame.kind == Kind::Data && !is_compressed && announced > self.max as u64 {
            // Its header has said already that it will not be kept.
            self.kept = Vec::new();
            self.seen += payload.len() as u64;
            return Ok(());
        }
        let mut unmasked;
        let payload = match frame.mask {
            None => payload,
            Some(mask) => {
                unmasked = payload.to_vec();
                for (byte, at) in unmasked.iter_mut().zip(frame.at..) {
                    *byte ^= mask[usize::try_from(at % 4).unwrap_or(0)];
                }
                &unmasked[..]
            }
        };
        if frame.kind != Kind::Data {
            self.control.extend_from_slice(payload);
            return Ok(());
        }
        if is_compressed {
            return self.inflate(payload);
        }
        self.keep(payload);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        if self.seen > self.max as u64 {
            self.kept = Vec::new();
        } else {
            self.kept.extend_from_slice(bytes);
        }
    }

    /// Inflates a piece of a message. What is too large to be kept is inflated all the same: later
    /// messages refer to it.
    fn inflate(&mut self, mut input: &[u8]) -> Result<(), FrameError> {
        let mut inflate = self.inflate.take().unwrap_or_else(|| Box::new(Decompress::new(false)));
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            piece.clear();
            let before = inflate.total_in();
            let status = inflate
                .decompress_vec(input, &mut piece, FlushDecompress::Sync)
                .map_err(|_| FrameError::Corrupt)?;
            let used = usize::try_from(inflate.total_in() - before).unwrap_or(input.len());
            input = &input[used..];
            self.keep(&piece);
            if self.seen > INFLATED_MAX {
                return Err(FrameError::Bomb);
            }
            let is_stuck = used == 0 && piece.is_empty();
            // An end of the deflate stream inside a message is allowed (RFC 7692 §7.2.3.5).
            if status == Status::StreamEnd {
                inflate.reset(false);
            }
            if (input.is_empty() && piece.len() < PIECE) || is_stuck {
                break;
            }
        }
        self.inflate = Some(inflate);
        Ok(())
    }

    /// A frame without payload ends as it begins.
    fn end_of_empty(&mut self, each: &mut dyn FnMut(Message<'_>)) {
        if self.frame.is_some_and(|frame| frame.left == 0) {
            self.end_frame(each);
        }
    }

    fn end_frame(&mut self, each: &mut dyn FnMut(Message<'_>)) {
        let Some(frame) = self.frame.take() else { return };
        match frame.kind {
            Kind::Data if !frame.fin => return,
            Kind::Data => {
                let Some(message) = self.message.take() else { return };
                if message.compressed {
                    if let Err(error) = self.inflate(&FLUSHED) {
                        return self.fail(error);
                    }
                    if self.compression.no_context_takeover {
                        self.inflate = None;
                    }
                }
                if self.seen > self.max as u64 {
                    each(Message::Oversized(self.seen));
                } else if message.text {
                    each(Message::Text(&self.kept));
                } else {
                    each(Message::Binary(&self.kept));
                }
                self.kept.clear();
                // A large message's room is not kept for the small ones after it.
                self.kept.shrink_to(PIECE);
            }
            Kind::Ping => each(Message::Ping),
            Kind::Pong => each(Message::Pong),
            Kind::Close => {
                let split = self.control.split_first_chunk();
                let (code, text) = split.map_or((None, &[][..]), |(code, text)| {
                    (Some(u16::from_be_bytes(*code)), text)
                });
                each(Message::Close { code, text });
            }
        }
        if frame.kind != Kind::Data {
            self.control.clear();
        }
    }
}
