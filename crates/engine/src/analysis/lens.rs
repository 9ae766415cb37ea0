//! A lens: one way to look at flows.

use langley_model::Micros;
use langley_store::{Analysis, Store, StoreError};

use super::Reading;

/// Looks at flows, the oldest first as far as they come so; the same flow may come again.
pub(crate) trait Lens: Send {
    /// Looks at a flow. What it comes to is remembered until [`Self::tell`]; who changes the flow reads it again for
    /// those that look after it.
    fn look(&mut self, store: &Store, reading: &mut Reading) -> Result<(), StoreError>;

    /// Looks at what should have happened until `now`, when no flow waits; whether there was anything.
    fn wait(&mut self, store: &Store, now: Micros) -> Result<bool, StoreError>;

    /// Adds to the work for the writer what the flows since the last time came to, and forgets it.
    fn tell(&mut self, work: &mut Analysis);
}
