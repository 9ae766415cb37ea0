//! What a new recorder must know of an earlier one, so that conversations without a name go on.

use langley_model::{Flow, Stored};
use langley_store::{FlowFilter, Store, StoreError};

/// Flows that are read back: what was said lately.
const FLOWS: usize = 500;

/// The newest flows of a store, for [`crate::RecorderOptions::recalled`].
///
/// # Errors
/// A failure of the file.
pub fn recall(store: &Store) -> Result<Vec<Flow>, StoreError> {
    let page = store.flows(&FlowFilter::default(), None, FLOWS)?;
    Ok(page.items.into_iter().map(Stored::into_inner).collect())
}
