//! What an import came to.

use std::io;
use std::path::PathBuf;

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
    /// Files whose last line lacks its end: it is read when it is whole.
    pub torn: u64,
    /// Files and folders that could not be read, and why.
    pub refused: Vec<(PathBuf, io::Error)>,
}
