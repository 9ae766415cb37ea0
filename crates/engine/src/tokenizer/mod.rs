//! The tokenizers of OpenAI's models, for text whose tokens nobody told.
//!
//! A vocabulary takes tens of MB in memory and is needed now and then: it is read when something is to be counted,
//! and given back once nothing was for a minute. One is kept at a time.

mod count;
mod encoding;

use std::time::{Duration, Instant};

use tiktoken_rs::CoreBPE;

pub(crate) use count::{Count, Ended};
pub(crate) use encoding::Encoding;

/// How long a vocabulary is kept that nothing needs.
const KEPT: Duration = Duration::from_secs(60);

/// The vocabulary that was needed last.
#[derive(Default)]
pub(crate) struct Vocabulary {
    loaded: Option<Loaded>,
}

struct Loaded {
    encoding: Encoding,
    tokens: CoreBPE,
    used: Instant,
}

impl Vocabulary {
    /// That of an encoding; none where it cannot be read.
    pub(crate) fn of(&mut self, encoding: Encoding, now: Instant) -> Option<&CoreBPE> {
        if self.loaded.as_ref().is_none_or(|loaded| loaded.encoding != encoding) {
            // Given back before the other one takes room.
            self.loaded = None;
            let tokens = encoding.load()?;
            self.loaded = Some(Loaded { encoding, tokens, used: now });
        }
        let loaded = self.loaded.as_mut()?;
        loaded.used = now;
        Some(&loaded.tokens)
    }

    /// Gives back what was not needed for a while.
    pub(crate) fn rest(&mut self, now: Instant) {
        self.loaded.take_if(|loaded| now.saturating_duration_since(loaded.used) >= KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vocabulary_is_kept_while_it_is_needed_and_given_back_after_a_minute() {
        let mut vocabulary = Vocabulary::default();
        let start = Instant::now();
        assert!(vocabulary.of(Encoding::Cl100k, start).is_some());
        vocabulary.rest(start + KEPT / 2);
        assert!(vocabulary.loaded.is_some());
        assert!(vocabulary.of(Encoding::Cl100k, start + KEPT / 2).is_some());
        vocabulary.rest(start + KEPT);
        assert!(vocabulary.loaded.is_some(), "needed half a minute ago");
        vocabulary.rest(start + KEPT * 3 / 2);
        assert!(vocabulary.loaded.is_none());
    }
}
