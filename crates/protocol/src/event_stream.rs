//! Amazon's binary event stream, framed byte by byte, so that a message that lies whole in one read is
//! never copied and damage costs only what is damaged.
//!
//! Format: `application/vnd.amazon.eventstream` as the AWS SDKs describe it. A message is a prelude
//! (its own length, the length of its headers, the CRC-32 of these eight bytes), headers, a payload,
//! and the CRC-32 of everything before; numbers are big-endian. A prelude whose checksum is wrong says
//! nothing of where the next message starts: it is then looked for, by its own prelude's checksum.

use std::mem;

/// The largest message that the format was made for: 16 MiB.
pub const MESSAGE_MAX: usize = 16 << 20;

/// Bytes of a prelude with its checksum.
const PRELUDE: usize = 12;

/// Bytes of a message without headers and payload.
const FRAME: usize = PRELUDE + 4;

/// Room that an idle stream may keep in its buffer: enough for nearly every message.
const KEPT_ROOM: usize = 4 * 1024;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventStreamMessage<'a> {
    headers: &'a [u8],
    /// What the message carries.
    pub payload: &'a [u8],
}

/// What kind of message it is: the header `:message-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// A part of the answer.
    Event,
    /// An error that the service's model knows, described by the payload.
    Exception,
    /// Any other error, described by headers.
    Error,
}

impl<'a> EventStreamMessage<'a> {
    /// Its headers in order, up to the first that cannot be read.
    #[must_use]
    pub const fn headers(&self) -> Headers<'a> {
        Headers { rest: self.headers }
    }

    /// A header that is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.headers().find_map(|header| match header.value {
            HeaderValue::Text(text) if header.name == name => Some(text),
            _ => None,
        })
    }

    /// Header `:message-type`; none when it is absent or another word.
    #[must_use]
    pub fn message_type(&self) -> Option<MessageType> {
        match self.text(":message-type")? {
            "event" => Some(MessageType::Event),
            "exception" => Some(MessageType::Exception),
            "error" => Some(MessageType::Error),
            _ => None,
        }
    }

    /// What it is called: `:event-type` of an event, `:exception-type` of an exception, `:error-code`
    /// of an error; empty when the header is absent.
    #[must_use]
    pub fn name(&self) -> &'a str {
        let header = match self.message_type() {
            Some(MessageType::Exception) => ":exception-type",
            Some(MessageType::Error) => ":error-code",
            Some(MessageType::Event) | None => ":event-type",
        };
        self.text(header).unwrap_or_default()
    }

    /// Header `:content-type`, the media type of the payload.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.text(":content-type")
    }
}

/// One header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: HeaderValue<'a>,
}

/// The value of a header; types 0 to 9 of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// Types 0 (true) and 1 (false).
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Int16(i16),
    /// Type 4.
    Int32(i32),
    /// Type 5.
    Int64(i64),
    /// Type 6.
    Bytes(&'a [u8]),
    /// Type 7.
    Text(&'a str),
    /// Type 8, in milliseconds since 1970.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// Reads headers one by one.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        let read = header(&mut self.rest);
        if read.is_none() {
            self.rest = &[];
        }
        read
    }
}

fn header<'a>(rest: &mut &'a [u8]) -> Option<Header<'a>> {
    let [len] = take(rest)?;
    let name = std::str::from_utf8(take_slice(rest, usize::from(len))?).ok()?;
    let [kind] = take(rest)?;
    let value = match kind {
        0 => HeaderValue::Bool(true),
        1 => HeaderValue::Bool(false),
        2 => HeaderValue::Byte(i8::from_be_bytes(take(rest)?)),
        3 => HeaderValue::Int16(i16::from_be_bytes(take(rest)?)),
        4 => HeaderValue::Int32(i32::from_be_bytes(take(rest)?)),
        5 => HeaderValue::Int64(i64::from_be_bytes(take(rest)?)),
        6 | 7 => {
            let len = u16::from_be_bytes(take(rest)?);
            let bytes = take_slice(rest, usize::from(len))?;
            if kind == 6 {
                HeaderValue::Bytes(bytes)
            } else {
                HeaderValue::Text(std::str::from_utf8(bytes).ok()?)
            }
        }
        8 => HeaderValue::Timestamp(i64::from_be_bytes(take(rest)?)),
        9 => HeaderValue::Uuid(take(rest)?),
        _ => return None,
    };
    Some(Header { name, value })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

fn take_slice<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

/// Frames a binary event stream. Any cutting of the same bytes gives the same messages.
#[derive(Debug)]
pub struct EventStreamDecoder {
    /// Length of the largest message that is handed out.
    max: usize,
    at: At,
    /// The unfinished message; while one is looked for, what may be the beginning of a prelude.
    held: Vec<u8>,
    corrupt: u64,
    oversized: u64,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// A message.
    Message,
    /// Nobody knows: a prelude is looked for.
    Lost,
    /// A message that is too large, of which so many bytes are left.
    Skip { left: usize },
}

impl EventStreamDecoder {
    /// A decoder at the start of a stream. A message of more than `max_message_bytes` in all is
    /// skipped, and counted; the bound is [`MESSAGE_MAX`] at most.
    #[must_use]
    pub fn new(max_message_bytes: usize) -> Self {
        Self {
            max: max_message_bytes.min(MESSAGE_MAX),
            at: At::Message,
            held: Vec::new(),
            corrupt: 0,
            oversized: 0,
        }
    }

    /// Damaged messages and damaged stretches so far: nothing of them was handed out.
    #[must_use]
    pub const fn corrupt(&self) -> u64 {
        self.corrupt
    }

    /// Messages skipped because of their size.
    #[must_use]
    pub const fn oversized(&self) -> u64 {
        self.oversized
    }

    /// Bytes were lost before the next read: what is unfinished is dropped, and everything up to the
    /// next prelude.
    pub fn resync(&mut self) {
        self.held.clear();
        self.at = At::Lost;
    }

    /// Takes the stream's next bytes and hands out every message that ends in them.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl FnMut(EventStreamMessage<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.at {
                At::Skip { left } => self.skip(left, rest),
                At::Message | At::Lost if self.held.is_empty() => self.read(rest, sink),
                At::Message | At::Lost => self.hold(rest, sink),
            };
        }
    }

    /// The stream ended. Returns whether it cut a message off, of which nothing can be trusted. The
    /// decoder is then at the start of a new stream.
    pub fn finish(&mut self) -> bool {
        let is_cut = match self.at {
            At::Message => !self.held.is_empty(),
            At::Lost => false,
            At::Skip { .. } => true,
        };
        let Self { max, corrupt, oversized, .. } = *self;
        *self = Self { corrupt, oversized, ..Self::new(max) };
        is_cut
    }

    fn skip<'c>(&mut self, left: usize, bytes: &'c [u8]) -> &'c [u8] {
        let skipped = left.min(bytes.len());
        self.at = match left - skipped {
            0 => At::Message,
            left => At::Skip { left },
        };
        &bytes[skipped..]
    }

    /// Takes a message, or something before one, that begins with `bytes`; keeps it when it goes on
    /// beyond them. Returns what follows.
    fn read<'c>(
        &mut self,
        bytes: &'c [u8],
        sink: &mut impl FnMut(EventStreamMessage<'_>),
    ) -> &'c [u8] {
        let Some(prelude) = bytes.first_chunk() else {
            self.held.extend_from_slice(bytes);
            return &[];
        };
        let Some(lengths) = Lengths::read(prelude) else {
            self.lose();
            let next = bytes.array_windows().position(|window| Lengths::read(window).is_some());
            // The last bytes may be the beginning of a prelude.
            return &bytes[next.unwrap_or(bytes.len() - (PRELUDE - 1))..];
        };
        self.at = At::Message;
        if lengths.total > self.max {
            self.oversized += 1;
            return self.skip(lengths.total, bytes);
        }
        match bytes.split_at_checked(lengths.total) {
            Some((message, rest)) => {
                self.hand_out(message, lengths, sink);
                rest
            }
            None => {
                self.held.extend_from_slice(bytes);
                &[]
            }
        }
    }

    /// Adds to what is held of earlier reads. Returns what follows.
    fn hold<'c>(
        &mut self,
        bytes: &'c [u8],
        sink: &mut impl FnMut(EventStreamMessage<'_>),
    ) -> &'c [u8] {
        if self.at == At::Lost {
            return self.seek(bytes);
        }
        let Some(prelude) = self.held.first_chunk() else {
            let missing = (PRELUDE - self.held.len()).min(bytes.len());
            self.held.extend_from_slice(&bytes[..missing]);
            self.weigh();
            return &bytes[missing..];
        };
        // It was weighed when its prelude was complete.
        let Some(lengths) = Lengths::read(prelude) else {
            self.resync();
            return bytes;
        };
        let missing = (lengths.total - self.held.len()).min(bytes.len());
        self.held.extend_from_slice(&bytes[..missing]);
        if self.held.len() == lengths.total {
            let mut message = mem::take(&mut self.held);
            self.hand_out(&message, lengths, sink);
            message.clear();
            message.shrink_to(KEPT_ROOM);
            self.held = message;
        }
        &bytes[missing..]
    }

    /// Looks for a prelude that begins in the held bytes. Returns what follows.
    fn seek<'c>(&mut self, bytes: &'c [u8]) -> &'c [u8] {
        let held = self.held.len();
        let lent = bytes.len().min(PRELUDE - 1);
        self.held.extend_from_slice(&bytes[..lent]);
        if let Some(next) =
            self.held.array_windows().position(|found| Lengths::read(found).is_some())
        {
            self.held.truncate(held);
            self.held.drain(..next);
            self.at = At::Message;
            bytes
        } else if lent == PRELUDE - 1 {
            // None begins there; the rest is searched where it lies.
            self.held.clear();
            bytes
        } else {
            let searched = self.held.len().saturating_sub(PRELUDE - 1);
            self.held.drain(..searched);
            &[]
        }
    }

    /// Decides what the held bytes are, once they are as many as a prelude's.
    fn weigh(&mut self) {
        let Some(prelude) = self.held.first_chunk() else { return };
        match Lengths::read(prelude) {
            None => self.lose(),
            Some(Lengths { total, .. }) if total > self.max => {
                self.oversized += 1;
                self.held.clear();
                self.at = At::Skip { left: total - PRELUDE };
            }
            Some(_) => self.at = At::Message,
        }
    }

    /// What comes here is no message.
    fn lose(&mut self) {
        if self.at != At::Lost {
            self.corrupt += 1;
            self.at = At::Lost;
        }
    }

    fn hand_out(
        &mut self,
        message: &[u8],
        Lengths { headers, .. }: Lengths,
        sink: &mut impl FnMut(EventStreamMessage<'_>),
    ) {
        let Some((checked, sum)) = message.split_last_chunk() else { return };
        if crc32fast::hash(checked) == u32::from_be_bytes(*sum) {
            let (headers, payload) = checked[PRELUDE..].split_at(headers);
            sink(EventStreamMessage { headers, payload });
        } else {
            self.corrupt += 1;
        }
    }
}

/// What a sound prelude says.
#[derive(Clone, Copy)]
struct Lengths {
    /// Bytes of the whole message, at least [`FRAME`].
    total: usize,
    /// Bytes of its headers, no more than there is room for.
    headers: usize,
}

impl Lengths {
    fn read(prelude: &[u8; PRELUDE]) -> Option<Self> {
        let (mut lengths, sum) = prelude.split_last_chunk()?;
        let checked = lengths;
        let mut length = || usize::try_from(u32::from_be_bytes(take(&mut lengths)?)).ok();
        let (total, headers) = (length()?, length()?);
        let is_sound = headers <= total.checked_sub(FRAME)?
            && crc32fast::hash(checked) == u32::from_be_bytes(*sum);
        is_sound.then_some(Self { total, headers })
    }
}
