//! A JSON array that is sent piece by piece, framed into its objects, because one provider streams
//! its answers so; an object that lies whole in one read is never copied.
//!
//! Format: RFC 8259. Brackets, commas and anything else between two objects are passed over, so that
//! a single object, or objects in lines, are read as well. The objects themselves are not checked.

use memchr::{memchr, memchr2, memchr3};

/// Room that an idle stream may keep in a buffer: enough for nearly every object.
const KEPT_ROOM: usize = 4 * 1024;

/// Frames the objects of an array. Any cutting of the same bytes gives the same objects.
#[derive(Debug)]
pub struct JsonArrayDecoder {
    /// Largest object in bytes.
    max: usize,
    at: At,
    string: Quotes,
    /// Objects that are open, one in the other.
    depth: u64,
    /// The bytes of the unfinished object from earlier reads.
    kept: Vec<u8>,
    oversized: u64,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The space between two objects.
    Between,
    /// An object.
    Object,
    /// An object that is too large.
    Skip,
    /// Nobody knows, after lost bytes; whether the byte before was a line feed.
    Lost { in_new_line: bool },
}

/// Where the next byte is as to strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Outside,
    Inside,
    /// After a backslash.
    Escaped,
}

impl JsonArrayDecoder {
    /// A decoder at the start of an array. An object of more than `max_object_bytes` bytes is
    /// skipped, and counted.
    #[must_use]
    pub const fn new(max_object_bytes: usize) -> Self {
        Self {
            max: max_object_bytes,
            at: At::Between,
            string: Quotes::Outside,
            depth: 0,
            kept: Vec::new(),
            oversized: 0,
        }
    }

    /// Objects skipped because of their size.
    #[must_use]
    pub const fn oversized(&self) -> u64 {
        self.oversized
    }

    /// Bytes were lost before the next read: what is unfinished is dropped, and everything up to
    /// the next line that begins with an object. A line feed in JSON is never in a string, and a
    /// nested object that begins a line is indented, so such a line is an element's.
    pub fn resync(&mut self) {
        self.clear();
        self.at = At::Lost { in_new_line: false };
    }

    /// Takes the next bytes and hands out every object that ends in them.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) {
        // Where the present object's bytes begin in this read.
        let mut start = 0;
        let mut next = 0;
        while let Some(rest) = bytes.get(next..).filter(|rest| !rest.is_empty()) {
            if let At::Lost { in_new_line } = self.at {
                if in_new_line && rest[0] == b'{' {
                    self.at = At::Between;
                    continue;
                }
                let line_end = memchr(b'\n', rest);
                self.at = At::Lost { in_new_line: line_end.is_some() };
                next += line_end.map_or(rest.len(), |end| end + 1);
                continue;
            }
            let found = match self.string {
                Quotes::Escaped => Some(0),
                Quotes::Inside => memchr2(b'"', b'\\', rest),
                Quotes::Outside => memchr3(b'"', b'{', b'}', rest),
            };
            let Some(found) = found else { break };
            next += found + 1;
            match (self.string, rest[found]) {
                (Quotes::Escaped, _) | (Quotes::Outside, b'"') => self.string = Quotes::Inside,
                (Quotes::Inside, b'"') => self.string = Quotes::Outside,
                (Quotes::Inside, _) => self.string = Quotes::Escaped,
                (Quotes::Outside, b'{') => {
                    if self.depth == 0 {
                        start = next - 1;
                        self.at = At::Object;
                    }
                    self.depth += 1;
                }
                (Quotes::Outside, _) => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.end(&bytes[start..next], sink);
                    }
                }
            }
        }
        if self.at == At::Object {
            let begun = &bytes[start..];
            if self.kept.len() + begun.len() > self.max {
                self.skip();
                self.at = At::Skip;
            } else {
                self.kept.extend_from_slice(begun);
            }
        }
    }

    /// The bytes ended. Hands out the object that this cut off. The decoder is then at the start of
    /// a new array.
    pub fn finish(&mut self, sink: &mut impl FnMut(&[u8])) {
        if self.at == At::Object {
            sink(&self.kept);
        }
        self.clear();
        self.at = At::Between;
    }

    /// The end of an object, or a brace that ends none.
    fn end(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) {
        if self.at == At::Object {
            if self.kept.len() + bytes.len() > self.max {
                self.skip();
            } else if self.kept.is_empty() {
                sink(bytes);
            } else {
                self.kept.extend_from_slice(bytes);
                sink(&self.kept);
            }
        }
        self.clear();
        self.at = At::Between;
    }

    fn skip(&mut self) {
        self.oversized += 1;
        self.kept.clear();
    }

    fn clear(&mut self) {
        self.string = Quotes::Outside;
        self.depth = 0;
        self.kept.clear();
        self.kept.shrink_to(KEPT_ROOM);
    }
}
