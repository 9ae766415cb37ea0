//! The new text of a stored flow, the same for the index and for what is shown of a hit.

use langley_model::{FlowId, Passage, SearchText, Side};
use langley_protocol::passages;
use langley_store::{Store, StoreError};

/// Most bytes of one passage that are indexed and shown; a tool that prints megabytes is found by its
/// beginning.
const PASSAGE_MAX: usize = 256 << 10;

/// What is new in the flow `id`; with `whole` the conversation before it as well.
///
/// # Errors
/// A failure of the file.
pub fn of(store: &Store, id: FlowId, whole: bool) -> Result<SearchText, StoreError> {
    let mut passages = match store.body(id, Side::Client)? {
        Some(body) => passages::of_request(&body.bytes, whole),
        None => Vec::new(),
    };
    if let Some(message) = store.message(id)? {
        passages.extend(passages::of_answer(&message));
    }
    passages.iter_mut().for_each(cut);
    Ok(SearchText { flow: id, whole, passages })
}

fn cut(passage: &mut Passage) {
    let mut end = PASSAGE_MAX.min(passage.text.len());
    while !passage.text.is_char_boundary(end) {
        end -= 1;
    }
    passage.text.truncate(end);
}
