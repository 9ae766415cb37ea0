//! Usage as Converse states it: input tokens exclude those read from and written to the cache.

use langley_model::{Tokens, Usage};

use crate::dialect::Delta;
use crate::json::{Object, elements};

/// Hands out how an answer was served: what it says beside its usage.
pub(super) fn tier(answer: &Object<'_>, out: &mut dyn FnMut(Delta<'_>)) {
    if let Some(tier) = answer.object("serviceTier")
        && let Some(word) = tier.text("type")
    {
        out(Delta::Tier(word));
    }
}

/// Reads a `usage` object. Cache writes whose lifetime is not told are five-minute ones, the default.
pub(super) fn read(usage: &Object<'_>) -> Usage {
    let tokens = |name| usage.number(name).map(Tokens);
    let details = usage.raw("cacheDetails").and_then(elements).unwrap_or_default();
    let mut write_1h = None;
    for detail in details {
        if let Some(detail) = Object::read(detail.get().as_bytes())
            && detail.text("ttl").as_deref() == Some("1h")
            && let Some(tokens) = detail.number("inputTokens")
        {
            write_1h = Some(tokens.saturating_add(write_1h.unwrap_or(0)));
        }
    }
    let writes = usage.number("cacheWriteInputTokens");
    Usage {
        input: tokens("inputTokens"),
        cache_read: tokens("cacheReadInputTokens"),
        cache_write_5m: writes.map(|all| Tokens(all.saturating_sub(write_1h.unwrap_or(0)))),
        cache_write_1h: write_1h.map(Tokens),
        output: tokens("outputTokens"),
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_writes_are_told_apart_by_their_lifetime() {
        let usage = |json: &str| read(&Object::read(json.as_bytes()).expect("an object"));
        let told = usage(
            r#"{"inputTokens": 3, "outputTokens": 4, "totalTokens": 107, "cacheWriteInputTokens": 100,
               "cacheDetails": [{"ttl": "1h", "inputTokens": 70}, {"ttl": "5m", "inputTokens": 30}]}"#,
        );
        let expected = Usage {
            input: Some(Tokens(3)),
            output: Some(Tokens(4)),
            cache_write_5m: Some(Tokens(30)),
            cache_write_1h: Some(Tokens(70)),
            ..Usage::default()
        };
        assert_eq!(told, expected);
        let untold = usage(r#"{"cacheReadInputTokens": 0, "cacheWriteInputTokens": 100}"#);
        assert_eq!(
            (untold.cache_read, untold.cache_write_5m, untold.cache_write_1h),
            (Some(Tokens(0)), Some(Tokens(100)), None)
        );
    }
}
