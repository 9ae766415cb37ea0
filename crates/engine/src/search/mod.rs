//! Search: what is indexed of a flow, and what is shown of a hit.

mod indexer;
mod shown;
#[cfg(test)]
pub(crate) mod tests;
mod text;

pub use indexer::Indexer;
pub use shown::{Found, Snippet, search};
pub(crate) use text::LAST_PIECES;
pub use text::{new_text, read_texts};
