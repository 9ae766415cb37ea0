//! Findings as rows: kept once each, with the flows that show them.

mod keep;
mod query;
mod words;

pub use query::{FindingFilter, FindingPage};
