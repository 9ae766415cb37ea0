//! Full-text search: what a word is, what a question means, the rows of the index and how they are found.

mod anew;
mod beginning;
mod find;
mod index;
mod mark;
mod query;
mod slot;
mod texts;
mod words;

pub(crate) use anew::is_of_index;
pub(crate) use beginning::{behind, word_from};
pub use find::SearchHit;
pub(crate) use find::{Purpose, READINGS, Wanted};
pub use index::{IndexEntry, IndexState, Unindexed};
pub use query::SearchQuery;
pub(crate) use query::Within;
pub use texts::Texts;
pub use words::{Word, words};
