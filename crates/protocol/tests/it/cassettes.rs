//! Small streams that we wrote in Anthropic's form, decoded whole, byte by byte and at every cut.

use langley_model::{Content, Few, LiveKind, Tokens, Usage};
use langley_protocol::anthropic::AnthropicResponse;

use crate::decoded::{Decoded, contents, decode, each_cut, text};

const HOSTED: &str = include_str!("../cassettes/anthropic_hosted.sse");
const TEXT: &str = include_str!("../cassettes/text.sse");
const THINKING_AND_TOOL: &str = include_str!("../cassettes/thinking_and_tool.sse");
const SERVER_TOOLS: &str = include_str!("../cassettes/server_tools.sse");
const ERROR: &str = include_str!("../cassettes/error.sse");
const UNICODE: &str = include_str!("../cassettes/unicode.sse");

/// Decodes whole, by the slow path, byte by byte and at every cut; all must agree.
#[track_caller]
fn at_every_cut(stream: &str) -> Decoded {
    let whole = each_cut(stream, AnthropicResponse::new);
    let slow = decode(&[stream.as_bytes()], AnthropicResponse::without_fast_path());
    assert_eq!(slow, whole, "slow path");
    whole
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
    assert_eq!(decoded.events[6].2, Few::One(0), "content_block_stop ends block 0");
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
    let kinds: Vec<_> =
        decoded.events.iter().flat_map(|event| event.1.iter()).map(|t| t.kind).collect();
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

#[test]
fn hosted_tools_images_and_a_refusal_with_its_reasons_are_read() {
    let decoded = each_cut(HOSTED, AnthropicResponse::new);
    let result = |kind: &str, of: &str, json: &str| Content::ServerToolResult {
        kind: kind.into(),
        tool_use_id: of.into(),
        json: json.into(),
    };
    let expected = [
        Content::ServerToolUse {
            id: "srv_1".into(),
            name: "web_fetch".into(),
            input: r#"{"url":"https://e.example"}"#.into(),
        },
        result(
            "web_fetch_tool_result",
            "srv_1",
            r#"{"type":"web_fetch_result","url":"https://e.example"}"#,
        ),
        result(
            "bash_code_execution_tool_result",
            "srv_2",
            r#"{"type":"bash_code_execution_result","stdout":"42","return_code":0}"#,
        ),
        Content::Other {
            kind: "image".into(),
            json: r#"{"media_type":"image/png","bytes":5}"#.into(),
        },
        Content::Text {
            text: "I must stop.".into(),
            citations: vec![r#"{"type":"char_location","cited_text":"x"}"#.into()],
        },
    ];
    assert_eq!(contents(&decoded), expected);
    assert!(decoded.unknown.is_empty() && decoded.ended);
    let message = &decoded.message;
    assert_eq!(message.stop_reason.as_deref(), Some("refusal"));
    let details = r#"{"type":"refusal","category":"cyber","explanation":"Not this."}"#;
    assert_eq!(message.stop_details.as_deref(), Some(details));
    assert_eq!(message.usage.output, Some(Tokens(30)), "iterations are no usage of their own");
}

#[test]
fn what_is_not_known_is_kept_and_counted() {
    let stream = [
        r#"{"type":"message_dreamt"}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"dream","text":"x"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"dream_delta"}}"#,
        "not JSON",
    ]
    .map(|data| format!("data: {data}\n\n"))
    .concat();
    let decoded = each_cut(&stream, AnthropicResponse::new);
    assert_eq!(decoded.unknown, ["message_dreamt", "dream", "dream_delta", ""]);
    assert!(decoded.events.iter().all(|event| !event.3));
    let json = String::from(r#"{"type":"dream","text":"x"}"#);
    assert_eq!(contents(&decoded), [Content::Other { kind: "dream".into(), json }]);
}
