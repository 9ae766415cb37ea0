//! Search: what is indexed of a flow, and what is shown of a hit.

#[cfg(test)]
mod given;
mod indexer;
mod shown;
mod text;

pub use indexer::{Indexer, IndexerBell};
pub use shown::{Found, Snippet, search};
pub use text::{read_texts, sealed as new_text};
