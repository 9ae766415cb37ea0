//! What an exchange is thought to have used where its provider did not tell: kept beside the provider's own
//! numbers and never among them.

use crate::unit::{MicroUsd, Tokens};

/// Bytes of text that count as one token where nobody counted.
pub const BYTES_PER_TOKEN: u64 = 4;

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EstimateSource {
    /// The agent's own transcript, which has the provider's numbers of this answer.
    Transcript,
    /// Bytes of text, [`BYTES_PER_TOKEN`] to a token.
    Bytes,
    /// The text, counted by the tokenizer of its model.
    Tokenizer,
}

impl EstimateSource {
    /// Every source; its place is its number in the store, so that new ones come at the end.
    pub const ALL: [Self; 3] = [Self::Transcript, Self::Bytes, Self::Tokenizer];

    /// The word in JSON and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcript => "transcript",
            Self::Bytes => "bytes",
            Self::Tokenizer => "tokenizer",
        }
    }
}

/// An estimate of what the provider did not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageEstimate {
    /// Where it comes from.
    pub source: EstimateSource,
    /// Input tokens; none where the provider told them, or nothing is known of them.
    pub input: Option<Tokens>,
    /// Output tokens; none where the provider told them, or nothing is known of them.
    pub output: Option<Tokens>,
    /// What these tokens cost, beside the cost of what the provider told; none where no price is known.
    pub cost: Option<MicroUsd>,
}

impl UsageEstimate {
    /// The estimate by these numbers; none where there is neither.
    #[must_use]
    pub fn of(
        source: EstimateSource,
        input: Option<Tokens>,
        output: Option<Tokens>,
    ) -> Option<Self> {
        (input.is_some() || output.is_some()).then_some(Self { source, input, output, cost: None })
    }
}

impl Tokens {
    /// As many as so many bytes of text count for, a part of one as a whole.
    #[must_use]
    pub const fn of_bytes(bytes: u64) -> Self {
        Self(bytes.div_ceil(BYTES_PER_TOKEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_four_bytes_and_a_part_of_one_counts() {
        let tokens = [0, 1, 4, 5, 4_000].map(|bytes| Tokens::of_bytes(bytes).0);
        assert_eq!(tokens, [0, 1, 1, 2, 1_000]);
    }

    #[test]
    fn every_source_stands_at_its_number() {
        for (place, source) in EstimateSource::ALL.into_iter().enumerate() {
            assert_eq!(source as usize, place);
        }
        assert_eq!(UsageEstimate::of(EstimateSource::Bytes, None, None), None);
    }
}
