//! The new text of a stored flow: the same for the index, for what is shown of a hit and for exports.

use std::sync::Arc;

use langley_model::{FlowId, Passage, Redacted, Redactor, SearchText, Side};
use langley_protocol::passages;
use langley_store::{Store, StoreError, Texts};

/// Most bytes of one passage that are indexed and shown; a tool that prints megabytes is found by its
/// beginning.
const PASSAGE_MAX: usize = 256 << 10;

/// So many of a request's last pieces hold, nearly always, the model's last words and what came after.
pub(crate) const LAST_PIECES: usize = 6;

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

/// What is new in the flow `id`, at its full length; with `whole` the conversation before it as well.
///
/// Escapes are undone in it, so what hid behind them is looked for once more: nobody gets the text
/// without that.
///
/// # Errors
/// A failure of the file.
pub fn new_text(
    store: &Store,
    redactor: &Redactor,
    id: FlowId,
    whole: bool,
) -> Result<Redacted<SearchText>, StoreError> {
    let passages = new_passages(store, id, whole)?;
    Ok(redactor.seal(SearchText { flow: id, whole, passages }))
}

/// The same, as much of each passage as is indexed and shown.
pub(super) fn sealed(
    store: &Store,
    redactor: &Redactor,
    id: FlowId,
    whole: bool,
) -> Result<Redacted<SearchText>, StoreError> {
    let mut passages = new_passages(store, id, whole)?;
    passages.iter_mut().for_each(cut);
    Ok(redactor.seal(SearchText { flow: id, whole, passages }))
}

fn new_passages(store: &Store, id: FlowId, whole: bool) -> Result<Vec<Passage>, StoreError> {
    let mut passages = asked(store, id, whole)?;
    if let Some(message) = store.message(id)? {
        passages.extend(passages::of_answer(&message));
    }
    Ok(passages)
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

#[cfg(test)]
mod tests {
    use langley_model::{
        Body, ConnectionId, Flow, Micros, Outcome, Record, RedactedBytes, RedactorOptions,
    };
    use langley_store::StoreOptions;
    use serde_json::json;

    use super::*;

    /// A stored request whose entries are pieces; of each who said it.
    fn stored(roles: &[&str]) -> (tempfile::TempDir, Store, Redactor, FlowId) {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        flow.outcome = Some(Outcome::Completed);
        let id = flow.id;
        let (mut bytes, mut pieces) = (RedactedBytes::new(), Vec::new());
        let text = |text: String| redactor.body(text.into_bytes());
        bytes.append(&text(String::from(r#"{"messages":["#)));
        for (number, role) in roles.iter().enumerate() {
            let said = format!("word{number} \"quoted\" {}", "and more ".repeat(100));
            let entry = json!({"role": role, "content": said}).to_string();
            bytes.append(&text(String::from(if number > 0 { "," } else { "" })));
            let start = bytes.len();
            bytes.append(&text(entry));
            pieces.push(start..bytes.len());
        }
        bytes.append(&text(String::from("]}")));
        let original_len = bytes.len() as u64;
        let (side, media_type, truncated) = (Side::Client, None, false);
        let body = Body { flow: id, side, bytes, pieces, media_type, original_len, truncated };
        let records = [Record::Flow(Arc::new(flow)), Record::Body(body)];
        store.submit(records.into_iter().map(|record| redactor.seal(record)).collect()).unwrap();
        store.flush().unwrap();
        (folder, store, redactor, id)
    }

    #[test]
    fn the_end_of_a_request_says_what_the_whole_says() {
        let (user, model) = ("user", "assistant");
        let long = [[user, model]; 20].concat();
        let many_asked = [&long[..], &[user; 12]].concat();
        for (roles, is_enough) in [
            ([&long[..], &[user]].concat(), true),
            ([&long[..], &[user, user, user]].concat(), true),
            (many_asked, false),
            (vec![user], false),
        ] {
            let (_folder, store, redactor, id) = stored(&roles);
            let end = store.request_end(id, LAST_PIECES).unwrap().unwrap();
            assert_eq!(passages::of_request_end(&end).is_some(), is_enough, "{roles:?}");
            let whole = store.body(id, Side::Client).unwrap().unwrap();
            assert!(roles.len() <= LAST_PIECES || end.len() < whole.bytes.len() / 2);
            let wanted = passages::of_request(&whole.bytes, false);
            assert!(!wanted.is_empty());
            assert_eq!(sealed(&store, &redactor, id, false).unwrap().passages, wanted);
        }
    }
}
