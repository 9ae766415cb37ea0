//! The stored form of a flow's rate limits: a JSON list of lists, so that the nouns stay free of it.

use langley_model::{Micros, RateLimit};

/// Name, limit, what remains, and when it is full again in microseconds.
type LimitRow<'a> = (std::borrow::Cow<'a, str>, Option<u64>, Option<u64>, Option<i64>);

/// The limits as JSON text; none when there are none.
pub(crate) fn encode(limits: &[RateLimit]) -> Option<String> {
    if limits.is_empty() {
        return None;
    }
    let rows = limits.iter().map(|RateLimit { name, limit, remaining, reset_at }| {
        (name.as_str().into(), *limit, *remaining, reset_at.map(|at| at.0))
    });
    serde_json::to_string(&rows.collect::<Vec<LimitRow<'_>>>()).ok()
}

/// The limits of a text made by [`encode`].
pub(crate) fn decode(json: &str) -> Option<Vec<RateLimit>> {
    let rows: Vec<LimitRow<'_>> = serde_json::from_str(json).ok()?;
    let limit = |(name, limit, remaining, reset_at): LimitRow<'_>| RateLimit {
        name: name.into_owned(),
        limit,
        remaining,
        reset_at: reset_at.map(Micros),
    };
    Some(rows.into_iter().map(limit).collect())
}
