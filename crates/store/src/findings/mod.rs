//! Findings as rows: kept once each, with the flows that show them.

mod keep;
mod moved;
mod priced;
mod query;
mod share;
mod words;

pub(crate) use keep::{take_back, write};
pub(crate) use moved::follow;
pub(crate) use priced::{note_day, priced_anew};
pub use query::{EarlierFlows, FindingFilter, FindingPage, Kept, KindSum};
pub use share::FindingShare;
