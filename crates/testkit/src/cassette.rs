//! Answers we recorded from the loopback provider (and one written by hand), with what they hold.
//!
//! The expectations were written from the script that produced each answer, not by any decoder.

use langley_model::{Tokens, Usage};

/// A recorded answer of the Anthropic Messages API.
#[derive(Clone, Copy, Debug)]
pub struct Cassette {
    /// Its name.
    pub name: &'static str,
    /// Its `content-type`.
    pub media_type: &'static str,
    /// Its status.
    pub status: u16,
    /// The body as it travelled.
    pub body: &'static [u8],
    /// Stream events in it; 0 for JSON.
    pub events: u64,
    /// Those of a type no version of the API knows.
    pub unknown_events: u64,
    /// All text blocks, joined.
    pub text: &'static str,
    /// All thinking blocks, joined.
    pub thinking: &'static str,
    /// Tools called, server tools included: name and arguments as JSON text, as sent.
    pub tools: &'static [(&'static str, &'static str)],
    /// Why the model stopped.
    pub stop_reason: Option<&'static str>,
    /// Final usage; none where the answer was cut off before it.
    pub usage: Option<Usage>,
    /// The answer's id.
    pub message_id: Option<&'static str>,
    /// The model that answered.
    pub model: Option<&'static str>,
    /// The error's class.
    pub error: Option<&'static str>,
}

const SSE: &str = "text/event-stream; charset=utf-8";
const JSON: &str = "application/json";
const MODEL: Option<&str> = Some("claude-opus-5-5");
const BASH: (&str, &str) = ("Bash", r#"{"command":"echo \"a\\b\"","description":"Echo"}"#);
const READ: (&str, &str) = ("Read", r#"{"file_path":"/etc/hostname"}"#);
const SEARCH: (&str, &str) = ("web_search", r#"{"query":"server-sent events specification"}"#);

const fn usage(output: u64) -> Option<Usage> {
    Some(Usage {
        input: Some(Tokens(110)),
        cache_read: Some(Tokens(8322)),
        cache_write_5m: Some(Tokens(1555)),
        cache_write_1h: Some(Tokens(255)),
        output: Some(Tokens(output)),
        reasoning: None,
        web_search_requests: None,
    })
}

const PLAIN: Cassette = Cassette {
    name: "",
    media_type: SSE,
    status: 200,
    body: b"",
    events: 0,
    unknown_events: 0,
    text: "",
    thinking: "",
    tools: &[],
    stop_reason: None,
    usage: None,
    message_id: None,
    model: MODEL,
    error: None,
};

/// Every cassette.
pub const CASSETTES: &[Cassette] = &[
    Cassette {
        name: "text",
        body: include_bytes!("../cassettes/text.sse"),
        events: 7,
        text: "One answer, plainly put.",
        stop_reason: Some("end_turn"),
        usage: usage(7),
        message_id: Some("msg_01Cassette000001"),
        ..PLAIN
    },
    Cassette {
        name: "thinking",
        body: include_bytes!("../cassettes/thinking.sse"),
        events: 12,
        text: "So: that, because of this.",
        thinking: "First this, then that.",
        stop_reason: Some("end_turn"),
        usage: usage(13),
        message_id: Some("msg_01Cassette000002"),
        ..PLAIN
    },
    Cassette {
        name: "tools",
        body: include_bytes!("../cassettes/tools.sse"),
        events: 23,
        text: "Two calls.",
        tools: &[BASH, READ],
        stop_reason: Some("tool_use"),
        usage: usage(24),
        message_id: Some("msg_01Cassette000003"),
        ..PLAIN
    },
    Cassette {
        name: "server-tools",
        body: include_bytes!("../cassettes/server-tools.sse"),
        events: 22,
        text: "I'll look that up.Events are separated by a blank line.",
        tools: &[SEARCH],
        stop_reason: Some("end_turn"),
        usage: Some(Usage {
            input: Some(Tokens(110)),
            cache_read: Some(Tokens(8322)),
            cache_write_5m: Some(Tokens(1555)),
            cache_write_1h: Some(Tokens(255)),
            output: Some(Tokens(321)),
            reasoning: None,
            web_search_requests: Some(1),
        }),
        message_id: Some("msg_01Cassette000004"),
        ..PLAIN
    },
    Cassette {
        name: "unicode",
        body: include_bytes!("../cassettes/unicode.sse"),
        events: 10,
        text: "naïve café — 漢字かな交じり文 — 👩‍👩‍👧 🦀 \u{1F1E9}\u{1F1EA} \"quoted\"\n\ttabbed",
        stop_reason: Some("end_turn"),
        usage: usage(24),
        message_id: Some("msg_01Cassette000005"),
        ..PLAIN
    },
    Cassette {
        name: "error-mid-stream",
        body: include_bytes!("../cassettes/error-mid-stream.sse"),
        events: 7,
        thinking: "First this, then that.",
        message_id: Some("msg_01Cassette000006"),
        error: Some("overloaded_error"),
        ..PLAIN
    },
    Cassette {
        name: "cut-in-tool-input",
        body: include_bytes!("../cassettes/cut-in-tool-input.sse"),
        events: 9,
        text: "Two calls.",
        tools: &[("Bash", r#"{"command":"echo \"#)],
        message_id: Some("msg_01Cassette000009"),
        ..PLAIN
    },
    Cassette {
        name: "odd-framing",
        body: include_bytes!("../cassettes/odd-framing.sse"),
        events: 8,
        unknown_events: 1,
        text: "reordered🦀",
        stop_reason: Some("end_turn"),
        usage: Some(Usage {
            input: Some(Tokens(3)),
            output: Some(Tokens(4)),
            cache_read: None,
            cache_write_5m: None,
            cache_write_1h: None,
            reasoning: None,
            web_search_requests: None,
        }),
        message_id: Some("msg_01CassetteOdd"),
        ..PLAIN
    },
    Cassette {
        name: "whole",
        media_type: JSON,
        body: include_bytes!("../cassettes/whole.json"),
        text: "Two calls.",
        tools: &[BASH, READ],
        stop_reason: Some("tool_use"),
        usage: usage(24),
        message_id: Some("msg_01Cassette000007"),
        ..PLAIN
    },
    Cassette {
        name: "overloaded",
        media_type: JSON,
        status: 529,
        body: include_bytes!("../cassettes/overloaded.json"),
        error: Some("overloaded_error"),
        model: None,
        ..PLAIN
    },
];

/// The cassette of that name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn cassette(name: &str) -> Cassette {
    *CASSETTES.iter().find(|known| known.name == name).expect("a cassette of that name")
}

/// A long stream of `deltas` text deltas of `size` bytes each, in the API's form.
#[must_use]
pub fn big_stream(deltas: usize, size: usize) -> Vec<u8> {
    let text = "x".repeat(size);
    let mut out = String::from(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_big\",\
         \"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[],\
         \"stop_reason\":null,\"stop_sequence\":null,\
         \"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n\
         event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\
         \"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    );
    for _ in 0..deltas {
        out.push_str(
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
             \"delta\":{\"type\":\"text_delta\",\"text\":\"",
        );
        out.push_str(&text);
        out.push_str("\"}}\n\n");
    }
    out.push_str(
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
         event: message_delta\ndata: {\"type\":\"message_delta\",\
         \"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\
         \"usage\":{\"output_tokens\":9}}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cassette_holds_as_many_events_as_it_says() {
        for cassette in CASSETTES {
            let text = std::str::from_utf8(cassette.body).unwrap();
            let events = text.lines().filter(|line| line.starts_with("event:")).count();
            assert_eq!(events as u64, cassette.events, "{}", cassette.name);
        }
    }
}
