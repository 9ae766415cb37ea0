//! The key of a home's digests: an inferred id holds one of how a conversation began, and a transcript's line is known
//! by one of what it said before it was redacted. Without the key nobody can try words until they give the same.

use std::fmt;

use langley_store::{Store, StoreError};

/// The setting in which an earlier version kept it, its bytes in decimals with a blank between.
const SETTING: &str = "inference_key";

/// The key of digests. The default is no secret, for those who keep no home.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct InferenceKey([u8; 32]);

impl fmt::Debug for InferenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InferenceKey")
    }
}

impl InferenceKey {
    /// A key of these bytes, which are random.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The key that a file has as text; none where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text.trim()).ok().map(|bytes| Self(*bytes.as_bytes()))
    }

    /// As text, for a file that only its owner may read.
    #[must_use]
    pub fn reveal(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The key that an earlier version kept in the database, beside what is made with it; none where there is none.
    /// Once it is kept elsewhere, [`Self::forget_earlier`] takes it out.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn earlier(store: &Store) -> Result<Option<Self>, StoreError> {
        let bytes = |text: &str| text.split(' ').map(|word| word.parse().ok()).collect();
        let text = store.setting(SETTING)?;
        let bytes: Option<Vec<u8>> = text.as_deref().and_then(bytes);
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(Self))
    }

    /// Takes that key out of the database.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn forget_earlier(store: &Store) -> Result<(), StoreError> {
        store.remove_setting(SETTING)
    }

    /// What digests are made with.
    pub(crate) fn seeds(&self) -> [u64; 2] {
        let hash = blake3::keyed_hash(&self.0, b"seeds of digests");
        let (seeds, _) = hash.as_bytes().as_chunks::<8>();
        [u64::from_le_bytes(seeds[0]), u64::from_le_bytes(seeds[1])]
    }

    /// By what a stretch is known that begins with this digest: it stands in its id.
    pub(crate) fn base(&self, digest: u64) -> u64 {
        let hash = blake3::keyed_hash(&self.0, &digest.to_le_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }

    /// By what a line of a transcript is known, whatever is redacted of it.
    pub(crate) fn line(&self, line: &[u8]) -> u64 {
        // Apart from digests of other things that are as long.
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"a line of a transcript\n").update(line);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{Redactor, RedactorOptions};
    use langley_store::StoreOptions;

    use super::*;

    #[test]
    fn what_a_key_makes_tells_nothing_without_it() {
        let key = InferenceKey::new([7; 32]);
        assert_ne!(key.base(1), InferenceKey::new([9; 32]).base(1));
        assert_ne!(key.line(b"a"), InferenceKey::new([9; 32]).line(b"a"));
        assert_eq!(format!("{key:?}"), "InferenceKey", "no log tells it");
        assert_eq!(InferenceKey::parse(&format!("{}\n", key.reveal())), Some(key));
        assert_eq!(InferenceKey::parse("7 7 7"), None);
    }

    #[test]
    fn a_key_that_an_earlier_version_kept_in_the_database_is_taken_out_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("langley.db");
        let store = Store::open(StoreOptions::new(path.clone()), Box::new(|_| ())).unwrap();
        assert_eq!(InferenceKey::earlier(&store).unwrap(), None);
        let words = [201; 32].map(|byte: u8| byte.to_string()).join(" ");
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        store.put_setting(SETTING, redactor.seal(words.clone())).unwrap();
        assert_eq!(InferenceKey::earlier(&store).unwrap(), Some(InferenceKey::new([201; 32])));
        InferenceKey::forget_earlier(&store).unwrap();
        assert_eq!(InferenceKey::earlier(&store).unwrap(), None);
        store.close();
        let file = std::fs::read(path).unwrap();
        let is_there = file.windows(words.len()).any(|bytes| bytes == words.as_bytes());
        assert!(!is_there, "nor is it on a page that is free");
    }
}
