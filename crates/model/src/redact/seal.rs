//! Seals: a value inside one has passed the redactor, and nothing outside this module can say so.

use std::ops::Deref;
use std::sync::Arc;

use super::Redactor;

/// A value whose every text has passed the redactor. Made only by [`Redactor::seal`] and the
/// redactor's other verbs; it has no `Deserialize` and no way to swap the value inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the edge that writes it out.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Bytes assembled from redacted pieces only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedactedBytes(Vec<u8>);

impl RedactedBytes {
    /// No bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// No bytes, with room for this many.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Appends a redacted piece.
    pub fn push(&mut self, piece: &Redacted<impl AsRef<[u8]>>) {
        self.0.extend_from_slice(piece.0.as_ref());
    }

    /// Appends bytes that are already redacted.
    pub fn append(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Appends a part of bytes that are already redacted; nothing when it lies outside.
    pub fn append_part(&mut self, other: &Self, part: std::ops::Range<usize>) {
        self.0.extend_from_slice(other.0.get(part).unwrap_or_default());
    }

    /// A part; none when it lies outside.
    #[must_use]
    pub fn part(&self, part: std::ops::Range<usize>) -> Option<Redacted<&[u8]>> {
        self.0.get(part).map(Redacted::new)
    }

    /// All of it.
    #[must_use]
    pub fn whole(&self) -> Redacted<&[u8]> {
        Redacted::new(&self.0)
    }

    /// Cuts to `len` bytes; no effect when shorter.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Takes the bytes, leaving none and keeping no room.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self(std::mem::take(&mut self.0))
    }

    /// Gives spare room back.
    pub fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    pub(super) const fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// For the redactor: the buffer that a redacted piece is appended to.
    pub(super) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Number of bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value that knows which of its parts are text, and has each of them redacted in place.
pub trait Scrub {
    /// Redacts every text in `self`.
    fn scrub(&mut self, redactor: &Redactor);
}

impl Scrub for String {
    fn scrub(&mut self, redactor: &Redactor) {
        redactor.scrub_text(self);
    }
}

impl<T: Scrub> Scrub for Option<T> {
    fn scrub(&mut self, redactor: &Redactor) {
        if let Some(value) = self {
            value.scrub(redactor);
        }
    }
}

impl<T: Scrub> Scrub for Vec<T> {
    fn scrub(&mut self, redactor: &Redactor) {
        for value in self {
            value.scrub(redactor);
        }
    }
}

impl<T: Scrub + Clone> Scrub for Arc<T> {
    fn scrub(&mut self, redactor: &Redactor) {
        Self::make_mut(self).scrub(redactor);
    }
}

impl<T: Scrub + ?Sized> Scrub for Box<T> {
    fn scrub(&mut self, redactor: &Redactor) {
        (**self).scrub(redactor);
    }
}
