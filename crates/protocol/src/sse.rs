//! Server-sent events, framed byte by byte, so that a code point or a line end split across reads
//! costs nothing and an event that lies whole in one read is never copied.
//!
//! Format: WHATWG HTML, "Server-sent events", § 9.2.5 and 9.2.6. Three deviations, all because this
//! is an observer and not a browser: data is bytes and not decoded; [`SseDecoder::finish`] hands
//! out an event that the end of the stream cut off; and `id` is what the event itself states (there
//! is no reconnection to remember it for).

use std::mem;

use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Room that an idle stream may keep in a buffer: enough for nearly every event.
const KEPT_ROOM: usize = 4 * 1024;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field; empty when absent. Bytes that are not UTF-8 read U+FFFD.
    pub name: &'a str,
    /// The `data` fields, joined by line feeds.
    pub data: &'a [u8],
    /// The `id` field, when this event has one (and it is UTF-8 without NUL).
    pub id: Option<&'a str>,
    /// The `retry` field in milliseconds, when this event has a valid one.
    pub retry: Option<u64>,
}

/// Frames a stream of server-sent events. Any cutting of the same bytes gives the same events.
#[derive(Debug)]
pub struct SseDecoder {
    /// Largest sum of an event's line lengths.
    max: usize,
    at: At,
    /// The last read ended in CR: a following LF belongs to it.
    after_cr: bool,
    /// The unfinished line.
    line: Vec<u8>,
    /// What finished lines of earlier reads said about the unfinished event.
    event: Pending,
    oversized: u64,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The stream's start, where a byte order mark may be; that many bytes of it were seen.
    Start { bom: usize },
    /// An event, or the space between two.
    Event,
    /// An event that is to be skipped; whether the present line has bytes.
    Skip { in_line: bool },
}

/// An unfinished event, copied out of its reads.
#[derive(Debug, Default)]
struct Pending {
    size: usize,
    name: Vec<u8>,
    /// Each data line with a line feed after it.
    data: Vec<u8>,
    id: Option<String>,
    retry: Option<u64>,
}

/// An unfinished event all of whose lines lie in the present read.
#[derive(Clone, Copy, Default)]
struct Here<'c> {
    size: usize,
    name: &'c [u8],
    data: Option<&'c [u8]>,
}

impl SseDecoder {
    /// A decoder at the start of a stream. An event is skipped, and counted, when its lines
    /// (comments and line ends excepted) have more than `max_event_bytes` bytes.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            max: max_event_bytes,
            at: At::Start { bom: 0 },
            after_cr: false,
            line: Vec::new(),
            event: Pending::default(),
            oversized: 0,
        }
    }

    /// Events skipped because of their size.
    #[must_use]
    pub const fn oversized(&self) -> u64 {
        self.oversized
    }

    /// Bytes were lost before the next read: what is unfinished is dropped, and everything up to
    /// the next blank line, since nothing tells what the first bytes belong to.
    pub fn resync(&mut self) {
        self.line.clear();
        self.event.clear();
        self.after_cr = false;
        // As if in a line: a line end that comes first may end the lost line.
        self.at = At::Skip { in_line: true };
    }

    /// Takes the stream's next bytes and hands out every event that ends in them.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) {
        let mut rest = bytes;
        if rest.is_empty() {
            return;
        }
        if let At::Start { bom } = self.at {
            rest = self.start(bom, rest);
        }
        if mem::take(&mut self.after_cr) && rest.first() == Some(&b'\n') {
            rest = &rest[1..];
        }
        // Events whose first line begins in this read are collected in `here`, without a copy,
        // as long as they are simple; `self.event` takes over when they are not.
        let mut here = Here::default();
        // The first lines of the latest event that had the usual form: most events repeat them.
        let (mut head, mut name) = (&[][..], "");
        while !rest.is_empty() {
            if here.size == 0
                && self.at == At::Event
                && self.event.size == 0
                && self.line.is_empty()
            {
                if head.is_empty() || !rest.starts_with(head) {
                    (head, name) = usual_head(rest).unwrap_or_default();
                }
                if let Some((data, after)) = usual_rest(head, rest, self.max) {
                    sink(SseEvent { name, data, id: None, retry: None });
                    rest = after;
                    continue;
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', rest) else { break };
            let line = &rest[..end];
            let mut next = end + 1;
            if rest[end] == b'\r' {
                match rest.get(next) {
                    Some(b'\n') => next += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            rest = &rest[next..];
            if let At::Skip { in_line } = self.at {
                let blank = line.is_empty() && !in_line;
                self.at = if blank { At::Event } else { At::Skip { in_line: false } };
            } else if !self.line.is_empty() {
                self.end_begun_line(line, sink);
            } else if self.event.size == 0 {
                self.line_here(&mut here, line, sink);
            } else {
                self.line_pending(line, sink);
            }
        }
        self.keep(here, rest);
    }

    /// The stream ended. Hands out the event it cut off, if that has data; its last line may be
    /// incomplete. The decoder is then at the start of a new stream.
    pub fn finish(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) {
        if let At::Event | At::Start { .. } = self.at {
            let line = mem::take(&mut self.line);
            if !line.is_empty() {
                self.line_pending(&line, sink);
            }
            // Still at it, unless the last line was too much.
            if !matches!(self.at, At::Skip { .. }) {
                self.event.dispatch(sink);
            }
        }
        *self = Self { oversized: self.oversized, ..Self::new(self.max) };
    }

    /// Takes off a byte order mark, of which `seen` bytes came before.
    fn start<'c>(&mut self, seen: usize, bytes: &'c [u8]) -> &'c [u8] {
        let expected = &BOM[seen..];
        let same = expected.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        if same == expected.len() {
            self.at = At::Event;
            return &bytes[same..];
        }
        if same == bytes.len() {
            self.at = At::Start { bom: seen + same };
            return &[];
        }
        // It is none: what was taken for its beginning is text.
        self.at = At::Event;
        self.line.extend_from_slice(&BOM[..seen]);
        bytes
    }

    /// The end of a line that began in an earlier read.
    fn end_begun_line(&mut self, end: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) {
        let mut line = mem::take(&mut self.line);
        if line[0] != b':' {
            line.extend_from_slice(end);
            self.line_pending(&line, sink);
        }
        line.clear();
        line.shrink_to(KEPT_ROOM);
        self.line = line;
    }

    /// A whole line of an event that has no line from an earlier read.
    fn line_here<'c>(
        &mut self,
        here: &mut Here<'c>,
        line: &'c [u8],
        sink: &mut impl FnMut(SseEvent<'_>),
    ) {
        if line.is_empty() {
            let Here { name, data, .. } = mem::take(here);
            if let Some(data) = data {
                emit(name, data, None, None, sink);
            }
        } else if line[0] == b':' {
        } else if here.size + line.len() > self.max {
            *here = Here::default();
            self.skip_event();
        } else if let (None, Some(value)) = (here.data, value_of(line, b"data")) {
            here.size += line.len();
            here.data = Some(value);
        } else if let Some(value) = value_of(line, b"event") {
            here.size += line.len();
            here.name = value;
        } else {
            // A second data line, an id, a retry: no longer simple.
            self.event.take_over(mem::take(here));
            self.line_pending(line, sink);
        }
    }

    /// A whole line of an event that is collected by copying.
    fn line_pending(&mut self, line: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) {
        if line.is_empty() {
            self.event.dispatch(sink);
            return;
        }
        if line[0] == b':' {
            return;
        }
        self.event.size = self.event.size.saturating_add(line.len());
        if self.event.size > self.max {
            self.skip_event();
        } else if let Some(value) = value_of(line, b"data") {
            self.event.data.extend_from_slice(value);
            self.event.data.push(b'\n');
        } else if let Some(value) = value_of(line, b"event") {
            self.event.name.clear();
            self.event.name.extend_from_slice(value);
        } else if let Some(value) = value_of(line, b"id") {
            if let Ok(id) = std::str::from_utf8(value)
                && !id.contains('\0')
            {
                self.event.id = Some(id.to_owned());
            }
        } else if let Some(value) = value_of(line, b"retry")
            && !value.is_empty()
            && value.iter().all(u8::is_ascii_digit)
        {
            let digits = std::str::from_utf8(value).ok();
            self.event.retry = digits.and_then(|digits| digits.parse().ok()).or(self.event.retry);
        }
    }

    /// Keeps what the read leaves unfinished: an event's lines, and the beginning of a line.
    fn keep(&mut self, here: Here<'_>, begun: &[u8]) {
        if here.size > 0 {
            self.event.take_over(here);
        }
        if begun.is_empty() {
            return;
        }
        match &mut self.at {
            At::Skip { in_line } => *in_line = true,
            At::Start { .. } => {}
            At::Event => {
                let comment = *self.line.first().unwrap_or(&begun[0]) == b':';
                if comment {
                    // Of a comment only its colon is kept, to know it by.
                    self.line.clear();
                    self.line.push(b':');
                } else if self.event.size + self.line.len() + begun.len() > self.max {
                    self.skip_event();
                    self.at = At::Skip { in_line: true };
                } else {
                    self.line.extend_from_slice(begun);
                }
            }
        }
    }

    /// Gives up the present event, at the end of one of its lines.
    fn skip_event(&mut self) {
        self.oversized += 1;
        self.event.clear();
        self.line.clear();
        self.at = At::Skip { in_line: false };
    }
}

impl Pending {
    fn clear(&mut self) {
        self.size = 0;
        self.name.clear();
        self.data.clear();
        self.data.shrink_to(KEPT_ROOM);
        self.id = None;
        self.retry = None;
    }

    fn take_over(&mut self, here: Here<'_>) {
        self.size = here.size;
        self.name.extend_from_slice(here.name);
        if let Some(data) = here.data {
            self.data.extend_from_slice(data);
            self.data.push(b'\n');
        }
    }

    /// The blank line after an event: hands it out, unless it has no data.
    fn dispatch(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) {
        if let Some(data) = self.data.strip_suffix(b"\n") {
            emit(&self.name, data, self.id.as_deref(), self.retry, sink);
        }
        self.clear();
    }
}

/// The first lines of an event in its usual form, `event: NAME` and the field name of its only data
/// line, and the name.
fn usual_head(bytes: &[u8]) -> Option<(&[u8], &str)> {
    const NAME: &[u8] = b"event: ";
    const DATA: &[u8] = b"data: ";
    let begun = bytes.strip_prefix(NAME)?;
    let name = &begun[..memchr(b'\n', begun)?];
    let end = NAME.len() + name.len() + 1 + DATA.len();
    if name.contains(&b'\r') || !begun[name.len() + 1..].starts_with(DATA) {
        return None;
    }
    Some((&bytes[..end], std::str::from_utf8(name).ok()?))
}

/// The data of an event that starts with `head`, when nothing but its blank line follows, and what
/// comes after it. None when its lines have more than `max` bytes, too.
fn usual_rest<'c>(head: &[u8], bytes: &'c [u8], max: usize) -> Option<(&'c [u8], &'c [u8])> {
    let begun = bytes.strip_prefix(head).filter(|_| !head.is_empty())?;
    let end = memchr2(b'\n', b'\r', begun)?;
    let (data, rest) = begun.split_at(end);
    // The head's own line feed is no part of a line.
    if head.len() - 1 + end > max {
        return None;
    }
    Some((data, rest.strip_prefix(b"\n\n")?))
}

/// The value of a line, when its field is `field`.
fn value_of<'c>(line: &'c [u8], field: &[u8]) -> Option<&'c [u8]> {
    match line.strip_prefix(field)? {
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        [] => Some(&[]),
        _ => None,
    }
}

fn emit(
    name: &[u8],
    data: &[u8],
    id: Option<&str>,
    retry: Option<u64>,
    sink: &mut impl FnMut(SseEvent<'_>),
) {
    match std::str::from_utf8(name) {
        Ok(name) => sink(SseEvent { name, data, id, retry }),
        Err(_) => {
            let name = String::from_utf8_lossy(name);
            sink(SseEvent { name: &name, data, id, retry });
        }
    }
}
