//! The new text of a stored flow: the same for the index, for what is shown of a hit and for exports.

use std::sync::Arc;

use langley_model::{FlowId, Passage, Redacted, Redactor, SearchText, Side};
use langley_protocol::passages;
use langley_store::{Store, StoreError, Texts};

/// Most bytes of one passage that are indexed and shown; a tool that prints megabytes is found by its
/// beginning.
const PASSAGE_MAX: usize = 256 << 10;

/// So many of a request's last pieces hold, nearly always, the model's last words and what came after.
const LAST_PIECES: usize = 6;

/// Reads texts for the store, when it has to look something up in them.
struct Reading(Arc<Redactor>);

impl Texts for Reading {
    fn text(
        &self,
        store: &Store,
        flow: FlowId,
        whole: bool,
    ) -> Result<Redacted<SearchText>, StoreError> {
        sealed(store, &self.0, flow, whole)
    }
}

/// Has `store` find words that stand side by side: it asks for texts, and `redactor` seals them.
pub fn read_texts(store: &Store, redactor: &Arc<Redactor>) {
    store.read_texts_with(Arc::new(Reading(Arc::clone(redactor))));
}

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
    let mut passages = asked(store, id, whole)?;
    if let Some(message) = store.message(id)? {
        passages.extend(passages::of_answer(&message));
    }
    passages.iter_mut().for_each(cut);
    Ok(redactor.seal(SearchText { flow: id, whole, passages }))
}

/// What is new in the request. Of a long conversation only the end is read, if that tells.
fn asked(store: &Store, id: FlowId, whole: bool) -> Result<Vec<Passage>, StoreError> {
    if !whole
        && let Some(end) = store.request_end(id, LAST_PIECES)?
        && let Some(passages) = passages::of_request_end(&end)
    {
        return Ok(passages);
    }
    let body = store.body(id, Side::Client)?;
    Ok(body.map_or_else(Vec::new, |body| passages::of_request(&body.bytes, whole)))
}

fn cut(passage: &mut Passage) {
    let mut end = PASSAGE_MAX.min(passage.text.len());
    while !passage.text.is_char_boundary(end) {
        end -= 1;
    }
    passage.text.truncate(end);
}
