//! Full-text search: what a word is, what a question means, and the rows of the index.

mod index;
mod query;
mod words;

pub(crate) use index::await_index;
pub use index::{IndexEntry, IndexState, Unindexed};
pub use query::{SearchHit, SearchQuery};
pub use words::{Word, words};
