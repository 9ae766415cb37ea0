//! What an event of a stream is worth where not all can be kept, by its type and, where a provider's events
//! are all of one type, by what it states.

use memchr::memmem;

/// Whether an event says nothing that a later one, or the message, does not say again.
pub(crate) fn is_minor(kind: &str) -> bool {
    let is_usage = kind == "message_delta";
    let is_delta = ["_delta", ".delta", "Delta"].iter().any(|end| kind.ends_with(end));
    kind == "ping" || (is_delta && !is_usage)
}

/// Whether an event tells of usage or of an end: a message's own, and errors; not a block's.
pub(crate) fn is_telling(kind: &str, data: &[u8]) -> bool {
    match kind {
        // Anthropic's, also by way of Bedrock; errors of all.
        "message_start" | "message_delta" | "message_stop" | "error"
        // Responses.
        | "response.created" | "response.completed" | "response.incomplete" | "response.failed"
        | "response.cancelled" | "response.done"
        // Converse: its usage is the metadata.
        | "messageStart" | "messageStop" | "metadata"
        // Interactions.
        | "interaction.created" | "interaction.start" | "interaction.completed"
        | "interaction.complete"
        // What ends a stream of chat completions.
        | "[DONE]" => true,
        // Faults in the midst of a stream.
        _ if kind.ends_with("Exception") => true,
        // Chat completions, Gemini, and what else has chunks: all are alike but the last ones.
        "" | "message" | "chunk" | "chat.completion.chunk" | "text_completion" => is_closing(data),
        _ => false,
    }
}

/// Whether a chunk states how the answer ended, or what it used. Gemini's tell their use with each, so there it
/// is the reason alone.
fn is_closing(data: &[u8]) -> bool {
    const TELLING: [&[u8]; 6] = [
        br#""finish_reason""#,
        br#""finishReason""#,
        br#""usage""#,
        br#""stop_reason""#,
        br#""completionReason""#,
        br#""amazon-bedrock-invocationMetrics""#,
    ];
    TELLING.iter().any(|member| states(data, member))
}

/// Whether a member stands in the text with a value. Quotes within strings are escaped, so that a member's own
/// are never a part of one.
fn states(data: &[u8], member: &[u8]) -> bool {
    memmem::find_iter(data, member).any(|at| {
        let rest = data[at + member.len()..].trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| !value.trim_ascii_start().starts_with(b"null"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_and_endings_of_every_dialect_are_told_from_what_streams() {
        let chunk = "chat.completion.chunk";
        for (kind, data) in [
            ("message_stop", "{}"),
            ("response.completed", "{}"),
            ("messageStop", r#"{"stopReason":"end_turn"}"#),
            ("metadata", r#"{"usage":{"inputTokens":3}}"#),
            ("throttlingException", "{}"),
            ("interaction.completed", "{}"),
            ("[DONE]", "[DONE]"),
            (chunk, r#"{"choices":[{"delta":{},"finish_reason": "stop"}],"usage":null}"#),
            (chunk, r#"{"choices":[],"usage":{"prompt_tokens":3}}"#),
            ("", r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{}}"#),
            ("error", r#"{"error":{}}"#),
        ] {
            assert!(is_telling(kind, data.as_bytes()), "{kind} {data}");
        }
        for (kind, data) in [
            ("content_block_start", "{}"),
            ("contentBlockStop", "{}"),
            ("response.output_item.done", "{}"),
            ("step.stop", "{}"),
            (
                chunk,
                r#"{"choices":[{"delta":{"content":"x"},"finish_reason":null}],"usage" : null}"#,
            ),
            (chunk, r#"{"choices":[{"delta":{"content":"\"usage\":3, \"finish_reason\":4"}}]}"#),
            ("", r#"{"candidates":[{"content":{}}],"usageMetadata":{"promptTokenCount":3}}"#),
        ] {
            assert!(!is_telling(kind, data.as_bytes()), "{kind} {data}");
        }
        assert!(is_minor("content_block_delta") && is_minor("response.output_text.delta"));
        assert!(is_minor("contentBlockDelta") && !is_minor("message_delta"));
    }
}
