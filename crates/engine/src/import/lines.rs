//! A file's lines, one after the other, in bounded room.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;

/// Bytes read at a time.
const PORTION: usize = 256 << 10;

/// Bytes by which it is seen that a file is the one that was read so far: lines of an agent are alike over some hundreds.
const TAIL: usize = 4096;

/// The longest line that is kept whole, and how much is kept of a longer one.
pub(crate) const LINE_MAX: usize = 32 << 20;
pub(crate) const CUT_KEPT: usize = 1 << 20;

/// Reads lines from a place on.
#[derive(Debug)]
pub(crate) struct Lines {
    file: File,
    room: Vec<u8>,
    /// What of the room is read and not told yet.
    start: usize,
    end: usize,
    /// Where in the file `start` is.
    offset: u64,
    /// Where in the file `end` is.
    read_to: u64,
    /// Where reading ends.
    until: u64,
    /// What stands before `read_to`, as it was read.
    tail: Vec<u8>,
    /// Whether something else stands there now: the file was cut or written anew meanwhile.
    is_changed: bool,
}

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawLine<'a> {
    pub(crate) offset: u64,
    /// Bytes in the file.
    pub(crate) len: u64,
    pub(crate) bytes: &'a [u8],
    pub(crate) is_cut: bool,
    /// Whether its end is there.
    pub(crate) is_ended: bool,
}

impl Lines {
    /// From `offset` on, up to `until`.
    pub(crate) fn new(mut file: File, offset: u64, until: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            file,
            room: Vec::new(),
            start: 0,
            end: 0,
            offset,
            read_to: offset,
            until,
            tail: Vec::new(),
            is_changed: false,
        })
    }

    /// Whether what was read last still stands in the file.
    pub(crate) fn is_as_read(&mut self) -> io::Result<bool> {
        let mut again = [0; TAIL];
        let again = &mut again[..self.tail.len()];
        let from = self.read_to - self.tail.len() as u64;
        match self.file.read_exact_at(again, from) {
            Ok(()) => self.is_changed |= again != self.tail,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.is_changed = true,
            Err(error) => return Err(error),
        }
        Ok(!self.is_changed)
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// The next line; none at the end. One that lacks its end is the last.
    pub(crate) fn next(&mut self) -> io::Result<Option<RawLine<'_>>> {
        let mut looked = 0;
        let found = loop {
            let new = &self.room[self.start + looked..self.end];
            if let Some(feed) = memchr::memchr(b'\n', new) {
                break Some(looked + feed);
            }
            looked = self.end - self.start;
            if looked > LINE_MAX {
                return self.too_long().map(Some);
            }
            if self.fill()? == 0 {
                break None;
            }
        };
        let is_ended = found.is_some();
        let len = found.unwrap_or(self.end - self.start);
        if len == 0 && !is_ended {
            return Ok(None);
        }
        let (from, offset) = (self.start, self.offset);
        let used = len + usize::from(is_ended);
        self.start += used;
        self.offset += used as u64;
        let bytes = &self.room[from..from + len];
        Ok(Some(RawLine { offset, len: len as u64, bytes, is_cut: false, is_ended }))
    }

    /// Passes over the rest of a line, of which the beginning is kept.
    fn too_long(&mut self) -> io::Result<RawLine<'_>> {
        let offset = self.offset;
        let kept = self.room[self.start..self.start + CUT_KEPT].to_vec();
        let mut len = 0;
        let is_ended = loop {
            let part = &self.room[self.start..self.end];
            let feed = memchr::memchr(b'\n', part);
            let passed = feed.unwrap_or(part.len());
            len += passed as u64;
            self.start += passed + usize::from(feed.is_some());
            if feed.is_some() {
                break true;
            }
            if self.fill()? == 0 {
                break false;
            }
        };
        self.offset += len + u64::from(is_ended);
        // What is kept takes the place of what was passed over, which was longer.
        self.room.splice(..self.start, kept);
        self.end = self.end - self.start + CUT_KEPT;
        self.start = CUT_KEPT;
        Ok(RawLine { offset, len, bytes: &self.room[..CUT_KEPT], is_cut: true, is_ended })
    }

    /// Reads on; how many bytes that were.
    fn fill(&mut self) -> io::Result<usize> {
        self.room.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end < PORTION && self.room.len() > 4 * PORTION {
            // A long line made it large: it is small again.
            self.room.truncate(2 * PORTION);
            self.room.shrink_to_fit();
        }
        let needed = self.end + PORTION;
        if self.room.capacity() < needed {
            // Of a long line little more than its length.
            self.room.reserve_exact(needed + self.end / 4 - self.room.len());
        }
        if self.room.len() < needed {
            self.room.resize(needed, 0);
        }
        let left = usize::try_from(self.until.saturating_sub(self.read_to)).unwrap_or(usize::MAX);
        let room = &mut self.room[self.end..self.end + left.min(PORTION)];
        let mut filled = 0;
        while filled < room.len() {
            match self.file.read(&mut room[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // What was read now goes on from what was read before only if that still stands there.
        if !self.is_as_read()? {
            self.until = self.read_to;
            return Ok(0);
        }
        self.end += filled;
        self.read_to += filled as u64;
        let new = filled.min(TAIL);
        let stay = self.tail.len().min(TAIL - new);
        self.tail.drain(..self.tail.len() - stay);
        self.tail.extend_from_slice(&self.room[self.end - new..self.end]);
        Ok(filled)
    }
}
