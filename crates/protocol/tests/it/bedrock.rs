//! Streams and bodies that we wrote in the forms of Converse and InvokeModel.

use langley_model::{Content, Few, Tokens, Usage};
use langley_protocol::bedrock::{self, Converse, ConverseAnswer, Invoke, InvokeAnswer};
use langley_protocol::dialect::{Delta, Dialect, ResponseDecoder};
use langley_protocol::event_stream::EventStreamDecoder;
use langley_protocol::sse::SseEvent;

use crate::decoded::{
    Decoded, body, call, contents, decode_messages, each_cut_of_messages, text, thinking,
};
use crate::event_stream::{frame, text as header};

const TEXT: &[u8] = include_bytes!("../cassettes/bedrock/converse_text.eventstream");
const TOOLS: &[u8] = include_bytes!("../cassettes/bedrock/converse_tools.eventstream");
const THROTTLED: &[u8] = include_bytes!("../cassettes/bedrock/converse_throttled.eventstream");
const GUARDED: &[u8] = include_bytes!("../cassettes/bedrock/converse_guarded.eventstream");
const ANTHROPIC: &[u8] = include_bytes!("../cassettes/bedrock/invoke_anthropic.eventstream");
const FAILED: &[u8] = include_bytes!("../cassettes/bedrock/invoke_failed.eventstream");
const LLAMA: &[u8] = include_bytes!("../cassettes/bedrock/invoke_llama.eventstream");

fn all_known(decoded: &Decoded) -> bool {
    decoded.unknown.is_empty() && decoded.events.iter().all(|event| event.3)
}

fn all_complete(decoded: &Decoded) -> bool {
    decoded.ended && decoded.message.blocks.iter().all(|block| block.complete)
}

/// The stream and the body tell the same message.
#[track_caller]
fn same_as_body(stream: &Decoded, json: &str, decoder: impl ResponseDecoder) {
    let (whole, known) = body(json, decoder);
    assert!(known);
    assert_eq!((&whole.message, whole.ended), (&stream.message, stream.ended));
}

const TEXT_BODY: &str = r#"{"metrics":{"latencyMs":1423},"output":{"message":{"content":[
    {"text":"Hello, \"world\"\ncafé 漢 😀"}],"role":"assistant"}},"stopReason":"end_turn",
    "usage":{"cacheDetails":[{"inputTokens":60,"ttl":"1h"},{"inputTokens":40,"ttl":"5m"}],
    "cacheReadInputTokenCount":1000,"cacheReadInputTokens":1000,"cacheWriteInputTokenCount":100,
    "cacheWriteInputTokens":100,"inputTokens":20,"outputTokens":11,"totalTokens":1131}}"#;

#[test]
fn a_converse_text_begins_with_its_first_delta() {
    let decoded = each_cut_of_messages(TEXT, ConverseAnswer::new);
    assert_eq!(contents(&decoded), [text("Hello, \"world\"\ncafé 漢 😀")]);
    assert!(all_known(&decoded) && all_complete(&decoded));
    assert_eq!(decoded.message.role.as_deref(), Some("assistant"));
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("end_turn"));
    let expected = Usage {
        input: Some(Tokens(20)),
        cache_read: Some(Tokens(1000)),
        cache_write_5m: Some(Tokens(40)),
        cache_write_1h: Some(Tokens(60)),
        output: Some(Tokens(11)),
        ..Usage::default()
    };
    assert_eq!(decoded.message.usage, expected);
    let kinds: Vec<_> = decoded.events.iter().map(|event| event.0.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "messageStart",
            "contentBlockDelta",
            "contentBlockDelta",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata"
        ]
    );
    assert_eq!(decoded.events[4].2, Few::One(0), "contentBlockStop ends block 0");
    let started = decoded.deltas.iter().filter(|delta| delta.starts_with("BlockStart")).count();
    assert_eq!(started, 1);
    same_as_body(&decoded, TEXT_BODY, ConverseAnswer::new());
}

#[test]
fn converse_reasoning_citations_and_tool_calls_are_assembled() {
    let decoded = each_cut_of_messages(TOOLS, ConverseAnswer::new);
    let citation =
        r#"{"title":"a.txt","location":{"documentChar":{"documentIndex":0,"start":0,"end":5}}}"#;
    assert_eq!(
        contents(&decoded),
        [
            thinking("Look at the file.", 12),
            Content::RedactedThinking { bytes: 8 },
            Content::Text { text: "On it.".into(), citations: vec![citation.into()] },
            call("tooluse_1", "read", r#"{"path":"a \"b\".txt"}"#),
            call("tooluse_2", "now", ""),
        ]
    );
    assert!(all_known(&decoded) && all_complete(&decoded));
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("tool_use"));
    let expected = Usage { input: Some(Tokens(410)), output: Some(Tokens(57)), ..Usage::default() };
    assert_eq!(decoded.message.usage, expected);
    let whole = format!(
        r#"{{"output":{{"message":{{"role":"assistant","content":[
            {{"reasoningContent":{{"reasoningText":{{"text":"Look at the file.","signature":"c2lnbmF0dXJl"}}}}}},
            {{"reasoningContent":{{"redactedContent":"d2l0aGhlbGQ="}}}},
            {{"citationsContent":{{"content":[{{"text":"On it."}}],"citations":[{citation}]}}}},
            {{"toolUse":{{"toolUseId":"tooluse_1","name":"read","input":{{"path":"a \"b\".txt"}}}}}},
            {{"toolUse":{{"toolUseId":"tooluse_2","name":"now"}}}}]}}}},
            "stopReason":"tool_use","usage":{{"inputTokens":410,"outputTokens":57,"totalTokens":467}}}}"#
    );
    same_as_body(&decoded, &whole, ConverseAnswer::new());
}

#[test]
fn an_exception_in_the_stream_leaves_the_half_answer() {
    let decoded = each_cut_of_messages(THROTTLED, ConverseAnswer::new);
    assert_eq!(contents(&decoded), [text("Half an ans")]);
    assert!(!decoded.message.blocks[0].complete && !decoded.ended && all_known(&decoded));
    let error = decoded.message.error.expect("an error");
    assert_eq!(error.kind.as_deref(), Some("throttlingException"));
    assert_eq!(error.message.as_deref(), Some("Too many tokens, please wait before trying again."));
    assert_eq!(decoded.events[2].0, "throttlingException");
}

#[test]
fn a_guardrail_stops_an_answer_that_is_whole() {
    let decoded = each_cut_of_messages(GUARDED, ConverseAnswer::new);
    assert_eq!(contents(&decoded), [text("Sorry, I cannot answer that.")]);
    assert!(all_known(&decoded) && all_complete(&decoded));
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("guardrail_intervened"));
    assert_eq!(decoded.message.usage.output, Some(Tokens(0)));
}

fn event<'a>(name: &'a str, data: &'a [u8]) -> SseEvent<'a> {
    SseEvent { name, data, id: None, retry: None }
}

/// The deltas of one event, and whether it was understood.
fn read(decoder: &mut impl ResponseDecoder, name: &str, json: &str) -> (Vec<String>, bool) {
    let mut deltas = Vec::new();
    let facts = decoder
        .event(&event(name, json.as_bytes()), &mut |delta| deltas.push(format!("{delta:?}")));
    (deltas, facts.known)
}

#[test]
fn what_converse_does_not_know_is_said_and_harms_no_later_event() {
    let mut decoder = ConverseAnswer::new();
    for (name, json, kind) in [
        ("brandNewEvent", "{}", "brandNewEvent"),
        ("messageStart", "[", "messageStart"),
        ("contentBlockStop", "{}", "contentBlockStop"),
        ("contentBlockDelta", r#"{"contentBlockIndex":0}"#, "contentBlockDelta"),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{}}"#, "contentBlockDelta"),
        ("contentBlockDelta", r#"{"contentBlockIndex":9,"delta":{"hologram":{}}}"#, "hologram"),
        ("contentBlockDelta", r#"{"contentBlockIndex":9,"delta":{"toolResult":[]}}"#, "toolResult"),
        ("contentBlockDelta", r#"{"contentBlockIndex":9,"delta":{"toolUse":7}}"#, "toolUse"),
        (
            "contentBlockDelta",
            r#"{"contentBlockIndex":9,"delta":{"reasoningContent":{"mood":1}}}"#,
            "reasoningContent",
        ),
    ] {
        let expected = (vec![format!("Unknown {{ kind: {kind:?} }}")], false);
        assert_eq!(read(&mut decoder, name, json), expected, "{json}");
    }
    let start = r#"{"contentBlockIndex":1,"start":{"hologram":{"depth":3}}}"#;
    let (deltas, known) = read(&mut decoder, "contentBlockStart", start);
    assert!(deltas[0].contains(r#"Other { kind: "hologram", json: "{\"depth\":3}" }"#) && !known);
    let expected = "Text { index: 2, text: \"on\" }".to_owned();
    let delta = r#"{"contentBlockIndex":2,"delta":{"text":"on"}}"#;
    assert_eq!(read(&mut decoder, "contentBlockDelta", delta).0[1], expected);
}

#[test]
fn tools_that_the_provider_runs_are_told_apart() {
    let mut decoder = ConverseAnswer::new();
    let call = r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"s1","name":"nova_grounding","type":"server_tool_use"}}}"#;
    let (deltas, known) = read(&mut decoder, "contentBlockStart", call);
    assert!(deltas[0].contains("ServerToolUse { id: \"s1\"") && known, "{deltas:?}");
    let result = r#"{"contentBlockIndex":1,"start":{"toolResult":{"toolUseId":"s1","type":"nova_grounding_result"}}}"#;
    let (deltas, known) = read(&mut decoder, "contentBlockStart", result);
    assert!(deltas[0].contains("ServerToolResult { kind: \"nova_grounding_result\"") && known);
}

#[test]
fn a_converse_body_that_is_no_answer_is_an_error_or_unknown() {
    let error = |json: &str| {
        let (decoded, known) = body(json, ConverseAnswer::new());
        let error = decoded.message.error.unwrap_or_default();
        (error.kind.unwrap_or_default(), error.message.unwrap_or_default(), known)
    };
    let is = |kind: &str, message: &str| (kind.to_owned(), message.to_owned(), true);
    assert_eq!(error(r#"{"message":"slow down"}"#), is("", "slow down"));
    assert_eq!(
        error(r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#),
        is("AccessDeniedException", "no")
    );
    for odd in
        ["", "<html>", "[]", "{}", r#"{"output":{}}"#, r#"{"output":{"message":{"content":7}}}"#]
    {
        let (decoded, known) = body(odd, ConverseAnswer::new());
        assert_eq!((decoded.unknown, known), (vec![String::new()], false), "{odd}");
    }
    let (decoded, known) = body(
        r#"{"output":{"message":{"role":"assistant","content":[{"hologram":{}},{"text":"x"},{},
            {"image":{"format":"png"}},{"guardContent":{"text":{"text":"g"}}}]}},"stopReason":"x"}"#,
        ConverseAnswer::new(),
    );
    assert!(!known);
    assert_eq!(decoded.unknown, ["hologram", ""]);
    let other = |kind: &str, json: &str| Content::Other { kind: kind.into(), json: json.into() };
    assert_eq!(
        contents(&decoded),
        [other("hologram", "{}"), text("x"), other("image", r#"{"format":"png"}"#), text("g")]
    );
}

#[test]
fn an_anthropic_answer_comes_wrapped_in_chunks() {
    for is_anthropic in [true, false] {
        let decoded = each_cut_of_messages(ANTHROPIC, || InvokeAnswer::new(is_anthropic));
        assert_eq!(
            contents(&decoded),
            [text("I will look: naïve 漢"), call("toolu_bdrk_1", "Bash", r#"{"command":"ls"}"#)]
        );
        assert!(all_known(&decoded) && all_complete(&decoded), "the metrics are no unknown event");
        let message = &decoded.message;
        assert_eq!(message.id.as_deref(), Some("msg_bdrk_01"));
        assert_eq!(message.model.as_deref(), Some("claude-opus-5-5"));
        assert_eq!(message.stop_reason.as_deref(), Some("tool_use"));
        let expected = Usage {
            input: Some(Tokens(25)),
            cache_read: Some(Tokens(8000)),
            cache_write_5m: Some(Tokens(300)),
            output: Some(Tokens(41)),
            ..Usage::default()
        };
        assert_eq!(message.usage, expected);
        assert_eq!(decoded.events[2].0, "content_block_delta", "the type of what is in the chunk");
        same_as_body(
            &decoded,
            r#"{"model":"claude-opus-5-5","id":"msg_bdrk_01","type":"message","role":"assistant",
                "content":[{"type":"text","text":"I will look: naïve 漢"},{"type":"tool_use",
                "id":"toolu_bdrk_1","name":"Bash","input":{"command":"ls"}}],
                "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":25,
                "cache_creation_input_tokens":300,"cache_read_input_tokens":8000,
                "output_tokens":41}}"#,
            InvokeAnswer::new(is_anthropic),
        );
    }
}

#[test]
fn an_invoked_model_may_fail_in_its_stream_or_instead_of_it() {
    let decoded = each_cut_of_messages(FAILED, || InvokeAnswer::new(true));
    let error = decoded.message.error.expect("an error");
    assert_eq!(error.kind.as_deref(), Some("modelStreamErrorException"));
    let sentence = "The system encountered an unexpected error during processing.";
    assert_eq!(error.message.as_deref(), Some(sentence));
    for is_anthropic in [true, false] {
        let answer = InvokeAnswer::new(is_anthropic);
        let (decoded, known) = body(r#"{"message":"slow down"}"#, answer);
        let error = decoded.message.error.expect("an error");
        assert_eq!((error.message.as_deref(), known), (Some("slow down"), true));
    }
}

#[test]
fn a_recorded_form_of_another_model_is_text() {
    let decoded = each_cut_of_messages(LLAMA, || InvokeAnswer::new(false));
    assert!(all_known(&decoded) && matches!(contents(&decoded)[..], [Content::Text { .. }]));
}

#[test]
fn an_invoked_anthropic_request_is_read_as_messages() {
    let ask = br#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"system":"s",
        "metadata":{"user_id":"{\"session_id\":\"0a1b2c3d-0000-4000-8000-00000000000f\"}"},
        "messages":[{"role":"user","content":"fix it"}]}"#;
    for dialect in [Invoke::ANTHROPIC, Invoke::ANY] {
        let facts = dialect.request(ask);
        assert_eq!((facts.max_tokens, facts.message_count), (Some(9), Some(1)));
        assert_eq!(facts.last_user_text.as_deref(), Some("fix it"));
        assert!(facts.system_present && facts.session.user_id_json.is_some());
        assert_eq!((facts.model, facts.stream), (None, None), "both are in the path");
    }
    let other = Invoke::ANY.request(br#"{"prompt":"Hi","max_gen_len":9}"#);
    assert!(other.json_ok && other.message_count.is_none());
    assert_eq!((other.max_tokens, other.last_user_text.as_deref()), (Some(9), Some("Hi")));
    let titan =
        Invoke::ANY.request(br#"{"inputText":"Hi","textGenerationConfig":{"maxTokenCount":7}}"#);
    assert_eq!((titan.max_tokens, titan.last_user_text.as_deref()), (Some(7), Some("Hi")));
    let nova = Invoke::ANY.request(
        br#"{"schemaVersion":"messages-v1","inferenceConfig":{"maxTokens":5},
            "messages":[{"role":"user","content":[{"text":"Hi"}]}]}"#,
    );
    assert_eq!((nova.max_tokens, nova.last_user_text.as_deref()), (Some(5), Some("Hi")));
    let chat = Invoke::ANY.request(br#"{"messages":[{"role":"user","content":"Hi"}]}"#);
    assert_eq!(chat.last_user_text.as_deref(), Some("Hi"));
    assert_eq!(Converse.request(br#"{"messages":[]}"#).message_count, Some(0));
}

/// What the messages of a stream become.
fn events(stream: &[u8]) -> Vec<(String, String)> {
    let (mut events, mut scratch) = (Vec::new(), Vec::new());
    EventStreamDecoder::new(1 << 20).feed(stream, &mut |message| {
        let event = bedrock::event(&message, &mut scratch);
        events.push((event.name.to_owned(), String::from_utf8_lossy(event.data).into_owned()));
    });
    events
}

#[test]
fn a_chunk_is_unwrapped_and_anything_else_is_the_payload() {
    let chunks = events(ANTHROPIC);
    assert!(chunks.iter().all(|(name, data)| name == "chunk" && data.starts_with(r#"{"type":""#)));
    let converse = events(TEXT);
    assert_eq!(converse[0].0, "messageStart");
    assert_eq!(converse[0].1, r#"{"role":"assistant","p":"abcdefghijk"}"#);
}

#[test]
fn an_error_that_only_headers_describe_becomes_json() {
    let message = |kind: &str, name: &str, more: &[u8], payload: &[u8]| {
        frame(&[&header(":message-type", kind), &header(name, "Oops")[..], more].concat(), payload)
    };
    let error = message("error", ":error-code", &header(":error-message", "a \"b\""), b"");
    let expected = ("error".to_owned(), r#"{"code":"Oops","message":"a \"b\""}"#.to_owned());
    assert_eq!(events(&error), [expected]);
    for decoded in [
        decode_messages(&[&error], ConverseAnswer::new()),
        decode_messages(&[&error], InvokeAnswer::new(true)),
    ] {
        let error = decoded.message.error.expect("an error");
        assert_eq!(
            (error.kind.as_deref(), error.message.as_deref()),
            (Some("Oops"), Some("a \"b\""))
        );
    }
    let bodied = message("error", ":error-code", &[], br#"{"message":"m"}"#);
    assert_eq!(events(&bodied), [("error".to_owned(), r#"{"message":"m"}"#.to_owned())]);
}

#[test]
fn a_chunk_that_cannot_be_unwrapped_stays_as_it_came() {
    for payload in [r#"{"bytes":"%%"}"#, r#"{"bytes":7}"#, "", "[]"] {
        let headers = [header(":event-type", "chunk"), header(":message-type", "event")].concat();
        let chunk = frame(&headers, payload.as_bytes());
        assert_eq!(events(&chunk), [("chunk".to_owned(), payload.to_owned())]);
        assert_eq!(decode_messages(&[&chunk], InvokeAnswer::new(true)).unknown, ["chunk"]);
    }
}

#[test]
fn no_cut_of_an_events_data_is_the_decoders_end() {
    for stream in [TOOLS, ANTHROPIC] {
        let mut decoder = InvokeAnswer::new(true);
        let mut converse = ConverseAnswer::new();
        for (name, data) in events(stream) {
            for end in 0..=data.len() {
                let part = &data.as_bytes()[..end];
                let mut count = 0;
                let mut out = |_: Delta<'_>| count += 1;
                decoder.event(&event(&name, part), &mut out);
                converse.event(&event(&name, part), &mut out);
                decoder.json(part, &mut out);
                converse.json(part, &mut out);
                assert!(count >= 4, "each says at least that it did not understand");
            }
        }
    }
    assert!(!decode_messages(&[TEXT], ConverseAnswer::new()).deltas.is_empty());
}

/// A stream of chunks that wrap these answers in base64.
fn chunks(answers: &[&str]) -> Vec<u8> {
    use base64::Engine as _;
    let headers = [header(":event-type", "chunk"), header(":message-type", "event")].concat();
    let wrap = |answer: &&str| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(answer);
        frame(&headers, format!(r#"{{"bytes":"{base64}"}}"#).as_bytes())
    };
    answers.iter().flat_map(wrap).collect()
}

const METRICS: &str = r#""amazon-bedrock-invocationMetrics":{"inputTokenCount":11,
    "outputTokenCount":5,"invocationLatency":300,"firstByteLatency":200}"#;

#[test]
fn models_that_are_not_anthropics_say_text_and_usage_in_their_own_forms() {
    let last = |answer: &str| format!("{}, {METRICS}}}", &answer[..answer.len() - 1]);
    let nova_end = last(r#"{"metadata":{"usage":{"inputTokens":11,"outputTokens":5}}}"#);
    let llama_end = last(
        r#"{"generation":" you","prompt_token_count":null,"generation_token_count":5,"stop_reason":"stop"}"#,
    );
    let mistral_end = last(r#"{"outputs":[{"text":" you","stop_reason":"stop"}]}"#);
    let titan_end = last(
        r#"{"outputText":" you","index":0,"totalOutputTextTokenCount":5,"completionReason":"FINISH"}"#,
    );
    let chat_end =
        last(r#"{"choices":[{"index":0,"delta":{"content":" you"},"finish_reason":"stop"}]}"#);
    let r1_end = last(r#"{"choices":[{"text":" you","stop_reason":"stop"}]}"#);
    let command_end = last(r#"{"is_finished":true,"finish_reason":"COMPLETE"}"#);
    let command_r_end = last(
        r#"{"is_finished":true,"event_type":"stream-end","finish_reason":"COMPLETE","response":{"text":"Hello, you"}}"#,
    );
    let forms: [(&str, Vec<&str>, &str); 8] = [
        (
            "stop",
            vec![r#"{"choices":[{"text":"Hello,","stop_reason":null}]}"#, &r1_end],
            r#"{"choices":[{"text":"Hello, you","stop_reason":"stop"}]}"#,
        ),
        (
            "COMPLETE",
            vec![
                r#"{"text":"Hello,","is_finished":false}"#,
                r#"{"text":" you","is_finished":false}"#,
                &command_end,
            ],
            r#"{"id":"g","generations":[{"text":"Hello, you","finish_reason":"COMPLETE"}],"prompt":"Hi"}"#,
        ),
        (
            "COMPLETE",
            vec![
                r#"{"is_finished":false,"event_type":"stream-start","generation_id":"g"}"#,
                r#"{"is_finished":false,"event_type":"text-generation","text":"Hello,"}"#,
                r#"{"is_finished":false,"event_type":"text-generation","text":" you"}"#,
                &command_r_end,
            ],
            r#"{"response_id":"r","text":"Hello, you","generation_id":"g","finish_reason":"COMPLETE"}"#,
        ),
        (
            "end_turn",
            vec![
                r#"{"messageStart":{"role":"assistant"}}"#,
                r#"{"contentBlockDelta":{"delta":{"text":"Hello,"},"contentBlockIndex":0}}"#,
                r#"{"contentBlockDelta":{"delta":{"text":" you"},"contentBlockIndex":0}}"#,
                r#"{"contentBlockStop":{"contentBlockIndex":0}}"#,
                r#"{"messageStop":{"stopReason":"end_turn"}}"#,
                &nova_end,
            ],
            r#"{"output":{"message":{"content":[{"text":"Hello, you"}],"role":"assistant"}},
                "stopReason":"end_turn","usage":{"inputTokens":11,"outputTokens":5}}"#,
        ),
        (
            "stop",
            vec![
                r#"{"generation":"Hello,","prompt_token_count":11,"generation_token_count":1,"stop_reason":null}"#,
                &llama_end,
            ],
            r#"{"generation":"Hello, you","prompt_token_count":11,"generation_token_count":5,
                "stop_reason":"stop"}"#,
        ),
        (
            "stop",
            vec![r#"{"outputs":[{"text":"Hello,","stop_reason":null}]}"#, &mistral_end],
            r#"{"outputs":[{"text":"Hello, you","stop_reason":"stop"}]}"#,
        ),
        (
            "FINISH",
            vec![
                r#"{"outputText":"Hello,","index":0,"completionReason":null,"inputTextTokenCount":11}"#,
                &titan_end,
            ],
            r#"{"inputTextTokenCount":11,"results":[{"tokenCount":5,"outputText":"Hello, you",
                "completionReason":"FINISH"}]}"#,
        ),
        (
            "stop",
            vec![r#"{"choices":[{"index":0,"delta":{"content":"Hello,"}}]}"#, &chat_end],
            r#"{"choices":[{"index":0,"message":{"content":"Hello, you"},"finish_reason":"stop"}],
                "usage":{"prompt_tokens":11,"completion_tokens":5}}"#,
        ),
    ];
    for (reason, stream, whole) in forms {
        let decoded = each_cut_of_messages(&chunks(&stream), || InvokeAnswer::new(false));
        assert_eq!(contents(&decoded), [text("Hello, you")], "{whole}");
        assert!(all_known(&decoded) && all_complete(&decoded), "{whole}");
        assert_eq!(decoded.message.stop_reason.as_deref(), Some(reason));
        let usage = decoded.message.usage;
        assert_eq!((usage.input, usage.output), (Some(Tokens(11)), Some(Tokens(5))), "{whole}");
        assert!(decoded.events.iter().any(|event| event.1.as_slice().len() == 1), "{whole}");
        let (body, known) = body(whole, InvokeAnswer::new(false));
        assert_eq!((contents(&body), known), (vec![text("Hello, you")], true));
        assert_eq!(body.message.stop_reason.as_deref(), Some(reason));
    }
    let calls = r#"{"text":"","finish_reason":"COMPLETE","tool_calls":[{"name":"x"}]}"#;
    assert!(
        !body(calls, InvokeAnswer::new(false)).1,
        "calls that are not read are not passed over"
    );
    let (vectors, known) =
        body(r#"{"embedding":[0.1],"inputTextTokenCount":4}"#, InvokeAnswer::new(false));
    assert!(known && vectors.message.blocks.is_empty() && !vectors.ended);
    assert_eq!(vectors.message.usage.input, Some(Tokens(4)));
}

#[test]
fn a_guardrail_that_intervened_is_told_beside_the_reason() {
    let (converse, _) = body(
        r#"{"output":{"message":{"role":"assistant","content":[{"text":"No."},
            {"image":{"format":"png","source":{"bytes":"aGVsbG8="}}}]}},
            "stopReason":"guardrail_intervened","trace":{"guardrail":{"actionReason":"Blocked"}}}"#,
        ConverseAnswer::new(),
    );
    assert_eq!(converse.message.stop_reason.as_deref(), Some("guardrail_intervened"));
    assert_eq!(converse.message.stop_details.as_deref(), Some(r#"{"actionReason":"Blocked"}"#));
    let json = String::from(r#"{"format":"png","bytes":5}"#);
    assert_eq!(contents(&converse)[1], Content::Other { kind: "image".into(), json });
    let (invoke, _) = body(
        r#"{"generation":"No.","stop_reason":"stop","amazon-bedrock-guardrailAction":"INTERVENED"}"#,
        InvokeAnswer::new(false),
    );
    let details = r#"{"amazon-bedrock-guardrailAction":"INTERVENED"}"#;
    assert_eq!(invoke.message.stop_details.as_deref(), Some(details));
}

#[test]
fn what_is_not_known_is_kept_and_counted() {
    let odd = [r#"{"dream":1}"#, "not JSON"];
    let invoke = decode_messages(&[&chunks(&odd)], InvokeAnswer::new(false));
    assert_eq!(invoke.unknown, ["chunk", "chunk"]);
    assert!(invoke.events.iter().all(|event| !event.3));
    let message = |name: &str, data: &str| {
        let headers = [header(":event-type", name), header(":message-type", "event")].concat();
        frame(&headers, data.as_bytes())
    };
    let stream = [
        message("dreamt", "{}"),
        message("contentBlockStart", r#"{"contentBlockIndex":0,"start":{"dream":{}}}"#),
        message("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"dream":{}}}"#),
    ]
    .concat();
    let converse = each_cut_of_messages(&stream, ConverseAnswer::new);
    assert_eq!(converse.unknown, ["dreamt", "dream", "dream"]);
    assert!(converse.events.iter().all(|event| !event.3));
}
