//! What a provider says of its limits beside an answer.

use crate::time::Micros;

/// A thousandth part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permille(pub u32);

impl Permille {
    /// As percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 10.0
    }
}

/// One limit, as the head of an answer states it. Absent means unstated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// What is limited, in the provider's word: `requests`, `input-tokens`.
    pub name: String,
    /// How much of it there is until it is full again.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// How much of it is used, where that is said as a share.
    pub used: Option<Permille>,
    /// When it is full again.
    pub reset_at: Option<Micros>,
}
