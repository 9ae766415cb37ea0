//! The key of a home's digests: an inferred id holds one of how a conversation began, and a transcript's line is known
//! by one of what it said before it was redacted. Without the key nobody can try words until they give the same.

use std::fmt;

use langley_model::Redactor;
use langley_store::{Store, StoreError};

/// The setting that holds it.
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
    /// That of a home, which is made of `random` when it has none.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn of(store: &Store, redactor: &Redactor, random: [u8; 32]) -> Result<Self, StoreError> {
        if let Some(key) = store.setting(SETTING)?.as_deref().and_then(Self::parse) {
            return Ok(key);
        }
        let key = Self(random);
        let text = redactor.seal(key.text());
        // A rule of the user's may take a part of it for a secret; then it holds for this run.
        if Self::parse(&text) == Some(key) {
            store.put_setting(SETTING, text)?;
        }
        Ok(key)
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

    /// Its bytes in decimals with a blank between, which no rule for secrets looks like.
    fn text(&self) -> String {
        self.0.map(|byte| byte.to_string()).join(" ")
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes: Vec<u8> =
            text.split(' ').map(|word| word.parse().ok()).collect::<Option<_>>()?;
        bytes.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;
    use langley_store::StoreOptions;

    use super::*;

    #[test]
    fn a_homes_key_is_made_once_and_what_it_makes_tells_nothing_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let options = StoreOptions::new(folder.path().join("langley.db"));
            Store::open(options, Box::new(|_| ())).unwrap()
        };
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let random = std::array::from_fn(|place| u8::try_from(place * 7).unwrap());
        let store = open();
        let first = InferenceKey::of(&store, &redactor, random).unwrap();
        assert_eq!(first, InferenceKey(random));
        store.close();
        let again = InferenceKey::of(&open(), &redactor, [9; 32]).unwrap();
        assert_eq!(again, first);
        assert_ne!(first.base(1), InferenceKey([9; 32]).base(1));
        assert_ne!(first.line(b"a"), InferenceKey([9; 32]).line(b"a"));
        assert_eq!(format!("{first:?}"), "InferenceKey", "no log tells it");
    }
}
