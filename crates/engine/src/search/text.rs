//! The new text of a stored flow: the same for the index, for what is shown of a hit and for exports.

use langley_model::{FlowId, Passage, Redacted, Redactor, SearchText, Side};
use langley_protocol::passages;
use langley_store::{Store, StoreError};

/// Most bytes of one passage that are indexed and shown; a tool that prints megabytes is found by its
/// beginning.
const PASSAGE_MAX: usize = 256 << 10;

/// What is new in the flow `id`; with `whole` the conversation before it as well.
///
/// Escapes are undone in it, so what hid behind them is looked for once more: nobody gets the text
/// without that.
///
/// # Errors
/// A failure of the file.
pub fn sealed(
    store: &Store,
    redactor: &Redactor,
    id: FlowId,
    whole: bool,
) -> Result<Redacted<SearchText>, StoreError> {
    let mut passages = match store.body(id, Side::Client)? {
        Some(body) => passages::of_request(&body.bytes, whole),
        None => Vec::new(),
    };
    if let Some(message) = store.message(id)? {
        passages.extend(passages::of_answer(&message));
    }
    passages.iter_mut().for_each(cut);
    Ok(redactor.seal(SearchText { flow: id, whole, passages }))
}

fn cut(passage: &mut Passage) {
    let mut end = PASSAGE_MAX.min(passage.text.len());
    while !passage.text.is_char_boundary(end) {
        end -= 1;
    }
    passage.text.truncate(end);
}
