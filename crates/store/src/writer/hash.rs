//! Hashes of contents: by 16 bytes in memory, by the first five of them in the file.
//!
//! A random key costs its length twice, in its row and in the index. Five bytes only narrow a content down:
//! one of many millions shares them with another by a chance of one in a hundred thousand, so that whoever
//! finds them compares the contents.

use std::borrow::Cow;

/// The first half of the BLAKE3 hash of a content, which tells it from all others: 2^64 contents would have
/// to be tried to find two that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ContentHash([u8; 16]);

/// Bytes of a row's key where no other content has the same.
const SHORT: usize = 5;

impl ContentHash {
    /// That of a content.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::half(blake3::hash(bytes).as_bytes())
    }

    /// That of a recipe, which is never taken for a content of the same bytes.
    pub(super) fn of_recipe(bytes: &[u8]) -> Self {
        Self::half(&blake3::derive_key("langley store 2026 recipe of a body", bytes))
    }

    fn half(hash: &[u8; 32]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        Self(half)
    }

    /// The key of its row.
    pub(super) fn short(&self) -> &[u8] {
        &self.0[..SHORT]
    }

    /// The key of its row, where other contents have those that are `taken`: the short one, else the long one,
    /// else that with a byte more, because the row with the long one cannot be read.
    pub(super) fn free_key(&self, taken: &[Vec<u8>]) -> Cow<'_, [u8]> {
        let is_free = |key: &[u8]| !taken.iter().any(|taken| **taken == *key);
        if is_free(self.short()) {
            return Cow::Borrowed(self.short());
        }
        let mut longer = self.0.to_vec();
        if is_free(&longer) {
            return Cow::Owned(longer);
        }
        longer.push(0);
        while !is_free(&longer) {
            let last = longer.len() - 1;
            match longer[last] {
                u8::MAX => longer.push(0),
                _ => longer[last] += 1,
            }
        }
        Cow::Owned(longer)
    }

    /// The last of the keys that begin with the short one. Rows of an earlier version have 16 bytes or all 32.
    pub(super) fn last(&self) -> [u8; 32] {
        let mut last = [u8::MAX; 32];
        last[..SHORT].copy_from_slice(self.short());
        last
    }

    /// Whether a row's key is long enough to tell by itself what the row holds, and if so, whether that is
    /// this content.
    pub(super) fn is_told_by(&self, key: &[u8]) -> Option<bool> {
        (key.len() >= self.0.len()).then(|| key.starts_with(&self.0))
    }
}
