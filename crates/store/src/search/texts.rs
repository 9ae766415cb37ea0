//! The texts of flows, read back: what the index cannot say, it is asked of them.
//!
//! The index knows which words a flow has. Whether two of them stand side by side is seen in the text, which
//! is stored once, with the flow; how it is read there is the business of whoever knows the formats.

use std::sync::Arc;

use langley_model::{Flow, FlowId, Redacted, SearchText, Stored};

use super::query::{SearchQuery, Within};
use crate::error::StoreError;
use crate::filter::stated_of;
use crate::store::Store;

/// Reads the text of a stored flow that was handed to the index.
pub trait Texts: Send + Sync {
    /// What is new in the flow; with `whole` the conversation before it as well.
    ///
    /// # Errors
    /// A failure of the file, or content that cannot be read.
    fn text(
        &self,
        store: &Store,
        flow: FlowId,
        whole: bool,
    ) -> Result<Redacted<SearchText>, StoreError>;
}

impl Store {
    /// Names the one who reads texts back, for all handles of this store; the first one stays.
    pub fn read_texts_with(&self, texts: Arc<dyn Texts>) {
        self.reader_of_texts().get_or_init(|| texts);
    }

    /// Whether all phrases of `query` stand in a flow that has all of its words.
    pub(crate) fn stands_in(
        &self,
        flow: &Stored<Flow>,
        whole: bool,
        query: &SearchQuery,
        within: Within,
    ) -> Result<bool, StoreError> {
        let mut wanted = query.of_many_words();
        if within == Within::Everything {
            for text in stated_of(flow) {
                query.take_found(&mut wanted, text);
            }
        }
        if wanted.is_empty() {
            return Ok(true);
        }
        let texts = self.reader_of_texts().get().ok_or(StoreError::Query {
            why: "it holds words that must stand side by side, and nobody here reads texts back",
        })?;
        let text = match texts.text(self, flow.id, whole) {
            Ok(text) => text,
            // Nothing can be shown of it either.
            Err(error @ StoreError::Decode { .. }) => {
                tracing::warn!(flow = %flow.id, %error, "the text of a flow cannot be read");
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        for passage in text.passages.iter().filter(|passage| within.has(passage.place)) {
            query.take_found(&mut wanted, &passage.text);
        }
        Ok(wanted.is_empty())
    }
}
