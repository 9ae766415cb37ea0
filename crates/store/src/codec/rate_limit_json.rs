//! The stored form of a flow's rate limits: a JSON list of lists, so that the nouns stay free of it.

use std::borrow::Cow;

use langley_model::{Micros, Permille, RateLimit};
use serde::{Deserialize, Serialize};

/// Name, limit, what remains, when it is full again in microseconds, and the thousandths of it that are used; the
/// last is not there where nothing is said of it, as in rows of an earlier version.
#[derive(Serialize, Deserialize)]
struct LimitRow<'a>(
    Cow<'a, str>,
    Option<u64>,
    Option<u64>,
    Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")] Option<u32>,
);

/// The limits as JSON text; none when there are none.
pub(crate) fn encode(limits: &[RateLimit]) -> Option<String> {
    if limits.is_empty() {
        return None;
    }
    let rows = limits.iter().map(|RateLimit { name, limit, remaining, used, reset_at }| {
        let reset_at = reset_at.map(|at| at.0);
        LimitRow(name.as_str().into(), *limit, *remaining, reset_at, used.map(|used| used.0))
    });
    serde_json::to_string(&rows.collect::<Vec<_>>()).ok()
}

/// The limits of a text made by [`encode`].
pub(crate) fn decode(json: &str) -> Option<Vec<RateLimit>> {
    let rows: Vec<LimitRow<'_>> = serde_json::from_str(json).ok()?;
    let limit = |LimitRow(name, limit, remaining, reset_at, used): LimitRow<'_>| RateLimit {
        name: name.into_owned(),
        limit,
        remaining,
        used: used.map(Permille),
        reset_at: reset_at.map(Micros),
    };
    Some(rows.into_iter().map(limit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_so_is_what_an_earlier_version_wrote() {
        let mut limit = RateLimit {
            name: "requests".into(),
            limit: Some(50),
            reset_at: Some(Micros(7)),
            ..RateLimit::default()
        };
        let plain = r#"[["requests",50,null,7]]"#;
        assert_eq!(encode(std::slice::from_ref(&limit)).as_deref(), Some(plain));
        assert_eq!(decode(plain), Some(vec![limit.clone()]));
        limit.used = Some(Permille(430));
        let both = vec![limit.clone(), RateLimit { used: None, ..limit }];
        assert_eq!(decode(&encode(&both).unwrap()), Some(both));
        assert_eq!(decode("[[]]"), None);
    }
}
