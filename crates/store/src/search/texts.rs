//! The texts of flows, read back: what the index cannot say, it is asked of them.
//!
//! The index knows which words a flow has. Whether two of them stand side by side is seen in the text, which
//! is stored once, with the flow; how it is read there is the business of whoever knows the formats.

use std::sync::Arc;

use langley_model::{Flow, FlowId, Redacted, SearchText, Stored};

use super::find::{Purpose, Wanted};
use super::query::Within;
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

/// How words side by side were found, or not.
pub(super) enum Stands {
    /// The flow's own row says them.
    Stated,
    /// Its text was read for it.
    Read { says: bool },
}

impl Store {
    /// Names the one who reads texts back, for all handles of this store; the first one stays.
    pub fn read_texts_with(&self, texts: Arc<dyn Texts>) {
        self.reader_of_texts().get_or_init(|| texts);
    }

    /// The text that was read of a flow, for a search or for what it shows; none where it cannot be read, which
    /// is counted: a flow that was found is shown all the same.
    ///
    /// # Errors
    /// Any other failure.
    pub fn readable<T>(
        &self,
        flow: FlowId,
        read: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match read {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.is_of_one_place() => {
                tracing::warn!(%flow, %error, "the text of a flow cannot be read");
                self.count_unreadable();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether all phrases that are wanted stand in a flow that has all of their words.
    pub(super) fn stands_in(
        &self,
        flow: &Stored<Flow>,
        whole: bool,
        asked: &Wanted<'_>,
    ) -> Result<Stands, StoreError> {
        let (query, within) = (asked.query, asked.within);
        let mut wanted = query.of_many_words();
        if within == Within::Everything {
            for text in stated_of(flow) {
                query.take_found(&mut wanted, text);
            }
        }
        if wanted.is_empty() {
            return Ok(Stands::Stated);
        }
        let texts = self.reader_of_texts().get().ok_or(StoreError::Query {
            why: "it holds words that must stand side by side, and nobody here reads texts back",
        })?;
        let Some(text) = self.readable(flow.id, texts.text(self, flow.id, whole))? else {
            // It has the words; it is not hidden because nobody can tell how they stand.
            return Ok(Stands::Read { says: matches!(asked.purpose, Purpose::Show) });
        };
        for passage in text.passages.iter().filter(|passage| within.has(passage.place)) {
            query.take_found(&mut wanted, &passage.text);
        }
        Ok(Stands::Read { says: wanted.is_empty() })
    }
}
