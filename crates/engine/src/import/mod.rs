//! Transcripts brought into the store: what agents wrote of their sessions is kept, whatever becomes of the files.
//!
//! A file is known by its path, by which file of its file system it is, and by digests of its beginning and of what
//! stands before the place up to which it was read. One that was written on is read on; one that is not what it was
//! is read anew, and lines that are kept already are told by their digests, as often as they are there. So every line
//! is kept once, and none is lost that was ever seen, whatever happens to the file.

mod follow;
mod importer;
mod lines;
mod plan;
mod reading;
mod report;
#[cfg(test)]
mod tests;
mod told_tools;

pub use follow::{
    Follower, FollowerOptions, FollowerReader, FollowerState, ImportError, Wanted as ImportWanted,
};
pub use importer::Importer;
pub(crate) use lines::{LINE_MAX, Lines, RawLine};
pub use report::ImportReport;
