//! What a provider says of its limits beside an answer.

use crate::time::Micros;

/// One limit, as the head of an answer states it. Absent means unstated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// What is limited, in the provider's word: `requests`, `input-tokens`.
    pub name: String,
    /// How much of it there is until it is full again.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// When it is full again.
    pub reset_at: Option<Micros>,
}
