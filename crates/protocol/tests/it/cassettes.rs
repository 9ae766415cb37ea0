//! Small streams that we wrote in the provider's form, decoded whole, byte by byte and at every cut.

use langley_model::{Block, Content, LiveKind, Message, ProviderError, Tokens, Usage};
use langley_protocol::anthropic::AnthropicResponse;
use langley_protocol::dialect::{Delta, EventFacts, EventText, ResponseDecoder};
use langley_protocol::sse::{SseDecoder, SseEvent};

const TEXT: &str = include_str!("../cassettes/text.sse");
const THINKING_AND_TOOL: &str = include_str!("../cassettes/thinking_and_tool.sse");
const SERVER_TOOLS: &str = include_str!("../cassettes/server_tools.sse");
const ERROR: &str = include_str!("../cassettes/error.sse");
const UNICODE: &str = include_str!("../cassettes/unicode.sse");

/// What one event was: type, text's place, block that ended, known.
pub(crate) type Facts = (String, Option<EventText>, Option<u32>, bool);

pub(crate) fn facts(facts: &EventFacts<'_>) -> Facts {
    (facts.kind.to_owned(), facts.text, facts.ends_block, facts.known)
}

/// What a stream was: facts of its events, and all deltas in order.
#[derive(Debug, Default, PartialEq)]
struct Decoded {
    events: Vec<Facts>,
    deltas: Vec<String>,
    message: Message,
    ended: bool,
    unknown: Vec<String>,
}

fn decode(reads: &[&[u8]], mut decoder: AnthropicResponse) -> Decoded {
    let mut decoded = Decoded::default();
    let mut framer = SseDecoder::new(1 << 20);
    let mut each = |event: SseEvent<'_>| {
        let mut deltas = Vec::new();
        let mut joined = String::new();
        let read = decoder.event(&event, &mut |delta| {
            deltas.push(format!("{delta:?}"));
            if let Delta::Text { text, .. }
            | Delta::Thinking { text, .. }
            | Delta::InputJson { json: text, .. } = &delta
            {
                joined.push_str(text);
            }
            apply(&mut decoded, delta);
        });
        if let Some(EventText { start, end, .. }) = read.text {
            let escaped = std::str::from_utf8(&event.data[start..end]).expect("UTF-8");
            let quoted = escaped.replace("\\ud83d\\ude00", "😀").replace("\\ud83d", "\\ufffd");
            let text: String = serde_json::from_str(&format!("\"{quoted}\"")).expect("escaped");
            assert_eq!(text, joined, "the place is that of the text");
        }
        decoded.deltas.extend(deltas);
        decoded.events.push(facts(&read));
    };
    for read in reads {
        framer.feed(read, &mut each);
    }
    framer.finish(&mut each);
    assert_eq!(framer.oversized(), 0);
    decoded
}

/// Assembles as the contract of [`Delta`] says.
fn apply(decoded: &mut Decoded, delta: Delta<'_>) {
    let message = &mut decoded.message;
    let content = |message: &mut Message, index: u32, change: &dyn Fn(&mut Content)| {
        let found = message.blocks.iter_mut().find(|block| block.index == index);
        change(&mut found.expect("a block that was started").content);
    };
    match delta {
        Delta::MessageStart { id, model, role } => {
            message.id = id.map(Into::into);
            message.model = model.map(Into::into);
            message.role = role.map(Into::into);
        }
        Delta::Usage(usage) => message.usage.update(&usage),
        Delta::BlockStart { index, content } => {
            message.blocks.push(Block { index, content, complete: false });
        }
        Delta::Text { index, text: new } => content(message, index, &|content| match content {
            Content::Text { text, .. } => text.push_str(&new),
            other => panic!("text in {other:?}"),
        }),
        Delta::Thinking { index, text: new } => content(message, index, &|content| match content {
            Content::Thinking { text, .. } => text.push_str(&new),
            other => panic!("thinking in {other:?}"),
        }),
        Delta::Signature { index, bytes } => content(message, index, &|content| match content {
            Content::Thinking { signature_bytes, .. } => *signature_bytes += bytes,
            other => panic!("a signature in {other:?}"),
        }),
        Delta::InputJson { index, json } => content(message, index, &|content| match content {
            Content::ToolUse { input, .. } | Content::ServerToolUse { input, .. } => {
                input.push_str(&json);
            }
            other => panic!("input in {other:?}"),
        }),
        Delta::Citation { index, json } => content(message, index, &|content| match content {
            Content::Text { citations, .. } => citations.push(json.clone().into_owned()),
            other => panic!("a citation in {other:?}"),
        }),
        Delta::BlockStop { index } => {
            let stopped = message.blocks.iter_mut().filter(|block| block.index == index);
            stopped.for_each(|block| block.complete = true);
        }
        Delta::Stop { reason, sequence } => {
            message.stop_reason = reason.map(Into::into);
            message.stop_sequence = sequence.map(Into::into);
        }
        Delta::MessageStop => decoded.ended = true,
        Delta::Error { kind, message: text } => {
            message.error =
                Some(ProviderError { kind: kind.map(Into::into), message: text.map(Into::into) });
        }
        Delta::Unknown { kind } => decoded.unknown.push(kind.into_owned()),
        Delta::Ping | Delta::TokenCount(_) => {}
    }
}

/// Decodes whole, by the slow path, byte by byte and at every cut; all must agree.
#[track_caller]
fn at_every_cut(stream: &str) -> Decoded {
    let bytes = stream.as_bytes();
    let new = AnthropicResponse::new;
    let whole = decode(&[bytes], new());
    assert_eq!(decode(&[bytes], AnthropicResponse::without_fast_path()), whole, "slow path");
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(decode(&single, new()), whole, "byte by byte");
    for cut in 0..=bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(decode(&[a, b], new()), whole, "cut at {cut}");
    }
    whole
}

fn text(text: &str) -> Content {
    Content::Text { text: text.into(), citations: Vec::new() }
}

fn contents(decoded: &Decoded) -> Vec<Content> {
    decoded.message.blocks.iter().map(|block| block.content.clone()).collect()
}

#[test]
fn a_text_answer_is_whole_with_its_usage() {
    let decoded = at_every_cut(TEXT);
    assert_eq!(contents(&decoded), [text("Hello, \"world\"\nC:\\dir é")]);
    let message = decoded.message;
    assert_eq!(message.id.as_deref(), Some("msg_text01"));
    assert_eq!(message.model.as_deref(), Some("claude-opus-5-5"));
    assert_eq!(message.role.as_deref(), Some("assistant"));
    assert_eq!(message.stop_reason.as_deref(), Some("end_turn"));
    assert_eq!(message.stop_sequence, None);
    assert!(decoded.ended && message.blocks[0].complete);
    let expected = Usage {
        input: Some(Tokens(110)),
        cache_read: Some(Tokens(8322)),
        cache_write_5m: Some(Tokens(1555)),
        cache_write_1h: Some(Tokens(255)),
        output: Some(Tokens(12)),
        ..Usage::default()
    };
    assert_eq!(message.usage, expected, "the last report has no split and must not undo it");
    assert!(decoded.events.iter().all(|(.., known)| *known));
    let kinds: Vec<_> = decoded.events.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds[..3], ["message_start", "content_block_start", "ping"]);
    assert_eq!(decoded.events[6].2, Some(0), "content_block_stop ends block 0");
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let plain = decode(&[TEXT.as_bytes()], AnthropicResponse::new());
    assert_eq!(at_every_cut(&TEXT.replace('\n', "\r\n")), plain);
    assert_eq!(at_every_cut(&format!("\u{feff}{}", TEXT.replace('\n', "\r"))), plain);
}

#[test]
fn thinking_and_tool_calls_are_assembled() {
    let decoded = at_every_cut(THINKING_AND_TOOL);
    let tool = |id: &str, name: &str, input: &str| Content::ToolUse {
        id: id.into(),
        name: name.into(),
        input: input.into(),
    };
    assert_eq!(
        contents(&decoded),
        [
            Content::Thinking { text: "Look at the file.".into(), signature_bytes: 12 },
            Content::RedactedThinking { bytes: 8 },
            tool("toolu_01", "Bash", r#"{"command": "grep \"a\" x.txt"}"#),
            tool("toolu_02", "Now", ""),
        ]
    );
    let usage = decoded.message.usage;
    assert_eq!(usage.output, Some(Tokens(57)), "cumulative: the last wins, iterations are nested");
    assert_eq!(usage.cache_write_5m, Some(Tokens(300)), "no split: five minutes");
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("tool_use"));
    let kinds: Vec<_> = decoded.events.iter().filter_map(|event| event.1).map(|t| t.kind).collect();
    assert_eq!(
        kinds,
        [
            LiveKind::Thinking,
            LiveKind::Thinking,
            LiveKind::ToolInput,
            LiveKind::ToolInput,
            LiveKind::ToolInput
        ]
    );
}

#[test]
fn server_tools_citations_and_unknown_parts_are_kept() {
    let decoded = at_every_cut(SERVER_TOOLS);
    let contents = contents(&decoded);
    assert_eq!(
        contents[0],
        Content::ServerToolUse {
            id: "srvtoolu_01".into(),
            name: "web_search".into(),
            input: r#"{"query":"rust"}"#.into()
        }
    );
    let Content::ServerToolResult { kind, tool_use_id, json } = &contents[1] else {
        panic!("{:?}", contents[1]);
    };
    assert_eq!((kind.as_str(), tool_use_id.as_str()), ("web_search_tool_result", "srvtoolu_01"));
    assert!(json.starts_with(r#"[{"type":"web_search_result""#), "{json}");
    let Content::Text { text: cited, citations } = &contents[2] else {
        panic!("{:?}", contents[2]);
    };
    assert_eq!((cited.as_str(), citations.len()), ("Rust is a language", 1));
    assert!(citations[0].starts_with(r#"{"type":"web_search_result_location""#));
    assert!(matches!(&contents[3], Content::ServerToolResult { kind, .. }
        if kind == "bash_code_execution_tool_result"));
    assert_eq!(
        contents[4],
        Content::Other { kind: "hologram".into(), json: r#"{"type":"hologram","depth":3}"#.into() }
    );
    assert_eq!(contents[5], text("already here"));
    assert_eq!(decoded.unknown, ["hologram", "hologram_delta", "mood"]);
    let unknown: Vec<_> = decoded.events.iter().filter(|event| !event.3).map(|e| &*e.0).collect();
    assert_eq!(unknown, ["content_block_start", "content_block_delta", "mood"]);
    assert_eq!(decoded.message.usage.web_search_requests, Some(1));
    assert_eq!(decoded.message.stop_sequence.as_deref(), Some("END"));
    assert!(decoded.ended);
}

#[test]
fn an_error_in_the_stream_leaves_the_half_answer() {
    let decoded = at_every_cut(ERROR);
    assert_eq!(contents(&decoded), [text("Half an ans")]);
    assert!(!decoded.message.blocks[0].complete && !decoded.ended);
    let error = decoded.message.error.expect("an error");
    assert_eq!(error.kind.as_deref(), Some("overloaded_error"));
    assert_eq!(error.message.as_deref(), Some("Overloaded"));
}

#[test]
fn any_script_and_any_form_of_the_json_is_read() {
    let decoded = at_every_cut(UNICODE);
    assert_eq!(contents(&decoded), [text("naïve 漢字 😀👩‍🚀😀 漢 \u{fffd} in lines")]);
    assert_eq!(decoded.events[4].0, "content_block_delta", "the type stated in the data");
}

#[test]
fn what_cannot_be_read_is_unknown_and_harms_no_later_event() {
    let stream = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"ind\n\n\
                  event: ping\ndata: {}\n\ndata: [DONE]\n\n\
                  event: content_block_delta\ndata: {\"index\":0,\"delta\":{\"type\":\"text_delta\"}}\n\n\
                  event: message_start\ndata: {\"message\":7}\n\n\
                  event: message_stop\ndata: {}\n\n";
    let decoded = at_every_cut(stream);
    let known: Vec<_> = decoded.events.iter().map(|event| (event.0.as_str(), event.3)).collect();
    assert_eq!(
        known,
        [
            ("content_block_delta", false),
            ("ping", true),
            ("", false),
            ("content_block_delta", false),
            ("message_start", false),
            ("message_stop", true)
        ]
    );
    assert_eq!(decoded.unknown.len(), 4, "one for each");
    // Blocks in the start itself would go unassembled: said, not passed over.
    let start =
        "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[{}]}}\n\n";
    let decoded = at_every_cut(start);
    assert_eq!((decoded.message.id.as_deref(), decoded.events[0].3), (Some("m"), false));
}
