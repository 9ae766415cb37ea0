//! What an import came to.

use std::io;
use std::path::PathBuf;

use langley_model::{LineRole, TranscriptLine};

/// What an import came to.
#[derive(Debug, Default)]
pub struct ImportReport {
    /// Files that were looked at.
    pub files: u64,
    /// Of these, that were not known.
    pub new_files: u64,
    /// Of these, that were written on.
    pub grown: u64,
    /// Of these, that were cut or written anew, and read from their beginning.
    pub rewritten: u64,
    /// Of these, that have another name than before.
    pub renamed: u64,
    /// Known files that are missed from now on; what they said is kept.
    pub deleted: u64,
    /// Lines that are new.
    pub lines: u64,
    /// Bytes of these in their files.
    pub bytes: u64,
    /// Responses that no line had told of.
    pub responses: u64,
    /// Of the new lines, those that are no JSON; they are kept as they are.
    pub unreadable: u64,
    /// Of the new lines, those cut within a character.
    pub mended: u64,
    /// Of the new lines, those too long to be kept whole.
    pub cut: u64,
    /// Lines of conversations that somebody deleted: they are not kept again.
    pub left_out: u64,
    /// Files whose last line lacks its end: it is read when it is whole.
    pub torn: u64,
    /// Files and folders that could not be read, and why.
    pub refused: Vec<(PathBuf, io::Error)>,
}

/// What counts of a line, once it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    bytes: u64,
    is_unreadable: bool,
    is_mended: bool,
    is_cut: bool,
}

impl From<&TranscriptLine> for Counted {
    fn from(line: &TranscriptLine) -> Self {
        Self {
            bytes: line.len,
            is_unreadable: line.facts.role == LineRole::Unreadable,
            is_mended: line.facts.is_mended,
            is_cut: line.is_cut,
        }
    }
}

impl ImportReport {
    /// Counts the lines of a batch, of which those at these places were left out.
    pub(super) fn count(&mut self, lines: &[Counted], left_out: &[usize]) {
        self.left_out += left_out.len() as u64;
        let mut left_out = left_out.iter().peekable();
        for (at, line) in lines.iter().enumerate() {
            if left_out.next_if_eq(&&at).is_none() {
                self.lines += 1;
                self.bytes += line.bytes;
                self.unreadable += u64::from(line.is_unreadable);
                self.mended += u64::from(line.is_mended);
                self.cut += u64::from(line.is_cut);
            }
        }
    }
}
