//! Brings lines to the writer: packs them here, and lets more be read while it writes.

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::Receiver;

use langley_model::{Micros, Redacted};

use super::block::Block;
use super::keep::{ImportedBatch, TranscriptBatch, write};
use crate::codec::pack::Packer;
use crate::error::StoreError;
use crate::store::Store;

/// What came of a transaction.
type Kept = Result<Vec<ImportedBatch>, StoreError>;

/// Brings lines of transcripts into the store.
pub struct TranscriptWriter {
    store: Store,
    packer: Packer,
    /// Where it is told what came of what was brought last.
    brought: Option<Receiver<Kept>>,
}

impl fmt::Debug for TranscriptWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TranscriptWriter").finish_non_exhaustive()
    }
}

impl TranscriptWriter {
    /// For a store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, packer: Packer::new(), brought: None }
    }

    /// Has batches kept, each with how far its file was read, all in one transaction, and does not wait for it. Where
    /// others record, which waits for them, they should be small: some 64 KB; where nobody does, some MiB are quicker.
    /// What was brought before is waited for by [`Self::kept`].
    ///
    /// # Errors
    /// The store is closed. What fails while they are written [`Self::kept`] tells.
    pub fn bring(
        &mut self,
        batches: Vec<Redacted<TranscriptBatch>>,
        now: Micros,
    ) -> Result<(), StoreError> {
        let packer = &mut self.packer;
        let packed: Vec<_> = batches
            .into_iter()
            .map(|batch| {
                let block = Block::of(&batch.lines, packer);
                (batch, block)
            })
            .collect();
        self.brought = Some(self.store.begin_job(move |site| {
            let change = site.change()?;
            let mut done = Vec::with_capacity(packed.len());
            // A file that is new, or was forgotten meanwhile, may have more than one.
            let mut begun: HashMap<[u8; 16], i64> = HashMap::new();
            for (batch, block) in &packed {
                let path_key = batch.place.path_key;
                let transcript = begun.get(&path_key).copied().or(batch.transcript);
                let kept = write(&change, (batch, transcript), block.as_ref(), now)?;
                begun.insert(path_key, kept.transcript);
                done.push(kept);
            }
            change.commit()?;
            Ok(done)
        })?);
        Ok(())
    }

    /// Waits for what was brought last, and tells what came of each batch, in their order; nothing where that was told.
    ///
    /// # Errors
    /// The store is closed or cannot be written; nothing of the batches is kept then.
    pub fn kept(&mut self) -> Kept {
        let brought = self.brought.take();
        brought.map_or(Ok(Vec::new()), |kept| kept.recv().unwrap_or(Err(StoreError::Closed)))
    }

    /// Gives back the room for packing: nothing comes for a while.
    pub fn rest(&mut self) {
        self.packer = Packer::new();
    }
}
