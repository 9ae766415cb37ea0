//! A value that was read back from the store, hence redacted when it was written.

use std::ops::Deref;
use std::sync::Arc;

use crate::id::Revision;

/// A value read back from the store, with the revision of its last change.
///
/// Only the store makes one ([`Stored::read_back`]; `cargo xtask tidy` checks that nobody else
/// calls it), so that a door that takes `Stored` cannot be handed raw data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    value: T,
    revision: Revision,
}

impl<T> Stored<T> {
    /// For the store only.
    #[must_use]
    pub const fn read_back(value: T, revision: Revision) -> Self {
        Self { value, revision }
    }

    /// The revision of the last change.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The same value, to be shared.
    #[must_use]
    pub fn shared(self) -> Stored<Arc<T>> {
        Stored { value: Arc::new(self.value), revision: self.revision }
    }

    /// The value.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
