//! Findings as rows: kept once each, with the flows that show them.

mod keep;
mod priced;
mod query;
mod share;
mod words;

pub(crate) use keep::{take_back, write};
pub(crate) use priced::priced_anew;
pub use query::{EarlierFlows, FindingFilter, FindingPage, Kept};
pub use share::FindingShare;
