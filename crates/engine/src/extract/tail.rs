//! A file's lines from the last one on, in the room of the longest.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::import::LINE_MAX;

/// Bytes read at a time.
const PORTION: usize = 64 << 10;

/// A line that is longer is looked for from its end to its beginning, and read then.
const LONG: usize = 1 << 20;

/// Reads lines from the end.
#[derive(Debug)]
pub(super) struct Tail {
    source: File,
    /// Where in the file `room` begins.
    start: u64,
    room: Vec<u8>,
    /// Up to where the room holds what was not told yet.
    end: usize,
    /// Lines that were longer than can be held.
    pub(super) too_long: u64,
}

/// A line, without its end.
#[derive(Debug)]
pub(super) struct TailLine<'a> {
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
    /// Whether its end is there.
    pub(super) is_ended: bool,
}

impl Tail {
    pub(super) const fn new(source: File, size: u64) -> Self {
        Self { source, start: size, room: Vec::new(), end: 0, too_long: 0 }
    }

    /// The line before the one that was told last; none before the first.
    pub(super) fn next(&mut self) -> io::Result<Option<TailLine<'_>>> {
        let from = loop {
            let known = &self.room[..self.end];
            // The feed at the end is the line's own.
            let within = self.end - usize::from(known.last() == Some(&b'\n'));
            if let Some(feed) = memchr::memrchr(b'\n', &known[..within]) {
                break feed + 1;
            }
            if self.start == 0 {
                break 0;
            }
            if self.end > LONG {
                self.long_line()?;
                if self.end > 0 {
                    break 0;
                }
            } else {
                self.read_before(self.end.max(PORTION))?;
            }
        };
        let line = from..std::mem::replace(&mut self.end, from);
        if line.is_empty() {
            return Ok(None);
        }
        let bytes = &self.room[line];
        let is_ended = bytes.last() == Some(&b'\n');
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Ok(Some(TailLine { offset: self.start + from as u64, bytes, is_ended }))
    }

    /// Puts some bytes of the file before those in the room.
    fn read_before(&mut self, most: usize) -> io::Result<()> {
        let more = usize::try_from(self.start).unwrap_or(usize::MAX).min(most);
        let known = self.end;
        if self.room.len() > 4 * LONG {
            // A long line made it large.
            self.room = self.room[..known].to_vec();
        }
        self.room.resize(self.room.len().max(known + more), 0);
        self.room.copy_within(..known, more);
        let start = self.start - more as u64;
        self.source.read_exact_at(&mut self.room[..more], start)?;
        (self.start, self.end) = (start, known + more);
        Ok(())
    }

    /// Takes a whole line into the room, whose end is there; of one that is too long nothing.
    fn long_line(&mut self) -> io::Result<()> {
        let end = self.start + self.end as u64;
        let mut begin = self.start;
        let mut window = vec![0; PORTION];
        while begin > 0 {
            let more = usize::try_from(begin).unwrap_or(usize::MAX).min(PORTION);
            let window = &mut window[..more];
            self.source.read_exact_at(window, begin - more as u64)?;
            if let Some(feed) = memchr::memrchr(b'\n', window) {
                begin -= (more - feed - 1) as u64;
                break;
            }
            begin -= more as u64;
        }
        self.room = Vec::new();
        (self.start, self.end) = (begin, 0);
        let len = usize::try_from(end - begin).unwrap_or(usize::MAX);
        if len > LINE_MAX {
            self.too_long += 1;
        } else {
            self.room = vec![0; len];
            self.source.read_exact_at(&mut self.room, begin)?;
            self.end = len;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::*;
    use crate::import::Lines;

    /// Lines with their places, from the last one on, and how many were too long.
    fn backwards(file: &File, size: u64) -> (Vec<(u64, Vec<u8>, bool)>, u64) {
        let mut tail = Tail::new(file.try_clone().unwrap(), size);
        let mut lines = Vec::new();
        while let Some(line) = tail.next().unwrap() {
            lines.push((line.offset, line.bytes.to_vec(), line.is_ended));
        }
        (lines, tail.too_long)
    }

    #[test]
    fn lines_from_the_end_are_those_from_the_beginning() {
        let lens = [0, 1, 5, PORTION - 1, PORTION, PORTION + 1, 3 * PORTION, LONG + 7, 9, 0];
        for end in ["\n", "", "\n\n"] {
            let lines: Vec<String> = lens.iter().map(|len| "x".repeat(*len)).collect();
            let text = lines.join("\n") + end;
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let size = text.len() as u64;
            let mut forwards = Vec::new();
            let mut reader = Lines::new(file.try_clone().unwrap(), 0, size).unwrap();
            while let Some(line) = reader.next().unwrap() {
                forwards.push((line.offset, line.bytes.to_vec(), line.is_ended));
            }
            let (mut found, too_long) = backwards(&file, size);
            found.reverse();
            assert!(found == forwards, "{end:?}");
            assert_eq!(too_long, 0);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_counted_and_costs_no_other() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before\n").unwrap();
        file.seek(SeekFrom::Current(LINE_MAX as i64 + 1)).unwrap();
        file.write_all(b"\nafter\n").unwrap();
        let size = file.metadata().unwrap().len();
        let (found, too_long) = backwards(&file, size);
        let found: Vec<&[u8]> = found.iter().map(|(_, line, _)| line.as_slice()).collect();
        assert_eq!(found, [b"after".as_slice(), b"before"]);
        assert_eq!(too_long, 1);
    }
}
