//! Gemini answers that we wrote in the provider's form: streamed in both ways, cut anywhere, and as
//! one body.

use langley_model::{Content, LiveKind, Tokens, Usage};
use langley_protocol::dialect::{Delta, ResponseDecoder};
use langley_protocol::gemini::GeminiResponse;
use langley_protocol::json_array::JsonArrayDecoder;
use langley_protocol::sse::SseEvent;
use proptest::prelude::*;

use crate::decoded::{Decoded, Facts, contents, decode_stream, text};

const TEXT: &str = include_str!("../cassettes/gemini/text.sse");
const THINKING_AND_TOOL: &str = include_str!("../cassettes/gemini/thinking_and_tool.sse");
const THINKING_AND_TOOL_ARRAY: &str = include_str!("../cassettes/gemini/thinking_and_tool.json");
const SERVER_TOOLS: &str = include_str!("../cassettes/gemini/server_tools.sse");
const ERROR: &str = include_str!("../cassettes/gemini/error.sse");
const SAFETY: &str = include_str!("../cassettes/gemini/safety.sse");
const BLOCKED: &str = include_str!("../cassettes/gemini/blocked.sse");
const STOP_IN_EVERY_CHUNK: &str = include_str!("../cassettes/gemini/stop_in_every_chunk.sse");

fn decode(reads: &[&[u8]]) -> Decoded {
    decode_stream(reads, &mut GeminiResponse::new())
}

fn decode_array(reads: &[&[u8]]) -> Decoded {
    let (mut decoded, mut decoder) = (Decoded::default(), GeminiResponse::new());
    let mut framer = JsonArrayDecoder::new(1 << 20);
    let mut each = |data: &[u8]| {
        decoded.take(&SseEvent { name: "", data, id: None, retry: None }, &mut decoder);
    };
    for read in reads {
        framer.feed(read, &mut each);
    }
    framer.finish(&mut each);
    decoded
}

/// Decodes whole, byte by byte and at every cut; all must agree.
#[track_caller]
fn at_every_cut(stream: &str, decode: fn(&[&[u8]]) -> Decoded) -> Decoded {
    let bytes = stream.as_bytes();
    let whole = decode(&[bytes]);
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(decode(&single), whole, "byte by byte");
    for cut in 0..=bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(decode(&[a, b]), whole, "cut at {cut}");
    }
    whole
}

/// All deltas of a whole body, and whether it was understood.
fn read(body: &str) -> (Vec<String>, bool) {
    let mut deltas = Vec::new();
    let known =
        GeminiResponse::new().json(body.as_bytes(), &mut |delta| deltas.push(format!("{delta:?}")));
    (deltas, known)
}

fn tool(id: &str, name: &str, input: &str) -> Content {
    Content::ToolUse { id: id.into(), name: name.into(), input: input.into() }
}

/// Blocks and kinds of an event's texts, and the blocks that ended.
type Place = (Vec<(u32, LiveKind)>, Vec<u32>);

fn places(decoded: &Decoded) -> Vec<Place> {
    let of = |(_, texts, ends, _): &Facts| {
        let texts = texts.iter().map(|text| (text.block, text.kind)).collect();
        (texts, ends.iter().copied().collect())
    };
    decoded.events.iter().map(of).collect()
}

#[test]
fn texts_that_follow_each_other_are_one_block() {
    let decoded = at_every_cut(TEXT, decode);
    assert_eq!(contents(&decoded), [text("Hello, \"world\"\nC:\\dir <é> 😀")]);
    let message = &decoded.message;
    assert_eq!(message.id.as_deref(), Some("rsp-text01"));
    assert_eq!(message.model.as_deref(), Some("gemini-2.5-pro"));
    assert_eq!(message.role.as_deref(), Some("model"));
    assert_eq!(message.stop_reason.as_deref(), Some("STOP"));
    assert!(decoded.ended && message.blocks[0].complete && decoded.unknown.is_empty());
    let expected = Usage {
        input: Some(Tokens(2110)),
        cache_read: Some(Tokens(1955)),
        output: Some(Tokens(14)),
        ..Usage::default()
    };
    assert_eq!(message.usage, expected, "the last wins, cached tokens are part of the input");
    let in_first = (vec![(0, LiveKind::Text)], vec![]);
    assert_eq!(places(&decoded), [in_first.clone(), in_first, (vec![], vec![])]);
    assert!(decoded.events.iter().all(|(kind, .., known)| kind.is_empty() && *known));
}

#[test]
fn thoughts_text_and_calls_are_blocks_of_their_own() {
    let decoded = at_every_cut(THINKING_AND_TOOL, decode);
    let thoughts = String::from("**Looking**\n\nFirst the file.");
    assert_eq!(
        contents(&decoded),
        [
            Content::Thinking { text: thoughts, signature_bytes: 8 },
            text("I will read it."),
            tool("fc_01", "read_file", r#"{"path": "a \"b\".txt","limit": 20}"#),
            tool("", "list_directory", ""),
        ]
    );
    assert!(decoded.ended && decoded.message.blocks.iter().all(|block| block.complete));
    let expected = Usage {
        input: Some(Tokens(310)),
        output: Some(Tokens(31)),
        reasoning: Some(Tokens(62)),
        ..Usage::default()
    };
    assert_eq!(decoded.message.usage, expected);
    let thinking = (vec![(0, LiveKind::Thinking)], vec![]);
    assert_eq!(
        places(&decoded),
        [
            thinking.clone(),
            thinking,
            (vec![(1, LiveKind::Text)], vec![0]),
            (vec![], vec![1]),
            (vec![], vec![]),
        ]
    );
}

#[test]
fn the_array_form_says_the_same_as_the_events() {
    let decoded = at_every_cut(THINKING_AND_TOOL_ARRAY, decode_array);
    let events = decode(&[THINKING_AND_TOOL.as_bytes()]);
    let [.., read_file, _] = &contents(&decoded)[..] else { panic!("{decoded:?}") };
    let Content::ToolUse { input, .. } = read_file else { panic!("{read_file:?}") };
    let input: serde_json::Value = serde_json::from_str(input).expect("JSON");
    assert_eq!(input, serde_json::json!({"path": "a \"b\".txt", "limit": 20}));
    // The arguments differ in their white space only.
    let no_input = |decoded: &Decoded| {
        let deltas = decoded.deltas.iter().filter(|delta| !delta.starts_with("InputJson"));
        deltas.cloned().collect::<Vec<_>>()
    };
    assert_eq!(no_input(&decoded), no_input(&events));
    assert_eq!(places(&decoded), places(&events));
    assert_eq!(read(THINKING_AND_TOOL_ARRAY), (decoded.deltas, true), "read as one body");
}

#[test]
fn server_tools_images_citations_and_unknown_parts_are_kept() {
    let decoded = at_every_cut(SERVER_TOOLS, decode);
    let contents = contents(&decoded);
    assert_eq!(contents[0], text("Let me compute. "));
    let code = r#"{"language": "PYTHON","code": "print(6 * 7)\n"}"#;
    let (id, name) = (String::new(), String::from("codeExecution"));
    assert_eq!(contents[1], Content::ServerToolUse { id, name, input: code.into() });
    let json = String::from(r#"{"outcome": "OUTCOME_OK","output": "42\n"}"#);
    let kind = String::from("codeExecutionResult");
    assert_eq!(contents[2], Content::ServerToolResult { kind, tool_use_id: String::new(), json });
    let json = String::from(r#"{"mimeType":"image/png","bytes":8}"#);
    assert_eq!(contents[3], Content::Other { kind: "inlineData".into(), json });
    let source = r#"{"startIndex": 0,"endIndex": 8,"uri": "https://example.org/42","license": ""}"#;
    let citations = vec![source.to_owned()];
    assert_eq!(contents[4], Content::Text { text: "It is 42".into(), citations });
    let json = String::from(r#"{"hologram": {"depth": 3},"thought": false}"#);
    assert_eq!(contents[5], Content::Other { kind: "hologram".into(), json });
    let chunk = r#"{"web": {"uri": "https://example.org/a","title": "example.org"}}"#;
    assert_eq!(contents[6], Content::Text { text: ".".into(), citations: vec![chunk.into()] });
    assert_eq!(contents.len(), 7);
    assert_eq!(decoded.unknown, ["hologram", "candidates"]);
    let known: Vec<_> = decoded.events.iter().map(|event| event.3).collect();
    assert_eq!(known, [true, true, true, false, true]);
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("MAX_TOKENS"));
    assert_eq!(decoded.message.usage.input, Some(Tokens(71)), "with what tools put into it");
    assert_eq!(decoded.message.usage.output, Some(Tokens(25)));
}

#[test]
fn an_error_in_the_stream_leaves_the_half_answer() {
    let decoded = at_every_cut(ERROR, decode);
    assert_eq!(contents(&decoded), [text("Half an ans")]);
    assert!(!decoded.message.blocks[0].complete && !decoded.ended);
    let error = decoded.message.error.expect("an error");
    assert_eq!(error.kind.as_deref(), Some("UNAVAILABLE"));
    let sentence = "The model is overloaded. Please try again later.";
    assert_eq!(error.message.as_deref(), Some(sentence));
}

#[test]
fn a_refusal_is_a_reason_to_stop_before_the_answer_and_in_it() {
    let decoded = at_every_cut(SAFETY, decode);
    assert_eq!(contents(&decoded), [text("Well, ")]);
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("SAFETY"));
    assert!(decoded.ended && decoded.message.blocks[0].complete);
    let decoded = at_every_cut(BLOCKED, decode);
    assert_eq!(contents(&decoded), []);
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("PROHIBITED_CONTENT"));
    assert_eq!(decoded.message.id.as_deref(), Some("rsp-blk01"));
    assert_eq!(decoded.message.usage.input, Some(Tokens(7)));
    assert!(decoded.ended);
}

#[test]
fn a_reason_in_every_chunk_ends_the_answer_once_and_no_block_early() {
    let decoded = at_every_cut(STOP_IN_EVERY_CHUNK, decode);
    assert_eq!(contents(&decoded), [text("One two three")]);
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("MAX_TOKENS"), "the last one");
    let count = |start| decoded.deltas.iter().filter(|delta| delta.starts_with(start)).count();
    assert_eq!((count("MessageStop"), count("BlockStop"), count("Stop")), (1, 1, 2));
    let place = (vec![(0, LiveKind::Text)], vec![]);
    assert_eq!(
        places(&decoded),
        [place.clone(), place.clone(), place],
        "the block is followed to the end"
    );
}

#[test]
fn a_body_gives_the_deltas_of_a_stream() {
    for stream in [TEXT, THINKING_AND_TOOL, SERVER_TOOLS, SAFETY, BLOCKED] {
        let chunks: Vec<_> =
            stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let decoded = decode(&[stream.as_bytes()]);
        assert_eq!(read(&format!("[{}]", chunks.join(","))).0, decoded.deltas);
        let first = decode(&[format!("data: {}\n\n", chunks[0]).as_bytes()]);
        assert_eq!(read(chunks[0]), (first.deltas, true));
    }
    let (deltas, known) = read(
        r#"{"candidates": [{"content": {"parts": [{"text": "hm", "thought": true},
            {"text": "a\nb", "thoughtSignature": "abcd"}, {"functionCall": {"name": "now", "args": {}}}],
            "role": "model"}, "finishReason": "STOP"}], "responseId": "r", "modelVersion": "m",
            "usageMetadata": {"promptTokenCount": 3}}"#,
    );
    assert!(known);
    assert_eq!(
        deltas,
        [
            r#"MessageStart { id: Some("r"), model: Some("m"), role: Some("model") }"#,
            "Usage(Usage { input: Some(Tokens(3)), cache_read: None, cache_write_5m: None, \
             cache_write_1h: None, output: None, reasoning: None, web_search_requests: None })",
            r#"BlockStart { index: 0, content: Thinking { text: "", signature_bytes: 0 } }"#,
            r#"Thinking { index: 0, text: "hm" }"#,
            "BlockStop { index: 0 }",
            r#"BlockStart { index: 1, content: Text { text: "", citations: [] } }"#,
            r#"Text { index: 1, text: "a\nb" }"#,
            "Signature { index: 0, bytes: 4 }",
            "BlockStop { index: 1 }",
            r#"BlockStart { index: 2, content: ToolUse { id: "", name: "now", input: "" } }"#,
            r#"InputJson { index: 2, json: "{}" }"#,
            "BlockStop { index: 2 }",
            r#"Stop { reason: Some("STOP"), sequence: None }"#,
            "MessageStop",
        ]
    );
}

#[test]
fn an_error_body_is_an_error_in_both_forms() {
    let error = r#"{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": []}}"#;
    let expected = r#"Error { kind: Some("RESOURCE_EXHAUSTED"), message: Some("slow down") }"#;
    assert_eq!(read(error), (vec![expected.to_owned()], true));
    assert_eq!(read(&format!("[{error}\n]\n")), (vec![expected.to_owned()], true));
    let code = r#"Error { kind: Some("500"), message: None }"#;
    assert_eq!(read(r#"{"error": {"code": 500}}"#), (vec![code.to_owned()], true));
    let plain = r#"Error { kind: None, message: Some("bad gateway") }"#;
    assert_eq!(read(r#"{"error": "bad gateway"}"#), (vec![plain.to_owned()], true));
}

#[test]
fn counted_tokens_are_not_usage() {
    let body =
        r#"{"totalTokens": 31, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 31}]}"#;
    assert_eq!(read(body), (vec!["TokenCount(Tokens(31))".to_owned()], true));
}

#[test]
fn what_cannot_be_read_is_unknown_and_harms_no_later_event() {
    let stream = "data: {\"candidates\": [{\"cont\n\ndata: [DONE]\n\ndata: {}\n\n\
                  data: {\"candidates\": 7}\n\ndata: {\"candidates\": [7, {}, {\"content\": 1}]}\n\n\
                  data: {\"candidates\": [{\"content\": {\"parts\": [7, {\"text\": 7}, {}]}}]}\n\n\
                  event: x\ndata: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"hi\"}]}}]}\n\n";
    let decoded = at_every_cut(stream, decode);
    let known: Vec<_> = decoded.events.iter().map(|event| event.3).collect();
    assert_eq!(known, [false, false, false, true, true, false, true]);
    assert_eq!(contents(&decoded), [text("hi")]);
    assert_eq!(decoded.unknown, ["", "", "", "", "text"]);
    assert_eq!(decoded.events[6].0, "x", "the event's name, as the data states no type");
    for body in ["", "<html>", "[]", "{}", "7", r#"{"models": []}"#, r#"{"candidates": [{"#] {
        assert_eq!(read(body), (vec![r#"Unknown { kind: "" }"#.to_owned()], false), "{body}");
    }
}

#[test]
fn an_answer_cut_off_anywhere_is_the_beginning_of_the_whole() {
    for stream in [TEXT, THINKING_AND_TOOL, SERVER_TOOLS, ERROR, SAFETY, STOP_IN_EVERY_CHUNK] {
        let whole = decode(&[stream.as_bytes()]).deltas;
        for end in 0..stream.len() {
            let cut = decode(&[&stream.as_bytes()[..end]]).deltas;
            let same = cut.iter().zip(&whole).take_while(|(cut, whole)| cut == whole).count();
            // The event that the end cut off is unknown, and nothing more.
            let rest: Vec<_> = cut[same..].iter().map(String::as_str).collect();
            assert!(matches!(rest[..], [] | [r#"Unknown { kind: "" }"#]), "{end}: {rest:?}");
        }
    }
}

proptest! {
    #[test]
    fn damaged_answers_are_read_or_said_to_be_unknown(
        at in 0_usize.., byte in prop::sample::select(b"{}[]\",:0a\\\xff".as_slice()),
    ) {
        for stream in [SERVER_TOOLS, THINKING_AND_TOOL, THINKING_AND_TOOL_ARRAY] {
            let mut damaged = stream.as_bytes().to_vec();
            let at = at % damaged.len();
            damaged[at] = byte;
            let mut unknown = false;
            let known = GeminiResponse::new()
                .json(&damaged, &mut |delta| unknown |= matches!(delta, Delta::Unknown { .. }));
            prop_assert_eq!(known, !unknown);
            for decode in [decode, decode_array] {
                let decoded = decode(&[&damaged]);
                let is_known = decoded.events.iter().all(|(.., known)| *known);
                prop_assert_eq!(is_known, decoded.unknown.is_empty());
            }
        }
    }
}

#[test]
fn what_is_not_known_is_kept_and_counted() {
    let stream = [
        r#"{"dream":1}"#,
        r#"{"candidates":[{"content":{"parts":[{"dream":{"x":1}}]}}]}"#,
        r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"another"}]}}]}"#,
        "not JSON",
    ]
    .map(|data| format!("data: {data}\n\n"))
    .concat();
    let decoded = at_every_cut(&stream, decode);
    assert_eq!(decoded.unknown, ["", "dream", "candidates", ""]);
    assert!(decoded.events.iter().all(|event| !event.3));
    let json = String::from(r#"{"dream":{"x":1}}"#);
    assert_eq!(contents(&decoded), [Content::Other { kind: "dream".into(), json }]);
}
