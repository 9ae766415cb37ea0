//! Usage as OpenAI and compatible hosts state it: input includes what was read from the cache.

use langley_model::{MicroUsd, Tokens, Usage};

use crate::dialect::Delta;
use crate::json::Object;

/// Reads a `usage` object of either API.
pub(super) fn read(usage: &Object<'_>) -> Usage {
    let tokens = |names: [&str; 2]| names.iter().find_map(|name| usage.number(name)).map(Tokens);
    let input =
        usage.object("prompt_tokens_details").or_else(|| usage.object("input_tokens_details"));
    let output =
        usage.object("completion_tokens_details").or_else(|| usage.object("output_tokens_details"));
    let detail = |of: &Option<Object<'_>>, name| of.as_ref().and_then(|of| of.number(name));
    // DeepSeek and Moonshot state cache hits beside the totals.
    let read = detail(&input, "cached_tokens")
        .or_else(|| usage.number("prompt_cache_hit_tokens"))
        .or_else(|| usage.number("cached_tokens"));
    Usage {
        input: tokens(["prompt_tokens", "input_tokens"]),
        cache_read: read.map(Tokens),
        cache_write_5m: detail(&input, "cache_write_tokens").map(Tokens),
        cache_write_1h: None,
        output: tokens(["completion_tokens", "output_tokens"]),
        reasoning: detail(&output, "reasoning_tokens").map(Tokens),
        web_search_requests: usage
            .object("server_tool_use")
            .and_then(|tools| tools.number("web_search_requests")),
    }
}

/// Hands out how an answer was served: what it says beside its usage.
pub(super) fn tier(answer: &Object<'_>, out: &mut dyn FnMut(Delta<'_>)) {
    if let Some(word) = answer.text("service_tier") {
        out(Delta::Tier(word));
    }
}

/// What the answer cost, where the host says it: OpenRouter, in US dollars. With a key of the user's own at the provider
/// that is its fee alone, and what the provider takes stands beside it; where that is not said, nothing is known.
pub(super) fn cost(usage: &Object<'_>) -> Option<MicroUsd> {
    let of = |object: &Object<'_>, name| MicroUsd::of_decimal(object.raw(name)?);
    let MicroUsd(cost) = of(usage, "cost")?;
    if usage.flag("is_byok") != Some(true) {
        return Some(MicroUsd(cost));
    }
    let MicroUsd(upstream) = of(&usage.object("cost_details")?, "upstream_inference_cost")?;
    cost.checked_add(upstream).map(MicroUsd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_key_of_ones_own_the_provider_is_paid_beside_the_fee() {
        let told = |text: &str| cost(&Object::of(text).unwrap());
        let own =
            r#"{"cost":0.00005,"is_byok":true,"cost_details":{"upstream_inference_cost":0.001}}"#;
        assert_eq!(told(own), Some(MicroUsd(1_050)));
        assert_eq!(told(&own.replace("true", "false")), Some(MicroUsd(50)), "it is in the cost");
        assert_eq!(told(&own.replace("0.001", "null")), None, "a part is not the cost");
    }
}
