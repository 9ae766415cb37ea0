//! What agents wrote of their own sessions: where it lies, and what it tells of usage and cost, without a proxy and
//! without a database. Nothing of it is stored but numbers and the names they are told by.

mod cache;
mod digest;
mod file;
mod names;
mod report;
mod roots;
mod scan;
mod spent;
#[cfg(test)]
mod tests;

pub use cache::TranscriptCache;
pub(crate) use digest::{digest_64, digest_128};
pub(crate) use report::is_of_project;
pub use report::{
    TRANSCRIPT_BY_MAX, TranscriptBy, TranscriptQuery, transcript_blocks, transcript_costs,
};
pub use roots::{TranscriptFile, TranscriptRoot, Walked, default_roots, user_roots, walk};
pub(crate) use roots::{named_session, sniffed};
pub(crate) use scan::{PROBE, Till, probes, side_by_side};
pub use scan::{Scanned, scan};
