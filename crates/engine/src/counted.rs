//! Usage that stands in the head of an answer.
//!
//! Source of the names: Amazon's reference of InvokeModel, "Response headers".

use langley_model::{HeaderBlock, Tokens, Usage};

/// Tokens that Bedrock counts in the head of an answer of InvokeModel, whatever the model says.
pub(crate) fn counted(headers: &HeaderBlock) -> Usage {
    let tokens = |name| headers.value(name)?.trim().parse().ok().map(Tokens);
    Usage {
        input: tokens("x-amzn-bedrock-input-token-count"),
        cache_read: tokens("x-amzn-bedrock-cache-read-input-token-count"),
        cache_write_5m: tokens("x-amzn-bedrock-cache-write-input-token-count"),
        output: tokens("x-amzn-bedrock-output-token-count"),
        ..Usage::default()
    }
}
